"""The zone matrix as a heat map: from each zone to each other what is open, in a word and a colour, for all services or some."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from firewright.analysis.narrowing import narrowed
from firewright.analysis.path import When, day_of, internet_of
from firewright.analysis.question import parse_services
from firewright.analysis.status import Direction, Share, Stand, Standing, Statuses, zones_of
from firewright.drawing.roster import amount_open, count_open, opens_most
from firewright.drawing.selection import Known, nothing_known
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, intersection, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Term, Zone, ZoneKind
from firewright.model.transport import service_ranges
from firewright.web.views.sight import Sight

MOST_ZONES = 128
"""Zones of one matrix; of more, some are chosen by name."""
_ROOMY = 6
TONES = {
    Standing.PERMITTED: "permitted",
    Standing.REQUEST: "request",
    Standing.DENIED: "denied",
    Standing.CLOSED: "closed",
    Standing.UNENFORCED: "unenforced",
}
_CODES = {Standing.REQUEST: "ask", Standing.DENIED: "deny", Standing.CLOSED: "–", Standing.UNENFORCED: "n/e"}
LEGEND = (
    (
        "permitted",
        "12",
        "12 open",
        "so many ports and protocols are open; all: everything is; most: more than half of all ports",
    ),
    ("request", "ask", "on request", "nothing is open; it may be requested"),
    ("denied", "deny", "denied", "no request opens it"),
    ("closed", "–", "closed", "no rule opens it"),
    ("unenforced", "n/e", "not enforced", "no firewall stands between, so nothing stops it here"),
)
"""Each tone with an example of its code, of its words in a small matrix, and what it means."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What becomes of the flows from one zone to another: a tone, a short code, the same in words, and how broad it is (0 to 4)."""

    tone: str
    code: str
    words: str
    heat: int = 0


HIDDEN = Cell("hidden", "", "not shown to you")
_ITSELF = Cell("self", "self", "the machine itself: loopback always passes")
_NO_FAMILY = Cell("closed", "–", "nothing: no address in the same family")


@dataclass(frozen=True, slots=True)
class Grid:
    """Zones of a policy and the directions from each (rows) to each (columns), None from the machine to itself; `total` of all zones."""

    policy: str
    zones: tuple[str, ...]
    rows: tuple[tuple[Direction | None, ...], ...]
    total: int

    def known(self) -> Known:
        """The directions by their zones, of which the shares alone are each one's own."""
        places = {name: number for number, name in enumerate(self.zones)}

        def find(source: Zone, destination: Zone) -> Direction | None:
            row, column = places.get(source.name), places.get(destination.name)
            return None if row is None or column is None else self.rows[row][column]

        return find


@dataclass(frozen=True, slots=True)
class Matrix:
    """A heat map: names, rows of cells, the services it is about (empty: all), how many zones there are in all."""

    policy: str
    zones: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    service: str
    total: int

    @property
    def is_roomy(self) -> bool:
        """Whether cells have room for words, where others have codes."""
        return len(self.zones) <= _ROOMY

    def named_rows(self) -> Iterator[tuple[str, tuple[tuple[str, Cell], ...]]]:
        """Each row with its zone, each cell with its column's zone."""
        for name, cells in zip(self.zones, self.rows, strict=True):
            yield name, tuple(zip(self.zones, cells, strict=True))


def zone_names(policy: Policy, words: str = "") -> tuple[str, ...]:
    """The zones of a policy's matrix in its order, those whose name holds one of some words where words are given.

    The internet stays beside what is chosen.
    """
    wanted = words.casefold().replace(",", " ").split()
    names = [zone.name for zone in zones_of(policy)]
    if not wanted:
        return tuple(names)
    return tuple(name for name in names if name == ZoneKind.INTERNET or any(w in name.casefold() for w in wanted))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one row of a grid depends on: the policy with the rules that may speak of its zone, and the days on which it is asked."""

    policy: Policy
    days: tuple[date, ...]

    def is_same(self, other: _Asked) -> bool:
        """Whether nothing of it is another thing than before, so that the row is the same with all places in it."""
        mine, theirs = self.policy, other.policy
        pairs = zip(mine.rules, theirs.rules, strict=False)
        return (
            self.days == other.days
            and mine.zones is theirs.zones
            and mine.firewalls is theirs.firewalls
            and mine.behind is None is theirs.behind
            and len(mine.rules) == len(theirs.rules)
            and all(one is another for one, another in pairs)
        )


_Rows = dict[str, tuple[_Asked, tuple[Direction | None, ...]]]
_BEFORE: OrderedDict[tuple[str, str, tuple[str, ...]], _Rows] = OrderedDict()
"""The rows of the grids that were reckoned last, by policy: one exception more changes few of them."""
_MOST_BEFORE = 8


def grid(policy: Policy, when: When, names: tuple[str, ...]) -> Grid:
    """The directions between these zones. Raises Unfilled, Undecided. What fares alike is kept once.

    Each row is asked of the rules that may speak of its zone alone: the others decide none of its flows. O(rows + rules touched).
    """
    key = (policy.path, policy.name, names)
    before, rows = _BEFORE.get(key, {}), _Rows()
    days = tuple(day_of(when, authority) for authority in policy.authorities())
    zones = {zone.name: zone for zone in zones_of(policy)}
    known: dict[tuple[tuple[Family, ...], tuple[Share, ...]], Direction] = {}

    def kept(name: str) -> tuple[Direction | None, ...]:
        asked = _Asked(narrowed(policy, _addresses(policy, zones[name])), days)
        was = before.get(name)
        rows[name] = (
            was if was is not None and was[0].is_same(asked) else (asked, tuple(row(zones[name], asked.policy)))
        )
        return rows[name][1]

    def row(source: Zone, narrow: Policy) -> Iterator[Direction | None]:
        statuses = Statuses(narrow, when)
        for name in names:
            if source.is_local and zones[name].is_local:
                yield None
            else:
                found = statuses.direction(source, zones[name])
                yield known.setdefault((found.families, found.shares), found)

    found = Grid(policy.name, names, tuple(map(kept, names)), len(zones_of(policy)))
    _BEFORE[key] = rows
    while len(_BEFORE) > _MOST_BEFORE:
        _BEFORE.popitem(last=False)
    return found


def known(policy: Policy, when: When) -> Known:
    """What the matrix of all zones knows of a policy's directions, where it has one; cheap where it was made before. Raises Undecided."""
    names = zone_names(policy)
    return grid(policy, when, names).known() if len(names) <= MOST_ZONES else nothing_known


