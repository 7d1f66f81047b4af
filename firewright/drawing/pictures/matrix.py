"""The zone matrix: from each zone (rows) to each zone (columns), what is open in a word, and all of it in words below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firewright.analysis.path import When, day_of
from firewright.analysis.status import Direction, Standing, Statuses, zones_of
from firewright.diagnostic import harmless
from firewright.drawing.imprint import Imprint, imprint, write_imprint
from firewright.drawing.metrics import cut, width
from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.palette import INK, PAPER, QUIET, TONES
from firewright.drawing.pictures import Chosen, TooLarge
from firewright.drawing.roster import Roster, count_open, opens_most, roster
from firewright.drawing.scene import Area, Rect, Scene, Text
from firewright.drawing.sheet import Sheet
from firewright.model.interval import size
from firewright.model.packet import FAMILIES
from firewright.model.policy import Policy, Zone, ZoneKind

MOST_ZONES = 128
"""Zones of the largest matrix."""
MOST_DETAILS = 2000
"""Lines of details that are told; what is left is counted."""
ROOMY = 9
"""Zones up to which cells have room for words; larger matrices have numbers and turned heads."""
_MARGIN, _LEAST_PAGE = 48.0, 980.0
_TOOLTIP = 700


@dataclass(frozen=True, slots=True)
class _Cell:
    """One direction: its colour, its word for a small cell, its words for a large one, and everything about it."""

    standing: Standing
    code: str
    words: str
    remainder: str
    details: str


_ITSELF = _Cell(Standing.PERMITTED, "self", "itself", "loopback passes", "the machine itself: loopback always passes")


@dataclass(frozen=True, slots=True)
class _Matrix:
    """The names of the zones, a row of cells for each, and what is said of zones that one family lacks."""

    names: tuple[str, ...]
    rows: tuple[tuple[_Cell, ...], ...]
    families: tuple[str, ...] = ()

    @property
    def is_roomy(self) -> bool:
        """Whether cells are large enough for words."""
        return len(self.names) <= ROOMY

    @property
    def standings(self) -> list[Standing]:
        """The standings that a cell has."""
        found = {cell.standing for row in self.rows for cell in row}
        return [standing for standing in Standing if standing in found]


def draw(policy: Policy, chosen: Chosen, when: When) -> Scene:
    """The matrix of a policy on a day. Raises TooLarge, Unfilled, Undecided."""
    asked = dict.fromkeys(zone.name for group in chosen for zone in group)
    zones = tuple(zone for group in chosen for zone in group)
    zones = tuple({zone.name: zone for zone in zones}[name] for name in asked) or zones_of(policy)
    if len(zones) > MOST_ZONES:
        raise TooLarge(f"{len(zones)} zones; a matrix shows {MOST_ZONES}: choose with --between A,B,C")
    matrix = _Matrix(
        tuple(harmless(zone.name, 60) for zone in zones), _rows(policy, zones, when), tuple(_families(zones))
    )
    return _scene(imprint(policy, "Zone matrix", day_of(when, policy)), matrix)


PICTURE = draw


def _families(zones: tuple[Zone, ...]) -> Iterator[str]:
    """Which zones have addresses of one family only: of the other nothing is described, so it is closed."""
    for family in FAMILIES:
        only = [harmless(zone.name, 60) for zone in zones if zone.kind is ZoneKind.NAMED and _held(zone) == {family}]
        if only:
            yield f"IPv{family} only: {', '.join(only)}"


def _held(zone: Zone) -> set[int]:
    return {family for family in FAMILIES if zone.addresses.ranges(family)}


def _rows(policy: Policy, zones: tuple[Zone, ...], when: When) -> tuple[tuple[_Cell, ...], ...]:
    statuses = Statuses(policy, when)
    known: dict[object, _Cell] = {}

    def cell(source: Zone, destination: Zone) -> _Cell:
        if source.is_local and destination.is_local:
            return _ITSELF
        direction = statuses.direction(source, destination)
        key = direction.shares, direction.families
        if key not in known:
            known[key] = _cell(roster(direction, policy))
        return known[key]

    return tuple(tuple(cell(source, destination) for destination in zones) for source in zones)


def _cell(said: Roster) -> _Cell:
    direction, standings = said.direction, said.direction.standings
    details = "; ".join(_sentences(said)) or "nothing: no address in the same family"
    if not standings and direction.families:
        return _Cell(Standing.CLOSED, "none", "nothing", "no rule decides", "nothing that a rule decides")
    if not standings:
        return _Cell(Standing.CLOSED, "none", "nothing", "no family in common", details)
    strongest = next((one for one in standings if one is not Standing.UNENFORCED), Standing.UNENFORCED)
    star = "*" if any(len(share.stands) > 1 for share in direction.shares) else ""
    remainder = _remainder(direction, strongest)
    if strongest is not Standing.PERMITTED:
        code = {Standing.REQUEST: "ask", Standing.DENIED: "deny", Standing.CLOSED: "–"}.get(strongest, "n/e")
        return _Cell(strongest, code + star, strongest.value + star, remainder, details)
    if set(standings) <= {Standing.PERMITTED, Standing.UNENFORCED}:
        remainder = remainder.replace("else", "some")
        return _Cell(strongest, "all" + star, "everything" + star, remainder, details)
    if opens_most(direction):
        return _Cell(strongest, "most" + star, "most" + star, remainder.replace("else", "some"), details)
    count = count_open(direction)
    code = str(count) if count < 10_000 else f"{count // 1000}k"
    return _Cell(strongest, code + star, f"{count:,} open{star}", remainder, details)


def _remainder(direction: Direction, strongest: Standing) -> str:
    """What becomes of most of the rest."""
    sizes = {
        standing: sum(size(direction.services(family, standing)) for family in direction.families)
        for standing in direction.standings
        if standing is not strongest
    }
    return f"else {max(sizes, key=lambda standing: sizes[standing])}" if sizes else ""


def _sentences(said: Roster) -> Iterator[str]:
    for standing, rows in said.bands:
        parts = []
        for row in rows:
            items = ", ".join(map(str, row.items))
            parts.append(items if row.category == "All" else f"{row.category}: {items}")
        yield f"{standing}: {' | '.join(parts)}"


# --- the picture in words ---------------------------------------------------------------------------------------------


def _legend(matrix: _Matrix) -> Iterator[tuple[Standing, str]]:
    """What the words in the cells mean, for the standings that there are."""
    small = not matrix.is_roomy
    said = {
        Standing.PERMITTED: "a number: so many ports and protocols are permitted; "
        + ("all: everything is; " if small else "everything: every port of every protocol; ")
        + "most: more than half of all ports",
        Standing.REQUEST: ("ask: " if small else "") + "nothing is open; it may be requested",
        Standing.DENIED: ("deny: " if small else "") + "denied, whatever is asked for",
        Standing.CLOSED: ("–: " if small else "") + "closed by default, no rule names it",
        Standing.UNENFORCED: ("n/e: " if small else "") + "no firewall stands between, nothing stops it here",
    }
    for standing in matrix.standings:
        yield standing, said[standing]


def _footnotes(matrix: _Matrix) -> Iterator[str]:
    cells = [cell for row in matrix.rows for cell in row]
    if not matrix.is_roomy and _ITSELF in cells:
        yield "self: the machine itself, whose loopback always passes"
    if any(cell.code.endswith("*") for cell in cells):
        yield "* for some addresses or source ports only; `firewright ask` tells which"
    yield from matrix.families
    yield "Rows: who opens the connection. Columns: to whom. Answers to an open connection pass by themselves."


def _outline(said: Imprint, matrix: _Matrix) -> Outline:
    numbers = tuple(str(number) for number in range(1, len(matrix.names) + 1))
    heads = matrix.names if matrix.is_roomy else numbers
    labels = matrix.names if matrix.is_roomy else [f"{k} {name}" for k, name in zip(numbers, matrix.names, strict=True)]
    rows = tuple(
        ((label,), *(_table_cell(cell, matrix.is_roomy) for cell in row))
        for label, row in zip(labels, matrix.rows, strict=True)
    )
    legend = [f"{standing.capitalize()}: {words}" for standing, words in _legend(matrix)]
    blocks: list[Block] = [Heading(said.title, 1), Paragraph(said.sentence), Table(("from, to", *heads), rows)]
    blocks += [Heading("Words"), Bullets((*legend, *_footnotes(matrix))), Heading("Details"), *_details(matrix)]
    return Outline(f"{said.kind}: {said.title}", tuple(blocks))


def _table_cell(cell: _Cell, is_roomy: bool) -> tuple[str, ...]:
    return tuple(filter(None, (cell.words, cell.remainder))) if is_roomy else (cell.code,)


def _details(matrix: _Matrix) -> Iterator[Block]:
    """For each zone what is open to which others, zones that fare alike in one line."""
    told = left = 0
    for name, row in zip(matrix.names, matrix.rows, strict=True):
        alike: dict[str, list[str]] = {}
        for other, cell in zip(matrix.names, row, strict=True):
            alike.setdefault(cell.details, []).append(other)
        lines = tuple(f"to {', '.join(others)}: {details}" for details, others in alike.items())
        kept = lines[: max(0, MOST_DETAILS - told)]
        told, left = told + len(kept), left + len(lines) - len(kept)
        if kept:
            yield Heading(f"From {name}", 3)
            yield Bullets(kept)
    if left:
        yield Paragraph(f"… and {left} lines more; choose zones with --between.")


# --- the picture on the page ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the cells stand: the left upper corner, the size of each, and the room for heads on the left and above."""

    x: float
    y: float
    wide: float
    high: float
    left: float
    above: float

    def cell(self, row: int, column: int) -> Area:
        """The place of one cell, with a gap to its neighbours."""
        return Area(self.x + column * self.wide + 1, self.y + row * self.high + 1, self.wide - 2, self.high - 2)


