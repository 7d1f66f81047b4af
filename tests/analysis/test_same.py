"""A ruleset without a needed rule is found to do something else; without a needless one it is proved to do the same."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.rulebook import Rulebook, marked
from firewright.analysis.same import first_otherwise
from firewright.readers.iptables import parse
from firewright.workflows.rulebooks.iptables import rulebook, without
from tests.workflows import tidying


def _found(before: Rulebook, after: Rulebook, gone: set[tuple[str, str, int]]) -> bool:
    news = dict(after.programs)
    return any(
        first_otherwise(
            marked(title, program, before.facts),
            marked(title, news[title], after.facts) if title in news else None,
            gone,
        )
        is not None
        for title, program in before.programs
    )


def _fate(chains: tidying.Chains, policy: str, packet: tidying.Packet) -> tuple[frozenset[str], str]:
    *logs, verdict = tidying.fate(chains, policy, packet)
    return frozenset(logs), verdict


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(("ACCEPT", "DROP")))
def test_exactly_the_rules_that_matter_are_missed(seed: int, policy: str) -> None:
    """Law: a rule is missed exactly if without it some packet, by hand, meets another verdict, or a log more or less."""
    chains = tidying.chains_by(Random(seed), 10)
    dump = parse(tidying.saved(chains, policy), "a.rules")
    before = rulebook(dump)
    for key, fact in before.facts.items():
        rule = next(one for rules in chains.values() for one in rules if f'"{one.mark}"' in fact.line.text)
        if rule.target == "LOG":
            continue  # That its own log is missing is what was asked for.
        smaller = tidying.without(chains, frozenset((rule.mark,)))
        differs = any(_fate(chains, policy, packet) != _fate(smaller, policy, packet) for packet in tidying.WORLD)
        assert _found(before, rulebook(without(dump, {key})), {key}) == differs, rule
