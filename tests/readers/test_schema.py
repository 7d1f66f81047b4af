"""The published JSON Schemas: made from the grammar, and as strict as a schema can be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import firewright
from firewright import document
from firewright.diagnostic import Report
from firewright.readers.policy_yaml.grammar import EXCEPTION, FIREWALL, POLICY, RULE, TEST, TESTS, TIMEOUTS, VERBS, WHO
from firewright.readers.policy_yaml.reference import SECTIONS, reference
from firewright.readers.policy_yaml.schema import (
    Schema,
    approvals_schema,
    exception_schema,
    plain,
    policy_schema,
    policy_tests_schema,
    published,
)
from firewright.readers.policy_yaml.shape import Record
from firewright.source import Source, read

ROOT = Path(firewright.__file__).parent
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"
MALFORMED = Path(__file__).parent / "malformed"
FILES = {
    "policy.schema.json": policy_schema(),
    "policy-test.schema.json": policy_tests_schema(),
    "exception.schema.json": exception_schema(),
    "approvals.schema.json": approvals_schema(),
}

BEYOND_A_SCHEMA = {
    "name-twice", "unknown-zone", "unknown-service", "unknown-option", "unknown-rule", "overlapping-zones", "zone-cycle",
    "service-cycle", "uses-cycle", "behind-cycle", "two-behind", "two-timezones", "foreign-file", "unreadable-file",
    "unfit-leg", "no-legs", "unfit-overrides", "empty-rule", "not-a-question", "bad-timezone", "any-and-more", "bad-prefix",
    "bad-port", "too-few", "empty-question", "unfilled-zone", "bad-date", "bad-duration",
}  # fmt: skip
"""What needs names, numbers, other files, or a calendar: schemas have none of them."""


def violations(schema: Schema, text: str) -> list[str]:
    """What a schema says against a text that is YAML."""
    tree = document.parse(Source("x.yaml", text), Report())
    assert tree is not None
    return [
        error.message for error in Draft202012Validator(schema).iter_errors(plain(tree.root) if tree.root else None)
    ]


@pytest.mark.parametrize("name", FILES)
def test_the_published_files_are_the_grammar(name: str) -> None:
    """Each published schema is what the grammar gives, and is a schema itself."""
    path = ROOT / "schema" / name
    if os.environ.get("FIREWRIGHT_UPDATE"):
        path.write_text(published(FILES[name]), encoding="utf-8")
    assert path.read_text("utf-8") == published(FILES[name])
    Draft202012Validator.check_schema(FILES[name])


def test_every_profile_validates() -> None:
    """The bundled policies, and their tests, are what the schemas describe."""
    paths = [path for path in sorted((ROOT / "profiles").glob("*/*.yaml")) if path.name != "profile.yaml"]
    assert len(paths) > 12
    for path in paths:
        schema = policy_tests_schema() if path.name.endswith(".test.yaml") else policy_schema()
        assert violations(schema, read(path).text) == [], path


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the example policies are not here")
def test_every_example_validates() -> None:
    """The example policies are what the schema describes."""
    for path in sorted(EXAMPLES.glob("*.yaml")):
        assert violations(policy_schema(), read(path).text) == [], path


def cases() -> list[Any]:
    """The malformed policies whose only faults are those that a schema can see; one file each, and YAML."""
    found = []
    for case in sorted(path for path in MALFORMED.iterdir() if path.is_dir()):
        lines = (case / "expected.txt").read_text("utf-8").splitlines()
        said = [line.split()[1] for line in lines if line.startswith("error ")]
        is_yaml = not any(name.startswith(("yaml", "unquoted", "control", "dupl", "bad-key")) for name in said)
        if is_yaml and not set(said) & BEYOND_A_SCHEMA and not (case / "b.yaml").exists():
            found.append(pytest.param(case, id=case.name))
    return found


@pytest.mark.parametrize("case", cases())
def test_what_a_schema_can_see_it_refuses(case: Path) -> None:
    """A malformed policy whose fault is in its shape is refused by the schema as well."""
    is_tests = (case / "policy.test.yaml").exists()
    text = read(case / ("policy.test.yaml" if is_tests else "policy.yaml")).text
    assert violations(policy_tests_schema() if is_tests else policy_schema(), text)


def test_enough_cases_are_seen_by_the_schema() -> None:
    """The list of what a schema cannot see leaves at least forty malformed policies that it must refuse."""
    assert len(cases()) >= 40


def test_every_key_has_a_sentence_and_an_example_that_fits() -> None:
    """Each key says what it is in one sentence, and its example validates in its place."""
    schema = policy_schema()
    for record in (POLICY, EXCEPTION, RULE, FIREWALL, TESTS, TEST):
        for key in record.keys:
            assert key.says.endswith(".")
            assert key.says[0].isupper()
            assert violations(_of(record, key.name), key.example) == [], key.name
    assert schema["required"] == ["rules"]


def _of(record: Record, name: str) -> Schema:
    if record is RULE:
        schema = policy_schema()["properties"]["rules"]["anyOf"][0]["items"]
    elif record is TEST:
        schema = policy_tests_schema()["properties"]["tests"]["items"]
    elif record is FIREWALL:
        schema = policy_schema()["properties"]["firewalls"]["additionalProperties"]
    elif record is EXCEPTION:
        schema = exception_schema()
    else:
        schema = policy_schema() if record is POLICY else policy_tests_schema()
    found: Schema = schema["properties"][name]
    return found


@pytest.mark.parametrize(
    ("change", "is_right"),
    [
        (("", ""), True),
        (("until: 2027-03-31", "until: 2027-03-31T18:30:05"), True),
        (("until: 2027-03-31", "until: 2027-03-31T18"), False),
        ((", until: 2027-03-31", ""), False),
        (("because: x, ", ""), False),
        (("allow", "deny"), False),
        (("allow: ssh", "otherwise: drop"), False),
        (("policy: edge", "about: edge"), False),
        (("rules:", "zones: {a: 10.0.0.0/8}\nrules:"), False),
    ],
)
def test_the_schema_of_an_exception_is_as_strict_as_the_reader(change: tuple[str, str], is_right: bool) -> None:
    """It permits for a time and for a reason, names its policy, and defines nothing."""
    text = "policy: edge\nowner: me\nrules:\n  - {from: any, to: local, allow: ssh, because: x, until: 2027-03-31}\n"
    assert change[0] in text
    assert (violations(exception_schema(), text.replace(*change, 1)) == []) == is_right


def test_the_reference_names_every_key() -> None:
    """The reference of the language has a heading a record and a row a key, with its sentence and its example."""
    text = reference()
    for title, record in SECTIONS:
        part = text.split(f"## {title}\n")[1].split("\n## ")[0]
        rows = [line for line in part.splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == [key.name for key in record.keys]
        assert all(key.says in row for key, row in zip(record.keys, rows, strict=True))


def test_synonyms_lead_to_keys() -> None:
    """A word that people may type for a key is no key itself, and leads to one."""
    for record in (POLICY, EXCEPTION, RULE, FIREWALL, TESTS, TEST):
        for word, key in record.synonyms:
            assert word not in record.by_name, word
            assert key in record.by_name, key


def test_the_grammar_has_the_verbs_of_the_model() -> None:
    """Each verb is a key of a rule, and so is each way to say who; timeouts have no name twice."""
    assert set(VERBS) | set(WHO) <= set(RULE.by_name)
    assert len(set(TIMEOUTS)) == len(TIMEOUTS)