def _scene(said: Imprint, matrix: _Matrix) -> Scene:
    sheet, count = Sheet(), len(matrix.names)
    longest = max(width(name, 14, True) for name in matrix.names) + 44
    left = min(max(longest, 110.0), 240.0)
    wide = max(104.0, min(150.0, (1360 - 2 * _MARGIN - left) / count)) if matrix.is_roomy else 42.0
    high = 58.0 if matrix.is_roomy else 28.0
    frame = 0.0 if matrix.is_roomy else 42.0
    page = max(_LEAST_PAGE, 2 * _MARGIN + left + wide * count + frame)
    y = write_imprint(sheet, said, _MARGIN, _MARGIN, page - 2 * _MARGIN) + 28
    above = 44.0 if matrix.is_roomy else min(longest, 220.0)
    grid = _Grid(round(_MARGIN + left, 2), round(y + above, 2), round(wide, 2), high, left, above)
    _draw_heads(sheet, grid, matrix)
    for row, cells in enumerate(matrix.rows):
        for column, cell in enumerate(cells):
            tip = f"{matrix.names[row]} to {matrix.names[column]}: {cell.details}"
            _draw_cell(sheet, grid.cell(row, column), cell, tip, matrix.is_roomy)
    y = _draw_legend(sheet, matrix, grid.y + high * count + (0 if matrix.is_roomy else 28) + 26, page)
    return Scene(round(page, 2), round(y + _MARGIN, 2), tuple(sheet.shapes), _outline(said, matrix))


