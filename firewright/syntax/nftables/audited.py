"""Audit mode: the same table, which for a time counts, logs and remembers what it would refuse, and lets it pass.

The kernel itself goes back to enforcing when the time is over, and a clock that was set back to before it began enforces as well:
the rules that let pass stand before those that refuse, which stay as they are, counters and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from itertools import product

from firewright.model.interval import canonical
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, PORTED, TCP, Family
from firewright.syntax.nftables.field import Field
from firewright.syntax.nftables.statement import (
    Compare,
    Counter,
    Log,
    Match,
    Named,
    Opening,
    Passing,
    Record,
    Statement,
    Verdict,
    VerdictMap,
    Word,
)
from firewright.syntax.nftables.table import Chain, Hook, Records, Rule, Table
from firewright.syntax.nftables.words import comment

PREFIX = "audit__"
"""How the names of audit mode's chains and sets begin; no name that is made of people's words has two underscores in a row."""
WOULD_DROP = f"{PREFIX}would_drop"
LOGGED = f"{PREFIX}logged"
MOST_RECORDS = 16_384
"""Flows of one kind that are remembered at once; 16,384 of the longest keys are some 4 MB of kernel memory."""
REMEMBERED = 7 * 86_400
"""Seconds for which a flow is remembered after its last packet: what happens once a week is seen."""
UNREMEMBERED = "would be refused, and is not remembered"
"""The comment of the rules that count packets for which there was no room."""
_REFUSING = (Word.DROP, Word.RESET, Word.UNREACHABLE)
_NUMBER = {4: 2, 6: 10}
_LOGGING = "firewright would-drop"


class Way(StrEnum):
    """How packets pass the machine: to it, from it, through it."""

    IN = "in"
    OUT = "out"
    THROUGH = "through"


class Kind(StrEnum):
    """What is remembered together, as its services are told apart by the same fields.

    Packets with ports that may open a flow, TCP segments that do not, ICMP, and everything else; then packets of which a rule
    asked the interface by which they came, or by which they were to go: there the interface is remembered.
    """

    OPENINGS = "openings"
    STRAYS = "strays"
    MESSAGES = "messages"
    OTHERS = "others"
    ARRIVALS = "arrivals"
    DEPARTURES = "departures"


_BY_INTERFACE = {Kind.ARRIVALS: Field.IN_INTERFACE, Kind.DEPARTURES: Field.OUT_INTERFACE}
_ENTRY = {Kind.ARRIVALS: f"{PREFIX}arriving", Kind.DEPARTURES: f"{PREFIX}leaving"}
_WAYS_OF = {Kind.ARRIVALS: (Way.THROUGH, Way.IN), Kind.DEPARTURES: (Way.THROUGH, Way.OUT)}
_SIGNS = {Way.THROUGH: (Passing(True), Passing(False)), Way.IN: (Passing(True),), Way.OUT: (Passing(False),)}
"""By which interfaces a packet is on its way, to be asked in this order.

