"""The path map: each firewall on the way with the zones on its legs, the outermost authority first, and how much passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from firewright.analysis.path import When, day_of
from firewright.analysis.status import Direction, Standing, Statuses
from firewright.diagnostic import harmless
from firewright.drawing.imprint import Imprint, imprint, write_imprint
from firewright.drawing.outline import Block, Heading, Outline, Paragraph, Table
from firewright.drawing.palette import HEAD, HEAD_INK, HEAD_QUIET, INK, OUTLINE, PAPER, QUIET, TONES
from firewright.drawing.pictures import Chosen, TooLarge
from firewright.drawing.roster import amount_open
from firewright.drawing.scene import Area, Line, Rect, Scene
from firewright.drawing.selection import Known, nothing_known
from firewright.drawing.sheet import Sheet
from firewright.model.policy import Firewall, Policy, Zone, ZoneKind

MOST_LEGS = 256
"""Legs of all firewalls of one map."""
_PAGE, _MARGIN = 1040.0, 48.0
_SIDE, _WALL, _GAP = 316.0, 208.0, 52.0
_BOX, _BETWEEN, _LEAST_WALL = 74.0, 12.0, 108.0
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Leg:
    """A zone at a firewall: what is open from it to the others and from them to it, and the zones that lie inside it.

    `inward` and `outward` are of the flows to and from the leg `facing`, which is empty where no leg leads outside.
    """

    zone: Zone
    facing: str
    inward: str
    outward: str
    tone: Standing
    inner: tuple[str, ...]
    is_within: bool

    @property
    def name(self) -> str:
        """How it is called."""
        return "the machine itself" if self.zone.is_local else harmless(self.zone.name, _LONGEST)

    @property
    def words(self) -> str:
        """What is open, in a line."""
        if not self.facing:
            return ""
        return f"{self.inward} open from {self.facing}, {self.outward} to it"


@dataclass(frozen=True, slots=True)
class Wall:
    """One firewall of a policy: whether it is the asked one's own, the legs that lead outside, and the others."""

    firewall: Firewall
    policy: Policy
    is_own: bool
    outer: tuple[Leg, ...]
    inner: tuple[Leg, ...]

    @property
    def authority(self) -> str:
        """Whose it is."""
        return harmless(self.policy.name, _LONGEST)

    @property
    def name(self) -> str:
        """How it is called."""
        return harmless(self.firewall.name, _LONGEST)

    @property
    def manners(self) -> tuple[str, ...]:
        """What it does of itself, in short lines."""
        opens = "opens what is allowed" if self.firewall.opens == "allowed" else "opens what is required"
        return opens, f"else {self.firewall.default}"


def walls(policy: Policy, when: When, known: Known = nothing_known) -> tuple[Wall, ...]:
    """The firewalls on the paths of a policy, the outermost authority first; `known` are its own directions, as in `selection`.

    Raises TooLarge, Unfilled, Undecided.
    """
    found = [(one, firewall) for one in policy.authorities() for firewall in one.firewalls.values()]
    legs = sum(max(2, len(_legs(firewall))) for _, firewall in found)
    if legs > MOST_LEGS:
        raise TooLarge(f"{legs} legs of firewalls; a map shows {MOST_LEGS}: the zone matrix shows more")
    asked: dict[int, Asked] = {id(one): Statuses(one, when).direction for one in policy.authorities()}
    own = asked[id(policy)]
    asked[id(policy)] = lambda here, there: known(here, there) or own(here, there)
    return tuple(_wall(one, firewall, asked[id(one)], one is policy) for one, firewall in found)


Asked = Callable[[Zone, Zone], Direction]


def _legs(firewall: Firewall) -> tuple[Zone, ...]:
    named = (*firewall.between, *firewall.within)
    return tuple({zone.name: zone for zone in named}.values())


