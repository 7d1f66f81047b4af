"""Rules as other programs list them: `iptables-save`, and the JSON of `nft -j list ruleset`. For measuring readers only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, summarize_address_range

from benchmarks.analysis.rulesets import ALL_PORTS, EVERYWHERE, Row
from firewright.model.interval import Range, Ranges
from firewright.model.packet import ICMP, TCP, UDP

_PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}
_STATES = ("new", "established", "related", "invalid", "untracked")


def iptables_save(rows: Sequence[Row]) -> str:
    """The rules as the forward chain of a dump. Each has one prefix a side and one range of ports, as `flat` makes them."""
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    lines += [" ".join(("-A FORWARD", *_words(row), "-j", row.word.upper())) for row in rows]
    return "\n".join((*lines, "COMMIT", ""))


def _words(row: Row) -> Iterator[str]:
    for option, ranges in (("-s", row.source), ("-d", row.destination)):
        if ranges != EVERYWHERE:
            yield f"{option} {_network(ranges)}"
    for protocol in row.protocols:
        yield f"-p {_PROTOCOLS[protocol]}"
        if row.ports != ALL_PORTS or row.source_ports != ALL_PORTS:
            yield f"-m {_PROTOCOLS[protocol]}"
    for option, ranges in (("--sport", row.source_ports), ("--dport", row.ports)):
        if ranges != ALL_PORTS:
            low, high = ranges[0]
            yield f"{option} {low}" if low == high else f"{option} {low}:{high}"
    if states := _states(row):
        yield f"-m conntrack --ctstate {','.join(states).upper()}"


def nft_json(rows: Sequence[Row]) -> str:
    """The rules as the forward chain of a listing."""
    chain = {"type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
    objects: list[dict[str, object]] = [
        {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
        {"table": {"family": "ip", "name": "filter", "handle": 1}},
        {"chain": {"family": "ip", "table": "filter", "name": "forward", "handle": 1, **chain}},
    ]
    for place, row in enumerate(rows):
        rule = {"family": "ip", "table": "filter", "chain": "forward", "handle": place + 2}
        objects.append({"rule": {**rule, "expr": [*_matches(row), {row.word: None}]}})
    return json.dumps({"nftables": objects})


def _matches(row: Row) -> Iterator[dict[str, object]]:
    for field, ranges in (("saddr", row.source), ("daddr", row.destination)):
        if ranges != EVERYWHERE:
            network = _network(ranges)
            whole = str(network.network_address)
            prefix = {"prefix": {"addr": whole, "len": network.prefixlen}}
            yield _match({"payload": {"protocol": "ip", "field": field}}, whole if network.prefixlen == 32 else prefix)
    for protocol in row.protocols:
        name = _PROTOCOLS[protocol]
        if row.ports == ALL_PORTS == row.source_ports:
            yield _match({"payload": {"protocol": "ip", "field": "protocol"}}, name)
        for field, ranges in (("sport", row.source_ports), ("dport", row.ports)):
            if ranges != ALL_PORTS:
                yield _match({"payload": {"protocol": name, "field": field}}, _port(ranges[0]))
    if states := _states(row):
        yield _match({"ct": {"key": "state"}}, states if len(states) > 1 else states[0], "in")


def _match(left: object, right: object, op: str = "==") -> dict[str, object]:
    return {"match": {"op": op, "left": left, "right": right}}


def _port(side: Range) -> object:
    return side[0] if side[0] == side[1] else {"range": list(side)}


def _network(ranges: Ranges) -> IPv4Network:
    (network,) = (one for side in ranges for one in summarize_address_range(*map(IPv4Address, side)))
    return network


def _states(row: Row) -> list[str]:
    """The states of a rule in words; none where it takes all."""
    named = [_STATES[state] for low, high in row.states for state in range(low, high + 1)]
    return [] if len(named) == len(_STATES) else named
