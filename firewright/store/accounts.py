"""Accounts: who can log in, what they may, and how they prove who they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from firewright.model.account import Actor, Grant, Role, Way
from firewright.store.account_names import fit_name, fit_shown
from firewright.store.columns import fit
from firewright.store.errors import UnfitText
from firewright.store.tables import ACCOUNTS, NAME


@dataclass(frozen=True, slots=True)
class Account:
    """One person or program: a name that never changes, the name to show, grants and groups.

    `password_hash` is empty for one without a password, `subject` for one that no OIDC provider knows. `let_in_by` is who made the
    link by which the password was last set: they could have followed it themselves. One that is not active can do nothing; accounts
    are not deleted, for the log names them.
    """

    name: str
    shown: str = ""
    password_hash: str = field(default="", repr=False)
    grants: tuple[Grant, ...] = ()
    groups: tuple[str, ...] = ()
    is_active: bool = True
    subject: str = ""
    let_in_by: str = ""

    def actor(self, way: Way = Way.CLI, origin: str = "") -> Actor:
        """The account as it acts, with all that it may."""
        return Actor(self.name, self.grants, self.groups, way, origin, self.shown, let_in_by=self.let_in_by)


def key_of(name: str) -> str:
    """What two names have in common that a person would take for the same: case, width and composition do not count.

    Raises UnfitText for an empty name, one with blanks or signs that do not show, and one that is too long.
    """
    key = normalize("NFKC", normalize("NFKC", fit(name, NAME)).casefold())
    if not key or len(key.encode()) > NAME or not name.isprintable() or any(one.isspace() for one in key):
        raise UnfitText(
            "the account's name is empty, too long, or has characters that do not show", "use letters, digits and -_.@"
        )
    return key


def add(c: Connection, account: Account) -> bool:
    """Keep a new account; False where its name, or one that looks like it, or its subject is taken.

    Raises UnfitText for a name as `account_names` takes none, and for one to show that does not.
    """
    key = key_of(account.name)
    if _is_taken(c, ACCOUNTS.c.key == key) or (account.subject and _is_taken(c, ACCOUNTS.c.subject == account.subject)):
        return False
    fit_name(account.name)
    fit_shown(account.shown)
    c.execute(insert(ACCOUNTS).values(key=key, name=account.name, **_values(account)))
    return True


def unfit(account: Account) -> str:
    """Why an account that is there would not be made today, for it looks like another or means something else; empty if it would."""
    try:
        fit_name(account.name)
        fit_shown(account.shown)
    except UnfitText as error:
        return error.message
    return ""


def find(c: Connection, name: str) -> Account | None:
    """The account that somebody means by a name, in whatever case it is typed. Raises UnfitText as `key_of` does."""
    return _one(c.execute(select(ACCOUNTS).where(ACCOUNTS.c.key == key_of(name))).first())


def of_subject(c: Connection, subject: str) -> Account | None:
    """The account that an OIDC provider's subject (with its issuer, as one text) belongs to."""
    return _one(c.execute(select(ACCOUNTS).where(ACCOUNTS.c.subject == subject)).first()) if subject else None


def put(c: Connection, account: Account) -> bool:
    """Keep an account as it is now; False where there is none of its name, or its subject is another's. Raises UnfitText."""
    key = key_of(account.name)
    if account.subject and _is_taken(c, ACCOUNTS.c.subject == account.subject, ACCOUNTS.c.key != key):
        return False
    return c.execute(update(ACCOUNTS).where(ACCOUNTS.c.key == key).values(**_values(account))).rowcount == 1


def listed(c: Connection, *, after: str = "", limit: int = 1000) -> tuple[Account, ...]:
    """Accounts by name, at most `limit` of those after a name."""
    query = select(ACCOUNTS).order_by(ACCOUNTS.c.key).limit(max(1, min(limit, 10_000)))
    if after:
        query = query.where(ACCOUNTS.c.key > key_of(after))
    return tuple(account for row in c.execute(query) if (account := _one(row)))


def is_empty(c: Connection) -> bool:
    """Whether there is no account yet."""
    return c.execute(select(ACCOUNTS.c.key).limit(1)).first() is None


def grants_text(grants: tuple[Grant, ...]) -> tuple[str, ...]:
    """Grants as they are kept: `ROLE SCOPE`."""
    return tuple(f"{grant.role.value} {grant.scope}" for grant in grants)


def grants_of(texts: tuple[str, ...]) -> tuple[Grant, ...]:
    """Grants as `grants_text` wrote them; a role that this version does not know is left out: it permits nothing."""
    pairs = (text.partition(" ") for text in texts)
    return tuple(Grant(Role(role), scope) for role, _, scope in pairs if role in set(Role))


def _is_taken(c: Connection, *wanted: ColumnElement[bool]) -> bool:
    return c.execute(select(ACCOUNTS.c.key).where(*wanted)).first() is not None


def _values(account: Account) -> dict[str, object]:
    return {
        "shown": account.shown,
        "password_hash": account.password_hash,
        "grants": grants_text(account.grants),
        "groups": account.groups,
        "is_active": account.is_active,
        "subject": account.subject or None,
        "let_in_by": account.let_in_by or None,
    }


def _one(row: Row[Any] | None) -> Account | None:
    if row is None:
        return None
    return Account(
        name=row.name,
        shown=row.shown,
        password_hash=row.password_hash,
        grants=grants_of(row.grants),
        groups=row.groups,
        is_active=row.is_active,
        subject=row.subject or "",
        let_in_by=row.let_in_by or "",
    )
