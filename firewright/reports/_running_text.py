"""Machines as they run, for people: what is reachable from where, what running rules decide, what a ruleset lets pass."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.reports._anomalies import few
from firewright.reports._findings_text import diagnostic_lines, place, several
from firewright.reports._lines import Lines, columns, cut, folded, pad
from firewright.reports._paint import Paint
from firewright.reports._result import Audit, Exposure, Look, Passage, Reading
from firewright.reports._triage import aside_lines, mark_lines

UNCUT = 10_000
MOST_ROWS = 4
"""Rows of a terminal that a finding's sentence takes where not everything is wanted."""
MOST_FLOWS = 12
"""So many flows of a hook are listed where not everything is wanted; the rest is counted."""
FIRST = ("not-seen", "no-firewall")
"""Findings that stand before everything else."""
STATES = {
    "reachable": "reachable from",
    "possibly": "possibly reachable from",
    "undecided": "not decided",
    "unseen": "listens; whether a firewall hides it was not seen",
    "own": "only from the machine itself",
    "hidden": "hidden by the firewall",
}
_STYLES = {
    "reachable": "closed",
    "possibly": "asked",
    "undecided": "asked",
    "unseen": "asked",
    "own": "open",
    "hidden": "open",
}


def families_words(families: tuple[int, ...]) -> str:
    """`IPv4, IPv6`."""
    return ", ".join(f"IPv{family}" for family in families)


def sources_words(one: Exposure) -> str:
    """Who reaches something, in words: surely, then possibly."""
    said = list(one.sources)
    said += [f"possibly {who}" for who in one.possible]
    return ", ".join(said) or STATES[one.state]


def what_words(one: Exposure) -> str:
    """What something is: the service, what commonly is there, the programs."""
    target = one.address.partition(", goes on ")[2]
    return " ".join(filter(None, (one.service, one.name, ", ".join(one.programs), target)))


def audit_text(audit: Audit, look: Look) -> str:
    """The worst first: whether there is a firewall at all, then what is reachable, then what is not, then the findings."""
    paint = Paint(look.is_coloured)
    said = audit.findings.diagnostics
    first = [one for one in said if one.name in FIRST and one.severity is Severity.ERROR]
    rows = [paint("title", _safe(audit.subject)), _safe(audit.firewall)]
    for one in first:
        rows += _finding(one, audit, look, paint)
    rows += _exposures(audit, look, paint)
    for passage in audit.passages:
        rows += _passage(passage, look, paint)
    shown, left = few((one for one in said if one not in first), look)
    for one in shown:
        rows += _finding(one, audit, look, paint)
    rows += [paint("faint", words) for words in left]
    rows += [*aside_lines(audit, look, paint), *mark_lines(audit, look, paint)]
    return "\n".join(rows) + "\n"


def _finding(one: Diagnostic, audit: Audit, look: Look, paint: Paint) -> Iterator[str]:
    """A finding in two lines, or whole where everything is wanted."""
    if look.is_verbose:
        yield from diagnostic_lines(one, Lines(audit.findings.sources), look, paint)
        return
    head = paint.severity(one.severity, f"{one.severity}[{one.name}]")
    message = cut(_safe(one.message), look.width * MOST_ROWS) if look.is_cut else _safe(one.message)
    yield f"{head}: {paint('bold', message)}"
    if one.help and one.severity is not Severity.NOTE:
        way_out = f"  = help: {_safe(one.help)}"
        rows = folded(way_out, look.width, look.width - 10) if look.is_cut else [way_out]
        yield rows[0]
        yield from (f"          {row}" for row in rows[1:])


