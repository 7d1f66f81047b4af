"""Passwords: what is taken as one, how it is kept (argon2id), and that guessing is slow for whoever guesses and for nobody else."""

from __future__ import annotations

from functools import cache
from threading import BoundedSemaphore
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from firewright.workflows.requests.refused import Refused

SHORTEST = 12
"""Characters. NIST SP 800-63B asks for 8 at least and 15 where nothing else is asked; tries are few and slow here."""
_LONGEST = 1000
_FEWEST_KINDS = 5
_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""The second recommendation of RFC 9106, section 4: 64 MiB, three passes, four lanes."""
_TURNS = BoundedSemaphore(2)
"""How many are reckoned at once in one process: each takes 64 MiB, and people who log in are not to fill the memory."""
_PATIENCE = 10.0


def check_password(password: str, name: str) -> None:
    """Raises Refused (422) for a password that is too short, too plain, too long, or says the account's name."""
    plain = _plain(password)
    if len(plain) < SHORTEST or len(set(plain)) < _FEWEST_KINDS:
        help_ = "a sentence of four or five words that nobody else would think of does well"
        raise Refused("weak-password", f"a password needs {SHORTEST} characters, not always the same ones", help_, 422)
    if len(plain) > _LONGEST:
        raise Refused("weak-password", f"a password has at most {_LONGEST} characters", "shorten it", 422)
    if len(name) > 2 and name.casefold() in plain.casefold():
        raise Refused("weak-password", "the password has the account's name in it", "leave the name out", 422)


def hashed(password: str) -> str:
    """The password as it is kept; every time with another salt. Takes about a tenth of a second and 64 MiB."""
    with _turn():
        return _HASHER.hash(_plain(password))


def fits(password: str, kept: str) -> bool:
    """Whether a password is the kept one; where nothing is kept it takes as long, and is none."""
    with _turn():
        try:
            _HASHER.verify(kept or _nobodys(), _plain(password)[:_LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with other costs than now, so that the next login should make it anew."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _HASHER.hash("of nobody")


class _turn:
    """A place among the few that reckon. Raises Refused (429) where none becomes free."""

    def __enter__(self) -> None:
        if not _TURNS.acquire(timeout=_PATIENCE):
            raise Refused("busy", "too many people log in at this moment", "try again in a minute", 429)

    def __exit__(self, *_error: object) -> None:
        _TURNS.release()


def _plain(password: str) -> str:
    """The password as people mean it, whichever keyboard composed its letters (NFKC, as SP 800-63B asks)."""
    return normalize("NFKC", password)
