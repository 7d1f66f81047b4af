"""Findings as a person reads them: the sentence, the place, the line with carets, what else to look at, a packet, a way out."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.reports._lines import Lines, excerpt
from firewright.reports._paint import Paint
from firewright.reports._result import Findings, Look
from firewright.source import Span

_MESSAGE_LIMIT = 2000
_CAUSES = {
    Severity.ERROR: ("error", "errors"),
    Severity.WARNING: ("warning", "warnings"),
    Severity.NOTE: ("note", "notes"),
}


def findings_text(findings: Findings, look: Look) -> str:
    """Every finding, an empty line between two; then, where much is wanted, what was looked for in vain."""
    lines = Lines(findings.sources)
    paint = Paint(look.is_coloured)
    blocks = ["\n".join(diagnostic_lines(one, lines, look, paint)) + "\n" for one in findings.diagnostics]
    if look.is_verbose:
        blocks += _in_vain(findings, paint)
    return "\n".join(blocks)


def _in_vain(findings: Findings, paint: Paint) -> Iterator[str]:
    """The audits that found nothing, with what each of them looks for."""
    said = {one.name for one in findings.diagnostics}
    quiet = [name for name in findings.audits if name not in said]
    if quiet:
        rows = [
            f"  {name}: {' '.join(findings.pages.get(name, '').split()).partition('. ')[0].rstrip('.')}"
            for name in quiet
        ]
        yield "\n".join([paint("open", "looked for in vain, over every packet"), *rows]) + "\n"


def diagnostic_lines(one: Diagnostic, lines: Lines, look: Look, paint: Paint) -> Iterator[str]:
    """One finding, line by line."""
    head = paint.severity(one.severity, f"{one.severity}[{one.name}]")
    yield f"{head}: {paint('bold', harmless(one.message, _MESSAGE_LIMIT))}"
    gutter = " " * len(str(one.at.line)) if one.at.line else " "
    if one.at.path:
        yield f" {paint('place', '-->')} {place(one.at)}"
        yield from _marked(one.at, lines, look, paint, gutter, one.severity.value)
    for note in one.notes:
        yield f"{paint('note', 'note')}: {harmless(note.text, _MESSAGE_LIMIT)}"
        if note.at.path:
            text = lines.at(note.at).strip()
            shown = excerpt(text, Span("", 1, 1, 0), max(20, look.width - len(str(note.at)) - 8))[0] if text else ""
            yield f" {paint('place', '-->')} {place(note.at)}" + (f"  {paint('faint', shown)}" if shown else "")
    if one.witness:
        yield f"{gutter} = {paint('bold', 'example')}: {harmless(one.witness, _MESSAGE_LIMIT)}"
    if one.help:
        label = f"{gutter} = help: "
        room = max(30, look.width - len(label))
        words = harmless(one.help, _MESSAGE_LIMIT)
        rows = wrap(words, room, break_long_words=False, break_on_hyphens=False) if look.is_cut else [words]
        yield f"{gutter} = {paint('help', 'help')}: {rows[0]}"
        yield from (" " * len(label) + row for row in rows[1:])


def place(at: Span) -> str:
    """A place as editors open it: file:line:column, or the file alone where it is about the whole file."""
    path = "standard input" if at.path == "-" else harmless(at.path)
    return f"{path}:{at.line}:{at.column}" if at.line else path


def _marked(at: Span, lines: Lines, look: Look, paint: Paint, gutter: str, style: str) -> Iterator[str]:
    line = lines.at(at)
    if not line.strip():
        return
    text, carets = excerpt(line, at, look.width - len(gutter) - 3)
    bar = paint("place", "|")
    yield f"{gutter} {bar}"
    yield f"{paint('place', str(at.line))} {bar} {text}"
    yield f"{gutter} {bar} {paint(style, carets) if carets else ''}".rstrip()


def count_words(findings: Findings) -> str:
    """`1 error, 2 warnings`, or `no findings`."""
    parts = []
    for severity, (one, many) in _CAUSES.items():
        number = findings.count(severity)
        if number:
            parts.append(f"{number:,} {one if number == 1 else many}")
    return ", ".join(parts) or "no findings"


def several(number: int, one: str, many: str = "") -> str:
    """`1 rule`, `3 rules`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def summary_line(findings: Findings, look: Look) -> str:
    """What was looked at, what was proved and what was found, in one line."""
    paint = Paint(look.is_coloured)
    if not findings.is_readable:
        return f"{paint('error', 'not checked')}: {count_words(findings)} to mend first; nothing was proved"
    looked = ", ".join(
        (
            several(len(findings.subjects), "policy", "policies"),
            several(sum(one.rules for one in findings.subjects), "rule"),
            several(sum(one.firewalls for one in findings.subjects), "firewall"),
        )
    )
    audits = f"{several(len(findings.audits), 'audit')} over every packet, IPv4 and IPv6" if findings.audits else ""
    is_only_strict = findings.fails and findings.count(Severity.NOTE) == len(findings.diagnostics)
    failed = "failed (--strict)" if is_only_strict else "failed"
    head = paint("error", failed) if findings.fails else paint("open", "passed")
    return f"{head}: " + "; ".join(part for part in (looked, audits, count_words(findings)) if part)
