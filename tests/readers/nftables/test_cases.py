"""Cases as folders: a ruleset, and the programs that its listing means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firewright.live._nft_errors import NftError
from firewright.live.nft import list_back
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, TYPED, ConntrackState, Family, Packet
from firewright.readers.nftables import encode, parse
from firewright.space.axis import Axis, interface_name
from firewright.space.box import ANY, Box, ranges_of
from firewright.space.ruleset import Line, Ruleset

_HERE = Path(__file__).parent
_INSTANT = 1795176000  # 2026-11-20 12:00:00 UTC
_WORDS = ("in", "out", "from", "to", "state", "service", "source port", "flags")


@pytest.mark.parametrize("case", sorted(path.parent.name for path in _HERE.glob("*/ruleset.nft")))
def test_a_listing_means_what_is_written_down(case: str) -> None:
    """The programs, lines and diagnostics of a ruleset's listing are those kept beside it."""
    text = (_HERE / case / "ruleset.nft").read_text()
    try:
        listed = list_back(text)
    except NftError as error:
        pytest.skip(f"nft cannot list rulesets here: {error.message}")
    read = encode(parse(listed.json, f"{case}.nft", listed.text), _INSTANT)
    assert "\n".join(_said(read)) + "\n" == (_HERE / case / "expected.txt").read_text()


def _said(read: Ruleset) -> Iterator[str]:
    for hook, programs in read.hooks.items():
        for family in FAMILIES:
            program = programs[family]
            yield f"{hook} IPv{family}"
            for place, box in enumerate(program.box):
                verdict = program.verdict[place]
                literals = " and ".join(
                    f"{'' if wanted else 'not '}<{text}>" for text, wanted in program.literals[place]
                )
                words = " ".join(filter(None, (_box(box, family), literals))) or "all"
                origin = program.origin[place]
                by = origin.place if isinstance(origin, Line) else "no base chain"
                yield f"  {place} {words}: {verdict if isinstance(verdict, str) else f'-> {verdict}'} ({by})"
    for line in read.lines:
        if line.unknown or line.refused:
            yield f"bounded {line.place}: {line.text} | {', '.join(line.unknown)}{line.refused}"
    yield from (f"translates {line.place}: {line.text}" for line in read.translations)
    yield from (f"instant {instant}" for instant in read.instants)
    yield from (f"{one.severity} {one.name}: {one.message}" for one in read.diagnostics)


def _box(box: Box, family: Family) -> str:
    said = []
    for axis in Axis:
        if box[axis] != ANY:
            said.append(f"{_WORDS[axis]} {_numbers(axis, ranges_of(box, axis, family), family)}")
    return " ".join(said)


def _numbers(axis: Axis, ranges: Ranges, family: Family) -> str:
    listed = ranges[:5]
    said = [
        _number(axis, low, family) + (f"-{_number(axis, high, family)}" if high != low else "") for low, high in listed
    ]
    if axis is Axis.CONNTRACK_STATE:
        said = [ConntrackState(number).name.lower() for low, high in ranges for number in range(low, high + 1)]
    return ",".join(said) + (f" and {len(ranges) - 5} more" if len(ranges) > 5 else "")


def _number(axis: Axis, number: int, family: Family) -> str:
    match axis:
        case Axis.IN_INTERFACE | Axis.OUT_INTERFACE:
            return (
                ascii(interface_name(number)).replace("\\x00", "0").replace("\\udcff", "+")
                if number < 1 << 127
                else "last"
            )
        case Axis.SOURCE | Axis.DESTINATION:
            return Packet(family, 0, 0, 0).address(number)
        case Axis.SERVICE:
            protocol, selector = number >> 16, number & 65535
            return f"{protocol}/{selector if protocol not in TYPED else f'{selector >> 8}.{selector & 255}'}"
        case _:
            return str(number)
