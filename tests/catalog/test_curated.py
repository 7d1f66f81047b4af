"""The contract of the curated rows: every row that lies in the folder is held to it the moment it is there."""

from __future__ import annotations

import re

import pytest

from firewright.catalog.services import Catalog, bundled, catalog
from firewright.diagnostic import Report
from firewright.model.interval import is_within, size
from firewright.model.packet import FAMILIES, PORTED
from firewright.model.transport import EVERY_SELECTOR, parse_transport, service_ranges

ROWS = list(catalog().rows.values())

PAGE_OF_2003 = {
    "ftp-data": "tcp/20",
    "ftp": "tcp/21",
    "telnet": "tcp/23",
    "smtp": "tcp/25",
    "dns": "tcp/53, udp/53",
    "finger": "tcp/79",
    "http": "tcp/80",
    "pop3": "tcp/110",
    "ident": "tcp/113",
    "msrpc": "tcp/135",
    "netbios": "tcp/139, udp/137-138",
    "imap": "tcp/143",
    "snmp": "udp/161",
    "https": "tcp/443",
    "smb": "tcp/445",
    "socks": "tcp/1080",
    "mssql": "tcp/1433",
    "mssql-browser": "udp/1434",
    "ssdp": "udp/1900",
    "rdp": "tcp/3389",
    "proxyplus-admin": "tcp/4400",
    "proxyplus-proxy": "tcp/4480",
    "upnp-control": "tcp/5000",
    "pcanywhere": "tcp/5631, udp/5632",
    "analogx-proxy": "tcp/6588",
    "irc": "tcp/6667",
    "http-alt": "tcp/8080",
}
"""The ports of a page of 2003 that people configured their firewalls by: 26 entries, of which one has two rows."""


def test_every_file_is_read_without_a_word() -> None:
    """No row draws an error, and none a warning: every `together` names a row."""
    report = Report()
    whole = Catalog().overlay(bundled(), report)
    assert [f"{said.at}: {said.message}" for said in report.sorted()] == []
    assert whole == catalog()


def test_there_are_enough_rows() -> None:
    """The services that people really run are there: at least 150, in at least ten themes."""
    assert len(ROWS) >= 150
    assert len({row.theme for row in ROWS}) >= 10


@pytest.mark.parametrize(("name", "transports"), PAGE_OF_2003.items())
def test_the_page_of_2003_is_all_there(name: str, transports: str) -> None:
    """Each of its ports has its row, with exactly these transports."""
    row = catalog().service(name)
    assert row is not None
    assert row.words() == transports


def test_a_row_says_all_that_is_asked_of_it() -> None:
    """Title, sentences, source and date are there in every row; sentences end as sentences and are not endless."""
    for row in ROWS:
        for text in (row.title, row.what, row.when_open, row.advice, row.source):
            assert len(text) > 1 and text == text.strip() and text.isprintable(), row.name
        for sentence in (row.what, row.when_open, row.advice):
            assert sentence.endswith((".", "!", ")")) and len(sentence) <= 600, row.name
        assert not row.title.endswith(".") and len(row.title) <= 80, row.name
        assert re.fullmatch(r"20[2-9][0-9]-[01][0-9]", row.date), row.name


def test_a_rows_transports_are_exact() -> None:
    """Nothing is said twice, nothing is empty, no protocol with ports is taken whole, and the words lead back to the row."""
    for row in ROWS:
        words = [transport for word in row.words().split(", ") for transport in parse_transport(word)]
        for family in FAMILIES:
            own = row.services(family)
            parts = [transport.services() for transport in row.transports if family in transport.families]
            assert sum(size(part) for part in parts) == size(own), row.name
            assert service_ranges(words, family).get(EVERY_SELECTOR, ()) == own, row.name
            assert not any(is_within(((number << 16, number << 16 | 0xFFFF),), own) for number in PORTED), row.name
        assert row.services(4) or row.services(6), row.name
        assert all(transport.source_ports == EVERY_SELECTOR for transport in row.transports), row.name


def test_a_row_is_found_by_all_it_is_called() -> None:
    """Every row's name, aliases and ports lead to it."""
    for row in ROWS:
        assert catalog().by_word(row.name)[0] == row
        assert all(row in catalog().by_word(alias) for alias in row.aliases), row.name
        for transport in row.transports:
            assert row in catalog().by_port(transport.protocol, transport.selectors[0][0])
            assert row in catalog().by_port(transport.protocol, transport.selectors[-1][1])


def test_no_alias_is_a_name() -> None:
    """No word means one row in a policy and another in a question."""
    names = set(catalog().names())
    clashes = {(row.name, alias) for row in ROWS for alias in row.aliases if alias.casefold() in names - {row.name}}
    assert clashes == set()


def test_what_strangers_must_never_reach_is_not_for_the_internet() -> None:
    """File sharing of the own network, databases and consoles are never advised to be visible from the internet."""
    never = (
        "smb",
        "netbios",
        "msrpc",
        "mssql",
        "mssql-browser",
        "mysql",
        "postgresql",
        "redis",
        "mongodb",
        "elasticsearch",
    )
    visible = {name: row.visibility.value for name in never if (row := catalog().service(name)) is not None}
    assert len(visible) == len(never)
    assert "internet" not in visible.values()


def test_what_is_commonly_run_is_called_by_its_own_name() -> None:
    """The ports on which IANA misleads are those of the products that people run there."""
    commonly = {9092: "kafka", 9200: "elasticsearch", 10250: "kubelet", 9042: "cassandra"}
    assert {port: catalog().by_port(6, port)[0].name for port in commonly} == commonly
