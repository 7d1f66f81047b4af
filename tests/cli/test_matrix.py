"""`firewright matrix` on the command line: its formats, its ends, what it refuses."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from firewright.diagnostic import Report
from firewright.drawing.pictures._service_matrix import draw
from firewright.drawing.scene import Area, Scene, Text
from firewright.model.service_table import MEANINGS
from firewright.workflows.service_matrix import Narrowed, service_matrix
from tests.cli.running import TRACEBACK, profile, run
from tests.workflows.subjects import wanted

RULES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 10.0.0.0/8 -p tcp --dport 443 -j ACCEPT
-A FORWARD -s 10.9.0.0/16 -p tcp --dport 443 -m recent --name x --rcheck -j DROP
-A FORWARD -s 10.0.0.0/8 -p tcp --dport 443 -m comment --comment "=office()" -j ACCEPT
-A FORWARD -i eth1 -d 192.0.2.10 -p tcp --dport 443 -j ACCEPT
COMMIT
"""


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a ruleset in it."""
    (tmp_path / "gateway.rules").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("ending", ["json", "md", "csv", "svg", "png", "txt"])
def test_the_ending_of_a_file_asks_for_its_format(gateway: Path, ending: str) -> None:
    """Every format is written to a file by its ending, whole, and nothing else is said."""
    done = run("matrix", "gateway.rules", "tcp/443", "-o", f"https.{ending}")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    written = (gateway / f"https.{ending}").read_bytes()
    starts = {
        "json": b"{",
        "md": b"## ",
        "csv": b"family,",
        "svg": b"<?xml",
        "png": b"\x89PNG",
        "txt": b"gateway.rules:",
    }
    assert written.startswith(starts[ending])


def test_json_has_the_exact_sizes_ranges_witnesses_and_lines(gateway: Path) -> None:
    """JSON tells each class with its ranges and number, and each cell with a witness and the deciding line."""
    done = run("matrix", "gateway.rules", "tcp/443", "--format", "json", "--from", "10.0.0.0/8", "--to", "local")
    found = json.loads(done.stdout)
    (table,) = found["tables"]
    assert [(one["addresses"], one["ranges"]) for one in table["classes"]] == [(1 << 24, ["10.0.0.0/8"]), (1, [])]
    ((cell,),) = [table["cells"]]
    assert (cell["from"], cell["to"], cell["state"]) == (1, 2, "open")
    (share,) = cell["shares"]
    assert share["witness"] == "tcp 10.0.0.10:49152 -> 198.51.100.20:443"
    assert (share["verdict"], share["place"], share["at"]["line"]) == ("accept", "iptables filter INPUT rule 1", 5)
    assert found["notes"][0] == "IPv6: gateway.rules says nothing of it"


def test_csv_is_a_row_a_share_and_no_formula(gateway: Path) -> None:
    """CSV has one row for each share, and no text of the ruleset is a formula in a spreadsheet."""
    done = run("matrix", "gateway.rules", "tcp/443", "--format", "csv")
    head, *rows = list(csv.reader(StringIO(done.stdout)))
    assert head[:3] == ["family", "from", "from_addresses"]
    assert {len(row) for row in rows} == {len(head)}
    assert {row[6] for row in rows} == {"open", "closed", "possibly"}
    assert any("=office()" in row[1] for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_picture_says_what_the_table_says(gateway: Path) -> None:
    """The SVG holds every class, every word and every cell as its tooltip; texts keep to the page."""
    done = run("matrix", "gateway.rules", "tcp/443", "--format", "svg")
    root = ElementTree.fromstring(done.stdout)
    said = " ".join(root.itertext())
    for word in ("10.9.0.0/16", "192.0.2.10", "the machine itself", "possibly", "by eth1", "itself"):
        assert word in said


def _scene(path: Path) -> Scene:
    found = service_matrix(str(path), "tcp/443", Narrowed(), wanted(), Report())
    assert found is not None
    return draw(found)


@pytest.mark.parametrize("hosts", [1, 30])
def test_texts_of_a_picture_keep_to_their_places(tmp_path: Path, hosts: int) -> None:
    """In matrices with words and in those with signs every text is in its room, and in the page."""
    lines = "\n".join(
        f"-A FORWARD -s 10.0.{one}.0/24 -d 192.0.2.{one} -p tcp --dport 443 -j ACCEPT" for one in range(hosts)
    )
    (tmp_path / "many.rules").write_text(f"*filter\n:FORWARD DROP [0:0]\n{lines}\nCOMMIT\n")
    scene = _scene(tmp_path / "many.rules")
    page = Area(0, 0, scene.width, scene.height)
    texts = [shape for shape in scene.shapes if isinstance(shape, Text)]
    assert len(texts) > hosts * hosts
    for text in texts:
        assert text.room.holds(text.area, slack=1.0), text.words
        assert page.holds(text.area), text.words


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gateway.rules",), "gateway.rules is the only word"),
        (("gateway.rules", "tpc/443"), "no protocol with ports is called tpc"),
        (("gateway.rules", "tcp/70000"), "70000"),
        (("gateway.rules", "tcp/443", "--from", "tennants"), "has no zone 'tennants'"),
        (("gateway.rules", "tcp/443", "--from", " , "), "names nobody"),
        (("gateway.rules", "tcp/443", "--to", "multicast"), "multicast is no address of a machine"),
        (("gateway.rules", "tcp/443", "--to", "a -> b"), "is no end"),
        (("gateway.rules", "tcp/443", "--family", "6"), "no packet is asked about"),
        (("gateway.rules", "tcp/443", "--most", "2"), "more than 2"),
        (("gateway.rules", "tcp/443", "-o", "x.svg", "--format", "csv"), "x.svg is the name of a svg file"),
        (("missing.rules", "tcp/443"), "missing.rules"),
    ],
)
def test_what_cannot_be_asked_is_refused(gateway: Path, arguments: tuple[str, ...], says: str) -> None:
    """A wrong word, end, family or format, and a budget that is spent, end with 2, a reason and a way out, and write nothing."""
    done = run("matrix", *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "help:" in done.stderr or "missing.rules" in arguments
    assert done.stdout == ""
    assert TRACEBACK not in done.stderr
    assert sorted(path.name for path in gateway.iterdir()) == ["gateway.rules"]


def test_a_policy_is_told_in_its_zones_and_once_for_both_families(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What both families say alike is one table, its classes are the policy's zones, and the internet reaches the tenants by RDP."""
    monkeypatch.chdir(profile("provider-perimeter", tmp_path / "perimeter"))
    done = run(
        "matrix", "-p", "provider-perimeter.yaml", "rdp", "--from", "internet", "--to", "tenants", "--at", "2026-11-21"
    )
    assert done.exit_code == 0
    assert "IPv4 and IPv6\n" in done.stdout
    assert "  1         open\n" in done.stdout


