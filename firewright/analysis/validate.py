"""Translation validation: whether what a target says it understood is what the policy says, at every instant.

The policy's side is `space/encode.py`, the other side whatever a reader made of the target's own listing. The proof is made once
for each stretch of time in which neither changes, and for the instants between them (Pnueli, Siegel, Singerman: Translation
Validation, TACAS 1998).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from firewright.analysis.difference import first_disagreement
from firewright.analysis.path import intervals
from firewright.model.decision import Decision, Outcome
from firewright.model.interval import complement
from firewright.model.moment import Instant, instant_of
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Action, Firewall, Policy
from firewright.space.axis import Axis, interface, point, top
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.encode import encode_enforced
from firewright.space.program import Program
from firewright.space.ruleset import Ruleset, machine

RulesetAt = Callable[[Instant], Ruleset]
"""The ruleset as it is at an instant."""
LOOPBACK_INTERFACE = "lo"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A packet that the ruleset treats otherwise than the policy says, at an instant; the places that decide on both sides.

    `carried` is what the packet has beside the axes, in nft's words. `by` is the origin of the ruleset's deciding step.
    """

    packet: Packet
    carried: tuple[str, ...]
    instant: Instant
    wanted: Decision
    found: str
    by: object


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved equal: how many stretches of time, and how many steps both sides have together at the longest."""

    stretches: int
    steps: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which nothing is enforced and every packet passes: epoch seconds from and until, or without an end.

    Raises ValueError for a time that is none, and for one that a clock which was lost would be in.
    """

    since: int
    until: int | None = None

    def __post_init__(self) -> None:
        if self.since < 1 or (self.until is not None and self.until <= self.since):
            raise ValueError(f"no time: from {self.since} until {self.until}")

    def holds(self, instant: Instant) -> bool:
        """Whether an instant lies in it; the end does not."""
        return self.since <= instant and (self.until is None or instant < self.until)


def validate(
    policy: Policy,
    firewall: Firewall,
    ruleset_at: RulesetAt,
    start: date,
    families: Collection[Family] = FAMILIES,
    pause: Pause | None = None,
) -> Mismatch | Proof:
    """A packet that the ruleset treats otherwise than the policy, or the proof that there is none, from `start` on.

    Before the first instant of `start` (a clock that was set back) no dated permission holds. The proof of each of the
    `families` stands by itself (`joined` puts them together). While there is a pause the ruleset must let every packet pass.
    Raises Unfilled, Undecided.
    """
    days = intervals(policy, start)
    beginnings = [first_instant(day, policy) for day in days]
    told_apart = sorted({float(instant) for instant in ruleset_at(beginnings[0]).instants})
    seen: set[tuple[object, ...]] = set()
    proved: set[tuple[object, ...]] = set()
    steps = 0
    turns = () if pause is None else (pause.since, pause.since if pause.until is None else pause.until)
    for instant in _moments({*told_apart, *beginnings, *turns, 0.0}):
        day = _day_at(instant, days, beginnings)
        is_paused = pause is not None and pause.holds(instant)
        stretch = (day, is_paused, bisect_left(told_apart, instant), bisect_right(told_apart, instant))
        if stretch in seen:
            continue
        seen.add(stretch)
        wanted = _everything(firewall, families) if is_paused else encode_enforced(policy, firewall, day, families)
        found = machine(ruleset_at(instant), families)
        for family in families:
            key = (family, _content(wanted[family]), _content(found[family]))
            if key in proved:
                continue
            steps = max(steps, len(wanted[family]) + len(found[family]))
            mismatch = _compared(wanted[family], found[family], instant)
            if mismatch is not None:
                return mismatch
            proved.add(key)
    return Proof(len(days), steps)


def _everything(firewall: Firewall, families: Collection[Family]) -> dict[Family, Program]:
    """What a firewall does that enforces nothing: every packet passes."""
    passes = Decision(
        Outcome.UNENFORCED, Action.ACCEPT, firewall, None, "nothing is enforced in audit mode", firewall.at
    )
    found = {}
    for family in families:
        found[family] = Program(family)
        found[family].add(EVERY_BOX, passes.action.value, passes)
    return found


def joined(results: Iterable[Mismatch | Proof]) -> Mismatch | Proof:
    """What results about different families say together: the earliest mismatch, or the proof that there is none.

    ValueError for no results: nothing is proved by them.
    """
    listed = list(results)
    mismatches = [one for one in listed if isinstance(one, Mismatch)]
    if mismatches:
        return min(mismatches, key=lambda one: one.instant)
    proofs = [one for one in listed if isinstance(one, Proof)]
    return Proof(max(one.stretches for one in proofs), max(one.steps for one in proofs))


def first_instant(day: date, policy: Policy) -> Instant:
    """When a day or a time of day begins where the policy is, in seconds since 1970."""
    return instant_of(day, policy.timezone)


def _moments(changes: set[Instant]) -> Iterator[Instant]:
    """Each instant at which something changes, and one between each two and after the last: together every instant there is."""
    ordered = sorted(changes)
    for here, there in pairwise((*ordered, ordered[-1] + 1)):
        yield here
        yield (here + there) / 2


def _day_at(instant: Instant, days: tuple[date, ...], beginnings: list[Instant]) -> date:
    """The day whose rules hold at an instant: before the first, those of the last, when every permission has ended."""
    holding = [day for day, begins in zip(days, beginnings, strict=True) if begins <= instant]
    return holding[-1] if holding else days[-1]


def _content(program: Program) -> tuple[object, ...]:
    return tuple(program.box), tuple(program.verdict), tuple(program.literals)


def _compared(wanted: Program, found: Program, instant: Instant) -> Mismatch | None:
    disagreement = first_disagreement(wanted, found, real(wanted.family))
    if disagreement is None:
        return None
    packet, literals = disagreement
    place = point(packet)
    ours, theirs = wanted.decide(place, literals), found.decide(place, literals)
    decision = wanted.origin[ours]
    if not isinstance(decision, Decision) or wanted.verdict[ours] == found.verdict[theirs]:
        raise AssertionError(f"the search and the programs disagree about {packet}")
    carried = tuple(sorted(text for text, holds in literals.items() if holds))
    return Mismatch(packet, carried, instant, decision, str(found.verdict[theirs]), found.origin[theirs])


def real(family: Family) -> Box:
    """The packets that a machine can see: `lo` is the machine itself and no interface beside it."""
    others = {
        axis: complement(interface(LOOPBACK_INTERFACE), top(family, axis))
        for axis in (Axis.IN_INTERFACE, Axis.OUT_INTERFACE)
    }
    found = box(family, in_interface=others[Axis.IN_INTERFACE], out_interface=others[Axis.OUT_INTERFACE])
    assert found is not None  # noqa: S101 - there are other interfaces
    return found
