"""The words of a ruleset's policy: its zones and rules, each with the line behind it, and what stands above and below them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath

from firewright.analysis.homes import Homes
from firewright.analysis.pieces import Sort
from firewright.analysis.proposal import INTERFACE, Proposed, Way
from firewright.analysis.subject import Subject
from firewright.analysis.wording import Rule, Wording
from firewright.catalog.services import catalog
from firewright.diagnostic import harmless
from firewright.model.address import AddressSet
from firewright.model.packet import FAMILIES
from firewright.model.policy import Verb
from firewright.model.service_words import words
from firewright.space.ruleset import Line
from firewright.workflows.migration_proof import Difference

FIREWALL = "network"
"""The name of the firewall in a policy that judges what passes through."""
_EVERY_PORT = ((0, 0xFFFF),)
_TITLES = {
    Way.INPUT: "what may enter the machine",
    Way.OUTPUT: "what it may begin",
    Way.FORWARD: "what may pass through",
}
_QUOTED = re.compile(r'"[^"]*"')
_EFFECTS = {
    "logging": re.compile(r"\blog\b|-j (?:LOG|NFLOG|ULOG)\b"),
    "a rate limit": re.compile(r"\blimit (?:rate|name)\b|\bct count\b|-m (?:limit|hashlimit|connlimit|recent)\b"),
    "a mark": re.compile(r"\bmark set\b|-j (?:MARK|CONNMARK|CONNSECMARK|SECMARK)\b"),
    "no tracking, a queue or a copy": re.compile(
        r"\b(?:notrack|queue|dup|tproxy|synproxy)\b|-j (?:NOTRACK|CT|NFQUEUE|TEE)\b"
    ),
}
"""What rules do beside deciding, in the words of both programs."""
_HOW = " (--interfaces NAME=ADDRESSES says which)"
_SAID = {
    Sort.OPENS: "lets through what the ruleset stops",
    Sort.CLOSES: "stops what the ruleset lets through",
    Sort.ANSWERS: "refuses with an answer what the ruleset drops",
    Sort.HIDES: "drops what the ruleset refuses with an answer",
}


def head_lines(
    subject: Subject, found: Proposed, wording: Wording, differences: Sequence[Difference], undecided: Mapping[str, str]
) -> Iterator[str]:
    """What the policy is of, whether it is proved to mean the same, and which parts were not decided."""
    families = " and ".join(f"IPv{family}" for family in subject.families)
    name = harmless(PurePath(subject.path).name)
    rest = [one for one in differences if not one.is_own]
    certain = sum(one.is_certain for one in rest)
    if undecided:
        told = f"{', '.join(undecided)} not decided; of the rest {certain} certain and {len(rest) - certain} possible differences"
        yield f"# {name} as a policy, compared for every packet that begins a flow of {families}: {told}"
        yield from (f"# {part} not decided: {harmless(why, 200)}" for part, why in undecided.items())
    elif rest or found.unsaid:
        told = f"{certain} certain and {len(rest) - certain} possible differences are left"
        yield f"# {name} as a policy, compared for every packet that begins a flow of {families}: {told}; they stand at the end"
    else:
        yield f"# {name} as a policy: proved to decide every packet that begins a flow of {families} alike"
    for family in FAMILIES:
        if family not in subject.families:
            yield f"# IPv{family}: the text says nothing of it, so no rule opens it"
        elif family in wording.cut:
            yield f"# IPv{family}: the addresses that rules name overlap, so they are cut into the classes that rules treat alike"


def home_lines(homes: Homes) -> Iterator[str]:
    """What the comparison takes for granted of interfaces."""
    if not homes:
        return
    told = [f"{one.interface}: {', '.join(one.addresses.prefixes())}" for one in homes.homes]
    told += [f"{', '.join(homes.outward)}: every other address"] if homes.outward else []
    yield f"# taken for granted: addresses come by their own interface only ({harmless('; '.join(told), 400)})"
    if asked := [one.interface for one in homes.homes if one.is_asked]:
        names = harmless(", ".join(asked), 200)
        yield f"# what is behind {names} is a question: the addresses above stood in for the answer, which `compare` judges"


def foot_lines(subject: Subject, found: Proposed, differences: Sequence[Difference]) -> Iterator[str]:
    """What differs, what no rule says, and what every policy decides by itself."""
    rest = [one for one in differences if not one.is_own]
    own = [one for one in differences if one.is_own]
    for one in sorted(rest, key=lambda one: (not one.is_certain, one.sort)):
        yield from _told(one)
    for line, why in found.unsaid:
        yield f"# no rule: {_place(line)}"
        yield f"#   {why}{_HOW if why == INTERFACE else ''}"
    yield from _leftovers(subject)
    if own:
        yield "# What every policy decides by itself, otherwise than the ruleset:"
        yield from sorted({f"#   {_SAID[one.sort]}: {one.own_words}" for one in own})
        yield "#   (no rule speaks of what is sent to loopback, to no address, or through the machine to a group)"


def _told(one: Difference) -> Iterator[str]:
    yield f"# the policy {'' if one.is_certain else 'possibly '}{_SAID[one.sort]}:"
    for line in one.lines:
        yield f"#   {harmless(line, 300)}"
    yield f"#   for example {harmless(one.example)}"
    yield f"#   ruleset: {harmless(one.before, 300)}"
    yield f"#   policy:  {harmless(one.after, 300)}"


def _leftovers(subject: Subject) -> Iterator[str]:
    """What rules do beside deciding new flows, each with its line."""
    for line in subject.bounded:
        yield f"# known in bounds only: {_place(line)}"
        yield f"#   {harmless(line.refused or ', '.join(line.unknown), 300)}"
    for line in subject.translations:
        yield f"# changes addresses or ports, which no policy says: {_place(line)}"
    for line in subject.lines:
        plain = _QUOTED.sub("", line.text)
        if effects := [effect for effect, pattern in _EFFECTS.items() if pattern.search(plain)]:
            yield f"# not in the policy ({', '.join(effects)}): {_place(line)}"


def _place(line: Line | None) -> str:
    if line is None:
        return "nothing judges it, so it passes"
    at = f"line {line.at.line}, " if line.at.line else ""
    return f"{at}{harmless(line.place, 120)}: {harmless(line.text, 240)}"


def body_lines(subject: Subject, wording: Wording, ways: Iterable[Way], *, is_asking: bool = False) -> Iterator[str]:
    """The policy's text; with questions instead of the addresses that stand in for their answers if `is_asking`."""
    yield f"policy: {_slug(subject.path)}"
    used = {name for rule in wording.rules for name in (*rule.sources, *rule.destinations)} | wording.placed
    zones = {name: zone for name, zone in wording.zones.items() if name in used}
    if zones:
        yield "zones:"
        for name, zone in zones.items():
            question = wording.asked.get(name) if is_asking else None
            said = (
                f"{{fill-in: {_quoted(question)}}}"
                if question
                else f"[{', '.join(map(_quoted, _address_words(zone)))}]"
            )
            yield f"  {_key(name)}: {said}"
    if Way.FORWARD in ways or wording.interfaces:
        yield "firewalls:"
        yield from _firewall(zones, wording, is_host=Way.FORWARD not in ways, is_asking=is_asking)
    if not wording.rules:
        yield "rules: none"
        return
    yield "rules:"
    way = None
    for rule in wording.rules:
        if rule.way is not way:
            way = rule.way
            yield f"  # {_TITLES[way]}"
        split = " (split: rules before it take the rest)" if rule.is_split else ""
        yield f"  - {_rule(rule)}   # {_place(rule.line)}{split}"


