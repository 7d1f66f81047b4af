"""What a probe saw, and how it agrees with policies: as text, as Markdown and as a tree, services of the same fate merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import harmless
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, intersection, size
from firewright.model.packet import TCP, Family
from firewright.model.service_words import words
from firewright.reports._findings_text import place, several
from firewright.reports._lines import Lines, excerpt, folded
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree
from firewright.source import Source, Span

if TYPE_CHECKING:
    from firewright.analysis.observed import Judgement, Sight, Sightings

MOST_NAMED = 40
"""Open services that are called by what commonly is there."""
MOST_SILENT = 4
"""Addresses of which nothing was found out that are shown one by one where not everything is wanted."""
MOST_RANGES = 12
"""Ranges of ports of one protocol that are all named where not everything is wanted."""
OPEN, UNDETERMINED = "open", "undetermined"
_STYLES = {OPEN: "open", "closed": "closed", "hidden": "faint", UNDETERMINED: "asked"}
"""The states (`analysis.observed.State`) as they are shown, the first first."""
_ORDER = tuple(_STYLES)
CONFIRMED, CONTRADICTED = "confirmed", "contradicted"
_AGREEING = {CONFIRMED: "open", CONTRADICTED: "error", UNDETERMINED: "asked"}
"""The verdicts (`analysis.observed.Agreement`) as they are shown."""
_INDENT, _LABEL = "  ", 14
CONNECTED = "TCP was tried by connections: what this machine's own firewall stops looks hidden too"
NOBODY = "nothing answered: it hides everything, or is not there"


@dataclass(frozen=True, slots=True)
class Probed:
    """What was seen of every address, in the order asked, and how it agrees with the policies named, by each.

    `is_raw` says whether own TCP packets were sent (else connections were opened); `seconds` is how long it took.
    """

    sightings: tuple[Sightings, ...]
    judged: tuple[Judgement, ...] = ()
    policies: tuple[str, ...] = ()
    is_interrupted: bool = False
    is_raw: bool = True
    seconds: float = 0.0
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether something was found out, and where policies are named, something confirms each and nothing contradicts any."""
        if self.is_interrupted:
            return False
        if self.policies:
            return all(agrees(self, name) for name in self.policies)
        return any(one.is_determined for one in self.sightings)


def probe_text(probed: Probed, look: Look) -> str:
    """Each address with its services by their state, then what contradicts a policy, then a line of how much agrees."""
    paint = Paint(look.is_coloured)
    silent = [] if look.is_verbose else [one for one in probed.sightings if not one.is_alive and not one.is_determined]
    silent = silent if len(silent) > MOST_SILENT else []
    rows = [row for one in probed.sightings if one not in silent for row in _address(one, look, paint)]
    if silent:
        rows += _together(silent, look, paint)
    lines = Lines(probed.sources)
    for judgement in probed.judged:
        if judgement.agreement == CONTRADICTED or look.is_verbose:
            rows += _judged(judgement, lines, look, paint)
    rows += [_verdict(probed, name, paint) for name in probed.policies]
    if _is_doubtful(probed):
        rows.append(f"note: {CONNECTED}")
    if probed.is_interrupted:
        rows.append(paint("warning", "interrupted: this is what was known by then"))
    return "\n".join(rows) + "\n"


def _together(silent: list[Sightings], look: Look, paint: Paint) -> Iterator[str]:
    """The addresses of which nothing was found out, as few prefixes."""
    prefixes = AddressSet.of(*(one.address for one in silent)).prefixes()
    yield paint("title", f"{len(silent):,} addresses")
    yield from _row(UNDETERMINED, f"nothing answered, or nothing could be sent: {', '.join(prefixes)}", look, paint)


def _is_doubtful(probed: Probed) -> bool:
    """Whether TCP ports are called hidden that were only tried by connections."""
    hidden = (one.hidden for one in probed.sightings)
    return not probed.is_raw and any(intersection(one, ((TCP << 16, TCP << 16 | 0xFFFF),)) for one in hidden)


