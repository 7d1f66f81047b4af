"""Who reaches whom by a service: as text, Markdown, a tree and comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from firewright.diagnostic import harmless
from firewright.model.service_table import (
    ITSELF,
    MEANINGS,
    AddressClass,
    Cell,
    FamilyTable,
    ServiceMatrix,
    Share,
    State,
    count_words,
    word_of,
)
from firewright.reports._findings_text import place, several
from firewright.reports._lines import columns, folded, pad, table
from firewright.reports._markup import code, plain
from firewright.reports._markup import table as markdown_table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree

MARKS: Mapping[str, str] = {
    State.OPEN.value: "+",
    State.CLOSED.value: "-",
    State.POSSIBLY.value: "?",
    "in part": "/",
    "possibly in part": "/?",
    State.UNENFORCED.value: "0",
    State.UNSAID.value: ".",
    ITSELF: "=",
}
"""What stands in a cell of a table that is too wide for words."""
MOST_PARTS = 40
"""So many cells that are open in part are explained where not everything is wanted; the rest is counted."""
_UNCUT = 10_000
_STYLES = {"open": "open", "closed": "closed", "possibly": "asked", "in part": "asked", "possibly in part": "asked"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEAD = (
    "family", "from", "from_addresses", "to", "to_addresses", "cell", "state", "services", "packet", "verdict", "firewall",
    "rule", "file", "line", "depends_on",
)  # fmt: skip


def matrix_text(found: ServiceMatrix, look: Look) -> str:
    """A table for each family, or for both where they are alike: its classes, its cells, and what is open in part.

    Where packets are wanted (`look.has_witness`), each cell with one of them and the rule that decides it.
    """
    paint = Paint(look.is_coloured)
    lines = [paint("title", f"{_safe(found.name)}: who reaches whom by {_safe(found.service)}")]
    for tables in found.alike:
        lines += ["", *_family_text(tables, look, paint)]
    lines += [""] if found.notes else []
    lines += [paint("faint", f"note: {_safe(note)}") for note in found.notes]
    return "\n".join(lines) + "\n"


def _family_text(tables: Sequence[FamilyTable], look: Look, paint: Paint) -> Iterator[str]:
    first = tables[0]
    yield paint("title", family_words(tables))
    rows = [(str(number), _safe(one.name), size_words(tables, number - 1)) for number, one in numbered(first)]
    yield from (f"  {row}" for row in table(rows))
    yield ""
    has_words = _has_words(first, look)
    yield from _grid(first, paint, has_words=has_words)
    yield ""
    for word, meaning in MEANINGS.items():
        if word in first.words:
            yield paint("faint", f"  {_explained(word, has_words=has_words)}: {meaning}")
    parts = list(first.parts())
    shown = parts if look.is_verbose else parts[:MOST_PARTS]
    for some, others, cell in shown:
        senders, receivers = (", ".join(map(first.number, ends)) for ends in (some, others))
        part = f"{senders} -> {receivers}: {cell_words(cell)}"
        yield from _wrapped(part, look) if look.is_cut else [f"  {part}"]
    if len(shown) < len(parts):
        yield paint("faint", f"  and {several(len(parts) - len(shown), 'cell')} more in part; -v shows all")
    if look.has_witness:
        for one in tables:
            yield ""
            yield from _cells_text(one, len(tables) > 1, paint)


def _wrapped(text: str, look: Look) -> list[str]:
    first, *rest = folded(text, look.width - 2, look.width - 6)
    return [f"  {first}", *(f"      {row}" for row in rest)]


def family_words(tables: Sequence[FamilyTable]) -> str:
    """The families of tables that are alike."""
    return " and ".join(f"IPv{one.family}" for one in tables)


def numbered(one: FamilyTable) -> Iterator[tuple[int, AddressClass]]:
    """The classes with the numbers by which a table calls them, from 1 on."""
    return enumerate(one.classes, start=1)


def size_words(tables: Sequence[FamilyTable], place: int) -> str:
    """How many addresses a class holds in each family of tables that are alike."""
    if tables[0].classes[place].is_local:
        return "the machine itself"
    counts = [
        (one.family, f"{count_words(count)} {'address' if count == 1 else 'addresses'}")
        for one in tables
        for count in (one.classes[place].count,)
    ]
    if len(counts) == 1:
        return counts[0][1]
    return ", ".join(f"IPv{family}: {count}" for family, count in counts)


def _has_words(one: FamilyTable, look: Look) -> bool:
    widest = [max(len(word_of(row[place])) for row in one.cells) for place in range(len(one.columns))]
    return sum(widest) + 2 * len(widest) + 12 <= look.width


def _explained(word: str, *, has_words: bool) -> str:
    return word if has_words else f"{MARKS[word]}  {word}"


def _grid(one: FamilyTable, paint: Paint, *, has_words: bool) -> Iterator[str]:
    """The cells by the numbers of their classes, in words where there is room for them."""
    head = ["from, to", *(one.number(column) for column in one.columns)]
    rows = [
        [one.number(row), *(word_of(cell) for cell in cells)] for row, cells in zip(one.rows, one.cells, strict=True)
    ]
    shown = [[row[0], *(word if has_words else MARKS[word] for word in row[1:])] for row in rows]
    widths = [max(columns(line[place]) for line in (head, *shown)) for place in range(len(head))]
    yield "  " + "  ".join(pad(cell, wide) for cell, wide in zip(head, widths, strict=True)).rstrip()
    for words, cells in zip(rows, shown, strict=True):
        painted = [
            paint(style, cell) + " " * (wide - columns(cell)) if (style := _STYLES.get(word, "")) else pad(cell, wide)
            for word, cell, wide in zip(words, cells, widths, strict=True)
        ]
        yield "  " + "  ".join(painted).rstrip()


def cell_words(cell: Cell) -> str:
    """The shares of a cell in a line."""
    return "; ".join(f"{share.state.value} {_safe(', '.join(share.words))}".rstrip() for share in cell.shares)


def _cells_text(one: FamilyTable, has_family: bool, paint: Paint) -> Iterator[str]:
    """Each cell with a packet and the rule that decides it."""
    for source, destination, cell in _cells(one):
        family = f" (IPv{one.family})" if has_family else ""
        yield f"{_safe(source.name)} -> {_safe(destination.name)}{family}"
        for share in cell.shares:
            said = " ".join(filter(None, (share.state.value, _safe(", ".join(share.words)))))
            yield f"  {paint(_STYLES.get(share.state.value, 'faint'), said)}"
            yield f"    packet      {harmless(share.example)}"
            yield f"    decided by  {_decider(share)}"
            yield from (f"    depends on  {_safe(text)}" for text in share.depends)


def _decider(share: Share) -> str:
    said = ": ".join(filter(None, (_safe(share.place), _safe(share.rule))))
    return "  ".join(filter(None, (place(share.at) if share.at.path else "", said)))


def _cells(one: FamilyTable) -> Iterator[tuple[AddressClass, AddressClass, Cell]]:
    for row, cells in zip(one.rows, one.cells, strict=True):
        for column, cell in zip(one.columns, cells, strict=True):
            if cell is not None:
                yield one.classes[row], one.classes[column], cell


def _safe(text: str) -> str:
    return harmless(text, _UNCUT)


def matrix_markdown(found: ServiceMatrix, look: Look) -> str:
    """A heading for each family, a table of its classes and one of its cells."""
    lines = [f"## {plain(found.name)}: who reaches whom by {plain(found.service)}", ""]
    for tables in found.alike:
        first = tables[0]
        classes = ((str(number), plain(one.name), size_words(tables, number - 1)) for number, one in numbered(first))
        lines += [f"### {family_words(tables)}", "", *markdown_table(("class", "addresses", "how many"), classes), ""]
        rows = (
            (f"**{first.number(row)}**", *(_markdown_cell(cell) for cell in cells))
            for row, cells in zip(first.rows, first.cells, strict=True)
        )
        lines += [*markdown_table(("from, to", *(first.number(column) for column in first.columns)), rows), ""]
        lines += [*(f"- {word}: {meaning}" for word, meaning in MEANINGS.items() if word in first.words), ""]
        if look.has_witness:
            for one in tables:
                lines += [*_markdown_deciders(one), ""]
    lines += [f"- {plain(note)}" for note in found.notes]
    return "\n".join(lines).rstrip() + "\n"


def _markdown_cell(cell: Cell | None) -> str:
    if cell is None or len(cell.shares) == 1:
        return word_of(cell)
    return "<br>".join(f"{share.state.value}: {plain(', '.join(share.words))}" for share in cell.shares)


def _markdown_deciders(one: FamilyTable) -> Iterator[str]:
    head = ("from", "to", "cell", f"packet (IPv{one.family})", "decided by")
    rows = (
        (plain(source.name), plain(destination.name), share.state.value, code(share.example), code(_decider(share)))
        for source, destination, cell in _cells(one)
        for share in cell.shares
    )
    yield from markdown_table(head, rows)


def matrix_csv(found: ServiceMatrix) -> str:
    """A row for each share of each cell (RFC 4180, with line feeds alone).

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    for one in found.tables:
        for source, destination, cell in _cells(one):
            for share in cell.shares:
                at = share.at
                row = (
                    f"IPv{one.family}", source.name, str(source.count), destination.name, str(destination.count), cell.word,
                    share.state.value, "; ".join(share.words), share.example, share.verdict, share.place, share.rule,
                    at.path, str(at.line or ""), "; ".join(share.depends),
                )  # fmt: skip
                writer.writerow([f"'{_safe(text)}" if text.startswith(_FORMULA) else _safe(text) for text in row])
    return out.getvalue()


