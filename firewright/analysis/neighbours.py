"""Other firewalls on a machine: who made a table, and what of a policy's permissions its rules stop. A packet must pass them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from firewright.analysis.passage import passage_words
from firewright.analysis.permissions import NEW, Surroundings, following, permissions
from firewright.analysis.running import Running, openings, witness
from firewright.analysis.words import Namer
from firewright.model.address import LOOPBACK, UNICAST, AddressSet
from firewright.model.decision import PERMITTED_OUTCOMES
from firewright.model.interval import Ranges, is_within
from firewright.model.packet import FAMILIES, Family
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.partition import partition
from firewright.space.program import Program
from firewright.space.ruleset import Line


@dataclass(frozen=True, slots=True)
class Base:
    """A base chain: where packets come to it. `policy` is its own end, accept or drop."""

    chain: str
    kind: str
    hook: str
    priority: int
    policy: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What of the policy's permissions one rule of another table stops, or without `is_certain` stops under some reading.

    `what` is flows, established (packets of flows that could begin), essentials, or loopback (the machine with itself).
    `flows` and `witness` are in words; `verdict` is drop or reject; `place` and `rule` are the rule's, in the words of the
    program that lists it.
    `is_usual` says that it stops some where none of the conditions holds that were not understood (a limit that is reached,
    a mark, an element that a packet put into a set): then it is the conditions that let packets pass.
    """

    what: str
    flows: tuple[str, ...]
    witness: str
    verdict: str
    place: str
    rule: str
    is_certain: bool
    is_usual: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """A port that a table publishes for something behind the machine, which a host's policy does not judge.

    `flows` are what arrives there of what the policy closes at the port that callers name: none where the policy opens as much.
    Without `is_certain` they may arrive. `target` is the address and port behind; `rule` is the rule that publishes.
    """

    service: str
    host: str
    target: str
    flows: tuple[str, ...]
    witness: str
    place: str
    rule: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A table that is not ours, and what it does to a policy.

    `program` lists it; `makers` are those who made it, as far as names tell; `rules` and `bounded` are counted.
    `forwards` are the families of whose forwarded packets it stops some. `translations` are its rules that change addresses
    or ports, `unfollowed` those that publish in a way nobody could follow. `unjudged` says why it is not judged, or not wholly.
    A dormant table hooks nothing.
    """

    table: str
    program: str
    makers: tuple[str, ...]
    bases: tuple[Base, ...]
    rules: int
    bounded: int
    cuts: tuple[Cut, ...] = ()
    openings: tuple[Opening, ...] = ()
    forwards: tuple[Family, ...] = ()
    translations: tuple[str, ...] = ()
    unfollowed: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    is_dormant: bool = False

    @property
    def title(self) -> str:
        """The table and who made it."""
        return f"{self.table} ({', '.join(self.makers)})" if self.makers else self.table

    @property
    def is_harmless(self) -> bool:
        """Whether it surely stops nothing of the policy and opens nothing past it."""
        return not (self.cuts or self.unjudged or self.unfollowed or any(one.flows for one in self.openings))


@dataclass(frozen=True, slots=True)
class Stop:
    """Packets of one kind that a rule of a table stops, `line` None where its base chain has no rule for it; see Cut."""

    what: str
    flows: tuple[Flow, ...]
    verdict: str
    line: Line | None
    is_certain: bool


def cuts(programs: Mapping[Family, Program], around: Surroundings, table: Running, namer: Namer) -> tuple[Cut, ...]:
    """What a table stops of what a policy lets through, in words; what it stops surely comes first. Raises Undecided."""
    return tuple(
        Cut(
            one.what,
            words(one.flows, around, namer),
            str(witness(one.flows[0])),
            one.verdict,
            "" if one.line is None else one.line.place,
            "" if one.line is None else one.line.text,
            one.is_certain,
            any(all(not wanted for _, wanted in flow.literals) for flow in one.flows),
        )
        for one in stops(programs, around, table)
    )


_KINDS = ("flows", "established", "essentials", "loopback")


def stops(programs: Mapping[Family, Program], around: Surroundings, table: Running) -> tuple[Stop, ...]:
    """The packets that a policy lets through and a table stops, exactly: by kind, by rule, surely or under some reading.

    `programs` are the policy's, by outcomes. Raises Undecided.
    """
    found: dict[tuple[int, int, str, str], Stop] = {}

    def judge(what: str, packets: PacketSet, family: Family, within: Box) -> None:
        for closed in (packets - table.surely).flows(family, {family: within}):
            for flows, verdict, line in _stopped(table, family, closed.box):
                for flow in flows:
                    is_certain = table.possibly.is_empty({family: flow.box})
                    key = (int(not is_certain), _KINDS.index(what), verdict, "" if line is None else line.place)
                    before = found.get(key, Stop(what, (), verdict, line, is_certain))
                    found[key] = replace(before, flows=(*before.flows, flow))

    for what, packets, family, within in permissions(programs, around):
        judge(what, packets, family, within)
        if what == "flows":
            # Where a flow cannot begin, nobody misses what comes after it.
            begun = (packets & table.possibly).flows(family, {family: within})
            later = [one for flow in begun for one in following(flow)]
            judge("established", PacketSet.of({family: later}), family, EVERY_BOX)
    return tuple(stop for _, stop in sorted(found.items(), key=lambda one: one[0]))


def _stopped(table: Running, family: Family, within: Box) -> Iterator[tuple[tuple[Flow, ...], str, Line | None]]:
    """What rules of a table stop of some packets, with the rule behind each part."""
    programs = [one[family] for one in table.programs]
    for part in partition(programs, family, within):
        for program, step in zip(programs, part.deciders, strict=True):
            verdict, origin = program.verdict[step], program.origin[step]
            if verdict != "accept":
                yield part.flows, str(verdict), origin if isinstance(origin, Line) else None
                break


def words(flows: Iterable[Flow], around: Surroundings, namer: Namer) -> tuple[str, ...]:
    """Flows as people say them: no word of TCP's flags, and of interfaces only where it is not all that the machine has."""
    said = (
        replace(
            flow,
            tcp_flags=((0, 255),),
            in_interface=_any_of(flow.in_interface, around),
            out_interface=_any_of(flow.out_interface, around),
        )
        for flow in flows
    )
    return tuple(map(str, passage_words(said, namer)))


