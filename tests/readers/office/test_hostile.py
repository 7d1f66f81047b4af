"""Documents that are damaged, or made to do harm: refused by name, by a child process within its limits, whatever they are."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.live import confined
from firewright.readers.port_documents import Given, format_of
from firewright.readers.port_documents._parcel import DEPTH_LIMIT, PART_LIMIT
from tests.cli.running import run
from tests.readers.office import making
from tests.readers.office.reading import page_of, refusal_of

MADE = {
    "a.xlsx": making.xlsx(),
    "a.ods": making.ods(),
    "a.docx": making.docx(),
    "a.pdf": making.pdf(making.drawn_table(making.TABLE)),
}
_LOCKED = making.pdf(
    "", extra=f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'5a' * 32}> /U <{'a5' * 32}> >> /ID [<01><01>] "
)
_WORD = '<w:document xmlns:w="w"><w:body>{}</w:body></w:document>'


def test_a_bomb_is_not_unpacked() -> None:
    """A part of a few kilobytes that unpacks to more than the limit is refused, whatever size its archive claims."""
    bomb = making.packed({"word/document.xml": b" " * (PART_LIMIT + 1)})
    assert len(bomb) < 100_000
    assert refusal_of("a.docx", bomb) == "too-large"
    assert refusal_of("a.docx", _lying(bomb)) in ("too-large", "unreadable")


def _lying(raw: bytes) -> bytes:
    """The archive with sizes in its directory that are far too small."""
    size = (PART_LIMIT + 1).to_bytes(4, "little")
    assert raw.count(size) == 2
    return raw.replace(size, (100).to_bytes(4, "little"))


@pytest.mark.parametrize("entities", ["<!ENTITY a 'b'>", "<!ENTITY a SYSTEM 'file:///etc/passwd'>", ""])
def test_a_document_type_is_refused(entities: str) -> None:
    """Entities, from files or within themselves, never come to be: their declaration is refused."""
    text = f"<!DOCTYPE w [{entities}]>{_WORD.format('&a;' if entities else '')}"
    assert refusal_of("a.docx", making.packed({"word/document.xml": text})) == "unreadable"


def test_deep_elements_are_refused_at_a_limit() -> None:
    """Elements within elements are read to a depth and no further, without recursion into them."""
    for depth, is_read in ((DEPTH_LIMIT // 2, True), (DEPTH_LIMIT + 1, False), (100_000, False)):
        raw = making.packed({"word/document.xml": _WORD.format("<w:sdt>" * depth + "</w:sdt>" * depth)})
        if is_read:
            assert page_of("a.docx", raw).blocks == ()
        else:
            assert refusal_of("a.docx", raw) == "too-large"


def test_a_table_wider_or_longer_than_is_read_is_refused() -> None:
    """Cells and rows beyond the limits are an error, never left out."""
    wide = making.sheet([("x",) * 300])
    assert refusal_of("a.xlsx", making.workbook({"S": wide})) == "too-large"
    cell = making.open_cell("x")
    long = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    assert refusal_of("a.ods", making.ods_of(long)) == "too-large"
    across = cell.replace("<table:table-cell", '<table:table-cell table:number-columns-repeated="16000"')
    assert refusal_of("a.ods", making.ods_of(f"<table:table-row>{across}</table:table-row>")) == "too-large"
    spanned = '<w:tc><w:tcPr><w:gridSpan w:val="999999"/></w:tcPr><w:p/></w:tc>'
    assert refusal_of("a.docx", making.docx_of(f"<w:tbl><w:tr>{spanned}</w:tr></w:tbl>")) == "too-large"


def test_merged_cells_cover_no_more_than_is_read() -> None:
    """Many merged cells over the same places are refused when they cover too many."""
    rows = (("x",), *[()] * 9_998, ("",) * 249 + ("x",))
    merges = "<mergeCells>" + '<mergeCell ref="A1:IV10000"/>' * 1000 + "</mergeCells>"
    assert refusal_of("a.xlsx", making.workbook({"S": making.sheet(rows, merges)})) == "too-large"


def test_encrypted_documents_are_told_apart() -> None:
    """What needs a password says so: Office's encryption, OpenDocument's, PDF's; old Office files are told the same way out."""
    pytest.importorskip("pdfplumber")
    compound = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    assert [refusal_of(name, compound) for name in ("a.xlsx", "a.docx")] == ["encrypted"] * 2
    assert refusal_of("a.ods", making.ods_of("", manifest)) == "encrypted"
    assert refusal_of("a.pdf", _LOCKED) == "encrypted"


