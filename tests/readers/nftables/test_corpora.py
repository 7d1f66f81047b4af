"""Rulesets that others wrote: every one that loads is read, and every rule is accounted for."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from firewright.live._nft_errors import BadRuleset, NftError
from firewright.live.nft import list_back
from firewright.model.packet import FAMILIES
from firewright.readers.nftables import encode, parse
from firewright.space.ruleset import machine

_CORPORA = Path(__file__).parents[4] / "shared" / "corpora"
_INSTANT = 1795176000


def _folder(name: str) -> Path:
    found = _CORPORA / name
    if not found.is_dir():
        pytest.skip(f"the corpus {name} is not here")
    return found


def test_rulesets_from_the_wild_are_read() -> None:
    """Each file that loads has a program for every hook and family; understood, bounded and refused rules are all its rules."""
    counted: Counter[str] = Counter()
    for path in sorted(_folder("nftables-wild").glob("*.nft")):
        try:
            listed = list_back(path.read_text())
        except BadRuleset:
            continue
        except NftError as error:
            pytest.skip(f"nft cannot list rulesets here: {error.message}")
        read = encode(parse(listed.json, path.name, listed.text), _INSTANT)
        whole = machine(read)
        assert all(len(whole[family]) for family in FAMILIES)
        rules = [one["rule"] for one in json.loads(listed.json)["nftables"] if "rule" in one]
        judged = [rule for rule in rules if rule["family"] in ("ip", "ip6", "inet")]
        assert len(read.lines) == len(judged), path.name
        assert not any("# handle" in line.text for line in read.lines)
        counted["rules"] += len(read.lines)
        counted["bounded"] += sum(1 for line in read.lines if line.unknown)
        assert not any(line.refused for line in read.lines), path.name
        counted["files"] += 1
    assert counted["files"] >= 60
    assert counted["bounded"] < counted["rules"] / 5, counted


def test_the_json_of_nft_itself_is_read() -> None:
    """Every expression and statement of nft's own JSON cases is understood or bounded; none is refused."""
    rules = 0
    for path in sorted(_folder("nftables-tests").glob("py/*/*.json*")):
        family = {"any": "inet"}.get(path.parent.name, path.parent.name)
        pieces = re.split(r"^# .*$", path.read_text(), flags=re.MULTILINE)
        chain = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}
        objects = [{"table": {"family": family, "name": "t"}}, {"chain": chain}]
        for piece in filter(str.strip, pieces):
            try:
                expressions = json.loads(piece)
            except ValueError:
                continue
            rules += 1
            rule = {
                "family": family,
                "table": "t",
                "chain": "c",
                "handle": rules,
                "expr": [*expressions, {"accept": None}],
            }
            objects.append({"rule": rule})
        read = encode(parse(json.dumps({"nftables": objects}), path.name))
        assert not [line for line in read.lines if line.refused], path.name
    assert rules > 1000


def test_a_listing_in_words_and_in_json_are_of_the_same_rules() -> None:
    """nft's own dumps: each rule of the JSON is found in the words by its handle, once."""
    dumps = sorted(_folder("nftables-tests").glob("dumps/**/*.nft"))
    compared = 0
    for path in dumps[:60]:
        try:
            listed = list_back(path.read_text())
        except BadRuleset:
            continue
        except NftError as error:
            pytest.skip(f"nft cannot list rulesets here: {error.message}")
        with_words = encode(parse(listed.json, path.name, listed.text), _INSTANT)
        without = encode(parse(listed.json, path.name), _INSTANT)
        for said, own in zip(with_words.lines, without.lines, strict=True):
            assert (said.place, said.unknown) == (own.place, own.unknown)
            assert said.text in listed.text.replace("\n", " ") or " " in said.text
            compared += 1
    assert compared > 50
