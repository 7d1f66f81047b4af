"""The service matrix of a subject: for a service the classes of addresses, and who reaches whom, exactly or with stated bounds."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_address

from firewright.analysis.cutting import steps_in
from firewright.analysis.passage import MachineNamer, passage_words
from firewright.analysis.path import internet_of
from firewright.analysis.question import Question, Side
from firewright.analysis.reaching import Piece, Reaching, reaching, states_of
from firewright.analysis.subject import ACCEPT, UNSAID, Kind, Subject, decision_of, line_of
from firewright.analysis.wire import REAL, by_any, seen_openings
from firewright.analysis.words import Namer
from firewright.model.address import UNICAST, AddressSet
from firewright.model.decision import Outcome
from firewright.model.interval import Range, Ranges, difference, intersection, is_within, size
from firewright.model.packet import Family, Packet
from firewright.model.policy import Term
from firewright.model.service_table import AddressClass, Cell, FamilyTable, Share, State
from firewright.space.axis import AXES, HOST, Axis, point
from firewright.space.bitmap import bitmap_of, bits
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX, Box, box, meet_box, ranges_of
from firewright.space.diagram import decider
from firewright.space.flow import Flow
from firewright.space.fold import fold
from firewright.space.index import Index
from firewright.space.packetset import PacketSet
from firewright.space.program import Hop, Program, specialise
from firewright.space.witness import packet_in

MOST_CLASSES = 128
"""Classes of a matrix that anybody could read."""
_WORDS = {State.UNENFORCED: Outcome.UNENFORCED.value, State.UNSAID: UNSAID}
"""The words of programs for what is neither open nor closed."""
_OPEN_WORDS, _STOPPED = (ACCEPT, *_WORDS.values()), "stopped"
_LINK_LOCAL = {"link-local": AddressSet.of("169.254.0.0/16", "fe80::/10")}
"""What no router passes on (RFC 3927, RFC 4291): no zone of a policy, and a class of its own nearly everywhere."""
_FEW_RANGES = 48
"""An unnamed class of more ranges is told by its first ones: the fewest words for it are no words that anybody reads."""
_SHOWN_RANGES = 3
_MOST_DEPENDS = 5
_SET = re.compile(r"(?:@|--match-set )([A-Za-z][\w.-]*)")
_NOT_IN_SET = re.compile(r"!= @|! --match-set ")


@dataclass(frozen=True, slots=True)
class Asked:
    """New flows with some services, from these addresses and perhaps the machine itself, to these and perhaps itself."""

    term: Term
    sources: AddressSet
    destinations: AddressSet
    from_local: bool = True
    to_local: bool = True


def table(subject: Subject, asked: Asked, family: Family, most: int = MOST_CLASSES) -> FamilyTable | None:
    """Who reaches whom in a family; None where no packet of it is asked about.

    Raises TooManyClasses beyond `most`, Undecided.
    """
    ways = [_Way(subject, family, within) for within in _within(asked, family)]
    pieces = [(piece, way) for way in ways for piece in way.pieces()]
    if not pieces:
        return None
    zones = _zones(subject, family)
    found = reaching(
        family,
        (piece for piece, _ in pieces),
        most,
        lambda ranges: next((place for place, zone in enumerate(zones) if is_within(ranges, zone)), len(zones)),
    )
    return _Telling(subject, found, {id(piece): way for piece, way in pieces}).table()


def _zones(subject: Subject, family: Family) -> list[Ranges]:
    """The addresses of a policy's zones in the order in which their classes are told."""
    if subject.kind is Kind.RULESET:
        return []
    policy = subject.vocabulary
    return [internet_of(policy).ranges(family), *(zone.addresses.ranges(family) for zone in policy.named_zones)]


def _within(asked: Asked, family: Family) -> Iterator[Box]:
    """The packets that are asked about, as products: those that pass through, that come to the machine, that leave it."""
    own = Side("local", UNICAST, is_local=True)
    source, destination = Side("", asked.sources), Side("", asked.destinations)
    ends = [(source, destination)]
    ends += [(source, own)] if asked.to_local else []
    ends += [(own, destination)] if asked.from_local else []
    for here, there in ends:
        went = HOST if there.is_local else REAL
        ways = box(family, in_interface=HOST if here.is_local else REAL, out_interface=went)
        for one in seen_openings(family, Question(here, there, asked.term).within().get(family, ())):
            met = None if ways is None else meet_box(ways, one, family)
            if met is not None:
                yield met


