"""People's assertions: what holds, holds for every packet; what does not, has a packet against it."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import _by_rules, has_service, matches, passes
from firewright.diagnostic import Report
from firewright.model.packet import Packet
from firewright.model.policy import Ends, Firewall, Policy, Rule, Verb
from firewright.readers.policy_yaml.assertions import Assertion, End, Expectation
from firewright.source import Span
from firewright.space.budget import budget
from firewright.workflows.selection import Wanted
from firewright.workflows.test import MEETS, run_tests, verdict_of
from tests.policies import DAY, TABLE, packets, policies, term
from tests.workflows.test_selection import NOW

AT = Span("p.test.yaml", 2, 5)
SERVICES = ("any", "tcp/80", "tcp/70-100", "udp/53", "icmp/echo-request", "protocol/50")


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    """Assertions about the zones and services that those policies speak of."""
    ends = [
        tuple(
            End(name, TABLE[name].addresses, TABLE[name])
            for name in draw(st.lists(st.sampled_from(list(TABLE)), min_size=1, max_size=2))
        )
        for _ in range(2)
    ]
    asked = tuple(map(term, draw(st.lists(st.sampled_from(SERVICES), min_size=1, max_size=2))))
    excepted = tuple(map(term, draw(st.lists(st.sampled_from(SERVICES[1:]), max_size=1))))
    return Assertion(ends[0], ends[1], asked, draw(st.sampled_from(Expectation)), excepted, at=AT)


def is_asked(assertion: Assertion, packet: Packet) -> bool:
    """Whether an assertion speaks of a packet, by the specification of rules."""
    zones = [tuple(end.zone for end in side if end.zone) for side in (assertion.sources, assertion.destinations)]
    rule = Rule(Verb.ALLOW, (Ends(*zones),), assertion.terms, AT)
    return matches(rule, packet) and not any(has_service(one, packet) for one in assertion.excepted)


@settings(max_examples=80, deadline=None)
@given(policies(), assertions(), st.lists(packets(), min_size=5, max_size=25))
def test_what_holds_holds_for_every_packet(policy: Policy, assertion: Assertion, tried: list[Packet]) -> None:
    """An assertion that holds is met by every packet tried; what is said against one that does not is what the rules decide."""
    verdict = verdict_of(policy, assertion, DAY)
    assert verdict.is_decided
    meets = MEETS[assertion.expect]
    nowhere = Firewall("nowhere")
    outcomes = [_by_rules(policy, nowhere, packet, DAY).outcome for packet in tried if is_asked(assertion, packet)]
    if verdict.holds:
        assert all(outcome in meets for outcome in outcomes)
        assert verdict.witness == ""
    else:
        assert verdict.witness
        assert verdict.found.split(",")[0].split(":")[0] not in {outcome.value for outcome in meets}
    if any(outcome not in meets for outcome in outcomes):
        assert not verdict.holds
    if assertion.expect not in (Expectation.ALLOWED, Expectation.REQUIRED):
        (firewall,) = policy.firewalls.values()
        forwarded = [one for one in tried if one.in_interface and one.out_interface and is_asked(assertion, one)]
        assert not verdict.holds or all(passes(firewall, one) for one in forwarded)


def test_what_nothing_enforces_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion that something is stopped fails where it passes no firewall, though every rule agrees with it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(
        "zones: {core: 10.0.1.0/24}\nfirewalls: {edge: {between: [internet, core]}}\n"
        "rules:\n  - {within: core, deny: smb}\n  - {from: internet, to: core, deny: smb}\n"
    )
    (tmp_path / "p.test.yaml").write_text(
        "tests:\n  - {from: core, to: core, service: smb, expect: denied}\n"
        "  - {from: internet, to: core, service: smb, expect: denied}\n"
    )
    run = run_tests(Wanted(tmp_path, NOW), Report())
    assert run is not None
    assert [(one.holds, one.found.split(":")[0]) for one in run.verdicts] == [(False, "not enforced"), (True, "")]


def jigsaw(pieces: int) -> str:
    """A policy that allows all of tcp between 32 sources and 32 destinations, in pieces that fit like a jigsaw's."""
    random, rules = Random(7), []
    boxes: list[tuple[tuple[int, int], ...]] = [((0, 31), (0, 31), (0, 65535))]
    while len(boxes) < pieces:
        box = boxes.pop(random.randrange(len(boxes)))
        axis = random.choice([axis for axis in range(3) if box[axis][0] < box[axis][1]] or [3])
        if axis == 3:
            boxes.append(box)
            continue
        low, high = box[axis]
        middle = random.randint(low, high - 1)
        boxes += [(*box[:axis], half, *box[axis + 1 :]) for half in ((low, middle), (middle + 1, high))]
    for sources, destinations, ports in boxes:
        ends = [
            ", ".join(f"{side}{k}" for k in range(low, high + 1))
            for side, (low, high) in (("a", sources), ("b", destinations))
        ]
        rules.append(f"  - {{from: [{ends[0]}], to: [{ends[1]}], allow: tcp/{ports[0]}-{ports[1]}}}")
    zones = [f"  {side}{k}: 10.{k + (side == 'b') * 64}.0.0/16" for side in "ab" for k in range(32)]
    zones += [f"  {side}: [{', '.join(f'{side}{k}' for k in range(32))}]" for side in "ab"]
    return "\n".join(["zones:", *zones, "rules:", *rules]) + "\n"


def test_what_is_too_much_work_does_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion that was not decided fails the run and says so; with the usual budget it is proved."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(jigsaw(120))
    (tmp_path / "p.test.yaml").write_text("tests:\n  - {from: a, to: b, service: tcp, expect: allowed}\n")
    with budget(nodes=1, cells=0, diagram=0):
        run = run_tests(Wanted(tmp_path, NOW), Report())
    assert run is not None
    assert [(one.holds, one.is_decided) for one in run.verdicts] == [(False, False)]
    assert run.failed == run.verdicts
    again = run_tests(Wanted(tmp_path, NOW), Report())
    assert again is not None
    assert not again.failed


def test_a_run_without_tests_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing to test never passes: no file, no tests beside a policy, an empty list."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text("rules: none\n")
    for words in ((), ("p.yaml",), ("q.test.yaml",)):
        report = Report()
        assert run_tests(Wanted(tmp_path, NOW, words), report) is None
        assert report.has_errors()
    (tmp_path / "p.test.yaml").write_text("tests: []\n")
    assert run_tests(Wanted(tmp_path, NOW), Report()) is None
