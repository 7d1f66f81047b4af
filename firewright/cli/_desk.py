"""Where commands about requests act: the store, the current folder's policies, and who types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from firewright.cli import _output
from firewright.cli._run import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from firewright.model.account import Actor
    from firewright.model.request import Request
    from firewright.store.database import Store
    from firewright.workflows.requests.acting import Desk
    from firewright.workflows.requests.estate import Estate
    from firewright.workflows.requests.refused import Refused

DATABASE, TOKEN, STATE = "FIREWRIGHT_DATABASE_URL", "FIREWRIGHT_TOKEN", "FIREWRIGHT_STATE_HOME"
_OPTIONS = {"sources": "from", "destinations": "to", "overrides": "override"}
"""What the command line calls parts of a wish."""
NOT_APPROVED = 5
"""The exit code where an approval is missing or has ended."""
_FILE = "firewright.db"
_EXTRA = 'pip install "firewright[web]"'


@dataclass(frozen=True, slots=True)
class Office:
    """What a command works with: the run, the store with the folder of its keys, the estate, and now."""

    run: Run
    store: Store
    state: Path
    estate: Estate
    now: datetime

    @contextmanager
    def looking(self) -> Iterator[Desk]:
        """A desk at which nothing is changed. Leaves with exit code 2 for an account that nobody knows."""
        with self.store.reading() as connection:
            yield self._desk(connection)

    @contextmanager
    def deciding(self) -> Iterator[Desk]:
        """A desk at which one thing is done, whole or not at all."""
        with self.store.writing() as connection:
            yield self._desk(connection)

    def settle(self) -> tuple[str, ...]:
        """Make the files as the requests say; what was done, in words. What could not be is said on standard error."""
        from firewright.workflows.requests.exceptions import settle

        done = settle(self.store, self.estate, self.now)
        for trouble in done.troubles:
            _output.say(f"firewright: {trouble}")
        said = [f"wrote {path}" for path in done.written] + [f"removed {path}" for path in done.removed]
        return (*said, *(f"committed {one[:12]}" for one in done.commits))

    def _desk(self, connection: Connection) -> Desk:
        from firewright.workflows.requests.acting import Desk

        return Desk(connection, self.estate, actor_here(self.run, connection, self.now), self.now)


def state_folder() -> Path:
    """The folder for the database and keys of whoever runs this: $FIREWRIGHT_STATE_HOME, or below $XDG_STATE_HOME."""
    own = os.environ.get(STATE, "")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_STATE_HOME", "") or Path.home() / ".local" / "state") / "firewright"


def has_office() -> bool:
    """Whether a database was named or made, so that there is somebody to ask."""
    return bool(os.environ.get(DATABASE, "")) or (state_folder() / _FILE).exists()


@contextmanager
def office(run: Run) -> Iterator[Office]:
    """The store and the estate. Leaves with an exit code where they cannot be had, or where an act is refused."""
    try:
        from firewright.store.database import open_store, sqlite_url
        from firewright.store.errors import StoreError, UnfitText
        from firewright.store.head_files import make_folder
    except ImportError:
        run.report.error("no-store", "requests need a database, and its library is not installed", help=_EXTRA)
        run.refuse()
    from firewright.workflows.requests.estate import read_estate

    now = datetime.now(timezone.utc)  # noqa: UP017 - shorter to say
    try:
        state = state_folder()
        make_folder(state)
        store = open_store(os.environ.get(DATABASE, "") or sqlite_url(state / _FILE))
        if not store.revision():
            store.migrate()
        with refusing(run):
            yield Office(run, store, state, read_estate(now), now)
    except StoreError as error:
        run.report.error("no-store", error.message, help=error.help)
        run.refuse()
    except UnfitText as error:
        run.report.error("unfit-text", error.message, help=error.help)
        run.refuse()


@contextmanager
def refusing(run: Run) -> Iterator[None]:
    """Leave with an exit code where an act is refused."""
    from firewright.workflows.requests.refused import Refused

    try:
        yield
    except Refused as refused:
        _refuse(run, refused)


def actor_here(run: Run, connection: Connection, now: datetime) -> Actor:
    """Whoever types: the account of the token in the environment, or the one called like the user of this machine."""
    from firewright.model.account import Way, narrowed_actor
    from firewright.store import accounts, tokens

    secret = os.environ.get(TOKEN, "")
    if secret:
        token = tokens.find(connection, secret, now)
        account = accounts.find(connection, token.account) if token is not None else None
        if token is None or account is None:
            run.report.error("unknown-account", f"{TOKEN} is no token, or one that has ended", help="make a new one")
            run.refuse()
        return narrowed_actor(account.actor(Way.CLI, _host()), token.scopes)
    name = user_here()
    account = accounts.find(connection, name)
    if account is None or not account.is_active:
        way_out = f"firewright account add {name} --role requester, or set {TOKEN}"
        run.report.error("unknown-account", f"nobody here is called {name}", help=way_out)
        run.refuse()
    return account.actor(Way.CLI, _host())


def user_here() -> str:
    """The user of this process: what the system says, not what the environment claims."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _host() -> str:
    return os.uname().nodename


def _refuse(run: Run, refused: Refused) -> NoReturn:
    for one in refused.diagnostics:
        run.report.add(one)
    is_several = len(refused.fields) > 1 and not refused.diagnostics
    for key, said in refused.fields.items() if is_several else ():
        run.report.error(refused.name, f"{_OPTIONS.get(key, key)}: {said}")
    if not refused.diagnostics and not is_several:
        run.report.error(refused.name, str(refused), help=refused.help)
    run.warn()
    raise click.exceptions.Exit(NOT_APPROVED if refused.name == "not-approved" else 2)


def decided(run: Run, number: int, act: Callable[[Desk], Request]) -> None:
    """Do one act on a request, put the files in place, and show what has become of it."""
    from firewright.reports import RequestShown
    from firewright.workflows.requests import in_force

    run.will_show(RequestShown)
    with office(run) as place:
        with place.deciding() as desk:
            found = act(desk)
            shown = RequestShown(found, None, in_force.still_lacking(desk, found) if found.state == "submitted" else ())
        for said in place.settle():
            _output.say(said)
        run.show(shown)
