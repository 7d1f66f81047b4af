"""Compliance marks: which findings of an audit count against which requirement of a standard, as `audits/data/marks.tsv` says."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import firewright.audits
from firewright.catalog.table import Table
from firewright.reports import Audit, Mark

_DATA = Path(firewright.audits.__file__).with_name("data") / "marks.tsv"


@lru_cache(maxsize=1)
def requirements() -> tuple[Mark, ...]:
    """Every requirement that findings can count against, in the order of the table."""
    rows = Table.read(_DATA).rows()
    return tuple(Mark(standard, number, title, tuple(names.split()), ()) for standard, number, title, names, _ in rows)


def marked(audit: Audit) -> Audit:
    """The audit with what was found against each requirement, also what is set aside.

    `looks_for` keeps the kinds that this audit looked for: where none is left, nothing was judged.
    """
    looked = {*audit.findings.pages, *(one.name for one in audit.findings.diagnostics)}
    found = [(one.name, one.message) for one in audit.findings.diagnostics]
    found += [(one.finding.name, f"{one.finding.message} ({one.how})") for one in audit.set_aside]
    marks = tuple(
        replace(
            one,
            looks_for=tuple(name for name in one.looks_for if name in looked),
            against=tuple(message for name, message in found if name in one.looks_for),
        )
        for one in requirements()
    )
    return replace(audit, marks=marks)
