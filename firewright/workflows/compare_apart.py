"""Compare two texts that strangers sent, in a process with limits; nothing of them is kept, and no other file is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.live.limited import Limits, Overrun, call
from firewright.reports import Look
from firewright.source import Source, Span
from firewright.workflows.contrast import compare_subjects
from firewright.workflows.selection import Wanted

SECONDS = 20
"""The time that reading and comparing two uploads may take."""
LIMITS = Limits(SECONDS)
MOST_DIAGNOSTICS = 50
_INCLUDE = re.compile(r"""\binclude(?:\s|\\)*["']""")
"""What makes nft read another file: of an upload it would be one of the server's."""
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_HERE = "firewright.workflows.compare_apart:answer"
_WAY_OUT = "compare parts of them, or compare on a machine of yours: firewright compare A B"


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of it: the comparison as a tree (as `compare --format json` writes it), in Markdown, and all complaints.

    `tree` is None where there is no comparison; then a complaint says why.
    """

    tree: Mapping[str, Any] | None
    markdown: str
    diagnostics: tuple[Diagnostic, ...]


def compare_apart(before: Source, after: Source, now: datetime, limits: Limits = LIMITS) -> Compared:
    """Every difference between two texts: policies, rulesets of nftables or iptables, tables of ports.

    What their names say decides nothing but how they are called and which kind they are.
    """
    told = {"before": [before.path, before.text], "after": [after.path, after.text], "now": now.isoformat()}
    try:
        return _read(call(_HERE, told, limits))
    except Overrun as error:
        said = Diagnostic(error.name, Severity.ERROR, f"the comparison was given up: {error}", help=_WAY_OUT)
        return Compared(None, "", (said,))


def _read(answer: Any) -> Compared:
    said = tuple(
        Diagnostic(str(name), Severity(severity), harmless(str(message), 2000), Span(str(path), int(line), int(column)),
                   help=harmless(str(help_), 2000))
        for name, severity, message, path, line, column, help_ in answer["diagnostics"]
    )  # fmt: skip
    return Compared(answer["tree"], str(answer["markdown"]), said)


# --- in the child -----------------------------------------------------------------------------------------------------


def answer(told: Any) -> dict[str, Any]:
    """What the child answers: the tree, the Markdown, the complaints."""
    from firewright.reports._contrast import contrast_markdown, contrast_tree

    report = Report()
    before, after = (_source(told[side], side) for side in ("before", "after"))
    for source in (before, after):
        include = _INCLUDE.search(source.text)
        if include is not None:
            at = Span(source.path, source.text.count("\n", 0, include.start()) + 1, 1)
            report.error("foreign-file", "it includes another file, and of an upload no other file is read", at,
                         "put what it includes into it")  # fmt: skip
    found = None
    if not report.has_errors():
        wanted = Wanted(Path(), datetime.fromisoformat(told["now"]))
        found = compare_subjects(before, after, wanted, report)
    kept = report.sorted()[:MOST_DIAGNOSTICS]
    return {
        "tree": None if found is None else contrast_tree(found),
        "markdown": "" if found is None else contrast_markdown(found, Look()),
        "diagnostics": [(one.name, one.severity, one.message, one.at.path, one.at.line, one.at.column, one.help) for one in kept],
    }  # fmt: skip


def _source(pair: tuple[str, str], side: str) -> Source:
    """A text under a name that is no path: the last part of the one it came with."""
    name = _NAME.sub("-", PurePosixPath(pair[0].replace("\\", "/")).name).lstrip(".-")[:100]
    is_said = PurePosixPath(name).stem == side
    return Source(name if is_said else f"{side}-{name}" if name else side, pair[1])
