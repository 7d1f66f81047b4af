"""Who reaches whom: the fewest classes of addresses that pieces of traffic do not tell apart, and what is between two classes.

Two addresses are of one class where nothing changes if the one stands for the other, at either end: by whatever services,
ports and interfaces the one is reached and reaches, by the same the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from firewright.analysis.classes import TooManyClasses
from firewright.model.interval import Ranges, canonical, size, union
from firewright.model.packet import Family
from firewright.model.service_table import State
from firewright.space.bitmap import bits
from firewright.space.budget import Undecided
from firewright.space.flow import Flow

_MOST_CONDITIONS, _MOST_GROUPS = 1 << 16, 1 << 11
"""Products of services, ports and interfaces that are told apart, and groups of them that have a meaning of their own."""
_TOO_MUCH = "too many services, ports and interfaces are told apart"
_MOST_LEADS = 5_000_000
"""Steps in which it is gathered what leads where."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A product of flows with one state; an end that is the machine itself is told by it, and not by its address."""

    state: State
    flow: Flow
    from_local: bool = False
    to_local: bool = False

    @property
    def rest(self) -> tuple[Ranges, ...]:
        """The axes beside the two ends; of the machine itself the address that it is called by is one."""
        flow = self.flow
        own = flow.source if self.from_local else (), flow.destination if self.to_local else ()
        return flow.in_interface, flow.out_interface, flow.service, flow.source_port, flow.tcp_flags, *own


@dataclass(frozen=True, slots=True)
class End:
    """Addresses that are alike at one end, None for the machine itself, and as a bitmap the pieces that one of them has there."""

    addresses: Ranges | None
    pieces: int


