"""`firewright account`: who can log in to the web application, and what they may."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._desk import Office, office, user_here
from firewright.cli._run import Run, Shown, shows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from firewright.model.account import Actor, Grant
    from firewright.reports import AccountRow
    from firewright.store.accounts import Account

VERBS = ("list", "add", "grant", "revoke", "disable", "enable", "password", "link", "token")
ROLES = ("viewer", "requester", "approver", "operator", "admin")
_PASSWORD_LIMIT = 4096


@click.command(
    "account",
    short_help="Who can log in to the web application, and what they may.",
    epilog="Example: firewright account add tom --role requester --scope tenant-a-edge   Then: firewright account link tom",
)
@click.argument("verb", required=False, type=click.Choice(VERBS), default="list")
@click.argument("name", required=False)
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(ROLES),
    help="add, grant, revoke, token: this role. Again for more.",
)
@click.option(
    "--scope",
    default="*",
    metavar="SCOPE",
    help="What the role is for: *, a policy, or POLICY/ZONE. Everything if not said.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help="add, grant, revoke: this group, which approvals.yaml names as @NAME. Again for more.",
)
@click.option("--shown", "label", default="", metavar="TEXT", help="add: the name to show; token: what it is for.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, metavar="N", help="token: it ends after so many days; 30."
)
@click.option("--base-url", default="http://127.0.0.1:8080", metavar="URL", help="link: where the application is.")
@shows("text", "json")
def COMMAND(
    verb: str, name: str | None, roles: tuple[str, ...], scope: str, groups: tuple[str, ...], label: str, days: int,
    base_url: str, shown: Shown,
) -> int:  # fmt: skip
    """List accounts, or change one: add it, grant or revoke roles, disable or enable it, set its password, make a link or token.

    A password is asked for at the terminal, or read from standard input: never an argument, which others on the machine can see.
    A link lets its holder choose the password once. A new password ends the sessions and tokens of before. What is done here is in
    the audit log under `system:` and this user's name.
    """
    from firewright.reports import AccountRows

    run = Run.begin(shown)
    if verb == "list":
        run.will_show(AccountRows)
    elif name is None:
        raise click.UsageError(f"{verb} needs the name of an account")
    with office(run) as place:
        takes_groups = verb in ("grant", "revoke") and bool(groups)
        needs_role = verb in ("add", "grant", "revoke", "token") and (bool(roles) or not takes_groups)
        grants = _grants(run, place, roles, scope) if needs_role else ()
        if verb == "list" or name is None:
            run.show(AccountRows(tuple(_rows(place))))
        elif verb == "password":
            _set_password(place, name)
        elif verb == "link":
            _link(place, name, base_url)
        elif verb == "token":
            _token(place, name, grants, label, days)
        else:
            _output.say(_change(place, verb, name, grants, tuple(one.removeprefix("@") for one in groups), label))
    return 0


def _rows(place: Office) -> Iterator[AccountRow]:
    from firewright.reports import AccountRow
    from firewright.store import accounts

    after = ""
    with place.store.reading() as c:
        while found := accounts.listed(c, after=after, limit=1000):
            for one in found:
                proof = "provider" if one.subject else "password" if one.password_hash else "nothing"
                yield AccountRow(one.name, one.shown, one.grants, one.groups, proof, one.is_active, accounts.unfit(one))
            after = found[-1].name


def _grants(run: Run, place: Office, roles: tuple[str, ...], scope: str) -> tuple[Grant, ...]:
    """The roles of the flags. Leaves with exit code 2 for none, and for a scope that no policy here has."""
    from firewright.model.account import EVERYTHING, Grant, Role

    if not roles:
        raise click.UsageError("name a role: --role viewer, requester, approver, operator or admin")
    if "admin" in roles and scope != EVERYTHING:
        raise click.UsageError("an admin is one of everything: leave out --scope")
    policy, _, zone = scope.partition("/")
    known = place.estate.policies.get(policy)
    if scope != EVERYTHING and (known is None or (zone and zone not in known.zones)):
        from firewright.diagnostic import harmless, nearest

        near = nearest(zone or policy, known.zones if known else place.estate.policies)
        way_out = f"did you mean {near}?" if near else "run it in the folder with the policies"
        run.report.error("unknown-scope", f"no policy here has {harmless(scope, 80)!r}", help=way_out)
        run.refuse()
    return tuple(Grant(Role(role), scope) for role in roles)


def _change(
    place: Office, verb: str, name: str, grants: tuple[Grant, ...], groups: tuple[str, ...], label: str
) -> str:  # fmt: skip
    """One act on an account; what was done, in a sentence."""
    from firewright.store.account_names import fit_group
    from firewright.store.accounts import Account
    from firewright.workflows import accounts

    def add(c: Connection, who: Actor, now: datetime) -> Account:
        made = Account(name, label or name, grants=grants, groups=tuple(sorted(map(fit_group, set(groups)))))
        return accounts.add_account(c, who, made, now)

    def hold(c: Connection, who: Actor, now: datetime, *, more: bool) -> Account:
        found = accounts.find_account(c, name)
        if grants:
            held = {*found.grants, *grants} if more else set(found.grants) - set(grants)
            found = accounts.set_grants(c, who, name, held, now)
        if groups:
            inside = {*found.groups, *groups} if more else set(found.groups) - set(groups)
            found = accounts.set_groups(c, who, name, inside, now)
        return found

    acts: dict[str, tuple[Callable[[Connection, Actor, datetime], Account], str]] = {
        "add": (add, f"made; firewright account password {name} or firewright account link {name} lets its holder in"),
        "grant": (partial(hold, more=True), "granted"),
        "revoke": (partial(hold, more=False), "taken away"),
        "disable": (lambda c, who, now: accounts.set_active(c, who, name, False, now), "disabled; sessions and tokens ended"),
        "enable": (lambda c, who, now: accounts.set_active(c, who, name, True, now), "enabled"),
    }  # fmt: skip
    act, said = acts[verb]
    with _acting(place) as (c, who):
        act(c, who, place.now)
    return f"{_output.shown(name)}: {said}"


def _set_password(place: Office, name: str) -> None:
    from firewright.workflows.accounts import find_account, put_password
    from firewright.workflows.passwords import check_password, hashed

    with place.store.reading() as c:
        account = find_account(c, name)
    password = _password()
    check_password(password, account.name)
    kept = hashed(password)
    with _acting(place) as (c, who):
        # somebody may have typed for minutes: a row of the log says when it was written
        put_password(c, who, find_account(c, name), kept, datetime.now(place.now.tzinfo))
    _output.say(f"{_output.shown(account.name)}: the password is set; its sessions and tokens have ended")


def _password() -> str:
    """What somebody types twice at the terminal, or the first line of what is piped in."""
    if _output.is_terminal(sys.stdin):
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same once more", err=True)
        return typed
    line = sys.stdin.buffer.readline(_PASSWORD_LIMIT) if sys.stdin is not None else b""
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise click.UsageError("the password on standard input is no UTF-8") from None


def _link(place: Office, name: str, base_url: str) -> None:
    from firewright.workflows.invitations import invite

    with _acting(place) as (c, who):
        secret = invite(c, who, name, place.now)
    _output.put(f"{base_url.rstrip('/')}/invitation?link={secret}\n")
    _output.say(
        f"{_output.shown(name)}: whoever follows it sets a new password, which ends the old one, all sessions and all tokens"
    )


def _token(place: Office, name: str, grants: tuple[Grant, ...], label: str, days: int) -> None:
    from firewright.workflows.accounts import make_token

    with _acting(place) as (c, who):
        ends = place.now + timedelta(days=days)
        secret = make_token(c, who, name, label or "command line", grants, ends, place.now)
    _output.put(f"{secret}\n")


@contextmanager
def _acting(place: Office) -> Iterator[tuple[Connection, Actor]]:
    """A transaction, and who acts in it: the user of this machine, who needs no account, for the database is theirs to write."""
    from firewright.model.account import Actor

    with place.store.writing() as c:
        yield c, Actor(f"system:{user_here()}")
