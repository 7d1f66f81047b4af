"""Answers to questions: exact parts, each decided as the specification decides, across authorities."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.ask import Answer, ask
from firewright.analysis.decide import decide
from firewright.analysis.question import BadQuestion, parse_question
from firewright.model.address import AddressSet
from firewright.model.decision import Outcome
from firewright.model.packet import Packet
from firewright.model.policy import Firewall, Policy, Service, Verb, Zone
from firewright.source import Span
from firewright.space.axis import point
from firewright.space.box import has_point
from tests.policies import DAY, OUTER, TABLE, packets, policies, policy, rule, term, zones

QUESTIONS = (
    "internet -> outer",
    "outer -> internet tcp/80-90",
    "any -> inner icmp",
    "any -> local",
    "local -> any udp/53",
    "inner -> 10.1.2.7",
    "10.1.1.7, other -> internet, four tcp/80",
    "any -> any protocol/50",
    "any -> multicast",
)


def holding(answer: Answer, packet: Packet) -> list[int]:
    """The parts of an answer that hold a packet."""
    place = point(packet)
    return [
        number
        for number, part in enumerate(answer.parts)
        if any(has_point(flow.box, place) for flow in part.flows if flow.family == packet.family)
    ]


@settings(max_examples=60, deadline=None)
@given(policies(has_interfaces=False), st.sampled_from(QUESTIONS))
def test_an_answer_without_words_is_the_same_answer(asked: Policy, text: str) -> None:
    """Law: without words an answer has the same parts, with the same flows, witnesses and rulings, and no lines."""
    (question,) = parse_question(text, asked)
    plain, worded = (ask(asked, question, DAY, is_worded=word) for word in (False, True))
    assert not any(part.lines for part in plain.parts)
    assert sorted(map(repr, plain.parts)) == sorted(repr(replace(part, lines=())) for part in worded.parts)


@settings(max_examples=150, deadline=None)
@given(policies(has_interfaces=False), st.sampled_from(QUESTIONS), st.lists(packets(), min_size=5, max_size=15))
def test_parts_are_disjoint_and_together_the_question(asked: Policy, text: str, sample: list[Packet]) -> None:
    """Law: a packet of the question is in exactly one part, any other in none, and its part's rulings are the specification's."""
    (firewall,) = asked.firewalls.values()
    (question,) = parse_question(text, asked)
    answer = ask(asked, question, DAY)
    boxes = question.within()
    for packet in sample:
        packet = replace(packet, in_interface=packet.in_interface and "x", out_interface=packet.out_interface and "y")
        is_asked = any(has_point(box, point(packet)) for box in boxes.get(packet.family, ()))
        found = holding(answer, packet)
        assert len(found) == int(is_asked)
        if found:
            (ruling,) = answer.parts[found[0]].rulings
            expected = decide(asked, firewall, packet, DAY)
            assert (ruling.decision.outcome, ruling.decision.rule) == (expected.outcome, expected.rule)


@settings(max_examples=100, deadline=None)
@given(policies(has_interfaces=False), st.sampled_from(QUESTIONS))
def test_a_witness_is_of_its_part(asked: Policy, text: str) -> None:
    """Law: the packet shown for a part is in that part, and the specification decides it so."""
    (firewall,) = asked.firewalls.values()
    (question,) = parse_question(text, asked)
    answer = ask(asked, question, DAY)
    for number, part in enumerate(answer.parts):
        assert holding(answer, part.witness) == [number]
        assert decide(asked, firewall, part.witness, DAY).outcome is part.rulings[0].decision.outcome


def tenant_and_provider() -> tuple[Policy, Policy]:
    """A provider's perimeter and a tenant's edge behind it."""
    tenants = Zone("tenants", AddressSet.of("198.51.100.0/24", "2001:db8:10::/48"))
    outer = zones(tenants)
    perimeter = Firewall("perimeter", (outer["internet"], tenants), (tenants,))
    provider = policy(
        outer,
        [perimeter],
        [
            rule(1, Verb.ALLOW, [(outer["internet"], tenants)], "tcp/443", "tcp/3389"),
            rule(2, Verb.ALLOW, [(tenants, outer["internet"])], "tcp/443"),
            rule(3, Verb.REQUEST, [(outer["internet"], tenants)], "any"),
        ],
    )
    mine = Zone("mine", AddressSet.of("198.51.100.16/28", "2001:db8:10:a::/64"))
    inner = zones(mine)
    edge = policy(
        inner,
        [Firewall("edge", (inner["internet"], mine))],
        [
            rule(1, Verb.REQUIRE, [(inner["internet"], mine)], "tcp/443", "tcp/22"),
            rule(2, Verb.ALLOW, [(mine, inner["internet"])], "any"),
        ],
        behind=provider,
    )
    return provider, edge


@pytest.mark.parametrize(
    ("text", "names", "outcomes", "total"),
    [
        ("internet -> mine tcp/3389", ["perimeter", "edge"], [Outcome.ALLOWED, Outcome.CLOSED], Outcome.CLOSED),
        ("internet -> mine tcp/22", ["perimeter", "edge"], [Outcome.REQUESTED, Outcome.REQUIRED], Outcome.REQUESTED),
        ("internet -> mine tcp/443", ["perimeter", "edge"], [Outcome.ALLOWED, Outcome.REQUIRED], Outcome.ALLOWED),
        ("mine -> internet tcp/25", ["edge", "perimeter"], [Outcome.ALLOWED, Outcome.CLOSED], Outcome.CLOSED),
        ("198.51.100.200 -> mine tcp/80", ["perimeter", "edge"], [Outcome.CLOSED, Outcome.CLOSED], Outcome.CLOSED),
    ],
)
def test_every_authority_on_the_path_is_asked(
    text: str, names: list[str], outcomes: list[Outcome], total: Outcome
) -> None:
    """Each firewall answers in its own words, in the order in which the packet meets them; the first that stops it decides."""
    _, edge = tenant_and_provider()
    (question,) = parse_question(text, edge)
    part = ask(edge, question, DAY).parts[0]
    assert [ruling.decision.firewall.name for ruling in part.passing] == names
    assert [ruling.decision.outcome for ruling in part.passing] == outcomes
    assert part.outcome is total
    assert len(part.stops) == sum(not outcome.is_open for outcome in outcomes)


def test_internet_is_what_no_authority_holds() -> None:
    """In a question to a tenant, `internet` holds no other tenant of the provider, who would pass by other rules."""
    _, edge = tenant_and_provider()
    (question,) = parse_question("internet -> mine tcp/80", edge)
    assert not question.source.addresses & AddressSet.of("198.51.100.0/24", "2001:db8:10::/48")
    assert len(ask(edge, question, DAY).parts) == 1


@pytest.mark.parametrize(
    ("text", "message", "way_out"),
    [
        ("internet", "no question: 'internet'", "write 'internet -> tenants tcp/443', ends from the policy"),
        ("-> outer", "no question: '-> outer'", "write 'internet -> tenants tcp/443', ends from the policy"),
        ("internet -> outter tcp/80", "policy has no zone 'outter'", "did you mean outer?"),
        ("internet -> outer tpc/80", "no protocol with ports is called tpc", ""),
        ("internet -> outer tcp/70000", "port 70000 does not exist", ""),
        ("internet -> outer htpps", "there is no service 'htpps'", "did you mean https?"),
        ("internet -> outer any tcp/80", "`any` stands alone", "it already means every protocol and port"),
        ("10.0.0.1/8 -> outer", "10.0.0.1/8 has host bits set", "write 10.0.0.0/8, or 10.0.0.1 for the one address"),
        ("local, outer -> other", "'local, outer' mixes the machine itself or groups with other machines", "ask twice"),
        ("x" * 2000, "a question of 2,000 characters", "the longest is 1,000"),
    ],
)
def test_a_bad_question_is_answered_with_a_way_out(text: str, message: str, way_out: str) -> None:
    """What cannot be asked is said in a sentence, with what to write instead; hostile text stays harmless."""
    asked = policy(TABLE, [Firewall("local")], [])
    with pytest.raises(BadQuestion) as caught:
        parse_question(text, asked)
    assert message in str(caught.value)
    assert way_out in caught.value.help


def test_both_directions_are_two_questions() -> None:
    """`<->` asks the same services there and back."""
    asked = policy(TABLE, [Firewall("local")], [])
    there, back = parse_question("internet <-> outer, other tcp/80", asked)
    assert str(there) == "internet -> outer, other tcp/80"
    assert str(back) == "outer, other -> internet tcp/80"


def test_a_permission_ends_where_it_is_said() -> None:
    """Each authority is asked on its own day: the provider's permission is over though the tenant's day is not."""
    provider, edge = tenant_and_provider()
    ended = replace(provider, rules=tuple(replace(rule, until=DAY - timedelta(days=1)) for rule in provider.rules))
    tenant = replace(edge, behind=ended)
    (question,) = parse_question("internet -> mine tcp/443", tenant)
    yesterday = DAY - timedelta(days=1)
    assert ask(tenant, question, yesterday).parts[0].is_open
    assert ask(tenant, question, lambda one: yesterday if one is tenant else DAY).parts[0].outcome is Outcome.CLOSED


def test_a_name_means_what_the_nearest_authority_says() -> None:
    """A service that two authorities define is the asking one's, like a zone."""
    provider, edge = tenant_and_provider()
    theirs, mine = (Service("app", term(text)) for text in ("tcp/9000", "tcp/443"))
    tenant = replace(edge, services={"app": mine}, behind=replace(provider, services={"app": theirs}))
    (question,) = parse_question("internet -> mine app", tenant)
    assert question.term.transports == mine.term.transports


