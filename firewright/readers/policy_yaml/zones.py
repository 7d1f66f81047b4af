"""Zones: names become addresses; two zones are disjoint or nested, or it is an error with an address that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from firewright.diagnostic import Note, harmless
from firewright.document import Scalar
from firewright.model.address import (
    BROADCAST,
    EVERYWHERE,
    LOOPBACK,
    MULTICAST,
    UNICAST,
    UNSPECIFIED,
    AddressSet,
    BadPrefix,
    parse_prefix,
)
from firewright.model.interval import canonical
from firewright.model.packet import FAMILIES
from firewright.model.policy import BUILT_IN_ZONES, Zone, ZoneKind
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.nesting import check_nesting
from firewright.readers.policy_yaml.ordering import ordered
from firewright.readers.policy_yaml.stated import Asked
from firewright.readers.policy_yaml.values import NAME

ZONE_LIMIT = 20_000
"""Zones of one policy."""

Stretch = tuple[int, int, int]
"""Family, first and last address."""
ZoneWords = Asked | tuple[Scalar, ...]
"""What stands behind a zone's name: a question, or prefixes and names of zones."""

_NO_UNICAST = (
    (MULTICAST, "multicast", "write multicast in the rule itself"),
    (BROADCAST, "broadcast", "write broadcast in the rule itself"),
    (LOOPBACK, "loopback", "a machine's traffic to itself passes by itself; no zone holds it"),
    (UNSPECIFIED, '"this network"', "no packet on a network comes from or goes to it"),
)


@dataclass(slots=True)
class Atlas:
    """The zones that names stand for, the built-in ones too; uses of a name in `broken` are no further errors."""

    zones: dict[str, Zone] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    is_complete: bool = True

    def find(self, name: Scalar, complaints: Complaints) -> Zone | None:
        """The zone of a name, or None after complaining."""
        zone = self.zones.get(name.text)
        if zone is None and self.is_complete and name.text not in self.broken:
            complain_of_zone(name, self.zones, complaints)
        return zone

    def find_or_make(self, name: Scalar, complaints: Complaints) -> Zone | None:
        """The zone of a name, or one of just the addresses that are written, or None after complaining.

        Such a zone belongs to no policy, so that what `internet` means stays as it is. It lies within one zone, or where none is.
        """
        if name.text in self.zones or not any(character in name.text for character in ".:/"):
            return self.find(name, complaints)
        stretch = stretch_of(name, complaints)
        if stretch is None:
            return None
        family, low, high = stretch
        addresses = AddressSet(*(((low, high),) if family == one else () for one in FAMILIES))
        if self.is_complete and not self.broken and (touched := self._straddled(addresses)):
            message = f"{quoted(name)} lies in several zones: {harmless(', '.join(touched), 120)}"
            complaints.error("overlapping-zones", message, name.at, "write the part in each zone")
            return None
        return Zone(name.text, addresses, at=name.at)

    def _straddled(self, addresses: AddressSet) -> list[str]:
        """The zones that hold some of these addresses, where none holds all; the internet among them where no zone holds some."""
        named = [zone for zone in self.zones.values() if zone.kind is ZoneKind.NAMED and zone.addresses & addresses]
        if not named or any(addresses <= zone.addresses for zone in named):
            return []
        rest = addresses
        for zone in named:
            rest = rest - zone.addresses
        return [*(zone.name for zone in named), *(["internet"] if rest else [])]


def complain_of_zone(name: Scalar, known: Iterable[str], complaints: Complaints) -> None:
    """Say that no zone has this name."""
    if any(character in name.text for character in ".:/"):
        message, way_out = f"{quoted(name)} is no zone's name", "give these addresses a name under zones"
    elif len(parts := name.text.split()) > 1 and set(parts) <= set(known):
        message, way_out = f"several zones in one value: {quoted(name)}", f"write [{harmless(', '.join(parts), 80)}]"
    else:
        message = f"there is no zone {quoted(name)}"
        can_be = NAME.fullmatch(name.text)
        otherwise = f"define it under zones: {name.text}: …" if can_be else "name one that is defined under zones"
        way_out = complaints.did_you_mean(name.text, known, otherwise)
    complaints.error("unknown-zone", message, name.at, way_out)


