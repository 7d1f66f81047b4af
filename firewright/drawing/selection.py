"""Which pairs of zones a picture shows in full, which in one line, and what is permitted between pairs that it leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations, islice, product

from firewright.analysis.narrowing import narrowed
from firewright.analysis.path import When, day_of, internet_of
from firewright.analysis.status import Direction, Pair, Standing, Statuses, named_pairs, pairs, zones_of
from firewright.diagnostic import harmless
from firewright.drawing.pictures import Chosen, TooLarge
from firewright.drawing.roster import amount_open
from firewright.model.address import AddressSet, merge
from firewright.model.policy import Policy, Verb, Zone, ZoneKind

MOST_PAIRS = 64
"""Pairs of zones that one picture shows."""
MOST_NAMED = 256
"""Pairs that rules name and that are looked at, to find those that a firewall separates."""
MOST_ZONES = 128
"""Zones up to which every pair is looked at for what is not shown."""
MOST_LOOKED = 2000
"""Ways between zones that are looked at for what is not shown."""
_GROUPS = (ZoneKind.MULTICAST, ZoneKind.BROADCAST)


@dataclass(frozen=True, slots=True)
class Shown:
    """A pair of zones and what becomes of its traffic: one direction within a zone, else there and back."""

    pair: Pair
    directions: tuple[Direction, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a picture shows: pairs in full, lines for pairs in which there is nothing, lines for what it leaves out."""

    shown: tuple[Shown, ...]
    folded: tuple[tuple[Standing, str], ...]
    left_out: tuple[str, ...]


Known = Callable[[Zone, Zone], Direction | None]
"""What is known of the directions of a policy."""


def nothing_known(source: Zone, destination: Zone) -> None:
    """Nothing is known of any direction."""


class Directions:
    """The directions of a policy, each worked out once; several pictures of one policy can share them. Raises Unfilled.

    `known` gives what others have worked out already of the policy's directions: of some the shares at least.
    """

    def __init__(self, policy: Policy, when: When, known: Known = nothing_known) -> None:
        self._known = known
        self.statuses = Statuses(policy, when)
        self._own = (
            self.statuses if policy.behind is None else Statuses(replace(policy, behind=None), day_of(when, policy))
        )
        self._found: dict[tuple[str, str], Direction] = {}

    def between(self, source: Zone, destination: Zone) -> Direction:
        """What becomes of new flows from one zone to another. Raises Undecided."""
        key = source.name, destination.name
        if key not in self._found:
            self._found[key] = self.statuses.direction(source, destination)
        return self._found[key]

    def in_shares(self, source: Zone, destination: Zone) -> Direction:
        """The same, of which no more than the shares may be used. Raises Undecided."""
        return self._known(source, destination) or self.between(source, destination)

    def is_permitted(self, source: Zone, destination: Zone) -> bool:
        """Whether something is permitted that a firewall of this policy, and not only of another authority, lets through."""
        if Standing.PERMITTED not in self.in_shares(source, destination).standings:
            return False
        return self._own is self.statuses or Standing.PERMITTED in self._own.direction(source, destination).standings

    def shown(self, pair: Pair) -> Shown:
        """Both ways of a pair. Raises Undecided."""
        ways = [(pair.here, pair.there)] if pair.is_within else [(pair.here, pair.there), (pair.there, pair.here)]
        return Shown(pair, tuple(self.between(*way) for way in ways))


def select_alone(policy: Policy, chosen: Chosen, when: When) -> Selection:
    """The pairs that were asked for, and no word of what else there is: only what rules say of them is looked at.

    Raises TooLarge, Unfilled, Undecided.
    """
    zones = {zone.name: zone for group in chosen for zone in group}.values()
    is_machines = all(zone.kind in (ZoneKind.NAMED, ZoneKind.INTERNET) for zone in zones)
    inside = merge(internet_of(policy) if one.kind is ZoneKind.INTERNET else one.addresses for one in zones)
    narrow = narrowed(policy, inside, inside) if is_machines else policy
    return _selected(_wanted(policy, chosen), Directions(narrow, when), ())