def test_the_order_on_a_path_does_not_depend_on_how_it_is_asked() -> None:
    """Asked for one end or for several, a packet meets the same firewalls in the same order."""
    _, edge = tenant_and_provider()
    for text in ("mine -> internet tcp/25", "any -> internet tcp/25"):
        (question,) = parse_question(text, edge)
        mine = Packet(4, 0xC6336414, 0xCB007109, 6, 25, 49152, in_interface="a", out_interface="b")
        answer = ask(edge, question, DAY)
        (part,) = (answer.parts[number] for number in holding(answer, mine))
        assert [ruling.decision.firewall.name for ruling in part.passing] == ["edge", "perimeter"]


def test_the_place_is_the_word_that_all_of_it_is_of() -> None:
    """A part that several words of a rule make up is placed at the verb, a part of one word at that word."""
    wall = Firewall("edge", (TABLE["internet"], OUTER))
    words = tuple(
        replace(term(text), at=Span("policy.yaml", 9, column)) for column, text in ((11, "tcp/80"), (19, "tcp/22"))
    )
    allowed = replace(rule(9, Verb.ALLOW, [(TABLE["internet"], OUTER)]), terms=words)
    said = policy(TABLE, [wall], [allowed])
    for text, column in (
        ("internet -> outer tcp/80", 11),
        ("internet -> outer tcp/22", 19),
        ("internet -> outer tcp/22-80", 5),
    ):
        (question,) = parse_question(text, said)
        assert ask(said, question, DAY).parts[0].rulings[0].at.column == column
