"""The same ruleset under another clock."""

from __future__ import annotations

from dataclasses import replace

from firewright.syntax.nftables.statement import Compare, Statement
from firewright.syntax.nftables.table import Chain, Rule, Table


def shifted(table: Table, seconds: int, apart: int = 0) -> Table:
    """The table with every instant moved by so many seconds, so that an end can be seen to pass; none goes before 1970.

    Ends are moved by `apart` seconds more, so that the time before the first of them is so much longer.
    """
    return replace(table, chains=tuple(_chain(chain, seconds, apart) for chain in table.chains))


def _chain(chain: Chain, seconds: int, apart: int) -> Chain:
    if not any(isinstance(one, Compare) for rule in chain.rules for one in rule.statements):
        return chain
    return replace(chain, rules=tuple(_rule(rule, seconds, apart) for rule in chain.rules))


def _rule(rule: Rule, seconds: int, apart: int) -> Rule:
    return replace(rule, statements=tuple(_statement(one, seconds, apart) for one in rule.statements))


def _statement(one: Statement, seconds: int, apart: int) -> Statement:
    if not isinstance(one, Compare):
        return one
    return Compare(one.is_before, max(0, one.instant + seconds + (apart if one.is_before else 0)))