def select(policy: Policy, chosen: Chosen, when: When, known: Directions | None = None) -> Selection:
    """The pairs that were asked for, else those that firewalls separate and those that rules name and a firewall separates.

    Law: whatever a policy permits between two zones is shown, or `left_out` names the two zones, or it says how many
    ways were not looked at. `known` are the policy's own directions, of that day. Raises TooLarge, Unfilled, Undecided.
    """
    directions = Directions(policy, when) if known is None else known
    wanted = _wanted(policy, chosen)
    if not chosen:
        wanted += _named(policy, wanted, directions)
    return _selected(wanted, directions, _left_out(policy, wanted, directions, day_of(when, policy)))


def _wanted(policy: Policy, chosen: Chosen) -> list[Pair]:
    wanted = _unique(pair for group in chosen for pair in _pairs_in(group)) or _unique(pairs(policy))
    if len(wanted) > MOST_PAIRS:
        raise TooLarge(f"{len(wanted)} pairs of zones; a picture shows {MOST_PAIRS}: choose with --between A,B")
    return wanted


def _selected(wanted: list[Pair], directions: Directions, left_out: Iterable[str]) -> Selection:
    every = [directions.shown(pair) for pair in wanted]
    # a single pair is what somebody wants to see, even if there is nothing in it
    words = {one.pair: _nothing(one) if len(every) > 1 else None for one in every}
    shown = tuple(one for one in every if words[one.pair] is None)
    return Selection(shown, tuple(_folded(every, words)), tuple(left_out))


def _pairs_in(group: tuple[Zone, ...]) -> Iterator[Pair]:
    if len(group) == 1:
        yield Pair(group[0], group[0])
    yield from (Pair(here, there) for here, there in combinations(group, 2))


def _unique(found: Iterable[Pair]) -> list[Pair]:
    """Each pair once, whichever way round."""
    return list({frozenset((pair.here.name, pair.there.name)): pair for pair in reversed(list(found))}.values())[::-1]


def _named(policy: Policy, taken: list[Pair], directions: Directions) -> list[Pair]:
    """More pairs for the picture: those that rules name, where a firewall stands between."""
    known = {frozenset((pair.here.name, pair.there.name)) for pair in taken}
    found = islice((pair for pair in named_pairs(policy) if {pair.here.name, pair.there.name} not in known), MOST_NAMED)
    separated = (
        pair for pair in found if any(_is_guarded(one) for one in directions.shown(pair).directions)
    )  # fmt: skip
    return list(islice(separated, MOST_PAIRS - len(taken)))


def _is_guarded(direction: Direction) -> bool:
    return any(standing is not Standing.UNENFORCED for standing in direction.standings)


# --- pairs in which there is nothing ----------------------------------------------------------------------------------


def _nothing(one: Shown) -> tuple[Standing, str] | None:
    """What is said of a pair that takes no more than a line; None where there is more to say."""
    way = "" if one.pair.is_within else " both ways"
    if not any(direction.families for direction in one.directions):
        return Standing.CLOSED, "Nothing passes, no addresses of the same family"
    stands = {stand for direction in one.directions for share in direction.shares for stand in share.stands}
    found = {stand.standing for stand in stands}
    if found == {Standing.UNENFORCED}:
        return Standing.UNENFORCED, "No firewall stands between, nothing stops it here"
    if found == {Standing.CLOSED} and len(stands) == 1:
        asides = sorted({name.replace("-", " ") for direction in one.directions for name in direction.asides})
        answered = ", callers are told so" if stands.pop().is_answered else ""
        essential = f", but for essentials ({', '.join(asides)})" if asides else ""
        return Standing.CLOSED, f"Closed{way}{answered}{essential}"
    return None


def _folded(
    every: list[Shown], words: dict[Pair, tuple[Standing, str] | None]
) -> Iterator[tuple[Standing, str]]:  # fmt: skip
    """One line for all pairs of which the same is said."""
    alike: dict[tuple[Standing, str], list[str]] = {}
    for one in every:
        said = words[one.pair]
        if said is not None:
            here, there = harmless(one.pair.here.name, 80), harmless(one.pair.there.name, 80)
            alike.setdefault(said, []).append(f"within {here}" if one.pair.is_within else f"{here} – {there}")
    yield from ((standing, f"{sentence}: {', '.join(names)}") for (standing, sentence), names in alike.items())


# --- what is left out -------------------------------------------------------------------------------------------------


