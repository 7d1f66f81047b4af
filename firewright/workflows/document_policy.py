"""A document of ports written as a policy, and proved to mean the document's rows, each rule with the line it is from."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import PurePath

from firewright.diagnostic import Note, Report, Severity, harmless
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, canonical, intersection
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Rule, Verb
from firewright.model.transport import EVERY_SELECTOR, EVERY_SERVICE, Transport, parse_transport, service_ranges, words
from firewright.readers.policy_yaml import load
from firewright.readers.port_documents import Document, DocumentZone, Entry, Requirement, State
from firewright.source import Source

FIREWALL = "network"
"""The name of the firewall in the policy: all that stands between the document's zones."""
Meaning = dict[tuple[Verb, str, str, Family, Ranges], Ranges]
"""Services by verb, source zone, destination zone, family and source ports."""
_STRENGTH = {Verb.DENY: 3, Verb.REJECT: 2, Verb.REQUIRE: 1, Verb.ALLOW: 1}
"""A policy's order of verbs: a stronger one decides whatever stands before it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A policy's text, and for each of its rules in their order the row of the document that it is of."""

    text: str
    rows: tuple[Entry, ...]


def written(document: Document, report: Report) -> Written | None:
    """The policy that means exactly what the document's rows surely mean, or None after saying in the report why there is none.

    Rows that are bounded or refused become comments. A rule table whose order decides cannot be said by rules without an
    order, and is an error with both lines. The text is read back and compared with the rows before it is given: services of
    each pair of zones, in both families. O(rows²) for rule tables that deny, else O(rows log rows).
    """
    pairs = [(one, entry) for entry in document.entries for one in entry.requirements if one.surely]
    default = "drop"
    if document.is_ordered:
        pairs, default = _without_default(pairs)
        unknown = next((entry for entry in document.entries if _may_close(entry)), None)
        if unknown is not None:
            message = f"{harmless(unknown.said, 80)!r} may close something, and is not wholly understood: {harmless(unknown.why, 160)}"
            report.error("order-decides", message, unknown.at, unknown.help or "mend the row, or take it out")
            return None
        if (conflict := _order_decides(pairs, document.zones)) is not None:
            first, second = conflict
            message = (
                f"{harmless(second.said, 80)!r} stands behind {harmless(first.said, 80)!r}, which decides before it"
            )
            way_out = "rules of a policy have no order: narrow one of the two rows"
            report.error("order-decides", message, second.at, way_out, [Note("this row decides first", first.at)])
            return None
    if not pairs:
        report.error("no-rows", f"no row of {harmless(document.path)} is understood well enough to be a rule")
        return None
    text = _text(document, pairs, default)
    return Written(text, tuple(entry for _, entry in pairs)) if _is_proved(document, pairs, text, report) else None


def _text(document: Document, pairs: list[tuple[Requirement, Entry]], default: str) -> str:
    states = " + ".join(f"{document.count(state)} {state.value}" for state in State)
    lines = [
        f"# {harmless(PurePath(document.path).name)} as a policy: {len(document.entries)} rows = {states}",
        f"policy: {_name(document)}",
        f"about: {_quoted(document.title)}",
        "",
    ]
    used = {name for one, _ in pairs for name in (*one.sources, *one.destinations)}
    zones = [zone for name, zone in document.zones.items() if name in used]
    if zones:
        lines += ["zones:", *(f"  {_key(zone.name)}: {_zone_words(zone)}" for zone in zones), ""]
    lines += [*_firewall(document, zones, pairs, default), "", "rules:"]
    for one, entry in pairs:
        lines.append(f"  - {_rule(one)}   # line {entry.at.line}: {harmless(entry.said, 160)}")
    rest = [entry for entry in document.entries if entry.state is not State.UNDERSTOOD]
    if rest:
        lines += ["", "# Rows of which no rule, or only a part of one, is made:"]
        for entry in rest:
            help_ = f"; {entry.help}" if entry.help else ""
            lines.append(f"# line {entry.at.line}: {harmless(entry.said, 160)}")
            lines.append(f"#   {entry.state.value}, {entry.name}: {harmless(entry.why + help_, 300)}")
    return "\n".join(lines) + "\n"


def _name(document: Document) -> str:
    return re.sub(r"[^a-z0-9]+", "-", PurePath(document.path).stem.lower()).strip("-")[:60].strip("-") or "document"


def _quoted(text: str) -> str:
    """A text in YAML's double quotes, which are those of JSON."""
    return json.dumps(harmless(text, 300), ensure_ascii=False)


def _key(name: str) -> str:
    """A zone's name, in quotes where YAML could take it for a number or a truth value."""
    return (
        name
        if re.fullmatch(r"[a-z][a-z0-9-]*", name)
        and name not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
        else _quoted(name)
    )