def _any_of(interfaces: Ranges, around: Surroundings) -> Ranges:
    return ANY_INTERFACE if interfaces != HOST and is_within(around.outside, interfaces) else interfaces


def stops_forwarded(table: Running, around: Surroundings) -> tuple[Family, ...]:
    """The families in which a table stops, under some reading, some new packet that the machine would pass on. Raises Undecided."""
    found = []
    for family in FAMILIES:
        passed = box(
            family,
            in_interface=around.outside,
            out_interface=around.outside,
            source=UNICAST.ranges(family),
            destination=UNICAST.ranges(family),
            conntrack_state=NEW,
        )
        if passed is not None and not (~table.surely).is_empty({family: passed}):
            found.append(family)
    return tuple(found)


def unpermitted(
    arriving: Sequence[Flow], programs: Mapping[Family, Program], outer: Ranges, own: AddressSet
) -> tuple[Flow, ...]:
    """Of flows that arrive behind a machine by a port of its own, those whose senders the policy lets not to that port.

    They are told as they are sent: to the machine's addresses and the port `outer`. Raises Undecided.
    """
    permitted = PacketSet.decided(programs, *PERMITTED_OUTCOMES)
    found: list[Flow] = []
    for flow in arriving:
        sent = box(
            flow.family,
            in_interface=flow.in_interface,
            out_interface=HOST,
            source=flow.source,
            destination=(own - LOOPBACK).ranges(flow.family),
            conntrack_state=flow.conntrack_state,
            service=outer,
        )
        if sent is not None:
            for opening in openings(flow.family, sent):
                found += (~permitted).flows(flow.family, {flow.family: opening})
    return tuple(found)
