"""Tables as people mistype them: no row of theirs becomes prose, and rows that go in and out have the end in common that nobody names."""

from __future__ import annotations

import pytest

from firewright.diagnostic import Report
from firewright.source import Source
from firewright.workflows.documents import read_document

HEAD = "| Port | Protocol | Direction |"
ROWS = "| 80 | TCP | in |\n| 443 | TCPP | in |\n| 25 | TCP | out | late |\n"


def flows(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """From whom to whom what, of every row that is understood."""
    reading = read_document(Source("page.md", text), Report(), has_rows=True)
    assert reading is not None
    return [(flow.sources, flow.destinations, flow.surely) for row in reading.rows for flow in row.flows]


@pytest.mark.parametrize(
    "ruled",
    ["|---|---|---|\n", "|---|---|\n", "|---|---|---|---|\n", "---|---\n", ""],
    ids=["right", "few", "many", "bare", "none"],
)
@pytest.mark.parametrize("before", ["", "These are needed:\n"])
def test_a_table_whose_second_line_is_wrong_loses_no_row(ruled: str, before: str) -> None:
    """With too few, too many or no dashes under the head each row is read, or refused by its own name and line."""
    reading = read_document(Source("page.md", f"# Ports\n\n{before}{HEAD}\n{ruled}{ROWS}\n"), Report(), has_rows=True)
    assert reading is not None
    first = 4 + bool(before) + bool(ruled)
    assert [(row.state, row.at.line) for row in reading.rows] == [
        ("understood", first),
        ("refused", first + 1),
        ("refused", first + 2),
    ]


def test_a_bar_in_a_sentence_makes_no_table() -> None:
    """Prose with a bar stays prose: it is refused as a sentence and not read as a row."""
    reading = read_document(
        Source("page.md", "# Ports\n\nOpen TCP 25 | or TCP 26\nfor mail.\n"), Report(), has_rows=True
    )
    assert reading is None or [row.name for row in reading.rows] == ["prose"]


def test_rows_in_and_out_share_the_end_that_nobody_names() -> None:
    """What others reach is what sends: the answer to who may come in opens nothing to who is sent to."""
    into, out = flows(
        "# Ports\n\n| Port | Protocol | Direction |\n|---|---|---|\n| 80 | TCP | in |\n| 25 | TCP | out |\n"
    )
    assert into[1] == out[0]
    assert len({into[0], into[1], out[1]}) == 3