def _zone_words(zone: DocumentZone) -> str:
    if zone.addresses is None:
        return f"{{fill-in: {_quoted(f'{zone.question} (line {zone.at.line})')}}}"
    return f"[{', '.join(_quoted(text) for text in _address_words(zone.addresses))}]"


def _address_words(addresses: AddressSet) -> Iterator[str]:
    """Prefixes, or ranges where they are fewer."""
    for family in FAMILIES:
        for pair in addresses.ranges(family):
            one = AddressSet((pair,), ()) if family == 4 else AddressSet((), (pair,))
            prefixes = one.prefixes()
            yield prefixes[0] if len(prefixes) == 1 else f"{_first(prefixes[0])}-{_last(one, family)}"


def _first(prefix: str) -> str:
    return prefix.partition("/")[0]


def _last(one: AddressSet, family: Family) -> str:
    end = one.ranges(family)[0][1]
    return str(IPv4Address(end) if family == 4 else IPv6Address(end))


def _firewall(
    document: Document, zones: list[DocumentZone], pairs: list[tuple[Requirement, Entry]], default: str
) -> list[str]:
    """The one firewall that stands between all zones; those that talk to themselves have it within them too."""
    everywhere = ("any-ipv4", "any-ipv6")
    outer = [zone.name for zone in zones if zone.name not in everywhere and not _is_inner(zone, zones)]
    holder = {
        zone.name: next((name for name in outer if _holds(document.zones[name], zone)), zone.name) for zone in zones
    }
    inner = {
        holder.get(source, source)
        for one, _ in pairs
        for source in one.sources
        for destination in one.destinations
        if holder.get(source, source) == holder.get(destination, destination)
    }
    lines = ["firewalls:", f"  {FIREWALL}:", f"    between: [{', '.join(['internet', *map(_key, outer)])}]"]
    if within := [name for name in outer if name in inner]:
        lines.append(f"    within: [{', '.join(map(_key, within))}]")
    if not outer:
        lines[-1] = "    within: [internet]"
    if default != "drop":
        lines.append(f"    default: {default}")
    longest: dict[str, int] = {}
    for timeout in document.timeouts:
        longest[timeout.kind] = max(timeout.seconds, longest.get(timeout.kind, 0))
    if longest:
        said = ", ".join(f"{kind}: {seconds}s" for kind, seconds in longest.items())
        places = ", ".join(str(timeout.at.line) for timeout in document.timeouts)
        lines.append(f"    timeouts: {{{said}}}   # line {places}: {harmless(document.timeouts[0].said, 120)}")
    return lines


def _is_inner(zone: DocumentZone, zones: Iterable[DocumentZone]) -> bool:
    return any(other is not zone and not other.name.startswith("any-ipv") and _holds(other, zone) for other in zones)


def _holds(outer: DocumentZone, inner: DocumentZone) -> bool:
    if outer.addresses is None or inner.addresses is None:
        return outer.name == inner.name
    return inner.addresses <= outer.addresses


def _rule(one: Requirement) -> str:
    services = _service_words(one.surely)
    listed = services[0] if len(services) == 1 else f"[{', '.join(services)}]"
    return f"{{from: {_listed(one.sources)}, to: {_listed(one.destinations)}, {one.verb.value}: {listed}}}"


def _listed(names: tuple[str, ...]) -> str:
    return _key(names[0]) if len(names) == 1 else f"[{', '.join(map(_key, names))}]"


def _service_words(transports: tuple[Transport, ...]) -> list[str]:
    """Transports in the words of a policy, an entry for each protocol that has source ports."""
    said: list[str] = []
    by_source: defaultdict[Ranges, list[tuple[int, int]]] = defaultdict(list)
    for one in transports:
        by_source[one.source_ports] += one.services()
    for source, services in by_source.items():
        spoken = words(canonical(services)).split(", ")
        if source == EVERY_SELECTOR:
            said += spoken
            continue
        for word in spoken:
            protocol, _, ports = word.partition("/")
            said.append(
                f"{{{protocol}: {ports or 'any'}, source-port: [{', '.join(f'{a}-{b}' if a != b else str(a) for a, b in source)}]}}"
            )
    return said


def _without_default(pairs: list[tuple[Requirement, Entry]]) -> tuple[list[tuple[Requirement, Entry]], str]:
    """The rules without a last one that refuses everything, which is what a policy does by itself, and its answer."""
    if not pairs:
        return pairs, "drop"
    last, _ = pairs[-1]
    is_every = all(service_ranges(last.surely, family) == {EVERY_SELECTOR: EVERY_SERVICE} for family in FAMILIES)
    if last.verb in (Verb.DENY, Verb.REJECT) and is_every and "any" in last.sources and "any" in last.destinations:
        return pairs[:-1], "drop" if last.verb is Verb.DENY else "reject"
    return pairs, "drop"


