"""Evaluate people's own assertions about their policies: each a proof over every packet it speaks of, or a packet against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

from firewright.diagnostic import Report, harmless
from firewright.model.decision import ANSWERED_OUTCOMES, SETTLED_OUTCOMES, Decision, Outcome
from firewright.model.packet import FAMILIES, Packet
from firewright.model.policy import Ends, Policy, Rule, Term, Verb, Zone
from firewright.readers.policy_yaml.assertions import SUFFIX, Assertion, End, Expectation, PolicyTests, load
from firewright.reports import TestRun, Verdict
from firewright.source import NOWHERE, Source, UnreadableSource, read
from firewright.space.axis import point
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled, encode_passage, encode_rules, rule_boxes
from firewright.space.packetset import EVERYTHING, PacketSet
from firewright.workflows.selection import SUFFIXES, Saying, Wanted, silent

MEETS: dict[Expectation, tuple[Outcome, ...]] = {
    Expectation.ALLOWED: (Outcome.ALLOWED, Outcome.REQUIRED),
    Expectation.REQUIRED: (Outcome.REQUIRED,),
    Expectation.REQUESTED: (Outcome.REQUESTED,),
    Expectation.DENIED: (Outcome.DENIED,),
    Expectation.REJECTED: (Outcome.REJECTED,),
    Expectation.CLOSED: (Outcome.CLOSED, Outcome.REQUESTED, Outcome.DENIED, Outcome.REJECTED),
}
"""The outcomes that meet each expectation."""
_LET_THROUGH = (Expectation.ALLOWED, Expectation.REQUIRED)


def run_tests(wanted: Wanted, report: Report, saying: Saying = silent, must_have: bool = True) -> TestRun | None:
    """What becomes of every assertion in the wanted files, or None after saying in the report what is malformed.

    `wanted.policies` are files of tests, policies that have some beside them, or folders. No test at all is an error, and
    where each `must_have` some a policy without is one too.
    """
    read_ones = [(source, load(source, report, folder=wanted.folder)) for source in _files(wanted, report, must_have)]
    if report.has_errors():
        return None
    if not read_ones:
        report.error("no-tests", "there is no file of tests", help=f"write one beside the policy: NAME{SUFFIX}")
        return None
    verdicts: list[Verdict] = []
    for _, tests in read_ones:
        if tests is not None:
            saying(f"testing {tests.policy.name}")
            verdicts += _verdicts(tests, wanted, report)
    return (
        None
        if report.has_errors()
        else TestRun(tuple(verdicts), tuple(one.path for one, _ in read_ones), report.sources)
    )


def _verdicts(tests: PolicyTests, wanted: Wanted, report: Report) -> Iterator[Verdict]:
    for assertion in tests.assertions:
        try:
            yield verdict_of(tests.policy, assertion, assertion.day or wanted.day_of(tests.policy))
        except Unfilled as error:
            report.error(
                "unfilled", harmless(str(error)), assertion.at, "answer the questions in the file of tests: fill-in"
            )
            return


def verdict_of(policy: Policy, assertion: Assertion, day: date) -> Verdict:
    """Whether the policy's rules meet an assertion. Raises Unfilled.

    What is to be stopped must also pass one of its firewalls: where nothing enforces it, it is not stopped.
    """
    programs = encode_rules(policy, day)
    asked = _asked(assertion)
    words = tuple(outcome.value for outcome in MEETS[assertion.expect])
    if assertion.expect is Expectation.CLOSED:
        words = (*words, *ANSWERED_OUTCOMES)
    verdict = partial(Verdict, assertion.label, assertion.expect.value, at=assertion.at, policy=policy.name)
    try:
        packet = (asked - PacketSet.decided(programs, *words)).witness()
        free = None if packet or assertion.expect in _LET_THROUGH else _free(policy, asked)
    except Undecided as error:
        return verdict(holds=False, found=harmless(str(error)), is_decided=False)
    if packet is not None:
        program = programs[packet.family]
        decision = _decision(program.origin[program.decide(point(packet), {})])
        rule = decision.rule
        return verdict(
            holds=False,
            found=_found(decision),
            said="" if rule is None else rule.label,
            decided_at=NOWHERE if rule is None else rule.at,
            witness=str(packet),
            because=assertion.because,
        )
    if free is not None:
        return verdict(holds=False, found=free[1], witness=str(free[0]), because=assertion.because)
    return verdict(holds=True)


def _free(policy: Policy, asked: PacketSet) -> tuple[Packet, str] | None:
    """A packet that is to be stopped and that no rule can stop, and why; None if there is none.

    Essentials and loopback pass whatever the rules say. An assertion about much else is not about them; one about nothing else
    is wrong.
    """
    away, settled = EVERYTHING, EVERYTHING
    for firewall in policy.firewalls.values():
        passage = encode_passage(policy, firewall)
        away = away & PacketSet.decided(passage, Outcome.UNENFORCED.value)
        settled = settled & PacketSet.decided(passage, *SETTLED_OUTCOMES)
    packet = (asked & away).witness()
    if packet is not None:
        return packet, "not enforced: it passes no firewall of this policy"
    if (asked - settled).is_empty():
        packet = asked.witness()
        return None if packet is None else (packet, "settled before any rule: an essential, or loopback")
    return None


def _found(decision: Decision) -> str:
    if decision.outcome is Outcome.CLOSED and decision.rule is None:
        return "closed: no rule speaks of it"
    return decision.verdict


def _decision(origin: object) -> Decision:
    assert isinstance(origin, Decision)  # noqa: S101 - encode gives every step its decision
    return origin


def _asked(assertion: Assertion) -> PacketSet:
    """The packets that an assertion speaks of."""
    asked = _spoken(assertion, assertion.terms)
    return asked - _spoken(assertion, assertion.excepted) if assertion.excepted else asked


def _spoken(assertion: Assertion, terms: tuple[Term, ...]) -> PacketSet:
    ends = Ends(tuple(map(_zone, assertion.sources)), tuple(map(_zone, assertion.destinations)))
    rule = Rule(Verb.ALLOW, (ends,), terms, assertion.at)
    return PacketSet.of({family: rule_boxes(rule, family) for family in FAMILIES})


def _zone(end: End) -> Zone:
    return end.zone or Zone(end.word, end.addresses)


def _files(wanted: Wanted, report: Report, must_have: bool) -> Iterator[Source]:
    """The texts of the wanted tests, each once."""
    seen: set[Path] = set()
    for one in wanted.policies or ("",):
        if isinstance(one, Source):
            yield one
            continue
        for path in _paths(wanted.folder, one, report, must_have):
            if path not in seen:
                seen.add(path)
                try:
                    yield Source(str(path), read(wanted.folder / path).text)
                except UnreadableSource as error:
                    report.error("unreadable", harmless(str(error).replace(f"{wanted.folder}/", "")))


def _paths(folder: Path, named: str, report: Report, must_have: bool) -> Iterator[Path]:
    """The files of tests that a word names: the file itself, those beside a policy, those in a folder."""
    here = folder / named
    if here.is_dir():
        yield from sorted(Path(named) / path.name for path in here.glob(f"*{SUFFIX}"))
    elif named.endswith(SUFFIX) or not here.is_file():
        yield Path(named)
    else:
        stem = here.name.removesuffix(here.suffix) if here.suffix in SUFFIXES else here.name
        beside = here.with_name(stem + SUFFIX)
        if beside.is_file():
            yield Path(named).with_name(beside.name)
        elif must_have:
            report.error("no-tests", f"{harmless(named)} has no tests beside it", help=f"write {stem}{SUFFIX}")
