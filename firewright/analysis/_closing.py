"""What closes at a firewall between two programs, on one way through the machine, as prefixes and ports that a shell can walk through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from itertools import product

from firewright.analysis._openings import HELPER, TOLD, box_of, opening, value_of
from firewright.analysis.management import alone
from firewright.model.address import TOP
from firewright.model.interval import Range, Ranges, complement, difference, intersection, union
from firewright.model.packet import ConntrackState, Family
from firewright.model.policy import Rule
from firewright.space.axis import TOPS, Axis
from firewright.space.bounds import possibly
from firewright.space.box import ANY, Box, meet_box, ranges_of
from firewright.space.encode import rule_boxes
from firewright.space.program import Program, specialise
from firewright.space.ruleset import Hook

_EVERY_PORT: Range = (0, 65535)


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """Flows that end together: of a family, on the way of a hook, from and to a prefix (empty: any), by protocols and ports.

    On the way `input` the destination is the machine itself, on `output` the source, whatever the prefixes say beside; on
    `forward` neither is; where both are, the machine talks to itself, which never ends. Addresses are after DNAT and before SNAT,
    as `Tracked` has them. `ports` tell flows apart only where there is one protocol: destination ports, or ICMP type << 8 | code.
    """

    family: Family
    hook: Hook
    source: str
    destination: str
    protocols: Range
    ports: Range
    source_ports: Range = _EVERY_PORT


def boxes_on(rule: Rule, family: Family, hook: Hook) -> Iterator[Box]:
    """What a rule speaks of on one way, the interfaces left out."""
    within = box_of(family, hook)
    for box in rule_boxes(rule, family):
        if meet_box(box, within, family) is not None:
            yield (ANY, ANY, *box[Axis.SOURCE :])


class Closing:
    """What closes on one way between two programs, as records."""

    def __init__(self, hook: Hook, before: Program, after: Program) -> None:
        self._hook, self._family = hook, before.family
        self._before, self._after = opening(before, hook), opening(after, hook)
        related = opening(after, hook, ConntrackState.RELATED)
        literals = zip(related.box, related.literals, strict=True)
        self._expected = [box for box, asked in literals if any(text.startswith(HELPER) for text, _ in asked)]

    def within(self, box: Box) -> Iterator[Record]:
        """The records of what closes inside a box. Raises Undecided."""
        before, after = (possibly(alone(specialise(one, box)), "accept") for one in (self._before, self._after))
        for flow in (before - after).flows(self._family, {self._family: box}):
            closed = {axis: flow.on(axis) for axis in TOLD}
            for axis in (Axis.SOURCE, Axis.DESTINATION, Axis.SOURCE_PORT):
                closed[axis] = self._widened(closed, axis)
            yield from self._written(closed)

    def _widened(self, closed: Mapping[Axis, Ranges], axis: Axis) -> Ranges:
        """More of an axis than closes, where that is said in fewer words and nothing of it may begin afterwards."""
        top = TOPS[self._family]
        box = [ANY] * len(top)
        for other in TOLD:
            if other is not axis:
                box[other] = value_of(closed[other], self._family, other)
        own = closed[axis]
        kept = difference(self._accepted(tuple(box), axis), own)
        free = complement(kept, top[axis])
        if axis is Axis.SOURCE_PORT:
            return tuple(one for one in free if intersection((one,), own))
        return union(tuple(_covering(own, free, TOP[self._family])))

    def _accepted(self, box: Box, axis: Axis) -> Ranges:
        """The numbers with which a packet of a box may be accepted, those that a helper may expect among them, and perhaps more."""
        near = specialise(self._after, box)
        accepting = [one for one, verdict in zip(near.box, near.verdict, strict=True) if verdict == "accept"]
        accepting += [one for expected in self._expected if (one := meet_box(expected, box, self._family)) is not None]
        return union(*(ranges_of(one, axis, self._family) for one in accepting))

    def _written(self, closed: Mapping[Axis, Ranges]) -> Iterator[Record]:
        sources, destinations = (
            [_word(self._family, one) for one in _covering(closed[axis], closed[axis], TOP[self._family])]
            for axis in (Axis.SOURCE, Axis.DESTINATION)
        )
        services = [one for pair in closed[Axis.SERVICE] for one in _by_protocol(pair)]
        for source, destination, (protocols, ports), own in product(
            sources, destinations, services, closed[Axis.SOURCE_PORT]
        ):
            yield Record(self._family, self._hook, source, destination, protocols, ports, own)


def _by_protocol(pair: Range) -> Iterator[tuple[Range, Range]]:
    """A stretch of the service axis as protocols with ports: parts of single protocols, and whole ones together."""
    (first, low), (last, high) = (divmod(number, 1 << 16) for number in pair)
    if first == last:
        yield (first, first), (low, high)
        return
    if low:
        yield (first, first), (low, 65535)
        first += 1
    if high < 65535:
        yield (last, last), (0, high)
        last -= 1
    if first <= last:
        yield (first, last), _EVERY_PORT


def _covering(wanted: Ranges, free: Ranges, top: int) -> Iterator[Range]:
    """The fewest prefixes, each within what is free, that hold all that is wanted; it must be free itself."""
    todo = [((0, top), wanted, complement(free, top))]
    while todo:
        (low, high), inside, barred = todo.pop()
        inside, barred = intersection(inside, ((low, high),)), intersection(barred, ((low, high),))
        if inside and not barred:
            yield low, high
        elif inside:
            middle = (low + high) // 2
            todo += [((middle + 1, high), inside, barred), ((low, middle), inside, barred)]


def _word(family: Family, block: Range) -> str:
    """A prefix as text, empty for every address."""
    low, high = block
    length = TOP[family].bit_length() - (high - low).bit_length()
    network = IPv4Network((low, length)) if family == 4 else IPv6Network((low, length))
    return str(network) if length else ""
