"""One subject out of any file, and two of them compared: which kind it is, what it says, what is refused."""

from __future__ import annotations

import pytest

from firewright.analysis.contrast import Scope
from firewright.diagnostic import Report
from firewright.reports._contrast import Contrasted
from firewright.source import Source
from firewright.workflows.contrast import compare_subjects
from firewright.workflows.subject import Kind, kind_of, subject_in
from tests.workflows.subjects import LISTED, PAGE, POLICY, SAVED, SAVED_SIX, subject, wanted

FORWARD = """table inet fw {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ip daddr 192.0.2.0/24 tcp dport { 25, 80, 443, 465 } accept
    ip6 daddr 2001:db8::/48 tcp dport { 25, 80, 443, 465 } accept
  }
}
"""


def compared(before: tuple[str, str], after: tuple[str, str], **options: str) -> Contrasted:
    """Two texts under their names, compared without a complaint."""
    report = Report()
    found = compare_subjects(Source(*before), Source(*after), wanted(**options), report)
    assert found is not None, report.diagnostics
    return found


def told(found: Contrasted) -> list[tuple[str, list[str]]]:
    """The sorts of changes with their flows."""
    return [(one.sort, list(map(str, one.flows))) for one in found.changes]


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("-", SAVED, Kind.RULESET),
        ("-", LISTED, Kind.RULESET),
        ("rules.nft", LISTED, Kind.RULESET),
        ("-", POLICY, Kind.POLICY),
        ("edge.yaml", POLICY, Kind.POLICY),
        ("page.md", PAGE, Kind.DOCUMENT),
        ("ruleset.json", '{"nftables": []}', Kind.RULESET),
        ("saved.txt", SAVED, Kind.RULESET),
        ("saved.txt", SAVED.replace("\n", "\r\n"), Kind.RULESET),
        ("listed.txt", f"# our rules\n\n{LISTED}", Kind.RULESET),
        ("script.txt", "add table inet t\nadd rule inet t c tcp dport 22 accept\n", Kind.RULESET),
        ("ports.txt", "table of the ports\n\ntcp 22 ssh\ninclude what you need\n-A note on ports\n", Kind.DOCUMENT),
        ("page.txt", PAGE, Kind.DOCUMENT),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_name_and_its_text(path: str, text: str, kind: Kind) -> None:
    """Policies, rulesets of each format and documents are told apart, piped in or named."""
    assert kind_of(Source(path, text), wanted(), Report()) is kind


def test_a_subject_knows_its_families_and_the_lines_behind_its_steps() -> None:
    """A dump describes the families it has tables of, each deciding step has a place, and bounded rules are listed."""
    assert subject(SAVED).families == (4,)
    assert subject(SAVED_SIX).families == (6,)
    assert subject(SAVED + SAVED_SIX).families == (4, 6)
    assert subject(LISTED).families == (4, 6)
    one = subject(SAVED)
    lines = {one.place_of(origin).at.line for origin in one.programs[4].origin if origin is not None}
    assert lines == {3, 4, 5, 6, 7, 8}
    limited = subject(SAVED.replace("--dports 80,443", "--dports 80,443 -m limit --limit 5/s"))
    assert [line.at.line for line in limited.bounded] == [8]


def test_legacy_tables_describe_their_own_family_too() -> None:
    """The titles that the older machinery has do not make an IPv4 dump speak of IPv6."""
    assert subject(SAVED.replace(" (nf_tables)", "").replace("v1.8.9", "v1.8.9 (legacy)")).families == (4,)


def test_a_malformed_file_is_no_subject() -> None:
    """What nft does not load, and a policy with a fault, are complaints and no subject."""
    for path, text in (("a.nft", "table inet t { chain c { tcp dport accept } }"), ("a.yaml", "rules: [{from: a}]")):
        report = Report()
        assert subject_in(Source(path, text), wanted(), report) is None
        assert report.has_errors()


def test_a_firewall_that_a_policy_lacks_is_named() -> None:
    """A misspelt firewall is an error with the nearest name."""
    report = Report()
    assert subject_in(Source("a.yaml", POLICY), wanted(), report, firewall="egde") is None
    assert [(one.name, one.help) for one in report.diagnostics] == [("unknown-firewall", "did you mean edge?")]


def test_the_page_lacks_a_port_that_the_policy_has() -> None:
    """The published page forgot 587, which the policy permits: exactly that is told, in the policy's zones, with the policy's line."""
    found = compared(("page.md", PAGE), ("edge.yaml", POLICY))
    assert told(found) == [("opens", ["internet -> tenants tcp/587"])]
    (one,) = found.changes
    assert (one.after.at.path, one.after.at.line) == ("edge.yaml", 4)
    assert one.before.rule == "no row speaks of it"


def test_a_page_with_every_port_is_equivalent_to_the_policy() -> None:
    """With the missing row the page and the policy say the same, proved, and in the other order too."""
    page = PAGE + "| Submission | 587 | TCP | internet | tenants |\n"
    assert compared(("page.md", page), ("edge.yaml", POLICY)).is_equivalent
    assert compared(("edge.yaml", POLICY), ("page.md", page)).is_equivalent


def test_a_page_against_a_ruleset_says_what_is_missing_and_what_is_beyond() -> None:
    """Required flows that the ruleset stops close, what it lets beyond the page opens, each with its row or rule."""
    zones = {"tenants": "192.0.2.0/24, 2001:db8::/48"}
    assert compared(("page.md", PAGE), ("fw.nft", FORWARD), **zones).is_equivalent
    other = FORWARD.replace("443, 465", "443, 993")
    found = compared(("page.md", PAGE), ("fw.nft", other), **zones)
    assert told(found) == [("opens", ["internet -> tenants tcp/993"]), ("closes", ["internet -> tenants tcp/465"])]
    closes = next(one for one in found.changes if one.sort == "closes")
    assert (closes.before.at.path, closes.before.at.line) == ("page.md", 7)


def test_a_row_that_is_refused_makes_nothing_equivalent() -> None:
    """A page with a row that nobody understands is not called equivalent: the row is named as not compared."""
    page = PAGE + "| Submission | 587 | TCP | internet | tenants |\n| Odd | 99 | TPC | internet | tenants |\n"
    found = compared(("page.md", page), ("edge.yaml", POLICY))
    assert not found.is_equivalent
    assert len(found.uncompared) == 1
    assert "page.md:9" in found.uncompared[0]


def test_a_page_whose_ends_nobody_knows_asks_for_them() -> None:
    """Without addresses for its zones a page is compared with nothing: the question is an error that says what to fill in."""
    report = Report()
    assert compare_subjects(Source("page.md", PAGE), Source("fw.nft", FORWARD), wanted(), report) is None
    assert [one.name for one in report.diagnostics] == ["unfilled"]


def test_several_firewalls_in_a_row_have_no_states() -> None:
    """A policy with two firewalls is compared in every state at one of them that is named, and at none otherwise."""
    report = Report()
    legs = "{between: [internet, tenants]}"
    two = POLICY.replace(f"{{edge: {legs}}}", f"{{edge: {legs}, inner: {legs}}}")
    pair = (Source("a.yaml", two), Source("fw.nft", FORWARD))
    assert compare_subjects(*pair, wanted(), report, scope=Scope.ALL) is None
    assert [one.name for one in report.diagnostics] == ["no-states"]
    assert compare_subjects(*pair, wanted(), Report(), scope=Scope.ALL, firewall="inner") is not None