def merge_answers(
    names: Names[ZoneWords], answers: Names[tuple[Scalar, ...]], is_complete: bool, complaints: Complaints
) -> dict[str, Scalar]:
    """Put the answers of `fill-in` in the place of questions; gives the places of the answers by zone."""
    places: dict[str, Scalar] = {}
    for name, answer in answers.defined.items():
        zone = names.defined.get(name)
        if zone is None:
            if is_complete:
                asked = [key for key, one in names.defined.items() if isinstance(one.value, Asked)]
                way_out = complaints.did_you_mean(name, asked or names.defined, "it asks nothing")
                complaints.error("unknown-zone", f"no zone {quoted(name)} is to be filled in", answer.name.at, way_out)
        elif isinstance(zone.value, Asked):
            places[name] = answer.name
            names.defined[name] = replace(zone, value=answer.value)
            if answer.value is None:
                names.broken.add(name)
        elif zone.value is not None:
            note = Note("its addresses are here", zone.name.at)
            message = f"the zone {quoted(name)} has its addresses already"
            complaints.error("not-a-question", message, answer.name.at, "only {fill-in: …} can be filled in", [note])
    return places


def resolve_zones(names: Names[ZoneWords], is_complete: bool, complaints: Complaints) -> dict[str, Zone]:
    """The named zones with their addresses, in file order, checked one by one and against each other."""
    resolver = _Resolver(names, is_complete, complaints)
    zones = resolver.all()
    names.broken |= resolver.broken
    return zones


def built_in_zones(named: Iterable[Zone]) -> dict[str, Zone]:
    """The zones that the language has; `internet` is every unicast address that none of these zones holds."""
    held = AddressSet(
        canonical(pair for zone in named for pair in zone.addresses.v4),
        canonical(pair for zone in named for pair in zone.addresses.v6),
    )
    addresses = {
        ZoneKind.INTERNET: UNICAST - held, ZoneKind.ANY: UNICAST, ZoneKind.LOCAL: EVERYWHERE,
        ZoneKind.MULTICAST: MULTICAST, ZoneKind.BROADCAST: BROADCAST,
    }  # fmt: skip
    return {kind.value: Zone(kind.value, held_by, kind) for kind, held_by in addresses.items()}