def _may_close(entry: Entry) -> bool:
    """Whether a row may refuse packets, and is not wholly understood: what stands behind it may then not be open."""
    return entry.state is not State.UNDERSTOOD and (entry.verb is None or entry.verb in (Verb.DENY, Verb.REJECT))


def _order_decides(
    pairs: list[tuple[Requirement, Entry]], zones: Mapping[str, DocumentZone]
) -> tuple[Entry, Entry] | None:
    """A row and a later, stronger one that it overlaps: there the first row decides, and a policy would let the second."""
    seen: list[tuple[Requirement, Entry]] = []
    for one, entry in pairs:
        if _STRENGTH[one.verb] > 1:
            for before, first in seen:
                if _STRENGTH[before.verb] < _STRENGTH[one.verb] and _overlap(before, one, zones):
                    return first, entry
        seen.append((one, entry))
    return None


def _overlap(one: Requirement, other: Requirement, zones: Mapping[str, DocumentZone]) -> bool:
    for family in FAMILIES:
        ours, theirs = service_ranges(one.surely, family), service_ranges(other.surely, family)
        if any(intersection(a, b) and intersection(s, t) for s, a in ours.items() for t, b in theirs.items()):
            return _meet(one.sources, other.sources, zones) and _meet(one.destinations, other.destinations, zones)
    return False


def _meet(ours: tuple[str, ...], theirs: tuple[str, ...], zones: Mapping[str, DocumentZone]) -> bool:
    """Whether two lists of zones have an address in common, as far as names and written addresses tell."""
    for a in ours:
        for b in theirs:
            left, right = zones.get(a), zones.get(b)
            if a == b or "any" in (a, b):
                return True
            if left is not None and right is not None and left.addresses is not None and right.addresses is not None:
                if left.addresses & right.addresses:
                    return True
            elif any(name.startswith("any-ipv") for name in (a, b)):
                return True
    return False


def _is_proved(document: Document, pairs: list[tuple[Requirement, Entry]], text: str, report: Report) -> bool:
    """Whether the text, read by the reader of policies, means exactly the rows; otherwise an error says where they part."""
    own = Report()
    policy = load(Source(document.path, text), own, with_exceptions=False)
    errors = [said for said in own.diagnostics if said.severity is Severity.ERROR]
    if policy is None or errors:
        first = errors[0] if errors else None
        message = f"the policy of the document is not one: {first.message if first else 'it cannot be read'}"
        report.error("miswritten", message, help=first.help if first else "")
        return False
    used = {name for one, _ in pairs for name in (*one.sources, *one.destinations)} & {*document.zones}
    for name in sorted(used | {zone.name for zone in policy.named_zones}):
        mine, theirs = document.zones.get(name), policy.zones.get(name)
        stated = None if theirs is None or not theirs.is_filled else theirs.addresses
        if mine is None or theirs is None or mine.addresses != stated:
            report.error("miswritten", f"the zone {name} of the policy is not the document's")
            return False
    wanted, got = _meaning(_stated(pairs)), _meaning(_read(policy))
    if wanted == got:
        return True
    key = next(key for key in {**wanted, **got} if wanted.get(key) != got.get(key))
    verb, source, destination, family, _ = key
    found, said = (words(flows.get(key, ()), family) or "nothing" for flows in (got, wanted))
    message = f"{verb.value} from {source} to {destination} means {found}, and the rows say {said}"
    report.error("miswritten", message)
    return False


def _stated(pairs: list[tuple[Requirement, Entry]]) -> Iterator[tuple[Verb, str, str, tuple[Transport, ...]]]:
    for one, _ in pairs:
        for source in one.sources:
            for destination in one.destinations:
                yield one.verb, source, destination, one.surely


def _read(policy: Policy) -> Iterator[tuple[Verb, str, str, tuple[Transport, ...]]]:
    for rule in policy.rules:
        transports = _transports_of(rule)
        for ends in rule.ends:
            for source in ends.sources:
                for destination in ends.destinations:
                    yield rule.verb, source.name, destination.name, transports


def _transports_of(rule: Rule) -> tuple[Transport, ...]:
    return tuple(one for term in rule.terms for one in (parse_transport("any") if term.is_any else term.transports))


def _meaning(flows: Iterable[tuple[Verb, str, str, tuple[Transport, ...]]]) -> Meaning:
    """Flows as sets: equal sets are equal mappings, however many rules or rows they were said in."""
    grouped: defaultdict[tuple[Verb, str, str], list[Transport]] = defaultdict(list)
    for verb, source, destination, transports in flows:
        grouped[verb, source, destination] += transports
    return {
        (*key, family, source): services
        for key, transports in grouped.items()
        for family in FAMILIES
        for source, services in service_ranges(transports, family).items()
    }
