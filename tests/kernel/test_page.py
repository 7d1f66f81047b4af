"""The page about the kernel: each fact has its row, and what is said to show it is there."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.kernel.network import ROOT

TEXT = (ROOT / "docs" / "kernel.md").read_text(encoding="utf-8")
ROWS = {int(number): cells.split(" | ") for number, cells in re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)}
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def laws_in(name: str) -> frozenset[str]:
    """The tests of a file."""
    path = ROOT / name
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if path.is_file() else ()
    return frozenset(node.name for node in found if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


def test_every_fact_has_one_row() -> None:
    """The facts are numbered from 1 to 21, and each number stands once."""
    assert sorted(ROWS) == list(range(1, 22))
    assert len(re.findall(r"^\| \d+ \|", TEXT, re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize("number", sorted(ROWS))
def test_a_fact_is_shown_by_what_is_there(number: int) -> None:
    """A fact, and what is done because of it, are sentences; at least one test shows it, and each that is named exists."""
    happens, done, shown = ROWS[number]
    assert happens.endswith(".")
    assert done.endswith(".")
    named = _TEST.findall(shown)
    assert named
    assert not [f"{file}::{test}" for file, test in named if test not in laws_in(file)]


def test_every_test_here_is_on_the_page() -> None:
    """What is tried out on the kernel in this folder shows some fact of the page."""
    named = set(_TEST.findall(TEXT))
    own = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "tests" / "kernel").glob("test_*.py")
        if path.name != "test_page.py"
        for name in laws_in(path.relative_to(ROOT).as_posix())
    }
    assert own
    assert not own - named
