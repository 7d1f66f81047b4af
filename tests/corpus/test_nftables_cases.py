"""nft's own test cases: a rule in words, through the kernel, and the JSON that its authors wrote for it mean the same."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from firewright.live._nft_errors import NftError
from firewright.live.nft import list_back, version
from firewright.readers.nftables import encode, parse
from firewright.space.ruleset import Ruleset
from tests.corpus.folders import INSTANT, corpus, needs_nft, shape

Object = dict[str, dict[str, object]]
MEASURED_WITH = (1, 0, 6)
ROUNDS = 40
HOOKS = ("input", "forward")
_CASE = re.compile(r"^# (.*)\n((?:(?!# ).*\n?)*)", re.MULTILINE)
_BLAMED = re.compile(r"^/dev/stdin:(\d+):\d+-\d+: Error", re.MULTILINE)
_DECIDING = {"accept", "drop", "reject", "jump", "goto", "return", "queue", "vmap"}


def cases(path: Path) -> dict[str, list[object]]:
    """The rules of a file in words, each with the JSON that stands beside it; what nft lists back counts before what it is given."""
    found = {}
    for name in (f"{path.name}.json", f"{path.name}.json.output"):
        beside = path.with_name(name)
        for words, body in _CASE.findall(beside.read_text()) if beside.exists() else ():
            try:
                found[words] = json.loads(body)
            except ValueError:
                continue  # not JSON: a remark of the file's authors
    return found


def loaded(lines: list[str]) -> list[Object]:
    """What nft lists of these lines, without those that it refuses; nothing at all if it breaks over them."""
    for _ in range(ROUNDS):
        script = "ip link set lo up; nft -f - && nft -jp list ruleset"
        done = subprocess.run(
            ["unshare", "-Urn", "sh", "-c", script], input="\n".join(lines), capture_output=True, text=True, timeout=60
        )
        if done.returncode == 0:
            listed: list[Object] = json.loads(done.stdout)["nftables"]
            return listed
        blamed = {int(number) for number in _BLAMED.findall(done.stderr)}
        if not blamed:
            return []
        lines = ["" if number in blamed else line for number, line in enumerate(lines, 1)]
    return []


def listed(path: Path, words: list[str]) -> Iterator[tuple[str, list[Object], list[object]]]:
    """Each rule that loads: its words, the sets of its table, its expressions as the kernel's JSON."""
    family = {"any": "inet"}.get(path.parent.name, path.parent.name)
    sets = re.findall(r"^!(\S+) (.*?);ok", path.read_text(), re.MULTILINE)
    before = [f"table {family} t {{ }}", *(f"add set {family} t {name} {{ {kind} ; }}" for name, kind in sets)]
    before += [f"add chain {family} t r{number}" for number in range(len(words))]
    objects = loaded([*before, *(f"add rule {family} t r{number} {one}" for number, one in enumerate(words))])
    if not objects and len(words) > 1:
        # nft itself breaks over one of them: each alone.
        for alone in words:
            yield from listed(path, [alone])
        return
    beside = [one for one in objects if not {"rule", "chain"} & one.keys()]
    for one in objects:
        rule = one.get("rule")
        if rule is not None:
            number, expressions = int(str(rule["chain"]).removeprefix("r")), rule["expr"]
            assert isinstance(expressions, list)
            yield words[number], beside, expressions


def meanings(family: str, beside: list[Object], expressions: list[object]) -> list[Ruleset]:
    """A rule alone in a chain, as the packets of each hook meet it; one that decides nothing drops, so that its matches show."""
    last = expressions[-1] if expressions else None
    decides = isinstance(last, dict) and bool(_DECIDING & last.keys())
    found = []
    for hook in HOOKS:
        place = {"family": family, "table": "t"}
        chain = {**place, "name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": "accept"}
        rule = {**place, "chain": "c", "handle": 1, "expr": [*expressions, *([] if decides else [{"drop": None}])]}
        whole = {"nftables": [*beside, {"chain": chain}, {"rule": rule}]}
        found.append(encode(parse(json.dumps(whole), "case"), INSTANT))
    return found


@cache
def table() -> Counter[str]:
    """What became of every case: equal, different, or not loaded; exact or bounded where it is equal."""
    needs_nft()
    counted: Counter[str] = Counter()
    for path in sorted(corpus("nftables-tests").glob("py/*/*.t")):
        family = {"any": "inet"}.get(path.parent.name, path.parent.name)
        written = cases(path)
        counted["cases"] += len(written)
        for words, beside, expressions in listed(path, list(written)) if written else ():
            mine, theirs = meanings(family, beside, expressions), meanings(family, beside, written[words])
            same = [shape(one) for one in mine] == [shape(one) for one in theirs]
            counted["equal" if same else f"different: {path.name}: {words}"] += 1
            (line,) = mine[0].lines
            assert not line.refused, words
            counted["bounded" if line.unknown else "exact"] += 1
    return counted


def test_words_and_json_of_a_case_mean_the_same() -> None:
    """Every rule that loads means what its authors' JSON means, in both families and hooks; none differs, none is refused."""
    counted = table()
    assert not [name for name in counted if name.startswith("different")]
    assert counted["equal"] == counted["exact"] + counted["bounded"] > 500


def test_the_table_of_cases() -> None:
    """Of 1,159 rules with JSON nft 1.0.6 takes 1,065; the rest is younger than it, or of another family's table."""
    if version() != MEASURED_WITH:
        pytest.skip("the figures are of nft 1.0.6")
    assert table() == {"cases": 1159, "equal": 1065, "exact": 453, "bounded": 612}


@cache
def dumps() -> Counter[str]:
    """What became of each listing in words with its twin in JSON."""
    needs_nft()
    counted: Counter[str] = Counter()
    for path in sorted(corpus("nftables-tests").glob("dumps/**/*.nft")):
        twin = path.with_suffix(".json-nft")
        if not twin.exists():
            counted["without JSON"] += 1
            continue
        try:
            listing = list_back(path.read_text())
        except NftError as error:
            assert error.at.line > 0, path
            counted["not loaded"] += 1
            continue
        mine = encode(parse(listing.json, path.name, listing.text), INSTANT)
        theirs = encode(parse(twin.read_text(), path.name), INSTANT)
        counted["equal" if shape(mine) == shape(theirs) else f"different: {path.name}"] += 1
        counted["rules"] += len(mine.lines)
        assert len(mine.lines) == len(theirs.lines) and not any(
            line.refused for line in mine.lines if "inet" in line.table
        )
    return counted


def test_a_listing_in_words_and_its_twin_in_json_mean_the_same() -> None:
    """nft's own dumps decide the same in words, loaded by this nft, and in the JSON of whoever wrote them."""
    counted = dumps()
    assert not [name for name in counted if name.startswith("different")]
    assert counted["equal"] > 200
    if version() == MEASURED_WITH:
        assert counted == {"equal": 243, "rules": 401, "without JSON": 11, "not loaded": 7}
