"""A dump: the tables, chains and rules of a text, each rule with its matches and its target, or why it was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from firewright.diagnostic import Diagnostic
from firewright.model.packet import Family
from firewright.readers.iptables.condition import Condition
from firewright.space.chain import Continue, Final, Goto, Jump, Return
from firewright.space.ruleset import Line


@dataclass(frozen=True, slots=True)
class Anything:
    """A target that is not understood, or a rule that could not be read: it may decide anything, or nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Translate:
    """A target of the nat table: the packet passes it, with another address or port."""


Target = Final | Jump | Goto | Return | Continue | Anything | Translate


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: all its matches, then its target."""

    line: Line
    conditions: tuple[Condition, ...]
    target: Target


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain's rules in order. `policy` is "accept" or "drop" for a built-in chain, empty for another."""

    name: str
    policy: str
    rules: tuple[Rule, ...]
    line: Line


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one family. `strays` are lines of it that belong to no chain: what they wanted nobody knows."""

    family: Family
    name: str
    chains: Mapping[str, Chain]
    strays: tuple[Line, ...] = ()


class Tally(NamedTuple):
    """How many rules were understood, bounded and refused; together they are all rules of the text."""

    understood: int
    bounded: int
    refused: int


@dataclass(frozen=True, slots=True)
class Dump:
    """What iptables-save, ip6tables-save or both printed.

    `backend` is "nf_tables" or "legacy" where the text says it. `lines` are the rules that count, `replaced` those of tables
    that come again later in the text; `instants` the epoch seconds at which a rule with dates begins or ceases to match. If a
    diagnostic is an error iptables-restore would not have taken the text.
    """

    path: str
    tables: tuple[Table, ...]
    lines: tuple[Line, ...]
    replaced: tuple[Line, ...] = ()
    backend: str = ""
    instants: tuple[int, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = field(default=())

    @property
    def tally(self) -> Tally:
        """How many of the text's rules were understood, bounded and refused, those of replaced tables too."""
        rules = [line for line in (*self.lines, *self.replaced) if line.number]
        refused = sum(bool(line.refused) for line in rules)
        bounded = sum(bool(line.unknown) and not line.refused for line in rules)
        return Tally(len(rules) - refused - bounded, bounded, refused)

    @property
    def nft_tables(self) -> frozenset[str]:
        """The tables of nf_tables ("ip filter") whose rules this dump says in iptables' words; none of iptables-legacy.

        Only rules that iptables made are said truly: of a table that `nft` wrote to as well, iptables-nft-save 1.8.9 prints
        some rules wider than they are.
        """
        if self.backend != "nf_tables":
            return frozenset()
        return frozenset(f"{'ip' if table.family == 4 else 'ip6'} {table.name}" for table in self.tables)

    def rules(self) -> Iterator[Rule]:
        """Every rule of every table, in order."""
        for table in self.tables:
            for chain in table.chains.values():
                yield from chain.rules
