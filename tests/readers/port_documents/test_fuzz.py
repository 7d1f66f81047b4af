"""Whatever a document holds, reading it ends, raises nothing, and accounts for every row."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.catalog.services import catalog
from firewright.diagnostic import Report
from firewright.readers.port_documents import FORMATS, Given, Grid, State, read_page
from firewright.readers.port_documents._columns import Role, role_of
from tests.readers.port_documents.documents import spoken

WORDS = """any all TCP UDP tcp/443 80 443 22,23 8000-8100 80-20 70000 TPC HTTPS DNS ICMP ESP - X n/a or and & / ( ) : ; , + > * † [^1]
depends not internal internet 10.0.0.0/8 0.0.0.0/0 ::/0 self web-server "quoted" <b> </td> &amp; Inbound Outbound both → <-> allow
deny Source Destination Port Protocol Service Direction Action 14.400 seconds timeout""".split()  # noqa: SIM905 - shorter to read
HEADS = [
    "Source",
    "Destination",
    "Protocol",
    "Port",
    "Service",
    "Direction",
    "Action",
    "Description",
    "Used by",
    "Source port",
    "Inbound",
]
CELLS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
TABLES = st.lists(st.sampled_from(HEADS), min_size=2, max_size=5, unique=True).flatmap(
    lambda head: st.tuples(
        st.just(head), st.lists(st.lists(CELLS, min_size=len(head), max_size=len(head)), min_size=1, max_size=6)
    )
)
MARKS = [
    "|",
    "\n",
    "\n\n",
    "# ",
    "- ",
    "|-|-|",
    "<tr>",
    "<td>",
    "<table>",
    "</table>",
    "<ul><li>",
    "\t",
    " ",
    ".",
    "~~~",
]
TEXT_FORMATS = ("csv", "html", "md", "txt")


@settings(max_examples=120, deadline=None)
@given(TABLES)
def test_rows_in_are_rows_out(table: tuple[list[str], list[list[str]]]) -> None:
    """Every row of a table is an entry, is a head again or a title; none is lost, and bounds hold."""
    head, rows = table
    stream = io.StringIO()
    csv.writer(stream).writerows([head, *rows])
    page = FORMATS.load("csv").read(Given("x.csv", stream.getvalue().encode()), Report())
    assert page is not None
    (grid,) = page.blocks
    assert isinstance(grid, Grid) and len(grid.rows) == len(rows) + 1
    document = read_page(page, catalog(), Report())
    if document is None:
        return
    seen = {one.at.line for one in document.entries}
    for row in grid.rows[1:]:
        is_head = all(role_of(cell.text) is not Role.OTHER for cell in row.cells)
        is_title = sum(bool(cell.text) for cell in row.cells) == 1
        assert row.at.line in seen or is_head or is_title
    for entry in document.entries:
        assert (entry.state is State.REFUSED) == (
            not entry.requirements and bool(entry.why) and entry.name != "disabled"
        )
        for one in entry.requirements:
            assert one.sources and one.destinations and one.possibly
            assert one.surely == one.possibly or entry.state is State.BOUNDED
            assert {*spoken(one.surely).split(", ")} - {""} <= {
                *spoken((*one.surely, *one.possibly)).split(", ")
            } or one.is_bounded


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXT_FORMATS), st.lists(st.sampled_from([*WORDS, *MARKS]), max_size=60).map(" ".join))
def test_no_text_makes_reading_fail(format_: str, text: str) -> None:
    """Pieces of tables, lists and markup in any order are read or refused; counts add up."""
    _read(format_, text.encode())


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TEXT_FORMATS), st.binary(max_size=200))
def test_no_bytes_make_reading_fail(format_: str, raw: bytes) -> None:
    """Bytes of any kind are read or refused."""
    _read(format_, raw)


def _read(format_: str, raw: bytes) -> None:
    report = Report()
    page = FORMATS.load(format_).read(Given(f"x.{format_}", raw), report)
    document = None if page is None else read_page(page, catalog(), report)
    if document is None:
        assert report.has_errors()
        return
    assert len(document.entries) == sum(document.count(state) for state in State) > 0
    assert all(one.name and one.why for one in document.refusals)
    assert all(zone.question or zone.addresses for zone in document.zones.values())
