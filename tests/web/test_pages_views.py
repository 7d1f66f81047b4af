"""Laws of what pages show: narrowing keeps every answer, sight cuts exactly, words tell no address that they must not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis.ask import Answer, ask
from firewright.analysis.narrowing import narrowed_to
from firewright.analysis.question import Question, Side
from firewright.analysis.status import Statuses, zones_of
from firewright.analysis.words import flow_words
from firewright.model.account import Actor, Grant, Role
from firewright.model.address import EVERYWHERE, UNICAST, AddressSet
from firewright.model.policy import Firewall, Policy, Verb, Zone
from firewright.source import Source
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.web.views import overview
from firewright.web.views.listing import LEAF, holding, leaf_of
from firewright.web.views.matrix import HIDDEN, grid, matrix, zone_names
from firewright.web.views.pair import answer
from firewright.web.views.passing import pieces
from firewright.web.views.sight import Sight, count
from tests.policies import DAY, FOUR, INNER, OTHER, OUTER, TABLE, policies, rule, term
from tests.policies import policy as built

WHOLE = Actor("all", (Grant(Role.VIEWER),))
ENDS = (INNER, OUTER, OTHER, FOUR)
_few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def actor_of(*zones: str) -> Actor:
    """Somebody who was granted these zones of the policy."""
    return Actor("some", tuple(Grant(Role.REQUESTER, f"policy/{name}") for name in zones))


def questions() -> st.SearchStrategy[Question]:
    """Questions between zones, addresses, everything, and the machine, of all services and of some."""
    sides = st.sampled_from(
        [
            *(Side(zone.name, zone.addresses) for zone in ENDS),
            Side("any", UNICAST),
            Side("10.1.1.7", AddressSet.of("10.1.1.7")),
            Side("local", EVERYWHERE, is_local=True),
        ]
    )
    terms = st.sampled_from([term(word) for word in ("any", "tcp/80", "udp/53", "icmp", "ftp")])
    return st.builds(Question, sides, sides, terms)


def told(found: Answer) -> list[tuple[object, ...]]:
    """An answer as what it says: flows in words, outcomes, and the lines that decide, whatever objects they are."""
    return [
        (
            part.lines,
            part.outcome,
            [(one.decision.verdict, one.at, one.decision.rule, one.decision.firewall.name) for one in part.rulings],
        )
        for part in found.parts
    ]


@_few
@given(policies(), st.none() | policies(), questions())
def test_narrowing_keeps_every_answer(one: Policy, behind: Policy | None, question: Question) -> None:
    """A policy without the rules that have no say answers as the whole one, part by part and line by line, behind another too."""
    whole = replace(one, behind=None if behind is None else replace(behind, name="outer"))
    narrow = narrowed_to(whole, question)
    assert told(ask(narrow, question, DAY)) == told(ask(whole, question, DAY))
    assert narrow.zones == whole.zones and len(narrow.rules) <= len(whole.rules)


@_few
@given(policies(has_interfaces=False))
def test_the_grid_is_the_directions(one: Policy) -> None:
    """Each cell is made of exactly the direction that the whole policy has between its zones."""
    names = zone_names(one)
    found, statuses = grid(one, DAY, names), Statuses(one, DAY)
    zones = {zone.name: zone for zone in zones_of(one)}
    for name, row in zip(names, found.rows, strict=True):
        for other, direction in zip(names, row, strict=True):
            if direction is not None:
                expected = statuses.direction(zones[name], zones[other])
                assert (direction.shares, direction.families) == (expected.shares, expected.families)


def packets_of(flows: tuple[Flow, ...], family: int) -> PacketSet:
    """The packets of some flows."""
    return PacketSet.of({family: [flow.box for flow in flows if flow.family == family]})


@_few
@given(
    policies(), st.sets(st.sampled_from(["inner", "outer", "other", "internet"]), min_size=1), st.sampled_from((4, 6))
)
def test_sight_cuts_exactly(one: Policy, granted: set[str], family: int) -> None:
    """What is seen of flows is exactly the packets of which one end lies in a granted zone, each once."""
    sight = Sight(actor_of(*granted), one)
    question = Question(Side("any", UNICAST), Side("any", UNICAST), term("any"))
    flows = tuple(flow for part in ask(one, question, DAY).parts for flow in part.flows)
    seen = tuple(sight.flows(flows))
    held = sight.held.ranges(family)
    every = [flow for flow in flows if flow.family == family]
    ends = packets_of(tuple(replace(flow, source=held) for flow in every), family)
    ends = ends | packets_of(tuple(replace(flow, destination=held) for flow in every), family)
    assert packets_of(seen, family) == (packets_of(flows, family) & ends)
    kept = [packets_of((flow,), family) for flow in seen if flow.family == family]
    assert all((a & b).is_empty() for place, a in enumerate(kept) for b in kept[:place])


_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?|(?:[0-9a-f]{1,4}:|::)[0-9a-f:]+(?:/[0-9]+)?")
"""An address or a prefix in a text."""


@_few
@given(policies(), st.sets(st.sampled_from(["inner", "outer", "other"]), min_size=1, max_size=2))
def test_words_and_examples_tell_no_strange_address(one: Policy, granted: set[str]) -> None:
    """Whatever is told of the flows that somebody sees has addresses of their own zones and of the internet only."""
    sight = Sight(actor_of(*granted), one)
    question = Question(Side("any", UNICAST), Side("any", UNICAST), term("any"))
    found = ask(one, question, DAY)
    for piece in pieces(found.parts, sight, sight.namer(), {}):
        said = [word for flow in piece.flows for word in (flow.source, flow.destination)]
        for word in (word for text in (*said, piece.witness) for word in _ADDRESS.findall(text)):
            assert AddressSet.of(word) <= sight.told, (word, piece)


def test_whoever_sees_a_zone_inside_sees_the_line_of_the_outer_one() -> None:
    """A rule of a zone that holds one's own may be shown, one that names a strange zone beside it may not."""
    rules = [
        rule(1, Verb.ALLOW, [(TABLE["internet"], OUTER)], "tcp/80", because="of all"),
        rule(2, Verb.ALLOW, [(TABLE["internet"], OTHER)], "tcp/80", because="of the other"),
        rule(3, Verb.ALLOW, [(OTHER, INNER)], "tcp/80", because="of both"),
    ]
    one = built(TABLE, [Firewall("edge", (TABLE["internet"], OUTER, OTHER))], rules)
    sight = Sight(actor_of("inner"), one)
    assert [sight.rule(each) for each in rules] == [True, False, False]
    assert [sight.concerns(each) for each in rules] == [True, False, True]


