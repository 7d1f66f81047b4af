"""The JSON of `nft -j list ruleset` without some of its rules, chains and objects."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from firewright.analysis.rulebook import Key, Thing
from firewright.diagnostic import harmless


def without(text: str, gone: Collection[Key], things: Collection[Thing]) -> str:
    """The listing without what is gone; everything else as it was, in its order. The text was read as a listing before."""
    whole = json.loads(text)
    count: dict[tuple[str, str], int] = defaultdict(int)
    kept = []
    for one in whole["nftables"]:
        ((kind, body),) = one.items()
        table = harmless(f"{body.get('family')} {body.get('table')}")
        if kind == "rule":
            chain = harmless(str(body.get("chain")))
            count[table, chain] += 1
            is_gone = (table, chain, count[table, chain]) in gone
        else:
            is_gone = Thing(kind, table, harmless(str(body.get("name")))) in things
        if not is_gone:
            kept.append(one)
    whole["nftables"] = kept
    return _written(whole, text)


def _written(whole: Any, like: str) -> str:
    """JSON that is laid out like another."""
    lines = like.strip().split("\n", 2)
    if len(lines) < 2:
        return json.dumps(whole, ensure_ascii=False) + ("\n" if like.endswith("\n") else "")
    indent = len(lines[1]) - len(lines[1].lstrip()) or None
    return json.dumps(whole, indent=indent, ensure_ascii=False) + ("\n" if like.endswith("\n") else "")
