"""The page about settings names every variable of the environment that the program reads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import firewright
from firewright.cli import _manual, _server
from tests.docs.blocks import ROOT

PACKAGE = Path(firewright.__file__).parent
OWN = {"FIREWRIGHT_COMPLETE", "FIREWRIGHT_SERVE_OPTIONS"}
"""Variables by which a shell and the processes of one server talk to the program; nobody sets them."""
_NAME = re.compile(r"\bFIREWRIGHT_[A-Z]+(?:_[A-Z]+)*\b(?!_)")


def variables() -> set[str]:
    """Every variable that stands in a text of the code, but for those in docstrings."""
    found: set[str] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name != "_manual.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                    found.update(_NAME.findall(node.value))
    for path in sorted((PACKAGE / "live").rglob("*.sh")):
        found.update(_NAME.findall(path.read_text(encoding="utf-8")))
    told = re.findall(r'told\.get\("([A-Z_]+)"', Path(_server.__file__).read_text(encoding="utf-8"))
    assert told
    return found | {f"FIREWRIGHT_OIDC_{name}" for name in told}


def test_every_variable_has_its_row() -> None:
    """Each variable is in the table that the manual page and the page about settings are made of, and no other."""
    rows = {name for name, _ in _manual._ENVIRONMENT if name.startswith("FIREWRIGHT_")}
    assert variables() - OWN == rows


def test_every_variable_on_a_page_exists() -> None:
    """No page of the documentation tells of a variable that nothing reads."""
    known = variables() | {"FIREWRIGHT_VENV", "FIREWRIGHT_UPDATE"}
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
        assert set(_NAME.findall(path.read_text(encoding="utf-8"))) <= known, path.name
