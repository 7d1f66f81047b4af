"""What holds where no flag says otherwise: the environment, the project's file, the user's, the machine's, in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.workflows.settings import Settings, parse_labels, project_file, settings


def found(folder: Path, machine: Path, **environment: str) -> Settings:
    """The settings of a run; nothing may be wrong with them."""
    report = Report()
    result = settings(folder, environment, report, machine)
    assert report.diagnostics == []
    return result


@pytest.fixture
def levels(tmp_path: Path) -> Path:
    """A project in a repository, a user's file and a machine's file, each with a format of its own."""
    (tmp_path / "repository" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "home" / "firewright").mkdir(parents=True)
    (tmp_path / "repository" / "firewright.yaml").write_text("policies: [edge.yaml]\nformat: json\n")
    (tmp_path / "home" / "firewright" / "config.yaml").write_text("format: junit\nstrict: yes\n")
    (tmp_path / "machine.yaml").write_text("format: sarif\nstrict: no\nlabels: {region: [1, 2]}\n")
    return tmp_path


def test_what_is_nearer_goes_before_what_is_further(levels: Path) -> None:
    """Environment before project before user before machine, key by key."""
    here, machine, home = levels / "repository", levels / "machine.yaml", str(levels / "home")
    assert found(here, machine, XDG_CONFIG_HOME=home, FIREWRIGHT_FORMAT="github").format == "github"
    whole = found(here, machine, XDG_CONFIG_HOME=home)
    assert (whole.format, whole.strict, whole.labels) == ("json", True, {"region": ("1", "2")})
    assert found(levels, machine, XDG_CONFIG_HOME=home).format == "junit"
    assert found(levels, machine).format == "sarif"
    assert found(levels, levels / "nosuch.yaml") == Settings()


def test_the_project_is_found_from_below_and_not_beyond_the_repository(levels: Path) -> None:
    """The nearest firewright.yaml at or above the folder counts, as far as `.git`; its policies are relative to itself."""
    deep = levels / "repository" / "deep" / "er"
    assert project_file(deep) == levels / "repository" / "firewright.yaml"
    assert found(deep, levels / "nosuch.yaml").policies == (str(levels / "repository" / "edge.yaml"),)
    assert found(levels / "repository", levels / "nosuch.yaml").policies == ("edge.yaml",)
    (levels / "firewright.yaml").write_text("format: sarif\n")
    (levels / "repository" / "firewright.yaml").unlink()
    assert project_file(deep) is None


def test_the_environment_speaks_as_flags_do(levels: Path) -> None:
    """Policies with colons, strict in words, labels as pairs."""
    nowhere = levels / "nosuch.yaml"
    assert found(levels, nowhere, FIREWRIGHT_POLICY="a.yaml:b").policies == ("a.yaml", "b")
    assert found(levels, nowhere, FIREWRIGHT_STRICT="yes").strict is True
    assert found(levels, nowhere, FIREWRIGHT_LABELS="region=1,region=2,a=b").labels == {
        "region": ("1", "2"),
        "a": ("b",),
    }


@pytest.mark.parametrize(("name", "value"), [("STRICT", "perhaps"), ("LABELS", "region"), ("LABELS", "=1")])
def test_a_wrong_variable_is_said(name: str, value: str, tmp_path: Path) -> None:
    """A variable that means nothing is an error, never ignored."""
    report = Report()
    settings(tmp_path, {f"FIREWRIGHT_{name}": value}, report, tmp_path / "nosuch.yaml")
    assert report.has_errors()


def test_labels_add_up() -> None:
    """The same key again is another value."""
    report = Report()
    assert parse_labels(["a=1", "b = 2", "a=3"], report) == {"a": ("1", "3"), "b": ("2",)}
    assert not report.diagnostics
