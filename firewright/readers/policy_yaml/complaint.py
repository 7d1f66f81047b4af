"""What the readers of policies say of errors: collected in a report, bounded, with the nearest right name."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless, nearest
from firewright.document import Scalar
from firewright.source import Span

ERROR_LIMIT = 1000
"""So many errors are said of one policy; then reading stops."""
SUGGESTION_LIMIT = 200
"""For so many misspelt words the nearest right one is looked for: it costs a comparison with each known word."""


class TooManyErrors(Exception):
    """ERROR_LIMIT errors are in the report, and a last one that says so."""


class Complaints:
    """Adds to a report, counts, and remembers which names were defined wrongly, so that their uses are not errors too."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.errors = 0
        self._near: dict[tuple[str, int], str] = {}

    def error(self, name: str, message: str, at: Span, way_out: str = "", notes: Iterable[Note] = ()) -> None:
        """Remember an error. Raises TooManyErrors at ERROR_LIMIT."""
        self.errors += 1
        self.report.error(name, message, at, way_out, notes)
        if self.errors == ERROR_LIMIT:
            self.report.error(
                "too-many-errors", f"{ERROR_LIMIT:,} errors: the rest is not looked at", at, "mend these first"
            )
            raise TooManyErrors

    def warning(self, name: str, message: str, at: Span, way_out: str = "", notes: Iterable[Note] = ()) -> None:
        """Remember a warning."""
        self.report.add(Diagnostic(name, Severity.WARNING, message, at, tuple(notes), help=way_out))

    def did_you_mean(self, word: str, known: Iterable[str], otherwise: str = "") -> str:
        """`did you mean X?` for the nearest of the known words, else the other text."""
        words = tuple(known)
        key = (word, len(words))
        if key not in self._near:
            self._near[key] = nearest(word, words) if len(self._near) < SUGGESTION_LIMIT else ""
        close = self._near[key]
        return f"did you mean {close}?" if close else otherwise


def quoted(scalar: Scalar | str, limit: int = 60) -> str:
    """Somebody's word inside a sentence of ours: harmless, in quotes."""
    return repr(harmless(scalar if isinstance(scalar, str) else scalar.text, limit)).replace("\\\\", "\\")
