"""What the pages show is what the program says: every block is run. FIREWRIGHT_UPDATE=1 writes what it says now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.readers.policy_yaml import load
from firewright.source import Source
from tests.docs.blocks import ROOT, WORDS, blocks, broken, commands, executed, on_a_machine, pages, prepared

PAGES = [
    path
    for path in pages()
    if any(block.word in ("console", "machine", "yaml") for block in blocks(path.read_text(encoding="utf-8")))
]
IDS = [path.relative_to(ROOT).as_posix() for path in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_shows_what_the_program_says(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of a page, run in the order of the page, says exactly what stands below it."""
    text = page.read_text(encoding="utf-8")
    cwd: dict[int, Path] = {}
    changed = []
    for block in blocks(text):
        folder = prepared(block, tmp_path)
        if block.word in ("yaml", "text") and block.name:
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(block.body, encoding="utf-8")
        elif block.word == "console":
            here = cwd.get(block.place, folder)
            monkeypatch.chdir(here)
            new, cwd[block.place] = executed(block.body, here, monkeypatch.chdir)
            assert not broken(new), f"the program broke, and nothing is written:\n{new}"
            if new != block.body:
                changed.append((block, new))
    for place in dict.fromkeys(block.place for block in blocks(text) if block.word == "machine"):
        found = [block for block in blocks(text) if block.word == "machine" and block.place == place]
        state = tmp_path / f"state-{place}"
        new_ones = on_a_machine(found, tmp_path / str(place), state)
        changed += [(block, new) for block, new in zip(found, new_ones, strict=True) if block.body != new]
    changed.sort(key=lambda one: one[0].start)
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        for block, new in reversed(changed):
            text = text[: block.start] + new + text[block.start + len(block.body) :]
        page.write_text(text, encoding="utf-8")
    else:
        for block, new in changed:
            assert block.body == new, "FIREWRIGHT_UPDATE=1 pytest tests/docs writes what the program says now"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_policy_on_a_page_is_right(page: Path) -> None:
    """Every whole policy on a page is read without a complaint."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.word == "yaml" and not block.name:
            report = Report()
            assert load(Source("policy.yaml", block.body), report) is not None, report.diagnostics
            assert not report.diagnostics


@pytest.mark.parametrize(
    "page", [path for path in pages() if "```python" in path.read_text(encoding="utf-8")], ids=lambda path: path.name
)
def test_code_on_a_page_runs(page: Path) -> None:
    """The Python of a page runs from its first block to its last, and what it asserts holds."""
    names: dict[str, object] = {}
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.word == "python":
            exec(compile(block.body, str(page), "exec"), names)
    assert names


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_a_page_names_its_files_to_its_reader(page: Path) -> None:
    """A file that a page's commands need is named in its prose: what stands behind a fence, no reader sees."""
    text = page.read_text(encoding="utf-8")
    shown = text
    for block in blocks(text):
        shown = shown.replace(block.body, "")
    for block in blocks(text):
        assert not block.name or f"`{block.name}`" in shown, block.name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_shows_no_program_that_broke(page: Path) -> None:
    """No block of any page has an internal error or a traceback in it."""
    for block in blocks(page.read_text(encoding="utf-8")):
        assert not broken(block.body), page


def test_a_program_that_broke_is_noticed() -> None:
    """What the program says when it breaks is told apart from what it says of a policy."""
    assert broken("$ firewright check\nInternal error: KeyError\n")
    assert broken("Traceback (most recent call last):\n  File ...\n")
    assert not broken("$ firewright check\nfailed: 1 policy\n")


def test_every_fence_says_what_it_is() -> None:
    """No block escapes being run by a word that nobody knows, and every console block has a command."""
    for page in pages():
        for block in blocks(page.read_text(encoding="utf-8")):
            assert block.word in WORDS, f"{page}: {block.word!r}"
            assert block.word not in ("console", "machine") or commands(block.body), page


def test_pages_are_executed() -> None:
    """The pages that promise real output have some that is run."""
    assert {"README.md", "docs/tour.md", "docs/how-to/first-policy.md"} <= set(IDS)
