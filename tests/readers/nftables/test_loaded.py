"""Texts on their way into the kernel: line ends of other systems, a last line without one, chains without a name, ways out."""

from __future__ import annotations

import json

import pytest

from firewright.diagnostic import Report
from firewright.live.nft import list_back
from firewright.readers.nftables import encode, parse
from firewright.readers.nftables.anonymous import has_anonymous, with_named_chains
from firewright.source import Source
from firewright.space.ruleset import Ruleset
from firewright.workflows.loaded import loaded
from tests.corpus.folders import needs_nft, shape

NAMED = """table inet t {
	chain own { tcp dport 22 accept
		tcp sport { 1, 2 } drop comment "jump {"
	}
	chain stop { drop
	}
	chain c {
		type filter hook input priority filter; policy drop;
		iifname "eth0" jump own
		ip saddr 192.0.2.1 goto stop
		udp dport 53 accept
	}
}
"""
UNNAMED = """table inet t {
	chain c {
		type filter hook input priority filter; policy drop;
		iifname "eth0" jump { tcp dport 22 accept
			tcp sport { 1, 2 } drop comment "jump {"
		}
		ip saddr 192.0.2.1 goto { drop; } comment "a chain {"
		udp dport 53 accept
	}
}
"""


def read(text: str) -> Ruleset:
    """A text as it is understood."""
    needs_nft()
    report = Report()
    listing = loaded(Source("x.nft", text), report)
    assert listing is not None, report.diagnostics
    return encode(parse(listing.json, "x.nft", listing.text))


def test_line_ends_of_other_systems_say_the_same() -> None:
    """With carriage returns, and without the end of the last line, a text means what it means with plain ends."""
    wanted = shape(read(NAMED))
    assert wanted
    for text in (NAMED.replace("\n", "\r\n"), NAMED + "# the end", NAMED.rstrip("\n")):
        assert shape(read(text)) == wanted


def test_a_chain_without_a_name_means_what_it_means_with_one() -> None:
    """What stands in `jump { }` is read rule by rule, exactly, and every one of its rules is counted."""
    named, unnamed = read(NAMED), read(UNNAMED)
    assert shape(unnamed) == shape(named)
    assert len(unnamed.lines) == len(named.lines) == 6
    assert not unnamed.bounded
    assert [line.comment for line in unnamed.lines if line.chain == "c"] == ["", "a chain {", ""]


def test_names_that_are_taken_are_not_given() -> None:
    """A ruleset that has chains of such names already keeps them apart."""
    needs_nft()
    text = UNNAMED.replace("chain c {", "chain anonymous-1 { accept\n\t}\n\tchain c {", 1)
    ruleset = read(text)
    chains = {line.chain for line in ruleset.lines}
    assert len(chains) == 4 and "anonymous-1" in chains
    listing = list_back(text)
    assert has_anonymous(listing.json) and not has_anonymous(list_back(with_named_chains(listing.text)).json)


def test_the_json_alone_only_bounds_them() -> None:
    """Where only nft's JSON is there, which has such a chain as words, both answers stay possible and that is said."""
    needs_nft()
    listing = list_back(UNNAMED)
    assert any(
        isinstance(part, str)
        for one in json.loads(listing.json)["nftables"]
        for part in one.get("rule", {}).get("expr", [])
    )
    assert len(encode(parse(listing.json, "x.json")).bounded) == 2


@pytest.mark.parametrize(
    ("text", "line", "way_out"),
    [
        ("table inet t {\n{% for one in all %}\n}\n", 2, "template"),
        ("iptables -A INPUT -j DROP\n", 1, "iptables-save"),
        ("nft add table inet t\n", 1, "nft list ruleset"),
        ('\ninclude "/nonexistent/x.nft"\n', 2, "included file"),
        ("table ip t {\nchain c {\nip saddr $lan drop\n}\n}\n", 3, "define it"),
        ("table ip t {\nchain c {\nmeta skuid nobody-has-it drop\n}\n}\n", 3, "number"),
        ("table ip t {\nchain c {\nfrobnicate\n}\n}\n", 3, "nft -c -f"),
    ],
)
def test_what_does_not_load_has_a_way_out(text: str, line: int, way_out: str) -> None:
    """The error is at its line, and says what to do about this kind of text."""
    needs_nft()
    report = Report()
    assert loaded(Source("x.nft", text), report) is None
    (error,) = report.diagnostics
    assert (error.name, error.at.path, error.at.line) == ("unreadable", "x.nft", line)
    assert way_out in error.help


def test_frames_are_counted_and_said() -> None:
    """Rules of bridges and devices are bounded where they drop, else refused, not lost, and their chain is named in a warning."""
    ruleset = read(
        "table bridge b {\nchain c { type filter hook input priority 0;\nether type arp drop\naccept\n}\n}\n"
    )
    assert [(line.place, bool(line.unknown), bool(line.refused)) for line in ruleset.lines] == [
        ("bridge b c rule 1", True, False),
        ("bridge b c rule 2", False, True),
    ]
    assert [one.name for one in ruleset.diagnostics] == ["not-judged"]
