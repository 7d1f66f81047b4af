"""A project's settings as people meet them: a flag goes before the environment, that before the project's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import profile, run


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository whose project file names the policies of a folder; work happens below its root."""
    profile("provider-perimeter", tmp_path / "policies")
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    (tmp_path / "firewright.yaml").write_text(
        "policies: [policies]\nstrict: yes\nformat: json\nlabels: {connectivity: internet}\n"
    )
    monkeypatch.chdir(tmp_path / "deep")


def test_the_project_says_what_is_asked(tmp_path: Path) -> None:
    """From a folder below, the project's policies are checked with its labels, format and strictness."""
    done = run("check")
    tree = json.loads(done.stdout)
    assert done.exit_code == 1
    assert tree["strict"] is True
    assert [one["name"] for one in tree["policies"]] == ["internet-ports-regions-1-2", "internet-ports-regions-5-6"]


def checked(*words: str, **environment: str) -> list[str]:
    """The names of the policies that `check` looked at."""
    return [one["name"] for one in json.loads(run("check", *words, environment=environment).stdout)["policies"]]


def test_the_environment_goes_before_the_project_and_a_flag_before_both(tmp_path: Path) -> None:
    """Each of policies, labels, strictness and format can be overruled from nearer by."""
    listed, fifth = "internet-ports-regions-1-2", "internet-ports-regions-5-6"
    policies = {
        name: str(tmp_path / "policies" / name) for name in ("provider-perimeter.yaml", "provider-regions-5-6.yaml")
    }
    environment = {"FIREWRIGHT_POLICY": policies["provider-regions-5-6.yaml"]}
    assert checked(**environment) == [fifth]
    assert checked("-p", policies["provider-perimeter.yaml"], **environment) == [listed]
    assert checked(FIREWRIGHT_LABELS="region=1") == [listed]
    assert checked("--label", "region=5", FIREWRIGHT_LABELS="region=1") == [fifth]
    assert run("check").exit_code == 1
    assert run("check", environment={"FIREWRIGHT_STRICT": "no"}).exit_code == 0
    assert run("check", "--strict", environment={"FIREWRIGHT_STRICT": "no"}).exit_code == 1
    assert run("check", environment={"FIREWRIGHT_FORMAT": "markdown"}).stdout.startswith("## Policy check: failed")
    assert run("check", "--format", "github", environment={"FIREWRIGHT_FORMAT": "markdown"}).stdout.startswith(
        "::notice"
    )


def test_a_format_of_the_project_gives_way_where_it_cannot_show_a_result(tmp_path: Path) -> None:
    """A project that wants SARIF still gets its questions answered, in text; a flag that cannot be done is an error."""
    (tmp_path / "firewright.yaml").write_text("policies: [policies]\nformat: sarif\n")
    done = run("ask", "internet -> tenant-a tcp/3389")
    assert done.exit_code == 0
    assert done.stdout.startswith("perimeter  allows")
    refused = run("ask", "internet -> tenant-a tcp/3389", "--format", "sarif")
    assert refused.exit_code == 2
    assert "these can: json, markdown, text" in refused.stderr
    assert run("check", environment={"FIREWRIGHT_FORMAT": "nosuch"}).exit_code == 2


def test_the_tests_of_a_project_are_those_beside_its_policies(tmp_path: Path) -> None:
    """`test` runs what lies beside the project's policies; a policy without tests is no error unless it is named."""
    (tmp_path / "policies" / "bare.yaml").write_text("rules: none\n")
    (tmp_path / "firewright.yaml").write_text("policies: [policies/bare.yaml, policies/tenant-edge.yaml]\n")
    assert "5 assertions in 1 file" in run("test").stdout
    assert run("test", "../policies/bare.yaml").exit_code == 2
    (tmp_path / "firewright.yaml").write_text("policies: [policies/bare.yaml]\n")
    assert run("test").exit_code == 2, "nothing to test never passes"


def test_a_code_host_gets_paths_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the run was, SARIF and workflow commands name files from the repository's root, by which the host knows them."""
    for folder in ("deep", "policies", "."):
        monkeypatch.chdir(tmp_path / folder)
        tree = json.loads(run("check", "--format", "sarif").stdout)
        results = tree["runs"][0]["results"]
        uris = {one["physicalLocation"]["artifactLocation"]["uri"] for result in results for one in result["locations"]}
        assert uris
        assert all(uri.startswith("policies/") for uri in uris)
        assert run("check", "--format", "github").stdout.startswith("::notice file=policies/")
