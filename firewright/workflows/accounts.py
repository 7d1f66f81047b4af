"""What is done to accounts: made, granted, disabled, given passwords and tokens. Each act is one change and one row of the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.model.account import Actor, Grant, Role, narrowed
from firewright.store import accounts, log, outbox, sessions, tokens
from firewright.store.account_names import NOBODY, fit_group, fit_name, fit_shown
from firewright.store.accounts import Account
from firewright.store.errors import UnfitText
from firewright.workflows.passwords import check_password, hashed
from firewright.workflows.requests.refused import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_TOKENS = 50
"""Of one account that have not ended."""
MOST_GROUPS = 50
"""Of one account that no provider knows."""
LINK, RESET = "link of", "reset"
"""Details of the row that tells of a password set by a link: who made it, and whether there was a password before."""
_MOST_LINKS = 50


def find_account(c: Connection, name: str) -> Account:
    """The account of that name. Raises Refused (404)."""
    found = accounts.find(c, name)
    if found is None:
        raise Refused("no-account", f"there is no account {name!r}", "the list of accounts shows their names", 404)
    return found


def add_account(c: Connection, actor: Actor, account: Account, now: datetime) -> Account:
    """A new account. Raises Refused (409) where the name, or one that looks the same, is taken; UnfitText for a bad name."""
    if not accounts.add(c, account):
        raise Refused("account-exists", f"there is an account {account.name!r} already", "choose another name", 409)
    told = {"groups": " ".join(account.groups)} if account.groups else {}
    _tell(c, actor, "account.add", account, now, {"grants": _words(account.grants), **told})
    return account


def set_grants(c: Connection, actor: Actor, name: str, grants: Iterable[Grant], now: datetime) -> Account:
    """Give an account these roles and no others.

    Raises Refused (404, 409): nobody changes their own, which would let an admin decide too; one admin always stays.
    """
    account = find_account(c, name)
    if account.name == actor.account:
        raise Refused(
            "own-roles", "nobody changes their own roles", "another admin does, or firewright account grant", 409
        )
    changed = replace(account, grants=tuple(sorted(set(grants))))
    _must_leave_an_admin(c, account, changed)
    accounts.put(c, changed)
    details = {"grants": _words(changed.grants), "before": _words(account.grants)}
    _tell(c, actor, "account.grant", changed, now, details)
    return changed


def set_groups(c: Connection, actor: Actor, name: str, groups: Iterable[str], now: datetime) -> Account:
    """Put an account into these groups and no others: rules of approval name them with @.

    Raises Refused (404, 409): nobody changes their own, and a provider tells those of its people; UnfitText for a bad name.
    """
    account = find_account(c, name)
    if account.name == actor.account:
        raise Refused("own-groups", "nobody changes their own groups", "another admin does, or firewright account", 409)
    if account.subject:
        raise Refused("of-provider", f"the groups of {account.name} come from the provider", "change them there", 409)
    wanted = sorted(set(groups))
    if len(wanted) > MOST_GROUPS:
        raise Refused("too-many-groups", f"an account is in {MOST_GROUPS} groups at most", "take some away", 409)
    changed = replace(account, groups=tuple(map(fit_group, wanted)))
    accounts.put(c, changed)
    details = {"groups": " ".join(changed.groups) or "none", "before": " ".join(account.groups) or "none"}
    _tell(c, actor, "account.group", changed, now, details)
    return changed


def set_active(c: Connection, actor: Actor, name: str, is_active: bool, now: datetime) -> Account:
    """Let an account in again, or no more: then its sessions and tokens end for good. Raises Refused."""
    account = find_account(c, name)
    if account.name == actor.account and not is_active:
        raise Refused("own-account", "nobody disables their own account", "another admin does", 409)
    changed = replace(account, is_active=is_active)
    _must_leave_an_admin(c, account, changed)
    accounts.put(c, changed)
    if not is_active:
        sessions.end_all(c, account.name)
        tokens.end_all(c, account.name, now)
    _tell(c, actor, "account.enable" if is_active else "account.disable", changed, now)
    return changed


def set_password(c: Connection, actor: Actor, name: str, password: str, now: datetime) -> Account:
    """Give an account a password; its sessions and tokens end. Raises Refused (404, 409, 422) for a weak one."""
    account = find_account(c, name)
    check_password(password, account.name)
    return put_password(c, actor, account, hashed(password), now)


def put_password(c: Connection, actor: Actor, account: Account, kept: str, now: datetime) -> Account:
    """The same with a password that was hashed before, so that no transaction waits for that.

    Whoever changes their own stays let in by whom they were: else whoever took an account over would only have to change it once
    more. Raises Refused (409) for the account of somebody whom a provider knows, and where it was disabled, or has another password,
    since its holder proved to know the one of `account`.
    """
    is_own, proved = actor.account == account.name, account.password_hash
    account = find_account(c, account.name)
    if is_own and (not account.is_active or account.password_hash != proved):
        raise Refused("changed-meanwhile", "this account was changed a moment ago", "log in again", 409)
    changed, ended = _renewed(c, account, kept, account.let_in_by if is_own else actor.account, now)
    _tell(c, actor, "account.password", changed, now, ended)
    if not is_own:
        _tell_owner(c, changed, actor.account, bool(account.password_hash), now)
    return changed


def put_password_by_link(
    c: Connection, actor: Actor, account: Account, kept: str, maker: str, now: datetime
) -> Account:  # fmt: skip
    """The same by a link that `maker` made. Nobody has proved that it was the holder who followed it, and the log says so."""
    was_there = bool(account.password_hash)
    changed, ended = _renewed(c, account, kept, maker, now)
    details = {LINK: maker, RESET: "yes" if was_there else "no", **ended}
    _tell(c, replace(actor, account=NOBODY), "account.password", changed, now, details, f"by a link that {maker} made")
    _tell_owner(c, changed, maker, was_there, now)
    return changed


@dataclass(frozen=True, slots=True)
class LinkFollowed:
    """That a password was set by a link: who made that, when it was followed, and whether there was a password before."""

    maker: str
    at: datetime
    was_reset: bool


def links_followed(c: Connection, name: str) -> tuple[LinkFollowed, ...]:
    """The links by which an account's password was set, as the log has them, the newest first; some dozens at most."""
    rows = log.rows(c, act="account.password", about=f"account {name}", newest=True, limit=_MOST_LINKS)
    told = ((row.entry, row.entry.details) for row in rows)
    return tuple(
        LinkFollowed(details[LINK], entry.at, details.get(RESET) == "yes") for entry, details in told if LINK in details
    )


