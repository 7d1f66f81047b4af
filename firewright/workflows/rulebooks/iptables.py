"""A dump of iptables-save as a rulebook, and its text without some of its rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from firewright.analysis.rulebook import Fact, Key, Mark, Rulebook, key_of
from firewright.diagnostic import harmless
from firewright.readers.iptables import Dump, Rule, Table, encode
from firewright.readers.iptables.condition import Condition, Header
from firewright.readers.iptables.dump import Anything, Chain, Translate
from firewright.space.chain import Continue, Final, Goto, Jump, Return
from firewright.space.program import Program
from firewright.space.ruleset import Hook

_TARGET = re.compile(r"(?:^| )-j (?P<name>\S+)(?: --reject-with (?P<answer>\S+))?")
_BASE = tuple(hook.upper() for hook in Hook)
_COUNTS = "counts"


def rulebook(dump: Dump) -> Rulebook:
    """The rules of a dump. Raises Undecided.

    The tables of a hook are judged together, as packets pass them; each alone where a rule changes addresses or ports, for
    the tables behind it see other packets.
    """
    facts = {key_of(rule.line): _fact(rule) for rule in dump.rules()}
    is_serial = len({table.name for table in dump.tables}) > 1
    marked = replace(dump, tables=tuple(_with_marks(table, is_serial) for table in dump.tables))
    changes = any(isinstance(rule.target, Translate) for rule in dump.rules())
    judged, idle = _chains(dump)
    return Rulebook(
        dump.path,
        facts,
        tuple(_programs(marked, is_each_alone=changes)),
        judged,
        idle,
        frozenset(
            (chain.line.table, name)
            for table in dump.tables
            for name, chain in table.chains.items()
            if name not in _BASE
        ),
        "; ".join(f"{one.refused}: {one.text}" for table in dump.tables for one in table.strays),
    )


def without(dump: Dump, gone: Collection[Key]) -> Dump:
    """The same dump without some rules; the others keep their numbers."""
    tables = [
        replace(
            table,
            chains={
                name: replace(chain, rules=tuple(rule for rule in chain.rules if key_of(rule.line) not in gone))
                for name, chain in table.chains.items()
            },
        )
        for table in dump.tables
    ]
    return replace(dump, tables=tuple(tables))


def words(dump: Dump, gone: Collection[Key] = (), chains: Collection[tuple[str, str]] = ()) -> object:
    """What two dumps have in common if they say the same, once some rules and chains are taken away."""
    return [
        (
            table.family,
            table.name,
            [
                (name, chain.policy, [rule.line.text for rule in chain.rules if key_of(rule.line) not in gone])
                for name, chain in sorted(table.chains.items())
                if (chain.line.table, name) not in chains
            ],
        )
        for table in dump.tables
    ]


def _programs(dump: Dump, *, is_each_alone: bool) -> Iterator[tuple[str, Program]]:
    for tables in [(table,) for table in dump.tables] if is_each_alone else [dump.tables]:
        families = {table.family for table in tables}
        for hook, programs in encode(replace(dump, tables=tables)).hooks.items():
            for family, program in programs.items():
                if family in families:
                    alone = f" {tables[0].name}" if is_each_alone else ""
                    yield f"{hook}{alone} IPv{family}", program


def _fact(rule: Rule) -> Fact:
    effects: tuple[str, ...] = tuple(_remembering(rule))
    word, calls = "", ()
    target = rule.target
    found = _TARGET.search(rule.line.text)
    name = found["name"] if found else ""
    match target:
        case Final("reject"):
            word = f"reject {found['answer'] or ''}".rstrip() if found else "reject"
        case Final(decided):
            word = decided
        case Return():
            word = "return"
        case Jump(chain) | Goto(chain):
            calls = (harmless(chain),)  # type: ignore[assignment]
        case Continue():
            effects = (*effects, harmless(name, 40) or _COUNTS)
        case Anything(text):
            effects = (*effects, harmless(text, 80))
        case Translate():
            effects = (*effects, harmless(name, 40))
    is_final = not rule.conditions and isinstance(target, Final | Return | Goto | Translate)
    return Fact(rule.line, word, effects, calls, isinstance(target, Jump), is_final)


def _remembering(rule: Rule) -> Iterator[str]:
    """The matches of a rule that remember packets: limits, and all whose answer is of this place alone."""
    for condition in rule.conditions:
        if isinstance(condition, Header) and _remembers(condition):
            yield harmless(condition.unknown, 80)


def _remembers(condition: Condition) -> bool:
    return isinstance(condition, Header) and any(" at " in text for _, read in condition.clauses for text, _ in read)


def _with_marks(table: Table, is_serial: bool) -> Table:
    is_plain = table.name == "filter" and not is_serial
    chains = {
        name: replace(chain, rules=tuple(one for rule in chain.rules for one in _marked(rule, is_plain)))
        for name, chain in table.chains.items()
    }
    return replace(table, chains=chains)


def _marked(rule: Rule, is_plain: bool) -> Iterator[Rule]:
    """A rule, with a mark before it if it does more than decide, calls, or goes on elsewhere.

    Unless `filter` is alone, every rule has one: accept goes on at the next table then, and what goes on at the very next step
    is no step at all; and a table without anything that stops packets would not be there.
    """
    asked = next((place for place, one in enumerate(rule.conditions) if _remembers(one)), None)
    if asked is not None:
        yield _mark(rule, Mark.EFFECT, rule.conditions[:asked])
    elif isinstance(rule.target, Continue | Anything | Translate):
        yield _mark(rule, Mark.EFFECT, rule.conditions)
    if isinstance(rule.target, Jump | Goto | Return) or not is_plain:
        yield _mark(rule, Mark.CALL, rule.conditions)
    yield rule


def _mark(rule: Rule, mark: Mark, conditions: tuple[Condition, ...]) -> Rule:
    line = replace(rule.line, table=f"{mark} {rule.line.table}")
    return Rule(line, conditions, Anything(mark))


def _chains(dump: Dump) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """The chains that built-in ones reach, and those that none does."""
    reached: set[tuple[str, str]] = set()
    every: set[tuple[str, str]] = set()
    for table in dump.tables:
        for base in table.chains.values():
            every.add((base.line.table, base.name))
            if base.name in _BASE:
                reached |= {(base.line.table, name) for name in _reached(table.chains, base)}
    return frozenset(reached), frozenset(every - reached)


def _reached(chains: Mapping[str, Chain], base: Chain) -> set[str]:
    found, waiting = {base.name}, [base]
    while waiting:
        for rule in waiting.pop().rules:
            if isinstance(rule.target, Jump | Goto) and rule.target.chain not in found:
                found.add(rule.target.chain)
                waiting.append(chains[rule.target.chain])
    return found
