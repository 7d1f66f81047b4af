"""The port-status picture: what is permitted, on request, denied and closed between two zones, both ways side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firewright.analysis.path import When, day_of
from firewright.analysis.status import Direction, Standing
from firewright.diagnostic import harmless
from firewright.drawing.imprint import Imprint, imprint, write_imprint
from firewright.drawing.metrics import LINE, width
from firewright.drawing.naming import Item
from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.palette import HAIRLINE, HEAD, HEAD_INK, HEAD_QUIET, INK, PAPER, QUIET, TONES
from firewright.drawing.pictures import Chosen
from firewright.drawing.roster import CATEGORIES, Roster, Row, roster, told
from firewright.drawing.scene import Area, Line, Rect, Scene
from firewright.drawing.selection import Directions, Selection, Shown, select, select_alone
from firewright.drawing.sheet import Sheet, pills_width
from firewright.model.packet import FAMILIES
from firewright.model.policy import Policy, ZoneKind

MOST_NOTES = 12
"""Flows that are told one by one under a pair."""
PAGE, MARGIN, LABEL, GUTTER, PADDING = 1360.0, 48.0, 184.0, 14.0, 20.0
_BODY = PAGE - 2 * MARGIN - LABEL
_ITEM, _CATEGORY, _GAP, _NARROWEST = 14.0, 54.0, 28.0, 190.0

_EXPLAINED = {
    Standing.PERMITTED: "Open: connections are let through",
    Standing.REQUEST: "Considered: closed until a request is approved",
    Standing.DENIED: "Never let through, whatever is asked for",
    Standing.CLOSED: "Closed by default: no rule names it",
    Standing.UNENFORCED: "No firewall stands between: nothing stops it here",
}
_ALWAYS_SAID = (Standing.PERMITTED, Standing.REQUEST, Standing.DENIED)
_MARKS = {
    "required": "required: must work, not only may",
    "answered": "answered: the caller is told no; everything else that is stopped gets no answer",
    "in part": "in part: for some addresses or source ports only, as told under the table; the others are closed if nothing else is said",
    "IPv4 only": "IPv4 only, IPv6 only: the two families differ",
}


@dataclass(frozen=True, slots=True)
class _Section:
    """One pair of zones: its directions in words, and what stands under them."""

    title: str
    columns: tuple[tuple[str, Roster], ...]
    notes: tuple[str, ...]

    @property
    def bands(self) -> tuple[Standing, ...]:
        """The bands in which there is something."""
        return tuple(standing for standing in Standing if any(one.rows(standing) for _, one in self.columns))

    @property
    def nothing(self) -> str:
        """What there is nothing of, in a sentence; empty where no firewall has a say, or nothing is missing."""
        missing = [standing.value for standing in _ALWAYS_SAID if standing not in self.bands]
        if not missing or set(self.bands) <= {Standing.UNENFORCED}:
            return ""
        return f"Nothing is {' or '.join(filter(None, (', '.join(missing[:-1]), missing[-1])))}"


def draw(policy: Policy, chosen: Chosen, when: When, known: Directions | None = None) -> Scene:
    """The picture of a policy on a day; `known` are its directions, where several pictures share them.

    Raises TooLarge, Unfilled, Undecided.
    """
    return _drawn(policy, select(policy, chosen, when, known), when)


def draw_alone(policy: Policy, chosen: Chosen, when: When) -> Scene:
    """The picture of the chosen pairs without a word of what it leaves out. Raises TooLarge, Unfilled, Undecided."""
    return _drawn(policy, select_alone(policy, chosen, when), when)


def _drawn(policy: Policy, selection: Selection, when: When) -> Scene:
    sections = tuple(_section(policy, one) for one in selection.shown)
    return _scene(imprint(policy, "Port status", day_of(when, policy)), sections, selection)


PICTURE = draw


def _section(policy: Policy, shown: Shown) -> _Section:
    pair, rosters = shown.pair, tuple(roster(direction, policy) for direction in shown.directions)
    here, there = harmless(pair.here.name, 80), harmless(pair.there.name, 80)
    if pair.is_within:
        return _Section(f"Within {here}", (("Inside", rosters[0]),), tuple(_notes(rosters)))
    has_outside = pair.here.kind is ZoneKind.INTERNET or pair.there.is_local
    words = ("Inbound", "Outbound") if has_outside else ("", "")
    return _Section(f"{here} and {there}", tuple(zip(words, rosters, strict=True)), tuple(_notes(rosters)))


def _notes(rosters: tuple[Roster, ...]) -> Iterator[str]:
    """What a band cannot say: families that an end has not, essentials, and flows that are open in part."""
    yield from _family_notes(rosters[0].direction)
    for one in rosters:
        if one.direction.asides:
            names = ", ".join(name.replace("-", " ") for name in one.direction.asides)
            yield f"Always passes from {_ends(one.direction)}, as essential: {names}"
    lines = [
        f"{stand.standing.capitalize()} in part: {flow}"
        for one in rosters
        for stand, flow in one.direction.parts
        if stand in told(tuple(stand for stand, _ in one.direction.parts))
    ]
    yield from (harmless(line, 300) for line in lines[:MOST_NOTES])
    if len(lines) > MOST_NOTES:
        yield f"… and {len(lines) - MOST_NOTES} more flows in part; `firewright ask` tells them all"


def _family_notes(direction: Direction) -> Iterator[str]:
    """What is said of a family that an end has no addresses of: it is the same both ways."""
    missing = [family for family in FAMILIES if family not in direction.families]
    here, there = harmless(direction.source, 80), harmless(direction.destination, 80)
    if len(missing) == len(FAMILIES):
        yield f"Nothing passes between {here} and {there}: they have no addresses of the same family"
    elif missing:
        yield f"IPv{missing[0]} between {here} and {there} is not described, so it is closed"


def _ends(direction: Direction) -> str:
    return f"{harmless(direction.source, 80)} to {harmless(direction.destination, 80)}"


def _reasons(direction: Direction, standing: Standing) -> str:
    """Why something is so, where one reason covers the band."""
    found = [reason for kind, reason in direction.reasons if kind is standing]
    return harmless(" ".join(found[0].split()), 160) if len(found) == 1 and standing is not Standing.PERMITTED else ""


def _marks(sections: tuple[_Section, ...]) -> list[str]:
    used = {mark for section in sections for _, one in section.columns for _, rows in one.bands for row in rows
            for item in row.items for mark in item.marks}  # fmt: skip
    used |= {"IPv4 only"} if "IPv6 only" in used else set()
    return [sentence for mark, sentence in _MARKS.items() if mark in used]


# --- the picture in words ---------------------------------------------------------------------------------------------


def _outline(said: Imprint, sections: tuple[_Section, ...], selection: Selection) -> Outline:
    blocks: list[Block] = [Heading(said.title, 1), Paragraph(said.sentence)]
    for section in sections:
        blocks.append(Heading(section.title))
        heads = tuple(_column_title(word, one.direction) for word, one in section.columns)
        for standing in section.bands:
            rows = tuple(_table_rows(section, standing))
            blocks += [Heading(standing.capitalize(), 3), Paragraph(f"{_EXPLAINED[standing]}.")]
            blocks.append(Table(("Protocol", *heads), rows))
        if section.nothing:
            blocks.append(Paragraph(f"{section.nothing}."))
        if section.notes:
            blocks.append(Bullets(section.notes))
    if others := (*(words for _, words in selection.folded), *selection.left_out):
        blocks += [Heading("Other zones"), Bullets(others)]
    if marks := _marks(sections):
        blocks += [Heading("Words"), Bullets(tuple(marks))]
    return Outline(f"{said.kind}: {said.title}", tuple(blocks))


def _table_rows(section: _Section, standing: Standing) -> Iterator[tuple[tuple[str, ...], ...]]:
    found = [{row.category: row.items for row in one.rows(standing)} for _, one in section.columns]
    for category in CATEGORIES:
        if any(category in rows for rows in found):
            yield (category,), *(tuple(map(str, rows.get(category, ()))) for rows in found)
    reasons = [_reasons(one.direction, standing) for _, one in section.columns]
    if any(reasons):
        yield ("Because",), *((reason,) if reason else () for reason in reasons)


def _column_title(word: str, direction: Direction) -> str:
    return f"{word}: {_ends(direction)}" if word else _ends(direction)


# --- the picture on the page ------------------------------------------------------------------------------------------


def _scene(said: Imprint, sections: tuple[_Section, ...], selection: Selection) -> Scene:
    sheet = Sheet()
    y = write_imprint(sheet, said, MARGIN, MARGIN, PAGE - 2 * MARGIN)
    for section in sections:
        y = _draw_section(sheet, section, y + 28)
    y = _draw_others(sheet, selection, y)
    marks = _marks(sections)
    if marks:
        sheet.put(Line(((MARGIN, y + 22), (PAGE - MARGIN, y + 22)), HAIRLINE))
        y += 34
        for sentence in marks:
            y = sheet.paragraph(MARGIN, y, PAGE - 2 * MARGIN, sentence, 13, QUIET)
    return Scene(PAGE, round(y + MARGIN, 2), tuple(sheet.shapes), _outline(said, sections, selection))


def _column_places(section: _Section) -> list[tuple[float, float]]:
    """Left edge and width of each column."""
    count = len(section.columns)
    room = (_BODY - GUTTER * count) / count
    return [(MARGIN + LABEL + GUTTER + number * (room + GUTTER), room) for number in range(count)]


def _draw_section(sheet: Sheet, section: _Section, y: float) -> float:
    y = sheet.paragraph(MARGIN, y, PAGE - 2 * MARGIN, section.title, 19, INK, is_bold=True, most=2) + 10
    y = _draw_heads(sheet, section, y) + 10
    for standing in section.bands:
        y = _draw_band(sheet, section, standing, y) + 10
    for note in filter(None, (section.nothing, *section.notes)):
        y = sheet.paragraph(MARGIN, y + 2, PAGE - 2 * MARGIN, note, 13, QUIET, most=3)
    return y


def _draw_others(sheet: Sheet, selection: Selection, y: float) -> float:
    """Pairs in which there is nothing, each kind on lines of its own behind its sign; then what is not shown."""
    y += 20 if selection.folded or selection.left_out else 0
    for standing, words in selection.folded:
        sheet.sign(MARGIN + 11, y + 12, standing)
        y = max(y + 24, sheet.paragraph(MARGIN + 34, y + 2, PAGE - 2 * MARGIN - 34, words, 14, INK)) + 8
    for words in selection.left_out:
        y = sheet.paragraph(MARGIN, y + 2, PAGE - 2 * MARGIN, words, 14, INK)
    return y


def _draw_heads(sheet: Sheet, section: _Section, y: float) -> float:
    height = 40.0
    for (x, room), (word, one) in zip(_column_places(section), section.columns, strict=True):
        sheet.put(Rect(Area(x, y, room, height), HEAD, radius=6))
        inner = Area(x + PADDING, y, room - 2 * PADDING, height)
        wide = width(word, 15, True) + 0.01
        sheet.line(Area(inner.x, y, wide, height), word, 15, HEAD_INK, HEAD, is_bold=True)
        left = inner.x + wide + 14 if word else inner.x
        each = (inner.right - left - 38) / 2
        here, there = harmless(one.direction.source, 80), harmless(one.direction.destination, 80)
        shown = min(width(here, 14) + 0.01, each)
        sheet.line(Area(left, y, shown, height), here, 14, HEAD_QUIET, HEAD)
        sheet.arrow(left + shown + 10, y + height / 2 + 1, 18, HEAD_QUIET)
        rest = left + shown + 38
        sheet.line(Area(rest, y, inner.right - rest, height), there, 14, HEAD_QUIET, HEAD)
    return y + height


def _draw_band(sheet: Sheet, section: _Section, standing: Standing, y: float) -> float:
    tone, place = TONES[standing], len(sheet.shapes)
    bottoms = [_draw_label(sheet, standing, y)]
    for (x, room), (_, one) in zip(_column_places(section), section.columns, strict=True):
        bottoms.append(_draw_cell(sheet, one, standing, Area(x + PADDING, y + 16, room - 2 * PADDING, 0)))
    height = max(bottoms) - y + 14
    sheet.under(place, Rect(Area(MARGIN + 0.5, y, LABEL, height), tone.tint, tone.edge, 8))
    for (x, room), _ in zip(_column_places(section), section.columns, strict=True):
        sheet.under(place, Rect(Area(x, y, room, height), PAPER, tone.edge, 8))
    return y + height


def _draw_label(sheet: Sheet, standing: Standing, y: float) -> float:
    """The sign and the word of a band, and what they mean; the y where it ended."""
    tone, x, room = TONES[standing], MARGIN + 16, LABEL - 32
    sheet.sign(x + 11, y + 27, standing)
    sheet.line(Area(x + 32, y + 15, room - 32, 24), standing.capitalize(), 16, tone.strong, tone.tint, is_bold=True)
    return sheet.paragraph(x, y + 46, room, _EXPLAINED[standing], 12.5, tone.strong, tone.tint)


def _draw_cell(sheet: Sheet, one: Roster, standing: Standing, room: Area) -> float:
    y, rows = room.y, one.rows(standing)
    if not rows:
        return sheet.paragraph(room.x, y + 2, room.width, "Nothing", _ITEM, QUIET)
    for number, row in enumerate(rows):
        if number:
            y += 10
        y = _draw_row(sheet, row, Area(room.x, y, room.width, 0), standing)
    reason = _reasons(one.direction, standing)
    if reason:
        y = sheet.paragraph(room.x, y + 8, room.width, f"Because: {reason}", 13, QUIET, most=3)
    return y


def _draw_row(sheet: Sheet, row: Row, room: Area, standing: Standing) -> float:
    """A category's items, their order down the first column and then the second, each line of both on one height."""
    left, y = room.x, room.y
    if row.category != "All":
        sheet.line(Area(left, y, _CATEGORY - 6, 24), row.category, 13, QUIET, is_bold=True)
        left += _CATEGORY
    columns = max(1, int((room.right - left + _GAP) // (_NARROWEST + _GAP)))
    while columns > 1 and any(_is_long(item, (room.right - left) / columns - _GAP) for item in row.items):
        columns //= 2
    each = (room.right - left - _GAP * (columns - 1)) / columns
    count = -(-len(row.items) // columns)
    for line in range(count):
        places = [(left + column * (each + _GAP), column * count + line) for column in range(columns)]
        filled = [(x, row.items[place]) for x, place in places if place < len(row.items)]
        if line:
            sheet.put(*(Line(((x, y), (x + each, y)), HAIRLINE) for x, _ in filled))
        y = max(_draw_item(sheet, item, Area(x, y, each, 0), standing) for x, item in filled)
    return y


def _is_long(item: Item, room: float) -> bool:
    return width(item.ports, _ITEM, True) > room * 1.6


def _draw_item(sheet: Sheet, item: Item, room: Area, standing: Standing) -> float:
    """The name on the left, the ports on the right of the same line, or below it where they are long; then the marks."""
    top, high = room.y + 2.5, round(_ITEM * LINE, 2)
    ports = width(item.ports, _ITEM, True)
    is_sentence = not item.is_numbered
    if not is_sentence and ports > room.width * 0.62:
        bottom = sheet.paragraph(room.x, top, room.width, item.name, _ITEM, INK)
        bottom = sheet.paragraph(room.x, bottom, room.width, item.ports, _ITEM, INK, is_bold=True)
        return _draw_marks(sheet, item, Area(room.x, bottom + 2, room.width, 0), standing) + 2.5
    unnamed = "port" if item.ports.isdecimal() else "ports"
    name, fill = (item.ports, INK) if is_sentence else (item.name or unnamed, INK if item.name else QUIET)
    left = room.width if is_sentence else room.width - ports - 10
    bottom = max(top + high, sheet.paragraph(room.x, top, left, name, _ITEM, fill))
    if not is_sentence:
        place = Area(room.right - ports - 0.01, top, ports + 0.01, high)
        sheet.line(place, item.ports, _ITEM, INK, is_bold=True, is_right=True)
    beside = width(name, _ITEM) + 8
    if item.marks and beside + pills_width(item.marks) <= left:
        _draw_marks(sheet, item, Area(room.x + beside, top + 0.5, left - beside, 0), standing)
    elif item.marks:
        bottom = _draw_marks(sheet, item, Area(room.x, bottom + 2, room.width, 0), standing)
    return bottom + 2.5


def _draw_marks(sheet: Sheet, item: Item, room: Area, standing: Standing) -> float:
    tone = TONES[standing]
    return (
        sheet.pills(room.x, room.y, room.width, item.marks, tone.strong, tone.tint, tone.edge) if item.marks else room.y
    )
