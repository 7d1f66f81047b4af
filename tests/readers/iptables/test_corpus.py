"""Everything in a text is understood, bounded or refused; nothing is lost."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from firewright.diagnostic import Severity
from firewright.readers.iptables import Dump, encode, parse
from firewright.space.bounds import possibly, surely

CORPORA = Path(__file__).parents[4] / "shared" / "corpora"
SAVED, CASES = CORPORA / "iptables-save", CORPORA / "iptables-extensions"
RULES = 37_662
UNREADABLE = {
    "configs_psa__team_a__about_NOTRACK.txt": 1,
    "found_online__jvehent__firewall": 61,
    "found_online__pastebin.com_FNwfaEED__iptables-save": 1,
    "found_online__tilb.sze.hu__bash_history-iptables.txt": 1,
}
"""The files that iptables does not load, and the first line at fault."""
needs_saved = pytest.mark.skipif(not SAVED.is_dir(), reason="the corpus iptables-save is not there")


@cache
def dumps() -> list[tuple[str, str, Dump]]:
    """Every text of the corpus, read."""
    rows = [row.split("\t") for row in (SAVED / "INDEX.tsv").read_text().splitlines()[1:]]
    texts = [(row[0], (SAVED / row[0]).read_text(errors="surrogateescape"), int(row[2])) for row in rows]
    return [(name, text, parse(text, name, family)) for name, text, family in texts]


@needs_saved
def test_no_rule_is_lost() -> None:
    """Understood, bounded and refused rules are as many as lines that add one; what loads has none refused."""
    read = dumps()
    assert sum(sum(dump.tally) for _, _, dump in read) == RULES
    for name, text, dump in read:
        written = [line for line in text.splitlines() if re.match(r"(\[\d+:\d+\] )?-A ", line)]
        assert sum(dump.tally) == len(written), name
        assert (dump.tally.refused > 0) <= (name in UNREADABLE), name
        counted = [line.at.line for line in (*dump.lines, *dump.replaced) if line.number]
        assert len(set(counted)) == len(counted) == len(written), name


@needs_saved
def test_what_iptables_does_not_load_is_refused_with_its_line() -> None:
    """Texts that are no dump have an error at the first line at fault; dumps have none."""
    for name, _, dump in dumps():
        errors = [diagnostic for diagnostic in dump.diagnostics if diagnostic.severity is Severity.ERROR]
        assert [error.at.line for error in errors[:1]] == ([UNREADABLE[name]] if name in UNREADABLE else []), name
        assert all(error.at.path == name and error.message for error in errors)


@needs_saved
def test_every_dump_has_bounds() -> None:
    """Each hook of each dump (but the longest) surely accepts no more than it possibly does, and what has no literals has one meaning."""
    for name, _, dump in dumps():
        if len(dump.lines) > 1000:
            continue
        for hook, programs in encode(dump).hooks.items():
            least, most = surely(programs, "accept"), possibly(programs, "accept")
            assert (least - most).witness() is None, (name, hook)
            if not any(any(program.literals) for program in programs.values()):
                assert (most - least).witness() is None, (name, hook)


def extension_cases() -> list[tuple[str, int, int, str, str]]:
    """The option cases that iptables takes: file, line, family, the rule in its table, its normal form there."""
    found = []
    for path in sorted(CASES.glob("*.t")):
        families = [6] if path.name.startswith("libip6t") else [4] if path.name.startswith("libipt_") else [4, 6]
        hook, table = "INPUT", "filter"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith(":"):
                hook = line[1:].split(",")[0].strip()
            elif line.startswith("*"):
                table = line[1:].strip()
            cells = line.split(";")
            if line[:1] not in ("#", ":", "*", "%", "@") and len(cells) > 2 and cells[2] == "OK":
                normal = cells[0] if cells[1] == "=" else cells[1]
                texts = [f"*{table}\n:foo - [0:0]\n-A {hook} {rule}\nCOMMIT\n" for rule in (cells[0], normal)]
                found += [(path.name, number, family, texts[0], texts[1]) for family in families]
    return found


EXACT = (
    "standard",
    "tcp",
    "udp",
    "multiport",
    "iprange",
    "state",
    "icmp",
    "REJECT",
    "sctp",
    "comment",
    "NFLOG",
    "addrtype",
)
"""Extensions of which both sides of a case are exact here."""


@pytest.mark.skipif(not CASES.is_dir(), reason="the corpus iptables-extensions is not there")
def test_option_cases_are_read() -> None:
    """No rule that iptables takes is refused, and where it is understood its normal form means the same."""
    cases, exact = extension_cases(), 0
    assert len(cases) > 500
    for name, number, family, written, normal in cases:
        one, other = parse(written, name, family), parse(normal, name, family)
        assert not one.diagnostics and not other.diagnostics, (name, number, one.diagnostics)
        if name.partition("_")[2].removesuffix(".t") in EXACT:
            programs = [encode(dump).hooks for dump in (one, other)]
            assert programs[0].keys() == programs[1].keys()
            for hook, of_families in programs[0].items():
                twin = programs[1][hook][family]
                mine = of_families[family]
                assert (mine.box, mine.verdict, mine.literals) == (twin.box, twin.verdict, twin.literals), (
                    name,
                    number,
                )
            exact += 1
    assert exact > 80
