"""Write policies as they should be written, whatever their meaning: nothing of it changes, and no comment is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from firewright.diagnostic import Report
from firewright.readers.policy_yaml.assertions import SUFFIX
from firewright.readers.policy_yaml.formatting import format_text
from firewright.source import Source
from firewright.workflows.selection import Wanted, sources_of, text_of


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text as it is and as it should be."""

    source: Source
    text: str

    @property
    def is_changed(self) -> bool:
        """Whether it is not yet as it should be."""
        return self.text != self.source.text

    def diff(self) -> str:
        """What would change, as a unified diff; empty if nothing would."""
        name = self.source.path if self.source.path != "-" else "stdin"
        lines = unified_diff(_lines(self.source.text), _lines(self.text), f"{name} (as it is)", f"{name} (formatted)")
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ no line end at the end of the file\n" for line in lines
        )


def format_files(wanted: Wanted, report: Report) -> tuple[Formatted, ...] | None:
    """The wanted policies and their tests as they should be, or None after saying in the report what is malformed."""
    found = []
    for source in _sources(wanted, report):
        text = format_text(source, report)
        if text is not None:
            found.append(Formatted(source, text))
    if not found and not report.has_errors():
        report.error("no-policy", "no policy to format here", help="name a file; - is standard input")
    return None if report.has_errors() else tuple(found)


def _sources(wanted: Wanted, report: Report) -> Iterator[Source]:
    """The policies that were named or lie there; in folders their tests as well."""
    yield from sources_of(wanted, report)
    for one in wanted.policies or ("",):
        if isinstance(one, str) and (wanted.folder / one).is_dir():
            for path in sorted((wanted.folder / one).glob(f"*{SUFFIX}")):
                source = text_of(wanted.folder, str(Path(one) / path.name), report)
                if source is not None:
                    yield source


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
