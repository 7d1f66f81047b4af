"""What is said of audit mode: every row, every gap, and nothing that means anything to a terminal or to Markdown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

from firewright.reports import Cause, CutFlow, CutLine, Look, WouldCut
from firewright.reports._audited import MOST_SHOWN
from firewright.reports.json import REPORT as JSON
from firewright.reports.markdown import REPORT as MARKDOWN
from firewright.reports.text import REPORT as TEXT
from firewright.source import Span
from tests.reports.subjects import NASTY
from tests.reports.test_contract import UNSEEN

AT = Span("edge.yaml", 7, 5, 4)
DENIED = Cause("denied", "deny: smb", AT)
SMB = CutFlow("tcp 9.9.9.9 -> 192.0.2.7:445", "through", "new", 1200, 72_000, (DENIED,), 600)
LATE = CutFlow("udp 9.9.9.9 -> 192.0.2.7:999", "in", "untracked", 2, 80, (Cause("closed", ""), DENIED))
OPEN = CutFlow("tcp 9.9.9.9 -> 192.0.2.7:22", "in", "new", 1, 60, ())
FOUND = WouldCut(
    "tenants",
    "edge.yaml",
    "edge",
    date(2026, 11, 21),
    True,
    1_796_000_000,
    None,
    (SMB, LATE, OPEN),
    (CutLine("deny: smb (edge.yaml:7)", 1200, 72_000, AT), CutLine("closed", 9, 360)),
    6,
    ("audit__in_openings_v4",),
    3,
)


def test_text_has_a_line_for_each_flow_and_for_each_gap() -> None:
    """Flows with their packets and lines, those that the source port decides with both, then what is missing, then the sum."""
    assert TEXT[WouldCut](FOUND, Look()).splitlines() == [
        "    1,200  tcp 9.9.9.9 -> 192.0.2.7:445, through        denied: deny: smb (edge.yaml:7:5)",
        "        2  udp 9.9.9.9 -> 192.0.2.7:999, in, untracked  closed, or denied: deny: smb (edge.yaml:7:5)",
        "        1  tcp 9.9.9.9 -> 192.0.2.7:22, in              passes by the policy of this day",
        "6 packets of flows that are not remembered: there was no room for them",
        "full, so that new flows are only counted: audit__in_openings_v4",
        "3 flows with fewer packets not judged",
        "edge of tenants, audit mode from 2026-11-30 00:53:20 UTC on: 1,209 packets would have been refused, 6 flows remembered",
    ]


def test_what_is_not_shown_is_counted() -> None:
    """The first flows are shown and the rest counted; all of them, and the rules' counters, where much is wanted."""
    many = replace(FOUND, flows=(SMB,) * (MOST_SHOWN + 2))
    short, long = (TEXT[WouldCut](many, Look(is_verbose=wanted)).splitlines() for wanted in (False, True))
    assert [line.count("445") for line in short].count(1) == MOST_SHOWN
    assert "and 2 flows more: --verbose shows them" in short
    assert [line.count("445") for line in long].count(1) == MOST_SHOWN + 2
    assert "by rule" in long and "    1,200  deny: smb (edge.yaml:7)" in long


def test_nothing_refused_is_said_with_its_time() -> None:
    """An empty report says from when until when it was looked, so that nobody takes it for a mode that is off."""
    none = replace(FOUND, until=1_796_000_060, flows=(), lines=(), unremembered=0, full=(), unjudged=0)
    said = "edge of tenants, audit mode from 2026-11-30 00:53:20 UTC until 2026-11-30 00:54:20 UTC"
    assert TEXT[WouldCut](none, Look()) == f"{said}: nothing would have been refused so far\n"


def test_programs_get_all_of_it() -> None:
    """JSON has every row with the places of its causes, every counter, and what is missing."""
    read = json.loads(JSON[WouldCut](FOUND, Look()))
    assert (read["kind"], read["audited"], read["until"], read["packets"]) == ("would-cut", True, None, 1209)
    assert [one["refused_by"] for one in read["flows"]][2] == []
    assert read["flows"][0]["refused_by"][0]["at"]["line"] == 7
    assert read["flows"][0]["forgotten_in_seconds"] == 600
    assert [one["packets"] for one in read["lines"]] == [1200, 9]
    assert (read["unremembered_packets"], read["full_sets"], read["unjudged_flows"]) == (
        6,
        ["audit__in_openings_v4"],
        3,
    )


def test_markdown_has_tables() -> None:
    """A table of flows, one of rules, and the gaps as a list."""
    said = MARKDOWN[WouldCut](FOUND, Look())
    assert "| 1,200 | `tcp 9.9.9.9 -> 192.0.2.7:445, through` | denied: deny: smb (edge.yaml:7:5) |" in said
    assert "| 9 | closed |" in said
    assert "- 6 packets of flows that are not remembered" in said


def test_hostile_words_stay_words() -> None:
    """Names of people and of hosts mean nothing to a terminal or to Markdown, whatever they hold."""
    cause = Cause(NASTY, NASTY, Span(NASTY, 1, 1, 1))
    flow = CutFlow(NASTY, NASTY, NASTY, 1, 1, (cause,))
    found = replace(
        FOUND, policy=NASTY, firewall=NASTY, path=NASTY, flows=(flow,), lines=(CutLine(NASTY, 1, 1),), full=(NASTY,)
    )
    for report in (TEXT, MARKDOWN, JSON):
        for is_verbose in (False, True):
            assert not UNSEEN.search(report[WouldCut](found, Look(is_verbose=is_verbose)))
    rules = MARKDOWN[WouldCut](replace(found, flows=()), Look())
    assert "<h>" not in rules and "\\<h\\>" in rules
