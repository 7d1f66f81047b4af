"""One match of a rule: what it says by itself, or what it says only at a hook or at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from firewright.model.interval import Ranges, complement, union
from firewright.model.packet import Family
from firewright.readers.iptables.clauses import ALWAYS, NEVER, Clauses, address, both, boxes, literal
from firewright.space.axis import HOST, Axis, interface_number, top
from firewright.space.box import box
from firewright.space.ruleset import Hook

_LOOPBACK_DEVICE = "lo"
_KNOWS_HOST = {
    False: (Hook.PREROUTING, Hook.INPUT),
    True: (Hook.OUTPUT, Hook.POSTROUTING),
}
"""Whether the out-interface is asked, and the hooks where `lo` is the host talking to itself."""
_WITHOUT = {False: (Hook.OUTPUT,), True: (Hook.PREROUTING, Hook.INPUT)}
"""Whether the out-interface is asked, and the hooks where the kernel has none yet: its name is empty there."""


@dataclass(frozen=True, slots=True)
class Header:
    """A match that says the same everywhere. `unknown` are its words if it was only bounded."""

    clauses: Clauses
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """`-i` or `-o`: a name, or the begin of one before a `+`."""

    is_out: bool
    stem: str
    is_prefix: bool
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class AddressKind:
    """`--src-type` or `--dst-type` in IPv4: what the routing table says of an address; one of several kinds."""

    is_source: bool
    kinds: tuple[str, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Dates:
    """`-m time` with dates alone: from `start` to `stop`, both included, in epoch seconds (None is open)."""

    start: int | None
    stop: int | None
    text: str


Condition = Header | Interface | AddressKind | Dates


def clauses_at(condition: Condition, family: Family, hook: Hook, instant: int | None) -> Clauses:
    """What a match says at a hook, at an instant (epoch seconds; None leaves dates open)."""
    match condition:
        case Header(clauses=clauses):
            return clauses
        case Interface():
            return _interface(condition, family, hook)
        case AddressKind():
            return _address_kind(condition, hook)
        case Dates():
            return _dates(condition, instant)
        case _:
            assert_never(condition)


def unknown_in(condition: Condition, instant: int | None = None) -> str:
    """The words of a match that is only bounded; empty if it is exact."""
    match condition:
        case Header(unknown=unknown):
            return unknown
        case Interface():
            return ""
        case AddressKind():
            return "" if condition.kinds == ("MULTICAST",) else _kind_words(condition)
        case Dates():
            return condition.text if instant is None else ""
        case _:
            assert_never(condition)


def _interface(asked: Interface, family: Family, hook: Hook) -> Clauses:
    if hook in _WITHOUT[asked.is_out]:
        # The kernel compares with an empty name, which only `+` alone begins.
        holds = asked.is_prefix and not asked.stem
        return ALWAYS if holds != asked.is_negated else NEVER
    ranges = _named(asked.stem, asked.is_prefix)
    is_loopback = asked.stem == _LOOPBACK_DEVICE or (asked.is_prefix and _LOOPBACK_DEVICE.startswith(asked.stem))
    if is_loopback and hook in _KNOWS_HOST[asked.is_out]:
        ranges = union(ranges, HOST)
    if asked.is_negated:
        ranges = complement(ranges, top(family, Axis.IN_INTERFACE))
    return boxes(box(family, out_interface=ranges) if asked.is_out else box(family, in_interface=ranges))


def _named(stem: str, is_prefix: bool) -> Ranges:
    """The names on the axis; `+` alone is every name and the empty one too."""
    low = interface_number(stem)
    length = len(stem.encode(errors="surrogateescape"))
    # A name of full length owns its last byte, as in space/axis.py.
    free = 16 - length if is_prefix or length == 15 else 0
    return ((low, low | (1 << 8 * free) - 1),)


_SURE_BROADCAST: Ranges = ((0, 0), ((1 << 32) - 1, (1 << 32) - 1))
_MULTICAST: Ranges = ((0xE0000000, 0xEFFFFFFF),)
_NEITHER: Ranges = complement(union(_SURE_BROADCAST, _MULTICAST), (1 << 32) - 1)


def _kind_words(asked: AddressKind) -> str:
    return f"addrtype --{'src' if asked.is_source else 'dst'}-type {','.join(asked.kinds)}"


def _address_kind(asked: AddressKind, hook: Hook) -> Clauses:
    """One of the kinds, or (negated) none of them.

    Multicast is 224/4; 0.0.0.0 and 255.255.255.255 are broadcast on every machine (kernel: `__inet_dev_addr_type`). What is
    delivered to the host is broadcast, multicast or local.
    """
    positive = [_one_kind(kind, asked.is_source, hook) for kind in asked.kinds]
    if not asked.is_negated:
        return tuple(dict.fromkeys(clause for is_, _ in positive for clause in is_))
    found = ALWAYS
    for _, is_not in positive:
        found = both(found, is_not, 4)
    return found


def _one_kind(kind: str, is_source: bool, hook: Hook) -> tuple[Clauses, Clauses]:
    """What is of a kind, and what is not."""
    if kind == "MULTICAST":
        return address(4, is_source, _MULTICAST), address(4, is_source, _MULTICAST, is_negated=True)
    words = f"fib {'saddr' if is_source else 'daddr'} type"
    if kind == "BROADCAST":
        text, sure, is_opposite = f"{words} broadcast", _SURE_BROADCAST, False
        never = _MULTICAST
    elif kind == "LOCAL" and not is_source and hook is Hook.INPUT:
        # Delivered to the host and neither multicast nor broadcast is local.
        text, sure, is_opposite = f"{words} broadcast", (), True
        never = union(_MULTICAST, _SURE_BROADCAST)
    else:
        text, sure, is_opposite = f"{words} {kind.lower()}", (), False
        never = union(_MULTICAST, _SURE_BROADCAST)
    open_ = address(4, is_source, _NEITHER)
    holds = address(4, is_source, sure) + both(open_, literal(text, is_opposite), 4)
    fails = address(4, is_source, never) + both(open_, literal(text, not is_opposite), 4)
    return holds, fails


def _dates(asked: Dates, instant: int | None) -> Clauses:
    if instant is None:
        return literal(asked.text)
    is_late = asked.start is None or asked.start <= instant
    is_early = asked.stop is None or instant <= asked.stop
    return ALWAYS if is_late and is_early else NEVER
