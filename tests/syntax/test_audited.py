"""Audit mode as a change of the tree: what refuses stays, and before it stands what counts, remembers and lets pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.syntax.nftables import (
    Chain,
    Compare,
    Counter,
    Field,
    Hook,
    Log,
    Masked,
    Record,
    Records,
    Rule,
    Table,
    Verdict,
    VerdictMap,
    Word,
    name,
    render,
)
from firewright.syntax.nftables.audited import LOGGED, PREFIX, WOULD_DROP, audited
from firewright.writers.nftables import lower
from tests.policies import DAY
from tests.writers.test_faults import EDGE, HOST

DROP, ACCEPT = Verdict(Word.DROP), Verdict(Word.ACCEPT)
ENDED = Rule((Counter(), DROP), "closed")
REFUSING = (Word.DROP, Word.RESET, Word.UNREACHABLE)


def base(*rules: Rule) -> Table:
    """A table of one base chain."""
    return Table("policy p, firewall f", (Chain("input", rules, Hook.INPUT),))


def lines(table: Table, chain: str = "input") -> list[str]:
    """The rules of a chain as text."""
    text = render(table).split(f"chain {chain} {{\n")[1].split("\t}\n")[0]
    return [line.strip() for line in text.splitlines() if not line.strip().startswith("type ")]


@pytest.mark.parametrize("policy", [EDGE, HOST], ids=["edge", "host"])
def test_whatever_refuses_has_its_way_out_before_it(policy: Policy) -> None:
    """Nothing of the table is taken away or changed, and all that is new in its chains are rules with the time, before refusals."""
    (firewall,) = policy.firewalls.values()
    before = lower(policy, firewall, DAY, Report())
    after = audited(before, 1000, 2000)
    own = {chain.name: chain for chain in after.chains if not chain.name.startswith(PREFIX)}
    when = (Compare(False, 1000), Compare(True, 2000))
    assert list(own) == [chain.name for chain in before.chains]
    added = 0
    for chain in before.chains:
        new = [rule for rule in own[chain.name].rules if when[0] in rule.statements]
        assert tuple(rule for rule in own[chain.name].rules if rule not in new) == chain.rules
        assert all(rule.statements[-3:-2] == when[1:] or isinstance(rule.statements[-1], Log) for rule in new)
        assert bool(new) == any(
            isinstance(one, Verdict) and one.word in REFUSING for rule in chain.rules for one in rule.statements
        )
        added += len(new)
    assert added > 20
    assert (after.groups, after.timeouts, after.helpers) == (before.groups, before.timeouts, before.helpers)


def test_a_rejecting_chain_counts_for_itself_only_what_it_rejects() -> None:
    """The way out stands before the counter of a chain that rejects; a rule's own log has words of its own in audit mode."""
    said = "reject: telnet (policy.yaml:4)"
    reset = Rule((Verdict(Word.RESET),))
    table = Table("c", (Chain("input", (ENDED,), Hook.INPUT), Chain("telnet", (Rule((Counter(),), said), reset))))
    assert lines(audited(table, 7), "telnet") == [
        f'meta time >= 7 counter goto {WOULD_DROP} comment "{said}"',
        f'counter comment "{said}"',
        "reject with tcp reset",
    ]
    logged = Table("c", (Chain("input", (Rule((Log("firewright telnet: "),)), ENDED), Hook.INPUT),))
    assert lines(audited(logged, 7, 9)) == [
        'meta time >= 7 meta time < 9 limit rate 10/second burst 20 packets log prefix "firewright would-drop telnet: "',
        f'meta time >= 7 meta time < 9 counter goto {LOGGED} comment "closed"',
        'limit rate 10/second burst 20 packets log prefix "firewright telnet: "',
        'counter drop comment "closed"',
    ]


def test_a_rule_that_refuses_some_is_copied_with_what_it_asks() -> None:
    """Before a refusal in the middle of a chain stands a copy with the same matches, and what comes behind still decides."""
    some = Rule((Verdict(Word.RETURN),))
    table = base(Rule((Compare(True, 5), Counter(), DROP), "early"), some, ENDED)
    assert lines(audited(table, 7)) == [
        f'meta time < 5 meta time >= 7 counter goto {WOULD_DROP} comment "early"',
        'meta time < 5 counter drop comment "early"',
        "return",
        f'meta time >= 7 counter goto {WOULD_DROP} comment "closed"',
        'counter drop comment "closed"',
    ]


def test_no_word_of_people_is_a_name_of_audit_mode() -> None:
    """Names that are made of people's words never have two underscores in a row, so none is taken for a set of audit mode."""
    tricky = ("audit__would_drop", "audit__in_openings_v4", "audit -- in", "_audit__", "audit_", "audit__x" * 40)
    assert not any("__" in name(text) for text in tricky)
    assert not any(name(text).startswith(PREFIX) for text in tricky)
    table = audited(lower(EDGE, EDGE.firewalls["edge"], DAY, Report()), 1, 2)
    assert all(one.name.startswith(PREFIX) for one in table.records)
    assert len({one.name for one in table.records}) == len(table.records) == 32


@pytest.mark.parametrize(
    "make",
    [
        lambda: audited(base(ENDED), 5, 5),
        lambda: audited(base(ENDED), 5, 4),
        lambda: audited(base(ENDED), -1),
        lambda: audited(base(Rule((VerdictMap((Masked(Field.SOURCE4),), ((((1, 1),), DROP),)),)), ENDED), 5),
        lambda: Record("no set", (Field.SOURCE4,)),
        lambda: Record("some", ()),
        lambda: Records("some", (), 5, 5),
        lambda: Records("some", (Field.SOURCE4,), 0, 5),
        lambda: Records("some", (Field.SOURCE4,), 5, 0),
        lambda: Records("some", (Field.STATE, Field.SOURCE4, Field.DESTINATION4, *[Field.SOURCE_PORT] * 3), 5, 5),
        lambda: Records("some", (Field.IN_INTERFACE, Field.OUT_INTERFACE, Field.SOURCE6, Field.DESTINATION6, Field.PROTOCOL), 5, 5),
        lambda: base(Rule((Record("some", (Field.SOURCE4,)), Counter(), DROP))),
        lambda: replace(base(ENDED), records=(Records("some", (Field.SOURCE4,), 5, 5),) * 2),
        lambda: Table(
            "c",
            (Chain("input", (Rule((Record("some", (Field.SOURCE4,)), Counter(), DROP)),), Hook.INPUT),),
            records=(Records("some", (Field.SOURCE6,), 5, 5),),
        ),
    ],
)  # fmt: skip
def test_what_could_go_wrong_cannot_be_made(make: Callable[[], object]) -> None:
    """A time that is none, a map that refuses, a key that nft cannot list or the kernel not hold, sets that are not there."""
    with pytest.raises(ValueError, match=r".+"):
        make()


def test_a_full_set_ends_only_its_own_rule() -> None:
    """What remembers is followed by nothing but counting and accepting, and every chain of audit mode accepts at its end."""
    table = audited(lower(EDGE, EDGE.firewalls["edge"], DAY, Report()), 1, 2)
    for chain in table.chains:
        if not chain.name.startswith(PREFIX):
            continue
        assert isinstance(last := chain.rules[-1].statements[-1], Verdict)
        assert last == ACCEPT or last.word is Word.GOTO
        for rule in chain.rules:
            for here, there in pairwise(rule.statements):
                assert not isinstance(here, Record) or isinstance(there, Counter)
            assert not any(isinstance(one, Verdict) and one.word in REFUSING for one in rule.statements)
