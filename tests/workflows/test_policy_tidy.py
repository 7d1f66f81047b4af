"""A smaller policy means the same, keeps its comments, and is left with nothing that could go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.unchanged import first_unlike
from firewright.diagnostic import Report
from firewright.reports._anomalies import Anomalies
from firewright.reports._tidy import Tidied
from firewright.source import Source
from firewright.workflows import policy_tidy
from firewright.workflows.policy_anomalies import anomalies_of_policy, one_policy
from firewright.workflows.policy_tidy import tidy_policy
from firewright.workflows.selection import Wanted

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)  # noqa: UP017
HEAD = """zones:
  office: [192.0.2.0/24, "2001:db8::/64"]   # all of it
  desks: [192.0.2.0/25, "2001:db8::/65"]
  server: [198.51.100.10, "2001:db8:1::10"]
firewalls: {edge: {between: [internet, office, server], within: [server]}}
"""


def wanted(text: str | Path, folder: Path = Path()) -> Wanted:
    """One policy: a text as `-`, or a file of a folder."""
    given = text.name if isinstance(text, Path) else Source("-", text)
    return Wanted(text.parent if isinstance(text, Path) else folder, NOW, (given,))


def tidied(text: str | Path) -> Tidied:
    """What becomes of a policy; no complaint is expected."""
    report = Report()
    found = tidy_policy(wanted(text), report)
    assert found is not None, report.diagnostics
    return found


def anomalies(text: str) -> Anomalies:
    """What is odd in a policy."""
    found = anomalies_of_policy(wanted(text), Report())
    assert found is not None
    return found


def test_rules_go_with_their_lines_and_comments_stay() -> None:
    """Rules in braces and in blocks go whole, with the comment behind them; comments on lines of their own stay to the letter."""
    text = (
        HEAD
        + """rules:
  # the web
  - {from: office, to: server, allow: [http, https]}   # everybody
  - {from: desks, to: server, allow: http}   # again

  # administration
  - from: desks
    to: server
    allow: ssh   # by key
    because: >-
      whoever sits there
      # is no comment
  # for all
  - from: office
    to: server
    allow: ssh
"""
    )
    found = tidied(text)
    gone = (
        "  - {from: desks, to: server, allow: http}   # again\n",
        text[text.index("  - from: desks") : text.index("  # for all")],
    )
    expected = text
    for part in gone:
        expected = expected.replace(part, "")
    assert found.after == expected.replace('  desks: [192.0.2.0/25, "2001:db8::/65"]\n', "")
    assert [(one.rule.at.line, one.why) for one in found.gone] == [
        (9, "rule 1 does the same with all of its packets"),
        (14, "rule 4 does the same with all of its packets"),
        (3, "nothing uses it"),
    ]


def test_lists_in_brackets_keep_their_commas() -> None:
    """Rules, zones and services in one line are taken out with one comma each; the last of a list with the one before it."""
    text = """zones: {office: 192.0.2.0/24, desks: 192.0.2.0/25, server: 198.51.100.10}
services: {old: telnet}
firewalls: {edge: {between: [internet, office, server]}}
rules: [{from: office, to: server, allow: http}, {from: desks, to: server, allow: http}, {from: office, to: server, allow: http}]
"""
    assert (
        tidied(text).after
        == """zones: {office: 192.0.2.0/24, server: 198.51.100.10}
firewalls: {edge: {between: [internet, office, server]}}
rules: [{from: office, to: server, allow: http}]
"""
    )


def test_when_every_rule_goes_there_are_none() -> None:
    """What is left of rules that have all ended is the word none, in either style."""
    for rules in (
        "rules:\n  - {from: office, to: server, allow: ssh, until: 2026-01-01}   # over\n",
        "rules: [{from: office, to: server, allow: ssh, until: 2026-01-01}]\n",
    ):
        found = tidied(HEAD + rules)
        assert found.after.splitlines()[5].startswith("rules: none")
        assert found.gone[0].why == "it ended on 2026-01-01"


def test_a_zone_goes_only_if_the_internet_stays_what_it_is() -> None:
    """A zone that nothing names holds addresses back from the internet; one inside another holds back nothing."""
    text = (
        HEAD
        + """rules:
  - {from: office, to: server, allow: ssh}
