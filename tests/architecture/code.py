"""The code as trees, for the tests that look at its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import firewright

PACKAGE = Path(firewright.__file__).parent
ROOT = PACKAGE.parent
TESTS = ROOT / "tests"


def modules(root: Path = PACKAGE) -> list[Path]:
    """Every module below a folder, sorted."""
    return sorted(root.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """The tree of a module."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """What a module imports, as dotted names with their lines, those inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def place(path: Path, line: int = 0) -> str:
    """A module's path in the repository, with a line."""
    return f"{path.relative_to(ROOT).as_posix()}:{line}"
