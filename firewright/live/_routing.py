"""Addresses, interfaces and ways out of another machine, from what `ip` said there, or /proc/net where there is no `ip`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_address, ip_interface

from firewright.live.machine import Address
from firewright.model.packet import Family

_ADDRESS = re.compile(r"\d+:\s+(?P<interface>\S+)\s+inet6?\s+(?P<address>\S+)(?:\s+peer\s+\S+/(?P<length>\d+))?\s")
_LOCAL = re.compile(r"\|-- (\d+(?:\.\d+){3})\n\s+/32 host LOCAL$", re.MULTILINE)
_DEVICE = re.compile(r"\bdev (\S+)")
_LONGEST_NAME = 15
_REJECTED, _GATEWAY = 0x200, 0x2
"""RTF_REJECT and RTF_GATEWAY (linux/route.h)."""


def interfaces(sections: Mapping[str, str]) -> tuple[str, ...]:
    """The names in /proc/net/dev, behind its two lines of headings."""
    lines = sections.get("interfaces", "").splitlines()[2:]
    return tuple(sorted({name for line in lines if (name := line.partition(":")[0].strip()) and _is_name(name)}))


def interfaces_with(sections: Mapping[str, str], setting: str) -> tuple[str, ...]:
    """The interfaces for which a setting is on; `all` counts, `default` and `lo` do not (as of this machine)."""
    pairs = (line.split() for line in sections.get(setting, "").splitlines())
    on = {pair[0] for pair in pairs if len(pair) == 2 and pair[1] != "0"}
    return tuple(sorted(on - {"default", "lo"}))


def addresses(sections: Mapping[str, str]) -> Iterator[Address]:
    """Every address with its interface; an interface that is not told is empty."""
    if sections.get("addresses.code", "").strip() == "0":
        yield from _said_by_ip(sections.get("addresses", ""))
        return
    yield from _in_fib_trie(sections.get("fib_trie", ""), _connected(sections.get("route", "")))
    for line in sections.get("if_inet6", "").splitlines():
        words = line.split()
        if len(words) == 6 and re.fullmatch(r"[0-9a-f]{32}", words[0]) and _is_name(words[5]):
            yield Address(6, int(words[0], 16), int(words[2], 16), words[5])


def _said_by_ip(text: str) -> Iterator[Address]:
    for line in text.splitlines():
        found = _ADDRESS.match(line)
        if found is None or not _is_name(name := found["interface"].rstrip(":").partition("@")[0]):
            continue
        try:
            one = ip_interface(found["address"])
        except ValueError:
            continue
        family: Family = 4 if one.version == 4 else 6
        yield Address(family, int(one.ip), int(found["length"] or one.network.prefixlen), name)


def _in_fib_trie(text: str, connected: list[tuple[IPv4Network, str]]) -> Iterator[Address]:
    """The local addresses of the tree of routes, each on the narrowest network that an interface is on."""
    for word in dict.fromkeys(_LOCAL.findall(text)):
        try:
            one = ip_address(word)
        except ValueError:
            continue
        if one.is_loopback:
            yield Address(4, int(one), 8, "lo")
            continue
        length, name = max(((net.prefixlen, name) for net, name in connected if one in net), default=(32, ""))
        yield Address(4, int(one), length, name)


def _connected(text: str) -> list[tuple[IPv4Network, str]]:
    """The networks that lie on an interface, from the lines of /proc/net/route; a machine that writes bytes the other way has none."""
    found = []
    for name, to, _, flags, mask in _routes(text):
        if not flags & (_REJECTED | _GATEWAY) and to:
            try:
                found.append((IPv4Network((to, str(IPv4Address(mask)))), name))
            except ValueError:
                continue
    return found


def _routes(text: str) -> Iterator[tuple[str, int, int, int, int]]:
    """Interface, destination, gateway, flags and mask of each line of /proc/net/route."""
    for line in text.splitlines():
        words = line.split()
        if (
            len(words) < 8
            or not _is_name(words[0])
            or not all(re.fullmatch(r"[0-9A-F]{8}", words[at]) for at in (1, 2, 7))
        ):
            continue
        to, via, mask = (int.from_bytes(bytes.fromhex(words[at]), "little") for at in (1, 2, 7))
        yield words[0], to, via, int(words[3], 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", words[3]) else _REJECTED, mask


def outward(sections: Mapping[str, str]) -> tuple[str, ...]:
    """The interfaces of the default routes of both families; none where one has several next hops."""
    found: set[str] = set()
    if "routes4" in sections:
        for line in (line for family in (4, 6) for line in sections.get(f"routes{family}", "").splitlines()):
            if line.startswith(("default", "\tnexthop", " ")):
                names = _DEVICE.findall(line)
                if len(names) != 1 or not line.startswith("default"):
                    return ()
                found.update(names)
        return tuple(sorted(found))
    found |= {
        name for name, to, _, flags, mask in _routes(sections.get("route", "")) if not (to or mask or flags & _REJECTED)
    }
    for line in sections.get("ipv6_route", "").splitlines():
        words = line.split()
        if len(words) == 10 and int(words[1], 16) == 0 and int(words[0], 16) == 0 and not int(words[8], 16) & _REJECTED:
            found.add(words[9])
    return tuple(sorted(name for name in found if _is_name(name) and name != "lo"))


def _is_name(name: str) -> bool:
    """Whether an interface can be called so (net/core/dev.c, dev_valid_name)."""
    return 0 < len(name.encode()) <= _LONGEST_NAME and name not in (".", "..", "*") and not re.search(r"[\s/:]", name)
