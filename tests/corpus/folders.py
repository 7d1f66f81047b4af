"""Where the corpora are: rulesets that others wrote, beside the project and no part of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from firewright.live._nft_errors import NftError
from firewright.live.nft import list_back
from firewright.space.box import Box
from firewright.space.program import Literals
from firewright.space.ruleset import Ruleset

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
INSTANT = 1795176000
"""2026-11-20 12:00:00 UTC."""
Shape = dict[object, list[tuple[Box, str | int | None, Literals]]]


def corpus(name: str) -> Path:
    """The folder of a corpus; skips where it is not."""
    found = CORPORA / name
    if not found.is_dir():
        pytest.skip(f"the corpus {name} is not here")
    return found


@cache
def _why_no_nft() -> str:
    try:
        list_back("")
    except NftError as error:
        return error.message
    return ""


def needs_nft() -> None:
    """Skip where nft can list nothing in a namespace of its own."""
    if why := _why_no_nft():
        pytest.skip(f"nft cannot list rulesets here: {why}")


def shape(ruleset: Ruleset) -> Shape:
    """What a ruleset decides: the steps of every hook and family, without where they come from."""
    return {
        (hook, family): list(zip(program.box, program.verdict, program.literals, strict=True))
        for hook, programs in ruleset.hooks.items()
        for family, program in programs.items()
    }
