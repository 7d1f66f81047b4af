"""What ports are called on a published page: by the policy's own words first, then by the catalog; else by number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from firewright.catalog.services import catalog
from firewright.diagnostic import harmless
from firewright.model.interval import Range, Ranges, difference, intersection, is_within, size, union
from firewright.model.policy import Policy

_NAMED_SIZE = 64
"""Ports of the widest service of the catalog whose name a port gets without the policy having named it."""
_SINGLY = 16
"""Neighbouring ports up to this many are looked up one by one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list: a name or nothing, its ports or what it stands for, and what is special about it."""

    name: str
    ports: str
    marks: tuple[str, ...] = ()

    @property
    def is_numbered(self) -> bool:
        """Whether it has ports or a protocol's number to put beside a name, and not only words."""
        return bool(self.name) or re.match(r"([A-Z][A-Za-z-]* )?[0-9]", self.ports) is not None

    def __str__(self) -> str:
        text = " ".join(part for part in (self.name, self.ports) if part)
        return f"{text} ({', '.join(self.marks)})" if self.marks else text


def named_in(policy: Policy) -> tuple[str, ...]:
    """The catalog's names that the policy uses, each once, in the order of the rules."""
    rules = (rule for one in reversed(list(policy.authorities())) for rule in one.rules)
    return tuple(dict.fromkeys(name for rule in rules for term in rule.terms for name in term.names))


def port_items(ranges: Ranges, protocol: int, preferred: tuple[str, ...]) -> list[Item]:
    """The ports under the names of services, by their lowest port; what has no name only by number."""
    named: dict[str, Ranges] = {}
    left = ranges
    for name in preferred:
        row = catalog().service(name)
        ports = _row_ports(row.services(4), protocol) if row is not None else ()
        if row is not None and ports and is_within(ports, ranges) and intersection(ports, left):
            label = _label(row.title)
            named[label] = union(named.get(label, ()), intersection(ports, left))
            left = difference(left, ports)
    for low, high in short_runs(left):
        for port in range(low, high + 1):
            label = _common_name(protocol, port)
            if label:
                named[label] = union(named.get(label, ()), ((port, port),))
                left = difference(left, ((port, port),))
    found = [(ports[0][0], Item(label, _spans(ports))) for label, ports in _gathered(named).items()]
    found += ((low, Item("", _spans(((low, high),)))) for low, high in left)
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1].ports))]


def short_runs(ranges: Ranges) -> Ranges:
    """The ranges that are short enough to be told port by port."""
    return tuple((low, high) for low, high in ranges if high - low < _SINGLY)


def _row_ports(services: Ranges, protocol: int) -> Ranges:
    base = protocol << 16
    return tuple((low - base, high - base) for low, high in intersection(services, ((base, base | 0xFFFF),)))


def _common_name(protocol: int, port: int) -> str:
    """What commonly has a port, by the catalog; empty where nothing that is narrow enough does."""
    rows = catalog().by_port(protocol, port)
    if rows and size(_row_ports(rows[0].services(4), protocol)) <= _NAMED_SIZE:
        return _label(rows[0].title)
    return ""


def _label(title: str) -> str:
    return harmless(title.partition(",")[0].strip(), 60)


def _gathered(named: dict[str, Ranges]) -> dict[str, Ranges]:
    """The same ports, names that only go on from another one put under it: *HTTP on the alternate port* under *HTTP*."""
    found: dict[str, Ranges] = {}
    for label in sorted(named, key=len):
        head = next((other for other in found if label.startswith(f"{other} on ")), label)
        found[head] = union(found.get(head, ()), named[label])
    return found


def _spans(ranges: Iterable[Range]) -> str:
    return ", ".join(
        str(low) if low == high else f"{low}, {high}" if high == low + 1 else f"{low}–{high}" for low, high in ranges
    )
