"""What holds of every report format and every result that it shows; a new format is held to it the moment it exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from firewright.registry import Registry
from firewright.reports import (
    Audit,
    Comparison,
    Compilation,
    Contrasted,
    Findings,
    GenerationText,
    Look,
    Probed,
    Rehearsal,
    Renderers,
)
from firewright.reports import TestRun as Run
from tests.reports.filled import filled
from tests.reports.subjects import NASTY, hostile_findings, results

FORMATS: Registry[Renderers] = Registry("firewright.reports", "REPORT")
SHOWN = {
    "sarif": {Findings, Run, Audit},
    "junit": {Findings, Run, Comparison, Contrasted, Audit, Rehearsal},
    "github": {Findings, Run, Comparison, Contrasted, Audit},
}
"""What the formats of findings must be able to show, and nothing else."""
APART = (Compilation, GenerationText, Probed)
"""Texts that are the result itself, and one made of numbers that only belong together as they do (tests/reports/test_probe.py)."""
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe]")
LOOK = Look()


@cache
def subjects() -> dict[str, object]:
    """Every kind of result, and of those that nobody wrote down a hostile one."""
    found = dict(results())
    for kind in FORMATS.load("json"):
        if kind not in APART and not any(type(one) is kind for one in found.values()):
            found[f"{kind.__name__}-hostile"] = filled(kind, NASTY, hostile_findings())
    return found


def pairs() -> Iterator[tuple[str, str]]:
    """Every format with every result that it claims."""
    for name, renderers in FORMATS.all():
        for key, result in subjects().items():
            if type(result) in renderers:
                yield name, key


@pytest.mark.parametrize("name", FORMATS.names())
def test_a_format_shows_what_it_must(name: str) -> None:
    """The formats of the program show exactly the kinds of results that its documentation says."""
    kinds = set(FORMATS.load(name))
    assert kinds
    assert kinds == SHOWN.get(name, kinds)


def test_people_and_programs_are_shown_everything() -> None:
    """Whatever some format shows, text and JSON show."""
    every = {kind for _, renderers in FORMATS.all() for kind in renderers}
    assert set(FORMATS.load("text")) == set(FORMATS.load("json")) == every


@pytest.mark.parametrize(("name", "key"), list(pairs()))
def test_a_report_is_whole_stable_and_harmless(name: str, key: str) -> None:
    """The same result gives the same text, which can be encoded, ends its last line, and has nothing that a terminal obeys."""
    result = subjects()[key]
    render = FORMATS.load(name)[type(result)]
    text = render(result, LOOK)
    assert text == render(result, LOOK)
    assert text.endswith("\n") or not text
    assert not UNSEEN.search(text), UNSEEN.findall(text)
    assert re.sub("\x1b\\[[0-9;]*m", "", render(result, Look(is_coloured=True))).encode() == text.encode(), (
        "only colours differ"
    )


@pytest.mark.parametrize("key", [key for key in results() if key != "findings-unreadable"])
def test_json_has_a_version_and_every_text(key: str) -> None:
    """JSON can be read back, says its schema's version and its kind, and has no time of day."""
    text = FORMATS.load("json")[type(subjects()[key])](subjects()[key], LOOK)
    tree = json.loads(text)
    assert tree["schema_version"] == "1"
    assert tree["kind"] in (
        "findings",
        "answers",
        "explanation",
        "comparison",
        "tests",
        "audit",
        "live-answers",
        "reading",
    )
    assert not re.search(r"[0-9]{2}:[0-9]{2}:[0-9]{2}[.Z+]", text)


@pytest.mark.parametrize("key", [key for key, one in results().items() if type(one) in FORMATS.load("junit")])
def test_junit_is_well_formed_and_counts_itself(key: str) -> None:
    """The XML can be parsed, and each count is that of the elements under it."""
    text = FORMATS.load("junit")[type(subjects()[key])](subjects()[key], LOOK)
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    for element in (root, *root.iter("testsuite")):
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
        assert int(element.attrib["failures"]) == len(list(element.iter("failure")))
    for case in root.iter("testcase"):
        assert case.attrib["name"] and case.attrib["classname"]


