"""The tables of others on a machine, each read by itself: what is listed of it, and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewright.analysis.makers import makers
from firewright.analysis.neighbours import Base, Neighbour
from firewright.diagnostic import harmless
from firewright.live.machine import Saved
from firewright.readers.iptables import encode as encode_saved
from firewright.readers.iptables import parse as parse_saved
from firewright.readers.nftables import UnreadableListing, encode, parse
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Handover,
    ListedTable,
    Listing,
    Statement,
    VerdictMap,
)
from firewright.space.budget import Undecided
from firewright.space.ruleset import Line, Ruleset
from firewright.workflows.live import Seen

OURS = "inet firewright"
"""The one table that is no neighbour."""
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
"""The priorities of the tables of iptables; nat at the hooks behind the decision where a packet goes is at 100 (linux/netfilter_ipv4.h)."""
_LATE = ("POSTROUTING", "INPUT")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A table of others, read: what is listed of it, and its meaning, None where it could not be read."""

    listed: Neighbour
    ruleset: Ruleset | None


def foreign(seen: Seen) -> Iterator[Foreign]:
    """Every table of others, in the order of the listing, those of iptables after it."""
    tables = seen.machine.tables
    if tables.listing is not None:
        try:
            listing = parse(tables.listing.json, "", tables.listing.text)
        except UnreadableListing:
            return  # Seeing it says so.
        for table in listing.tables:
            if table.title != OURS:
                yield _of_nft(listing, table, seen.instant)
    for saved in tables.saved:
        yield from _of_iptables(saved, seen.instant)


def _of_nft(listing: Listing, table: ListedTable, instant: int) -> Foreign:
    """A table by itself, beside what other tables change on packets."""
    bases = tuple(
        Base(harmless(one.name, 64), one.kind, harmless(one.hook, 64), one.priority, one.policy)
        for one in table.chains.values()
        if one.hook
    )
    neighbour = Neighbour(
        table=harmless(table.title, 100),
        program="nft",
        makers=makers(table.title, table.chains),
        bases=tuple(sorted(bases, key=lambda one: (one.hook, one.priority, one.chain))),
        rules=sum(len(chain.rules) for chain in table.chains.values()),
        bounded=0,
        is_dormant=table.is_dormant,
    )
    alone = replace(
        listing, tables=tuple(one if one is table else _changing(one) for one in listing.tables), diagnostics=()
    )
    try:
        ruleset = encode(alone, instant)
    except Undecided as error:
        return Foreign(replace(neighbour, unjudged=(harmless(str(error)),)), None)
    own = _only(ruleset, harmless(table.title))
    if table.family in _OF_FRAMES:
        own = replace(
            own, hooks={}
        )  # What it may stop is bounds of everything: it is said to be unjudged once instead.
    counted = _counted(neighbour, own)
    return Foreign(counted if _can_stop(table) else replace(counted, unjudged=()), own)


_OF_FRAMES = ("netdev", "bridge")


def _can_stop(table: ListedTable) -> bool:
    """Whether any chain of a table drops packets or hands them to what does: one that only counts and accepts cannot."""
    if any(chain.hook and chain.policy == "drop" for chain in table.chains.values()):
        return True
    rules = (rule for chain in table.chains.values() for rule in chain.rules)
    return any(rule.refused or any(map(_may_stop, rule.statements)) for rule in rules)


def _may_stop(statement: Statement) -> bool:
    if isinstance(statement, Decide):
        return statement.verdict.word in ("drop", "reject")
    return isinstance(statement, VerdictMap | Handover)


def _changing(table: ListedTable) -> ListedTable:
    """A table without hooks and without all its rules but those that set something, which other tables may look at."""
    chains = {
        name: replace(
            chain,
            hook="",
            rules=tuple(rule for rule in chain.rules if any(map(_changes, rule.statements))),
        )
        for name, chain in table.chains.items()
    }
    return replace(table, chains=chains)


def _changes(statement: Statement) -> bool:
    return bool(statement.changes) if isinstance(statement, Effect) else isinstance(statement, Handover)


def _only(ruleset: Ruleset, title: str) -> Ruleset:
    """A ruleset with the rules of one table: the others hook nothing in it."""

    def of_table(lines: tuple[Line, ...]) -> tuple[Line, ...]:
        return tuple(line for line in lines if line.table == title)

    return replace(ruleset, lines=of_table(ruleset.lines), translations=of_table(ruleset.translations))


def _counted(neighbour: Neighbour, ruleset: Ruleset) -> Neighbour:
    return replace(
        neighbour,
        bounded=len(ruleset.bounded),
        translations=tuple(f"{line.place}: {line.text}" for line in ruleset.translations),
        unjudged=tuple(one.message for one in ruleset.diagnostics if one.name in ("not-judged", "chains-not-followed")),
    )


def _of_iptables(saved: Saved, instant: int) -> Iterator[Foreign]:
    """The tables of iptables in one text, one by one."""
    dump = parse_saved(saved.text, saved.program, saved.family)
    for table in dump.tables:
        title = f"{'ip' if saved.family == 4 else 'ip6'} {table.name}"
        rules = tuple(rule.line for chain in table.chains.values() for rule in chain.rules)
        bases = (
            Base(chain.name, "nat" if table.name == "nat" else "filter", chain.name.lower(), priority, chain.policy)
            for chain in table.chains.values()
            if chain.policy
            for priority in (_priority(table.name, chain.name),)
        )
        neighbour = Neighbour(
            table=title,
            program=saved.program,
            makers=makers(title, table.chains),
            bases=tuple(sorted(bases, key=lambda one: (one.hook, one.priority, one.chain))),
            rules=len(rules),
            bounded=0,
        )
        alone = replace(dump, tables=(table,), lines=(*rules, *table.strays), diagnostics=())
        try:
            ruleset = encode_saved(alone, instant)
        except Undecided as error:
            yield Foreign(replace(neighbour, unjudged=(harmless(str(error)),)), None)
        else:
            yield Foreign(_counted(neighbour, ruleset), ruleset)


def _priority(table: str, chain: str) -> int:
    return 100 if table == "nat" and chain in _LATE else _PRIORITIES[table]
