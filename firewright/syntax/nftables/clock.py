"""The same ruleset under another clock."""

from __future__ import annotations

from dataclasses import replace

from firewright.syntax.nftables.statement import Compare, Statement
from firewright.syntax.nftables.table import Chain, Rule, Table


def shifted(table: Table, seconds: int) -> Table:
    """The table with every instant moved by so many seconds, so that an end can be seen to pass; none goes before 1970."""
    return replace(table, chains=tuple(_chain(chain, seconds) for chain in table.chains))


def _chain(chain: Chain, seconds: int) -> Chain:
    if not any(isinstance(one, Compare) for rule in chain.rules for one in rule.statements):
        return chain
    return replace(chain, rules=tuple(_rule(rule, seconds) for rule in chain.rules))


def _rule(rule: Rule, seconds: int) -> Rule:
    return replace(rule, statements=tuple(_statement(one, seconds) for one in rule.statements))


def _statement(one: Statement, seconds: int) -> Statement:
    return Compare(one.is_before, max(0, one.instant + seconds)) if isinstance(one, Compare) else one
