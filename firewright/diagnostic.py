"""What is said to a person: a named, placed, helpful complaint is a value; they are collected, never thrown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from firewright.source import NOWHERE, Source, Span


class Severity(StrEnum):
    """How much a diagnostic matters: errors and warnings are findings (exit 1), notes never fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Note:
    """A further sentence of a diagnostic, with a place of its own where it has one."""

    text: str
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint: a slug, one terse sentence, its place, what else to look at, one packet, one way out.

    `name` is the slug of its page and of its SARIF rule; `witness` is a packet in words, or empty.
    """

    name: str
    severity: Severity
    message: str
    at: Span = NOWHERE
    notes: tuple[Note, ...] = ()
    witness: str = ""
    help: str = ""


@dataclass(slots=True)
class Report:
    """The diagnostics of one run, in the order of their places, with the sources that their lines are shown from."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        """Remember a diagnostic."""
        self.diagnostics.append(diagnostic)

    def error(self, name: str, message: str, at: Span = NOWHERE, help: str = "", notes: Iterable[Note] = ()) -> None:
        """Remember an error."""
        self.add(Diagnostic(name, Severity.ERROR, message, at, tuple(notes), help=help))

    def know(self, source: Source) -> None:
        """Keep a source, so that its lines can be shown."""
        self.sources[source.path] = source

    def sorted(self) -> list[Diagnostic]:
        """The diagnostics by place, then severity; what was said twice, once."""
        rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
        unique = dict.fromkeys(self.diagnostics)
        return sorted(unique, key=lambda d: (d.at.path, d.at.line, d.at.column, rank[d.severity], d.name, d.message))

    def has_errors(self) -> bool:
        """Whether an error is among them."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    def has_findings(self, strict: bool = False) -> bool:
        """Whether something must fail a gate: an error, a warning, or under `strict` a note."""
        return any(strict or d.severity is not Severity.NOTE for d in self.diagnostics)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that a misspelt one most likely meant, or an empty text."""
    lowered = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(word.lower()[:64], lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else ""


def harmless(text: str, limit: int = 400) -> str:
    """The text fit for one line of a terminal or a log: control characters shown as escapes, cut at `limit` characters.

    Covers C0, C1, line separators and the bidirectional overrides (Unicode TR 36).
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return cut if cut.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in cut)


def _escape(character: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\u{ord(character):04x}")