def _left_out(policy: Policy, wanted: list[Pair], directions: Directions, day: date) -> Iterator[str]:
    """A line for each zone from which something is permitted to a zone that no shown pair covers."""
    zones = (*zones_of(policy), *_outer_zones(policy))
    if len(zones) > MOST_ZONES:
        yield f"Not shown, not looked at: what is permitted between other pairs of {len(zones)} zones; choose them with --between"
        return
    covering = _Covering(wanted, directions.statuses)
    ways = [way for way in _permitted_ways(policy, zones, day) if not covering.covers(*way)]
    found: dict[str, list[str]] = {}
    example = ""
    for source, destination in ways[:MOST_LOOKED]:
        if directions.is_permitted(source, destination):
            direction = directions.in_shares(source, destination)
            here, there = harmless(source.name, 80), harmless(destination.name, 80)
            found.setdefault(here, []).append(f"{there} ({amount_open(direction)} permitted)")
            example = example or (here if here == there else f"{here},{there}")
    for here, others in found.items():
        yield f"Not shown: {here} to {', '.join(others)}"
    if example:
        yield f"What is not shown is drawn with --between {example}"
    if len(ways) > MOST_LOOKED:
        yield f"Not shown, not looked at: {len(ways) - MOST_LOOKED:,} more ways between zones; choose them with --between"


def _outer_zones(policy: Policy) -> Iterator[Zone]:
    """What zones of other authorities on the path hold beside ours, under a name of their own where ours has that name."""
    taken = set(policy.zones)
    held = merge(zone.addresses for zone in policy.named_zones)
    for authority in policy.authorities():
        if authority is not policy:
            for zone in authority.named_zones:
                if rest := zone.addresses - held:
                    name = zone.name if zone.name not in taken else f"{zone.name} of {authority.name}"
                    taken.add(name)
                    yield replace(zone, name=name, addresses=rest)


def _permitted_ways(policy: Policy, zones: tuple[Zone, ...], day: date) -> Iterator[tuple[Zone, Zone]]:
    """The ways between zones of which a permission of the policy speaks: at least all on which it permits something."""
    touched: dict[str, frozenset[int]] = {}

    def touching(spoken: tuple[Zone, ...]) -> list[int]:
        for one in spoken:
            if one.name not in touched:
                touched[one.name] = frozenset(number for number, zone in enumerate(zones) if _touches(one, zone))
        return sorted(frozenset().union(*(touched[one.name] for one in spoken)))

    ways: dict[tuple[int, int], None] = {}
    permissions = [rule for rule in policy.rules if rule.verb in (Verb.ALLOW, Verb.REQUIRE) and rule.is_active(day)]
    for ends in (ends for rule in permissions for ends in rule.ends):
        if len(ways) == len(zones) ** 2:
            break
        ways |= dict.fromkeys(product(touching(ends.sources), touching(ends.destinations)))
    yield from ((zones[here], zones[there]) for here, there in sorted(ways))


def _touches(spoken: Zone, zone: Zone) -> bool:
    """Whether a rule that speaks of one may concern packets of the other."""
    if spoken.kind is ZoneKind.ANY or spoken.is_local or zone.is_local:
        return True
    return bool(spoken.addresses & zone.addresses)


class _Covering:
    """What the pairs of a picture cover together: a zone inside a shown one is shown with it."""

    def __init__(self, wanted: list[Pair], statuses: Statuses) -> None:
        self._statuses = statuses
        self._ways = {(pair.here, pair.there) for pair in wanted} | {(pair.there, pair.here) for pair in wanted}

    def covers(self, source: Zone, destination: Zone) -> bool:
        """Whether the sources of ways to all of the destination hold the source, or the other way round."""
        heads = [here for here, there in self._ways if self._holds([there], destination)]
        tails = [there for here, there in self._ways if self._holds([here], source)]
        return self._holds(heads, source) or self._holds(tails, destination)

    def _holds(self, held: list[Zone], zone: Zone) -> bool:
        if any(one.name == zone.name for one in held):
            return True
        if zone.is_local or zone.kind in _GROUPS:
            return False
        every = AddressSet()
        for one in held:
            if not one.is_local and one.kind not in _GROUPS:
                every |= self._statuses.addresses_of(one)
        return self._statuses.addresses_of(zone) <= every