def _addresses(policy: Policy, zone: Zone) -> AddressSet | None:
    """What a zone means at the beginning of a flow; None where that says nothing of addresses."""
    if zone.kind is ZoneKind.INTERNET:
        return internet_of(policy)
    return zone.addresses if zone.kind is ZoneKind.NAMED else None


def matrix(grid: Grid, sight: Sight, service: str = "") -> Matrix:
    """The heat map of what somebody may see of a grid. Raises BadQuestion for services that there are not.

    For whoever does not see the whole policy the other zones are those with which something of theirs is open or may be.
    """
    term = parse_services(service, sight.policy) if service.strip() else None
    if term is not None and term.is_any:
        term = None
    ranges = None if term is None else _ranges(term)
    known: dict[int, Cell] = {}

    def cell(source: str, destination: str, found: Direction | None) -> Cell:
        if not sight.pair(source, destination):
            return HIDDEN
        if found is None:
            return _ITSELF
        if id(found) not in known:
            known[id(found)] = _cell(found) if ranges is None else _cell_of(found, ranges)
        return known[id(found)]

    rows = [
        [cell(here, there, found) for there, found in zip(grid.zones, row, strict=True)]
        for here, row in zip(grid.zones, grid.rows, strict=True)
    ]
    kept = list(range(len(grid.zones))) if sight.is_whole else list(_kept(grid.zones, rows, sight))
    return Matrix(
        grid.policy,
        tuple(grid.zones[number] for number in kept),
        tuple(tuple(rows[here][there] for there in kept) for here in kept),
        "" if term is None else term.word,
        grid.total if sight.is_whole else len(kept),
    )


def _kept(names: tuple[str, ...], rows: list[list[Cell]], sight: Sight) -> Iterator[int]:
    quiet = ("closed", "denied", "hidden")
    for number, name in enumerate(names):
        touching = (cell.tone for cell in (*rows[number], *(row[number] for row in rows)))
        if name in sight.own or name == ZoneKind.INTERNET or any(tone not in quiet for tone in touching):
            yield number


# --- cells ------------------------------------------------------------------------------------------------------------


def _cell(found: Direction) -> Cell:
    standings = found.standings
    if not standings:
        return Cell("closed", "–", "nothing that a rule decides") if found.families else _NO_FAMILY
    strongest = next((one for one in standings if one is not Standing.UNENFORCED), Standing.UNENFORCED)
    star = "*" if any(len(share.stands) > 1 for share in found.shares) else ""
    rest = [one.value for one in standings if one is not strongest]
    tail = (f"; else {', '.join(rest)}" if rest else "") + ("; in part by address or source port" if star else "")
    if strongest is not Standing.PERMITTED:
        return Cell(TONES[strongest], _CODES[strongest] + star, strongest.value + tail)
    if not rest and amount_open(found) == "everything":
        return Cell("permitted", "all" + star, f"everything is open{tail}", 4)
    if opens_most(found):
        return Cell("permitted", "most" + star, f"most is open{tail}", 4)
    count = count_open(found)
    code = str(count) if count < 10_000 else f"{count // 1000}k"
    heat = 1 if count <= 3 else 2 if count <= 30 else 3
    return Cell("permitted", code + star, f"{count:,} open{tail}", heat)


def _ranges(term: Term) -> Mapping[Family, Ranges]:
    """For each family the services of a term. What it says of source ports is left out: a share has all of them or several stands."""
    return {family: union(*service_ranges(term.transports, family).values()) for family in FAMILIES}


def _cell_of(found: Direction, ranges: Mapping[Family, Ranges]) -> Cell:
    """What becomes of some services only."""
    stands: set[Stand] = set()
    is_part = False
    for share in found.shares:
        if intersection(share.services, ranges[share.family]):
            stands |= {*share.stands}
            is_part |= len(share.stands) > 1
    standings = [one for one in Standing if any(stand.standing is one for stand in stands)]
    if not standings:
        return Cell("closed", "–", "nothing: no such packet between these zones")
    first = standings[0]
    star = "*" if is_part or len(standings) > 1 else ""
    code = ("open" if first is Standing.PERMITTED else _CODES[first]) + star
    words = ", ".join("open" if one is Standing.PERMITTED else one.value for one in standings)
    return Cell(TONES[first], code, words + (" (in part)" if star else ""), 3 if first is Standing.PERMITTED else 0)
