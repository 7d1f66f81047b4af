"""Colours of a terminal (ECMA-48 SGR), or none."""

from __future__ import annotations

from firewright.diagnostic import Severity

STYLES = {
    "bold": "1", "faint": "2", "error": "1;31", "warning": "1;33", "note": "1;36", "place": "36", "open": "32",
    "closed": "31", "asked": "33", "help": "1;32", "title": "1",
}  # fmt: skip


class Paint:
    """Puts text into the styles above where colours are wanted, and leaves it as it is where not."""

    def __init__(self, is_coloured: bool) -> None:
        self.is_coloured = is_coloured

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.is_coloured and text else text

    def severity(self, severity: Severity, text: str) -> str:
        """The text in the colour of a severity."""
        return self(severity.value, text)


def outcome_style(is_open: bool, outcome: str) -> str:
    """The style of what becomes of packets."""
    return "open" if is_open else "asked" if outcome == "on request" else "closed"
