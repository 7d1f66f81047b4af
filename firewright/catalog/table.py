"""The tables that come with the program: tab-separated lines under one line that names the columns, the source and the day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from firewright.source import read

DATA = Path(__file__).with_name("data")
"""The folder of the tables."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows as they are written, and what the first line says: the columns, and the source with its date."""

    columns: tuple[str, ...]
    source: str
    lines: tuple[str, ...]

    @staticmethod
    def read(path: Path) -> Table:
        """The table in a file of this package. Raises ValueError where its first line does not say what it must."""
        head, *lines = read(path).text.removesuffix("\n").split("\n")
        columns, separator, source = head.partition("; ")
        if not head.startswith("# ") or not separator or "date: " not in source:
            raise ValueError(f"{path.name} does not begin with its columns, source and date")
        return Table(tuple(columns.removeprefix("# ").split("\t")), source, tuple(lines))

    def rows(self) -> list[tuple[str, ...]]:
        """Every row as its cells. Raises ValueError for a row that has more or fewer than there are columns."""
        rows = [tuple(line.split("\t")) for line in self.lines]
        for row in rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{len(row)} cells where {len(self.columns)} are due: {row[0][:40]}")
        return rows
