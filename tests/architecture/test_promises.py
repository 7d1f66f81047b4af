"""What CONTRIBUTING promises: the directory is the registry, and docs, tests and code name the same things."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from firewright.audits._audit import AUDITS
from firewright.catalog.services import catalog
from firewright.cli._run import FORMATS
from firewright.drawing.pictures import PICTURES
from firewright.drawing.renderers import RENDERERS
from firewright.workflows.init import profile_names
from tests.architecture.code import PACKAGE, ROOT, TESTS, modules, place, tree
from tools.docs.commands import command_names, options_of
from tools.docs.diagnostics import diagnostic_names

REFERENCE = ROOT / "docs" / "reference"


def headings(page: Path, level: int) -> list[str]:
    """The headings of a level of a page."""
    return re.findall(rf"^{'#' * level} (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_audit_has_its_heading_and_its_page_of_cases() -> None:
    """The audits, the headings of their reference and the pages under tests/audits have the same names."""
    names = AUDITS.names()
    assert headings(REFERENCE / "audits.md", 2) == names
    assert sorted(path.stem for path in (TESTS / "audits").glob("*.md")) == names


def test_every_format_and_picture_has_its_heading() -> None:
    """The reference of formats has a heading for each report, each renderer and each picture."""
    expected = [*FORMATS.names(), *(f"{name} pictures" for name in RENDERERS.names()), *PICTURES.names()]
    assert headings(REFERENCE / "formats.md", 3) == expected


def test_every_profile_has_its_heading() -> None:
    """The profiles and the headings of their reference have the same names."""
    assert tuple(headings(REFERENCE / "profiles.md", 2)) == profile_names()


def test_every_theme_of_the_catalog_has_its_heading() -> None:
    """The themes of the catalog and the headings of its reference have the same names, and every service is named there."""
    rows = catalog().rows.values()
    page = REFERENCE / "catalog.md"
    assert headings(page, 2) == sorted({row.theme for row in rows})
    text = page.read_text(encoding="utf-8")
    assert not [row.name for row in rows if f"`{row.name}`" not in text]


@pytest.mark.parametrize("name", command_names())
def test_every_option_is_documented(name: str) -> None:
    """Each command has its heading in the reference, and each option of its help stands there with what it says."""
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    section = text.partition(f"## firewright {name}\n")[2].partition("\n## ")[0]
    assert section
    for option in options_of(name):
        assert option.help, option.name
        assert all(word in section for word in option.opts)
        assert " ".join(option.help.split()) in section


def test_every_command_has_a_file_and_a_heading() -> None:
    """The files of the command line, its commands and the headings of their reference have the same names."""
    files = sorted(path.stem for path in (PACKAGE / "cli").glob("[a-z]*.py") if path.stem != "main")
    assert command_names() == files
    assert headings(REFERENCE / "commands.md", 2) == [f"firewright {name}" for name in files]


def said_in_tests() -> Iterator[str]:
    """The names of the diagnostics that kept outputs of tests show."""
    for folder in (TESTS / "readers" / "malformed", TESTS / "cli" / "golden"):
        for path in folder.rglob("expected*"):
            yield from re.findall(
                r"^(?:error|warning|note)\[([a-z-]+)\]", path.read_text(encoding="utf-8"), re.MULTILINE
            )


def test_every_diagnostic_is_documented() -> None:
    """Each name that the code or a kept output says is in the reference, of diagnostics or of audits."""
    documented = set(
        re.findall(r"^\| `([a-z-]+)`", (REFERENCE / "diagnostics.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    documented |= set(AUDITS.names())
    assert diagnostic_names() <= documented
    assert set(said_in_tests()) <= documented


def test_every_decision_that_code_names_is_written_down() -> None:
    """A file of docs/adr that a comment, a docstring or a page names is there."""
    there = {path.name for path in (ROOT / "docs" / "adr").glob("*.md")}
    named = re.compile(r"\badr/([0-9]{4}-[a-z0-9-]+\.md)|\bADR ([0-9]{4})\b")
    wrong = []
    for path in (*modules(), *modules(TESTS), *(ROOT / "docs").rglob("*.md")):
        for file, number in named.findall(path.read_text(encoding="utf-8")):
            if (file and file not in there) or (number and not any(name.startswith(number) for name in there)):
                wrong.append(f"{place(path)}: {file or number}")
    assert not wrong


def test_a_law_that_a_docstring_names_is_a_test() -> None:
    """Where code outside the tests says `Law: test_…`, a test of that name exists."""
    tests = {
        name
        for path in modules(TESTS)
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = {name for path in modules() for name in re.findall(r"Law: `?(test_\w+)", path.read_text(encoding="utf-8"))}
    assert named <= tests
    assert tree(PACKAGE / "source.py").body


_AUDIT = '''"""Says of every policy that it was looked at, for a test."""

from collections.abc import Iterator

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic
from firewright.model.policy import Policy


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note."""
    yield note("looked-at", f"{policy.name} was looked at", policy.at)
'''


def test_an_audit_is_added_by_a_file_alone(tmp_path: Path) -> None:
    """In a copy of the package a new file in `audits` is run by `check` and has its heading in the docs, with no other edit."""
    copytree(PACKAGE, tmp_path / "firewright", ignore=ignore_patterns("__pycache__"))
    copytree(ROOT / "tools", tmp_path / "tools", ignore=ignore_patterns("__pycache__"))
    (tmp_path / "firewright" / "audits" / "looked_at.py").write_text(_AUDIT, encoding="utf-8")
    (tmp_path / "client.yaml").write_text("rules:\n  - {from: local, to: any, allow: any}\n", encoding="utf-8")
    said = _python(tmp_path, "-m", "firewright.cli.main", "check", "client.yaml")
    assert "note[looked-at]: client was looked at" in said
    assert f"{len(AUDITS.names()) + 1} audits" in said
    assert "## looked-at" in _python(tmp_path, "-c", "from tools.docs.pages import audits_page; print(audits_page())")


_REPORT = '''"""Counts, for a test."""

from firewright.reports import Findings

REPORT = {Findings: lambda findings, look: f"{len(findings.diagnostics)} found"}
'''


def test_a_format_is_added_by_a_file_alone(tmp_path: Path) -> None:
    """In a copy of the package a new file in `reports` is a format that `check` knows, with no other edit."""
    copytree(PACKAGE, tmp_path / "firewright", ignore=ignore_patterns("__pycache__"))
    (tmp_path / "firewright" / "reports" / "count.py").write_text(_REPORT, encoding="utf-8")
    (tmp_path / "client.yaml").write_text("rules:\n  - {from: local, to: any, allow: any}\n", encoding="utf-8")
    assert "0 found" in _python(tmp_path, "-m", "firewright.cli.main", "check", "client.yaml", "--format", "count")


def _python(folder: Path, *words: str) -> str:
    """What Python says on both streams, with the package and the tools that lie in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIREWRIGHT_")}
    environment = {**kept, "PYTHONPATH": str(folder), "COLUMNS": "100", "HOME": str(folder), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, timeout=120, check=True
    )
    return (done.stdout + done.stderr).decode()