def test_rules_of_single_addresses_are_told_to_their_zone() -> None:
    """A rule of addresses is shown to who sees the zone that holds them, and to nobody else; addresses of nobody are no secret."""
    single, guest = (Zone(text, AddressSet.of(text)) for text in ("10.2.0.9", "192.0.2.7"))
    rules = [rule(1, Verb.ALLOW, [(guest, single)], "tcp/80"), rule(2, Verb.ALLOW, [(INNER, single)], "tcp/80")]
    one = built(TABLE, [Firewall("edge", (TABLE["internet"], OUTER, OTHER))], rules)
    seen = {name: Sight(actor_of(name), one) for name in ("other", "inner", "four")}
    assert [seen["other"].rule(each) for each in rules] == [True, False]
    assert [seen["inner"].rule(each) for each in rules] == [False, False]
    assert [seen["other"].concerns(each) for each in rules] == [True, True]
    assert [seen["inner"].concerns(each) for each in rules] == [False, True]
    assert not any(seen["four"].concerns(each) for each in rules)


def test_an_address_of_a_strange_zone_is_told_as_a_part_of_it() -> None:
    """Where a rule names single addresses, whoever sees only the other end is told in which zone they are, and no address."""
    single = Zone("10.2.0.9", AddressSet.of("10.2.0.9", "2001:db8:2::9"))
    rules = [rule(1, Verb.ALLOW, [(INNER, single), (single, INNER)], "tcp/80")]
    one = built(TABLE, [Firewall("edge", (OUTER, OTHER))], rules)
    for ends, place in (((INNER, OTHER), "destination"), ((OTHER, INNER), "source")):
        found = ask(
            one,
            Question(Side(ends[0].name, ends[0].addresses), Side(ends[1].name, ends[1].addresses), term("tcp/80")),
            DAY,
        )
        sight = Sight(actor_of("inner"), one)
        shown = tuple(pieces(found.parts, sight, sight.namer(), {}))
        assert {getattr(flow, place) for piece in shown for flow in piece.flows} == {"part of other"}
        assert not any(piece.witness for piece in shown)
        whole = Sight(WHOLE, one)
        seen = tuple(pieces(found.parts, whole, whole.namer(), {}))
        assert "10.2.0.9" in {getattr(flow, place) for piece in seen for flow in piece.flows}


def test_a_matrix_hides_what_is_between_others() -> None:
    """A cell between two strange zones says nothing, and its words not either; one's own row and column are whole."""
    rules = [rule(1, Verb.ALLOW, [(INNER, OTHER), (FOUR, OTHER)], "tcp/80")]
    one = built(TABLE, [Firewall("edge", (TABLE["internet"], OUTER, OTHER, FOUR))], rules)
    found = matrix(grid(one, DAY, zone_names(one)), Sight(actor_of("inner"), one))
    cells = {(name, other): cell for name, row in found.named_rows() for other, cell in row}
    assert cells["inner", "other"].code == "1"
    assert all(cell is HIDDEN for (name, other), cell in cells.items() if "inner" not in (name, other))
    assert "four" not in found.zones


