"""Reading rows: what a row may say, what is wrong with one and where, and a site's rows laid over the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright import document
from firewright.catalog.row import Degree, ServiceRow, Visibility, read_rows
from firewright.catalog.services import BadCatalog, Catalog, catalog
from firewright.catalog.table import Table
from firewright.diagnostic import Report, Severity
from firewright.model.packet import TCP, UDP
from firewright.model.transport import parse_transport
from firewright.source import Source, Span

ROW = """\
- name: smb
  aliases: [microsoft-ds, CIFS]
  title: SMB, file sharing
  transports: [tcp/445]
  what: Files and printers.
  encrypted: no
  authenticated: optional
  when-open: >
    Worms
    spread.
  incident: WannaCry, 2017
  visibility: vpn
  advice: Close it.
  instead: https
  together: []
  source: MS-SMB2
  date: 2026-11
"""


def changed(before: str, after: str) -> str:
    """The row with one text in place of another."""
    assert before in ROW
    return ROW.replace(before, after)


def named(name: str, transport: str, more: str = "") -> str:
    """A row of another name, without aliases."""
    plain = changed("  aliases: [microsoft-ds, CIFS]\n", "").replace("name: smb", f"name: {name}")
    return plain.replace("[tcp/445]", f"[{transport}]").replace("together: []", more or "together: []")


def laid(*texts: str, over: Catalog | None = None) -> tuple[Catalog | None, Report]:
    """A catalog out of these texts, and what was said of them."""
    report = Report()
    base = Catalog() if over is None else over
    return base.overlay([Source(f"file{k}.yaml", text) for k, text in enumerate(texts)], report), report


def made(*texts: str) -> Catalog:
    """A catalog out of good texts."""
    whole, report = laid(*texts)
    assert whole is not None and not report.diagnostics
    return whole


def test_a_row_says_what_its_text_says() -> None:
    """Every key reaches its field; `no` is a word, a block is one line, the file's name is the theme."""
    report = Report()
    (row,) = read_rows(Source("sites/file-sharing.yaml", ROW), report)
    assert report.diagnostics == []
    assert row == ServiceRow(
        name="smb",
        title="SMB, file sharing",
        transports=parse_transport("tcp/445"),
        what="Files and printers.",
        encrypted=Degree.NO,
        authenticated=Degree.OPTIONAL,
        when_open="Worms spread.",
        visibility=Visibility.VPN,
        advice="Close it.",
        source="MS-SMB2",
        date="2026-11",
        aliases=("microsoft-ds", "CIFS"),
        incident="WannaCry, 2017",
        instead="https",
        together=(),
        theme="file-sharing",
    )
    assert row.at == Span("sites/file-sharing.yaml", 1, 9, 3)


