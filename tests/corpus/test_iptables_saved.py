"""The corpus of iptables-save: the figures of each kind of result, and what the command says of texts that are no dump."""

from __future__ import annotations

from collections import Counter
from functools import cache

from firewright.diagnostic import Report, Severity
from firewright.readers.iptables import Dump, parse
from firewright.source import read
from firewright.workflows.read import is_whole, read_ruleset
from tests.corpus.folders import corpus

ROWS = 46
NO_DUMPS = (
    "configs_psa__team_a__about_NOTRACK.txt",
    "found_online__jvehent__firewall",
    "found_online__pastebin.com_FNwfaEED__iptables-save",
    "found_online__tilb.sze.hu__bash_history-iptables.txt",
)
"""The four that iptables does not load: notes with a dump in them, a script, a screen with a prompt, a history."""
IN_BOUNDS = {
    "mac": 12157, "owner": 77, "limit": 47, "ct": 72, "addrtype": 29, "recent": 37, "pkttype": 10, "hashlimit": 6, "mark": 2,
    "connlimit": 1, "length": 1,
}  # fmt: skip
"""Matches that no header of a packet has, by module and number."""


@cache
def dumps() -> dict[str, tuple[Dump, int]]:
    """Every text of the corpus as it is read without a word on its family, and the family that it is of."""
    folder = corpus("iptables-save")
    rows = [row.split("\t") for row in (folder / "INDEX.tsv").read_text().splitlines()[1:]]
    return {row[0]: (parse(read(folder / row[0]).text, row[0]), int(row[2])) for row in rows}


def test_the_table_of_results() -> None:
    """Of 37,662 rules 25,273 are exact, 12,388 bounded and one refused; a third has a hardware address that no packet set has."""
    assert len(dumps()) == ROWS
    tallies = [dump.tally for dump, _ in dumps().values()]
    assert tuple(map(sum, zip(*tallies, strict=True))) == (25_273, 12_388, 1)
    words: Counter[str] = Counter()
    for dump, _ in dumps().values():
        words.update(text.split()[0] for line in dump.lines for text in line.unknown)
    assert words == IN_BOUNDS


def test_the_family_is_found() -> None:
    """Each dump is of the family that it was made for, whether or not a remark says so."""
    for name, (dump, family) in dumps().items():
        assert {table.family for table in dump.tables} == {family}, name


def test_only_four_are_no_dumps() -> None:
    """What iptables does not load has an error with its line; what it loads has none."""
    for name, (dump, _) in dumps().items():
        errors = [one for one in dump.diagnostics if one.severity is Severity.ERROR]
        assert bool(errors) == (name in NO_DUMPS), name
        assert all(one.at.line and one.at.path == name and one.message for one in errors), name


def test_the_command_shows_and_refuses_them() -> None:
    """The four are shown as far as they are read, and the command ends with 2; one that loads ends with 0."""
    for name in (*NO_DUMPS, "examples_ferm__webserver.ferm.iptables-save"):
        reading = read_ruleset(str(corpus("iptables-save") / name), Report(), has_rules=False)
        assert reading is not None and is_whole(reading) == (name not in NO_DUMPS), name
        assert sum(reading.count(state) for state in ("understood", "bounded", "refused")) == len(reading.rules)
