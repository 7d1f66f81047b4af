"""Malformed policies, a folder each: the exact messages that a person gets, all of them in one run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.readers.policy_yaml import assertions as policy_tests
from firewright.readers.policy_yaml import load

CASES = sorted(path for path in (Path(__file__).parent / "malformed").iterdir() if path.is_dir())


def rendered(report: Report, folder: Path) -> str:
    """A line a diagnostic: severity, name, place, message; its help and its notes below it."""
    lines = []
    for said in report.sorted():
        lines.append(f"{said.severity} {said.name} {said.at}: {said.message}")
        lines.extend([f"  help: {said.help}"] if said.help else [])
        lines.extend(f"  note {note.at}: {note.text}" for note in said.notes)
    return "\n".join(lines).replace(f"{folder}/", "").replace(str(folder), ".") + "\n"


def read(case: Path, folder: Path) -> tuple[bool, Report]:
    """Whether the policy of a case (or its tests) could be read, from a copy that is a repository of its own."""
    (folder / ".git").mkdir()
    for path in case.glob("*.yaml"):
        shutil.copy(path, folder / path.name)
    report = Report()
    if (folder / "policy.test.yaml").exists():
        return policy_tests.load(folder / "policy.test.yaml", report) is not None, report
    return load(folder / "policy.yaml", report) is not None, report


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_malformed_policy_gets_its_messages(case: Path, tmp_path: Path) -> None:
    """A malformed policy is not loaded, and the messages are exactly those kept beside it."""
    is_read, report = read(case, tmp_path)
    found = rendered(report, tmp_path)
    expected = case / "expected.txt"
    if os.environ.get("FIREWRIGHT_UPDATE"):
        expected.write_text(found, encoding="utf-8")
    assert not is_read
    assert report.has_errors()
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_error_has_a_place_in_its_file(case: Path, tmp_path: Path) -> None:
    """Each error points at a line that the file has, at a column on it, and says a way out unless YAML gave none."""
    _, report = read(case, tmp_path)
    for said in report.sorted():
        lines = report.sources[said.at.path].text.split("\n")
        assert 1 <= said.at.line <= len(lines)
        assert 1 <= said.at.column <= len(lines[said.at.line - 1]) + 1
        assert said.message.isprintable()
        assert not said.message.endswith(".")
        assert said.help
        assert said.help.isprintable()


def test_there_are_at_least_ninety() -> None:
    """The corpus does not shrink: ninety malformed policies or more, each different."""
    texts = {tuple(sorted((path.name, path.read_text("utf-8")) for path in case.glob("*.yaml"))) for case in CASES}
    assert len(texts) == len(CASES) >= 90
