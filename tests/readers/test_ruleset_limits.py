"""Rulesets beyond what is read: the command names the limit and the place, ends with 2, and writes no file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from firewright.source import SIZE_LIMIT
from tests.cli.running import run
from tests.corpus.folders import needs_nft

TABLE = {"table": {"family": "inet", "name": "t"}}
BASE = {"family": "inet", "table": "t", "name": "c0", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}


def listing(*objects: object) -> str:
    """A listing of nft in JSON."""
    return json.dumps({"nftables": [TABLE, {"chain": BASE}, *objects]})


def chain(name: str, *targets: str) -> list[object]:
    """A chain of a listing that calls others."""
    place = {"family": "inet", "table": "t"}
    rules = [{"rule": {**place, "chain": name, "handle": 1, "expr": [{"jump": {"target": one}}]}} for one in targets]
    return [*([] if name == "c0" else [{"chain": {**place, "name": name}}]), *rules]


def saved(*lines: str) -> str:
    """A table of a dump."""
    return "\n".join(("*filter", ":INPUT DROP [0:0]", *lines, "COMMIT", ""))


def calls(depth: int, fan: int) -> list[str]:
    """Chains of a dump that each call the next one so many times."""
    declared = [f":c{number} - [0:0]" for number in range(depth + 1)]
    called = [f"-A c{number} -j c{number + 1}" for number in range(depth) for _ in range(fan)]
    return [*declared, *called, "-A INPUT -j c0"]


CIRCLE = listing(*chain("c0", "c1"), *chain("c1", "c2"), *chain("c2", "c1"))
TEXTS = {
    "too long.save": ("#" * (SIZE_LIMIT + 1), "longer than 16 MiB"),
    "circle.save": (saved(":a - [0:0]", ":b - [0:0]", "-A a -j b", "-A b -j a", "-A INPUT -j a"), "calls itself"),
    "deep.save": (saved(*calls(150, 1)), "more than 100 chains deep"),
    "wide.save": (saved(*calls(40, 4)), "unfold to more than"),
    "cut.save": ("*filter\n:INPUT DROP [0:0]\n-A INPUT -j ACCE", "has no COMMIT"),
    "nested.json": ('{"nftables": ' + "[" * 50_000, "nested deeper"),
    "cut.json": (listing()[:-9], "no JSON"),
    "circle.json": (CIRCLE, "circle: c0 -> c1 -> c2 -> c1"),
    "wide.json": (
        listing(*(one for n in range(40) for one in chain(f"c{n}", *[f"c{n + 1}"] * 4)), *chain("c40")),
        "unfold to more than",
    ),
    "strange.nft": ("hello world\n", "syntax error"),
    "binary.nft": ("table inet t {\0}\n", "nft"),
}
"""A text, and some words of what is said of it."""


@pytest.mark.parametrize("name", TEXTS)
def test_a_limit_is_named_and_nothing_is_half_written(name: str, tmp_path: Path) -> None:
    """The error says what and where, the exit code is 2, and the file that was asked for is whole or not there."""
    if name.endswith(".nft"):
        needs_nft()
    text, words = TEXTS[name]
    given, wanted = tmp_path / name, tmp_path / "out.json"
    given.write_text(text, encoding="utf-8")
    done = run("read", str(given), "--format", "json", "-o", str(wanted))
    assert done.exit_code == 2, done.output
    written = wanted.read_text() if wanted.exists() else ""
    assert words in done.output + written and name in done.output + written
    assert not written or "passes" in json.loads(written)
    assert [path.name for path in tmp_path.iterdir()] in (
        [name],
        sorted((name, "out.json")),
        [name, "out.json"],
        ["out.json", name],
    )


def test_a_huge_set_is_read(tmp_path: Path) -> None:
    """Twelve thousand elements, more than nft sends at once without rights, are read exactly."""
    needs_nft()
    elements = ", ".join(f"10.{n >> 8 & 255}.{n & 255}.{n >> 16}" for n in range(0, 24_000, 2))
    text = (
        f"table ip t {{\n set s {{ type ipv4_addr; elements = {{ {elements} }}; }}\n"
        " chain c { type filter hook input priority 0; policy drop;\n ip saddr @s accept\n }\n}"
    )
    (tmp_path / "huge.nft").write_text(text)
    done = run("read", str(tmp_path / "huge.nft"), "--format", "json")
    assert done.exit_code == 0, done.output[:400]
    assert json.loads(done.stdout)["rules"][0]["state"] == "understood"
