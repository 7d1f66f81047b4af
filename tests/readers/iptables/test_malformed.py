"""Lines that cannot be read: each is refused with its place and reason, and then may decide anything."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from firewright.diagnostic import Severity
from firewright.readers.iptables import Dump, encode, parse
from firewright.space.bounds import possibly, surely
from firewright.space.box import EVERY_BOX
from firewright.space.packetset import EVERYTHING
from firewright.space.program import Program
from firewright.space.ruleset import Hook
from tests.readers.iptables.interpreter import random_dump

WRONG_RULES = {
    "-A INPUT -j": "lacks its value",
    "-A INPUT -s 10.0.0.0/33 -j DROP": "no prefix of IPv4 is 33 bits long",
    "-A INPUT -s 10.0.0.256 -j DROP": "no IPv4 address",
    "-A INPUT -s example.org -j DROP": "names of hosts are not looked up",
    "-A INPUT -s ::1 -j DROP": "is an address of IPv6",
    "-A INPUT -s 10.0.0.0/8 -s 10.0.0.0/8 -j DROP": "-s is given twice",
    "-A INPUT ! -s 10.0.0.1,10.0.0.2 -j DROP": "takes one network",
    "-A INPUT -p nonsense -j DROP": "no protocol is called",
    "-A INPUT -p 256 -j DROP": "there is no protocol 256",
    "-A INPUT ! -p all -j DROP": "no packet has no protocol",
    "-A INPUT -p tcp --dport 65536 -j DROP": "there is no port 65536",
    "-A INPUT -p tcp --dport ssh -j DROP": "is no port",
    "-A INPUT -p tcp --dport 22 --dport 23 -j DROP": "--dport is given twice",
    "-A INPUT --dport 22 -j DROP": "no module of this rule has an option --dport",
    "-A INPUT ! -p tcp --dport 22 -j DROP": "no module of this rule has an option --dport",
    "-A INPUT -m tcp --dport 22 -j DROP": "needs its protocol",
    "-A INPUT -p udp -m tcp --dport 22 -j DROP": "needs its protocol",
    "-A INPUT -m multiport --dports 22 -j DROP": "needs its protocol",
    "-A INPUT -p tcp -m multiport --dports 22,30:20 -j DROP": "runs backwards",
    "-A INPUT -p tcp -m multiport --dports 22: -j DROP": "has two ends",
    "-A INPUT -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 -j DROP": "at most 15",
    "-A INPUT -p tcp --tcp-flags SYN -j DROP": "is no option, and no option has a place for it",
    "-A INPUT -p tcp --tcp-flags SYN,FOO SYN -j DROP": "is no flag of TCP",
    "-A INPUT -m conntrack --ctstate NEW,OLD -j DROP": "is no state of a connection",
    "-A INPUT -m state --state SNAT -j DROP": "is no state of a connection",
    "-A INPUT -p icmp --icmp-type ponk -j DROP": "no type of ICMP",
    "-A INPUT -p icmp --icmp-type 8/256 -j DROP": "no type of ICMP",
    "-A INPUT -p icmpv6 --icmpv6-type 128 -j DROP": "not of IPv4",
    "-A INPUT -m addrtype --dst-type HOME -j DROP": "no kind of address",
    "-A INPUT -m iprange --src-range 10.0.0.9-10.0.0.1 -j DROP": "run backwards",
    "-A INPUT -m iprange -j DROP": "asks nothing",
    "-A INPUT -m time --datestart yesterday -j DROP": "is no date",
    "-A INPUT -i interface-too-long0 -j DROP": "no interface can be called",
    "-A INPUT -j DROP -j ACCEPT": "two targets",
    "-A INPUT -j ACCEPT --now": "takes no option --now",
    "-A INPUT -g ACCEPT": "-g needs a chain",
    "-A INPUT -j user --x": "takes no option --x",
    "-A INPUT -j REJECT --reject-with nothing": "REJECT cannot answer",
    "-A INPUT -j REJECT --reject-with tcp-reset": "needs -p tcp",
    "-A INPUT --frobnicate 3 -j DROP": "no module of this rule has an option --frobnicate",
    "-A INPUT -j DROP !": "stands before nothing",
    "-A INPUT ! -j DROP": "cannot be negated",
    "-A INPUT 10.0.0.1 -j DROP": "is no option",
    "-A INPUT -s -j DROP": "is no option, and no option has a place for it",
    "-A user -j user": "calls itself",
}
"""Rules that iptables refuses too, and what is said of them."""
WRONG_LINES = {
    '-A INPUT -m comment --comment "open -j DROP': "a quote is not closed",
    "-A NOWHERE -j DROP": "there is no chain",
    "-A": "no rule, chain or table",
    "A INPUT -j DROP": "no rule, chain or table",
    "-D INPUT -j DROP": "nothing that iptables-save writes",
    "-I INPUT 9 -j DROP": "has no place 9",
    "-P user DROP": "nothing that iptables-save writes",
    ":other DROP [0:0]": "only a built-in chain has a policy",
    ":INPUT MAYBE [0:0]": "no policy of a chain",
    ":INPUT ACCEPT [0:0": "a chain is",
    ":user - [0:0]": "declared twice",
    ":": "a chain is",
}
"""Lines in a table that are no rule of a chain."""


def table(*lines: str) -> str:
    """A filter table with these lines."""
    return "\n".join(("*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":user - [0:0]", *lines, "COMMIT", ""))


def only_error(dump: Dump) -> str:
    """The one error of a dump, which is at its fifth line."""
    (error,) = dump.diagnostics
    assert (error.severity, error.at.line, error.at.path) == (Severity.ERROR, 5, "x")
    return error.message


@pytest.mark.parametrize(("line", "why"), WRONG_RULES.items())
def test_wrong_rules_are_refused_and_may_do_anything(line: str, why: str) -> None:
    """A rule that cannot be read is an error at its line, and every decision is possible where it stands."""
    dump = parse(table(line), "x", 4)
    assert why in only_error(dump)
    assert dump.tally == (0, 0, 1)
    (refused,) = encode(dump).bounded
    assert why in refused.refused and refused.text == line
    if line.startswith("-A INPUT"):
        programs = encode(dump).hooks[Hook.INPUT]
        # IPv6 is not in this text and so is open.
        for word in ("accept", "drop", "reject"):
            assert possibly(programs, word).witness({4: EVERY_BOX}) is not None, word
            assert surely(programs, word).is_empty({4: EVERY_BOX})


@pytest.mark.parametrize(("line", "why"), WRONG_LINES.items())
def test_wrong_lines_leave_the_whole_table_open_to_doubt(line: str, why: str) -> None:
    """A line of a table that belongs to no chain is an error, and nothing of that table is sure."""
    dump = parse(table(line), "x", 4)
    assert why in only_error(dump)
    for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT):
        programs = encode(dump).hooks[hook]
        assert surely(programs, "accept", "drop").is_empty({4: EVERY_BOX})
        assert (EVERYTHING - possibly(programs, "reject")).is_empty({4: EVERY_BOX})


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("hello\n", 1, "stands in no table"),
        ("-A INPUT -j DROP\n", 1, "stands in no table"),
        ("*nonsense\n-A INPUT -j DROP\nCOMMIT\n", 1, "iptables has no table"),
        ("*filter\n:INPUT DROP [0:0]\n", 1, "has no COMMIT"),
        ("*nat\nCOMMIT\nCOMMIT\n", 3, "stands in no table"),
    ],
)
def test_texts_that_are_no_dump_are_refused(text: str, line: int, why: str) -> None:
    """What stands outside of tables, and tables without an end, are errors at their lines."""
    first = parse(text, "x").diagnostics[0]
    assert (first.severity, first.at.line) == (Severity.ERROR, line) and why in first.message


def test_circles_end() -> None:
    """Chains that call each other in a circle are refused where the circle closes, and reading them ends."""
    text = table(":two - [0:0]", "-A two -j user", "-A user -g two", "-A INPUT -j two").replace(
        "-A user -g two", "-A user -p tcp -g two"
    )
    dump = parse(text, "x", 4)
    assert [error.name for error in dump.diagnostics] == ["unreadable-rule"]
    assert "calls itself" in dump.diagnostics[0].message
    assert surely(encode(dump).hooks[Hook.INPUT], "accept").is_empty({4: EVERY_BOX})
    assert possibly(encode(dump).hooks[Hook.FORWARD], "accept").is_empty({4: EVERY_BOX})


def test_deep_calls_end() -> None:
    """A thousand chains that call each other in a row are refused at a depth, without running out of stack."""
    names = [f"chain{number}" for number in range(1000)]
    declared = [f":{name} - [0:0]" for name in names]
    calls = [f"-A {one} -j {two}" for one, two in pairwise(names)]
    dump = parse(table(*declared, *calls, "-A INPUT -j chain0"), "x", 4)
    assert dump.tally.refused > 0 and "deep" in dump.diagnostics[0].message
    assert isinstance(encode(dump).hooks[Hook.INPUT][4], Program)


def test_unknown_targets_may_do_anything() -> None:
    """Behind a target that nobody knows each decision is possible, and what follows may still be asked."""
    dump = parse(table("-A INPUT -s 10.0.0.0/8 -j TARPIT --honeypot", "-A INPUT -j DROP"), "x", 4)
    assert not dump.diagnostics and dump.tally == (1, 1, 0)
    programs = encode(dump).hooks[Hook.INPUT]
    inside = possibly(programs, "accept")
    assert {flow.source for flow in inside.flows(4)} == {((10 << 24, (11 << 24) - 1),)}
    assert (inside - possibly(programs, "drop")).is_empty({4: EVERY_BOX})
    assert surely(programs, "accept").is_empty({4: EVERY_BOX})


def test_a_table_that_is_left_out_is_in_doubt() -> None:
    """Where iptables-save says that it cannot show a table, nothing of that table is sure."""
    text = "# Table `filter' contains incompatible base-chains, use 'nft' tool to list them.\n"
    dump = parse(text, "x", 4)
    assert [(one.name, one.severity) for one in dump.diagnostics] == [("incompatible-table", Severity.WARNING)]
    programs = encode(dump).hooks[Hook.INPUT]
    assert surely(programs, "accept", "drop", "reject").is_empty({4: EVERY_BOX}) is False
    assert surely(programs, "accept").is_empty({4: EVERY_BOX})


def test_hidden_legacy_tables_are_told() -> None:
    """The remark that iptables-legacy has tables too is a warning with a way out."""
    text = "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n" + table()
    (warning,) = parse(text, "x").diagnostics
    assert warning.name == "legacy-tables" and "iptables-legacy-save" in warning.help


def test_hostile_texts_do_not_raise() -> None:
    """Cut, doubled and garbled dumps are read to the end, and the rules in them are all counted."""
    random = Random(7)
    for number in range(150):
        letters = list(random_dump(random, random.choice((4, 6))))
        for _ in range(random.randrange(1, 6)):
            place = random.randrange(len(letters))
            letters[place : place + random.randrange(4)] = random.choice(
                ('"', "!", "-", " ", "\n", "\0", ":", "é", "\\", "*")
            )
        text = "".join(letters)
        dump = parse(text, f"garbled-{number}", 4)
        encode(dump)
        added = sum(line.lstrip(" \t\r").startswith("-A ") for line in text.split("\n"))
        known = sum(bool(line.number) or line.text.startswith("-A ") for line in (*dump.lines, *dump.replaced))
        assert known >= added, text


def test_complaints_are_bounded() -> None:
    """A long text of nonsense gives a hundred complaints and says how many more there would be."""
    dump = parse("nonsense\n" * 5000, "x")
    assert len(dump.diagnostics) == 101 and "4900 more" in dump.diagnostics[-1].message
