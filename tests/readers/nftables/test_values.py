"""Constants as nft lists them: numbers, names, prefixes, masks; and what is no constant of a domain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firewright.model.packet import FAMILIES
from firewright.readers.nftables import domains, encode, parse
from firewright.readers.nftables.domains import Domain
from firewright.readers.nftables.expressions import expression
from firewright.space.bounds import possibly, surely
from firewright.space.packetset import EMPTY, PacketSet
from firewright.space.ruleset import Hook


@pytest.mark.parametrize(
    ("domain", "said", "low", "high"),
    [
        (domains.IPV4, {"prefix": {"addr": "10.1.2.3", "len": 8}}, 0x0A000000, 0x0AFFFFFF),
        (domains.IPV4, {"prefix": {"addr": "10.1.2.3", "len": 32}}, 0x0A010203, 0x0A010203),
        (domains.IPV6, {"prefix": {"addr": "::", "len": 0}}, 0, (1 << 128) - 1),
        (domains.PORT, {"range": [22, 80]}, 22, 80),
        (domains.TCP_FLAGS, ["syn", "ack"], 18, 18),
        (domains.TCP_FLAGS, {"|": ["syn", "ack"]}, 18, 18),
        (domains.PROTOCOL, "ipv6-icmp", 58, 58),
        (domains.PROTOCOL, 200, 200, 200),
        (domains.PROTOCOL, "ip", 0, 0),
        (domains.PROTOCOL, "carp", 112, 112),
        (domains.PROTOCOL, "ospfigp", 89, 89),
        (domains.TIME, "2026-11-20 12:00:00", 1795176000 * 10**9, 1795176000 * 10**9),
        (domains.DSCP, "af21", 18, 18),
    ],
)
def test_a_constant_is_its_numbers(domain: Domain, said: Any, low: int, high: int) -> None:
    """A prefix is its whole block wherever its address lies in it; a range keeps both ends; flags are their bits."""
    assert domain.ranges(expression(said)) == ((low, high),)


@pytest.mark.parametrize(
    ("domain", "said"),
    [
        (domains.IPV4, "10.0.0.256"),
        (domains.IPV4, "10.0.0"),
        (domains.IPV4, "10.0.0.²"),
        (domains.IPV4, "::1"),
        (domains.IPV6, "10.0.0.1.2"),
        (domains.IPV4, {"prefix": {"addr": "10.0.0.0", "len": 33}}),
        (domains.PORT, 65536),
        (domains.PORT, -1),
        (domains.PORT, {"range": [80, 22]}),
        (domains.PORT, "no-such-service"),
        (domains.TCP_FLAGS, ["syn", "odd"]),
        (domains.TIME, "yesterday"),
        (domains.BYTE, True),
    ],
)
def test_what_is_no_constant_of_a_domain_is_not_known(domain: Domain, said: Any) -> None:
    """Beyond the domain, upside down or by an unknown name, it has no numbers, so its rule is bounded."""
    assert domain.ranges(expression(said)) is None


def _accepted(left: Any, right: Any, operator: str = "==") -> tuple[PacketSet, PacketSet]:
    base = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    match = {"match": {"op": operator, "left": left, "right": right}}
    rule = {"family": "inet", "table": "t", "chain": "c", "handle": 1, "expr": [match, {"accept": None}]}
    listing = {"nftables": [{"table": {"family": "inet", "name": "t"}}, {"chain": base}, {"rule": rule}]}
    programs = encode(parse(json.dumps(listing), "x")).hooks[Hook.INPUT]
    assert set(programs) == set(FAMILIES)
    return surely(programs, "accept"), possibly(programs, "accept")


_SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}


def test_a_number_with_bits_outside_its_mask_is_never_found() -> None:
    """No address under a mask has bits that the mask takes away."""
    surely_, possibly_ = _accepted({"&": [_SADDR, "255.255.255.0"]}, "10.0.0.1")
    assert surely_ == possibly_ == EMPTY


def test_a_mask_is_the_addresses_that_share_its_bits() -> None:
    """A mask without holes is a prefix, one with few holes several ranges, and both are exact."""
    prefix = _accepted(_SADDR, {"prefix": {"addr": "10.0.3.0", "len": 24}})
    assert _accepted({"&": [_SADDR, "255.255.255.0"]}, "10.0.3.0") == prefix
    surely_, possibly_ = _accepted({"&": [_SADDR, "255.255.253.0"]}, "10.0.1.0")
    assert surely_ == possibly_
    parts = [_accepted(_SADDR, {"prefix": {"addr": f"10.0.{third}.0", "len": 24}})[0] for third in (1, 3)]
    assert surely_ == parts[0] | parts[1]


def test_what_may_be_missing_is_neither_equal_nor_different() -> None:
    """A packet without a tracked flow has no mark, so it meets neither `ct mark 5` nor `ct mark != 5`."""
    key = {"ct": {"key": "mark"}}
    for operator in ("==", "!="):
        surely_, possibly_ = _accepted(key, 5, operator)
        assert surely_ == EMPTY and possibly_ != EMPTY
    text = json.dumps({"op": "!=", "left": key, "right": 5})
    base = {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    rules = [
        {"family": "inet", "table": "t", "chain": "c", "handle": 1, "expr": [{"match": match}, {"accept": None}]}
        for match in (json.loads(text), json.loads(text.replace("!=", "==")))
    ]
    objects: list[Any] = [
        {"table": {"family": "inet", "name": "t"}},
        {"chain": base},
        *({"rule": rule} for rule in rules),
    ]
    programs = encode(parse(json.dumps({"nftables": objects}), "x")).hooks[Hook.INPUT]
    assert surely(programs, "accept") == EMPTY
    # And not because each occurrence is read anew: equal text read equally leaves packets that neither rule takes.
    assert PacketSet.decided(programs, "accept") != ~EMPTY
