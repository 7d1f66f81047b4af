"""Boxes: products of canonical sets, one for each axis, each set interned to a small number.

A set with nothing in it has no number, so a box that matches nothing cannot be built and cannot be written wider by mistake.
Interned sets live as long as the process.
"""

from collections.abc import Sequence
from threading import Lock

from firewright.model.interval import Ranges, canonical, difference, has, intersection, union
from firewright.model.packet import Family
from firewright.space.axis import AXES, PORTED_SERVICES, TCP_SERVICES, TOPS, Axis

Value = int
"""An interned set of numbers; equal sets have equal numbers."""
Box = tuple[Value, ...]
"""One value for each axis."""

ANY: Value = 0
EVERY_BOX: Box = (ANY,) * AXES
"""Every packet of a family."""

_RANGES: list[Ranges] = [()]
_NUMBERS: dict[Ranges, Value] = {}
_MEETS: dict[tuple[Value, Value], Value | None] = {}
_REMEMBERED = 1 << 20
_LOCK = Lock()


def intern(ranges: Ranges, top: int) -> Value | None:
    """The value of a canonical set on an axis that ends at `top`; None if the set is empty."""
    if not ranges:
        return None
    if ranges == ((0, top),):
        return ANY
    value = _NUMBERS.get(ranges)
    if value is None:
        with _LOCK:
            value = _NUMBERS.get(ranges)
            if value is None:
                _RANGES.append(ranges)
                value = _NUMBERS[ranges] = len(_RANGES) - 1
    return value


def ranges_in(value: Value, top: int) -> Ranges:
    """The numbers of a value on an axis that ends at `top`."""
    return _RANGES[value] if value else ((0, top),)


def meet(a: Value, b: Value, top: int) -> Value | None:
    """What two values share; None if nothing."""
    if a in (ANY, b):
        return b
    if b == ANY:
        return a
    key = (a, b) if a < b else (b, a)
    found = _MEETS.get(key, -1)
    if found != -1:
        return found
    if len(_MEETS) > _REMEMBERED:
        _MEETS.clear()
    found = _MEETS[key] = intern(intersection(_RANGES[a], _RANGES[b]), top)
    return found


def minus(a: Value, b: Value, top: int) -> Value | None:
    """What is in the first value and not in the second; None if nothing."""
    return intern(difference(ranges_in(a, top), ranges_in(b, top)), top)


def join(values: Sequence[Value], top: int) -> Value:
    """What is in one of the values (at least one is given)."""
    if ANY in values:
        return ANY
    if len(values) == 1:
        return values[0]
    joined = intern(union(*(_RANGES[value] for value in values)), top)
    if joined is None:
        raise ValueError("the union of no values is empty, and the empty value does not exist")
    return joined


def box(
    family: Family,
    *,
    in_interface: Ranges | None = None,
    out_interface: Ranges | None = None,
    source: Ranges | None = None,
    destination: Ranges | None = None,
    conntrack_state: Ranges | None = None,
    service: Ranges | None = None,
    source_port: Ranges | None = None,
    tcp_flags: Ranges | None = None,
) -> Box | None:
    """The packets that are in every set named; None if there is no such packet.

    A set that is left out does not constrain; an empty one matches nothing. Who asks for source ports gets protocols that
    have them, who asks for TCP flags gets TCP. ValueError for a number that its axis does not have.
    """
    if source_port is not None:
        service = PORTED_SERVICES if service is None else intersection(canonical(service), PORTED_SERVICES)
    if tcp_flags is not None:
        service = TCP_SERVICES if service is None else intersection(canonical(service), TCP_SERVICES)
    given = (in_interface, out_interface, source, destination, conntrack_state, service, source_port, tcp_flags)
    values = []
    for axis, ranges, top in zip(Axis, given, TOPS[family], strict=True):
        if ranges is None:
            values.append(ANY)
            continue
        one = canonical(ranges)
        if one and (one[0][0] < 0 or one[-1][1] > top):
            raise ValueError(f"{axis.name.lower()} of IPv{family} runs from 0 to {top}, not {one[0][0]}-{one[-1][1]}")
        value = intern(one, top)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def ranges_of(box_: Box, axis: Axis, family: Family) -> Ranges:
    """The numbers that a box has on an axis."""
    return ranges_in(box_[axis], TOPS[family][axis])


def meet_box(a: Box, b: Box, family: Family) -> Box | None:
    """What two boxes share; None if nothing."""
    if a == EVERY_BOX:
        return b
    if b == EVERY_BOX or a == b:
        return a
    out = []
    for axis, (one, other) in enumerate(zip(a, b, strict=True)):
        # Most axes of most boxes are free, and a call for each would cost more than all the rest.
        if other in (ANY, one):
            out.append(one)
        elif one == ANY:
            out.append(other)
        else:
            value = meet(one, other, TOPS[family][axis])
            if value is None:
                return None
            out.append(value)
    return tuple(out)


def minus_box(a: Box, b: Box, family: Family) -> list[Box]:
    """What is in the first box and not in the second, as at most eight disjoint boxes."""
    if meet_box(a, b, family) is None:
        return [a]
    left, out = list(a), []
    for axis, top in enumerate(TOPS[family]):
        rest = minus(left[axis], b[axis], top)
        if rest is None:
            continue
        out.append((*left[:axis], rest, *left[axis + 1 :]))
        shared = meet(left[axis], b[axis], top)
        if shared is not None:
            left[axis] = shared
    return out


def is_within_box(a: Box, b: Box, family: Family) -> bool:
    """Whether every packet of the first box is in the second."""
    return meet_box(a, b, family) == a


def has_number(value: Value, number: int) -> bool:
    """Whether a value holds a number of its axis."""
    return value == ANY or has(_RANGES[value], number)


def has_point(box_: Box, place: Sequence[int]) -> bool:
    """Whether a box holds the packet at this place."""
    return all(has_number(value, number) for value, number in zip(box_, place, strict=True))
