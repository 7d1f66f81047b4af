"""Links that let somebody in once, to choose a password: for the first account of a new database, and for those an admin makes."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from firewright.model.account import Actor, Grant, Role
from firewright.store import accounts, log, settings
from firewright.store.account_names import SYSTEM
from firewright.store.accounts import Account
from firewright.store.secrets import fresh, hashed
from firewright.workflows.accounts import RESET, add_account, find_account, must_be_local, put_password_by_link
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

LASTS = timedelta(days=3)
FIRST = ""
"""The account's name in the link that makes the first one: whoever follows it chooses it."""
_KEPT = "invitations"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Invitation:
    """For whom a link is, until when it opens anything, and who made it (nobody for the first account's)."""

    account: str
    expires: datetime
    maker: str = ""

    @property
    def is_first(self) -> bool:
        """Whether it makes the first account."""
        return self.account == FIRST


def invite(c: Connection, actor: Actor, name: str, now: datetime) -> str:
    """The secret of a link by which an account's holder chooses a password; older ones for it are void.

    Raises Refused: 404, and 409 for the account of somebody whom a provider knows.
    """
    account = find_account(c, name)
    must_be_local(account)
    secret = _keep(c, Invitation(account.name, now + LASTS, actor.account), now)
    about, details = f"account {account.name}", {RESET: "yes" if account.password_hash else "no"}
    log.append(c, log.Entry(actor.account, "account.invite", about, actor.origin, actor.way.value, "", details, now))
    return secret


def invite_first(c: Connection, now: datetime) -> str | None:
    """The secret of the link that makes the first account, an admin's; None where there are accounts already."""
    return _keep(c, Invitation(FIRST, now + LASTS), now) if accounts.is_empty(c) else None


def invitation(c: Connection, secret: str, now: datetime) -> Invitation:
    """What a link is for. Raises Refused (404) for one that is not known, used, or over, and of an admin who is none any more."""
    found = _all(c).get(hashed(secret, "invitation"))
    if (
        found is None
        or found.expires <= now
        or (found.is_first and not accounts.is_empty(c))
        or _is_left(c, found.maker)
    ):
        raise Refused("no-invitation", "this link was used, is over, or never was one", "ask an admin for another", 404)
    return found


def accept(c: Connection, secret: str, actor: Actor, name: str, kept: str, now: datetime) -> Account:
    """Use a link: its account has the password with the hash `kept`; the first account is made, called `name`. Raises Refused."""
    found = invitation(c, secret, now)
    left = {key: one for key, one in _all(c).items() if key != hashed(secret, "invitation")}
    _write(c, left)
    if found.is_first:
        made = Account(name=name, shown=name, password_hash=kept, grants=(Grant(Role.ADMIN),))
        return add_account(c, Actor(name, way=actor.way, origin=actor.origin), made, now)
    account = find_account(c, found.account)
    if not account.is_active:
        raise Refused("disabled", "this account is disabled", "ask an admin", 403)
    return put_password_by_link(c, actor, account, kept, found.maker, now)


def _is_left(c: Connection, maker: str) -> bool:
    """Whether a link was made by an account that may let nobody in now: who was put out is not to come back by a link of before."""
    if not maker or maker.startswith(SYSTEM):
        return False
    found = accounts.find(c, maker)
    return found is not None and not (found.is_active and found.actor().is_everywhere(Role.ADMIN))


def _keep(c: Connection, made: Invitation, now: datetime) -> str:
    secret = fresh()
    left = {key: one for key, one in _all(c).items() if one.expires > now and one.account != made.account}
    if len(left) >= _MOST:
        raise Refused("too-many-links", f"{_MOST} links were made and not used", "wait until some are over", 409)
    _write(c, {**left, hashed(secret, "invitation"): made})
    return secret


def _all(c: Connection) -> dict[str, Invitation]:
    """The links that open something. Those of an older version, which did not keep who made them, do not."""
    kept = json.loads(settings.get(c, _KEPT, "{}"))
    found = {key: one for key, one in kept.items() if len(one) == len(fields(Invitation))}
    return {key: Invitation(name, datetime.fromisoformat(ends), by) for key, (name, ends, by) in found.items()}


def _write(c: Connection, left: dict[str, Invitation]) -> None:
    settings.put(
        c, _KEPT, json.dumps({key: [one.account, one.expires.isoformat(), one.maker] for key, one in left.items()})
    )