def must_be_local(account: Account) -> None:
    """Raises Refused (409) for an account for which a provider vouches: a password here would be another way into it."""
    if account.subject:
        message = f"a provider vouches for {account.name}, who has no password here"
        raise Refused("of-provider", message, "they log in with the provider, which knows them", 409)


def _renewed(
    c: Connection, account: Account, kept: str, let_in_by: str, now: datetime
) -> tuple[Account, dict[str, str]]:
    """An account with another password, and how many sessions and tokens ended with the old one."""
    must_be_local(account)
    changed = replace(account, password_hash=kept, let_in_by=let_in_by)
    accounts.put(c, changed)
    ended = {"sessions ended": sessions.end_all(c, account.name), "tokens ended": tokens.end_all(c, account.name, now)}
    return changed, {what: str(count) for what, count in ended.items()}


def _tell_owner(c: Connection, account: Account, by: str, was_reset: bool, now: datetime) -> None:
    """The event by which a receiver can tell the holder that their password was set by somebody else's doing."""
    body = {"account": account.name, "act": "account.password", "let_in_by": by, "was_reset": was_reset}
    outbox.queue(c, "account.password", json.dumps(body), now)


def make_token(
    c: Connection, actor: Actor, name: str, label: str, scopes: Iterable[Grant], expires: datetime, now: datetime
) -> str:
    """A token of an account, which may do what both it and the account may; the secret is shown this once. Raises Refused."""
    account = find_account(c, name)
    wanted = tuple(sorted(set(scopes)))
    if not wanted:
        raise Refused("no-scope", "a token without roles can do nothing", "name a role of the account", 422)
    if not narrowed(account.grants, wanted):
        raise Refused("no-scope", "the account has none of these roles", "name a role of the account", 422)
    if expires <= now:
        raise Refused("bad-end", "the token would be over already", "name a day that is to come", 422)
    if sum(one.is_valid(now) for one in tokens.listed(c, account.name)) >= MOST_TOKENS:
        raise Refused("too-many-tokens", f"an account has at most {MOST_TOKENS} tokens", "end one that is unused", 409)
    secret, token = tokens.make(c, account.name, label, wanted, now, expires)
    details = {
        "token": label,
        "number": str(token.number),
        "scopes": _words(wanted),
        "expires": expires.isoformat(timespec="minutes"),
    }
    _tell(c, actor, "token.add", account, now, details)
    return secret


