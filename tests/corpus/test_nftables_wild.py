"""nftables files from the wild: read or refused with a line and a way out, every rule counted, the same after another round."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

from firewright.diagnostic import Diagnostic, Report
from firewright.live._nft_errors import BadRuleset
from firewright.live.nft import Listing, list_back, version
from firewright.readers.nftables import encode, parse
from firewright.source import read
from firewright.space.ruleset import Ruleset
from firewright.workflows.loaded import loaded
from tests.corpus.folders import INSTANT, corpus, needs_nft, shape

MEASURED_WITH = (1, 0, 6)
"""The nft that the figures are of: another one loads more or fewer of the files."""

UNTAKEN = {
    "dlakelan_routerperf__dscptag.nft.nft": "a shifted field as the key of a map",
    "silencebay_clash-tproxy__examples_config_hooks_nft-nat.nft.nft": "a listed word where it takes a number",
}
"""Files whose own listing nft 1.0.6 does not take back, and what in it."""


@cache
def files() -> dict[str, tuple[Listing | None, tuple[Diagnostic, ...]]]:
    """What became of each file."""
    needs_nft()
    found = {}
    for path in sorted(corpus("nftables-wild").glob("*.nft")):
        report = Report()
        found[path.name] = loaded(read(path), report), tuple(report.diagnostics)
    return found


@cache
def read_ones() -> dict[str, tuple[Listing, Ruleset]]:
    """The files that load, as they are understood."""
    return {
        name: (listing, encode(parse(listing.json, name, listing.text), INSTANT))
        for name, (listing, _) in files().items()
        if listing is not None
    }


def test_every_rule_is_counted_once() -> None:
    """The rules that nft lists are those understood, bounded and refused, in every file, and none has lost its words."""
    for name, (listing, ruleset) in read_ones().items():
        rules = sum("rule" in one for one in json.loads(listing.json)["nftables"])
        assert len(ruleset.lines) == rules, name
        assert len({line.place for line in ruleset.lines}) == rules, name
        assert all(line.text and "# handle" not in line.text for line in ruleset.lines), name


def test_the_table_of_results() -> None:
    """Of 156 files 95 are read, of their rules nine in ten understood; those refused see frames, and are said to."""
    counted: Counter[str] = Counter()
    for _, ruleset in read_ones().values():
        for line in ruleset.lines:
            counted["refused" if line.refused else "bounded" if line.unknown else "understood"] += 1
        assert all("sees frames" in line.refused for line in ruleset.lines if line.refused)
    assert len(files()) == 156
    if version() == MEASURED_WITH:
        assert len(read_ones()) == 95
        assert counted == {"understood": 1370, "bounded": 155, "refused": 11}
    assert sum(counted.values()) > 1200 and counted["understood"] > 0.85 * sum(counted.values())


def test_what_does_not_load_says_where_and_what_to_do() -> None:
    """Each file that nft refuses has one error, with its line, in nft's words, and a way out."""
    refused = {name: said for name, (listing, said) in files().items() if listing is None}
    assert refused
    for name, said in refused.items():
        (one,) = said
        assert one.name == "unreadable" and one.message.startswith("nft: ") and one.help, name
        assert one.at.line > 0 and one.at.path.endswith(name), name


def test_another_round_through_the_kernel_changes_nothing() -> None:
    """What nft lists of a file, loaded and listed again, decides the same, in words and in JSON."""
    compared = 0
    for name, (listing, ruleset) in read_ones().items():
        if not ruleset.lines:
            continue
        try:
            again = list_back(listing.text)
        except BadRuleset:
            assert name in UNTAKEN or version() != MEASURED_WITH, name
            continue
        for words in (again.text, ""):
            other = encode(parse(again.json, name, words), INSTANT)
            assert shape(other) == shape(ruleset), name
            assert [line.unknown for line in other.lines] == [line.unknown for line in ruleset.lines], name
        compared += 1
    assert compared > 50


def test_chains_without_a_name_are_read() -> None:
    """No rule is bounded for want of the words of a chain that nft's JSON does not have."""
    assert not [line.text for _, ruleset in read_ones().values() for line in ruleset.lines if "jump {" in line.text]
