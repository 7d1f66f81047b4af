"""Aerleon's nftables generator, asked through its own interface with the policy as values (no text to parse)."""

from __future__ import annotations

import logging
from typing import Any

from benchmarks.analysis.by_aerleon import is_installed
from benchmarks.compile.clauses import Clause, clauses, prefixes
from benchmarks.compile.contestant import NFT, Step, Unable
from benchmarks.dataplane.traffic import DAY
from firewright.model.interval import Ranges
from firewright.model.policy import Firewall, Policy


def make(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """Its ruleset of both families."""
    return (Step(NFT, generate(*prepare(policy))),)


def prepare(policy: Policy) -> tuple[dict[str, Any], list[str], list[str]]:
    """The policy, its networks and its services as Aerleon takes them. Unable if it is not installed."""
    if not is_installed():
        raise Unable("not installed (`pip install aerleon`)")
    networks: dict[str, str] = {}
    services: dict[tuple[str, Ranges], str] = {}
    terms = [_term(f"t{place}", one, networks, services) for place, one in enumerate(clauses(policy, DAY))]
    header = {"targets": {"nftables": "mixed forward"}, "comment": "contest"}
    text = {"filename": "contest", "filters": [{"header": header, "terms": terms}]}
    lists = [f"{name} = {' '.join(_ports(ports, protocol))}" for (protocol, ports), name in services.items()]
    return text, list(networks.values()), lists


def generate(text: dict[str, Any], networks: list[str], services: list[str]) -> str:
    """The ruleset that Aerleon writes."""
    from aerleon import api
    from aerleon.lib import naming

    logging.getLogger("absl").setLevel(logging.ERROR)
    definitions = naming.Naming()
    definitions.ParseNetworkList(networks)
    definitions.ParseServiceList(services)
    made: dict[str, str] = api.Generate([text], definitions)
    return "\n".join(made.values())


def _term(name: str, one: Clause, networks: dict[str, str], services: dict[tuple[str, Ranges], str]) -> dict[str, str]:
    for zone in (one.source, one.destination):
        if zone.name not in networks:
            words = " ".join(word for family in one.families for word in prefixes(zone)[family])
            networks[zone.name] = f"{_token(zone.name)} = {words}"
    return {
        "name": name,
        "source-address": _token(one.source.name),
        "destination-address": _token(one.destination.name),
        "protocol": one.protocol,
        "destination-port": services.setdefault((one.protocol, one.ports), f"S{len(services)}"),
        "action": "accept" if one.verdict == "accept" else "deny",
    }


def _token(name: str) -> str:
    return name.upper().replace("-", "_")


def _ports(ports: Ranges, protocol: str) -> list[str]:
    return [f"{low if low == high else f'{low}-{high}'}/{protocol}" for low, high in ports]
