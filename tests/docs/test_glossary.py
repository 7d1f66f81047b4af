"""The glossary has one row for each word, and the words of the code."""

from __future__ import annotations

import re
from enum import StrEnum

import pytest

from firewright.model.account import Role
from firewright.model.approval_rules import Weight
from firewright.model.request import Act, State
from tests.docs.blocks import ROOT

TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\*\*.+?) \| (.+?) \| ?(.*?) ?\|$", TEXT, re.MULTILINE)
MEANS = {word: means for word, means, _ in ROWS}
BEHIND = {Act.AGREE, Act.LAPSE, Act.EXPIRE, Act.DOUBT}
"""Acts that nobody does by their name: one agrees by `approve`, and time does the others."""


def test_each_word_has_one_row() -> None:
    """No word is explained twice, and none is told to be avoided in its own row."""
    words = [word for word, _, _ in ROWS]
    assert len(words) > 70
    assert len(set(words)) == len(words)
    for word, _, avoided in ROWS:
        assert not set(re.findall(r"\*\*(.+?)\*\*", word)) & set(avoided.split(", ")), word


@pytest.mark.parametrize(
    ("word", "members"),
    [("role", Role), ("state", State), ("severity", Weight), ("act", Act)],
)
def test_a_word_lists_what_the_code_has(word: str, members: type[StrEnum]) -> None:
    """Roles, states, severities and acts are all named in the rows of their words."""
    named = set(re.findall(r"[a-z]+", MEANS[f"**{word}**"]))
    assert {member.value for member in members if member not in BEHIND} <= named
