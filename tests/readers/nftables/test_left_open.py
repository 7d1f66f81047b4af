"""What a listing says in fewer words than the kernel has: both answers stay possible, and the kernel gives one of them."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest

from firewright.live.nft import list_back
from firewright.model.packet import Packet
from firewright.readers.nftables import encode, parse
from firewright.space.bounds import possibly, surely
from firewright.space.ruleset import Hook
from tests.readers.nftables.test_against_kernel import _datagram, _through

_PAYLOAD = {"protocol": "ip", "field": "saddr"}


def _packet(source: str, protocol: int = 6, selector: int = 22) -> Packet:
    address = ip_address(source)
    ports = 1000 if protocol == 6 else 0
    return Packet(address.version, int(address), int(address) ^ 1, protocol, selector, ports, in_interface="v0")


def _text(rule: str, held: str = "") -> str:
    return (
        f"table inet t {{ {held}\n chain c {{ type filter hook prerouting priority 0; policy drop;\n {rule}\n }}\n}}\n"
    )


def _bounds(text: str, packet: Packet) -> tuple[bool, bool]:
    """Whether the packet is surely accepted, and whether it may be."""
    listed = list_back(text)
    programs = encode(parse(listed.json, "x", listed.text)).hooks[Hook.PREROUTING]
    return packet in surely(programs, "accept"), packet in possibly(programs, "accept")


@pytest.mark.parametrize(
    ("rule", "held", "packet", "is_through"),
    [
        ("meta l4proto ipv6-icmp icmpv6 type 8 accept", "", _packet("10.0.0.5", 58, 0x0800), True),
        ("icmpv6 type 8 accept", "", _packet("10.0.0.5", 58, 0x0800), False),
        ("meta l4proto icmp icmp type vmap { 8 : accept }", "", _packet("2001:db8::5", 1, 0x0800), True),
        ("icmp type . icmp code { 8 . 0 } accept", "", _packet("2001:db8::5", 1, 0x0800), False),
        ("icmp id != 5 accept", "", _packet("10.0.0.5", 1, 0x0800), True),
        (
            "ip saddr @s accept",
            "set s { type ipv4_addr; flags dynamic; elements = { 10.0.0.5 limit rate over 1/hour burst 2 packets }; }",
            _packet("10.0.0.5"),
            False,
        ),
        (
            "ip saddr { 10.0.0.5 limit rate over 1/hour burst 2 packets, 10.0.0.6 } accept",
            "",
            _packet("10.0.0.5"),
            False,
        ),
        (
            "ip saddr . tcp dport vmap { 10.0.0.0/24 . 23 : accept, 10.0.0.0/16 . 1-80 : drop, 10.0.0.0/8 . 0-90 : accept }",
            "",
            _packet("10.0.0.5"),
            False,
        ),
    ],
)
def test_the_kernels_answer_stays_possible(rule: str, held: str, packet: Packet, is_through: bool) -> None:
    """Neither answer is sure where the same words are listed for rules that differ, or where elements ask for more than a key."""
    text = _text(rule, held)
    assert _bounds(text, packet) == (False, True)
    ((came,),) = _through([text], [_datagram(packet, 1)])
    assert came is is_through


@pytest.mark.parametrize(
    "elements",
    [
        "10.0.0.0/24 . 22 : accept, 10.0.1.0/24 . 22 : drop, 10.0.0.0/23 . 23 : drop",
        "10.0.0.0/24 . 22 : accept, 10.0.0.0/23 . 20-21 : drop, 10.0.0.0/16 . 30-80 : accept",
    ],
)
def test_a_map_whose_keys_are_apart_is_exact(elements: str) -> None:
    """Ranges that overlap in one part of a key and are apart in another lead to one verdict each."""
    packet = _packet("10.0.0.5")
    text = _text(f"ip saddr . tcp dport vmap {{ {elements} }}")
    assert _bounds(text, packet) == (True, True)
    assert _through([text], [_datagram(packet, 1)]) == [[True]]


def _read(left: Any, right: Any) -> tuple[bool, bool]:
    match = {"match": {"op": "==", "left": left, "right": right}}
    objects = [
        {"table": {"family": "inet", "name": "t", "handle": 1}},
        {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}},
        {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": [match, {"drop": None}]}},
    ]
    read = encode(parse(json.dumps({"nftables": objects}), "x"), 1_700_000_001)
    programs = read.hooks[Hook.INPUT]
    return surely(programs, "drop").is_empty(), possibly(programs, "drop").is_empty()


def test_a_header_in_a_tunnel_is_not_the_packets() -> None:
    """What newer nft finds inside of a tunnel is listed under the names of the outer header, and is another."""
    assert _read({"payload": _PAYLOAD}, "10.0.0.1") == (False, False)
    assert _read({"payload": {"tunnel": "vxlan", **_PAYLOAD}}, "10.0.0.1") == (True, False)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"&": [{"meta": {"key": "time"}}, "2418-06-14 17:06:17"]}, "2023-11-14 22:13:21"),
        ({"meta": {"key": "time"}}, {"prefix": {"addr": "2023-11-14 22:13:21", "len": 20}}),
        ({"meta": {"key": "time"}}, 1_700_000_001_500_000_000),
    ],
)
def test_a_time_that_ends_between_seconds_is_not_decided(left: Any, right: Any) -> None:
    """What holds of the time changes at the whole seconds that a ruleset names, or it is bounded."""
    assert _read(left, right) == (True, False)
