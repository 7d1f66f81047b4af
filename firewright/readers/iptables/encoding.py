"""A dump's meaning: for each hook one program, of the built-in chains of every table that is there, by priority."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from firewright.diagnostic import Diagnostic, Severity
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, ConntrackState, Family
from firewright.readers.iptables.clauses import ALWAYS, Clauses, both
from firewright.readers.iptables.condition import clauses_at
from firewright.readers.iptables.dump import Anything, Dump, Rule, Table, Translate
from firewright.readers.iptables.dump import Chain as SavedChain
from firewright.space import chain as engine
from firewright.space.box import EVERY_BOX, Box, box
from firewright.space.budget import Undecided
from firewright.space.chain import Continue, Final, Goto, Jump
from firewright.space.program import Program
from firewright.space.ruleset import TRANSLATE, Hook, Line, Ruleset

ORDER: Mapping[Hook, tuple[str, ...]] = {
    Hook.PREROUTING: ("raw", "mangle", "nat"),
    Hook.INPUT: ("mangle", "filter", "security", "nat"),
    Hook.FORWARD: ("mangle", "filter", "security"),
    Hook.OUTPUT: ("raw", "mangle", "nat", "filter", "security"),
    Hook.POSTROUTING: ("mangle", "nat"),
}
"""The tables of a hook in the order in which packets pass them: raw -300, mangle -150, dnat -100, filter 0, security 50,
snat 100 (kernel: enum nf_ip_hook_priorities)."""
WORDS = ("accept", "drop", "reject")


def encode(dump: Dump, instant: int | None = None) -> Ruleset:
    """What the dump decides at an instant (epoch seconds); without one, rules with dates are literals.

    A packet passes every table of a hook. A hook is there if a table of the dump has it; a family of which the dump has no
    table there accepts everything, for of that family the dump says nothing. What is not understood is a literal, and so are
    the decisions of what could be anything: refused rules, unknown targets, tables with lines that are no rules. `nat` is
    asked about packets that open a flow only, as the kernel does. `related` is whatever connection tracking calls so, and
    NOTRACK changes nothing: the state is given with the packet.
    Where the chains unfold to more than the engine takes, the hook may decide anything: the warning `chains-not-followed`.
    """
    hooks: dict[Hook, dict[Family, Program]] = {}
    unfollowed: list[Diagnostic] = []
    for hook, names in ORDER.items():
        for family in FAMILIES:
            tables = [table for name in names for table in dump.tables if table.name == name and table.family == family]
            if tables:
                encoding = _Encoding(hook, family, instant)
                try:
                    program = encoding.program(tables)
                except Undecided as why:
                    at = tables[0].chains[hook.upper()].line.at
                    message = f"IPv{family} at {hook} is not known: {why}"
                    unfollowed.append(Diagnostic("chains-not-followed", Severity.WARNING, message, at))
                    program = _doubtful(hook, family)
                hooks.setdefault(hook, {})[family] = program
    for programs in hooks.values():
        for family in FAMILIES:
            if family not in programs:
                programs[family] = _open(family)
    translations = tuple(rule.line for rule in dump.rules() if isinstance(rule.target, Translate))
    diagnostics = (*dump.diagnostics, *unfollowed)
    return Ruleset(dump.path, hooks, dump.lines, dump.instants, translations, diagnostics, _rewriting(dump, instant))


def _rewriting(dump: Dump, instant: int | None) -> dict[Family, Program]:
    """Which rule gives a packet that comes in another destination; nothing of a family without such a table."""
    found: dict[Family, Program] = {}
    for table in dump.tables:
        if table.name == "nat" and Hook.PREROUTING.upper() in table.chains:
            try:
                found[table.family] = _Encoding(Hook.PREROUTING, table.family, instant, TRANSLATE).program([table])
            except Undecided:
                return {}  # The hook itself says why it is not followed.
    return {family: found.get(family, _open(family)) for family in FAMILIES} if found else {}


def _doubtful(hook: Hook, family: Family) -> Program:
    program = Program(family)
    for word in WORDS:
        program.add(EVERY_BOX, word, literals=((f"{hook} decides {word}", True),))
    program.add(EVERY_BOX, "drop")
    return program.seal()


def _open(family: Family) -> Program:
    program = Program(family)
    program.add(EVERY_BOX, "accept")
    return program.seal()


class _Encoding:
    """The chains of one hook and family, on their way into the engine."""

    def __init__(self, hook: Hook, family: Family, instant: int | None, translated: str = "accept") -> None:
        self.hook, self.family, self.instant, self.translated = hook, family, instant, translated
        self.chains: dict[str, engine.Chain] = {}

    def program(self, tables: list[Table]) -> Program:
        bases = [name for table in tables if (name := self._base(table)) is not None]
        return engine.unfold(self.chains, bases, self.family).seal() if bases else _open(self.family)

    def _base(self, table: Table) -> str | None:
        """Make the chains of a table that this hook reaches; the name of the first, None if nothing is stopped there."""
        base = table.chains[self.hook.upper()]
        reached = list(_reached(table, base))
        can_stop = base.policy == "drop" or table.strays or any(_can_stop(chain) for chain in reached)
        is_asked = table.name == "filter" or self.translated != "accept"
        if not can_stop and not is_asked:
            return None
        for chain in reached:
            self.chains[f"{table.name}/{chain.name}"] = self._chain(table, chain)
        name = f"{table.name}/{base.name}"
        if table.strays:
            self._put_before(name, [rule for line in table.strays for rule in _anything(line, self.family)])
        if table.name == "nat":
            self._put_before(name, [engine.Rule(_not_opening(self.family), Final("accept"), base.line)])
        return name

    def _put_before(self, name: str, rules: list[engine.Rule]) -> None:
        chain = self.chains[name]
        self.chains[name] = engine.Chain((*rules, *chain.rules), chain.policy, chain.origin)

    def _chain(self, table: Table, chain: SavedChain) -> engine.Chain:
        rules = tuple(made for rule in chain.rules for made in self._rule(table, rule))
        return engine.Chain(rules, chain.policy or "accept", chain.line)

    def _rule(self, table: Table, rule: Rule) -> Iterator[engine.Rule]:
        target = rule.target
        if isinstance(target, Continue):
            return
        clauses = ALWAYS
        for condition in rule.conditions:
            clauses = both(clauses, clauses_at(condition, self.family, self.hook, self.instant), self.family)
        if isinstance(target, Anything):
            yield from _anything(rule.line, self.family, clauses)
            return
        yield from _under_literals(clauses, _in_engine(target, table, self.translated), rule.line)


def _in_engine(target: engine.Target | Translate, table: Table, translated: str) -> engine.Target:
    match target:
        case Jump(chain):
            return Jump(f"{table.name}/{chain}")
        case Goto(chain):
            return Goto(f"{table.name}/{chain}")
        case Translate():
            return Final(translated)
        case engine.Final() | engine.Return() | engine.Continue():
            return target
        case _:
            assert_never(target)


def _under_literals(clauses: Clauses, target: engine.Target, line: Line) -> Iterator[engine.Rule]:
    """The clauses as rules: one for each set of literals."""
    groups: dict[tuple[tuple[str, bool], ...], list[Box]] = {}
    for one, literals in clauses:
        groups.setdefault(literals, []).append(one)
    for literals, boxes in groups.items():
        yield engine.Rule(tuple(boxes), target, line, literals)


def _anything(line: Line, family: Family, clauses: Clauses = ALWAYS) -> Iterator[engine.Rule]:
    """Rules that may decide in any way, or let the packet go on: a literal for each decision."""
    at = line.place if line.number else f"{line.table} line {line.at.line}"
    for word in WORDS:
        decides = ((EVERY_BOX, ((f"{at} decides {word}", True),)),)
        yield from _under_literals(both(clauses, decides, family), Final(word), line)


def _reached(table: Table, base: SavedChain) -> Iterator[SavedChain]:
    """The chains that packets of a built-in chain may come to, each once."""
    todo, seen = [base.name], {base.name}
    while todo:
        chain = table.chains[todo.pop()]
        yield chain
        for rule in chain.rules:
            if isinstance(rule.target, Jump | Goto) and rule.target.chain not in seen:
                seen.add(rule.target.chain)
                todo.append(rule.target.chain)


def _can_stop(chain: SavedChain) -> bool:
    return any(
        isinstance(rule.target, Anything) or (isinstance(rule.target, Final) and rule.target.word != "accept")
        for rule in chain.rules
    )


def _not_opening(family: Family) -> tuple[Box, ...]:
    """What the nat table is not asked about: packets of known flows, untracked and invalid ones, errors about a flow.

    Kernel: nf_nat_inet_fn.
    """
    icmp = ICMP if family == 4 else ICMPV6
    service = ((icmp << 16, icmp << 16 | 65535),)
    known = tuple(
        (int(state), int(state))
        for state in ConntrackState
        if state not in (ConntrackState.NEW, ConntrackState.RELATED)
    )
    related = ((int(ConntrackState.RELATED), int(ConntrackState.RELATED)),)
    found = (
        box(family, conntrack_state=known),
        box(family, conntrack_state=related, service=service),
    )
    return tuple(one for one in found if one is not None)
