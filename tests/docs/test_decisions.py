"""The table of the language's decisions: all are there, and what is said to hold them exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "decisions.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = {
    int(number): (says, held)
    for number, says, held in re.findall(r"^\| (\d+) \| (.+?) \| (.+) \|$", TEXT, re.MULTILINE)
}
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_PAGE = re.compile(r"\]\((adr/[\w.-]+\.md)\)")


@cache
def laws_in(name: str) -> frozenset[str]:
    """The tests of a file."""
    path = ROOT / name
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ()
    return frozenset(node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_all_forty_are_there() -> None:
    """Every decision from 1 to 40 has one row, in order."""
    assert list(ROWS) == list(range(1, 41))


@pytest.mark.parametrize("number", ROWS)
def test_a_decision_is_held_by_what_is_there(number: int) -> None:
    """A decision names at least one test or page, and each of them exists."""
    says, held = ROWS[number]
    named, pages = _TEST.findall(held), _PAGE.findall(held)
    assert says.endswith(".")
    assert named or pages
    assert not [f"{file}::{test}" for file, test in named if test not in laws_in(file)]
    assert not [page for page in pages if not (PAGE.parent / page).is_file()]


def test_every_test_that_the_page_names_exists() -> None:
    """Tests that are named outside the tables exist, too."""
    assert not [f"{file}::{test}" for file, test in _TEST.findall(TEXT) if test not in laws_in(file)]


def test_every_test_of_a_decision_is_in_the_table() -> None:
    """A test that bears a decision's number is named in that decision's row."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name in laws_in(path.relative_to(ROOT).as_posix()):
            if found := re.match(r"test_decision_(\d+)_", name):
                assert f"::{name}`" in ROWS[int(found[1])][1], name


def test_a_decision_of_the_program_is_a_page_of_four_parts() -> None:
    """Each page of docs/adr has its number, the four parts in their order, at most 60 lines, and a row in the index."""
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]}. ")
        parts = ["Context", "Decision", "Consequence", "What would change our mind"]
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts, path.name
        assert text.count("\n") <= 60, path.name
        title = text.split("\n")[0].partition(". ")[2]
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in index
