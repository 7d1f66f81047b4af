"""A ruleset is proved equal to a policy at every instant, or a packet and an instant show where it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import enforce
from firewright.analysis.path import intervals
from firewright.analysis.validate import Mismatch, Proof, first_instant, joined, validate
from firewright.model.moment import Instant
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy
from firewright.space.axis import point
from firewright.space.box import EVERY_BOX
from firewright.space.encode import encode_enforced
from firewright.space.program import Program
from firewright.space.ruleset import Hook, Ruleset
from tests.language.world import policy as read_policy
from tests.policies import DAY, policies

WORDS = ("accept", "drop", "reject")


def ruleset(programs: dict[Family, Program], instants: tuple[int, ...] = ()) -> Ruleset:
    """A ruleset that decides everything by these programs, whichever hook a packet passes."""
    return Ruleset("made by hand", dict.fromkeys((Hook.INPUT, Hook.FORWARD, Hook.OUTPUT), programs), instants=instants)


def copied(program: Program, at: int | None = None, verdict: str = "") -> Program:
    """The same program; the step `at`, if it decides, with another verdict."""
    out = Program(program.family)
    for step, (box, said) in enumerate(zip(program.box, program.verdict, strict=True)):
        word = verdict if step == at and isinstance(said, str) else said
        index = out.add(box, word if isinstance(word, str) else None, program.origin[step], program.literals[step])
        if isinstance(said, int):
            out.skip(index, said)
    return out.seal()


@settings(max_examples=60, deadline=None)
@given(policies(), st.integers(0, 200), st.sampled_from(WORDS), st.sampled_from(FAMILIES))
def test_a_planted_fault_is_found_or_changes_nothing(found: Policy, at: int, verdict: str, family: Family) -> None:
    """Law: a ruleset equals its policy, unless the specification itself says otherwise of the packet that is shown."""
    found = replace(found, rules=tuple(replace(rule, until=None, overrides=()) for rule in found.rules))
    (firewall,) = found.firewalls.values()
    programs = encode_enforced(found, firewall, DAY)
    assert isinstance(validate(found, firewall, lambda _: ruleset(programs), DAY), Proof)
    changed = {**programs, family: copied(programs[family], at % (len(programs[family]) - 1), verdict)}
    result = validate(found, firewall, lambda _: ruleset(changed), DAY)
    if isinstance(result, Mismatch):
        wanted = enforce(found, firewall, result.packet, DAY, result.carried)
        place, literals = point(result.packet), dict.fromkeys(result.carried, True)
        seen = changed[family].verdict[changed[family].decide(place, literals)]
        assert wanted.action.value != result.found == seen
        assert result.wanted.action is wanted.action


DATED = """
timezone: Europe/London
zones: {inside: [192.0.2.0/24, "2001:db8:1::/48"]}
firewalls: {edge: {between: [internet, inside]}}
rules:
  - {from: internet, to: inside, allow: https}
  - {from: internet, to: inside, allow: ssh, until: 2027-03-31}
"""


def at_each_instant(found: Policy, start: date, shift: float = 0, from_start: bool = True) -> Mismatch | Proof:
    """The proof of a ruleset whose permissions end `shift` seconds late, and which knows no beginning without `from_start`."""
    (firewall,) = found.firewalls.values()
    days = intervals(found, start)
    begins = [first_instant(day, found) + shift * (day != start) for day in days]

    def at(instant: Instant) -> Ruleset:
        holding = [day for day, begin in zip(days, begins, strict=True) if begin <= instant]
        day = holding[-1] if holding else (days[-1] if from_start else days[0])
        return ruleset(encode_enforced(found, firewall, day), tuple(int(begin) for begin in begins))

    return validate(found, firewall, at, start)


def test_the_end_of_a_permission_is_proved_to_the_second() -> None:
    """A permission that ends on the first instant of the next day where the policy is passes; a second off either way does not."""
    found = read_policy(DATED)
    proof = at_each_instant(found, DAY)
    assert isinstance(proof, Proof)
    assert proof.stretches == 2
    end = first_instant(date(2027, 4, 1), found)
    assert end == 1806534000  # midnight of British summer time, an hour before midnight UTC
    for shift in (-1, 1, 3600):
        late = at_each_instant(found, DAY, shift)
        assert isinstance(late, Mismatch)
        assert min(end, end + shift) <= late.instant < max(end, end + shift)
        assert late.packet.selector == 22


def test_a_clock_that_was_set_back_opens_nothing_again() -> None:
    """A ruleset whose dated permission holds before its first day too is refused, at an instant before that day."""
    wrong = at_each_instant(read_policy(DATED), DAY, from_start=False)
    assert isinstance(wrong, Mismatch)
    assert wrong.instant < first_instant(DAY, read_policy(DATED))
    assert wrong.found == "accept"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("hook", [Hook.INPUT, Hook.FORWARD, Hook.OUTPUT])
def test_a_hook_without_a_chain_is_found(hook: Hook, family: Family) -> None:
    """A ruleset that leaves a hook out, or lets everything of one family pass there, is refused with a packet of it."""
    found = read_policy(DATED.replace(", until: 2027-03-31", ""))
    (firewall,) = found.firewalls.values()
    programs = encode_enforced(found, firewall, DAY)
    opened = Program(family)
    opened.add(EVERY_BOX, "accept")
    whole = ruleset(programs)
    for hooks in (
        {one: own for one, own in whole.hooks.items() if one is not hook},
        {**whole.hooks, hook: {**programs, family: opened}},
    ):
        wrong = validate(found, firewall, lambda _, hooks=hooks: replace(whole, hooks=hooks), DAY)  # type: ignore[misc]
        assert isinstance(wrong, Mismatch)
        assert wrong.found == "accept"
        assert (not wrong.packet.out_interface) == (hook is Hook.INPUT)
        assert (not wrong.packet.in_interface) == (hook is Hook.OUTPUT)


def test_results_of_families_are_joined_and_none_prove_nothing() -> None:
    """The earliest mismatch of any family is that of all, proofs count the most steps, and no results are refused."""
    found = read_policy(DATED)
    early, late = (at_each_instant(found, DAY, shift) for shift in (-3600, -1))
    assert isinstance(early, Mismatch) and isinstance(late, Mismatch) and early.instant < late.instant
    assert joined([Proof(2, 5), late, early]) is early
    assert joined([Proof(2, 5), Proof(2, 7)]) == Proof(2, 7)
    with pytest.raises(ValueError):
        joined([])
