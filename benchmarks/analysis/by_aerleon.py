"""The shade check of Aerleon: a term is shaded if one earlier term holds all of it. Pairs only."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from ipaddress import IPv4Address, summarize_address_range
from time import process_time

from benchmarks.analysis.rulesets import ALL_PORTS, EVERYWHERE, Row
from firewright.model.interval import Ranges
from firewright.model.packet import ICMP, TCP, UDP

_WORDS = {TCP: "tcp", UDP: "udp", ICMP: "icmp", 47: "gre", 50: "esp", 51: "ah", 88: "eigrp", 89: "ospf"}


def is_installed() -> bool:
    """Whether Aerleon is there to be measured."""
    try:
        import aerleon  # noqa: F401
    except ImportError:
        return False
    return True


def shaded(rows: Sequence[Row]) -> tuple[frozenset[int], float]:
    """The rules it calls shaded, and the seconds that its check adds to reading the policy."""
    from aerleon.lib import naming, policy

    text, networks, services = _written(rows)
    definitions = naming.Naming()
    definitions.ParseNetworkList(networks)
    definitions.ParseServiceList(services)
    heard: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear, logger = Ear(), logging.getLogger("absl")
    before, passes = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [ear], False
    try:
        started = process_time()
        policy.ParsePolicy(text, definitions)
        without = process_time() - started
        heard.clear()
        started = process_time()
        policy.ParsePolicy(text, definitions, shade_check=True)
        seconds = process_time() - started - without
    finally:
        logger.handlers, logger.propagate = before, passes
    return frozenset(int(line.split()[0][1:]) for line in heard if " is shaded by " in line), seconds


def _written(rows: Sequence[Row]) -> tuple[str, list[str], list[str]]:
    networks: dict[Ranges, str] = {}
    services: dict[Ranges, str] = {}
    terms = []
    for place, row in enumerate(rows):
        lines = [f"term r{place} {{"]
        for key, ranges in (("source-address", row.source), ("destination-address", row.destination)):
            if ranges != EVERYWHERE:
                lines.append(f"  {key}:: {networks.setdefault(ranges, f'N{len(networks)}')}")
        if row.protocols:
            lines.append(f"  protocol:: {' '.join(_WORDS[protocol] for protocol in row.protocols)}")
        for key, ranges in (("source-port", row.source_ports), ("destination-port", row.ports)):
            if ranges != ALL_PORTS:
                lines.append(f"  {key}:: {services.setdefault(ranges, f'S{len(services)}')}")
        lines.append(f"  action:: {'accept' if row.word == 'accept' else 'deny'}\n}}")
        terms.append("\n".join(lines))
    header = "header {\n  target:: juniper measured inet\n}\n"
    return (
        header + "\n".join(terms) + "\n",
        [_network(*one) for one in networks.items()],
        [
            f"{name} = {' '.join(f'{low}-{high}/{word}' for low, high in ranges for word in ('tcp', 'udp'))}"
            for ranges, name in services.items()
        ],
    )


def _network(ranges: Ranges, name: str) -> str:
    prefixes = [
        str(prefix) for low, high in ranges for prefix in summarize_address_range(IPv4Address(low), IPv4Address(high))
    ]
    return f"{name} = {' '.join(prefixes)}"