nft 1.0.6 lists an empty name of an interface in a set, and does not load what it lists (measured): none must get into one.
"""


def records_name(way: Way, kind: Kind, family: Family) -> str:
    """The name of the set that remembers packets of this kind."""
    return f"{PREFIX}{way}_{kind}_v{family}"


def audited(table: Table, since: int, until: int | None = None, size: int = MOST_RECORDS) -> Table:
    """The table that lets everything pass from one instant until another (epoch seconds), and otherwise does the same.

    Without `until` that goes on. What would be refused is counted by a copy of the rule that refuses it, with its comment; logged
    at a limited rate; and remembered in sets of at most `size` flows. Raises ValueError for a time that is none, and for a map
    that refuses by itself.
    """
    if until is not None and until <= since:
        raise ValueError(f"no time: from {since} until {until}")
    when = (Compare(False, since), *(() if until is None else (Compare(True, until),)))
    chains = [_audited(chain, when) for chain in table.chains]
    hooks = {chain.hook for chain in chains}
    ways = tuple(way for way in _SIGNS if way is not Way.THROUGH or Hook.FORWARD in hooks)
    own, records = _recording(ways, size)
    entered = {
        one.chain for chain in chains for rule in chain.rules for one in rule.statements if isinstance(one, Verdict)
    }
    for kind, entry in _ENTRY.items():
        if entry in entered:
            more, sets = _by_interface(kind, tuple(way for way in _WAYS_OF[kind] if way in ways), size)
            own, records = [*own, *more], [*records, *sets]
    said = comment(f"{table.comment}, audit mode")
    return replace(table, comment=said, chains=(*chains, *own), records=(*table.records, *records))


def _audited(chain: Chain, when: tuple[Compare, ...]) -> Chain:
    """The chain with a copy before each rule that refuses, up to where nothing goes on while audit mode lasts."""
    rules: list[Rule] = []
    place = 0
    for place, rule in enumerate(chain.rules):
        if any(isinstance(one, VerdictMap) and _refuses(one) for one in rule.statements):
            raise ValueError(f"a map of {chain.name} refuses by itself")
        if _ends(chain.rules[place:]):
            break
        if _is_refusing(rule):
            rules.append(_copied(rule, when))
        rules.append(rule)
    else:
        return replace(chain, rules=tuple(rules))
    return replace(chain, rules=(*rules, *_ending(chain.rules[place:], when), *chain.rules[place:]))


def _ends(rules: tuple[Rule, ...]) -> bool:
    """Whether these rules, the last of a chain, refuse whatever comes to them: some log and count, and then nothing passes."""
    beside = 0
    while beside < len(rules) and all(isinstance(one, Log | Counter) for one in rules[beside].statements):
        beside += 1
    refusing = rules[beside:]
    is_whole = bool(refusing) and all(isinstance(one, Counter | Verdict) for one in refusing[-1].statements)
    return is_whole and all(map(_is_refusing, refusing))


def _ending(rules: tuple[Rule, ...], when: tuple[Compare, ...]) -> Iterator[Rule]:
    """What stands before the end of a chain: the log of its own, if it has one, and the way to what is remembered."""
    log = next((one for rule in rules for one in rule.statements if isinstance(one, Log)), None)
    said = next((rule.comment for rule in rules if rule.comment), "")
    if log is not None:
        words = log.prefix.removeprefix("firewright ").strip()
        prefix = comment(f"{_LOGGING} {words}", 100).rstrip(": ")
        yield Rule((*when, replace(log, prefix=f"{prefix}: ")))
    yield Rule((*when, Counter(), Verdict(Word.GOTO, WOULD_DROP if log is None else LOGGED)), said)


def _copied(rule: Rule, when: tuple[Compare, ...]) -> Rule:
    """A rule that counts and remembers what another refuses."""
    matches = tuple(one for one in rule.statements if not isinstance(one, Verdict | Counter))
    asked = {one.field for one in matches if isinstance(one, Named)}
    entries = [_ENTRY[kind] for kind, field in _BY_INTERFACE.items() if field in asked]
    return Rule((*matches, *when, Counter(), Verdict(Word.GOTO, entries[0] if entries else WOULD_DROP)), rule.comment)


def _is_refusing(rule: Rule) -> bool:
    return any(isinstance(one, Verdict) and one.word in _REFUSING for one in rule.statements)


def _refuses(one: VerdictMap) -> bool:
    return any(verdict.word in _REFUSING for _, verdict in one.elements)


_LOG = Rule((Log(f"{_LOGGING}: "),))
_UNKNOWN = Rule((Counter(), Verdict(Word.ACCEPT)), UNREMEMBERED)


def _recording(ways: tuple[Way, ...], size: int) -> tuple[list[Chain], list[Records]]:
    """The chains that remember what would be refused, by way and family, and the sets in which they do."""
    chains = [
        Chain(WOULD_DROP, (_LOG, Rule((Verdict(Word.GOTO, LOGGED),)))),
        Chain(LOGGED, (*_by_way(ways, lambda way, family: f"{PREFIX}{way}_v{family}"), _UNKNOWN)),
    ]
    records: dict[str, Records] = {}
    for way, family in product(ways, FAMILIES):
        rules = []
        for kind, matches in _kinds(family):
            name, fields = records_name(way, kind, family), _fields(kind, family)
            records[name] = Records(name, fields, size, REMEMBERED)
            rules.append(Rule((*matches, Record(name, fields), Counter(), Verdict(Word.ACCEPT))))
        chains.append(Chain(f"{PREFIX}{way}_v{family}", (*rules, _UNKNOWN)))
    return chains, list(records.values())


def _by_interface(kind: Kind, ways: tuple[Way, ...], size: int) -> tuple[list[Chain], list[Records]]:
    """The same for packets that are at an interface where they do not belong."""
    chains = [
        Chain(_ENTRY[kind], (_LOG, *_by_way(ways, lambda way, family: records_name(way, kind, family)), _UNKNOWN))
    ]
    records = []
    for way, family in product(ways, FAMILIES):
        name, fields = records_name(way, kind, family), _fields(kind, family)
        records.append(Records(name, fields, size, REMEMBERED))
        chains.append(Chain(name, (Rule((Record(name, fields), Counter(), Verdict(Word.ACCEPT))), _UNKNOWN)))
    return chains, records


def _by_way(ways: tuple[Way, ...], chain: Callable[[Way, Family], str]) -> Iterator[Rule]:
    """The ways to chains, for packets of which nothing is known but that they would be refused."""
    for way, family in product(ways, FAMILIES):
        of_family = Match(Field.FAMILY, ((_NUMBER[family],) * 2,))
        yield Rule((*_SIGNS[way], of_family, Verdict(Word.GOTO, chain(way, family))))


def _kinds(family: Family) -> Iterator[tuple[Kind, tuple[Statement, ...]]]:
    """What of a family is remembered together, by what it is known. Where a set is full, none of the others fits."""
    icmp = ICMP if family == 4 else ICMPV6
    tcp = Match(Field.PROTOCOL, ((TCP, TCP),))
    yield Kind.OPENINGS, (tcp, Opening())
    yield Kind.STRAYS, (tcp, Opening(is_negated=True))
    yield Kind.OPENINGS, (Match(Field.PROTOCOL, canonical((one, one) for one in PORTED if one != TCP)),)
    yield Kind.MESSAGES, (Match(Field.PROTOCOL, ((icmp, icmp),)),)
    yield Kind.OTHERS, (Match(Field.PROTOCOL, canonical((one, one) for one in (*PORTED, icmp)), is_negated=True),)


def _fields(kind: Kind, family: Family) -> tuple[Field, ...]:
    """What is remembered of packets: all that decided, and what tells services apart; five fields at most.

    The source port is left out where it is another for each flow; a segment of a flow that nobody opened may be its answer.
    """
    ends = (Field.SOURCE4, Field.DESTINATION4) if family == 4 else (Field.SOURCE6, Field.DESTINATION6)
    types = (Field.ICMP_TYPE, Field.ICMP_CODE) if family == 4 else (Field.ICMPV6_TYPE, Field.ICMPV6_CODE)
    services = {
        Kind.OPENINGS: (Field.PROTOCOL, Field.DESTINATION_PORT),
        Kind.STRAYS: (Field.SOURCE_PORT, Field.DESTINATION_PORT),
        Kind.MESSAGES: types,
    }
    return (_BY_INTERFACE.get(kind, Field.STATE), *ends, *services.get(kind, (Field.PROTOCOL,)))
