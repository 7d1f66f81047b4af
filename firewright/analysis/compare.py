"""What changes from one policy to another: what opens, what closes, what answers, or a proof that nothing does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from firewright.analysis.ask import Ruling, identity, parts_of, ruling, witness_of
from firewright.analysis.narrowing import narrowed_between
from firewright.analysis.path import Hop, passing, path
from firewright.analysis.words import FlowWords, Namer, flow_words
from firewright.model.decision import ANSWERED_OUTCOMES, OPEN_OUTCOMES, Decision, Outcome
from firewright.model.interval import Ranges
from firewright.model.moment import iso
from firewright.model.packet import FAMILIES, ConntrackState, Family, Packet
from firewright.model.policy import Firewall, Policy
from firewright.space.box import Box, box, meet_box
from firewright.space.flow import Flow
from firewright.space.packetset import EMPTY, PacketSet, Within
from firewright.space.program import specialise

_NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)


@dataclass(frozen=True, slots=True)
class Change:
    """Packets that one policy treats in one way and the other in another: flows, one packet, and who decided it before and after."""

    flows: tuple[Flow, ...]
    lines: tuple[FlowWords, ...]
    witness: Packet
    before: tuple[Ruling, ...]
    after: tuple[Ruling, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every difference between two policies on a day.

    `opens`, `closes`, `answers` (was silent, now rejects) and `hides` (the other way) are what a packet notices; `promises`
    what only people do: required, and on request. `settings`, in sentences, are firewalls' interfaces and timeouts, and rules'
    sessions and logging.
    """

    before: Policy
    after: Policy
    day: date
    opens: tuple[Change, ...]
    closes: tuple[Change, ...]
    answers: tuple[Change, ...]
    hides: tuple[Change, ...]
    promises: tuple[tuple[str, Change], ...]
    settings: tuple[str, ...]

    @property
    def is_equivalent(self) -> bool:
        """Whether no packet tells the two apart, and no setting does; proved, since every difference was looked for exactly."""
        return not (self.opens or self.closes or self.answers or self.hides or self.settings)


def compare(before: Policy, after: Policy, day: date) -> Comparison:
    """The differences between two policies on a day, new flows of both families. Raises Unfilled, Undecided.

    Only their own firewalls are compared, not those of the authorities they are behind, and only where a rule differs.
    """
    was, now, region = narrowed_between(before, after, day)
    old, new = _own(before, was, day, region), _own(after, now, day, region)
    within = {family: new_flows for family, one in region.items() if (new_flows := _of_new_flows(family, one))}
    namer = Namer(before, after)

    def changes(packets: PacketSet) -> tuple[Change, ...]:
        return tuple(_changes(packets, within, old, new, namer))

    old_open, new_open = passing(old), passing(new)
    old_answer, new_answer = _answering(old), _answering(new)
    promises = [
        (f"{word} {'no more' if is_less else 'now'}", change)
        for word in (Outcome.REQUIRED, Outcome.REQUESTED)
        for is_less, packets in (
            (False, _said(new, word) - _said(old, word)),
            (True, _said(old, word) - _said(new, word)),
        )
        for change in changes(packets & _alike(old_open, new_open))
    ]
    return Comparison(
        before,
        after,
        day,
        opens=changes(new_open - old_open),
        closes=changes(old_open - new_open),
        answers=changes(new_answer - old_answer - old_open),
        hides=changes(old_answer - new_answer - new_open),
        promises=tuple(promises),
        settings=tuple(_settings(before, after)),
    )


def _own(policy: Policy, narrow: Policy, day: date, region: Within) -> tuple[Hop, ...]:
    """The policy's own firewalls as its narrowed form decides, right for what lies in the region alone."""
    return tuple(
        replace(
            hop,
            policy=policy,
            programs={
                family: specialise(program, region[family]) if family in region else program
                for family, program in hop.programs.items()
            },
        )
        for hop in path(narrow, day)
    )


def _of_new_flows(family: Family, region: Box) -> Box | None:
    new = box(family, conntrack_state=_NEW)
    return None if new is None else meet_box(region, new, family)


def _alike(old_open: PacketSet, new_open: PacketSet) -> PacketSet:
    """What is open in both or in neither, so that a change is told once."""
    return (old_open & new_open) | ~(old_open | new_open)


def _answering(hops: tuple[Hop, ...]) -> PacketSet:
    """What is stopped, and answered wherever it is stopped."""
    silent, answered = EMPTY, EMPTY
    for hop in hops:
        silent = silent | ~hop.decided(*OPEN_OUTCOMES, *ANSWERED_OUTCOMES)
        answered = answered | hop.decided(*ANSWERED_OUTCOMES)
    return answered - silent


def _said(hops: tuple[Hop, ...], outcome: Outcome) -> PacketSet:
    said = EMPTY
    for hop in hops:
        said = said | hop.decided(outcome.value)
    return said


def _changes(
    packets: PacketSet, within: Within, old: tuple[Hop, ...], new: tuple[Hop, ...], namer: Namer
) -> Iterator[Change]:
    """The packets in exact parts: those of a part are decided by the same lines before, and by the same lines after."""
    found: dict[Hashable, tuple[list[Flow], tuple[Decision, ...]]] = {}
    for family in FAMILIES:
        programs = [hop.programs[family] for hop in (*old, *new)]
        for flow in packets.flows(family, within):
            for part, decisions in parts_of(programs, family, flow.box):
                found.setdefault(tuple(map(identity, decisions)), ([], decisions))[0].extend(part)
    for flows, decisions in found.values():
        witness = witness_of(flows[0])
        rulings = [ruling(hop, decision, flows) for hop, decision in zip((*old, *new), decisions, strict=True)]
        yield Change(
            tuple(flows), flow_words(flows, namer), witness, tuple(rulings[: len(old)]), tuple(rulings[len(old) :])
        )


def _settings(before: Policy, after: Policy) -> Iterator[str]:
    for name in sorted({*before.firewalls, *after.firewalls}):
        old, new = before.firewalls.get(name), after.firewalls.get(name)
        if old is not None and new is not None:
            yield from _firewall_settings(name, old, new)
    was, now = (Counter(_rule_settings(policy)) for policy in (before, after))
    yield from (f"{said}: no more" for said in sorted((was - now).elements()))
    yield from (f"{said}: now" for said in sorted((now - was).elements()))


def _rule_settings(policy: Policy) -> Iterator[str]:
    """What rules ask for beside letting through on a day: how long sessions live, what is logged, when the rule ends."""
    for rule in policy.rules:
        if rule.is_on and rule.sessions is not None:
            yield f"{rule.label}: sessions of {rule.sessions} s"
        if rule.is_on and rule.log:
            yield f"{rule.label}: logged"
        if rule.is_on and rule.until is not None:
            yield f"{rule.label}: until {iso(rule.until)}"


def _firewall_settings(name: str, old: Firewall, new: Firewall) -> Iterator[str]:
    for timeout in sorted({*old.timeouts, *new.timeouts}):
        was, now = old.timeouts.get(timeout), new.timeouts.get(timeout)
        if was != now:
            yield f"{name}: timeout {timeout} was {_seconds(was)}, is {_seconds(now)}"
    for zone in sorted({*old.interfaces, *new.interfaces}):
        here, there = old.interfaces.get(zone, ()), new.interfaces.get(zone, ())
        if here != there:
            yield f"{name}: interfaces of {zone} were {', '.join(here) or 'any'}, are {', '.join(there) or 'any'}"


def _seconds(value: int | None) -> str:
    return "the kernel's" if value is None else f"{value} s"