def _address(one: Sightings, look: Look, paint: Paint) -> Iterator[str]:
    name = "" if one.name == one.address else f" ({harmless(one.name, 80)})"
    source = f", from {one.source}" if one.source else ""
    yield f"{paint('title', one.address)}{name}{source}"
    if one.why:
        yield from _row(UNDETERMINED, f"everything: {harmless(one.why)}", look, paint)
    for sight in _sorted(one.sights):
        yield from _row(sight.observation.state, _services(sight, one.family, look.is_verbose), look, paint)
    if not one.is_alive and not one.why and one.hidden:
        yield f"{_INDENT}{paint('asked', NOBODY)}"


def _sorted(sights: Iterable[Sight]) -> list[Sight]:
    return sorted(sights, key=lambda one: (_ORDER.index(one.observation.state), one.services))


def _row(state: str, said: str, look: Look, paint: Paint) -> Iterator[str]:
    room = max(30, look.width - len(_INDENT) - _LABEL)
    first, *rest = folded(said, room, room) if look.is_cut else [said]
    yield f"{_INDENT}{paint(_STYLES[state], f'{state:{_LABEL}}')}{first}".rstrip()
    yield from (" " * (len(_INDENT) + _LABEL) + row for row in rest)


def _services(sight: Sight, family: Family, is_whole: bool) -> str:
    """The services of a sight, open ones by what commonly is there, and how they were closed."""
    seen = sight.observation
    if seen.state == OPEN:
        said = ", ".join(_named(sight.services, family))
    else:
        said = service_words(sight.services, family) if is_whole else _short(sight.services, family)
    if how := harmless(seen.words(family), 200):
        said += f": {how}" if seen.state == UNDETERMINED else f" ({how})"
    return said


def _short(services: Ranges, family: Family) -> str:
    """The services in the words of a policy, ports in many ranges only counted."""
    said = []
    for protocol in sorted({number for low, high in services for number in range(low >> 16, (high >> 16) + 1)}):
        mine = intersection(services, ((protocol << 16, protocol << 16 | 0xFFFF),))
        between = words(((mine[0][0], mine[-1][1]),), family)
        said.append(f"{size(mine):,} ports of {between}" if len(mine) > MOST_RANGES else words(mine, family))
    return ", ".join(said)


def service_words(services: Ranges, family: Family) -> str:
    """Services in the words of a policy."""
    return words(services, family)


def _named(services: Ranges, family: Family) -> Iterator[str]:
    from firewright.catalog.services import catalog  # a file of rows, which other reports need not read

    for number, (low, high) in enumerate(services):
        said = words(((low, high),), family)
        rows = catalog().by_port(low >> 16, low & 0xFFFF) if low == high and number < MOST_NAMED else ()
        yield f"{said} {rows[0].name}" if rows else said


def _judged(one: Judgement, lines: Lines, look: Look, paint: Paint) -> Iterator[str]:
    head = paint(_AGREEING[one.agreement], one.agreement.value)
    because = f": {harmless(one.why, 300)}" if one.why else ""
    said = service_words(one.services, one.family) if look.is_verbose else _short(one.services, one.family)
    yield f"{head}: {said} of {one.address}{_how(one)}{because}"
    yield from _line(one, lines, look, paint)


def _how(one: Judgement) -> str:
    said = one.observation.words(one.family)
    if one.observation.state == UNDETERMINED or not said:
        return "" if one.why else f" is {one.observation.state}"
    return f", {one.observation.state} ({harmless(said, 200)})"


def _line(one: Judgement, lines: Lines, look: Look, paint: Paint) -> Iterator[str]:
    """The line of the policy that decides."""
    if not one.at.path:
        return
    text = lines.at(one.at).strip()
    head = f" {paint('place', '-->')} {place(one.at)}"
    shown = excerpt(text, Span("", 1, 1, 0), max(20, look.width - len(str(one.at)) - 8))[0] if text else ""
    yield f"{head}  {paint('faint', shown)}" if shown else f"{head}  {harmless(one.said)}"


