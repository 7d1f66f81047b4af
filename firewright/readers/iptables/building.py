"""A table while it is read: its chains as they are declared, its rules as they come, and at the end all of it, resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from firewright.diagnostic import harmless
from firewright.model.packet import Family
from firewright.readers.iptables.condition import unknown_in
from firewright.readers.iptables.dump import Anything, Chain, Rule, Table, Target
from firewright.readers.iptables.matches import conditions, protocol_of
from firewright.readers.iptables.options import Parts, put_apart
from firewright.readers.iptables.sets import NO_SETS, KnownSet
from firewright.readers.iptables.targets import target_of
from firewright.readers.iptables.words import BadLine, Word
from firewright.source import Span
from firewright.space.chain import Continue, Goto, Jump
from firewright.space.ruleset import Hook, Line

_DEEPEST = 100
"""Chains that a packet may be in at once; more than this nobody has, and the kernel's own stack is small."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A rule as it was written."""

    text: str
    words: tuple[Word, ...]
    at: Span


@dataclass(slots=True)
class _Started:
    policy: str
    at: Span
    is_declared: bool = True
    entries: list[_Entry] = field(default_factory=list)


class TableBuilder:
    """Collects the lines of one table; `table` makes the whole of them."""

    def __init__(
        self,
        family: Family,
        name: str,
        title: str,
        hooks: Sequence[Hook],
        at: Span,
        backend: str = "",
        sets: Mapping[str, KnownSet] = NO_SETS,
    ) -> None:
        self._sets = sets
        self.family, self.name, self.at = family, name, at
        self._title = title
        self._sees_behind_ah = family == 6 and backend != "nf_tables"
        self._base = {hook.upper() for hook in hooks}
        self._chains: dict[str, _Started] = {}
        self._strays: list[Line] = []

    def is_base(self, chain: str) -> bool:
        """Whether a chain is built in."""
        return chain in self._base

    def declare(self, chain: str, policy: str, at: Span) -> None:
        """A chain of this table from here on; a built-in one without a policy accepts. Raises BadLine."""
        known = self._chains.get(chain)
        if known is not None and known.is_declared and not self.is_base(chain):
            raise BadLine(f"chain {harmless(chain, 40)} is declared twice")
        started = self._chain(chain, at)
        started.policy = policy or (started.policy if self.is_base(chain) else "")
        started.at, started.is_declared = at, True

    def append(self, chain: str, text: str, words: tuple[Word, ...], at: Span, place: int | None = None) -> None:
        """A rule at the end of a chain, or at a place in it (1 is the first). Raises BadLine."""
        if not chain or (chain not in self._chains and not self.is_base(chain)):
            raise BadLine(f"there is no chain {harmless(chain, 40)!r} yet")
        entries = self._chain(chain, at).entries
        if place is not None and not 1 <= place <= len(entries) + 1:
            raise BadLine(f"chain {chain} has no place {place} yet")
        entries.insert(len(entries) if place is None else place - 1, _Entry(text, words, at))

    def stray(self, text: str, at: Span, why: str) -> None:
        """A line that belongs to no chain and cannot be read."""
        self._strays.append(Line(self._title, "", 0, harmless(text), at=at, refused=why))

    def table(self) -> Table:
        """The table as it was written; a rule that cannot be read, or calls its own chain, has the target `Anything`."""
        for name in self._base:
            self._chain(name, self.at)
        chains = {
            name: [self._rule(name, number, entry) for number, entry in enumerate(started.entries, 1)]
            for name, started in self._chains.items()
        }
        for name, number, why in _bad_calls(chains):
            old = chains[name][number]
            chains[name][number] = _refused(old.line, why)
        made = {
            name: Chain(name, started.policy, tuple(chains[name]), self._policy_line(name, started))
            for name, started in self._chains.items()
        }
        return Table(self.family, self.name, made, tuple(self._strays))

    def _chain(self, name: str, at: Span) -> _Started:
        return self._chains.setdefault(name, _Started("accept" if self.is_base(name) else "", at, is_declared=False))

    def _policy_line(self, name: str, started: _Started) -> Line:
        text = f"-P {name} {started.policy.upper()}" if started.policy else f"-N {name}"
        return Line(self._title, name, 0, harmless(text), at=started.at)

    def _rule(self, chain: str, number: int, entry: _Entry) -> Rule:
        line = Line(self._title, chain, number, harmless(entry.text), at=entry.at)
        try:
            parts = put_apart(entry.words)
            found = conditions(parts, self.family, self.name, line.place, self._sees_behind_ah, self._sets)
            callable_ = self._callable(entry.at.line)
            target = target_of(parts, self.family, self.name, callable_, protocol_of(parts))
        except BadLine as why:
            return _refused(line, str(why))
        # A rule that decides nothing is exact whatever it matches.
        unknown = () if isinstance(target, Continue) else tuple(filter(None, map(unknown_in, found)))
        if isinstance(target, Anything):
            unknown = (*unknown, f"-j {target.text}")
        comment = harmless(_comment(parts))
        if not comment and not unknown:
            return Rule(line, found, target)
        whole = Line(line.table, chain, number, line.text, comment, line.at, tuple(map(harmless, unknown)))
        return Rule(whole, found, target)

    def _callable(self, line: int) -> Collection[str]:
        """The chains that a rule on this line may call: declared before it, and not built in."""
        return _Before(self._chains, self._base, line)


class _Before(Collection[str]):
    """The chains of a table that are declared before a line."""

    def __init__(self, chains: dict[str, _Started], base: set[str], line: int) -> None:
        self.chains, self.base, self.line = chains, base, line

    def __contains__(self, name: object) -> bool:
        started = self.chains.get(name) if isinstance(name, str) else None
        return started is not None and name not in self.base and started.at.line < self.line

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.chains if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _comment(parts: Parts) -> str:
    return " ".join(given.values[0] for owner in parts.modules if owner.name == "comment" for given in owner.given)


def _refused(line: Line, why: str) -> Rule:
    refused = Line(line.table, line.chain, line.number, line.text, line.comment, line.at, refused=why)
    return Rule(refused, (), Anything(f"refused: {line.place}"))


def _called(target: Target) -> str | None:
    return target.chain if isinstance(target, Jump | Goto) else None


@dataclass(slots=True)
class _Visit:
    """A chain on the way: the rule that is looked at, and how deep its calls go as far as they are known."""

    chain: str
    index: int = 0
    depth: int = 1


def _bad_calls(chains: dict[str, list[Rule]]) -> list[tuple[str, int, str]]:
    """The rules by which chains call each other in a circle, or too deep: chain, index and reason. O(rules)."""
    bad: list[tuple[str, int, str]] = []
    depth: dict[str, int] = {}
    for first in chains:
        path: list[_Visit] = [] if first in depth else [_Visit(first)]
        inside = {first}
        while path:
            visit = path[-1]
            name, index = visit.chain, visit.index
            if index == len(chains[name]):
                depth[name] = visit.depth
                inside.discard(name)
                path.pop()
                continue
            called = _called(chains[name][index].target)
            if called is not None and called not in inside and called not in depth:
                path.append(_Visit(called))
                inside.add(called)
                continue
            visit.index += 1
            if called in inside:
                bad.append((name, index, f"chain {called} calls itself by this rule"))
            elif called is not None and depth[called] >= _DEEPEST:
                bad.append((name, index, f"more than {_DEEPEST} chains deep"))
            elif called is not None:
                visit.depth = max(visit.depth, depth[called] + 1)
    return bad