"""
    )
    text = text.replace("zones:\n", "zones:\n  spare: 203.0.113.0/24\n")
    found = tidied(text)
    assert [one.rule.place for one in found.gone] == ["zones: desks"]
    (stays,) = found.stays
    assert stays.rule.place == "zones: spare"
    assert stays.why == "nothing uses it, but without it internet would hold 203.0.113.0/24"


def test_what_uses_only_each_other_goes_together() -> None:
    """A service of which only an unused service is made is unused once that is gone; an option that no rule asks for goes."""
    text = (
        HEAD
        + """services:
  inner: [tcp/9000]
  outer: [inner]
  used: [tcp/9001]
options: {web: yes, mail: no}
rules:
  - {from: desks, to: server, allow: used, when: mail}
"""
    )
    found = tidied(text)
    assert {one.rule.place for one in found.gone} == {"services: outer", "services: inner", "options: web"}
    assert "services:\n  used: [tcp/9001]\noptions: {mail: no}\n" in found.after


def test_rules_that_options_bring_are_judged_whatever_is_set() -> None:
    """A rule that is off now stays if it is needed once it is on; one that depends on less takes one that depends on more."""
    text = (
        HEAD
        + """options: {web: no, mail: no}
rules:
  - {from: desks, to: server, allow: ssh, when: web}
  - {from: desks, to: server, allow: ssh, when: [web, mail]}
  - {from: desks, to: server, allow: http}
  - {from: office, to: server, allow: http, when: mail}
"""
    )
    assert [one.rule.at.line for one in tidied(text).gone] == [9]


def test_what_stands_elsewhere_is_not_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules of a file that is used take others' packets, and stay themselves; a test beside the policy keeps what it names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(
        HEAD
        + """rules:
  - {from: office, to: server, allow: ssh}
  - {from: desks, to: server, allow: ssh}
"""
    )
    own = tmp_path / "own.yaml"
    own.write_text(
        """uses: [base.yaml]
services: {named: telnet, other: telnet}
rules:
  - {from: desks, to: server, allow: ssh}
  - {from: desks, to: server, allow: http}
"""
    )
    (tmp_path / "own.test.yaml").write_text("tests:\n  - {from: desks, to: server, service: named, expect: closed}\n")
    found = tidied(own)
    assert [one.rule.at.path for one in found.gone] == ["own.yaml", "own.yaml"]
    assert "services: {named: telnet}" in found.after and found.after.count("allow") == 1
    assert {one.why.partition(", but ")[2] for one in found.stays} == {
        "it stands in base.yaml",
        "own.test.yaml names it",
    }


def test_a_policy_that_asks_is_not_judged() -> None:
    """Zones that wait for their addresses are an error that names them; so is what no policy is."""
    report = Report()
    text = 'zones: {office: {fill-in: "which?"}}\nrules:\n  - {from: office, to: local, allow: ssh}\n'
    assert tidy_policy(wanted(text), report) is None
    assert anomalies_of_policy(wanted(text), report) is None
    assert [one.name for one in report.diagnostics] == ["unfilled"]
    assert tidy_policy(wanted("rules: [\n"), Report()) is None


def test_a_smaller_text_that_means_something_else_is_never_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the wrong rule taken out, the proof says so with a packet, and there is no text: it does not rest on the finding."""
    text = HEAD + "rules:\n  - {from: office, to: server, allow: ssh}\n  - {from: desks, to: server, allow: ssh}\n"

    def wrong(text: str, verbs: object, definitions: object) -> str:
        return text.replace("  - {from: office, to: server, allow: ssh}\n", "")

    monkeypatch.setattr(policy_tidy, "without", wrong)
    report = Report()
    assert tidy_policy(wanted(text), report) is None
    (said,) = report.diagnostics
    assert said.name == "cannot-tidy" and "allowed before, closed after: tcp" in said.message


def test_bans_that_meet_permissions_are_told_once_and_are_no_findings() -> None:
    """A ban within a permission is an exception, one across it correlated, each with a packet; unused definitions are findings."""
    text = (
        HEAD
        + """rules:
  - {from: office, to: server, allow: tcp/1-100}
  - {from: desks, to: server, deny: ssh}
  - {from: any, to: server, reject: tcp/90-110}
  - {from: desks, to: server, allow: ssh}
services: {spare: ssh}
"""
    )
    found = anomalies(text)
    kinds = [(one.kind, one.rule.at.line, [by.at.line for by in one.by], bool(one.witness)) for one in found.oddities]
    assert kinds == [
        ("shadowed", 10, [8], False),
        ("generalised", 8, [7], True),
        ("correlated", 9, [7], True),
        ("unused", 11, [], False),
    ]
    assert [one.kind for one in found.findings] == ["shadowed", "unused"] and not found.is_ordered