@pytest.mark.parametrize(
    ("text", "line", "message", "way_out"),
    [
        ("smb: tcp/445\n", 1, "a file of services is a list of rows", "begin each row with `- name: …`"),
        ("- smb\n", 1, "a row is a mapping", "begin it with `- name: …`"),
        (changed("  title:", "  titel:"), 3, "a row has no key 'titel'", "did you mean title?"),
        (changed("  title: SMB, file sharing\n", ""), 1, "the row says no title", "add `title: …`"),
        (changed("SMB, file sharing", '""'), 3, "title is empty", "say it in a sentence"),
        (changed("name: smb", "name: SMB"), 1, "name is 'SMB'", "write lower-case letters, digits and single hyphens"),
        (
            changed("name: smb", "name: '445'"),
            1,
            "name is '445'",
            "write lower-case letters, digits and single hyphens",
        ),
        (changed("name: smb", "name: any"), 1, "any is the word of a transport", "name the service otherwise"),
        (changed("[tcp/445]", "[tcp/70445]"), 4, "port 70445 does not exist", "ports run from 0 to 65535"),
        (changed("[tcp/445]", "[445]"), 4, "445 is a port without a protocol", "write tcp/445 or udp/445"),
        (changed("[tcp/445]", "[]"), 4, "the row has no transport", "write transports: [tcp/443]"),
        (changed("[tcp/445]", "tcp/445"), 4, "transports is a list", "write transports: [one, two]"),
        (changed("[tcp/445]", "[tcp/445, tcp/445]"), 4, "'tcp/445' stands twice in transports", "keep one"),
        (changed("[tcp/445]", "[{udp: any}]"), 4, "an entry of transports is not a word", ""),
        (changed("encrypted: no", "encrypted: never"), 6, "encrypted is 'never'", "it is one of no, optional, yes"),
        (changed("encrypted: no", "encrypted: false"), 6, "encrypted is 'false'", "it is one of no, optional, yes"),
        (
            changed("visibility: vpn", "visibility: lan"),
            12,
            "visibility is 'lan'",
            "it is one of nowhere, own-network, vpn, internet",
        ),
        (changed("date: 2026-11", "date: 2026-13"), 17, "date is '2026-13'", "write a month, as in 2026-11"),
        (changed("advice: Close it.", "advice: [Close it.]"), 13, "advice is a text", None),
        (changed("source: MS-SMB2", "source:"), 16, "source is empty", "say it in a sentence"),
        (ROW + "  date: 2026-10\n", 18, "'date' stands twice", "keep one"),
    ],
)
def test_a_bad_row_is_left_out_and_said_where(text: str, line: int, message: str, way_out: str | None) -> None:
    """A row with anything wrong gives no row, and one error at its line with the way out; the catalog is refused whole."""
    report = Report()
    assert read_rows(Source("a.yaml", text), report) == ()
    (said,) = report.diagnostics
    assert (said.severity, said.at.path, said.at.line, said.message) == (Severity.ERROR, "a.yaml", line, message)
    assert way_out is None or said.help == way_out
    whole, again = laid(text)
    assert whole is None
    assert [complaint.message for complaint in again.diagnostics] == [message]


@given(st.text(alphabet="-: \n[]{}abnameltitr\"'\x00é#|>&*!", max_size=200))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    """Any text gives no row, and a report that says why unless the text is empty or an empty list."""
    report = Report()
    assert read_rows(Source("a.yaml", text), report) == ()
    tree = document.parse(Source("a.yaml", text), Report())
    is_empty = tree is not None and (
        tree.root is None or (isinstance(tree.root, document.Sequence) and not tree.root.items)
    )
    assert report.has_errors() != is_empty


def test_a_name_is_exact_and_an_alias_is_none() -> None:
    """A policy's word is the row's name to the letter; aliases answer questions only, in any case."""
    whole = made(ROW)
    assert whole.names() == ("smb",)
    assert whole.service("smb") is not None
    assert [whole.service(word) for word in ("SMB", "cifs", "microsoft-ds", "")] == [None] * 4
    assert [row.name for word in ("SMB", "cifs", "Microsoft-DS") for row in whole.by_word(word)] == ["smb"] * 3
    assert whole.by_word("samba") == ()


def test_the_row_so_named_comes_before_those_so_nicknamed() -> None:
    """A shared alias leads to all its rows, in order of names; each row once."""
    whole = made(ROW, named("afp", "tcp/548").replace("  title", "  aliases: [cifs]\n  title", 1))
    assert [row.name for row in whole.by_word("cifs")] == ["afp", "smb"]


def test_a_row_that_says_its_own_name_again_is_still_one_row() -> None:
    """An alias that is the row's own name in another case adds nothing."""
    assert [row.name for row in made(changed("CIFS", "SMB")).by_word("smb")] == ["smb"]


def test_a_port_leads_to_the_rows_that_hold_it_narrowest_first() -> None:
    """Of several rows with a port, the one that holds least is named first; protocols are not mixed up."""
    whole = made(named("wide", "tcp/400-500"), ROW, named("both", "tcp/445, udp/445"))
    assert [row.name for row in whole.by_port(TCP, 445)] == ["smb", "both", "wide"]
    assert [row.name for row in whole.by_port(UDP, 445)] == ["both"]
    assert whole.by_port(TCP, 399) == whole.by_port(UDP, 400) == ()


def test_a_site_lays_its_rows_over() -> None:
    """A row of the same name is replaced, a new one joins, the rest and the first catalog stay as they were."""
    first = made(ROW, named("nfs", "tcp/2049"))
    second, report = laid(named("smb", "tcp/10445"), named("erp", "tcp/9000"), over=first)
    assert report.diagnostics == []
    assert second is not None
    assert {name: row.words() for name, row in second.rows.items()} == {
        "erp": "tcp/9000",
        "nfs": "tcp/2049",
        "smb": "tcp/10445",
    }
    assert first.names() == ("nfs", "smb")
    assert [row.name for row in first.by_port(TCP, 445)] == ["smb"]
    assert second.by_port(TCP, 445) == ()


