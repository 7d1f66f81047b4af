"""Listings that nobody's nft wrote, or that say what cannot be followed: refused by name, or bounded, never guessed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from firewright.model.packet import FAMILIES
from firewright.readers.nftables import UnreadableListing, encode, parse
from firewright.space.bounds import possibly, surely
from firewright.space.packetset import EVERYTHING
from firewright.space.ruleset import Hook, Ruleset

_TABLE = {"table": {"family": "inet", "name": "t", "handle": 1}}
_BASE = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}


def _listing(*objects: Any) -> str:
    return json.dumps({"nftables": [{"metainfo": {"json_schema_version": 1}}, _TABLE, *objects]})


def _rule(*expressions: Any, chain: str = "c") -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "t", "chain": chain, "handle": 2, "expr": list(expressions)}}


def _read(*expressions: Any) -> Ruleset:
    return encode(parse(_listing({"chain": _BASE}, _rule(*expressions)), "x.json"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "no list called"),
        ('{"nftables": 3}', "no list called"),
        ('{"nftables": [3]}', "no object of an nftables listing"),
        ('{"nftables": [{"table": 3}]}', "no object of an nftables listing"),
        ('{"nftables": [{"table": {"name": "t"}}]}', "a table of the listing has no family"),
        ('{"nftables": [{"metainfo": {"json_schema_version": 2}}]}', "schema version 2"),
        ('{"nftables": [{"add": {"table": {"family": "ip", "name": "t"}}}]}', "list of commands"),
        ('{"nftables": ' + "[" * 100_000, "nested deeper"),
        ('{"nftables": [' + "9" * 5000 + "]}", "no JSON"),
        (_listing({"chain": {**_BASE, "prio": "high"}}), "priority high"),
        (_listing({"chain": {**_BASE, "policy": "maybe"}}), "policy maybe"),
        (_listing({"rule": {"family": "inet", "table": "t"}}), "a rule of the listing has no chain"),
        (_listing({"set": {"family": "inet", "table": "t", "name": "s", "elem": [{"elem": {}}]}}), "without its value"),
        (_listing({"map": {"family": "inet", "table": "t", "name": "s", "elem": ["x"]}}), "no element of a map"),
    ],
)
def test_what_is_no_listing_is_refused(text: str, named: str) -> None:
    """The diagnostic says what is wrong, where, and how a listing is made."""
    with pytest.raises(UnreadableListing) as refusal:
        parse(text, "x.json")
    found = refusal.value.diagnostic
    assert named in found.message and found.at.path == "x.json" and found.help


@pytest.mark.parametrize(
    "statement",
    [
        {"match": {"op": "~~", "left": {"meta": {"key": "mark"}}, "right": 1}},
        {"match": {"op": "=="}},
        {"match": 3},
        {"match": {"op": "==", "left": {"concat": 3}, "right": 1}},
        {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"range": [1]}}},
        {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": {"prefix": {"addr": 1, "len": 4000}}}},
        {"jump": {"target": 3}},
        {"vmap": 3},
        {"mangle": 3},
        {},
        7,
    ],
)
def test_a_rule_that_cannot_be_read_may_do_anything(statement: Any) -> None:
    """It is kept, says why, and leaves both accepting and dropping possible for every packet."""
    read = _read(statement, {"accept": None})
    (line,) = read.lines
    assert line.refused and read.bounded == (line,)
    programs = read.hooks[Hook.INPUT]
    assert possibly(programs, "accept") == EVERYTHING and surely(programs, "accept").is_empty()
    assert surely(programs, "drop").is_empty()


@pytest.mark.parametrize(
    "statement",
    [
        {"teleport": {"to": "x"}},
        {"xt": {"type": "target", "name": "TARPIT"}},
        "jump {\n accept\n}",
        {"queue": {"num": 1}},
    ],
)
def test_a_statement_that_is_not_known_leaves_both_possible(statement: Any) -> None:
    """What nothing here understands may accept or drop, and is named."""
    read = _read(
        {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}, statement, {"accept": None}
    )
    (line,) = read.lines
    assert line.unknown and not line.refused
    programs = read.hooks[Hook.INPUT]
    assert surely(programs, "accept").is_empty() and not possibly(programs, "accept").is_empty()
    assert possibly(programs, "accept") <= ~surely(programs, "drop")


def test_a_foreign_match_holds_or_not() -> None:
    """A match of xtables narrows its rule in a way that is only bounded: what follows happens or does not."""
    read = _read({"xt": {"type": "match", "name": "geoip"}}, {"accept": None})
    programs = read.hooks[Hook.INPUT]
    assert possibly(programs, "accept") == EVERYTHING and surely(programs, "accept").is_empty()


def test_an_unknown_expression_is_a_literal() -> None:
    """Equal text reads equally in a rule and, negated, in the next only where the key cannot be missing."""
    strange = {"divination": {"key": "mood"}}
    read = _read({"match": {"op": "==", "left": strange, "right": "good"}}, {"accept": None})
    (line,) = read.lines
    assert line.unknown == ("divination key mood good",)


def test_chains_in_a_circle_are_said() -> None:
    """Neither accepting nor dropping is sure, and the circle is named."""
    listing = _listing(
        {"chain": _BASE},
        {"chain": {"family": "inet", "table": "t", "name": "d"}},
        _rule({"jump": {"target": "d"}}),
        _rule({"goto": {"target": "c"}}, chain="d"),
    )
    read = encode(parse(listing, "x.json"))
    assert any("circle: c -> d -> c" in one.message for one in read.diagnostics)
    assert possibly(read.hooks[Hook.INPUT], "accept") == EVERYTHING
    assert surely(read.hooks[Hook.INPUT], "accept").is_empty()


def test_a_chain_that_is_not_there_is_said() -> None:
    """A jump to nowhere is a diagnostic, and nothing is sure."""
    read = _read({"jump": {"target": "gone"}})
    assert any("gone" in one.message for one in read.diagnostics)
    assert surely(read.hooks[Hook.INPUT], "accept", "drop") == EVERYTHING
    assert surely(read.hooks[Hook.INPUT], "accept").is_empty()


def test_deep_expressions_are_refused() -> None:
    """An expression nested beyond what nft lists refuses its rule, however deep."""
    deep: Any = {"meta": {"key": "mark"}}
    for _ in range(300):
        deep = {"&": [deep, 1]}
    read = _read({"match": {"op": "==", "left": deep, "right": 1}}, {"accept": None})
    assert "deep" in read.lines[0].refused


def test_a_set_that_is_not_there_only_bounds() -> None:
    """A lookup in a set that the listing does not have may hold or not."""
    saddr = {"payload": {"protocol": "ip", "field": "saddr"}}
    read = _read({"match": {"op": "==", "left": saddr, "right": "@gone"}}, {"accept": None})
    programs = read.hooks[Hook.INPUT]
    assert surely(programs, "accept").is_empty() and not possibly(programs, "accept").is_empty()


def test_a_map_with_two_verdicts_for_a_key_only_bounds() -> None:
    """A key under two verdicts, which no kernel holds, is not decided for either."""
    rows = [[{"range": [1, 20]}, {"accept": None}], [{"range": [20, 30]}, {"drop": None}]]
    read = _read({"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": rows}}})
    assert read.lines[0].unknown
    assert surely(read.hooks[Hook.INPUT], "accept").is_empty()


def test_text_of_others_is_harmless() -> None:
    """Names and comments with control characters reach no terminal as they are."""
    rule = _rule({"log": {"prefix": "\x1b[2J"}}, {"accept": None})
    rule["rule"]["comment"] = "a\x1b[31mb\n"
    (line,) = encode(parse(_listing({"chain": _BASE}, rule), "x.json")).lines
    assert "\x1b" not in line.text + line.comment and "\n" not in line.comment


def test_both_families_always_have_a_program() -> None:
    """A table of one family leaves the other open, and says nothing of it."""
    text = _listing().replace('"inet"', '"ip"')
    chain = {"chain": {**_BASE, "family": "ip"}}
    read = encode(parse(json.dumps({"nftables": [*json.loads(text)["nftables"], chain]}), "x.json"))
    assert {family: read.hooks[Hook.INPUT][family].words for family in FAMILIES} == {4: {"drop"}, 6: {"accept"}}


_VALUES: tuple[Any, ...] = (
    None, True, -1, 10**30, 1.5, "", "@x", "*", [], {}, [[]], {"range": [5, 1]}, {"prefix": {"addr": "x", "len": 3}},
    {"concat": []}, {"set": []}, {"map": {}}, {"&": [1]}, ["a", ["b"]], {"jump": {"target": "c"}}, {"payload": {}},
)  # fmt: skip


def _places(json_: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(json_, dict | list):
        for key in json_ if isinstance(json_, dict) else range(len(json_)):
            yield from _places(json_[key], (*path, key))


def test_any_other_value_anywhere_is_refused_or_read() -> None:
    """Whatever stands at any place of a listing, it is read with bounds or refused by name; nothing else happens."""
    saddr, dport = ({"payload": {"protocol": p, "field": f}} for p, f in (("ip", "saddr"), ("tcp", "dport")))
    rows = [[{"concat": ["10.0.0.1", 22]}, {"accept": None}], [{"concat": ["10.0.0.2", 22]}, {"jump": {"target": "c"}}]]
    whole = json.loads(
        _listing(
            {
                "set": {
                    "family": "inet",
                    "table": "t",
                    "name": "s",
                    "elem": [{"elem": {"val": "10.0.0.1", "timeout": 3}}],
                }
            },
            {"chain": {**_BASE, "name": "b"}},
            {"chain": {"family": "inet", "table": "t", "name": "c"}},
            _rule(
                {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["new"]}}, {"accept": None}, chain="b"
            ),
            _rule({"match": {"op": "==", "left": saddr, "right": "@s"}}, {"limit": {"rate": 1}}, {"drop": None}),
            _rule({"vmap": {"key": {"concat": [saddr, dport]}, "data": {"set": rows}}}, chain="b"),
        )
    )
    read = refused = 0
    for path in list(_places(whole)):
        for value in _VALUES:
            changed = deepcopy(whole)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            try:
                encode(parse(json.dumps(changed), "x"))
                read += 1
            except UnreadableListing:
                refused += 1
    assert read > 500 and refused > 500
