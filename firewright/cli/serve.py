"""`firewright serve`: the web application, for people who decide and people who ask."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._run import debugs

if TYPE_CHECKING:
    from fastapi import FastAPI

    from firewright.cli._server import Options
    from firewright.store.database import Store


_MOST_NAMES = 10


@click.command(
    "serve",
    short_help="The web application: pages, requests, API.",
    epilog="Example: firewright serve --example   Then: firewright serve /srv/policies --base-url https://firewall.example.net",
)
@click.argument("folder", metavar="[FOLDER]", required=False, type=click.Path())
@click.option("--example", is_flag=True, help="Serve an example with made-up people, in FOLDER or a temporary folder.")
@click.option("--listen", default="127.0.0.1:8080", metavar="ADDRESS:PORT", help="Where to listen; 127.0.0.1:8080.")
@click.option("--base-url", metavar="URL", help="The address that people type, as https://firewall.example.net.")
@click.option("--host", "hosts", multiple=True, metavar="NAME", help="A further name to be asked by. Again for more.")
@click.option("--behind-proxy", "proxies", multiple=True, metavar="ADDRESS", help="Believe this proxy's X-Forwarded-*.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, metavar="N", help="Processes that answer; 1.")
@click.option("--allow-http", is_flag=True, help="Let webhooks go to other machines without TLS.")
@click.option("--migrate", is_flag=True, help="Bring an older version's database to this one's form first.")
@click.option("--as-root", is_flag=True, help="Run as root all the same, as in a container without other accounts.")
@debugs
def COMMAND(
    folder: str | None, example: bool, listen: str, base_url: str | None, hosts: tuple[str, ...], proxies: tuple[str, ...],
    workers: int, allow_http: bool, migrate: bool, as_root: bool,
) -> int:  # fmt: skip
    """Serve the policies of FOLDER, the current one if none is named, to browsers and programs.

    What people ask for and decide is kept in SQLite under FIREWRIGHT_STATE_HOME, or in the PostgreSQL database that
    FIREWRIGHT_DATABASE_URL names; approved exceptions are files in FOLDER, committed where it is a git repository. Nothing
    is applied to any machine: that is what `firewright apply` does, elsewhere. The first start makes a link for the first
    account, shown at a terminal, else put into a file that is named. TLS is a reverse proxy's work: name it with --behind-proxy and
    the public address with --base-url.
    """
    from firewright.cli import _server

    _server.must_be_installed()
    if os.geteuid() == 0 and not as_root:
        raise _server.CannotServe(
            "the web application needs no root, and a fault in it would then have everything",
            "start it as an account of its own, as in: runuser -u firewright -- firewright serve; or say --as-root",
        )
    address, port = _where(listen)
    if example:
        chosen, state = _example_place(folder)
    else:
        chosen, state = _policies(folder), _server.state_folder()
    socket = _server.listening(address, port)
    shown = f"[{address}]" if ":" in address else address
    url = base_url or f"http://{'localhost' if address in ('0.0.0.0', '::') else shown}:{socket.getsockname()[1]}"  # noqa: S104
    for proxy in proxies:
        _must_be_address(proxy)
    options = _server.Options(
        str(chosen), str(state), address, port, url, workers, hosts, proxies, example, allow_http=allow_http
    )
    app = _server.made(options, migrates=migrate)
    _greet(app, options, example)
    _server.run(options, app, socket)
    return 0


def _greet(app: FastAPI, options: Options, is_example: bool) -> None:
    """Say where it is, and to whoever starts it first how to get in."""
    from firewright.cli._server import confide
    from firewright.web.app import store_of
    from firewright.workflows.invitations import invite_first

    store, now = store_of(app), datetime.now(UTC)
    _output.say(f"Firewright serves {_output.shown(options.folder)} at {options.base_url}")
    if is_example:
        _introduce(store, now, options)
    else:
        with store.writing() as c:
            secret = invite_first(c, now)
        if secret:
            _output.say("There is no account yet. Make the first one, an admin's, within three days, by a link.")
            link = [f"  {options.base_url}/invitation?link={secret}"]
            confide(link, Path(options.state), "first-link.txt", "The link")
    _warn_of_names(store)
    if options.base_url.startswith("http:") and options.address not in ("127.0.0.1", "::1"):
        _output.say(
            "warning: passwords go over the network as they are: put a proxy with TLS in front, see --behind-proxy"
        )


def _warn_of_names(store: Store) -> None:
    """Name the accounts of an older database that others may take for somebody else; the first of them, and how many more."""
    from firewright.store import accounts

    found, after = [], ""
    with store.reading() as c:
        while some := accounts.listed(c, after=after, limit=1000):
            found += [(one.name, why) for one in some if one.is_active and (why := accounts.unfit(one))]
            after = some[-1].name
    for name, why in found[:_MOST_NAMES]:
        _output.say(f"warning: the account {_output.shown(name)}: {why}")
    if found:
        more = f" ({len(found) - _MOST_NAMES} more)" if len(found) > _MOST_NAMES else ""
        _output.say(
            f"  firewright account list shows them all{more}: disable them, and make their holders other accounts"
        )


def _introduce(store: Store, now: datetime, options: Options) -> None:
    from firewright.cli._example import make_people
    from firewright.cli._server import confide

    made = make_people(store, now)
    if not made:
        _output.say("The example's accounts are there already, with the passwords that the first start showed.")
        return
    width = max(len(one.name) for one, _ in made)
    told = [f"  {one.name:{width}}  {password}  {one.shown}" for one, password in made]
    confide(told, Path(options.state), "passwords.txt", "Made-up accounts, with passwords that are told this once")
    _output.say(f"Its database is in {_output.shown(options.state)}.")


def _example_place(named: str | None) -> tuple[Path, Path]:
    """The folder of the example's policies, and the one of its database."""
    from firewright.cli._example import place, write_policies

    whole = place(named)
    policies, state = whole / "policies", whole / "state"
    write_policies(policies)
    state.mkdir(mode=0o700, exist_ok=True)
    return policies, state


def _policies(named: str | None) -> Path:
    """The folder to serve. Raises CannotServe where it holds no policy."""
    from firewright.cli._server import CannotServe
    from firewright.diagnostic import Report
    from firewright.workflows.folder import files_of

    folder = Path(named or ".").absolute()
    if not folder.is_dir():
        raise CannotServe(f"there is no folder {named}", "name the folder with the policies")
    if not any(files_of(folder, "", Report())):
        way_out = "firewright serve FOLDER, or firewright serve --example to look at one"
        raise CannotServe(
            f"{'there are' if named else 'here are'} no policies{f' in {named}' if named else ''}", way_out
        )
    return folder


def _where(listen: str) -> tuple[str, int]:
    from firewright.live.metrics_endpoint import BadEndpoint, parse_endpoint

    try:
        return parse_endpoint(listen)
    except BadEndpoint as error:
        raise click.BadParameter(f"{error}; write it as 127.0.0.1:8080 or [::1]:8080", param_hint="--listen") from None


def _must_be_address(text: str) -> None:
    from ipaddress import ip_network

    try:
        ip_network(text, strict=False)
    except ValueError:
        message = f"{text!r} is no address; name the proxy's own, as 10.0.0.5"
        raise click.BadParameter(message, param_hint="--behind-proxy") from None
