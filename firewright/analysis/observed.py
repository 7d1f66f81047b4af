"""What was seen of a host from outside: the fifth packet set, with what stood against seeing more, and how it agrees with a policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from firewright.catalog.icmp import icmp_meaning
from firewright.model.interval import Range, Ranges, canonical
from firewright.model.packet import PORTED, Family
from firewright.source import NOWHERE, Span


class State(StrEnum):
    """Open: a service answers. Closed: something says no. Hidden: nobody answers. Undetermined: it was not to be found out."""

    OPEN = "open"
    CLOSED = "closed"
    HIDDEN = "hidden"
    UNDETERMINED = "undetermined"


class Answered(StrEnum):
    """What came back: nothing, the service's own words, a TCP reset, an ICMP error, or a refusal that may be either."""

    NOTHING = ""
    REPLY = "reply"
    RESET = "reset"
    ICMP = "icmp"
    REFUSED = "reset or icmp"


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a port.

    `sender` is who answered where it was not the host itself, `is_nearer` whether a reset came over fewer hops than the host's
    other answers do. `type` and `code` are those of an ICMP error, `why` what stood against finding out.
    """

    state: State
    answered: Answered = Answered.NOTHING
    type: int = 0
    code: int = 0
    sender: str = ""
    is_nearer: bool = False
    why: str = ""

    def words(self, family: Family) -> str:
        """How it was closed, or why it is undetermined; empty where the state says all."""
        if self.state is State.UNDETERMINED:
            return self.why
        if self.answered is Answered.ICMP:
            said = icmp_words(family, self.type, self.code)
            return f"{said}, says {self.sender}" if self.sender else said
        if self.answered is Answered.RESET:
            return "reset by something nearer than the host" if self.is_nearer else "reset"
        return str(self.answered.value) if self.answered is Answered.REFUSED else ""


def icmp_words(family: Family, kind: int, code: int) -> str:
    """An ICMP error in words; type 0 is one of which nothing is known."""
    if not kind:
        return "ICMP error"
    rows = icmp_meaning(family, kind, code)
    title = rows[-1].title.partition(":")[0] if rows else f"type {kind} code {code}"
    return f"ICMP {title[:1].lower()}{title[1:]}"


@dataclass(frozen=True, slots=True)
class Sight:
    """Services of one family (`model.transport`'s axis) of which the same was seen."""

    services: Ranges
    observation: Observation


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen of one address, from `source`; `name` is how it was asked for.

    `is_alive` says whether anything shows that a machine is there; without it silence tells nothing. `why` says why nothing
    could be sent, and is empty where something was.
    """

    name: str
    family: Family
    address: str
    source: str
    sights: tuple[Sight, ...]
    is_alive: bool
    why: str = ""

    def services(self, state: State) -> Ranges:
        """The services of a state."""
        return canonical(pair for one in self.sights if one.observation.state is state for pair in one.services)

    @property
    def hidden(self) -> Ranges:
        """The services that nobody answers for."""
        return self.services(State.HIDDEN)

    @property
    def is_determined(self) -> bool:
        """Whether anything was found out."""
        states = {one.observation.state for one in self.sights}
        return bool(states & {State.OPEN, State.CLOSED}) or (self.is_alive and State.HIDDEN in states)


def gathered(pairs: Iterable[tuple[Range, Observation]]) -> tuple[Sight, ...]:
    """Services with what was seen of each, as the fewest ranges; in order of the first service. O(n log n)."""
    found: dict[Observation, list[Range]] = {}
    for (low, high), observation in sorted(pairs, key=lambda pair: pair[0]):
        ranges = found.setdefault(observation, [])
        if ranges and ranges[-1][1] == low - 1:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return tuple(Sight(canonical(ranges), observation) for observation, ranges in found.items())


class Agreement(StrEnum):
    """Whether what was seen of a port agrees with a policy."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Services of one address of which the same was seen, and the same line of a policy decides: whether both agree.

    `expected` is the outcome in the policy's words, `said` the rule, `at` its place; both are empty where no rule decides.
    """

    policy: str
    name: str
    family: Family
    address: str
    services: Ranges
    observation: Observation
    agreement: Agreement
    why: str
    expected: str = ""
    firewall: str = ""
    said: str = ""
    at: Span = field(default=NOWHERE, compare=False)

    @property
    def count(self) -> int:
        """How many services these are; a protocol without ports counts once."""
        return sum(high - low + 1 if low >> 16 in PORTED else 1 for low, high in self.services)
