"""Whether the audit log is whole, its chain and every head of it that was signed and kept; and whether requests are as it says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from firewright.model.request import Request
from firewright.reports import LogVerdict
from firewright.store import chain, head_files, heads, log, requests
from firewright.store.chain import Verdict
from firewright.store.database import Store
from firewright.store.heads import SignedHead
from firewright.workflows.requests.log_held import Ledger

if TYPE_CHECKING:
    from sqlalchemy import Connection

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


def check_log(
    store: Store, state: Path, more: Iterable[SignedHead] = (), public: str = "", *, tells_which: bool = True
) -> Verdict:
    """Whether every row is as it was written, and agrees with all heads that were signed here, and `more` that were kept elsewhere.

    Where it is, also whether every request and approval is as its rows say; `tells_which` is false for whoever may not know of every
    request. `public` is the key in PEM that heads are held against; that of this place where none is given. Raises StoreError.
    """
    head_files.make_folder(state)
    key = heads.read_public(public) if public else heads.key_at(state / KEY).public_key()
    known = (*head_files.kept(state / HEADS), *more)
    ledger = Ledger()
    with store.reading() as connection:
        found = chain.verify(ledger.gathering(log.stream(connection)), known, key)
        return ledger.held(found, _every(connection), tells_which=tells_which) if found.is_intact else found


def _every(c: Connection) -> list[Request]:
    """Every request, by number."""
    found: list[Request] = []
    while page := requests.listed(c, after=found[-1].number if found else 0, limit=1000, newest=False):
        found += page
    return found


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
