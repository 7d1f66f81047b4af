"""What IANA's registry of service names and port numbers says of a port or a name: who registered it, not what runs there.

The table is a text of some 7,200 lines that is searched where it lies: a question costs a binary search or one pass of the
text, and only the lines that answer it become values.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property, lru_cache

from firewright.catalog.table import DATA, Table
from firewright.model.protocol import PORTED_NAMES

WIDEST_RANGE = 64
"""Ports of the widest entry: a look-up need not look further back."""


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """The ports from `low` to `high` of these protocols as registered; the name is empty where they are reserved."""

    low: int
    high: int
    protocols: tuple[str, ...]
    name: str
    title: str

    def words(self) -> str:
        """Its transports in the words of a policy: `tcp/6000-6063, udp/6000-6063`."""
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return ", ".join(f"{protocol}/{ports}" for protocol in self.protocols)


class PortRegistry:
    """The registry as a table in order of ports; several entries of one port stand in the registry's order."""

    def __init__(self, table: Table) -> None:
        self._lines = table.lines
        self.source = table.source

    def at(self, port: int, protocol: int | None = None) -> tuple[RegistryEntry, ...]:
        """The entries of a port, those of one protocol if it is given. O(log n)."""
        return self.within(port, port, protocol)

    def within(self, low: int, high: int, protocol: int | None = None) -> tuple[RegistryEntry, ...]:
        """The entries that have a port from `low` to `high`, in order of ports. O(log n + answer)."""
        first = bisect_left(self._lines, low - WIDEST_RANGE + 1, key=_first_port)
        last = bisect_right(self._lines, high, lo=first, key=_first_port)
        found = (_entry(line) for line in self._lines[first:last])
        return tuple(
            entry
            for entry in found
            if entry.high >= low
            and (protocol is None or any(PORTED_NAMES[name] == protocol for name in entry.protocols))
        )

    def named(self, word: str) -> tuple[RegistryEntry, ...]:
        """The entries of exactly this name, in any case, in order of ports. O(n) without making values of the rest."""
        wanted = word.casefold()
        if not wanted or "\t" in wanted:
            return ()
        inside = f"\t{wanted}\t"
        found = (_entry(line) for line in self._lines if inside in line.casefold())
        return tuple(entry for entry in found if entry.name.casefold() == wanted)

    def words(self, name: str) -> str:
        """What to write in a policy for a name that only the registry has: `tcp/22, udp/22, sctp/22`; empty if it has none."""
        return ", ".join(entry.words() for entry in self.named(name))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(sorted({line.split("\t", 3)[2] for line in self._lines} - {""}))

    def __len__(self) -> int:
        return len(self._lines)


def _first_port(line: str) -> int:
    return int(line.partition("\t")[0].partition("-")[0])


def _entry(line: str) -> RegistryEntry:
    ports, protocols, name, title = line.split("\t")
    low, _, high = ports.partition("-")
    return RegistryEntry(int(low), int(high or low), tuple(protocols.split(",")), name, title)


@lru_cache(maxsize=1)
def port_registry() -> PortRegistry:
    """The registry that comes with the program, read once."""
    return PortRegistry(Table.read(DATA / "iana.tsv"))
