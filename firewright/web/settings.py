"""What the web application is told when it starts: where policies, database and keys lie, its address, its limits, its provider."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from firewright.diagnostic import harmless
from firewright.model.account import Grant

_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\]")
DATABASE_FILE = "firewright.db"
"""The SQLite database in the folder for state, which the command line uses too."""
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""The names by which a browser on the same machine asks for it."""


class BadSettings(ValueError):
    """Something that the application cannot start with; `help` says the way out."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, slots=True)
class Oidc:
    """A provider of OpenID Connect that people may log in with.

    `grants` are what membership in one of its groups gives; `makes_accounts` says whether somebody who was never here gets an
    account. `name_claim` and `groups_claim` are the claims of the ID token that hold the account's name and its groups.
    """

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    label: str = "single sign-on"
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    makes_accounts: bool = False
    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)

    def grants_of(self, groups: Iterable[str]) -> tuple[Grant, ...]:
        """What these groups give, each grant once, sorted."""
        return tuple(sorted({grant for group in groups for grant in self.grants.get(group, ())}))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that one application is made from.

    `folder` holds the policies, `state_folder` the keys and the SQLite database, which an empty `database_url` means. `base_url`
    is the address that people type: the only one whose pages may send forms, and what links in mail and pictures begin with.
    `hosts` are further names (without port) by which it may be asked, beside the one in `base_url`. `idle` and `absolute` bound
    a session; `body_limit` is in bytes, `seconds` how long one answer may take. `counters` is the folder in which several
    processes of one server keep what they count. `allow_http` lets webhooks go to other machines without TLS.
    """

    folder: Path
    database_url: str = field(repr=False)
    state_folder: Path
    base_url: str = "http://127.0.0.1:8080"
    is_demo: bool = False
    hosts: tuple[str, ...] = ()
    oidc: Oidc | None = None
    idle: timedelta = timedelta(hours=2)
    absolute: timedelta = timedelta(hours=12)
    body_limit: int = 1 << 20
    seconds: float = 30.0
    counters: Path | None = None
    allow_http: bool = False

    def __post_init__(self) -> None:
        """Refuse an address that no browser could send forms to. Raises BadSettings."""
        for name in self.hosts:
            if not _HOST.fullmatch(name):
                raise BadSettings(f"{harmless(name, 60)!r} is no name of a host", "write it as firewall.example.net")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise BadSettings(
                f"{self.base_url!r} is no address of a web page", "write it as https://firewall.example.net"
            )

    @property
    def origin(self) -> str:
        """The origin (RFC 6454) of its pages, as browsers send it: scheme, host in lower case, port unless it is the usual one."""
        parts = urlsplit(self.base_url)
        usual = {"http": 80, "https": 443}[parts.scheme]
        host = _host_of(parts.hostname or "")
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, usual) else "")

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.base_url.startswith("https:")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """The names, without ports, that a request's Host may have."""
        return frozenset((_host_of(urlsplit(self.base_url).hostname or ""), *(name.lower() for name in self.hosts)))


def hosts_of(listen: str) -> tuple[str, ...]:
    """By which names it is asked when it listens at an address: the address, and the machine's own where it is loopback."""
    address = ip_address(listen)
    if address.is_loopback:
        return LOOPBACK_HOSTS
    return LOOPBACK_HOSTS if address.is_unspecified else (_host_of(listen),)


def _host_of(name: str) -> str:
    return f"[{name.lower()}]" if ":" in name else name.lower()
