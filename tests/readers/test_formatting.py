"""What `firewright fmt` writes: nothing is lost, nothing moves from what it stood beside, and twice is as good as once."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firewright
from firewright import document
from firewright.diagnostic import Report
from firewright.document import Node
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.readers.policy_yaml.formatting import format_text, meaning
from firewright.readers.policy_yaml.pieces import comments_of, pieces_of
from firewright.source import Source, read

ROOT = Path(firewright.__file__).parent
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"
CASES = sorted(path for path in (Path(__file__).parent / "formatting").iterdir() if path.is_dir())
CORPUS = sorted(
    path
    for folder in (ROOT / "profiles", Path(__file__).parent / "malformed", EXAMPLES)
    for path in folder.rglob("*.yaml")
    if path.name != "profile.yaml"
)


def formatted(text: str, path: str = "policy.yaml") -> str:
    """A text as it should be written."""
    report = Report()
    found = format_text(Source(path, text), report)
    assert found is not None, report.diagnostics
    return found


def comments(text: str) -> Counter[str]:
    """The comments of a text."""
    return Counter(comment.text for comment in comments_of(text, pieces_of(text)))


def root(text: str) -> Node:
    """The tree of a text."""
    tree = document.parse(Source("policy.yaml", text), Report())
    assert tree is not None
    assert tree.root is not None
    return tree.root


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_written_as_expected(case: Path) -> None:
    """Each untidy policy is written exactly as kept beside it."""
    found = formatted(read(case / "input.yaml").text)
    if os.environ.get("FIREWRIGHT_UPDATE"):
        (case / "expected.yaml").write_text(found, encoding="utf-8")
    assert found == read(case / "expected.yaml").text


def test_formatting_keeps_every_value_and_every_comment() -> None:
    """Law: over the whole corpus, what is formatted says the same, has the same comments, and stays as it is."""
    checked = 0
    for path in CORPUS:
        source = read(path)
        tree = document.parse(source, Report())
        if tree is None or tree.root is None:
            continue
        once = formatted(source.text, path.name)
        assert meaning(root(once)) == meaning(tree.root), path
        assert comments(once) == comments(source.text), path
        assert formatted(once, path.name) == once, path
        checked += 1
    assert checked > 150


def said(policy: Policy) -> object:
    """What a policy says, without where; the order of names is none of it."""
    return policy.zones, policy.services, policy.options, policy.firewalls, policy.rules, policy.labels, policy.metadata


def test_formatting_keeps_what_a_policy_says(tmp_path: Path) -> None:
    """Law: loading a formatted policy gives an equal policy."""
    for path in sorted((ROOT / "profiles").glob("*/*.yaml")):
        if path.name == "profile.yaml" or path.name.endswith(".test.yaml"):
            continue
        before = load(path, Report())
        after = load(Source(str(path), formatted(read(path).text)), Report())
        assert before is not None
        assert after is not None
        assert said(before) == said(after)


def test_the_profiles_are_formatted() -> None:
    """The bundled policies and tests are written as `fmt` writes them."""
    for path in sorted((ROOT / "profiles").glob("*/*.yaml")):
        if path.name != "profile.yaml":
            assert formatted(read(path).text, path.name) == read(path).text, path


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the example policies are not here")
def test_the_examples_are_formatted() -> None:
    """The example policies are written as `fmt` writes them."""
    for path in sorted(EXAMPLES.glob("*.yaml")):
        assert formatted(read(path).text) == read(path).text, path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("rules: [ {from: a,to: b} ]   \n", "rules: [{from: a, to: b}]\n"),
        ("policy:    a # b\nrules: none\n", "policy: a  # b\nrules: none\n"),
        ("zones: {a:    10.0.0.0/8 }\nrules: none\n", "zones: {a: 10.0.0.0/8}\nrules: none\n"),
        ("zones:\n  a:   x\n  bcd: y\nrules: none\n", "zones:\n  a:   x\n  bcd: y\nrules: none\n"),
        ("rules: [{from: a, https, because: 'x'}]\n", "rules: [{from: a, because: 'x', https}]\n"),
    ],
)
def test_spaces_are_the_same_everywhere(written: str, expected: str) -> None:
    """One space behind commas and colons, none within brackets, two before a comment; columns and quotes stay."""
    assert formatted(written) == expected


def test_what_is_not_yaml_is_refused() -> None:
    """A text that cannot be read is not written either; the report says why."""
    report = Report()
    assert format_text(Source("a.yaml", "zones: [::/0]\n"), report) is None
    assert [said.name for said in report.diagnostics] == ["unquoted-ipv6"]


def test_a_text_without_values_is_left() -> None:
    """Comments alone stay, without the spaces at their ends."""
    assert formatted("# one  \n\n# two\n\n\n") == "# one\n\n# two\n"


_WORDS = st.sampled_from(
    ["any", "local", "10.0.0.0/8", '"2001:db8::/32"', "2001:db8::/32", "'it''s'", '"a # b"', "none", "[a, b]", "{fill-in: x}",
     "[]", "[ b,a ]", "{fill-in:   x }",
     "long words " * 14 + "end", "|\n      one\n\n        two", ">-\n      one two\n      three", "[a,   # why\n       b]", ""]
)  # fmt: skip
_COMMENTS = st.sampled_from(["", "", "", " # tail", "\n# left", "\n  # in", "\n\n    # deep", "\n"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Untidy policies in blocks: keys in any order, lists at any indentation, comments anywhere."""
    lines = [draw(st.sampled_from(["", "# top\n", "# top\n\n"]))]
    for key in draw(st.permutations(["rules", "zones", "policy", "owner", "labels", "firewalls"]))[
        : draw(st.integers(1, 6))
    ]:
        gap = " " * draw(st.integers(1, 3))
        if key == "rules":
            pad = " " * draw(st.sampled_from([0, 2, 4]))
            lines.append(f"rules:{draw(_COMMENTS)}\n")
            for _ in range(draw(st.integers(1, 3))):
                if draw(st.booleans()):
                    lines.append(f"{pad}- {{to: any, allow: [b,a],{gap}from: x}}{draw(_COMMENTS)}\n")
                    continue
                lead = f"{pad}- "
                for inner in draw(st.permutations(["from", "to", "allow", "because"])):
                    lines.append(f"{lead}{inner}:{gap}{_indented(draw(_WORDS), len(pad) + 2)}{draw(_COMMENTS)}\n")
                    lead = f"{pad}  "
        elif key in ("policy", "owner"):
            lines.append(f"{key}:{gap}word{draw(_COMMENTS)}\n")
        else:
            lines.append(f"{key}:{draw(_COMMENTS)}\n")
            pad = " " * draw(st.sampled_from([1, 2, 5]))
            for name in "ab"[: draw(st.integers(1, 2))]:
                lines.append(f"{pad}{name}:{gap}{_indented(draw(_WORDS), len(pad))}{draw(_COMMENTS)}\n")
    return "".join(lines)


