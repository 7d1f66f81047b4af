"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from tools.docs.markdown import anchor

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "firewright").rglob("*.md")),
]
_LINK = re.compile(r"\]\((?P<to>[^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def links(path: Path) -> list[str]:
    """The targets of a page's links and pictures, but for those in code."""
    text = _CODE.sub("", _FENCED.sub("", path.read_text(encoding="utf-8")))
    return [found["to"] for found in _LINK.finditer(text)]


def anchors(path: Path) -> set[str]:
    """The fragments of a page's headings."""
    return {anchor(heading) for heading in _HEADING.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    """Every link inside the repository names a file that is there and, after #, a heading that it has."""
    for link in links(page):
        if link.startswith("https://"):
            continue
        name, _, fragment = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert not fragment or fragment in anchors(target), f"{page.name}: {link}"


def test_every_page_is_linked_from_another() -> None:
    """No page lies where nobody finds it."""
    linked = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page) if "://" not in link
    }
    apart = [
        page.relative_to(ROOT).as_posix() for page in PAGES if page.resolve() not in linked and page.name != "README.md"
    ]
    assert not apart