def _wall(policy: Policy, firewall: Firewall, asked: Asked, is_own: bool) -> Wall:
    internet = policy.zones[ZoneKind.INTERNET.value]
    outer: tuple[Zone, ...]
    inner: tuple[Zone, ...]
    if firewall.is_host:
        outer, inner = (internet, *policy.named_zones), (policy.zones[ZoneKind.LOCAL.value],)
    else:
        legs = _legs(firewall)
        outer = tuple(zone for zone in legs if zone.kind is ZoneKind.INTERNET)
        inner = tuple(zone for zone in legs if zone.kind is not ZoneKind.INTERNET)
    facing = outer[0] if outer else None
    return Wall(
        firewall,
        policy,
        is_own,
        tuple(_leg(policy, firewall, zone, None, asked) for zone in outer),
        tuple(_leg(policy, firewall, zone, facing, asked) for zone in inner),
    )


def _leg(policy: Policy, firewall: Firewall, zone: Zone, facing: Zone | None, asked: Asked) -> Leg:
    is_within = any(one.name == zone.name for one in firewall.within)
    inner = tuple(harmless(one.name, _LONGEST) for one in policy.named_zones if _is_inside(one, zone))
    if facing is None:
        return Leg(zone, "", "", "", Standing.CLOSED, inner, is_within)
    there, back = asked(facing, zone), asked(zone, facing)
    tone = next(
        (one for one in Standing if one is not Standing.UNENFORCED and one in there.standings), Standing.UNENFORCED
    )
    return Leg(zone, harmless(facing.name, _LONGEST), _amount(there), _amount(back), tone, inner, is_within)


def _is_inside(one: Zone, zone: Zone) -> bool:
    if one.name == zone.name or zone.kind is not ZoneKind.NAMED:
        return False
    return bool(one.addresses) and one.addresses <= zone.addresses


def _amount(direction: Direction) -> str:
    if Standing.UNENFORCED in direction.standings and Standing.PERMITTED not in direction.standings:
        return "everything"
    return amount_open(direction) if Standing.PERMITTED in direction.standings else "nothing"


def draw(policy: Policy, chosen: Chosen, when: When) -> Scene:
    """The map of a policy on a day; of zones that were chosen only the legs that they are. Raises TooLarge, Unfilled, Undecided."""
    names = {zone.name for group in chosen for zone in group}
    found = walls(policy, when)
    if names:
        found = tuple(narrowed(wall, lambda name: name in names) for wall in found)
    return scene(policy, found, when)


PICTURE = draw


def narrowed(wall: Wall, has: Callable[[str], bool]) -> Wall:
    """A firewall with those of its legs, and of the zones inside them, that have one of some names; the machine itself stays."""
    outer, inner = (
        tuple(
            replace(leg, inner=tuple(filter(has, leg.inner))) for leg in legs if leg.zone.is_local or has(leg.zone.name)
        )
        for legs in (wall.outer, wall.inner)
    )
    return replace(wall, outer=outer, inner=inner)


def scene(policy: Policy, found: tuple[Wall, ...], when: When) -> Scene:
    """The map of some firewalls on the paths of a policy."""
    return _scene(imprint(policy, "Path map", day_of(when, policy)), found)


# --- the map in words -------------------------------------------------------------------------------------------------


def outline(said: Imprint, found: tuple[Wall, ...]) -> Outline:
    """The map as headings, sentences and tables."""
    blocks: list[Block] = [Heading(said.title, 1), Paragraph(said.sentence)]
    for wall in found:
        blocks += [Heading(f"Firewall {wall.name}"), Paragraph(_sentence(wall))]
        if rows := tuple(_rows(wall)):
            blocks.append(Table(("leg", "open towards it", "open from it", "zones inside"), rows))
    if not found:
        blocks.append(Paragraph(_NO_FIREWALL))
    blocks.append(Paragraph(_ASSUMED))
    return Outline(f"{said.kind}: {said.title}", tuple(blocks))


_ASSUMED = "A packet passes a firewall if its ends lie on different legs of it; paths are taken as symmetric, routing is not looked at."
_NO_FIREWALL = "No firewall stands on any path: nothing of this policy is enforced."


def _sentence(wall: Wall) -> str:
    whose = f"Of {wall.authority}" if wall.is_own else f"Of {wall.authority}, another authority on the path"
    within = [leg.name for leg in (*wall.outer, *wall.inner) if leg.is_within]
    inside = f" What stays within {', '.join(within)} passes it too." if within else ""
    return f"{whose}: {', '.join(wall.manners)}.{inside}"