SERVICES = ("tcp/80", "tcp/1-100", "[ssh, http]", "udp/53", "any")
ENDS = ("office", "desks", "server", "internet", "any", "[desks, server]")
VERBS = ("allow", "allow", "require", "deny", "reject", "request")


def drawn(random: Random) -> str:
    """A policy of a few rules in both styles, with a comment above each, ends and options."""
    lines = [HEAD + "options: {web: yes, mail: no}\nrules:"]
    for number in range(random.randint(1, 9)):
        keys = [f"from: {random.choice(ENDS)}", f"to: {random.choice(ENDS)}"]
        keys.append(f"{random.choice(VERBS)}: {random.choice(SERVICES)}")
        keys += [
            random.choice(("until: 2026-01-01", "until: 2027-03-01", "when: web", "when: [web, mail]"))
        ] * random.choice((0, 0, 1))
        lines.append(f"  # comment {number}")
        if random.random() < 0.5:
            lines.append(f"  - {{{', '.join(keys)}}}   # behind {number}")
        else:
            lines.append("  - " + "\n    ".join(keys))
    return "\n".join(lines) + "\n"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_any_policy_means_the_same_when_it_is_smaller(seed: int) -> None:
    """Law: every comment of its own line stays, what is left is proved to mean the same, and of that nothing can be left out."""
    text = drawn(Random(seed))
    report = Report()
    before = one_policy(wanted(text), report)
    if before is None:  # such a policy is refused, by two zones that overlap at both ends for one
        return
    found = tidied(text)
    after = one_policy(wanted(found.after), Report())
    assert after is not None and first_unlike(before, after, date(2026, 11, 21)) is None
    assert found.after.count("  # comment ") == text.count("  # comment ")
    again = tidied(found.after)
    assert not again.gone and again.after == found.after
    assert replace(again, stays=()).before == found.after


LAYOUT = """zones:
  office: 192.0.2.0/24   # of ours
  desks:
    # the first half
    - 192.0.2.0/26
    - 192.0.2.64/26   # and more

  server: 198.51.100.10
# how it is guarded
firewalls: {edge: {between: [internet, office, server]}}
rules:
  -
    from: office
    to: server
    allow: http
  - from: server   # never mind

    to: server
    allow: http
    because: |
      a text
      of lines

  # at last
  - {from: office, to: server, allow: tcp/80-81}
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_layout_is_taken_apart_whole(end: str) -> None:
    """A dash on a line of its own, empty lines, texts of several lines, ends of lines as Windows has them: whole lines go."""
    text = LAYOUT.replace(
        "from: server   # never mind\n\n    to: server", "from: office   # never mind\n\n    to: server"
    )
    found = tidied(text.replace("\n", end))
    assert (
        found.after.replace(end, "\n")
        == """zones:
  office: 192.0.2.0/24   # of ours

  server: 198.51.100.10
# how it is guarded
firewalls: {edge: {between: [internet, office, server]}}
rules:

  # at last
  - {from: office, to: server, allow: tcp/80-81}
"""
    )


def test_a_comment_about_what_stays_is_never_lost() -> None:
    """In brackets over several lines the comment of the rule before stays; one that stands alone in between is a refusal."""
    text = """zones: {office: 192.0.2.0/24, server: 198.51.100.10}
firewalls: {edge: {between: [internet, office, server]}}
rules: [
  {from: office, to: server, allow: tcp/1-100},   # wide
  {from: office, to: server, allow: http}   # narrow
]
"""
    assert tidied(text).after == text.replace("{from: office, to: server, allow: http}", "")
    turned = (
        text.replace("tcp/1-100", "ssh").replace("allow: http", "allow: tcp/1-100").replace(",   # wide", ",\n  # wide")
    )
    report = Report()
    assert tidy_policy(wanted(turned), report) is None
    assert [one.name for one in report.diagnostics] == ["cannot-tidy"]
