"""Whether the audit log is whole: its chain, and every head of it that was signed and kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from firewright.reports import LogVerdict
from firewright.store import chain, head_files, heads, log
from firewright.store.chain import Verdict
from firewright.store.database import Store
from firewright.store.heads import SignedHead

KEY = "log.key"
HEADS = "log.heads"
"""In the folder of the state: the key that heads are signed with, and those that were signed here."""


def sign_head(store: Store, state: Path, now: datetime, to: Path | None = None) -> SignedHead:
    """The log's end as it is now, signed and kept here, and in another file if one is named. Raises StoreError."""
    head_files.make_folder(state)
    with store.reading() as connection:
        head = log.head(connection)
    signed = heads.sign_head(heads.key_at(state / KEY), head, now)
    for path in (state / HEADS, *((to,) if to is not None else ())):
        head_files.keep(path, signed)
    return signed


def check_log(store: Store, state: Path, more: Iterable[SignedHead] = (), public: str = "") -> Verdict:
    """Whether every row is as it was written, and agrees with all heads that were signed here, and `more` that were kept elsewhere.

    `public` is the key in PEM that these are held against; that of this place where none is given. Raises StoreError.
    """
    head_files.make_folder(state)
    key = heads.read_public(public) if public else heads.key_at(state / KEY).public_key()
    known = (*head_files.kept(state / HEADS), *more)
    with store.reading() as connection:
        return chain.verify(log.stream(connection), known, key)


def verdict_of(found: Verdict) -> LogVerdict:
    """A verdict as it is shown."""
    kind = found.kind.value if found.kind is not None else ""
    return LogVerdict(
        found.is_intact, found.message, kind, found.first, found.last, found.rows, found.covered, found.note
    )


def public_key(state: Path) -> str:
    """The public key of this place in PEM, to be kept elsewhere beside the heads. Raises StoreError."""
    head_files.make_folder(state)
    return heads.public_of(heads.key_at(state / KEY))