def matrix_tree(found: ServiceMatrix) -> dict[str, Any]:
    """The same as mappings and lists, with every range of every class."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "service-matrix",
        "subject": {"name": found.name, "kind": found.kind, "file": found.path},
        "service": found.service,
        "tables": [
            {
                "family": f"IPv{one.family}",
                "classes": [
                    {
                        "number": number,
                        "name": each.name,
                        "local": each.is_local,
                        "addresses": each.count,
                        "ranges": list(each.ranges),
                    }
                    for number, each in numbered(one)
                ],
                "cells": [
                    {
                        "from": row + 1,
                        "to": column + 1,
                        "state": word_of(cell),
                        "shares": [] if cell is None else [_share_tree(share) for share in cell.shares],
                    }
                    for row, cells in zip(one.rows, one.cells, strict=True)
                    for column, cell in zip(one.columns, cells, strict=True)
                ],
            }
            for one in found.tables
        ],
        "notes": list(found.notes),
    }


def _share_tree(share: Share) -> dict[str, Any]:
    return {
        "state": share.state.value,
        "services": list(share.words),
        "witness": share.example,
        "verdict": share.verdict,
        "place": share.place or None,
        "rule": share.rule or None,
        "at": place_tree(share.at),
        "depends_on": list(share.depends),
    }