def _draw_heads(sheet: Sheet, grid: _Grid, matrix: _Matrix) -> None:
    sheet.line(Area(_MARGIN, grid.y - 22, grid.left - 12, 20), "from, to", 12, QUIET)
    for number, name in enumerate(matrix.names):
        row, column = grid.cell(number, 0), grid.cell(0, number)
        if matrix.is_roomy:
            sheet.line(Area(_MARGIN, row.y, grid.left - 12, row.height), name, 14, INK, is_bold=True)
            sheet.line(Area(column.x + 10, grid.y - 30, column.width - 12, 26), name, 14, INK, is_bold=True)
            continue
        head = Area(_MARGIN, row.y, 30, row.height)
        sheet.line(head, str(number + 1), 11, QUIET, is_right=True)
        sheet.line(Area(_MARGIN + 38, row.y, grid.left - 46, row.height), name, 13, INK)
        sheet.line(Area(grid.x + grid.wide * len(matrix.names) + 8, row.y, 30, row.height), str(number + 1), 11, QUIET)
        _draw_upright(sheet, Area(column.x, grid.y - grid.above, column.width, grid.above - 8), number + 1, name)
        _draw_number(sheet, Area(column.x, grid.y + grid.high * len(matrix.names) + 4, column.width, 20), number + 1)


def _draw_upright(sheet: Sheet, room: Area, number: int, name: str) -> None:
    """A column's head: its number, and above it its name turned to read upwards."""
    _draw_number(sheet, Area(room.x, room.bottom - 18, room.width, 18), number)
    turned = Area(room.x, room.y, room.width, room.height - 24)
    shown = cut(name, 13, turned.height)
    if shown.strip():
        sheet.put(
            Text(
                round(room.x + room.width / 2 + 4, 2),
                round(turned.bottom, 2),
                shown,
                13,
                INK,
                PAPER,
                turned,
                is_upright=True,
            )
        )


def _draw_number(sheet: Sheet, room: Area, number: int) -> None:
    wide = width(str(number), 11)
    sheet.line(Area(room.x + (room.width - wide) / 2, room.y, wide + 0.01, room.height), str(number), 11, QUIET)


def _draw_cell(sheet: Sheet, area: Area, cell: _Cell, tip: str, is_roomy: bool) -> None:
    tone = TONES[cell.standing]
    sheet.put(Rect(area, tone.tint, tone.edge, 4, harmless(tip, _TOOLTIP)))
    inner = Area(area.x + 10, area.y + 8, area.width - 14, 22)
    if not is_roomy:
        centred = max(0.0, (area.width - 6 - width(cell.code, 12)) / 2)
        room = Area(area.x + 3 + centred, area.y, area.width - 6 - centred, area.height)
        sheet.line(room, cell.code, 12, tone.strong, tone.tint)
    elif cell.remainder:
        sheet.line(inner, cell.words, 14, tone.strong, tone.tint, is_bold=True)
        sheet.line(Area(inner.x, inner.bottom, inner.width, 18), cell.remainder, 12, tone.strong, tone.tint)
    else:
        sheet.line(
            Area(inner.x, area.y, inner.width, area.height), cell.words, 14, tone.strong, tone.tint, is_bold=True
        )


def _draw_legend(sheet: Sheet, matrix: _Matrix, y: float, page: float) -> float:
    for standing, words in _legend(matrix):
        sheet.sign(_MARGIN + 11, y + 12, standing)
        strong = standing.capitalize()
        wide = width(strong, 14, True) + 0.01
        sheet.line(Area(_MARGIN + 32, y + 1, wide, 22), strong, 14, TONES[standing].strong, is_bold=True)
        y = sheet.paragraph(_MARGIN + 150, y + 3, page - 2 * _MARGIN - 150, words, 13, QUIET) + 9
    for note in _footnotes(matrix):
        y = sheet.paragraph(_MARGIN, y + 4, page - 2 * _MARGIN, note, 13, QUIET)
    return y