class _Way:
    """The packets of one product, and of the subject's programs the steps that they may meet."""

    def __init__(self, subject: Subject, family: Family, within: Box) -> None:
        self.family, self.within = family, within
        self.program = steps_in(subject.programs[family].seal(), within)
        self._telling = None if subject.telling is None else subject.telling[family].seal()
        self.from_local = ranges_of(within, Axis.IN_INTERFACE, family) == HOST
        self.to_local = ranges_of(within, Axis.OUT_INTERFACE, family) == HOST
        self.is_bounded = any(self.program.literals)

    @cached_property
    def decider(self) -> _Decider:
        """The program, asked packet by packet."""
        return _Decider(self.program)

    @cached_property
    def telling(self) -> _Decider | None:
        """The filtering hooks alone, whose rule is told where everything is passed."""
        return None if self._telling is None else _Decider(steps_in(self._telling, self.within))

    def pieces(self) -> Iterator[Piece]:
        """The product by what becomes of its packets: disjoint, and together all of it. Raises Undecided."""
        for state, packets in self._sets():
            for flow in packets.flows(self.family, {self.family: self.within}):
                yield Piece(state, replace(flow, literals=()), self.from_local, self.to_local)

    def _sets(self) -> Iterator[tuple[State, PacketSet]]:
        hops = [self._alone(self._short(one)) for one in _hops(self.program)]
        aside = [(state, word) for state, word in _WORDS.items() if all(word in one[self.family].words for one in hops)]
        away = [(state, _all_of(PacketSet.decided(one, word) for one in hops)) for state, word in aside]
        decided = self._alone(self._short(self.program))
        sure = surely(decided, ACCEPT) if self.is_bounded else PacketSet.decided(decided, ACCEPT)
        perhaps = possibly(decided, ACCEPT) if self.is_bounded else sure
        for state, packets in away:
            yield state, packets
            sure, perhaps = sure - packets, perhaps | packets
        yield State.OPEN, sure
        if self.is_bounded:
            yield State.POSSIBLY, _all_of([perhaps - sure, *(~packets for _, packets in away)])
        yield State.CLOSED, ~perhaps

    def _short(self, program: Program) -> Program:
        """A program that lets the same packets of the product through, in fewer steps."""
        plain = Program(self.family)
        for step, verdict in enumerate(program.verdict):
            word = verdict if verdict in _OPEN_WORDS else _STOPPED
            place = plain.add(
                program.box[step], None if isinstance(verdict, int) else str(word), None, program.literals[step]
            )
            if isinstance(verdict, int):
                plain.skip(place, verdict)
        return fold(specialise(plain.seal(), self.within)).seal()

    def _alone(self, program: Program) -> Mapping[Family, Program]:
        other = Program(10 - self.family)
        other.add(EVERY_BOX, "not asked")
        return {self.family: program, other.family: other.seal()}


