"""A ruleset written as a policy, proved against it packet by packet: what differs is told in the text, never left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath

from firewright.analysis.classes import TooManyClasses
from firewright.analysis.contrast import Scope, namer_of
from firewright.analysis.passage import passage_words
from firewright.analysis.pieces import Pair, Piece, Sort
from firewright.analysis.proposal import Proposed, Way, may_stop, proposed
from firewright.analysis.subject import Subject, decision_of, of_policy
from firewright.analysis.wire import by_any
from firewright.analysis.wording import Rule, Wording, worded
from firewright.catalog.services import catalog
from firewright.diagnostic import Report, Severity, harmless
from firewright.model.address import UNICAST, AddressSet
from firewright.model.decision import Outcome
from firewright.model.interval import intersection
from firewright.model.packet import FAMILIES
from firewright.model.policy import Verb
from firewright.model.service_words import words
from firewright.readers.policy_yaml import load
from firewright.reports._documents import ProposedPolicy
from firewright.source import Source
from firewright.space.axis import HOST
from firewright.space.budget import Undecided
from firewright.space.encode import encode_enforced
from firewright.space.ruleset import Line
from firewright.workflows.read import LIMITS, ruleset_in
from firewright.workflows.selection import Saying, silent
from firewright.workflows.subject import ruleset_subject

FIREWALL = "network"
"""The name of the firewall in a policy that judges what passes through."""
_EVERY_PORT = ((0, 0xFFFF),)
_OWN = (Outcome.ESSENTIAL, Outcome.LOOPBACK, Outcome.SPOOFED)
"""What a policy decides by itself, whatever its rules say."""
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
_SAID = {
    Sort.OPENS: "lets through what the ruleset stops",
    Sort.CLOSES: "stops what the ruleset lets through",
    Sort.ANSWERS: "refuses with an answer what the ruleset drops",
    Sort.HIDES: "drops what the ruleset refuses with an answer",
}


@dataclass(frozen=True, slots=True)
class Migration:
    """A ruleset as a policy's text, and whether the two decide every new flow alike.

    `is_equal` leaves aside what every policy decides by itself (essentials, loopback addresses, groups) and is told in the text.
    """

    policy: ProposedPolicy
    is_equal: bool


@dataclass(frozen=True, slots=True)
class _Difference:
    sort: Sort
    is_certain: bool
    is_own: bool
    lines: tuple[str, ...]
    example: str
    before: str
    after: str


def migrated(given: Source | str, report: Report, saying: Saying = silent) -> Migration | None:
    """A ruleset of any format as a policy, with every difference that is left, or None after saying in the report why not."""
    ruleset = ruleset_in(given, report, saying)
    if ruleset is None or report.has_errors():
        return None
    if any(said.name in LIMITS for said in report.diagnostics):
        report.error(
            "undecided", "not every rule was followed, so no policy means the ruleset", help="give the ruleset in parts"
        )
        return None
    subject = ruleset_subject(ruleset)
    saying("proposing zones and rules")
    try:
        ways = tuple(way for way in Way if way is not Way.FORWARD or may_stop(subject, way))
        found = proposed(subject, ways)
        wording = worded(found)
        body = "\n".join(_body(subject, wording, ways)) + "\n"
        saying("proving the policy against the ruleset")
        differences = _proved(subject, body, report)
    except Undecided as error:
        report.error(
            "undecided", f"the policy was not decided: {harmless(str(error))}", help="give the ruleset in parts"
        )
        return None
    except TooManyClasses as error:
        report.error("undecided", f"no policy that anybody could read: {error}", help="give the ruleset in parts")
        return None
    if differences is None:
        return None
    is_equal = all(one.is_own for one in differences) and not found.unsaid
    head = "\n".join(_head(subject, found, wording, differences))
    foot = "".join(f"{line}\n" for line in _foot(subject, found, differences))
    text = f"{head}\n{body}\n{foot}" if foot else f"{head}\n{body}"
    return Migration(ProposedPolicy(subject.path, text), is_equal)


def _proved(subject: Subject, body: str, report: Report) -> list[_Difference] | None:
    """How the text, read by the reader of policies, and the ruleset differ; None after an error where it is no policy."""
    own = Report()
    policy = load(Source(subject.path, body), own)
    errors = [said for said in own.diagnostics if said.severity is Severity.ERROR]
    if policy is None or errors:
        said = f"{errors[0].message}" if errors else "it cannot be read"
        report.error("miswritten", f"the policy of the ruleset is not one: {said}")
        return None
    firewall = next(iter(policy.firewalls.values()))
    other = of_policy(policy, encode_enforced(policy, firewall, date.min), has_states=True)
    pair, namer = Pair(subject, other, Scope.NEW), namer_of(subject, other)
    groups: dict[tuple[object, ...], list[Piece]] = {}
    for family in subject.families:
        for within in pair.question(family):
            for piece in pair.pieces(family, within):
                key = piece.sort, piece.is_certain, _is_own(piece), str(piece.before.place), str(piece.after.place)
                groups.setdefault(key, []).append(piece)
    found = []
    for pieces in groups.values():
        first = pieces[0]
        lines = passage_words((by_any(flow) for piece in pieces for flow in piece.flows), namer)
        found.append(
            _Difference(
                first.sort, first.is_certain, _is_own(first), tuple(map(str, lines)), str(first.example),
                str(first.before.place), str(first.after.place),
            )
        )  # fmt: skip
    return found


def _is_own(piece: Piece) -> bool:
    """Whether a policy decides so by itself: essentials, loopback addresses, redirects, what is sent to no machine."""
    decision = decision_of(piece.origins[1])
    if decision is not None and (
        decision.outcome in _OWN or (decision.rule is None and decision.outcome is Outcome.DENIED)
    ):
        return True
    return bool(piece.flows) and all(
        flow.out_interface != HOST and not intersection(flow.destination, UNICAST.ranges(flow.family))
        for flow in piece.flows
    )


def _head(subject: Subject, found: Proposed, wording: Wording, differences: list[_Difference]) -> Iterator[str]:
    families = " and ".join(f"IPv{family}" for family in subject.families)
    name = harmless(PurePath(subject.path).name)
    rest = [one for one in differences if not one.is_own]
    certain = sum(one.is_certain for one in rest)
    if rest or found.unsaid:
        told = f"{certain} certain and {len(rest) - certain} possible differences are left"
        yield f"# {name} as a policy, compared for every packet that begins a flow of {families}: {told}; they stand at the end"
    else:
        yield f"# {name} as a policy: proved to decide every packet that begins a flow of {families} alike"
    for family in FAMILIES:
        if family not in subject.families:
            yield f"# IPv{family}: the text says nothing of it, so no rule opens it"
        elif family in wording.cut:
            yield f"# IPv{family}: the addresses that rules name overlap, so they are cut into the classes that rules treat alike"


def _foot(subject: Subject, found: Proposed, differences: list[_Difference]) -> Iterator[str]:
    """What differs, what no rule says, and what every policy decides by itself."""
    rest = [one for one in differences if not one.is_own]
    own = [one for one in differences if one.is_own]
    for one in sorted(rest, key=lambda one: (not one.is_certain, one.sort)):
        yield from _told(one)
    for line, why in found.unsaid:
        yield f"# no rule: {_place(line)}"
        yield f"#   {why}"
    yield from _leftovers(subject)
    if own:
        yield "# What every policy decides by itself, otherwise than the ruleset:"
        yield from dict.fromkeys(f"#   {_SAID[one.sort]}: {harmless(one.after, 160)}" for one in own)
        yield "#   (no rule speaks of what is sent to loopback, to no address, or through the machine to a group)"


def _told(one: _Difference) -> Iterator[str]:
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


def _body(subject: Subject, wording: Wording, ways: Iterable[Way]) -> Iterator[str]:
    yield f"policy: {_slug(subject.path)}"
    used = {name for rule in wording.rules for name in (*rule.sources, *rule.destinations)}
    zones = {name: zone for name, zone in wording.zones.items() if name in used}
    if zones:
        yield "zones:"
        for name, zone in zones.items():
            yield f"  {_key(name)}: [{', '.join(map(_quoted, _address_words(zone)))}]"
    if Way.FORWARD in ways:
        outer = [_key(name) for name, zone in zones.items() if not _is_inner(name, zone, zones)]
        legs = ", ".join(["internet", *outer])
        yield "firewalls:"
        yield f"  {FIREWALL}:"
        if outer:
            yield f"    between: [{legs}]"
        yield f"    within: [{legs}]"
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
