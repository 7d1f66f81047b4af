"""What a rule consists of: matches that narrow, statements that do something, and the verdict.

None of them can be empty: a match without values, a map without elements raise ValueError, for an empty match has no text and
leaving it out would make the rule wider.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from firewright.model.interval import Range, Ranges
from firewright.syntax.nftables.field import TOPS, Field, Kind, mask
from firewright.syntax.nftables.words import PREFIX_LIMIT, checked_interface, checked_name, comment

LATEST_INSTANT = (2**64 - 1) // 10**9
"""The last second that nft can say: it counts nanoseconds in 64 bits (the year 2554)."""


@dataclass(frozen=True, slots=True)
class Match:
    """A field has (or, negated, has not) one of these numbers; `values` are canonical ranges, and not every number."""

    field: Field
    values: Ranges
    is_negated: bool = False

    def __post_init__(self) -> None:
        last = -2
        for low, high in self.values:
            if not last + 1 < low <= high:
                raise ValueError(f"{self.field.words}: ranges are neither sorted nor apart")
            last = high
        if not self.values or self.field.kind not in TOPS or last > TOPS[self.field.kind]:
            raise ValueError(f"{self.field.words}: no such values")
        if self.values == ((0, TOPS[self.field.kind]),):
            raise ValueError(f"{self.field.words}: every value is no match")


@dataclass(frozen=True, slots=True)
class Named:
    """A field is (or, negated, is not) one of these words: interfaces, helpers."""

    field: Field
    words: tuple[str, ...]
    is_negated: bool = False

    def __post_init__(self) -> None:
        if not self.words or self.field.kind is not Kind.NAME:
            raise ValueError(f"{self.field.words}: no such words")
        for word in self.words:
            checked_interface(word)


@dataclass(frozen=True, slots=True)
class Flags:
    """The conntrack state is one of these."""

    states: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.states or not set(self.states) <= {"new", "established", "related", "invalid", "untracked"}:
            raise ValueError(f"no states of connection tracking: {self.states}")


@dataclass(frozen=True, slots=True)
class Opening:
    """The TCP segment opens a flow (or, negated, does not): of fin, syn, rst and ack it has syn alone."""

    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Resetting:
    """The TCP segment is a reset: of fin, syn and rst it has rst alone."""


@dataclass(frozen=True, slots=True)
class Member:
    """An address field is in a set of the table."""

    field: Field
    group: str

    def __post_init__(self) -> None:
        checked_name(self.group)


@dataclass(frozen=True, slots=True)
class Compare:
    """The time is at or after an instant, or before it; epoch seconds, for a date would be read in the loader's time zone."""

    is_before: bool
    instant: int

    def __post_init__(self) -> None:
        if not 0 <= self.instant <= LATEST_INSTANT:
            raise ValueError(f"no instant: {self.instant}")


class Word(StrEnum):
    """The verdicts; goto and jump name a chain."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    RESET = "reject with tcp reset"
    UNREACHABLE = "reject with icmpx port-unreachable"
    GOTO = "goto"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the packet. Raises ValueError for a goto or jump without a chain, and for others with one."""

    word: Word
    chain: str = ""

    def __post_init__(self) -> None:
        if (self.word in (Word.GOTO, Word.JUMP)) != bool(self.chain):
            raise ValueError(f"{self.word} {self.chain!r}")


@dataclass(frozen=True, slots=True)
class Masked:
    """An address field of which only the first bits count; `length` 0 means all of them."""

    field: Field
    length: int = 0

    def __post_init__(self) -> None:
        if self.length:
            mask(self.field.kind, self.length)


@dataclass(frozen=True, slots=True)
class VerdictMap:
    """A verdict for each value of some fields; elements are one range a field, disjoint in at least one field from each other."""

    fields: tuple[Masked, ...]
    elements: tuple[tuple[tuple[Range, ...], Verdict], ...]

    def __post_init__(self) -> None:
        count = len(self.fields)
        if not self.elements or not count:
            raise ValueError("a verdict map without elements")
        if any(len(key) != count for key, _ in self.elements):
            raise ValueError("an element has as many values as the map has fields")


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts packets and bytes."""


@dataclass(frozen=True, slots=True)
class Log:
    """Logs at most so many packets a second after a burst, each with a prefix."""

    prefix: str
    rate: int = 10
    burst: int = 20

    def __post_init__(self) -> None:
        if comment(self.prefix.strip(), PREFIX_LIMIT) != self.prefix.strip() or self.rate < 1 or self.burst < 1:
            raise ValueError(f"no prefix of a log: {self.prefix!r}")


@dataclass(frozen=True, slots=True)
class SetTimeout:
    """Gives a new flow the timeouts of an object of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class SetHelper:
    """Gives a new flow the conntrack helper of an object of the table."""

    name: str


@dataclass(frozen=True, slots=True)
class Passing:
    """The packet has come in by some interface, or goes out by one; a hook's other packets have none there."""

    is_in: bool


@dataclass(frozen=True, slots=True)
class Record:
    """Remembers the fields of the packet in a set of the table, and counts; where the set is full, the rule ends here."""

    records: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        checked_name(self.records)
        if not self.fields:
            raise ValueError("a record of nothing")


Statement = (
    Match
    | Named
    | Flags
    | Opening
    | Resetting
    | Member
    | Compare
    | Verdict
    | VerdictMap
    | Counter
    | Log
    | SetTimeout
    | SetHelper
    | Passing
    | Record
)
"""One part of a rule."""