def test_nothing_laid_over_changes_nothing() -> None:
    """An overlay of no file, or of an empty one, is the same catalog."""
    first = made(ROW)
    assert laid(over=first)[0] == laid("", "# nothing\n", over=first)[0] == first


def test_one_name_twice_is_refused_with_both_places() -> None:
    """Two rows of one name in what is laid over are an error that shows where each stands."""
    whole, report = laid(ROW, ROW)
    assert whole is None
    (said,) = report.diagnostics
    assert (said.message, said.at.path, said.notes[0].at.path) == (
        "two rows are called smb",
        "file1.yaml",
        "file0.yaml",
    )


def test_an_alias_that_is_another_rows_name_is_refused() -> None:
    """A word has one meaning as a name: no other row may carry it as an alias, in whatever case."""
    whole, report = laid(ROW, named("cifs", "tcp/3020"))
    assert whole is None
    (said,) = report.diagnostics
    assert said.message == "smb has the alias 'CIFS', the name of another row"
    assert (said.at.path, said.notes[0].at.path) == ("file0.yaml", "file1.yaml")


def test_a_site_may_use_a_word_that_was_only_an_alias() -> None:
    """A site's row may be called like an alias of the program's: the name goes first, and nothing is complained of."""
    whole, report = laid(named("cifs", "tcp/3020"), over=made(ROW))
    assert report.diagnostics == []
    assert whole is not None
    assert [row.name for row in whole.by_word("cifs")] == ["cifs", "smb"]
    row = whole.service("cifs")
    assert row is not None and row.words() == "tcp/3020"


@pytest.mark.parametrize("other", ["nosuch", "smb"])
def test_a_row_that_belongs_with_no_other_draws_a_warning(other: str) -> None:
    """`together` with an unknown name, or the row's own, is said with its place and stops nothing."""
    whole, report = laid(changed("together: []", f"together: [{other}]"))
    assert whole is not None
    (said,) = report.diagnostics
    assert (said.severity, said.at.line) == (Severity.WARNING, 1)
    assert said.message == f"smb belongs with '{other}', which is no other row"


def test_a_misspelt_name_leads_to_the_nearest() -> None:
    """The nearest name is found by names and by aliases; a word like none leads nowhere."""
    whole = made(ROW, named("postgresql", "tcp/5432"))
    assert [whole.nearest(word) for word in ("postgressql", "microsoft-sd", "qqqq", "")] == [
        "postgresql",
        "smb",
        "",
        "",
    ]


def test_the_catalog_is_read_once() -> None:
    """Asking again gives the very same catalog."""
    assert catalog() is catalog()


def test_an_installation_with_bad_rows_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own rows are held to the same rules: a fault in them stops with file, line and reason."""
    monkeypatch.setattr("firewright.catalog.services.bundled", lambda: [Source("catalog/services/a.yaml", "- smb\n")])
    catalog.cache_clear()
    try:
        with pytest.raises(BadCatalog, match=r"catalog/services/a\.yaml:1:3: a row is a mapping"):
            catalog()
    finally:
        catalog.cache_clear()


@pytest.mark.parametrize("head", ["", "name\ttitle", "# name\ttitle", "# name; source: x"])
def test_a_table_without_source_and_date_is_refused(tmp_path: Path, head: str) -> None:
    """No table is read that does not say in its first line where it is from and of which day."""
    path = tmp_path / "table.tsv"
    path.write_text(f"{head}\nsmb\tSMB\n")
    with pytest.raises(ValueError, match=r"table\.tsv does not begin with its columns, source and date"):
        Table.read(path)


def test_a_table_row_of_another_width_is_refused(tmp_path: Path) -> None:
    """A row with a cell too few or too many is an error, never shifted."""
    path = tmp_path / "table.tsv"
    path.write_text("# name\ttitle; source: x; date: 2026-11\nsmb\tSMB\nnfs\n")
    with pytest.raises(ValueError, match="1 cells where 2 are due: nfs"):
        Table.read(path).rows()