def _rows(wall: Wall) -> Iterator[tuple[tuple[str, ...], ...]]:
    for leg in (*wall.outer, *wall.inner):
        yield (leg.name,), (leg.inward,) if leg.facing else (), (leg.outward,) if leg.facing else (), leg.inner


# --- the map on the page ----------------------------------------------------------------------------------------------


def _scene(said: Imprint, found: tuple[Wall, ...]) -> Scene:
    sheet = Sheet()
    y = write_imprint(sheet, said, _MARGIN, _MARGIN, _PAGE - 2 * _MARGIN) + 28
    for number, wall in enumerate(found):
        y = _draw_wall(sheet, wall, y) + 32
        if number + 1 < len(found):
            sheet.put(Line(((_MARGIN, y - 16), (_PAGE - _MARGIN, y - 16)), OUTLINE))
    if not found:
        y = sheet.paragraph(_MARGIN, y, _PAGE - 2 * _MARGIN, _NO_FIREWALL, 15, TONES[Standing.DENIED].strong) + 16
    y = sheet.paragraph(_MARGIN, y, _PAGE - 2 * _MARGIN, _ASSUMED, 13, QUIET)
    return Scene(_PAGE, round(y + _MARGIN, 2), tuple(sheet.shapes), outline(said, found))


def _draw_wall(sheet: Sheet, wall: Wall, y: float) -> float:
    """One firewall between its legs; the y where it ends."""
    rows = max(len(wall.outer), len(wall.inner), 1)
    high = max(_LEAST_WALL, rows * (_BOX + _BETWEEN) - _BETWEEN)
    place = Area(_MARGIN + _SIDE + _GAP, y, _WALL, high)
    for legs, x, edge in ((wall.outer, _MARGIN, place.x), (wall.inner, place.right + _GAP, place.right)):
        top = y + (high - (len(legs) * (_BOX + _BETWEEN) - _BETWEEN)) / 2
        for number, leg in enumerate(legs):
            box = Area(x, round(top + number * (_BOX + _BETWEEN), 2), _SIDE, _BOX)
            middle = box.y + box.height / 2
            sheet.put(
                Line(((box.right if x < edge else edge, middle), (edge if x < edge else box.x, middle)), INK, 1.5)
            )
            _draw_leg(sheet, leg, box)
    _draw_block(sheet, wall, place)
    return y + high


def _draw_block(sheet: Sheet, wall: Wall, place: Area) -> None:
    sheet.put(Rect(place, HEAD, "", 6))
    lines = [("FIREWALL", 11.0, HEAD_QUIET, True), (wall.name, 16.0, HEAD_INK, True)]
    lines += [(words, 12.0, HEAD_QUIET, False) for words in (*wall.manners, f"of {wall.authority}")]
    y = round(place.y + (place.height - 18 * len(lines) - 6) / 2, 2)
    for words, size, fill, is_bold in lines:
        height = 24.0 if size == 16.0 else 18.0
        room = Area(place.x + 16, y, place.width - 32, height)
        sheet.line(room, words, size, fill, HEAD, is_bold)
        y = round(y + height, 2)


def _draw_leg(sheet: Sheet, leg: Leg, box: Area) -> None:
    tone = TONES[leg.tone]
    sheet.put(Rect(box, tone.tint if leg.facing else PAPER, tone.edge if leg.facing else OUTLINE, 6))
    ground = tone.tint if leg.facing else PAPER
    inside = "passed inside, too" if leg.is_within else ""
    holds = f"holds {', '.join(leg.inner)}" if leg.inner else ""
    lines = [line for line in (leg.words, "; ".join(filter(None, (inside, holds)))) if line]
    y = round(box.y + (box.height - 22 - 18 * len(lines)) / 2, 2)
    room = Area(box.x + 16, y, box.width - 32, 22)
    sheet.line(room, leg.name, 14, INK, ground, is_bold=True)
    for number, words in enumerate(lines):
        y = round(y + (18 if number else 22), 2)
        sheet.line(Area(room.x, y, room.width, 18), words, 12, tone.strong if leg.facing else QUIET, ground)