@dataclass(frozen=True)
class Reaching:
    """The classes of a family, of one rank the largest first, and the machine itself last.

    `rows` are those that send, `columns` those that are sent to, both as places in `classes`.
    """

    family: Family
    classes: tuple[Ranges | None, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    pieces: tuple[Piece, ...]
    _sending: tuple[int, ...]
    _receiving: tuple[int, ...]

    def between(self, row: int, column: int) -> tuple[Piece, ...]:
        """The pieces from any address of one class to any of another, both by their place in `classes`. O(pieces)."""
        return tuple(self.pieces[place] for place in bits(self._sending[row] & self._receiving[column]))


def reaching(family: Family, given: Iterable[Piece], most: int, rank: Callable[[Ranges], int]) -> Reaching:
    """The classes that some pieces, disjoint and together a whole question, do not tell apart, those of lower rank first.

    Raises TooManyClasses beyond `most`, Undecided where too many conditions beside the addresses are told apart.
    O(pieces x atoms).
    """
    pieces = tuple(given)
    conditions = _conditions(pieces)
    senders, receivers = list(_ends(pieces, is_source=True)), list(_ends(pieces, is_source=False))
    by_sender = _merged(senders, receivers, pieces, conditions, most)
    by_receiver = _merged(receivers, senders, pieces, conditions, most)
    found = sorted(
        _joined(by_sender, by_receiver),
        key=lambda one: (one[0] is None, rank(one[0] or ()), -size(one[0] or ()), one[0] or ()),
    )
    if len(found) > most:
        raise TooManyClasses(f"{len(found)} classes of IPv{family} addresses, more than {most}")
    return Reaching(
        family,
        tuple(addresses for addresses, _, _ in found),
        tuple(place for place, (_, sends, _) in enumerate(found) if sends),
        tuple(place for place, (_, _, gets) in enumerate(found) if gets),
        pieces,
        tuple(sends for _, sends, _ in found),
        tuple(gets for _, _, gets in found),
    )


def _ends(pieces: Sequence[Piece], *, is_source: bool) -> Iterator[End]:
    """The addresses at one end by the pieces that hold them, and the machine itself."""
    local, sets = 0, []
    for place, piece in enumerate(pieces):
        if piece.from_local if is_source else piece.to_local:
            local |= 1 << place
        else:
            sets.append((piece.flow.source if is_source else piece.flow.destination, 1 << place))
    yield from (End(addresses, held) for held, addresses in atoms(sets).items())
    if local:
        yield End(None, local)


def atoms(sets: Iterable[tuple[Ranges, int]]) -> dict[int, Ranges]:
    """The numbers of some sets by which of them hold each: every set has a bit of its own. O(n log n) for n ends."""
    changes: dict[int, int] = {}
    for ranges, bit in sets:
        for low, high in ranges:
            changes[low] = changes.get(low, 0) ^ bit
            changes[high + 1] = changes.get(high + 1, 0) ^ bit
    found: dict[int, list[tuple[int, int]]] = {}
    held, start = 0, 0
    for end in sorted(changes):
        if held:
            found.setdefault(held, []).append((start, end - 1))
        held ^= changes[end]
        start = end
    return {bitmap: canonical(segments) for bitmap, segments in found.items()}


def _conditions(pieces: Sequence[Piece]) -> list[tuple[int, ...]]:
    """For each piece the conditions beside the addresses that it has, by number: they are disjoint, and no piece has a part of one."""
    rests = list(dict.fromkeys(piece.rest for piece in pieces))
    whole: list[int] = [1] * len(rests)
    width = 1
    for axis in range(len(rests[0]) if rests else 0):
        told = atoms((rest[axis], 1 << place) for place, rest in enumerate(rests) if rest[axis])
        if len(told) < 2:
            continue
        own = [0] * len(rests)
        for atom, held in enumerate(told):
            for place in bits(held):
                own[place] |= 1 << atom * width
        # A rest that does not speak of an axis has nothing on it; its ends are others than of those that do.
        whole = [_product(inner, outer or 1, width) for inner, outer in zip(whole, own, strict=True)]
        width *= len(told)
        if width > _MOST_CONDITIONS:
            raise Undecided(_TOO_MUCH)
    groups = [(1 << width) - 1]
    for one in dict.fromkeys(whole):
        groups = [part for group in groups for part in (group & one, group & ~one) if part]
        if len(groups) > _MOST_GROUPS:
            raise Undecided(_TOO_MUCH)
    numbers = {
        rest: tuple(number for number, group in enumerate(groups) if group & one)
        for rest, one in zip(rests, whole, strict=True)
    }
    return [numbers[piece.rest] for piece in pieces]


def _product(inner: int, outer: int, width: int) -> int:
    """The cells of a product: `inner` has one bit for each of `width`, `outer` one for each block of as many."""
    found = 0
    for block in bits(outer):
        found |= inner << block
    return found


def _merged(
    ends: Sequence[End],
    others: Sequence[End],
    pieces: Sequence[Piece],
    conditions: Sequence[tuple[int, ...]],
    most: int,
) -> list[End]:
    """The ends, those together from which, or to which, the same leads to the same others. Raises TooManyClasses."""
    facing = [0] * len(pieces)
    for place, other in enumerate(others):
        for held in bits(other.pieces):
            facing[held] |= 1 << place
    groups: dict[tuple[object, ...], list[End]] = {}
    steps = 0
    for end in ends:
        leads: dict[tuple[State, int], int] = {}
        for place in bits(end.pieces):
            piece = pieces[place]
            if piece.state is State.CLOSED:
                continue  # What no other piece holds is closed.
            steps += len(conditions[place])
            if steps > _MOST_LEADS:
                raise Undecided(_TOO_MUCH)
            for condition in conditions[place]:
                key = piece.state, condition
                leads[key] = leads.get(key, 0) | facing[place]
        groups.setdefault((end.addresses is None, *sorted(leads.items())), []).append(end)
        if len(groups) > most + 1:
            raise TooManyClasses(f"more than {most} classes of addresses")
    return [
        End(None if some[0].addresses is None else union(*(end.addresses or () for end in some)), some[0].pieces)
        for some in groups.values()
    ]


def _joined(senders: Sequence[End], receivers: Sequence[End]) -> Iterator[tuple[Ranges | None, int, int]]:
    """The classes that are alike at both ends: their addresses, and the pieces of one of them at either."""
    ends = [*senders, *receivers]
    sets = [(end.addresses, 1 << place) for place, end in enumerate(ends) if end.addresses is not None]
    first = len(senders)
    for held, addresses in atoms(sets).items():
        places = tuple(bits(held))
        yield (
            addresses,
            next((ends[place].pieces for place in places if place < first), 0),
            next((ends[place].pieces for place in places if place >= first), 0),
        )
    local = [next((end.pieces for end in some if end.addresses is None), 0) for some in (senders, receivers)]
    if any(local):
        yield None, local[0], local[1]


def states_of(pieces: Iterable[Piece]) -> dict[State, list[Piece]]:
    """Pieces by their state, in the order of states."""
    found: dict[State, list[Piece]] = {state: [] for state in State}
    for piece in pieces:
        found[piece.state].append(piece)
    return {state: some for state, some in found.items() if some}
