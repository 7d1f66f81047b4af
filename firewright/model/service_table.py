"""A service matrix as it is told: classes of addresses, who reaches whom, in words. Light values, read by reports and drawings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firewright.model.packet import Family
from firewright.source import NOWHERE, Span


class State(StrEnum):
    """What becomes of new flows, in the order in which it is told.

    `possibly` hangs on a match that is not understood; `not enforced` passes no firewall of the policy; of `not said` the
    document has no row.
    """

    OPEN = "open"
    POSSIBLY = "possibly"
    UNENFORCED = "not enforced"
    UNSAID = "not said"
    CLOSED = "closed"


ITSELF = "itself"
"""The word for one machine and itself, between which no firewall stands."""
MEANINGS: Mapping[str, str] = {
    "open": "every packet that begins a flow passes",
    "closed": "none passes",
    "possibly": "it hangs on a match that is not understood: neither open nor closed",
    "in part": "it depends on more than the two addresses, as told below",
    "possibly in part": "in part, and some of it hangs on a match that is not understood",
    "not enforced": "it passes no firewall of the policy",
    "not said": "no row of the document speaks of it",
    ITSELF: "one machine",
}
"""The words of cells, in the order in which they are explained."""


_READABLE = 10**12


@dataclass(frozen=True, slots=True)
class Share:
    """Flows of one cell with one state, one packet of them, and what decides that packet.

    `words` are the services and conditions of the flows. `verdict` is the word of the decision, `place` where its rule
    stands, `rule` its text, `at` its place in a file (NOWHERE where no file says it). `depends` are the rules on whose
    reading it hangs, where the state is possibly.
    """

    state: State
    words: tuple[str, ...]
    example: str
    verdict: str
    place: str
    rule: str
    at: Span = field(default=NOWHERE, compare=False)
    depends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """New flows of the service from one class to another: shares that together are all of them, the most open first."""

    shares: tuple[Share, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """The states that some flow has."""
        return tuple(share.state for share in self.shares)

    @property
    def word(self) -> str:
        """The cell in a word: its state, or `in part` where it depends on more than the two addresses."""
        if len(self.shares) == 1:
            return self.shares[0].state.value
        return "possibly in part" if State.POSSIBLY in self.states else "in part"

    @property
    def wording(self) -> tuple[str, tuple[tuple[str, tuple[str, ...]], ...]]:
        """All that is told of the cell without an example: equal cells of two families are told once."""
        return self.word, tuple((share.state.value, share.words) for share in self.shares)


def word_of(cell: Cell | None) -> str:
    """A cell in a word of MEANINGS."""
    return ITSELF if cell is None else cell.word


@dataclass(frozen=True, slots=True)
class AddressClass:
    """Addresses of one family that are all treated alike: what they are called, how many, and every range of them.

    The machine itself is a class of its own, `is_local`, without ranges.
    """

    name: str
    count: int
    ranges: tuple[str, ...]
    is_local: bool = False


def count_words(number: int) -> str:
    """How many addresses a class holds: `1,024`; what has too many digits to be read as a power of two, `2^80` or `about 2^98`."""
    if number < _READABLE:
        return f"{number:,}"
    power = number.bit_length() - 1
    if number == 1 << power:
        return f"2^{power}"
    return f"about 2^{power + (number >> power - 1 & 1)}"


@dataclass(frozen=True, slots=True)
class FamilyTable:
    """Who reaches whom in one family: a row of cells for each class of sources, in it one for each class of destinations.

    `rows` and `columns` are places in `classes`. None for a cell is one machine to itself, which passes no
    firewall.
    """

    family: Family
    classes: tuple[AddressClass, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: tuple[tuple[Cell | None, ...], ...]

    def number(self, place: int) -> str:
        """What a table calls the class at a place: its number from 1 on, or the machine itself."""
        return "local" if self.classes[place].is_local else str(place + 1)

    @property
    def words(self) -> frozenset[str]:
        """The words that a cell has."""
        return frozenset(word_of(cell) for row in self.cells for cell in row)

    def parts(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], Cell]]:
        """Cells of several shares that are told alike, in blocks: the classes that send, those that are sent to, one of the cells."""
        blocks: dict[tuple[object, ...], tuple[list[int], tuple[int, ...], Cell]] = {}
        for row, cells in zip(self.rows, self.cells, strict=True):
            alike: dict[object, tuple[list[int], Cell]] = {}
            for column, cell in zip(self.columns, cells, strict=True):
                if cell is not None and len(cell.shares) > 1:
                    alike.setdefault(cell.wording, ([], cell))[0].append(column)
            for columns, cell in alike.values():
                blocks.setdefault((cell.wording, *columns), ([], tuple(columns), cell))[0].append(row)
        yield from ((tuple(rows), receivers, cell) for rows, receivers, cell in blocks.values())

    @property
    def wording(self) -> tuple[object, ...]:
        """All that is told of the table without numbers of addresses and examples."""
        cells = tuple(tuple(cell.wording if cell else None for cell in row) for row in self.cells)
        return tuple(one.name for one in self.classes), self.rows, self.columns, cells


@dataclass(frozen=True, slots=True)
class ServiceMatrix:
    """Who reaches whom by a service, for each family that the subject says something of; `notes` on what the answer rests.

    `kind` is what the subject was read from: a policy, a ruleset or a document.
    """

    name: str
    path: str
    kind: str
    service: str
    tables: tuple[FamilyTable, ...]
    notes: tuple[str, ...] = ()

    @property
    def alike(self) -> tuple[tuple[FamilyTable, ...], ...]:
        """The tables, those that differ in nothing but numbers and examples together."""
        groups: dict[tuple[object, ...], list[FamilyTable]] = {}
        for table in self.tables:
            groups.setdefault(table.wording, []).append(table)
        return tuple(map(tuple, groups.values()))