def test_every_word_of_a_cell_is_explained(gateway: Path) -> None:
    """Under a table stands what each word in it means, and no other."""
    said = run("matrix", "gateway.rules", "tcp/443").stdout
    explained = {word for word in MEANINGS if f"\n  {word}: " in said}
    assert explained == {"open", "closed", "possibly", "in part", "itself"}


def test_translations_are_said(gateway: Path) -> None:
    """A ruleset with NAT says that cells are of packets as its rules see them."""
    nat = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 443\nCOMMIT\n"
    (gateway / "nat.rules").write_text(RULES + nat)
    assert "1 rule changes addresses or ports (NAT)" in run("matrix", "nat.rules", "tcp/443").stdout


def test_standard_input_is_read(gateway: Path) -> None:
    """A ruleset that is piped in is asked like one in a file."""
    done = run("matrix", "-", "tcp/443", stdin=RULES)
    assert done.exit_code == 0
    assert done.stdout.startswith("standard input: who reaches whom by tcp/443")


def test_of_a_document_what_no_row_speaks_of_is_not_said(gateway: Path) -> None:
    """A document's rows are open; what it has no row for is neither open nor closed."""
    rows = "| 10.0.0.0/8 | 192.0.2.10 | TCP/443 |"
    (gateway / "ports.md").write_text(f"# Ports\n\n| Source | Destination | Port |\n|---|---|---|\n{rows}\n")
    done = run("matrix", "ports.md", "tcp/443", "--family", "4", "--format", "json")
    assert done.exit_code == 0
    (table,) = json.loads(done.stdout)["tables"]
    sizes = {one["number"]: one["addresses"] for one in table["classes"]}
    opened = {(sizes[cell["from"]], sizes[cell["to"]]) for cell in table["cells"] if cell["state"] == "open"}
    assert opened == {(1 << 24, 1)}
    assert {cell["state"] for cell in table["cells"]} >= {"open", "not said"}
