"""Random rulesets, loaded by the kernel and listed: the programs decide every packet as the rules do one by one."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest

from firewright.live._nft_errors import BadRuleset, NftError
from firewright.live.nft import list_back
from firewright.model.packet import Packet
from firewright.readers.nftables import encode, parse
from firewright.readers.nftables.fields import UNSAID
from firewright.space.axis import point
from firewright.space.program import Program
from firewright.space.ruleset import Hook
from tests.readers.nftables.interpreter import Seen, decide
from tests.readers.nftables.rulesets import packet, ruleset

_LITERAL = re.compile(
    r"(ip ttl|ip6 hoplimit|meta mark(?: & \d+)?|th [sd]port|icmp checksum|icmpv6 checksum|ah reserved) (present|.*)$"
)


def _listed(text: str) -> tuple[Any, str] | None:
    """The listing of a ruleset without the rules that contradict themselves, which nft refuses; None if nft breaks."""
    for _ in range(40):
        try:
            found = list_back(text)
        except BadRuleset as error:
            if "Assertion" in error.message:
                return None
            assert "conflicting" in error.message or "cannot be used" in error.message, f"{error.message} in\n{text}"
            lines = text.split("\n")
            text = "\n".join([*lines[: error.at.line - 1], *lines[error.at.line :]])
        except NftError as error:
            pytest.skip(f"no private namespace to load rulesets into: {error.message}")
        else:
            return json.loads(found.json), found.json
    raise AssertionError("nothing is left of the ruleset")


def truth(text: str, facts: dict[str, int]) -> bool:
    """Whether a literal holds for the facts."""
    if text == "ip6 without extension headers":
        return True
    if text.startswith(UNSAID):
        return False  # no rule of these rulesets asks for the protocol itself before `icmp type`
    found = _LITERAL.fullmatch(text)
    assert found, f"an unexpected literal: {text}"
    name, rest = found.groups()
    if rest == "present":
        return True
    fact = "mark" if name.startswith("meta mark") else "ttl"
    if name.startswith(("th", "icmp", "ah")):
        fact = "other sport" if name == "th sport" else "other port"
    number = facts[fact]
    if "&" in name:
        number &= int(name.rsplit(" ", 1)[1])
    ends = [part.strip().split("-") for part in rest.strip("{} ").split(",")]
    return any(int(one[0], 0) <= number <= int(one[-1], 0) for one in ends)


def _assumed(program: Program, facts: dict[str, int]) -> dict[str, bool]:
    return {text: truth(text, facts) for literals in program.literals for text, _ in literals}


@pytest.mark.parametrize("seed", range(8))
def test_programs_decide_as_the_rules_do(seed: int) -> None:
    """Every packet at the edges of a random ruleset meets the same word in the program and rule by rule."""
    random = Random(seed)
    compared = 0
    for _ in range(15):
        loaded = None
        while loaded is None:
            text = ruleset(random)
            loaded = _listed(text)
        listing, raw = loaded
        read = encode(parse(raw, "random.nft"))
        assert not any(line.refused for line in read.lines)
        (hook,) = read.hooks
        for _ in range(120):
            one = packet(random, hook.value)
            facts = {
                "ttl": random.choice((1, 2, 64, 254, 255)),
                "mark": random.choice((0, 1, 3, 5, 64, 255)),
                "other port": random.choice((0, 22, 55, 80, 1024, 65535)),
                "other sport": random.choice((0, 22, 55, 80, 1024, 65535)),
            }
            compared += 1
            assert _word(read.hooks[hook][one.family], one, facts) == decide(listing, Seen(one, hook.value, facts)), (
                f"{one} at {hook} with {facts} under\n{text}"
            )
    assert compared == 15 * 120


def _word(program: Program, one: Packet, facts: dict[str, int]) -> str:
    verdict = program.verdict[program.decide(point(one), _assumed(program, facts))]
    assert isinstance(verdict, str)
    return verdict


def test_hooks_are_found_where_they_are() -> None:
    """A ruleset has exactly the hooks that its filter chains hook."""
    loaded = _listed(
        "table inet t { chain a { type filter hook input priority 0; }; chain n { type nat hook output priority 0; }; }"
    )
    assert loaded is not None
    _, raw = loaded
    assert set(encode(parse(raw, "t.nft")).hooks) == {Hook.INPUT}
