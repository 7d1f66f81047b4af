"""The web server's process: its settings from flags and environment, its socket, its log; several processes where that is asked."""

from __future__ import annotations

import errno
import gc
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firewright.cli import _output
from firewright.cli._desk import DATABASE
from firewright.cli._desk import state_folder as named_folder

if TYPE_CHECKING:
    from fastapi import FastAPI

    from firewright.live.web_socket import Socket
    from firewright.web.settings import Oidc, Settings

_HANDED = "FIREWRIGHT_SERVE_OPTIONS"
"""The variable by which the processes of one server get its options; never a secret."""
_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
_MOST_AT_ONCE = 500
"""Connections that one process keeps; whoever comes later is told to come again (503)."""
_LEAVE_SECONDS = 10
_MOST_ANSWERED = 400_000
"""Requests after which one of several processes is replaced: sets of addresses that are asked about stay in it, 1 KB a question."""
_DEAF_SECONDS = 60
"""A process that does not answer for so long is replaced; uvicorn's 5 s would end one that is only busy, with all that it answers."""
_COLLECTED = (20_000, 20, 50)
"""How seldom the collector of reference cycles looks: pages make few cycles, and each full look stops all of them."""
_INSTALL = 'pip install "firewright[web]"'


class CannotServe(click.ClickException):
    """The server cannot start; `way_out` says what to do."""

    exit_code = 2

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


@dataclass(frozen=True, slots=True)
class Options:
    """What the flags say; `proxies` are the addresses whose X-Forwarded-* are believed."""

    folder: str
    state: str
    address: str
    port: int
    base_url: str
    workers: int = 1
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    is_demo: bool = False
    counters: str = ""
    allow_http: bool = False


def state_folder() -> Path:
    """The folder for database and keys, made for its owner alone where there is none. Raises CannotServe."""
    from firewright.store.errors import StoreError
    from firewright.store.head_files import make_folder

    home = named_folder().absolute()
    try:
        make_folder(home)
    except StoreError as error:
        raise CannotServe(error.message, error.help) from None
    return home


def confide(lines: Iterable[str], folder: Path, name: str, what: str) -> None:
    """Show what opens doors at the terminal only; where nobody looks at one, put it into a file of its owner alone and say where.

    `what` begins the sentence that says what it is.

    What a service says on standard error is kept in a journal, for more eyes and longer than a password should be.
    """
    text = "\n".join(lines)
    if _output.is_terminal(sys.stderr):
        _output.say(f"{what}:\n{text}")
        return
    path = folder / name
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        message = f"{_output.shown(path)} cannot be written: {(error.strerror or 'unknown').lower()}"
        raise CannotServe(message, "start it once at a terminal, which shows it") from None
    _output.say(f"{what}: in {_output.shown(path)}, which only you can read. Remove it when it is used.")


def must_be_installed() -> None:
    """Make sure that what the web needs is there. Raises CannotServe with how to install it."""
    from importlib.util import find_spec

    needed = (
        "fastapi",
        "uvicorn",
        "sqlalchemy",
        "alembic",
        "jinja2",
        "argon2",
        "multipart",
        "prometheus_client",
        "joserfc",
    )
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise CannotServe(f"the web application needs more than is installed: {', '.join(missing)}", _INSTALL)


def settings_of(options: Options, environment: Mapping[str, str]) -> Settings:
    """The application's settings. Raises CannotServe."""
    from firewright.web.settings import BadSettings, Settings, hosts_of

    try:
        return Settings(
            folder=Path(options.folder),
            database_url=environment.get(DATABASE, ""),
            state_folder=Path(options.state),
            base_url=options.base_url,
            is_demo=options.is_demo,
            hosts=(*hosts_of(options.address), *options.hosts),
            oidc=_oidc(environment),
            counters=Path(options.counters) if options.counters else None,
            allow_http=options.allow_http,
        )
    except BadSettings as error:
        raise CannotServe(error.message, error.help) from None


def made(options: Options, *, migrates: bool = False) -> FastAPI:
    """The application. Raises CannotServe where database or settings do not allow it."""
    from firewright.store.errors import StoreError
    from firewright.web.app import application, opened
    from firewright.web.settings import BadSettings

    os.chdir(options.folder)  # paths in complaints and in the log are as people know them
    try:
        settings = settings_of(options, os.environ)
        if migrates:
            opened(settings, migrates=True).close()
        return application(settings)
    except StoreError as error:
        raise CannotServe(error.message, error.help) from None
    except BadSettings as error:
        raise CannotServe(error.message, error.help) from None


def from_environment() -> FastAPI:
    """The application of one of several processes, as uvicorn asks for it."""
    handed: dict[str, Any] = json.loads(os.environ[_HANDED])
    _log_lines()
    gc.set_threshold(*_COLLECTED)
    return made(Options(**{**handed, "hosts": tuple(handed["hosts"]), "proxies": tuple(handed["proxies"])}))


