"""This machine as it stands: interfaces, addresses, what it forwards, what listens, and every firewall table loaded in it.

Nothing is judged here. What may not be seen is said in `unseen`, so that nobody takes silence for safety.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from firewright.diagnostic import harmless
from firewright.live import _child, _netlink, nft
from firewright.live.sockets import Listening, listening
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, Family
from firewright.space.axis import ANY_INTERFACE, interface

XTABLES = ("raw", "mangle", "nat", "filter", "security")
"""The tables of iptables, as it names them."""
_GET_ADDRESS, _LOCAL, _ADDRESS = 22, 2, 1
"""RTM_GETADDR, IFA_LOCAL and IFA_ADDRESS (linux/rtnetlink.h, linux/if_addr.h)."""
_ADDRESS_MESSAGE = struct.Struct("=BBBBI")
_GET_ROUTE, _INTERFACE, _MANY, _UNICAST = 26, 4, 9, 1
"""RTM_GETROUTE, RTA_OIF, RTA_MULTIPATH and RTN_UNICAST (linux/rtnetlink.h)."""
_ROUTE_MESSAGE = struct.Struct("=BBBBBBBBI")
_NUMBERS: dict[int, Family] = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}
_SAVE = {4: "iptables-{}-save", 6: "ip6tables-{}-save"}
_NAMES = {4: Path("/proc/net/ip_tables_names"), 6: Path("/proc/net/ip6_tables_names")}
_SECONDS = 60.0


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """An address of this machine, the length of its prefix, and the interface that has it."""

    family: Family
    number: int
    length: int
    interface: str


@dataclass(frozen=True, slots=True)
class Saved:
    """Tables of iptables in one family, in the words of the program that saved them."""

    program: str
    family: Family
    tables: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Every table on the hooks: `listing` is nft's, its JSON without what `saved` has, None where nft tells nothing."""

    listing: nft.Listing | None
    saved: tuple[Saved, ...] = ()
    unseen: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """This machine's network namespace: `forwards` says for which families it passes packets on between interfaces.

    `outward` are the interfaces of its default routes, where the internet is; empty where it has none or they are many.
    `routes_loopback` are the interfaces by which packets to 127.0.0.0/8 are let in (route_localnet), where loopback is
    no longer private.
    """

    name: str
    addresses: tuple[Address, ...]
    interfaces: tuple[str, ...]
    outward: tuple[str, ...]
    forwards: tuple[Family, ...]
    routes_loopback: tuple[str, ...]
    listening: Listening
    tables: Tables = field(default_factory=lambda: Tables(None))

    def own(self, family: Family) -> tuple[int, ...]:
        """Its addresses in a family, those of the interface `lo` left out, sorted."""
        return tuple(sorted({one.number for one in self.addresses if one.family == family and one.interface != "lo"}))

    @property
    def outside(self) -> Ranges:
        """Its interfaces but `lo`, as numbers: those by which somebody else's packets come; all there may be if it has none."""
        names = [name for name in self.interfaces if name != "lo"]
        return interface(*names) if names else ANY_INTERFACE

    def interface_to(self, family: Family, number: int) -> str:
        """The interface on whose own network an address lies; empty where it lies behind a router."""
        top = 32 if family == 4 else 128
        near = [
            (one.length, one.interface)
            for one in self.addresses
            if one.family == family and one.length and one.number >> (top - one.length) == number >> (top - one.length)
        ]
        return max(near)[1] if near else ""

    @property
    def own_addresses(self) -> AddressSet:
        """All its addresses, those of the interface `lo` too."""
        pairs = {family: [(a.number, a.number) for a in self.addresses if a.family == family] for family in FAMILIES}
        return AddressSet(tuple(sorted(set(pairs[4]))), tuple(sorted(set(pairs[6]))))


def look() -> Machine:
    """This machine, as far as this user may see it. Never raises for what is missing: `unseen` says it."""
    return Machine(
        name=harmless(socket.gethostname(), 64),
        addresses=tuple(sorted(addresses())),
        interfaces=tuple(sorted(name for _, name in socket.if_nameindex())),
        outward=outward(),
        forwards=tuple(family for family in FAMILIES if _forwards(family)),
        routes_loopback=_interfaces_with("ipv4", "route_localnet"),
        listening=listening(),
        tables=tables(),
    )


def addresses() -> Iterator[Address]:
    """Every address of every interface, from the kernel. Raises OSError where netlink does not answer."""
    for payload in _netlink.dump(_netlink.ROUTE, _GET_ADDRESS, _ADDRESS_MESSAGE.pack(0, 0, 0, 0, 0)):
        number, length, _, _, index = _ADDRESS_MESSAGE.unpack_from(payload)
        found = _netlink.attributes(payload[_ADDRESS_MESSAGE.size :])
        raw = found.get(_LOCAL) or found.get(_ADDRESS)
        if number in _NUMBERS and raw:
            yield Address(_NUMBERS[number], int.from_bytes(raw, "big"), length, socket.if_indextoname(index))


