"""Rules in are rules out: every line of a file that means to be a rule is understood, bounded or refused, and counted so."""

from __future__ import annotations

import pytest

from firewright.diagnostic import Report
from firewright.source import Source
from firewright.workflows.read import is_whole, read_ruleset

HEAD = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ('-A INPUT -p tcp -m comment --comment "a -j b" -m tcp --dport 22 -j ACCEPT', "understood"),
        (r'-A INPUT -m comment --comment "quote \" and -j DROP" -j ACCEPT', "understood"),
        ("-A INPUT -m set --match-set bad src -j DROP", "bounded"),
        ('-A INPUT -m set ! --match-set "odd name" src,dst -j ACCEPT', "bounded"),
        ('-A INPUT -m comment --comment "unterminated -j ACCEPT', "refused"),
        ("-A NOSUCH -j ACCEPT", "refused"),
        ("-D INPUT -j DROP", "refused"),
        ("-A", "refused"),
        ("-A INPUT -p 999 -j ACCEPT", "refused"),
        ("-A INPUT -j", "refused"),
    ],
)
def test_each_line_is_counted_once(line: str, state: str) -> None:
    """Beside a plain rule each strange line is one rule more, with its state; what is refused makes the reading not whole."""
    text = f"{HEAD}-A INPUT -p udp -j ACCEPT\n{line}\nCOMMIT\n"
    reading = read_ruleset(Source("a.rules", text), Report(), has_rules=True)
    assert reading is not None
    assert sorted(rule.state for rule in reading.rules) == sorted(("understood", state))
    assert is_whole(reading) is (state != "refused")
