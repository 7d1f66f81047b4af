"""A document of ports as a policy and as a subject: proved to mean its rows, or refused with the rows that are why."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path

import pytest

from firewright.analysis.subject import Kind
from firewright.diagnostic import Report, Severity
from firewright.readers.policy_yaml import load
from firewright.readers.port_documents import Document
from firewright.source import Source
from firewright.workflows import document_policy
from firewright.workflows.document_policy import written
from firewright.workflows.documents import document_in, document_subject, is_document, policy_text_of, read_document
from firewright.workflows.selection import Wanted

DOCUMENT = """# Shop: firewall settings

## Incoming traffic

| Source | Destination | Port | Service |
|---|---|---|---|
| any | web | TCP/443 | HTTPS |
| office (192.0.2.0/24, 2001:db8::/64) | web | TCP/22 | |
| any | web | TPC/80 | HTTP |

The TCP session timeout should be 14.400 seconds.

## Internal traffic

| Source | Destination | Port |
|---|---|---|
| any | any | TCP/22 |
| web | db | 5432 |
"""


def document(text: str, path: str = "shop.md") -> Document:
    """The document in a text."""
    report = Report()
    found = document_in(Source(path, text), report)
    assert found is not None, report.diagnostics
    return found


def policy_text(text: str, path: str = "shop.md") -> str:
    """The policy that is made of a document."""
    report = Report()
    made = policy_text_of(Source(path, text), report)
    assert made is not None, report.diagnostics
    return made.text


def refusal(text: str) -> list[tuple[str, int]]:
    """Why no policy is made of a table: names and lines of the errors."""
    report = Report()
    assert policy_text_of(Source("rules.csv", text), report) is None
    return [(one.name, one.at.line) for one in report.diagnostics]


def test_a_document_becomes_a_policy_with_a_line_behind_each_rule() -> None:
    """Each understood row is a rule with its line in a comment, each question a fill-in, each other row a comment."""
    text = policy_text(DOCUMENT)
    rules = [line for line in text.splitlines() if line.startswith("  - {")]
    assert [line.partition("#")[0].strip() for line in rules] == [
        "- {from: any, to: web, require: tcp/443}",
        "- {from: office, to: web, require: tcp/22}",
        "- {from: internal-network, to: internal-network, require: tcp/22}",
    ]
    assert [line.partition("# line ")[2].partition(":")[0] for line in rules] == ["7", "8", "17"]
    assert "tcp-established: 14400s" in text
    assert (
        "# line 9: any | web | TPC/80 | HTTP\n#   refused, unknown-protocol: 'tpc' is no protocol; did it mean TCP?"
        in text
    )
    assert "# line 18: web | db | 5432\n#   bounded, no-protocol" in text


def test_the_policy_of_a_document_is_read_and_only_asks_its_questions() -> None:
    """The policy has no errors, and what the document does not say is open until it is filled in."""
    report = Report()
    policy = load(Source("shop.yaml", policy_text(DOCUMENT)), report)
    assert policy is not None and not report.diagnostics
    assert [zone.name for zone in policy.questions] == ["web", "internal-network"]
    assert policy.zones["office"].addresses.prefixes() == ("192.0.2.0/24", "2001:db8::/64")
    assert policy.firewalls["network"].timeouts == {"tcp-established": 14_400}


@pytest.mark.parametrize(
    "row",
    [
        ("any", "10.0.0.0/8", "udp/5000-5010; icmp; esp", ""),
        ("10.0.0.1-10.0.0.9, 2001:db8::1", "2001:db8::/64", "any", ""),
        ("yes", "10.0.0.5", "tcp/1, udp/2-3", "1024-65535"),
        ("0.0.0.0/0", "on", "tcp/1-10", "53, 67"),
        ("10.0.0.0/8", "10.1.0.0/16", "tcp/1", ""),
        ("local", "multicast", "tcp/1", ""),
        ("12345", "none", "tcp/1", ""),
        ("港", "Büro", "tcp/1", ""),
        ("a: b #c {d}", "'e' \"f\" \\", "tcp/1", ""),
        ("x" * 200, "y" * 300, "tcp/1", ""),
    ],
)
def test_whatever_a_row_says_the_policy_says_the_same(row: tuple[str, ...]) -> None:
    """Names that YAML or the language could take for something else, source ports and ranges survive being written."""
    stream = StringIO()
    csv.writer(stream).writerows([("Source", "Destination", "Service", "Source port"), row])
    report = Report()
    policy = load(Source("rules.yaml", policy_text(stream.getvalue(), "rules.csv")), report)
    assert policy is not None and len(policy.rules) == 1, report.diagnostics


def test_a_row_that_no_packet_can_fit_is_refused() -> None:
    """From an IPv4 address to an IPv6 address nothing passes: the row is refused, and the rest is a policy."""
    text = "Source,Destination,Port\n10.0.0.1,2001:db8::1,tcp/1\n10.0.0.1,10.0.0.2,tcp/2\n10.0.0.1,10.0.0.2,icmpv6\n"
    found = document(text, "rules.csv")
    assert [(one.at.line, one.name) for one in found.refusals] == [(2, "no-family"), (4, "no-family")]
    assert "tcp/2" in policy_text(text, "rules.csv")


def test_a_text_that_means_something_else_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the written policy differs from the rows by one port, nothing is given and the pair of zones is named."""
    honest = document_policy._service_words
    monkeypatch.setattr(document_policy, "_service_words", lambda found: [*honest(found), "tcp/4444"])
    report = Report()
    assert written(document(DOCUMENT), report) is None
    assert [one.name for one in report.diagnostics] == ["miswritten"]
    assert "any to web" in report.diagnostics[0].message and "tcp/4444" in report.diagnostics[0].message


