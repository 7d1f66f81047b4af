"""Listings that the programs of this machine print of real sockets agree with what the kernel says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from firewright.readers.listening import HeardListing, HeardState, listing_of
from firewright.source import Source
from tests.readers.listening.listeners import WORDS

Key = tuple[int, int, int, int, str]


@cache
def _printed() -> dict[str, Any]:
    """What the kernel and the programs say of the sockets; skips where no namespace can be made."""
    words = ["unshare", "-Urn", sys.executable, "-m", "tests.readers.listening.listeners"]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3], check=False
        )
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if done.returncode and "unshare" in done.stderr:
        pytest.skip("no network namespace can be made here")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _heard(name: str) -> HeardListing:
    listings = _printed()["listings"]
    if name not in listings:
        pytest.skip(f"{name.partition(' ')[0]} is not installed")
    found = listing_of(listings[name])
    assert found is not None
    return found.read(Source(name, listings[name]))


def _keys(heard: HeardListing, is_certain: bool) -> set[Key]:
    return {
        (one.family, one.protocol, one.port, one.address, one.interface)
        for row in heard.rows
        for one in row.bound
        if one.is_certain or not is_certain
    }


def _truth(name: str, is_raw_listed: bool) -> set[Key]:
    found: set[Key] = {tuple(one) for one in _printed()["truth"]}
    # netstat does not say to which interface a socket is bound
    named = found if name.startswith("ss") else {(*one[:4], "") for one in found}
    return {one for one in named if one[2] or is_raw_listed}


@pytest.mark.parametrize("name", [" ".join((program, *words)) for program, calls in WORDS.items() for words in calls])
def test_a_listing_says_what_the_kernel_says(name: str) -> None:
    """No listener is missing or made up: ss names exactly the kernel's, netstat bounds them from both sides; no line is refused."""
    heard = _heard(name)
    assert heard.count(HeardState.REFUSED) == 0, [row for row in heard.rows if row.state is HeardState.REFUSED]
    truth = _truth(name, is_raw_listed=any(word in name for word in ("w", "-an")))
    assert _keys(heard, is_certain=True) <= truth
    possible = _keys(heard, is_certain=False)
    widened = possible | {
        (f, p, port, one[3], "") for f, p, port, address, _ in possible if not address for one in truth
    }
    assert truth <= (possible if name.startswith("ss") else widened)
    if name.startswith("ss"):
        assert possible == truth


def test_the_programs_behind_sockets_are_named() -> None:
    """With -p each listener has the process that opened it, by its name and number."""
    for name in ("ss -tulpn", "netstat -tulpnw"):
        holders = {one for row in _heard(name).rows for one in row.holders}
        assert len(holders) == 1
        (holder,) = holders
        assert holder.name.startswith("python")
        assert holder.pid > 1