class _Resolver:
    """Looks up what zones are made of, each once."""

    def __init__(self, names: Names[ZoneWords], is_complete: bool, complaints: Complaints) -> None:
        self.names, self.is_complete, self.complaints = names, is_complete, complaints
        self.broken = set(names.broken)
        self.prefixes: dict[str, Stretch | None] = {}

    def all(self) -> dict[str, Zone]:
        defined = self.names.defined
        if len(defined) > ZONE_LIMIT:
            at = next(iter(defined.values())).name.at
            self.complaints.error("too-large", f"{len(defined):,} zones; the most is {ZONE_LIMIT:,}", at)
            self.broken |= set(defined)
            return {}
        made_of = {
            name: [word.text for word in one.value if word.text in defined] if isinstance(one.value, tuple) else []
            for name, one in defined.items()
        }
        order, circles = ordered(made_of)
        for circle in circles:
            self._complain_of_circle(circle)
        zones: dict[str, Zone] = {}
        for name in order:
            if name not in self.broken and self._is_free(name):
                zone = self._zone(name, zones)
                if zone is not None:
                    zones[name] = zone
                    continue
            self.broken.add(name)
        check_nesting([zone for zone in zones.values() if zone.addresses], made_of, self.complaints)
        return {name: zones[name] for name in defined if name in zones}

    def _is_free(self, name: str) -> bool:
        if name not in BUILT_IN_ZONES:
            return True
        at = self.names.defined[name].name.at
        self.complaints.error(
            "name-twice", f"{name} is built in, and cannot be defined again", at, "choose another name"
        )
        return False

    def _complain_of_circle(self, circle: tuple[str, ...]) -> None:
        self.broken.update(circle)
        chain = " -> ".join((*circle, circle[0]))
        at = self.names.defined[circle[0]].name.at
        self.complaints.error(
            "zone-cycle", f"zones are made of each other: {harmless(chain)}", at, "take one of them out"
        )

    def _zone(self, name: str, zones: Mapping[str, Zone]) -> Zone | None:
        definition = self.names.defined[name]
        value, at = definition.value, definition.name.at
        if isinstance(value, Asked):
            return Zone(name, AddressSet(), question=" ".join(value.question.text.split()), at=at)
        stretches: list[Stretch] = []
        members: list[Zone] = []
        is_whole = True
        for word in cast("tuple[Scalar, ...]", value):
            if word.text in zones:
                members.append(zones[word.text])
            elif any(character in word.text for character in ".:/"):
                stretch = self._stretch(word)
                is_whole = is_whole and stretch is not None
                stretches.extend([stretch] if stretch else [])
            else:
                self._complain_of_word(word)
                is_whole = False
        if not is_whole:
            return None
        names = tuple(member.name for member in members)
        open_ones = [member.name for member in members if not member.is_filled]
        if open_ones:
            return Zone(name, AddressSet(), question=f"fill in {', '.join(open_ones)}", members=names, at=at)
        own = AddressSet(*(canonical(s[1:] for s in stretches if s[0] == family) for family in FAMILIES))
        return Zone(name, _union(own, members), members=names, at=at)

    def _complain_of_word(self, word: Scalar) -> None:
        if word.text in BUILT_IN_ZONES:
            way_out = "name it in the rule itself; a zone holds prefixes and zones of this policy"
            self.complaints.error("bad-prefix", f"no zone is made of {word.text}", word.at, way_out)
        elif word.text not in self.broken and self.is_complete:
            message = f"{quoted(word)} is neither a prefix nor a zone"
            way_out = self.complaints.did_you_mean(word.text, self.names.defined, "write a prefix, as in 192.0.2.0/24")
            self.complaints.error("unknown-zone", message, word.at, way_out)

    def _stretch(self, word: Scalar) -> Stretch | None:
        """The addresses of a prefix, or None after complaining; each text is complained of where it stands."""
        known = self.prefixes.get(word.text)
        if known is None and (known := stretch_of(word, self.complaints)) is not None:
            self.prefixes[word.text] = known
        return known


def stretch_of(word: Scalar, complaints: Complaints) -> Stretch | None:
    """The addresses of a prefix, an address or a range, or None after complaining: all are unicast, and not all there are."""
    try:
        family, low, high = parse_prefix(word.text)
    except BadPrefix as bad:
        way_out = harmless(bad.help) or "write a prefix, as in 192.0.2.0/24"
        complaints.error("bad-prefix", harmless(str(bad)), word.at, way_out)
        return None
    if (low, high) == ((0, 2**32 - 1) if family == 4 else (0, 2**128 - 1)):
        message = f"{quoted(word)} is every address"
        complaints.error("bad-prefix", message, word.at, "write any or internet in the rule instead of a zone")
        return None
    one = AddressSet(((low, high),), ()) if family == 4 else AddressSet((), ((low, high),))
    for addresses, what, way_out in _NO_UNICAST:
        if one & addresses:
            how = "is" if one <= addresses else "holds"
            complaints.error("bad-prefix", f"{quoted(word)} {how} {what}", word.at, way_out)
            return None
    return family, low, high


def _union(own: AddressSet, members: list[Zone]) -> AddressSet:
    if not members:
        return own
    return AddressSet(
        canonical((*own.v4, *(pair for member in members for pair in member.addresses.v4))),
        canonical((*own.v6, *(pair for member in members for pair in member.addresses.v6))),
    )