class _Decider:
    """A program that is asked about many packets: which step decides, which steps hold a packet if their literals do."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._index = Index([program], program.family)
        self._unread = bitmap_of([step for step, literals in enumerate(program.literals) if literals], len(program))

    def decide(self, place: Sequence[int]) -> int:
        """The step that decides a packet of which no literal holds. O(axes + skips)."""
        index = self._index
        holding = self._holding(place)
        for axis in index.axes[AXES:]:
            holding &= axis.held[axis.atom[0]]
        return decider(index, 0, holding)

    def unread(self, place: Sequence[int]) -> Iterator[int]:
        """The steps with literals that otherwise hold a packet."""
        return bits(self._holding(place) & self._unread)

    def _holding(self, place: Sequence[int]) -> int:
        found = self._index.every_step
        for axis, number in zip(self._index.axes, place, strict=False):
            found &= axis.held[axis.atom[bisect_right(axis.starts, number) - 1]]
        return found


def _all_of(sets: Iterable[PacketSet]) -> PacketSet:
    first, *rest = sets
    for one in rest:
        first = first & one
    return first


def _hops(program: Program) -> list[Program]:
    """The firewalls in series that a program is of, each alone, deciding "not enforced" what does not pass it. O(steps)."""
    starts = [
        step
        for step, origin in enumerate(program.origin)
        if step == 0 or _hop_name(origin) != _hop_name(program.origin[step - 1])
    ]
    found = []
    for start, end in zip(starts, [*starts[1:], len(program)], strict=True):
        out = Program(program.family)
        for step in range(start, end):
            verdict, decision = program.verdict[step], decision_of(program.origin[step])
            goes_on = isinstance(verdict, int) and verdict < end
            word = verdict if isinstance(verdict, str) else ACCEPT
            if word == ACCEPT and decision is not None and decision.outcome is Outcome.UNENFORCED:
                word = _WORDS[State.UNENFORCED]
            place = out.add(program.box[step], None if goes_on else word, None, program.literals[step])
            if isinstance(verdict, int) and goes_on:
                out.skip(place, verdict - start)
        found.append(out.seal())
    return found


def _hop_name(origin: object) -> str:
    return origin.name if isinstance(origin, Hop) else ""


class _Telling:
    """A matrix in words: its classes by their names, its cells with what decides them."""

    def __init__(self, subject: Subject, found: Reaching, ways: Mapping[int, _Way]) -> None:
        self.subject, self.found, self.ways = subject, found, ways
        self.family = found.family
        self.namer = namer_of(subject, self.family)
        numbers: dict[tuple[Ranges, ...], int] = {}
        self._rests = {id(piece): numbers.setdefault(piece.rest, len(numbers)) for piece in found.pieces}
        self._words: dict[frozenset[int], tuple[str, ...]] = {}

    def table(self) -> FamilyTable:
        """Everything in words."""
        found = self.found
        cells = tuple(
            tuple(self._cell(found.classes[row], found.classes[column], row, column) for column in found.columns)
            for row in found.rows
        )
        return FamilyTable(self.family, tuple(self._classes()), found.rows, found.columns, cells)

    def _classes(self) -> Iterator[AddressClass]:
        taken: dict[str, int] = {}
        largest = next((one for one in self.found.classes if one is not None), None)
        for one in self.found.classes:
            if one is None:
                yield AddressClass("local", 1, (), is_local=True)
                continue
            name = self._name(one, is_largest=one is largest)
            taken[name] = taken.get(name, 0) + 1
            name = f"{name} ({taken[name]})" if taken[name] > 1 else name
            yield AddressClass(name, size(one), tuple(_range_words(self.family, each) for each in one))

    def _name(self, addresses: Ranges, *, is_largest: bool) -> str:
        """What a class is called; one of many ranges without a name is the rest, or told by its first ones."""
        name = self.namer.addresses(self.family, addresses) if len(addresses) <= _FEW_RANGES else ""
        if name and not name.endswith(" more prefixes"):
            return name
        if is_largest:
            return "everybody else"
        if len(addresses) <= _SHOWN_RANGES:
            return ", ".join(_range_words(self.family, one) for one in addresses)
        first = ", ".join(_range_words(self.family, one) for one in addresses[:_SHOWN_RANGES])
        return f"{first} and {len(addresses) - _SHOWN_RANGES:,} more ranges"

    def _cell(self, source: Ranges | None, destination: Ranges | None, row: int, column: int) -> Cell | None:
        if source is None and destination is None:
            return None
        if source == destination and size(source or ()) == 1:
            return None
        by_state = states_of(self.found.between(row, column))
        return Cell(
            tuple(
                self._share(state, some, source, destination, is_all=len(by_state) == 1)
                for state, some in by_state.items()
            )
        )

    def _share(
        self, state: State, pieces: Sequence[Piece], source: Ranges | None, destination: Ranges | None, *, is_all: bool
    ) -> Share:
        flow = replace(
            pieces[0].flow,
            source=pieces[0].flow.source if source is None else source,
            destination=pieces[0].flow.destination if destination is None else destination,
        )
        packet = packet_in(self.family, flow.axes)
        verdict, origin, depends = self._decider(state, packet, self.ways[id(pieces[0])])
        place = self.subject.place_of(origin)
        words = () if is_all else self._conditions(pieces)
        example = str(packet) if is_all else f"{packet}{_by(packet)}"
        return Share(state, words, example, verdict, place.firewall, place.words, place.at, depends)

    def _decider(self, state: State, packet: Packet, way: _Way) -> tuple[str, object, tuple[str, ...]]:
        """What decides a packet: the word, what is behind it, and the rules on whose reading it hangs.

        AssertionError where the program, asked packet by packet, disagrees with the set that the packet was taken from.
        """
        place = point(packet)
        step = way.decider.decide(place)
        verdict, origin = str(way.program.verdict[step]), way.program.origin[step]
        is_open = verdict == ACCEPT
        if (is_open and state is State.CLOSED) or (not is_open and state in (State.OPEN, State.UNENFORCED)):
            raise AssertionError(f"the sets and the programs disagree about {packet}")
        if is_open and way.telling is not None:
            told = way.telling.program.origin[way.telling.decide(place)]
            origin = origin if told is None else told
        return verdict, origin, _unread_on_the_way(way.decider, place) if state is State.POSSIBLY else ()

    def _conditions(self, pieces: Sequence[Piece]) -> tuple[str, ...]:
        """What is special about some flows of a cell beside the two classes, in words."""
        key = frozenset(self._rests[id(piece)] for piece in pieces)
        found = self._words.get(key)
        if found is None:
            flows = dict.fromkeys(_without_ends(self.family, piece.flow) for piece in pieces)
            lines = passage_words(map(by_any, flows), self.namer)
            said = (
                " ".join(filter(None, (line.service, _own("from", line.source), _own("to", line.destination))))
                for line in lines
            )
            found = self._words[key] = tuple(dict.fromkeys(said))
        return found


def _by(packet: Packet) -> str:
    """The interfaces of a packet, which tell it from others of its cell."""
    came = f", by {packet.in_interface}" if packet.in_interface else ""
    return f"{came}, leaving by {packet.out_interface}" if packet.out_interface else came


def _without_ends(family: Family, flow: Flow) -> Flow:
    """The flow between any two addresses, those of the machine itself kept."""
    every: Ranges = UNICAST.ranges(family)
    return replace(
        flow,
        source=flow.source if flow.in_interface == HOST else every,
        destination=flow.destination if flow.out_interface == HOST else every,
    )


def _own(word: str, end: str) -> str:
    """Which of its own addresses the machine is called by, where not all are meant: of `local (192.0.2.1)` the inner part."""
    return f"{word} {end[7:-1]}" if end.startswith("local (") else ""


def _unread_on_the_way(asked: _Decider, place: Sequence[int]) -> tuple[str, ...]:
    """The rules with a match that is not understood whose other matches a packet has."""
    found: dict[str, None] = {}
    for step in asked.unread(place):
        line = line_of(asked.program.origin[step])
        if line is not None:
            found[f"{line.place}: {', '.join(line.unknown) or line.refused or line.text}"] = None
            if len(found) == _MOST_DEPENDS:
                break
    return tuple(found)


def namer_of(subject: Subject, family: Family) -> Namer:
    """Names addresses: by the zones of a policy, else by the sets and comments of a ruleset's rules that speak of them alone."""
    if subject.kind is not Kind.RULESET:
        return Namer(subject.vocabulary, asked=_LINK_LOCAL.items())
    every = UNICAST.ranges(family)
    named: dict[Ranges, str] = {}
    for own, origin in zip(subject.programs[family].box, subject.programs[family].origin, strict=True):
        line = line_of(origin)
        sides = [intersection(ranges_of(own, axis, family), every) for axis in (Axis.SOURCE, Axis.DESTINATION)]
        told = [one for one in sides if one and one != every]
        if line is None or len(told) != 1:
            continue
        sets = set(_SET.findall(line.text))
        if len(sets) == 1:
            inner, outer = told[0], difference(every, told[0])
            inner, outer = (outer, inner) if _NOT_IN_SET.search(line.text) else (inner, outer)
            name = f"@{sets.pop()}"
            named.setdefault(inner, name)
            named.setdefault(outer, f"not {name}")
        elif line.comment and not sets:
            named.setdefault(told[0], line.comment)
    names: dict[str, AddressSet] = {}
    for some, name in named.items():
        names.setdefault(name, AddressSet(v4=some) if family == 4 else AddressSet(v6=some))
    return MachineNamer(subject.vocabulary, UNICAST, ((name, some) for name, some in names.items() if some))


def _range_words(family: Family, one: Range) -> str:
    """A range as a prefix where it is one, else by its ends."""
    prefixes = (AddressSet(v4=(one,)) if family == 4 else AddressSet(v6=(one,))).prefixes()
    if len(prefixes) == 1:
        return prefixes[0]
    low, high = (str(ip_address(number.to_bytes(4 if family == 4 else 16, "big"))) for number in one)
    return f"{low}-{high}"