@pytest.mark.parametrize("key", [key for key, one in results().items() if type(one) in FORMATS.load("sarif")])
def test_sarif_is_what_its_schema_asks(key: str) -> None:
    """Version, driver, rules and results are as SARIF 2.1.0 has them: every result names a rule, regions are 1-based, levels known."""
    log = json.loads(FORMATS.load("sarif")[type(subjects()[key])](subjects()[key], LOOK))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "invocations", "results"}
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == sorted({rule["id"] for rule in rules})
    for rule in rules:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule["id"])
        assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
    prints = [result["partialFingerprints"]["line/v1"] for result in run["results"]]
    assert len(prints) == len(set(prints))
    for result in run["results"]:
        assert set(result) <= {
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "relatedLocations",
            "partialFingerprints",
            "suppressions",
        }
        for suppression in result.get("suppressions", ()):
            assert suppression["kind"] in ("inSource", "external")
            assert suppression["justification"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        for location in (*result.get("locations", ()), *result.get("relatedLocations", ())):
            _check_location(location["physicalLocation"])


def _check_location(physical: dict[str, Any]) -> None:
    uri = physical["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri), uri
    assert unquote(uri)
    region = physical.get("region")
    if region is not None:
        assert region["startLine"] >= 1 and region["startColumn"] >= 1 and region["endColumn"] > region["startColumn"]


def test_a_fingerprint_outlives_a_line_above() -> None:
    """A finding keeps its fingerprint when lines are put in above it, and has another when its own line changes."""
    from dataclasses import replace

    from firewright.source import Source, Span

    findings = hostile_findings()
    one = findings.diagnostics[0]

    def fingerprint(line: int, text: str) -> str:
        moved = replace(
            findings,
            diagnostics=(replace(one, at=Span("p.yaml", line, 1)),),
            sources={"p.yaml": Source("p.yaml", text)},
        )
        log = json.loads(FORMATS.load("sarif")[Findings](moved, LOOK))
        printed: str = log["runs"][0]["results"][0]["partialFingerprints"]["line/v1"]
        return printed

    assert fingerprint(1, "rule") == fingerprint(3, "# a\n# b\n  rule\n")
    assert fingerprint(1, "rule") != fingerprint(1, "another")


@pytest.mark.parametrize("key", [key for key, one in results().items() if type(one) in FORMATS.load("github")])
def test_a_workflow_command_is_one_line(key: str) -> None:
    """Each line is one command; nothing in a text begins another, and properties have no stray separators."""
    text = FORMATS.load("github")[type(subjects()[key])](subjects()[key], LOOK)
    for line in text.removesuffix("\n").split("\n") if text else ():
        found = re.fullmatch(
            r"::(error|warning|notice) ((?:[a-zA-Z]+=[^,:\n]*)(?:,[a-zA-Z]+=[^,:\n]*)*)::([^\n]+)", line
        )
        assert found, line
        assert not re.search("%(?!25|0A|0D|3A|2C)", found[0])


@pytest.mark.parametrize("key", [key for key, one in results().items() if type(one) in FORMATS.load("markdown")])
def test_tables_keep_their_columns(key: str) -> None:
    """No text breaks out of its cell: every row of a table has the cells of its head, and no raw HTML but line breaks."""
    text = FORMATS.load("markdown")[type(subjects()[key])](subjects()[key], LOOK)
    width = 0
    for line in text.split("\n"):
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (width and cells) or cells == width, line
        width = cells
        outside = re.sub(r"(`+).*?\1", "", line)
        assert not re.search(r"(?<!\\)<(?!br>)", outside), line


def test_hostile_text_is_in_no_report_as_it_is() -> None:
    """Nothing shows a text of control characters as it came."""
    for name, renderers in FORMATS.all():
        assert NASTY not in renderers[Findings](hostile_findings(), LOOK), name
