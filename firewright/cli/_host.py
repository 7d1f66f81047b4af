"""Which host a command is about: this machine, or another over ssh; the options that say so, and what a host's errors become."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from firewright.diagnostic import harmless

if TYPE_CHECKING:
    from firewright.diagnostic import Report
    from firewright.live.host import Host

FOLDERS = ("FIREWRIGHT_STATE", "FIREWRIGHT_RUN", "FIREWRIGHT_ROOT")
"""The variables that name other places for what a managed host knows of its generations: they are handed on to it."""
_PLACE = re.compile(r"/[A-Za-z0-9_.@%,/-]{0,300}")
_OF_A_FILE = re.compile(r"\.(ya?ml|nft|rules|json|conf|txt)$", re.IGNORECASE)
Callback = TypeVar("Callback", bound=Callable[..., Any])


class BadHost(click.ClickException):
    """What is no host, or cannot be one; `way_out` is what to write instead."""

    exit_code = 2

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


def on_host(function: Callback) -> Callback:
    """Give a command the argument and the options that name a host; it gets them as `host`. Reads the environment."""

    @click.argument("destination", required=False, metavar="[HOST]")
    @reaches
    @wraps(function)
    def gathered(destination: str | None, reached: Callable[[str | None], Host], **rest: Any) -> Any:
        return function(host=reached(destination), **rest)

    return gathered  # type: ignore[return-value]


def reaches(function: Callback) -> Callback:
    """Give a command the options that say how hosts are reached; as `reached` it gets what makes a Host of a name (None: here)."""

    @click.option("--ssh-config", metavar="FILE", envvar="FIREWRIGHT_SSH_CONFIG", type=click.Path(), default="",
                  help="A configuration of ssh's in the place of the user's own.")  # fmt: skip
    @click.option("--identity", metavar="FILE", type=click.Path(), default="", help="The key that ssh logs in with.")
    @click.option("--port", metavar="N", type=click.IntRange(1, 65535), help="Where sshd listens; 22 by default.")
    @click.option("--user", metavar="NAME", default="", help="Who logs in there: root, or whom sudo lets be root.")
    @wraps(function)
    def gathered(ssh_config: str, identity: str, port: int | None, user: str, **rest: Any) -> Any:
        return function(reached=lambda name: host_of(name, ssh_config, identity, port or 0, user), **rest)

    return gathered  # type: ignore[return-value]


def host_of(destination: str | None, config: str = "", identity: str = "", port: int = 0, user: str = "") -> Host:
    """The host of that name, this machine without one. Raises BadHost, of what looks like a policy too."""
    from firewright.live.host import HostError, Local, Ssh

    folders = _folders()
    if destination is None:
        if identity or port or user:
            raise BadHost("--identity, --port and --user are about a host, and none is named", "name it: root@fw1")
        return Local(folders)
    if _OF_A_FILE.search(destination) or "/" in destination:
        named = harmless(destination, 60)
        raise BadHost(f"{named!r} is a file, not a host", f"name a policy with -p: -p {named}")
    if missing := next((one for one in (config, identity) if one and not Path(one).is_file()), ""):
        raise BadHost(f"there is no file {harmless(missing, 200)}", "name one that ssh can read")
    try:
        return Ssh(destination, config, identity, port, user, folders)
    except HostError as error:
        raise BadHost(error.message, error.help) from None


def _folders() -> dict[str, str]:
    found = {name: os.environ[name] for name in FOLDERS if os.environ.get(name)}
    for name, value in found.items():
        if not _PLACE.fullmatch(value):
            raise BadHost(f"{name} is {harmless(value, 60)!r}, no place for a host's state", "write a path from / on")
    return found


@contextmanager
def told(report: Report) -> Iterator[None]:
    """Around what asks a host: where it cannot be reached or refuses, that is an error in the report, and the block ends."""
    from firewright.live.host import HostError

    try:
        yield
    except HostError as error:
        report.error(error.name, error.message, help=error.help)