@pytest.mark.parametrize(
    ("service", "tone", "code"),
    [("", "permitted", "91"), ("tcp/85", "permitted", "open"), ("tcp/80-90, tcp/99", "permitted", "open*"),
     ("tcp/443", "closed", "–"), ("udp/53", "request", "ask")],
)  # fmt: skip
def test_cells_by_service(service: str, tone: str, code: str) -> None:
    """A cell of some services says what becomes of exactly these; a star that it is not the same for all of them."""
    rules = [
        rule(1, Verb.ALLOW, [(INNER, OTHER)], "tcp/80-90", "tcp/1000-1079"),
        rule(2, Verb.REQUEST, [(INNER, OTHER)], "udp/53"),
    ]
    one = built(TABLE, [Firewall("edge", (OUTER, OTHER))], rules)
    found = matrix(grid(one, DAY, ("inner", "other")), Sight(WHOLE, one), service)
    cell = found.rows[0][1]
    assert (cell.tone, cell.code) == (tone, code)


def test_a_pair_says_who_decided() -> None:
    """From one zone to another: the open part first, with the firewall, the rule, its place, its line and a packet."""
    rules = [rule(7, Verb.ALLOW, [(INNER, OTHER)], "tcp/80", because="the shop")]
    one = built(TABLE, [Firewall("edge", (OUTER, OTHER))], rules)
    sources = {"policy.yaml": Source("policy.yaml", "\n" * 6 + "  - {from: inner, to: other, allow: tcp/80}\n")}
    found = tuple(
        pieces(answer(one, "inner", "other", DAY).parts, Sight(WHOLE, one), Sight(WHOLE, one).namer(), sources)
    )
    first = found[0]
    station = first.stations[0]
    assert first.is_open and [one.is_open for one in found[1:]] == [False] * (len(found) - 1)
    assert (station.firewall, station.does, station.place) == ("edge", "passes", "policy.yaml:7:5")
    assert (station.because, station.line) == ("the shop", "- {from: inner, to: other, allow: tcp/80}")
    assert first.witness.startswith("tcp 10.1.1.") and first.sources[0] == 256


def test_what_the_internet_may_begin() -> None:
    """Openings are told with services by name, addresses by family, the line; zones that no firewall guards come last."""
    rules = [rule(3, Verb.ALLOW, [(TABLE["internet"], INNER)], "tcp/80", because="the shop")]
    one = built(TABLE, [Firewall("edge", (TABLE["internet"], OUTER))], rules)
    found = overview.open_to_internet(one, DAY, Sight(WHOLE, one), {}, overview.reached(one, DAY))
    first = found.openings[0]
    assert first.services == ("HTTP 80",) and first.destinations == ("inner",) and first.is_worldwide
    assert (first.piece.destinations, first.place, first.because) == ((256, 2**64), "policy.yaml:3:5", "the shop")
    assert [one.is_enforced for one in found.openings] == [True, *[False] * (len(found.openings) - 1)]
    assert found.has_unenforced


def test_unfilled_zones_are_said() -> None:
    """Of a policy with a question nothing is claimed to be closed: it is said that nothing is known."""
    asking = replace(TABLE["inner"], addresses=AddressSet(), question="which machines?")
    one = built({**TABLE, "inner": asking}, [Firewall("edge", (TABLE["internet"], asking))],
                [rule(1, Verb.ALLOW, [(TABLE["internet"], asking)], "tcp/80")])  # fmt: skip
    found = overview.open_to_internet(one, DAY, Sight(WHOLE, one), {}, overview.reached(one, DAY))
    assert found.unasked == "some of its zones are not filled in" and not found.openings


@given(st.integers(0, 450), st.integers(-5, 12))
def test_leaves_are_the_list(rows: int, number: int) -> None:
    """The leaves of a list one after the other are the list; a number that there is not shows the nearest leaf."""
    every = tuple(range(rows))
    first = leaf_of(every, 1)
    assert tuple(row for leaf in range(1, first.leaves + 1) for row in leaf_of(every, leaf).rows) == every
    shown = leaf_of(every, number)
    assert 1 <= shown.number <= shown.leaves and len(shown.rows) <= LEAF
    assert (shown.first, shown.last) == ((shown.rows[0] + 1, shown.rows[-1] + 1) if shown.rows else (0, 0))


def test_filters_want_every_word() -> None:
    """A list is filtered by words in any order and case; no words keep all."""
    rows = ("Alpha beta", "beta gamma", "ALPHA")
    assert holding(rows, "BETA alpha", str) == ("Alpha beta",)
    assert holding(rows, "  ", str) == rows


def test_counts_are_of_each_family() -> None:
    """The addresses at an end of flows are counted once, in each family."""
    zone = Zone("z", AddressSet.of("10.0.0.0/30", "2001:db8::/126"))
    question = Question(Side("z", zone.addresses), Side("any", UNICAST), term("tcp/80"))
    one = built(TABLE, [Firewall("edge", (TABLE["internet"], OUTER))], [])
    flows = [flow for part in ask(one, question, DAY).parts for flow in part.flows]
    assert count(flows, is_source=True) == {4: 4, 6: 4}
    assert flow_words(flows, Sight(WHOLE, one).namer())
