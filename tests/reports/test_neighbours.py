"""Neighbours as text, Markdown and a tree: every table, nothing that a terminal obeys, and the same in each."""

from __future__ import annotations

import json
from dataclasses import replace

from firewright.analysis.neighbours import Base, Cut, Neighbour, Opening
from firewright.reports import Look
from firewright.reports._neighbours import neighbours_markdown, neighbours_text, neighbours_tree

CUT = Cut(
    "flows", ("any -> local tcp/443", "any -> local tcp/80"), "tcp 203.0.113.10:49152 -> 192.0.2.10:443", "drop",
    "inet a c rule 1", "drop", is_certain=True, is_usual=True,
)  # fmt: skip
OPENING = Opening(
    "tcp/8080", "", "172.18.0.2:80", ("any -> local tcp/8080",), "tcp 203.0.113.10:49152 -> 192.0.2.10:8080",
    "ip nat DOCKER rule 1", "dnat to 172.18.0.2:80", is_certain=True,
)  # fmt: skip
ONE = Neighbour(
    "inet a", "nft", ("Docker",), (Base("c", "filter", "input", -5, "drop"), Base("n", "nat", "prerouting", -100, "accept")),
    3, 1, (CUT,), (OPENING,), (4, 6), ("ip nat post rule 1: masquerade",), ("ip nat pre rule 2: dnat to map",), ("it sees frames",),
)  # fmt: skip


def test_every_part_of_a_neighbour_is_said_once() -> None:
    """Its hooks, what it stops and opens with the rule, what it decides, and what is not known of it."""
    assert neighbours_text((ONE,), Look()) == [
        "other firewalls on this machine, which a packet must pass too:",
        "  inet a (Docker): 3 rules (1 only known in bounds); input -5 drop, nat prerouting -100",
        "    stops any -> local tcp/443",
        "      and any -> local tcp/80",
        "      inet a c rule 1  drop",
        "    opens past the policy (tcp/8080 of any address, goes on to 172.18.0.2:80): any -> local tcp/8080",
        "      ip nat DOCKER rule 1  dnat to 172.18.0.2:80",
        "    decides which IPv4 and IPv6 packets this machine passes on",
        "    publishes in a way that is not followed: ip nat pre rule 2: dnat to map",
        "    not judged: it sees frames",
    ]


def test_packets_are_shown_where_they_are_wanted() -> None:
    """With witnesses each thing that is stopped or opened has its packet."""
    lines = neighbours_text((ONE,), Look(has_witness=True))
    assert [line.strip() for line in lines if "example" in line] == [
        f"example: {CUT.witness}",
        f"example: {OPENING.witness}",
    ]


def test_what_is_only_possible_is_not_said_to_be_sure() -> None:
    """A stop under conditions that do not usually hold, and a port that may be open, are said as possible."""
    unsure = replace(
        ONE,
        cuts=(replace(CUT, is_certain=False, is_usual=False, what="essentials"),),
        openings=(replace(OPENING, is_certain=False),),
    )
    text = "\n".join(neighbours_text((unsure,), Look()))
    assert "may stop essentials: any" in text
    assert "may open past the policy" in text
    assert "\n    stops" not in text


def test_many_flows_are_counted_unless_all_are_wanted() -> None:
    """A rule that stops many things has the first ones, and how many more there are."""
    many = replace(ONE, cuts=(replace(CUT, flows=tuple(f"any -> local tcp/{port}" for port in range(9))),))
    assert "      and 5 flows more; -v shows all" in neighbours_text((many,), Look())
    assert len([line for line in neighbours_text((many,), Look(is_verbose=True)) if "tcp/" in line]) == 10


def test_no_text_of_a_ruleset_reaches_the_terminal_or_the_page_as_it_is() -> None:
    """Escapes in names, rules and flows are shown, and Markdown does not obey them."""
    bad = "\x1b[2J<b>|`\n"
    cut, opening = replace(CUT, flows=(bad,), place=bad, rule=bad), replace(OPENING, flows=(bad,), target=bad)
    evil = replace(ONE, table=bad, makers=(bad,), cuts=(cut,), openings=(opening,), unfollowed=(bad,), unjudged=(bad,))
    text = "\n".join(neighbours_text((evil,), Look(has_witness=True, is_verbose=True)))
    page = "\n".join(neighbours_markdown((evil,), Look()))
    assert "\x1b" not in text + page
    assert "<b>" not in page
    assert all(line.startswith(("other", "  ")) for line in text.splitlines())


def test_the_tree_has_all_of_it_as_json() -> None:
    """Every field of a neighbour is in the tree, by its kind."""
    (tree,) = json.loads(json.dumps(neighbours_tree((ONE,))))
    assert tree["hooks"][0] == {"chain": "c", "type": "filter", "hook": "input", "priority": -5, "policy": "drop"}
    assert tree["closes"][0]["flows"] == list(CUT.flows)
    assert tree["publishes"][0]["past_policy"] == list(OPENING.flows)
    assert (tree["decides_forwarding"], tree["not_judged"]) == ([4, 6], ["it sees frames"])
    assert (tree["translations"], tree["not_followed"]) == (list(ONE.translations), list(ONE.unfollowed))