_UNLESS = "   # unless it lies behind an interface that is asked for: then take this line out"


def _firewall(zones: Mapping[str, AddressSet], wording: Wording, *, is_host: bool, is_asking: bool) -> Iterator[str]:
    """The firewall with its legs, and by which interfaces zones come."""
    interfaces = wording.interfaces
    yield f"  {'local' if is_host else FIREWALL}:"
    if not is_host:
        legs = [_key(name) for name, zone in zones.items() if name in interfaces or not _is_inner(name, zone, zones)]
        listed = ", ".join(["internet", *legs])
        if legs:
            yield f"    between: [{listed}]"
        yield f"    within: [{listed}]"
    if interfaces:
        yield "    interfaces:"
        waiting = {one for name in wording.asked for one in interfaces.get(name, ())}
        for name, names in interfaces.items():
            is_open = is_asking and name != "internet" and not waiting & set(names)
            yield f"      {_key(name)}: [{', '.join(map(_quoted, names))}]{_UNLESS if is_open else ''}"


def _is_inner(name: str, zone: AddressSet, zones: Mapping[str, AddressSet]) -> bool:
    return any(other != name and zone <= outer for other, outer in zones.items())


def _rule(rule: Rule) -> str:
    ends = f"from: {_listed(rule.sources)}, to: {_listed(rule.destinations)}"
    because = rule.line.comment if rule.line is not None else ""
    reason = f", because: {_quoted(harmless(because, 200))}" if because else ""
    if rule.verb is Verb.OTHERWISE:
        return f"{{{ends}, otherwise: reject{reason}}}"
    said = _service_words(rule)
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    return f"{{{ends}, {rule.verb.value}: {listed}{reason}}}"


def _service_words(rule: Rule) -> list[str]:
    """Services in the words of a policy: the catalog's where they mean exactly the same."""
    spoken = words(rule.services).split(", ")
    if rule.source_ports == _EVERY_PORT:
        return [_catalog_names().get(word, word) for word in spoken]
    ports = ", ".join(f"{low}-{high}" if low != high else str(low) for low, high in rule.source_ports)
    split = (word.partition("/") for word in spoken)
    return [f"{{{protocol}: {own or 'any'}, source-port: [{ports}]}}" for protocol, _, own in split]


@cache
def _catalog_names() -> dict[str, str]:
    """The names that are the only ones for a word; those that open more, as a helper does, are none."""
    rows = [row for row in catalog().rows.values() if row.services(4) == row.services(6) and row.services(4)]
    counted: dict[str, list[str]] = {}
    for row in rows:
        counted.setdefault(row.words(), []).append("" if row.helper else row.name)
    return {word: names[0] for word, names in counted.items() if len(names) == 1 and names[0]}


def _listed(names: tuple[str, ...]) -> str:
    return _key(names[0]) if len(names) == 1 else f"[{', '.join(map(_key, names))}]"


def _key(name: str) -> str:
    is_plain = name not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n", "none")
    return name if is_plain else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _slug(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", PurePath(path).stem.lower()).strip("-")[:60].strip("-") or "ruleset"


def _address_words(addresses: AddressSet) -> Iterator[str]:
    """Prefixes, or the range where it takes several."""
    for family in FAMILIES:
        address = IPv4Address if family == 4 else IPv6Address
        for low, high in addresses.ranges(family):
            one = AddressSet(v4=((low, high),)) if family == 4 else AddressSet(v6=((low, high),))
            prefixes = tuple(one.prefixes())
            yield prefixes[0] if len(prefixes) == 1 else f"{address(low)}-{address(high)}"
