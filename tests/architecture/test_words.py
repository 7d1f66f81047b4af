"""What no file of the repository says: paths of one machine, hosts of package registries, how a text came about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.code import ROOT

LEFT_OUT = {".git", ".venv", "build", "dist", "node_modules", "__pycache__", ".hypothesis"}
"""Folders that are not part of the repository."""
KINDS = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".tsv", ".svg", ".cfg", ""}
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:work|root|Users)/|/home/(?!\[)[a-z]+/|/tmp/[a-z]+_jobs",
    "the host of a package registry": (
        r"pypi\.(?:org|python)|pythonhosted\.org|npmjs\.(?:org|com)|crates\.io|proxy\.golang\.org|rubygems\.org"
    ),
    "who wrote it": (
        r"co-authored-by|signed-off-by|generated (?:with|by) (?:an? )?(?:ai|llm|model)|as an ai\b|large language model"
        r"|\bai[- ](?:assistant|generated|written)\b|\b(?:chat)?gpt-?\d|\bprompt engineering\b"
    ),
}
"""What is not said, as patterns."""


def texts() -> Iterator[Path]:
    """Every text file of the repository, but this one."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        is_hidden = any(part.startswith(".") and part not in (".ci", ".github", ".gitignore") for part in parts)
        if (
            path.is_file()
            and not is_hidden
            and not LEFT_OUT & set(parts)
            and path.suffix in KINDS
            and path != Path(__file__)
        ):
            yield path


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_says(what: str) -> None:
    """No text of the repository names a particular machine's path, a package registry's host, or who wrote it."""
    pattern = re.compile(FORBIDDEN[what], re.IGNORECASE)
    found = []
    for path in texts():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
            if said := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {said[0]}")
    assert not found


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of one machine", "see /root/notes"),
        ("the host of a package registry", "https://files.pythonhosted.org/x"),
        ("who wrote it", "Co-Authored-By: somebody"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, text: str) -> None:
    """Each pattern finds an example of what it forbids."""
    assert re.search(FORBIDDEN[what], text, re.IGNORECASE)
