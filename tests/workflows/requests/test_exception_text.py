"""The exception's file of any wish, read back by the language, means the wish and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.model.moment import iso
from firewright.model.request import Wish
from firewright.readers.policy_yaml import load
from firewright.source import Source
from firewright.workflows.requests.asked import wish_in
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.exception_text import path_of, text_of
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.world import World, wish

HOSTILE = (
    "'", '"', ": ", " #", "# no", "{", "[", "- ", "yes", "no", "null", "~", "0x1f", "1e3", "2027-01-01", "&a", "*a", "!!str",
    "%YAML", "---", "...", "|", ">", "@", "`", "\\", "\\n", "\t", "é", "漢字", "🔥", "ﷺ", "\N{NO-BREAK SPACE}", "ß", "{{ x }}",
    "</pre>", "because:", "until: 2030-01-01", "\N{ZERO WIDTH SPACE}", "\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b[31m", "\0",
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), min_size=1, max_size=6).map("".join)
WORDS = st.sampled_from(["tcp/11371", "portal", "https", "icmp/echo-request", "udp/500-600", "ssh"])
SIDES = st.sampled_from(["tenants", "198.51.100.7", "198.51.100.0/28", "2001:db8:10::1", "198.51.100.3-198.51.100.9"])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(because=TEXTS, owner=TEXTS, ticket=st.one_of(st.just(""), TEXTS), services=st.lists(WORDS, min_size=1, max_size=3),
       sources=st.lists(SIDES, min_size=1, max_size=2), until=st.sampled_from(["2026-12-24", "2026-12-24T07:05"]))  # fmt: skip
def test_a_file_says_what_was_asked_for(
    world: World, because: str, owner: str, ticket: str, services: list[str], sources: list[str], until: str
) -> None:
    """Whatever people write, the file is refused, or is one rule that permits exactly what was asked for, with these very words."""
    asked = wish(
        because=because, owner=owner, ticket=ticket, services=tuple(services), sources=tuple(sources), until=until
    )
    try:
        checked = check_wish(world.estate, asked, world.now)
    except Refused as refused:
        assert refused.status == 422 and refused.message
        return
    _holds_exactly(checked.wish, 7)
    # blanks alone were put right
    assert checked.wish.because == " ".join(because.split()) and checked.wish.owner == " ".join(owner.split())


def _holds_exactly(kept: Wish, number: int) -> None:
    text = text_of(kept, number)
    assert text == text_of(kept, number) and text.endswith("\n") and "\0" not in text
    report = Report()
    before, after = load("edge.yaml", report), load("edge.yaml", report, also=(Source(path_of(number), text),))
    assert not report.has_errors() and before is not None and after is not None, (text, report.diagnostics)
    (rule,) = [rule for rule in after.rules if rule.at.path == path_of(number)]
    assert len(after.rules) == len(before.rules) + 1 and rule.verb.value == "allow" and rule.name == f"request-{number}"
    assert (rule.because, rule.owner, rule.ticket) == (kept.because, kept.owner, kept.ticket)
    assert rule.until is not None and iso(rule.until) == kept.until and not (rule.when or rule.log or rule.sessions)
    assert [term.word for term in rule.terms] == list(kept.services)
    (pair,) = rule.ends if len(rule.ends) == 1 else (rule.ends[0],)
    named = {zone.name for one in rule.ends for zone in one.sources}
    assert named == set(kept.sources) and {zone.name for zone in pair.destinations} == set(kept.destinations)
    again = wish_in(Source("x.yaml", text), Report())
    assert again == kept


@pytest.mark.parametrize("word", ["no", "on", "null", "y", "true", "1e3", "0x1f", "012", "2027-01-01", "a: b", "#x"])
def test_words_of_yaml_stay_words(world: World, word: str) -> None:
    """A policy, an owner, a service or a ban with the name of something else in YAML is itself in the file."""
    text = text_of(wish(owner=word, services=(word,), overrides=(word,), sources=(word,), policy=word), 1)
    found = wish_in(Source("x.yaml", text), Report())
    assert found is not None
    assert (found.owner, found.services, found.overrides, found.sources, found.policy) == (
        word,
        (word,),
        (word,),
        (word,),
        word,
    )


@pytest.mark.parametrize(
    "until", ["٢٠٢٧-٠١-٠١", "2027-1-1", "2027-01-01 10:00", "2027-01-01T10:00Z", "2027-01-01T10:00+01:00", "tomorrow",
              "2027-02-30", "2027-01-01\nrules: []", "", "20270101", "2027-W01-1", "9999-12-31"])  # fmt: skip
def test_an_end_is_a_day_or_a_time(world: World, until: str) -> None:
    """Nothing but a day or a time of day on the policy's clock, within what is allowed, is an end."""
    with pytest.raises(Refused) as refused:
        check_wish(world.estate, wish(until=until), world.now)
    assert refused.value.status == 422


PLAIN = """\
policy: edge
rules:
  - from: tenants
    to: internet
    allow: tcp/11371
    because: keys
    owner: ann
    until: 2026-12-24
"""


@pytest.mark.parametrize(
    "line", ["    limit: 10/second\n", "    between: [tenants, office]\n", "    log: all\n", "    since: 2026-12-01\n",
             "    require: ssh\n", "    except: ssh\n", "    firewall: core\n"])  # fmt: skip
def test_what_a_request_cannot_ask_for_is_no_request(line: str) -> None:
    """A file of a pull request that says more than a request can is refused, for the rest would be lost unsaid."""
    report = Report()
    assert wish_in(Source("x.yaml", PLAIN + line), report) is None
    assert report.has_errors()
    assert wish_in(Source("x.yaml", PLAIN), Report()) == wish(because="keys")
