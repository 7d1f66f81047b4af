"""Whom to probe: addresses, names and small prefixes as single addresses, with the address that this machine calls them from."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from firewright.diagnostic import harmless
from firewright.live.machine import addresses
from firewright.model.address import LOOPBACK
from firewright.model.packet import Family

MOST = 256
"""Addresses of one probe where not more are asked for."""
MOST_OF_MANY = 4096
_FAMILIES: dict[int, Family] = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}
_SOCKETS = {4: socket.AF_INET, 6: socket.AF_INET6}
_DISCARD = 9


class TargetError(Exception):
    """Why nothing can be probed under a word: `message` says what is wrong, `help` what to write."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


@dataclass(frozen=True, slots=True)
class Target:
    """One address: how it was asked for, its number, its bytes on the wire, and its interface where it is link-local.

    `source` is the address that this machine calls it from, empty where there is no way; then `why` says what the kernel says.
    """

    name: str
    family: Family
    text: str
    raw: bytes
    scope: int = 0
    source: bytes = b""
    why: str = ""
    is_own: bool = False

    @property
    def number(self) -> int:
        """The address as an integer."""
        return int.from_bytes(self.raw, "big")

    @property
    def source_text(self) -> str:
        """The address that it is called from, in words."""
        return socket.inet_ntop(_SOCKETS[self.family], self.source) if self.source else ""

    def at(self, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
        """The address for a socket."""
        return (self.text, port) if self.family == 4 else (self.text, port, 0, self.scope)


def targets_of(words: tuple[str, ...], most: int = MOST) -> tuple[Target, ...]:
    """The targets under some words, each address once, in order. Raises TargetError."""
    found: dict[tuple[Family, bytes, int], Target] = {}
    own = {(one.family, one.number) for one in addresses()}
    for word in words:
        for family, raw, scope in _addresses(word, most):
            if (family, raw, scope) not in found:
                found[family, raw, scope] = _target(word, family, raw, scope, own)
        if len(found) > most:
            raise _too_many(len(found), most)
    return tuple(found.values())


def _too_many(count: int, most: int) -> TargetError:
    way_out = "--many probes more of them" if most < MOST_OF_MANY else "probe them in parts"
    return TargetError(f"{count:,} addresses are more than {most:,}", way_out)


def _target(word: str, family: Family, raw: bytes, scope: int, own: set[tuple[Family, int]]) -> Target:
    text = socket.inet_ntop(_SOCKETS[family], raw)
    number = int.from_bytes(raw, "big")
    is_own = (family, number) in own or LOOPBACK.has(family, number)
    bare = Target(word, family, text, raw, scope, is_own=is_own)
    try:
        with socket.socket(_SOCKETS[family], socket.SOCK_DGRAM) as one:
            one.connect(bare.at(_DISCARD))
            source = socket.inet_pton(_SOCKETS[family], one.getsockname()[0].partition("%")[0])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return Target(word, family, text, raw, scope, why=f"this machine has no way there: {why}", is_own=is_own)
    return Target(word, family, text, raw, scope, source, is_own=is_own)


def _addresses(word: str, most: int) -> Iterator[tuple[Family, bytes, int]]:
    """The addresses of a word, with the number of an interface for link-local ones."""
    if "/" in word:
        yield from _prefix(word, most)
        return
    try:
        address = ip_address(word)
    except ValueError:
        yield from _named(word)
        return
    scope = 0
    if isinstance(address, IPv6Address) and address.scope_id:
        scope = _interface(address.scope_id, word)
    if isinstance(address, IPv6Address) and address.is_link_local and not scope:
        raise TargetError(f"{word} is on every link", f"name the interface: {word}%eth0")
    if address.is_multicast or address.is_unspecified or word == "255.255.255.255":
        raise TargetError(f"{word} is no single machine's address", "name a host")
    yield address.version, address.packed, scope


def _interface(name: str, word: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except OSError:
        known = ", ".join(one for _, one in socket.if_nameindex())
        raise TargetError(f"{harmless(word, 80)} names no interface of this machine", f"there are: {known}") from None


def _prefix(word: str, most: int) -> Iterator[tuple[Family, bytes, int]]:
    try:
        network = ip_network(word)
    except ValueError as error:
        raise TargetError(f"{harmless(word, 80)} is no prefix: {error}", "write 192.0.2.0/28") from None
    if network.is_multicast:
        raise TargetError(f"{harmless(word, 80)} holds groups, no machines", "name hosts")
    if network.num_addresses > most + 2:
        raise _too_many(network.num_addresses, most)
    for address in network.hosts():
        yield address.version, address.packed, 0


def _named(word: str) -> Iterator[tuple[Family, bytes, int]]:
    try:
        if not word or word.startswith("-") or len(word) > 253:
            raise OSError
        answers = socket.getaddrinfo(word, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        said = f": {error.strerror.lower()}" if isinstance(error, OSError) and error.strerror else ""
        raise TargetError(
            f"no address is known of {harmless(word, 80)!r}{said}", "name a host, an address or a prefix"
        ) from None
    for family, _, _, _, where in sorted(answers, key=lambda one: one[0] != socket.AF_INET):
        if int(family) in _FAMILIES:
            text, scope = str(where[0]).partition("%")[0], int(where[3]) if len(where) > 3 else 0
            yield _FAMILIES[int(family)], socket.inet_pton(family, text), scope