def end_token(c: Connection, actor: Actor, name: str, number: int, now: datetime) -> None:
    """End one token of an account. Raises Refused (404)."""
    account = find_account(c, name)
    if not tokens.end(c, account.name, number, now):
        raise Refused("no-token", "there is no such token", "the page of the account shows its tokens", 404)
    _tell(c, actor, "token.end", account, now, {"number": str(number)})


def vouched(
    c: Connection, actor: Actor, subject: str, name: str, shown: str, groups: Iterable[str],
    grants: tuple[Grant, ...] | None, may_be_made: bool, now: datetime,
) -> Account:  # fmt: skip
    """The account of somebody whom a provider knows, with the groups that it tells, and the roles where those come from groups.

    Raises Refused (403): no account yet and none is to be made, the name is taken by an account that is not this person's, or is
    not one that is taken here.
    """
    account, is_new = accounts.of_subject(c, subject), False
    _must_be_taken(shown, fit_shown)
    if account is None:
        if not may_be_made:
            raise Refused("no-account", f"there is no account for {name} here", "ask an admin for one", 403)
        _must_be_taken(name, fit_name)
        account, is_new = Account(name=name, shown=shown, subject=subject), True
    told = replace(account, shown=shown, groups=tuple(sorted(set(groups))))
    if grants is not None:
        told = replace(told, grants=grants)
    if is_new:
        if not accounts.add(c, told):
            way_out = "an admin has to rename one of the two: they may be different people"
            raise Refused("account-exists", f"the account {name} here is not tied to the provider", way_out, 403)
        _tell(c, actor, "account.add", told, now, {"grants": _words(told.grants), "groups": " ".join(told.groups)})
    elif told != account:
        accounts.put(c, told)
        if (told.grants, told.groups) != (account.grants, account.groups):
            _tell(
                c, actor, "account.grant", told, now, {"grants": _words(told.grants), "groups": " ".join(told.groups)}
            )
    return told


def _must_be_taken(told: str, fits: Callable[[str], str]) -> None:
    """Raises Refused (403) where a provider calls somebody by what is not taken here."""
    try:
        fits(told)
    except UnfitText as error:
        message = f"the provider calls you {harmless(told, 60)!r}, and {error.message}"
        way_out = (
            "have the name changed there, or ask whoever runs this to take another claim: FIREWRIGHT_OIDC_NAME_CLAIM"
        )
        raise Refused("unfit-name", message, way_out, 403) from None


def _must_leave_an_admin(c: Connection, before: Account, after: Account) -> None:
    if _is_admin(before) and not _is_admin(after):
        others = (one for one in accounts.listed(c, limit=10_000) if one.name != before.name)
        if not any(_is_admin(one) for one in others):
            raise Refused("last-admin", f"{before.name} is the only admin", "make somebody else one first", 409)


def _is_admin(account: Account) -> bool:
    return account.is_active and Grant(Role.ADMIN) in account.grants


def _words(grants: Iterable[Grant]) -> str:
    return ", ".join(f"{grant.role} {grant.scope}" for grant in grants) or "none"


def _tell(
    c: Connection,
    actor: Actor,
    act: str,
    account: Account,
    now: datetime,
    details: Mapping[str, str] | None = None,
    because: str = "",
) -> None:
    about = f"account {account.name}"
    log.append(c, log.Entry(actor.account, act, about, actor.origin, actor.way.value, because, details or {}, now))