def listening(address: str, port: int) -> Socket:
    """A socket that listens there. Raises CannotServe where that is not possible."""
    from firewright.live import web_socket

    try:
        return web_socket.listening(address, port)
    except OSError as error:
        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        if error.errno == errno.EADDRINUSE:
            other = where.removesuffix(str(port)) + str(port + 1)
            raise CannotServe(f"another program listens at {where}", f"--listen {other}") from None
        raise CannotServe(
            f"it cannot listen at {where}: {(error.strerror or 'unknown').lower()}", "see --listen"
        ) from None


def run(options: Options, app: FastAPI, place: Socket) -> None:
    """Serve until a signal ends it; what is being answered then is answered first."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    _log_lines()
    gc.set_threshold(*_COLLECTED)
    shared: dict[str, Any] = {
        "access_log": False,
        "log_config": None,
        "server_header": False,
        "proxy_headers": bool(options.proxies),
        "forwarded_allow_ips": ",".join(options.proxies),
        "limit_concurrency": _MOST_AT_ONCE,
        "timeout_graceful_shutdown": _LEAVE_SECONDS,
        "ws": "none",
        "timeout_worker_healthcheck": _DEAF_SECONDS,
    }
    if options.workers == 1:
        uvicorn.Server(uvicorn.Config(app, **shared)).run([place])
        return
    with tempfile.TemporaryDirectory(prefix="firewright-counters-") as counters:
        os.environ[_COUNTERS] = counters
        handed = {name: getattr(options, name) for name in Options.__slots__} | {"counters": counters}
        os.environ[_HANDED] = json.dumps(handed)
        shared |= {"limit_max_requests": _MOST_ANSWERED, "limit_max_requests_jitter": _MOST_ANSWERED // 4}
        config = uvicorn.Config(
            "firewright.cli._server:from_environment", factory=True, workers=options.workers, **shared
        )
        Multiprocess(config, [place]).run()


def _log_lines() -> None:
    """One line of JSON for each request, and what uvicorn complains of, on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name, level in (
        ("firewright.web", logging.INFO),
        ("uvicorn", logging.WARNING),
        ("uvicorn.error", logging.WARNING),
    ):
        log = logging.getLogger(name)
        log.setLevel(level)
        if name != "uvicorn.error":
            log.handlers, log.propagate = [handler], False


def _oidc(environment: Mapping[str, str]) -> Oidc | None:
    """The provider that FIREWRIGHT_OIDC_* name, or None. Raises CannotServe."""
    from firewright.web.settings import Oidc

    told = {
        name.removeprefix("FIREWRIGHT_OIDC_"): value
        for name, value in environment.items()
        if name.startswith("FIREWRIGHT_OIDC_")
    }
    issuer, client = told.get("ISSUER", ""), told.get("CLIENT_ID", "")
    if not issuer and not client:
        return None
    if not issuer or not client:
        missing = "FIREWRIGHT_OIDC_CLIENT_ID" if issuer else "FIREWRIGHT_OIDC_ISSUER"
        raise CannotServe("login by a provider is half set up", f"set {missing}")
    usual = Oidc(issuer, client)
    return Oidc(
        issuer=issuer,
        client_id=client,
        client_secret=_secret(told),
        label=told.get("LABEL", usual.label),
        scopes=told.get("SCOPES", usual.scopes),
        name_claim=told.get("NAME_CLAIM", usual.name_claim),
        groups_claim=told.get("GROUPS_CLAIM", usual.groups_claim),
        makes_accounts=told.get("MAKES_ACCOUNTS", "").lower() in ("yes", "true", "1"),
        grants=_grants(told.get("GRANTS", "")),
    )


def _secret(told: Mapping[str, str]) -> str:
    if path := told.get("CLIENT_SECRET_FILE", ""):
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise CannotServe(
                f"the client's secret in {path} cannot be read", "see FIREWRIGHT_OIDC_CLIENT_SECRET_FILE"
            ) from None
    return told.get("CLIENT_SECRET", "")


def _grants(text: str) -> dict[str, tuple[Any, ...]]:
    """What groups give: `GROUP=ROLE SCOPE`, with semicolons between. Raises CannotServe."""
    from firewright.store.accounts import grants_of

    found: dict[str, tuple[Any, ...]] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        group, equals, grant = (one.strip() for one in part.partition("="))
        given = grants_of((grant,)) if " " in grant else ()
        if not equals or not group or not given:
            message = f"FIREWRIGHT_OIDC_GRANTS: {part!r} gives nothing"
            raise CannotServe(message, "write GROUP=ROLE SCOPE; GROUP=ROLE SCOPE, as in netops=operator *")
        found[group] = (*found.get(group, ()), *given)
    return found
