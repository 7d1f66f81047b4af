"""Faults that a writer of rulesets can have, planted in its tree: each yields every ruleset that comes of committing it once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from firewright.model.interval import Range
from firewright.syntax.nftables import (
    AddressGroup,
    Chain,
    Compare,
    Field,
    Flags,
    Hook,
    Masked,
    Match,
    Member,
    Named,
    Opening,
    Rule,
    Statement,
    Table,
    Verdict,
    VerdictMap,
    Word,
)
from firewright.syntax.nftables.field import TOPS

Fault = Callable[[Table], Iterator[Table]]
FAULTS: dict[str, Fault] = {}
"""Every kind of fault by its name."""


def fault(name: str) -> Callable[[Fault], Fault]:
    """Put a fault on the list."""

    def listed(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return listed


def in_chains(table: Table, change: Callable[[Chain], Iterable[Chain | None]]) -> Iterator[Table]:
    """The table with one of its chains changed, in every way; None takes the chain out."""
    for place, chain in enumerate(table.chains):
        for changed in change(chain):
            kept = (changed,) if changed is not None else ()
            chains = (*table.chains[:place], *kept, *table.chains[place + 1 :])
            try:
                yield replace(table, chains=chains)
            except ValueError:
                continue  # the tree cannot hold this fault


def in_rules(table: Table, change: Callable[[Rule], Iterable[Rule | None]]) -> Iterator[Table]:
    """The table with one of its rules changed, in every way; None takes the rule out."""

    def changed(chain: Chain) -> Iterator[Chain]:
        for place, rule in enumerate(chain.rules):
            for other in change(rule):
                kept = (other,) if other is not None else ()
                rules = (*chain.rules[:place], *kept, *chain.rules[place + 1 :])
                if rules:
                    yield replace(chain, rules=rules)

    yield from in_chains(table, changed)


def in_statements(table: Table, change: Callable[[Statement], Iterable[Statement | None]]) -> Iterator[Table]:
    """The table with one of its statements changed, in every way; None takes the statement out."""

    def changed(rule: Rule) -> Iterator[Rule]:
        for place, statement in enumerate(rule.statements):
            for other in change(statement):
                kept = (other,) if other is not None else ()
                statements = (*rule.statements[:place], *kept, *rule.statements[place + 1 :])
                if statements:
                    yield replace(rule, statements=statements)

    yield from in_rules(table, changed)


def without(table: Table, is_one: Callable[[Statement], bool]) -> Iterator[Table]:
    """The table with one such statement left out."""
    yield from in_statements(table, lambda one: (None,) if is_one(one) else ())


Key = tuple[Range, ...]
Element = tuple[Key, Verdict]


def in_elements(table: Table, change: Callable[[VerdictMap, Element], Iterable[Element | None]]) -> Iterator[Table]:
    """The table with one element of a verdict map changed; None takes it out."""

    def changed(one: Statement) -> Iterator[Statement]:
        if not isinstance(one, VerdictMap):
            return
        for place, element in enumerate(one.elements):
            for other in change(one, element):
                kept = (other,) if other is not None else ()
                elements = (*one.elements[:place], *kept, *one.elements[place + 1 :])
                if elements:
                    yield replace(one, elements=elements)

    yield from in_statements(table, changed)


def in_values(table: Table, change: Callable[[Field, Range], Iterable[Range]]) -> Iterator[Table]:
    """The table with one range of numbers changed, wherever it stands: in a match, a map or a set."""

    def fits(field: Field, values: Range) -> bool:
        return 0 <= values[0] <= values[1] <= TOPS[field.kind]

    def matched(one: Statement) -> Iterator[Statement]:
        if not isinstance(one, Match):
            return
        for place, values in enumerate(one.values):
            for other in change(one.field, values):
                if fits(one.field, other):
                    yield from _match(one, (*one.values[:place], other, *one.values[place + 1 :]))

    def mapped(one: VerdictMap, element: Element) -> Iterator[Element]:
        key, verdict = element
        for place, values in enumerate(key):
            for other in change(one.fields[place].field, values):
                if fits(one.fields[place].field, other):
                    yield (*key[:place], other, *key[place + 1 :]), verdict

    yield from in_statements(table, matched)
    yield from in_elements(table, mapped)
    for place, group in enumerate(table.groups):
        for number, values in enumerate(group.ranges):
            for other in change(Field.SOURCE4 if group.family == 4 else Field.SOURCE6, values):
                ranges = (*group.ranges[:number], other, *group.ranges[number + 1 :])
                yield from _grouped(table, place, replace(group, ranges=ranges))


def _match(one: Match, values: tuple[Range, ...]) -> Iterator[Match]:
    try:
        yield replace(one, values=values)
    except ValueError:
        return


def _grouped(table: Table, place: int, group: AddressGroup) -> Iterator[Table]:
    yield replace(table, groups=(*table.groups[:place], group, *table.groups[place + 1 :]))


def _swapped(pairs: dict[Field, Field]) -> Fault:
    both = {**pairs, **{there: here for here, there in pairs.items()}}

    def planted(table: Table) -> Iterator[Table]:
        def changed(one: Statement) -> Iterator[Statement]:
            match one:
                case Match(field=field) | Member(field=field) | Named(field=field) if field in both:
                    yield replace(one, field=both[field])
                case VerdictMap(fields=fields):
                    for place, masked in enumerate(fields):
                        if masked.field in both:
                            other = Masked(both[masked.field], masked.length)
                            yield replace(one, fields=(*fields[:place], other, *fields[place + 1 :]))
                case _:
                    return

        yield from in_statements(table, changed)

    return planted


_ADDRESSES = {Field.SOURCE4: Field.DESTINATION4, Field.SOURCE6: Field.DESTINATION6}
_PORTS = {
    Field.SOURCE_PORT: Field.DESTINATION_PORT,
    Field.TCP_SOURCE_PORT: Field.TCP_DESTINATION_PORT,
    Field.UDP_SOURCE_PORT: Field.UDP_DESTINATION_PORT,
}
_INTERFACES = {Field.IN_INTERFACE: Field.OUT_INTERFACE}
FAULTS["source and destination addresses swapped"] = _swapped(_ADDRESSES)
FAULTS["source and destination ports swapped"] = _swapped(_PORTS)
FAULTS["in- and out-interface swapped"] = _swapped(_INTERFACES)
_PORTED = (*_PORTS, *_PORTS.values())
_ADDRESSED = (*_ADDRESSES, *_ADDRESSES.values())
_ICMP = (Field.ICMP_TYPE, Field.ICMPV6_TYPE)


def _moved(fields: Iterable[Field], low: int, high: int) -> Fault:
    wanted = tuple(fields)
    return lambda table: in_values(
        table, lambda field, values: ((values[0] + low, values[1] + high),) if field in wanted else ()
    )


FAULTS["a port range begins one too low"] = _moved(_PORTED, -1, 0)
FAULTS["a port range ends one too high"] = _moved(_PORTED, 0, 1)
FAULTS["a port is the next one"] = _moved(_PORTED, 1, 1)
FAULTS["an address range begins one too low"] = _moved(_ADDRESSED, -1, 0)
FAULTS["an address range ends one too high"] = _moved(_ADDRESSED, 0, 1)
FAULTS["an ICMP type is the next one"] = _moved(_ICMP, 1, 1)
FAULTS["a protocol is the next one"] = _moved((Field.PROTOCOL,), 1, 1)


@fault("a prefix is one bit too short")
def _shorter(table: Table) -> Iterator[Table]:
    def doubled(field: Field, values: Range) -> Iterator[Range]:
        size = values[1] - values[0] + 1
        if field in _ADDRESSED:
            low = values[0] & ~(2 * size - 1)
            yield low, low + 2 * size - 1

    yield from in_values(table, doubled)


@fault("a set is read as its complement")
def _complement(table: Table) -> Iterator[Table]:
    def flipped(one: Statement) -> Iterator[Statement]:
        if isinstance(one, Match | Named | Opening):
            yield replace(one, is_negated=not one.is_negated)

    yield from in_statements(table, flipped)


_IPV4, _IPV6 = 2, 10


@fault("the families are mixed up")
def _mixed(table: Table) -> Iterator[Table]:
    other = {_IPV4: _IPV6, _IPV6: _IPV4}

    def exchanged(one: Statement) -> Statement:
        if isinstance(one, Match) and one.field is Field.FAMILY:
            return replace(one, values=((other[one.values[0][0]],) * 2,))
        return one

    def swapped(chain: Chain) -> Iterator[Chain]:
        rules = tuple(replace(rule, statements=tuple(map(exchanged, rule.statements))) for rule in chain.rules)
        if rules != chain.rules:
            yield replace(chain, rules=rules)

    yield from in_chains(table, swapped)


def _asks_family(one: Statement) -> bool:
    return isinstance(one, Match) and one.field is Field.FAMILY


@fault("one family goes where the other does")
def _one_family(table: Table) -> Iterator[Table]:
    def joined(chain: Chain) -> Iterator[Chain]:
        places = [place for place, rule in enumerate(chain.rules) if any(_asks_family(one) for one in rule.statements)]
        for here in places:
            for there in places:
                if here != there:
                    target = chain.rules[there].statements[-1]
                    rule = replace(chain.rules[here], statements=(*chain.rules[here].statements[:-1], target))
                    yield replace(chain, rules=(*chain.rules[:here], rule, *chain.rules[here + 1 :]))

    yield from in_chains(table, joined)


@fault("a source without addresses in this family is anywhere")
def _anywhere(table: Table) -> Iterator[Table]:
    yield from without(
        table, lambda one: isinstance(one, Match | Member) and one.field in (Field.SOURCE4, Field.SOURCE6)
    )
    yield from _everything(table, (Field.SOURCE4, Field.SOURCE6))


@fault("a destination is lost")
def _no_destination(table: Table) -> Iterator[Table]:
    yield from without(
        table, lambda one: isinstance(one, Match | Member) and one.field in (Field.DESTINATION4, Field.DESTINATION6)
    )
    yield from _everything(table, (Field.DESTINATION4, Field.DESTINATION6))


@fault("the protocol is lost")
def _no_protocol(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Match) and one.field is Field.PROTOCOL)
    yield from _everything(table, (Field.PROTOCOL,))


@fault("the ports are lost")
def _no_ports(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Match) and one.field in _PORTED)
    yield from _everything(table, _PORTED)


@fault("the ICMP type is lost")
def _no_type(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Match) and one.field in _ICMP)
    yield from _everything(table, _ICMP)


def _everything(table: Table, fields: Iterable[Field]) -> Iterator[Table]:
    """An element of a map that no longer asks one of its fields; those that it then overlaps go."""
    wanted = tuple(fields)

    def widened(one: Statement) -> Iterator[Statement]:
        if not isinstance(one, VerdictMap):
            return
        for place, masked in enumerate(one.fields):
            if masked.field not in wanted or masked.length:
                continue
            for key, verdict in one.elements:
                wide = (*key[:place], (0, TOPS[masked.field.kind]), *key[place + 1 :])
                apart = [
                    other
                    for other in one.elements
                    if any(a[1] < b[0] or b[1] < a[0] for a, b in zip(other[0], wide, strict=True))
                ]
                yield replace(one, elements=((wide, verdict), *apart))

    yield from in_statements(table, widened)


@fault("an element is missing")
def _no_element(table: Table) -> Iterator[Table]:
    yield from in_elements(table, lambda one, element: (None,))


@fault("a rule is missing")
def _no_rule(table: Table) -> Iterator[Table]:
    yield from in_rules(table, lambda rule: (None,))


@fault("the final verdict of a chain is missing")
def _no_end(table: Table) -> Iterator[Table]:
    yield from in_chains(table, lambda chain: (replace(chain, rules=chain.rules[:-1]),) if len(chain.rules) > 1 else ())


@fault("two rules stand in the wrong order")
def _order(table: Table) -> Iterator[Table]:
    def turned(chain: Chain) -> Iterator[Chain]:
        for place in range(len(chain.rules) - 1):
            first, second = chain.rules[place : place + 2]
            yield replace(chain, rules=(*chain.rules[:place], second, first, *chain.rules[place + 2 :]))

    yield from in_chains(table, turned)


def _verdicts(change: Callable[[Verdict], Iterable[Verdict]]) -> Fault:
    def planted(table: Table) -> Iterator[Table]:
        yield from in_statements(table, lambda one: change(one) if isinstance(one, Verdict) else ())
        yield from in_elements(table, lambda _, element: ((element[0], other) for other in change(element[1])))

    return planted


def _word(before: Word, after: Word) -> Fault:
    return _verdicts(lambda one: (replace(one, word=after),) if one.word is before else ())


FAULTS["accept where drop is meant"] = _word(Word.DROP, Word.ACCEPT)
FAULTS["drop where accept is meant"] = _word(Word.ACCEPT, Word.DROP)
FAULTS["a silent drop where an answer is meant"] = _word(Word.RESET, Word.DROP)
FAULTS["an answer where silence is meant"] = _word(Word.DROP, Word.UNREACHABLE)
FAULTS["goto for jump"] = _word(Word.JUMP, Word.GOTO)
FAULTS["return where drop is meant"] = _word(Word.DROP, Word.RETURN)
FAULTS["return where accept is meant"] = _word(Word.ACCEPT, Word.RETURN)


@fault("jump for goto")
def _jump(table: Table) -> Iterator[Table]:
    """Seen only where the other chain does not end by itself: so its last rule goes too."""
    for other in _word(Word.GOTO, Word.JUMP)(table):
        for place, chain in enumerate(other.chains):
            if chain.hook is None and len(chain.rules) > 1:
                shorter = replace(chain, rules=chain.rules[:-1])
                yield replace(other, chains=(*other.chains[:place], shorter, *other.chains[place + 1 :]))


@fault("a rule counts and decides nothing")
def _no_verdict(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Verdict))


@fault("a jump to another chain")
def _other_chain(table: Table) -> Iterator[Table]:
    names = [chain.name for chain in table.chains if chain.hook is None]
    next_to = {name: names[(place + 1) % len(names)] for place, name in enumerate(names)}
    yield from _verdicts(lambda one: (replace(one, chain=next_to[one.chain]),) if one.chain else ())(table)


@fault("the wrong hook")
def _wrong_hook(table: Table) -> Iterator[Table]:
    hooks = {chain.hook: chain for chain in table.chains if chain.hook is not None}
    for one in hooks:
        for other in Hook:
            if other is one:
                continue
            there = hooks.get(other)
            chains = []
            for chain in table.chains:
                if chain.hook is one:
                    chains.append(Chain(other.value, chain.rules, other))
                elif there is not None and chain is there:
                    chains.append(Chain(one.value, chain.rules, one))
                else:
                    chains.append(chain)
            yield replace(table, chains=tuple(chains))


@fault("a hook is left out")
def _no_hook(table: Table) -> Iterator[Table]:
    yield from in_chains(table, lambda chain: (None,) if chain.hook is not None else ())


@fault("a state of connection tracking is lost")
def _no_state(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Flags))
    yield from in_elements(table, lambda one, _: (None,) if one.fields[0].field is Field.STATE else ())


@fault("new where established is meant")
def _new(table: Table) -> Iterator[Table]:
    yield from in_statements(
        table, lambda one: (Flags(("new",)),) if isinstance(one, Flags) and one.states != ("new",) else ()
    )
    yield from in_elements(
        table,
        lambda one, element: (
            ((((8, 8),), element[1]),) if one.fields[0].field is Field.STATE and element[0] != ((8, 8),) else ()
        ),
    )


@fault("a segment needs no beginning")
def _no_beginning(table: Table) -> Iterator[Table]:
    def dropped(rule: Rule) -> Iterator[None]:
        if any(isinstance(one, Opening) for one in rule.statements):
            yield None

    yield from in_rules(table, dropped)


@fault("a permission never ends")
def _no_end_of_time(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Compare) and one.is_before)


@fault("a permission holds when the clock is set back")
def _no_beginning_of_time(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Compare) and not one.is_before)


@fault("a permission ends in another time zone")
def _time_zone(table: Table) -> Iterator[Table]:
    yield from in_statements(
        table,
        lambda one: (replace(one, instant=one.instant + 3600),) if isinstance(one, Compare) and one.is_before else (),
    )


@fault("an essential comes from afar")
def _no_hop_limit(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Match) and one.field in (Field.HOP_LIMIT, Field.TTL))


@fault("whatever is related follows")
def _no_helper(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Named) and one.field is Field.HELPER)


@fault("an interface is not asked")
def _no_interface(table: Table) -> Iterator[Table]:
    yield from without(table, lambda one: isinstance(one, Named) and one.field in (*_INTERFACES, *_INTERFACES.values()))


@fault("a wildcard of interfaces is one interface")
def _no_wildcard(table: Table) -> Iterator[Table]:
    def literal(one: Statement) -> Iterator[Statement]:
        if isinstance(one, Named) and any(word.endswith("*") for word in one.words):
            yield replace(one, words=tuple(word.removesuffix("*") for word in one.words))

    yield from in_statements(table, literal)