def _exposures(audit: Audit, look: Look, paint: Paint) -> Iterator[str]:
    listed = [one for one in audit.exposures if one.state not in ("own", "hidden")]
    widths = [max(map(columns, column)) for column in zip(*map(_cells, listed), strict=True)]
    for one in listed:
        cells = [pad(cell, width) for cell, width in zip(_cells(one), widths, strict=True)]
        style = "error" if one.is_worldwide else _STYLES[one.state]
        by = f"  {paint('faint', _safe('; '.join(one.by)))}" if one.by and (look.is_verbose or not look.is_cut) else ""
        yield f"{paint(style, cells[0])}  {'  '.join(cells[1:])}".rstrip() + by
    for state in ("own", "hidden"):
        found = [one for one in audit.exposures if one.state == state]
        if found:
            names = dict.fromkeys(_with_families(one, audit) for one in found)
            yield f"{paint('open', STATES[state])}: {_safe(', '.join(names))}"
    if audit.is_whole and not audit.exposures and not audit.passages:
        yield "nothing listens"


def _with_families(one: Exposure, audit: Audit) -> str:
    """What something is, with its families where it is otherwise in the other."""
    what = what_words(one)
    is_alike = all(other.state == one.state for other in audit.exposures if what_words(other) == what)
    return what if is_alike else f"{what} ({families_words(one.families)})"


def _cells(one: Exposure) -> tuple[str, ...]:
    what = " ".join(filter(None, (one.service, one.name, ", ".join(one.programs))))
    return _safe(sources_words(one)), families_words(one.families), _safe(what), _safe(one.address)


def _safe(text: str) -> str:
    """A text in one line that no terminal obeys: names of programs and interfaces are anybody's."""
    return harmless(text, UNCUT)


def _passage(passage: Passage, look: Look, paint: Paint) -> Iterator[str]:
    """What passes somewhere, a line for each flow."""
    if passage.undecided:
        yield f"{paint('title', _safe(passage.title))}: {paint('asked', 'not decided')}: {_safe(passage.undecided)}"
        return
    if not passage.lines and not passage.possible:
        yield f"{paint('title', _safe(passage.title))}: {paint('open', 'nothing new')}"
        return
    yield f"{paint('title', _safe(passage.title))}:"
    most = UNCUT if look.is_verbose or not look.is_cut else MOST_FLOWS
    yield from (f"  {_safe(line)}" for line in passage.lines[:most])
    yield from (f"  {paint('asked', 'possibly')} {_safe(line)}" for line in passage.possible[:most])
    left = max(0, len(passage.lines) - most) + max(0, len(passage.possible) - most)
    if left:
        yield paint("faint", f"  and {several(left, 'flow')} more; -v shows all")


def reading_text(reading: Reading, look: Look) -> str:
    """The counts, what passes each hook, then every rule in its words with what was not understood."""
    paint = Paint(look.is_coloured)
    rows = [f"{paint('title', harmless(reading.path))}: {counts(reading)}"]
    for passage in reading.passages:
        rows += _passage(passage, look, paint)
    if reading.translations:
        rows.append(f"{several(len(reading.translations), 'rule')} with NAT, by which later hooks see other addresses:")
        rows += [f"  {_safe(line)}" for line in reading.translations]
    rows += _rules(reading, look, paint)
    lines = Lines(reading.findings.sources)
    blocks = ["\n".join(diagnostic_lines(one, lines, look, paint)) for one in reading.findings.diagnostics]
    return "\n\n".join(("\n".join(rows), *blocks)) + "\n"


def counts(reading: Reading) -> str:
    """`12 rules = 10 understood + 1 bounded + 1 refused`."""
    parts = (f"{reading.count(state):,} {state}" for state in ("understood", "bounded", "refused"))
    return f"{several(len(reading.rules), 'rule')} = {' + '.join(parts)}"


def _rules(reading: Reading, look: Look, paint: Paint) -> Iterator[str]:
    chain = ("", "")
    for one in reading.rules:
        if not reading.has_rules and one.state == "understood":
            continue
        if (one.table, one.chain) != chain:
            chain = (one.table, one.chain)
            yield paint("title", _safe(f"{one.table} {one.chain}"))
        mark = "" if one.state == "understood" else f"  {paint('asked', f'{one.state}: {_safe(one.why)}')}"
        where = f"  {paint('place', place(one.at))}" if one.at.line and look.is_verbose else ""
        text = _safe(one.text)
        yield f"  {one.number or '-':>3}  {cut(text, look.width - 8) if look.is_cut else text}{mark}{where}"
