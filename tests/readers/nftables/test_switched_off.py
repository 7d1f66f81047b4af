"""Tables that are switched off, and sets and marks that change behind the back of a listing."""

from __future__ import annotations

import json

from firewright.readers.nftables import encode, parse
from firewright.space.bounds import possibly, surely
from firewright.space.packetset import EVERYTHING
from firewright.space.ruleset import Hook

_TABLE = {"family": "inet", "name": "t", "handle": 1}
_BASE = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}


def _json(*expressions: object, table: dict[str, object] | None = None, more: object = None) -> str:
    rule = {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": list(expressions)}
    objects = [{"table": {**_TABLE, **(table or {})}}, {"chain": _BASE}, {"rule": rule}]
    return json.dumps({"nftables": [*objects, *([more] if more else [])]})


def test_a_dormant_table_judges_nothing() -> None:
    """Said by the JSON or by the words, it hooks nothing, and a table whose comment says so is active."""
    assert not encode(parse(_json({"drop": None}, table={"flags": ["dormant"]}), "x")).hooks
    words = "table inet t { # handle 1\n\tflags dormant\n}\n"
    assert not encode(parse(_json({"drop": None}, table={"flags": "t"}), "x", words)).hooks
    comment = 'table inet t { # handle 1\n\tcomment "flags dormant"\n}\n'
    assert encode(parse(_json({"drop": None}), "x", comment)).hooks


def test_a_flag_that_is_not_told_is_said() -> None:
    """Where only the JSON is there and it does not name the flag, the table counts as active, with a warning."""
    read = encode(parse(_json({"drop": None}, table={"flags": "t"}), "x"))
    assert read.hooks and [one.name for one in read.diagnostics] == ["table-flags"]


def test_a_set_that_an_anonymous_chain_fills_only_bounds() -> None:
    """nft lists anonymous chains as words; a set that is filled in one is not fixed."""
    saddr = {"payload": {"protocol": "ip", "field": "saddr"}}
    match = {"match": {"op": "==", "left": saddr, "right": "@s"}}
    held = {"set": {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "elem": ["10.0.0.1"]}}
    fixed = encode(parse(_json(match, {"drop": None}, more=held), "x")).hooks[Hook.INPUT]
    assert not surely(fixed, "drop").is_empty()
    anonymous = "jump {\n\t\tadd @s { ip saddr }\n\t}"
    filling = {"rule": {"family": "inet", "table": "t", "chain": "d", "handle": 9, "expr": [anonymous]}}
    text = json.loads(_json(match, {"drop": None}, more=held))
    text["nftables"].append(filling)
    open_ = encode(parse(json.dumps(text), "x")).hooks[Hook.INPUT]
    assert surely(open_, "drop").is_empty() and possibly(open_, "accept") == EVERYTHING


def test_a_mark_that_rules_set_is_another_in_each_rule() -> None:
    """Two rules about a mark that is set between them do not read it equally: the second may hold where the first does not."""
    mark = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 5}}
    rules = [
        [mark, {"return": None}],
        [{"mangle": {"key": {"meta": {"key": "mark"}}, "value": 5}}],
        [mark, {"drop": None}],
    ]
    objects: list[object] = [{"table": _TABLE}, {"chain": _BASE}]
    for number, expressions in enumerate(rules):
        rule = {"family": "inet", "table": "t", "chain": "c", "handle": number + 2, "expr": expressions}
        objects.append({"rule": rule})
    program = encode(parse(json.dumps({"nftables": objects}), "x")).hooks[Hook.INPUT][4]
    texts = {text for literals in program.literals for text, _ in literals}
    assert len(texts) == 2 and all(text.startswith("meta mark 5 (") for text in texts)
