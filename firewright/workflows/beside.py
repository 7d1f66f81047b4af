"""What a table does beside deciding: how long flows are remembered, which helper reads them, what is logged, and where it hooks.

No program of its verdicts says that, and it is part of what the table means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from firewright.diagnostic import harmless
from firewright.readers.nftables.keys import sets_of
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Gate,
    ListedChain,
    ListedRule,
    ListedTable,
    Listing,
    Match,
    VerdictMap,
)
from firewright.readers.nftables.wording import say_rule
from firewright.space.ruleset import Hook

Bare: TypeAlias = tuple[tuple[ListedTable, ...], tuple[str, ...]]
"""Tables without what has no meaning, and the objects of connection tracking that their rules name."""
_TREATING = ("ct timeout ", "ct helper ")
"""Effects that change what becomes of a flow later on."""


def bare(listing: Listing, objects: tuple[str, ...]) -> Bare:
    """A listing without what has no meaning: handles, comments, counters, and what packets put into sets. O(rules)."""
    return tuple(_bare_table(one) for one in listing.tables), objects


def _bare_table(table: ListedTable) -> ListedTable:
    chains = {name: replace(one, rules=tuple(map(_bare_rule, one.rules))) for name, one in table.chains.items()}
    sets = {name: replace(one, members=(), rows=()) if one.is_filled else one for name, one in table.sets.items()}
    return replace(
        table, chains={name: one for name, one in chains.items() if one.hook or one.rules}, sets=sets, helpers={}
    )


def _bare_rule(rule: ListedRule) -> ListedRule:
    kept = tuple(one for one in rule.statements if not (isinstance(one, Effect) and one.text == "counter"))
    return ListedRule(0, kept, refused=rule.refused)


def effects(tables: Iterable[ListedTable]) -> Iterator[Effect]:
    """Whatever the rules of some tables do beside deciding."""
    for table in tables:
        for chain in table.chains.values():
            for rule in chain.rules:
                yield from (part for part in rule.statements if isinstance(part, Effect))


def treatment(chain: ListedChain) -> str:
    """What rules of a chain do to flows beside deciding, in words."""
    parts = (part for rule in chain.rules for part in rule.statements if isinstance(part, Effect))
    found = sorted(f" with {part.text}" for part in parts if part.text.startswith(_TREATING))
    return "".join(dict.fromkeys(found))


def deeds(side: Bare) -> Iterator[tuple[str, str, str]]:
    """Each thing that a text does and no program of its verdicts says: its place, its words, and all of it for comparing."""
    tables, objects = side
    yield from (("ct objects", one, "") for one in objects)
    for table in tables:
        if table.is_dormant:
            yield table.title, "is switched off", ""
        for chain in table.chains.values():
            if chain.hook and not (chain.kind in ("filter", "route") and chain.hook in tuple(Hook)):
                yield f"{table.title} {chain.name}", f"type {chain.kind} hook {chain.hook}", repr(chain)
            elif chain.hook and (chain.rules or chain.policy != "accept"):
                # Before or behind the tables of others, and behind connection tracking or before it.
                yield table.title, f"a chain of hook {chain.hook} at priority {chain.priority}", ""
            for rule in chain.rules:
                if rule.refused or not all(
                    isinstance(one, Match | Decide | VerdictMap | Gate) for one in rule.statements
                ):
                    words = harmless(rule.refused or say_rule(rule.statements))
                    yield f"{table.title} {chain.name}", words, repr((rule, _asked(table, rule)))
        for name, one in table.sets.items():
            if one.is_filled or one.is_fading:
                yield f"{table.title} {name}", "its elements do not stay as they are", repr(one)


def _asked(table: ListedTable, rule: ListedRule) -> tuple[object, ...]:
    """What is in the sets that a rule asks."""
    names = sorted({name for part in rule.statements for name in sets_of(part)})
    return tuple(table.sets.get(name) for name in names)