def _indented(word: str, indent: int) -> str:
    return word.replace("\n      ", "\n" + " " * (indent + 4))


@settings(max_examples=400, deadline=None)
@given(texts())
def test_untidy_policies_are_written_without_loss(text: str) -> None:
    """Law: whatever the order, the indentation and the comments, a text is formatted without loss, or not at all."""
    report = Report()
    tree = document.parse(Source("policy.yaml", text), report)
    if tree is None or tree.root is None:
        return
    once = formatted(text)
    assert meaning(root(once)) == meaning(tree.root)
    assert comments(once) == comments(text)
    assert formatted(once) == once


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_policies_are_formatted_or_refused(data: st.DataObject) -> None:
    """Law: a policy with a piece cut out is either refused or formatted without loss; nothing is thrown."""
    text = read(data.draw(st.sampled_from(CORPUS[:40]))).text[:2000]
    start = data.draw(st.integers(0, len(text)))
    cut = text[:start] + text[start + data.draw(st.integers(0, 12)) :]
    report = Report()
    found = format_text(Source("policy.yaml", cut), report)
    assert (found is None) is report.has_errors()
    tree = document.parse(Source("policy.yaml", cut), Report())
    if found is not None and tree is not None and tree.root is not None:
        assert meaning(root(found)) == meaning(tree.root)