def test_two_parts_of_one_name_are_refused() -> None:
    """Programs differ in which of two parts they show, so neither is read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for text in ("tcp 22", "tcp 443"):
            archive.writestr("word/document.xml", _WORD.format(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"))
    assert refusal_of("a.docx", out.getvalue()) == "unreadable"


def test_a_pdf_of_pictures_or_with_missing_pages_is_refused() -> None:
    """Where there is no text, or fewer pages than promised, nothing is read as if that were all."""
    pytest.importorskip("pdfplumber")
    assert refusal_of("a.pdf", making.pdf("0 0 m 9 9 l S")) == "no-text"
    assert refusal_of("a.pdf", MADE["a.pdf"].replace(b"/Count 1", b"/Count 2")) == "unreadable"


def test_a_pdf_with_a_damaged_stream_is_refused() -> None:
    """Where the packed text of a page is damaged or ends too early, there is no page without that text."""
    pytest.importorskip("pdfplumber")
    whole = MADE["a.pdf"]
    packed = zlib.compress(making.drawn_table(making.TABLE).encode())
    assert whole.count(packed) == 1
    for filler in (b"\xff", b"\x00"):
        for kept in range(2, len(packed) - 4, len(packed) // 30):
            damaged = packed[:kept] + filler * (len(packed) - kept)
            assert refusal_of("a.pdf", whole.replace(packed, damaged)) == "unreadable"


@pytest.mark.parametrize("name", MADE)
def test_a_document_that_is_cut_off_is_refused(name: str) -> None:
    """No beginning of a document is read as if it were the whole."""
    if name == "a.pdf":
        pytest.importorskip("pdfplumber")
    whole = MADE[name]
    end = len(whole.rstrip())
    for size in {*range(0, end, max(1, end // 60)), end - 1, end - 6}:
        assert refusal_of(name, whole[:size]) in ("unreadable", "encrypted"), size


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(MADE)), st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4)), max_size=4))
def test_no_damage_brings_it_down(name: str, damages: list[tuple[int, bytes]]) -> None:
    """Whatever bytes stand in a document, there is a page or an error with its place, never an exception."""
    pytest.importorskip("pdfplumber")
    raw = bytearray(MADE[name])
    for place, put in damages:
        raw[place % len(raw) : place % len(raw) + len(put)] = put
    report = Report()
    taken = Given(name, bytes(raw))
    found = format_of(taken)
    assert found is not None
    page = found.read(taken, report)
    assert (page is None) == report.has_errors()
    assert all(one.message.isprintable() for one in report.diagnostics)


@pytest.mark.parametrize("name", MADE)
def test_a_child_reads_what_is_read_here(name: str) -> None:
    """The page that the confined child gives is the page itself, and an error is the error."""
    if name == "a.pdf":
        pytest.importorskip("pdfplumber")
    report = Report()
    assert confined.read_confined(Given(name, MADE[name]), report) == page_of(name, MADE[name])
    assert report.diagnostics == []
    assert confined.read_confined(Given(name, MADE[name][:99]), report) is None
    assert [one.name for one in report.diagnostics] == ["unreadable"]


def test_a_document_cannot_take_more_time_than_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of thousands of crossing rules is given up when its seconds are over."""
    pytest.importorskip("pdfplumber")
    rules = "".join(making.rule(k, 0, k, 800) + making.rule(0, k, 600, k) for k in range(4, 600, 4))
    monkeypatch.setattr(confined, "SECONDS", 1)
    assert _confined_refusal("a.pdf", making.pdf(rules + making.drawn("x", 40, 40))) == "too-large"


def test_a_document_cannot_take_more_memory_than_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document whose elements need more memory than the child has is refused by it."""
    monkeypatch.setattr(confined, "MEMORY_LIMIT", 56 * 2**20)
    assert page_of("a.docx", making.docx_of("<w:bookmarkEnd/>" * 250_000)).blocks == ()
    assert _confined_refusal("a.docx", making.docx_of("<w:bookmarkEnd/>" * 250_000)) == "too-large"
    assert confined.read_confined(Given("a.docx", MADE["a.docx"]), Report()) is not None


def _confined_refusal(name: str, raw: bytes) -> str:
    report = Report()
    assert confined.read_confined(Given(name, raw), report) is None
    (error,) = report.diagnostics
    return error.name


def test_nothing_of_the_current_folder_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python file beside a document is not taken for a module of the reader's."""
    for module in ("json", "zipfile", "firewright", "resource"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert confined.read_confined(Given("a.xlsx", MADE["a.xlsx"]), Report()) == page_of("a.xlsx", MADE["a.xlsx"])


def test_the_command_ends_with_2_where_a_document_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`firewright read` reads a document in its child, and says of one that it refuses what, where and a way out."""
    (tmp_path / "good.docx").write_bytes(MADE["a.docx"])
    (tmp_path / "bad.docx").write_bytes(making.packed({"word/document.xml": b" " * (PART_LIMIT + 1)}))
    monkeypatch.chdir(tmp_path)
    done = run("read", "good.docx")
    assert done.exit_code == 0
    assert "4 rows = 4 understood" in done.stdout
    done = run("read", "bad.docx")
    assert done.exit_code == 2
    assert "error[too-large]" in done.stderr
    assert "bad.docx" in done.stderr