def test_a_zone_that_is_written_wider_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the written policy gives a zone other addresses than the document, nothing is given."""
    monkeypatch.setattr(document_policy, "_address_words", lambda found: iter(["192.0.2.0/23"]))
    report = Report()
    assert written(document(DOCUMENT), report) is None
    assert "office" in report.diagnostics[0].message


HEAD = "Source,Destination,Service,Action\n"


def test_a_rule_table_whose_order_does_not_matter_is_a_policy() -> None:
    """A ban before what it narrows, and a last row that refuses everything, mean the same without an order."""
    text = policy_text(f"{HEAD}any,10.0.0.1,tcp/23,deny\nany,10.0.0.1,tcp/1-100,allow\nany,any,any,deny\n", "rules.csv")
    assert "deny: tcp/23" in text and "allow: tcp/1-100" in text and "default" not in text
    assert "default: reject" in policy_text(f"{HEAD}any,10.0.0.1,tcp/1,allow\nany,any,any,reject\n", "rules.csv")


@pytest.mark.parametrize(
    "rows",
    [
        "any,10.0.0.1,tcp/1-100,allow\nany,10.0.0.1,tcp/23,deny\n",
        "10.0.0.0/8,any,any,allow\n10.1.0.0/16,192.0.2.1,udp/53,reject\n",
        "0.0.0.0/0,web,tcp/1,allow\nlan,web,tcp/1,deny\n",
    ],
)
def test_a_rule_table_whose_order_decides_is_refused(rows: str) -> None:
    """A permission before an overlapping ban would be lost in a policy, which has no order: the ban's line is named."""
    assert refusal(HEAD + rows) == [("order-decides", 3)]


@pytest.mark.parametrize("row", ["any,10.0.0.1,tpc/23,deny", "any,10.0.0.1,tcp/23,perhaps", "any,10.0.0.1,23,deny"])
def test_a_ban_that_is_not_understood_refuses_the_table(row: str) -> None:
    """What stands behind a row that may close something is not surely open, so that no policy is made of it."""
    assert refusal(f"{HEAD}{row}\nany,10.0.0.1,tcp/1-100,allow\n") == [("order-decides", 2)]


def test_a_permission_that_is_not_understood_only_closes() -> None:
    """Leaving out a permission opens nothing, so that the rest of the table is a policy."""
    assert "tcp/80" in policy_text(f"{HEAD}any,10.0.0.1,tpc/23,allow\nany,10.0.0.1,tcp/80,allow\n", "rules.csv")


def test_a_document_without_a_certain_row_is_no_policy() -> None:
    """Where no row is understood there is no policy, rather than one that permits nothing."""
    assert refusal("Source,Destination,Port\na,b,80\n") == [("no-rows", 0)]


def wanted(folder: Path, **options: str) -> Wanted:
    """A run in a folder with these answers."""
    return Wanted(folder, datetime(2027, 1, 1, tzinfo=timezone.utc), options=options)  # noqa: UP017 - shorter


def test_a_document_is_a_subject(tmp_path: Path) -> None:
    """Filled in, a document decides packets; its deciding line is the row, and rows not understood are lines that are not."""
    (tmp_path / "shop.md").write_text(DOCUMENT)
    report = Report()
    answers = {"web": "198.51.100.0/24", "internal-network": "10.0.0.0/8"}
    subject = document_subject("shop.md", wanted(tmp_path, **answers), report)
    assert subject is not None, report.diagnostics
    assert (subject.kind, subject.name, subject.path) == (Kind.DOCUMENT, "Shop: firewall settings", "shop.md")
    assert [(line.number, bool(line.unknown), bool(line.refused)) for line in subject.lines] == [
        (1, False, False), (2, False, False), (3, False, True), (4, False, False), (5, True, False),
    ]  # fmt: skip
    places = {subject.place_of(origin).at.line for program in subject.programs.values() for origin in program.origin}
    assert {7, 8, 17} <= places


def test_a_subject_that_is_not_filled_in_says_what_to_fill_in(tmp_path: Path) -> None:
    """A document with open questions answers nothing, and names the zones that wait."""
    (tmp_path / "shop.md").write_text(DOCUMENT)
    report = Report()
    assert document_subject("shop.md", wanted(tmp_path), report) is None
    assert [(one.name, one.help) for one in report.diagnostics] == [("unfilled", "fill in web, internal-network")]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("x.md", "", True),
        ("x.csv", "", True),
        ("x.nft", "table inet a {}", False),
        ("x.txt", "Ports\n\nSSH. This port", True),
        ("x.txt", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n", False),
        ("x.txt", "table inet filter {\n}\n", False),
        ("x.txt", "Netid State Recv-Q\ntcp LISTEN 0\n", False),
        ("-", "| a | b |\n|---|---|\n| 1 | 2 |\n", True),
        ("-", "<!doctype html><p>", True),
        ("-", "table inet filter {\n}\n", False),
        ("-", "SSH. This port", False),
    ],
)
def test_a_document_is_told_from_a_ruleset(path: str, text: str, expected: bool) -> None:
    """Names decide where they tell; plain text and what is piped in are told by how they begin."""
    assert is_document(Source(path, text)) is expected


def test_what_is_shown_counts_every_row() -> None:
    """The result for people has every row with its state, every question and note."""
    report = Report()
    reading = read_document(Source("shop.md", DOCUMENT), report, has_rows=False)
    assert reading is not None
    assert [row.state for row in reading.rows] == ["understood", "understood", "refused", "understood", "bounded"]
    assert [row.state for row in reading.shown] == ["refused", "bounded"]
    assert [end.name for end in reading.questions] == ["web", "internal-network", "db"]
    assert replace(reading, has_rows=True).shown == reading.rows
    assert all(one.severity is not Severity.ERROR for one in reading.findings.diagnostics)
