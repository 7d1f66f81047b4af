"""A table and what is in it: sets of addresses, timeouts, helpers, chains and their rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from firewright.model.interval import Ranges
from firewright.model.packet import Family
from firewright.syntax.nftables.field import Field, Kind
from firewright.syntax.nftables.statement import Record, SetHelper, SetTimeout, Statement, Verdict, VerdictMap
from firewright.syntax.nftables.words import checked_name
from firewright.syntax.nftables.words import comment as harmless_comment


class Hook(StrEnum):
    """Where a base chain sees packets."""

    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Rule:
    """Statements from left to right, and what people read beside them. Raises ValueError for none, or a comment that is not fit."""

    statements: tuple[Statement, ...]
    comment: str = ""

    def __post_init__(self) -> None:
        if not self.statements:
            raise ValueError("a rule without statements")
        if self.comment and harmless_comment(self.comment) != self.comment:
            raise ValueError(f"no comment for nftables: {self.comment!r}")


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules under a name; one with a hook is a base chain of type filter at priority filter, whose policy is drop.

    Raises ValueError for a base chain whose last rule does not end it.
    """

    name: str
    rules: tuple[Rule, ...]
    hook: Hook | None = None

    def __post_init__(self) -> None:
        if self.hook is None:
            checked_name(self.name)
        elif self.name != self.hook.value:
            raise ValueError(f"the base chain of {self.hook} has its name")
        if not self.rules:
            raise ValueError(f"chain {self.name} has no rules")


@dataclass(frozen=True, slots=True)
class AddressGroup:
    """A set of addresses of one family that several rules ask."""

    name: str
    family: Family
    ranges: Ranges

    def __post_init__(self) -> None:
        checked_name(self.name)
        if not self.ranges:
            raise ValueError(f"set {self.name} is empty")


@dataclass(frozen=True, slots=True)
class TimeoutObject:
    """How many seconds a silent flow is remembered in each state; `protocol` is tcp or udp."""

    name: str
    family: Family
    protocol: str
    seconds: Mapping[str, int]

    def __post_init__(self) -> None:
        checked_name(self.name)
        if not self.seconds or self.protocol not in ("tcp", "udp"):
            raise ValueError(f"no timeouts: {self.name}")


@dataclass(frozen=True, slots=True)
class HelperObject:
    """A conntrack helper of the kernel for both families; `protocol` is that of the connection that it reads."""

    name: str
    helper: str
    protocol: str

    def __post_init__(self) -> None:
        checked_name(self.name)
        checked_name(f"{self.helper}_")


@dataclass(frozen=True, slots=True)
class Records:
    """What packets leave behind: the values of these fields, each with a counter, forgotten after so many seconds of silence.

    At most `size` are kept. Raises ValueError for a key that the kernel does not take, of more than 64 bytes
    (NFT_DATA_VALUE_MAXLEN), or that nft cannot list: with more than five fields, nft 1.0.6 loads it and ends by a failed assertion
    as soon as it lists an element (measured; datatype.h has six bits a field in one word).
    """

    name: str
    fields: tuple[Field, ...]
    size: int
    seconds: int

    def __post_init__(self) -> None:
        checked_name(self.name)
        length = sum(_BYTES.get(field.kind, 4) for field in self.fields)
        if not 0 < len(self.fields) <= _MOST_FIELDS or length > _LONGEST_KEY:
            raise ValueError(f"no records: {self.name}")
        if self.size < 1 or self.seconds < 1:
            raise ValueError(f"records of nothing: {self.name}")


_BYTES = {Kind.NAME: 16, Kind.ADDRESS6: 16}
"""How much of a key a value takes; the others take a word of four."""
_LONGEST_KEY, _MOST_FIELDS = 64, 5


@dataclass(frozen=True, slots=True)
class Table:
    """The table `inet firewright`, whole. Raises ValueError for names that are twice there, or are named and not there."""

    comment: str
    chains: tuple[Chain, ...]
    groups: tuple[AddressGroup, ...] = ()
    timeouts: tuple[TimeoutObject, ...] = ()
    helpers: tuple[HelperObject, ...] = ()
    records: tuple[Records, ...] = ()

    def __post_init__(self) -> None:
        chains = {chain.name for chain in self.chains}
        objects = {*(one.name for one in self.timeouts), *(one.name for one in self.helpers)}
        if len(chains) != len(self.chains) or len(objects) != len(self.timeouts) + len(self.helpers):
            raise ValueError("a name is given twice")
        wanted = {
            verdict.chain
            for chain in self.chains
            for rule in chain.rules
            for one in rule.statements
            if isinstance(one, Verdict | VerdictMap)
            for verdict in ((one,) if isinstance(one, Verdict) else (target for _, target in one.elements))
            if verdict.chain
        }
        used = {
            one.name
            for chain in self.chains
            for rule in chain.rules
            for one in rule.statements
            if isinstance(one, SetTimeout | SetHelper)
        }
        kept = {(one.name, one.fields) for one in self.records}
        sets = [*(one.name for one in self.records), *(one.name for one in self.groups)]
        if len(set(sets)) != len(sets):
            raise ValueError("a name is given twice")
        for chain in self.chains:
            for rule in chain.rules:
                for one in rule.statements:
                    if isinstance(one, Record) and (one.records, one.fields) not in kept:
                        raise ValueError(f"named and not there: {one.records}")
        if missing := (wanted - chains) | (used - objects):
            raise ValueError(f"named and not there: {', '.join(sorted(missing))}")
