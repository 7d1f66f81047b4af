"""A listing of nftables as a rulebook: marks where a rule does more than decide, or calls; what no rule names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from firewright.analysis.rulebook import Fact, Key, Mark, Rulebook, Thing
from firewright.diagnostic import harmless
from firewright.readers.nftables import Listing, encode
from firewright.readers.nftables.conditions import CATCH_ALL
from firewright.readers.nftables.parsing import objects
from firewright.readers.nftables.tree import (
    Decide,
    Effect,
    Fill,
    Gate,
    Handover,
    ListedChain,
    ListedRule,
    ListedSet,
    ListedTable,
    Pairs,
    Reference,
    Statement,
    Translate,
    Verdict,
    VerdictMap,
    Word,
)
from firewright.readers.nftables.tree import Key as Looked
from firewright.source import Span
from firewright.space.ruleset import Hook, Line

OBJECTS = (
    "set", "map", "flowtable", "counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy",
)  # fmt: skip
"""What a table may have beside chains, by its word in JSON (libnftables-json(5))."""
_FAMILIES, _JUDGING = ("inet", "ip", "ip6"), ("filter", "route")
_CALLING = ("jump", "goto")
_HANDLE = re.compile(r"[ \t]+# handle \d+$", re.MULTILINE)
_NAME = re.compile(r"[\w./\\-]+")
_Chain = tuple[str, str]


def rulebook(listing: Listing, listed_json: str) -> Rulebook:
    """The rules of a listing, `listed_json` being its JSON. Raises Undecided, UnreadableListing.

    A named set that is empty, or whose elements go with time, may hold anything; every other holds what the listing says.
    """
    given = replace(listing, tables=tuple(map(_open_sets, listing.tables)))
    plain = encode(given)
    rejects = _rejects(listed_json, listing.path)
    facts = {(line.table, line.chain, line.number): Fact(line) for line in plain.lines}
    for table in given.tables:
        if table.family in _FAMILIES:
            for chain in table.chains.values():
                for number, rule in enumerate(chain.rules, 1):
                    key = harmless(table.title), harmless(chain.name), number
                    facts[key] = _fact(facts[key].line, rule, table, rejects.get((table.title, chain.name, number), ""))
    hooks = Counter(chain.hook for table in given.tables for chain in table.chains.values() if chain.hook)
    is_serial = any(number > 1 for number in hooks.values())
    marked = encode(replace(given, tables=tuple(_with_marks(table, is_serial) for table in given.tables)))
    lost = [one for one in (*plain.diagnostics, *marked.diagnostics) if one.name == "chains-not-followed"]
    judged, idle = _chains(listing)
    return Rulebook(
        listing.path,
        facts,
        tuple(
            (f"{hook} IPv{family}", program)
            for hook, programs in marked.hooks.items()
            for family, program in programs.items()
        ),
        judged,
        idle,
        frozenset(
            (harmless(table.title), harmless(name))
            for table in listing.tables
            for name, chain in table.chains.items()
            if not chain.hook
        ),
        lost[0].message if lost else "",
    )


def without(listing: Listing, gone: Collection[Key]) -> Listing:
    """The same listing with nothing in the place of some rules; the others keep their numbers."""
    tables = []
    for table in listing.tables:
        chains = {
            name: replace(
                chain,
                rules=tuple(
                    ListedRule(rule.handle, ()) if (harmless(table.title), harmless(name), number) in gone else rule
                    for number, rule in enumerate(chain.rules, 1)
                ),
            )
            for name, chain in table.chains.items()
        }
        tables.append(replace(table, chains=chains))
    return replace(listing, tables=tuple(tables))


def _open_sets(table: ListedTable) -> ListedTable:
    def opened(one: ListedSet) -> ListedSet:
        is_empty = not one.members and not one.rows
        return replace(one, is_filled=one.is_filled or one.is_fading or is_empty)

    return replace(table, sets={name: opened(one) for name, one in table.sets.items()})


def _fact(line: Line, rule: ListedRule, table: ListedTable, reject: str) -> Fact:
    effects = [said for part in rule.statements if (said := _effect(part))]
    verdicts = list(_verdicts(rule, table))
    calls = tuple(dict.fromkeys(one.target for one in verdicts if one.word in _CALLING))
    decided = [part.verdict for part in rule.statements if isinstance(part, Decide)]
    word = decided[0].word if decided else ""
    is_final = bool(decided) and word not in ("continue", "jump") and not _may_end(rule.statements)
    return Fact(
        line,
        "" if word in (*_CALLING, "continue") else f"reject {reject}".rstrip() if word == "reject" else word,
        ("is not understood",) if rule.refused else tuple(dict.fromkeys(effects)),
        calls,
        bool(calls) and all(one.word in ("jump", "continue") for one in verdicts),
        is_final,
    )


def _may_end(statements: Sequence[Statement]) -> bool:
    """Whether a rule may end before its verdict, for some packet."""
    is_bare = all(
        isinstance(part, Decide) or (isinstance(part, Effect) and not part.looks and not part.changes)
        for part in statements
    )
    return not is_bare


def _effect(part: Statement) -> str:
    """What a statement does beside deciding, in words; empty where it does nothing else."""
    if isinstance(part, Effect | Gate | Handover | Translate | Fill):
        return harmless(part.text, 80)
    return ""


def _verdicts(rule: ListedRule, table: ListedTable) -> Iterator[Verdict]:
    for part in rule.statements:
        if isinstance(part, Decide):
            yield part.verdict
        elif isinstance(part, VerdictMap):
            rows = part.data.rows if isinstance(part.data, Pairs) else ()
            if isinstance(part.data, Reference) and part.data.name in table.sets:
                rows = table.sets[part.data.name].rows
            yield from (value for _, value in rows if isinstance(value, Verdict))


def _with_marks(table: ListedTable, is_serial: bool) -> ListedTable:
    chains = {
        name: replace(
            chain,
            rules=tuple(
                replace(rule, statements=tuple(_marked(rule, is_serial, not chain.hook))) for rule in chain.rules
            ),
        )
        for name, chain in table.chains.items()
    }
    return replace(table, chains=chains)


def _marked(rule: ListedRule, is_serial: bool, is_called: bool) -> Iterator[Statement]:
    """The statements of a rule with marks between them; `is_serial` says that accept may go on at another base chain.

    What goes on at the very next step is no step at all, so a mark stands for it. In a chain that is called each verdict has
    one: behind a rule that decides all that comes to it a reader leaves out what is dead while that rule is there.
    """
    is_open = True
    for part in rule.statements:
        if _effect(part):
            yield _mark(Mark.EFFECT)
        if isinstance(part, Decide):
            is_open = part.verdict.word == "continue"
            is_plain = part.verdict.word in ("drop", "reject") or (part.verdict.word == "accept" and not is_serial)
            if is_called or not is_plain:
                yield _mark(Mark.CALL)
        elif isinstance(part, VerdictMap):
            yield _mark(Mark.CALL)
        yield part
    if is_open and not any(isinstance(part, VerdictMap | Translate | Handover) for part in rule.statements):
        yield _mark(Mark.CALL)


def _mark(mark: Mark) -> Statement:
    """What drops under a literal that is the mark, and lets every other packet go on."""
    rows = ((Word(mark), Verdict("drop")), (CATCH_ALL, Verdict("continue")))
    return VerdictMap(Looked("meta", "meta mark of this program"), Pairs(rows))


def _chains(listing: Listing) -> tuple[frozenset[_Chain], frozenset[_Chain]]:
    """The chains that only judged base chains reach, and those that none does."""
    reached: dict[bool, set[_Chain]] = {True: set(), False: set()}
    every: set[_Chain] = set()
    for table in listing.tables:
        title = harmless(table.title)
        if table.family in _FAMILIES:
            every |= {(title, harmless(name)) for name in table.chains}
        for chain in table.chains.values():
            if chain.hook:
                is_judged = (
                    table.family in _FAMILIES
                    and not table.is_dormant
                    and chain.kind in _JUDGING
                    and chain.hook in tuple(Hook)
                )
                reached[is_judged] |= {(title, harmless(name)) for name in _reached(table, chain)}
    return frozenset(reached[True] - reached[False]), frozenset(every - reached[True] - reached[False])


def _reached(table: ListedTable, base: ListedChain) -> set[str]:
    found, waiting = {base.name}, [base]
    while waiting:
        chain = waiting.pop()
        called = {one.target for rule in chain.rules for one in _verdicts(rule, table)}
        # A statement that is not known here may call, in its own words.
        strange = {
            word
            for rule in chain.rules
            for part in rule.statements
            if isinstance(part, Handover)
            for word in _NAME.findall(part.text)
        }
        for name in ((called | strange) & table.chains.keys()) - found:
            found.add(name)
            waiting.append(table.chains[name])
    return found


def _rejects(listed_json: str, path: str) -> Mapping[tuple[str, str, int], str]:
    """How rules that reject do so, by table, chain and number."""
    found: dict[tuple[str, str, int], str] = {}
    count: dict[tuple[str, str], int] = defaultdict(int)
    for kind, body in objects(listed_json, path):
        if kind != "rule":
            continue
        title, chain = f"{body.get('family')} {body.get('table')}", str(body.get("chain"))
        count[title, chain] += 1
        expressions = body.get("expr")
        for one in expressions if isinstance(expressions, list) else ():
            if isinstance(one, dict) and "reject" in one:
                how = one["reject"] if isinstance(one["reject"], dict) else {}
                said = " ".join(str(how[name]) for name in ("type", "expr") if name in how)
                found[title, chain, count[title, chain]] = harmless(f"with {said}" if said else "", 60)
    return found


def unused(listed_json: str, path: str) -> tuple[Thing, ...]:
    """Objects that nothing of their table names. A name that stands anywhere in a rule or element counts as named."""
    named: dict[str, set[str]] = defaultdict(set)
    listed: list[tuple[str, str, str]] = []
    for kind, body in objects(listed_json, path):
        title = f"{body.get('family')} {body.get('table')}"
        if kind in OBJECTS:
            listed.append((kind, title, str(body.get("name"))))
        if kind == "rule":
            named[title] |= set(_words(body.get("expr")))
        elif kind in ("set", "map"):
            named[title] |= set(_words(body.get("elem")))
    return tuple(
        Thing(kind, harmless(title), harmless(name)) for kind, title, name in listed if name not in named[title]
    )


def _words(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value.removeprefix("@")
        yield from _NAME.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)


def content(listing: Listing, gone: Collection[Key], things: Collection[Thing]) -> object:
    """What two listings have in common if they are the same ruleset, once some rules, chains and objects are taken away."""
    lost = {(one.table, one.name) for one in things if one.kind == "chain"}
    sets = {(one.table, one.name) for one in things if one.kind in ("set", "map")}
    helpers = {(one.table, one.name) for one in things if one.kind == "ct helper"}
    return [
        (
            table.family,
            table.name,
            table.is_dormant,
            {
                name: (replace(chain, rules=()), _kept(table, chain, gone))
                for name, chain in table.chains.items()
                if (harmless(table.title), harmless(name)) not in lost
            },
            {
                name: replace(one, is_filled=False)
                for name, one in table.sets.items()
                if (harmless(table.title), harmless(name)) not in sets
            },
            {
                name: one
                for name, one in table.helpers.items()
                if (harmless(table.title), harmless(name)) not in helpers
            },
        )
        for table in listing.tables
    ]


def _kept(table: ListedTable, chain: ListedChain, gone: Collection[Key]) -> list[tuple[object, ...]]:
    return [
        (rule.statements, rule.comment, rule.refused)
        for number, rule in enumerate(chain.rules, 1)
        if (harmless(table.title), harmless(chain.name), number) not in gone
    ]


def without_handles(listed: str) -> str:
    """What `nft -a list ruleset` prints, as it is without -a."""
    return _HANDLE.sub("", listed)


def span(path: str, ends: Sequence[int], start: int, end: int) -> Span:
    """A stretch of a text as a place; `ends` are the offsets at which its lines begin."""
    line = bisect_right(ends, start)
    return Span(
        path, line, start - ends[line - 1] + 1, max(1, min(end, ends[line] - 1 if line < len(ends) else end) - start)
    )
