"""The generated part of the documentation is what the code says today."""

from __future__ import annotations

import os

import pytest

from tools.docs.pages import ROOT, everything

EVERYTHING = everything()


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_generated_page_is_not_stale(name: str) -> None:
    """A generated page or picture is, byte for byte, what `python -m tools.docs` writes."""
    path = ROOT / name
    assert b"Traceback" not in EVERYTHING[name], f"{name}: the program broke, and nothing is written"
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        path.write_bytes(EVERYTHING[name])
    assert path.is_file(), f"{name}: python -m tools.docs writes it"
    assert path.read_bytes() == EVERYTHING[name], "python -m tools.docs writes it anew"


def test_nothing_else_stands_among_the_generated_pages() -> None:
    """Every page of docs/reference and every picture is generated, so that none is left behind by a change."""
    folders = (ROOT / "docs" / "reference", ROOT / "docs" / "pictures")
    there = {path.relative_to(ROOT).as_posix() for folder in folders for path in folder.iterdir()}
    assert there == {name for name in EVERYTHING if name.count("/") == 2}
