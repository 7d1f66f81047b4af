"""Each audit on small policies: `SLUG.md` beside this file holds prose, policies, and what the audit says of each.

A block ```yaml is a policy; a second file of the same policy begins with `# file: NAME`. The block ```diagnostics behind it holds what
is said. `FIREWRIGHT_UPDATE=1 pytest tests/audits` rewrites those blocks; a review reads the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Diagnostic, Report, Severity
from firewright.readers.policy_yaml import load
from firewright.space.encode import Unfilled

HERE = Path(__file__).parent
DAY = date(2026, 11, 21)
_BLOCK = re.compile(r"^```(yaml|diagnostics)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    """The files of one policy, the first the one that is audited, and what is expected."""

    files: tuple[tuple[str, str], ...]
    expected: str
    start: int
    end: int


def cases(text: str) -> Iterator[Case]:
    """The cases of a page."""
    files: list[tuple[str, str]] = []
    for block in _BLOCK.finditer(text):
        if block[1] == "yaml":
            named = re.match(r"# file: (\S+)\n", block[2])
            files.append((named[1] if named else "policy.yaml", block[2]))
        else:
            yield Case(tuple(files), block[2], block.start(2), block.end(2))
            files = []


def said(slug: str, case: Case, folder: Path) -> str:
    """What an audit says of a case, a line each, without the path."""
    for name, text in case.files:
        (folder / name).write_text(text)
    report = Report()
    policy = load(folder / case.files[0][0], report)
    assert policy is not None, [str(d) for d in report.diagnostics]
    try:
        found = list(AUDITS.load(slug)(policy, Context(DAY)))
    except Unfilled as error:
        return f"{error}\n"
    assert all(one.name == slug for one in found)
    return "".join(_lines(one, folder) for one in found)


def _lines(one: Diagnostic, folder: Path) -> str:
    def place(at: object) -> str:
        return str(at).replace(f"{folder}/", "")

    lines = [f"{one.severity} {place(one.at)} {one.message}"]
    lines += [f"  note: {note.text}" + (f" ({place(note.at)})" if note.at.line else "") for note in one.notes]
    lines += [f"  witness: {one.witness}"] if one.witness else []
    lines += [f"  help: {place(one.help)}"] if one.help else []
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("slug", AUDITS.names())
def test_an_audit_says_what_its_page_says(slug: str, tmp_path: Path) -> None:
    """Every audit has a page with a case that it complains of and one that it lets pass, and says exactly what stands there."""
    page = HERE / f"{slug}.md"
    text = page.read_text()
    found = list(cases(text))
    results = []
    for number, case in enumerate(found):
        folder = tmp_path / str(number)
        folder.mkdir()
        results.append(said(slug, case, folder))
    if os.environ.get("FIREWRIGHT_UPDATE"):
        for case, result in reversed(list(zip(found, results, strict=True))):
            text = text[: case.start] + result + text[case.end :]
        page.write_text(text)
    assert [case.expected for case in cases(page.read_text())] == results
    assert any(results) and not all(results), "a page needs a case that is found and one that is not"


@pytest.mark.parametrize("slug", AUDITS.names())
def test_an_audit_explains_itself(slug: str) -> None:
    """The docstring of an audit's module is its page: a sentence, and a reason."""
    import importlib

    module = importlib.import_module(f"firewright.audits.{slug.replace('-', '_')}")
    assert module.__doc__ and len(module.__doc__.strip().splitlines()) >= 1
    assert module.__doc__.strip()[0].isupper()


def test_advice_fails_nothing() -> None:
    """Law: advice is a note, whatever it is about."""
    text = "rules: [{from: internet, to: local, allow: any}]\n"
    from firewright.source import Source

    policy = load(Source("policy.yaml", text), Report())
    assert policy is not None
    found = list(AUDITS.load("advice")(policy, Context(DAY)))
    assert found and {one.severity for one in found} == {Severity.NOTE}