def _verdict(probed: Probed, name: str, paint: Paint) -> str:
    style = "error" if not agrees(probed, name) else "open"
    return f"{paint(style, 'agrees' if style == 'open' else 'does not agree')}: {verdict_words(probed, name)}"


def agrees(probed: Probed, name: str) -> bool:
    """Whether something confirms a policy and nothing contradicts it."""
    found = _counted(probed, name)
    return found[CONFIRMED] > 0 and not found[CONTRADICTED]


def verdict_words(probed: Probed, name: str) -> str:
    """How many services confirm and contradict a policy, in one line."""
    found = _counted(probed, name)
    what = several(sum(found.values()), "service")
    return f"{harmless(name)}, {what}: " + ", ".join(f"{count:,} {kind}" for kind, count in found.items())


def probe_markdown(probed: Probed, look: Look) -> str:
    """A heading and a table for each address, then the contradictions of each policy."""
    rows: list[str] = []
    for one in probed.sightings:
        name = "" if one.name == one.address else f" ({plain(one.name)})"
        rows += [f"## Probe of {plain(one.address)}{name}", ""]
        if one.why or not one.is_alive:
            rows += [f"{plain(one.why or NOBODY)}.", ""]
        cells = (
            (
                sight.observation.state.value,
                code(service_words(sight.services, one.family)),
                plain(sight.observation.words(one.family)),
            )
            for sight in _sorted(one.sights)
        )
        rows += [*table(("state", "services", "how"), cells), ""]
    for name in probed.policies:
        rows += [f"## Against {plain(name)}", "", f"{plain(verdict_words(probed, name))}.", ""]
        wrong = [one for one in probed.judged if one.policy == name and one.agreement != CONFIRMED]
        if wrong:
            judged = (
                (
                    one.agreement.value,
                    code(service_words(one.services, one.family)),
                    code(one.address),
                    plain(one.why),
                    code(place(one.at)) if one.at.path else "",
                )
                for one in wrong
            )
            rows += [*table(("agreement", "services", "address", "why", "place"), judged), ""]
    if probed.is_interrupted:
        rows += ["Interrupted: this is what was known by then.", ""]
    return "\n".join(rows).rstrip() + "\n"


def probe_tree(probed: Probed) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "probe",
        "passed": probed.passed,
        "interrupted": probed.is_interrupted,
        "raw": probed.is_raw,
        "addresses": [_sightings_tree(one) for one in probed.sightings],
        "policies": [
            {"policy": name, "agrees": agrees(probed, name), **_counted(probed, name)} for name in probed.policies
        ],
        "judged": [_judgement_tree(one) for one in probed.judged],
    }


def _counted(probed: Probed, name: str) -> dict[str, int]:
    """How many services confirm a policy, contradict it, or do neither."""
    found = dict.fromkeys(_AGREEING, 0)
    for one in probed.judged:
        if one.policy == name:
            found[one.agreement.value] += one.count
    return found


def _sightings_tree(one: Sightings) -> dict[str, Any]:
    return {
        "name": one.name,
        "family": one.family,
        "address": one.address,
        "from": one.source,
        "alive": one.is_alive,
        "why": one.why,
        "seen": [
            {
                "services": service_words(sight.services, one.family),
                "state": sight.observation.state.value,
                "answered": sight.observation.answered.value,
                "icmp": [sight.observation.type, sight.observation.code] if sight.observation.type else None,
                "sender": sight.observation.sender,
                "how": sight.observation.words(one.family),
            }
            for sight in _sorted(one.sights)
        ],
    }


def _judgement_tree(one: Judgement) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "address": one.address,
        "services": service_words(one.services, one.family),
        "state": one.observation.state.value,
        "agreement": one.agreement.value,
        "why": one.why,
        "expected": one.expected,
        "firewall": one.firewall,
        "rule": one.said,
        "at": place_tree(one.at),
    }