def outward() -> tuple[str, ...]:
    """The interfaces of the default routes of both families; none where one has several next hops. Raises OSError."""
    found = set()
    for payload in _netlink.dump(_netlink.ROUTE, _GET_ROUTE, _ROUTE_MESSAGE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, length, _, _, _, _, _, kind, _ = _ROUTE_MESSAGE.unpack_from(payload)
        attributes = _netlink.attributes(payload[_ROUTE_MESSAGE.size :])
        if length == 0 and kind == _UNICAST:
            if _MANY in attributes or _INTERFACE not in attributes:
                return ()
            found.add(socket.if_indextoname(int.from_bytes(attributes[_INTERFACE], sys.byteorder)))
    return tuple(sorted(found))


def _forwards(family: Family) -> bool:
    return bool(_interfaces_with(f"ipv{family}", "forwarding"))


def _interfaces_with(family: str, setting: str) -> tuple[str, ...]:
    """The interfaces for which a setting of the kernel is on; `all` and `default` are no interfaces, but `all` may count."""
    found = []
    for path in sorted(Path("/proc/sys/net", family, "conf").glob(f"*/{setting}")):
        try:
            is_on = path.read_text().strip() != "0"
        except OSError:
            continue
        if is_on and path.parent.name not in ("default", "lo"):
            found.append(path.parent.name)
    return tuple(found)


def tables() -> Tables:
    """Every table that judges packets here: nft's, those of iptables over nf_tables, those of iptables' own."""
    unseen: list[str] = []
    listing: nft.Listing | None = None
    way_out = ""
    try:
        listing = nft.list_running()
    except nft.NftError as error:
        unseen.append(f"the ruleset of nf_tables: {error.message}")
        way_out = error.help
    foreign = _foreign(listing.json) if listing is not None else ()
    saved = []
    for family in FAMILIES:
        for kind, names in (
            ("nft", tuple(name for one, name in foreign if one == family)),
            ("legacy", _legacy(family, unseen)),
        ):
            if names:
                saved.append(_saved(_SAVE[family].format(kind), family, names, unseen))
    kept = tuple(one for one in saved if one is not None)
    taken = {(one.family, name) for one in kept if "-nft-" in one.program for name in one.tables}
    if listing is not None:
        listing = nft.Listing(_without(listing.json, taken), listing.text)
    return Tables(listing, kept, tuple(unseen), way_out)


def _foreign(listing: str) -> tuple[tuple[Family, str], ...]:
    """The tables that hold an expression of iptables (`xt`), which nft lists without its meaning."""
    found: dict[tuple[Family, str], None] = {}
    for one in json.loads(listing)["nftables"]:
        rule = one.get("rule")
        if rule and rule["family"] in ("ip", "ip6") and rule["table"] in XTABLES and _has_xt(rule["expr"]):
            found[(4 if rule["family"] == "ip" else 6, rule["table"])] = None
    return tuple(found)


def _has_xt(tree: object) -> bool:
    if isinstance(tree, dict):
        return "xt" in tree or any(map(_has_xt, tree.values()))
    return isinstance(tree, list) and any(map(_has_xt, tree))


def _without(listing: str, taken: Collection[tuple[Family, str]]) -> str:
    """The listing without some tables, and without their chains, rules and sets."""
    if not taken:
        return listing
    kept = []
    for one in json.loads(listing)["nftables"]:
        ((kind, body),) = one.items()
        family = {"ip": 4, "ip6": 6}.get(str(body.get("family", "")), 0)
        if (family, body.get("name" if kind == "table" else "table")) not in taken:
            kept.append(one)
    return json.dumps({"nftables": kept})


def _legacy(family: Family, unseen: list[str]) -> tuple[str, ...]:
    """The tables of iptables' own machinery (x_tables) that the kernel has; most kernels have none."""
    try:
        return tuple(name for name in _NAMES[family].read_text().split() if name in XTABLES)
    except FileNotFoundError:
        return ()
    except OSError:
        unseen.append(f"tables of iptables-legacy in IPv{family}: {_NAMES[family]} is for root to read")
        return ()


def _saved(program: str, family: Family, names: tuple[str, ...], unseen: list[str]) -> Saved | None:
    """What a program saves of some tables; None, and why in `unseen`, where it does not."""
    whole = _child.find(program)
    texts = []
    for name in names:
        try:
            done = _child.run([whole, "-t", name], seconds=_SECONDS) if whole else None
        except (OSError, _child.Unfinished):
            done = None
        if done is None or done.code:
            said = f": {harmless(done.err.strip(), 120)}" if done and done.err.strip() else ""
            why = f"{program} fails{said}" if whole else f"{program} is not installed (package iptables)"
            unseen.append(f"table {name} of iptables in IPv{family}: {why}")
            return None
        texts.append(done.out)
    return Saved(program, family, names, "".join(texts))
