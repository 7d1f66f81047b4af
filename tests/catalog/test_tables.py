"""The small tables: protocols, ICMP types, special-purpose prefixes. Whole, ordered, and at one with the language."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.catalog.icmp import icmp_meaning, icmp_rows
from firewright.catalog.protocols import protocol_row, protocols
from firewright.catalog.special_purpose import Reachability, address_row, address_rows, globally_reachable
from firewright.model.address import MULTICAST, TOP, UNICAST, AddressSet
from firewright.model.packet import FAMILIES, Family
from firewright.model.protocol import ICMP_TYPES, PORTED_NAMES, PROTOCOL_NUMBERS

REFERENCE = re.compile(r"RFC [1-9][0-9]{0,4}|IANA")


def test_every_protocol_number_has_one_row() -> None:
    """The rows cover 0 to 255 without gap or overlap, in order."""
    rows = protocols()
    assert [row.low for row in rows] == [0, *(row.high + 1 for row in rows[:-1])]
    assert rows[-1].high == 255
    assert all(protocol_row(number) is not None for number in range(256))
    assert protocol_row(256) is protocol_row(-1) is None


def test_the_language_and_the_catalog_name_protocols_alike() -> None:
    """Every name of the table is a word of the language for the same number, and the other way round."""
    assert {row.name: row.low for row in protocols() if row.name} == dict(PROTOCOL_NUMBERS)
    assert all(PROTOCOL_NUMBERS[name] == number for name, number in PORTED_NAMES.items())


def test_extension_headers_are_those_of_ipv6() -> None:
    """IPv6's extension headers are marked: RFC 8200's, IPsec's, those of mobility, HIP and Shim6, and two for experiments."""
    assert [row.low for row in protocols() if row.is_extension] == [0, 43, 44, 50, 51, 60, 135, 139, 140, 253, 254]


def test_the_language_and_the_catalog_name_icmp_types_alike() -> None:
    """Every named type of the table is a word of the language with the same type and code, and the other way round."""
    for family in FAMILIES:
        named = {row.name: (row.type, row.code) for row in icmp_rows() if row.family == family and row.name}
        language = {
            name: (kind, None if (first, last) == (0, 255) else first)
            for name, (kind, first, last) in ICMP_TYPES[family].items()
        }
        assert named == language


def test_icmp_rows_are_in_order_and_within_their_octets() -> None:
    """Families, types and codes ascend; a code follows its type."""
    keys = [(row.family, row.type, -1 if row.code is None else row.code) for row in icmp_rows()]
    assert keys == sorted(set(keys))
    types = {(row.family, row.type) for row in icmp_rows() if row.code is None}
    assert all((family, kind) in types and kind <= 255 and code <= 255 for family, kind, code in keys)


def test_a_type_and_its_code_are_told_together() -> None:
    """Fragmentation needed is destination unreachable, code 4, in IPv4, and a type of its own in IPv6."""
    assert [row.name for row in icmp_meaning(4, 3, 4)] == ["destination-unreachable", "packet-too-big"]
    assert [row.name for row in icmp_meaning(6, 2, 0)] == ["packet-too-big"]
    assert icmp_meaning(4, 250) == ()


def test_every_row_has_its_reference() -> None:
    """Each row of each table names an RFC, or the registry itself, and says what it is."""
    said = [
        *((row.reference, row.title) for row in protocols()),
        *((row.reference, row.title) for row in icmp_rows()),
        *((row.reference, row.title) for row in address_rows()),
    ]
    assert all(REFERENCE.fullmatch(reference) and title and title.isprintable() for reference, title in said)


def test_prefixes_are_canonical_and_each_stands_once() -> None:
    """Every prefix is written as the standard library writes it, in order of family and address, larger before smaller."""
    networks = [ip_network(row.prefix) for row in address_rows()]
    assert [str(network) for network in networks] == [row.prefix for row in address_rows()]
    keys = [(net.version, int(net.network_address), net.prefixlen) for net in networks]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("address", "title", "reachable"),
    [
        ("8.8.8.8", "IPv4 unicast", True),
        ("10.1.2.3", "Private use", False),
        ("100.127.255.255", "Shared by the customers of a provider (carrier-grade NAT)", False),
        ("100.128.0.0", "IPv4 unicast", True),
        ("172.32.0.0", "IPv4 unicast", True),
        ("192.0.0.9", "Port Control Protocol anycast", True),
        ("192.0.0.11", "IETF protocol assignments", False),
        ("192.88.99.1", "6to4 relay anycast (deprecated)", False),
        ("224.0.0.1", "Multicast", False),
        ("255.255.255.255", "Limited broadcast", False),
        ("::1", "Loopback", False),
        ("::2", "Reserved by the IETF: no address of it is delegated", False),
        ("64:ff9b::808:808", "IPv4 addresses behind a translator (NAT64)", True),
        ("2001:4860:4860::8888", "Global unicast", True),
        ("2001::1", "Teredo", False),
        ("2001:1::3", "Service registration (DNS-SD) anycast", True),
        ("2001:db8::1", "Documentation", False),
        ("2001:200::1", "Global unicast", True),
        ("2002:808:808::1", "6to4", False),
        ("3fff:1000::", "Global unicast", True),
        ("4000::", "Reserved by the IETF: no address of it is delegated", False),
        ("fd00::1", "Unique local, the private use of IPv6", False),
        ("fe80::1", "Link-local", False),
        ("ff02::1", "Multicast", False),
    ],
)
def test_an_address_is_what_its_longest_prefix_says(address: str, title: str, reachable: bool) -> None:
    """The narrowest row decides; what the registry leaves open (6to4, Teredo) is not taken for reachable."""
    number = ip_address(address)
    family: Family = number.version
    assert address_row(family, int(number)).title == title
    assert globally_reachable().has(family, int(number)) is reachable


def _edges() -> list[tuple[Family, int]]:
    """Every address at which the answer can change, and its neighbours."""
    ends = {(row.family, end + step) for row in address_rows() for end in (row.first, row.last) for step in (-1, 0, 1)}
    return sorted((family, end) for family, end in ends if 0 <= end <= TOP[family])


def test_the_set_of_reachable_addresses_is_that_of_the_rows() -> None:
    """Law: an address is in the set if and only if its row says yes; checked at every edge, so everywhere."""
    reachable = globally_reachable()
    for family, address in _edges():
        assert reachable.has(family, address) == (address_row(family, address).reachability is Reachability.YES)


@given(st.sampled_from(FAMILIES), st.data())
def test_the_set_agrees_between_the_edges(family: Family, draw: st.DataObject) -> None:
    """Law: so it is for any address."""
    address = draw.draw(st.integers(0, TOP[family]))
    said = address_row(family, address).reachability is Reachability.YES
    assert globally_reachable().has(family, address) == said


def test_what_is_reachable_is_unicast() -> None:
    """No multicast, broadcast, loopback or unspecified address is reachable; and something is, in both families."""
    reachable = globally_reachable()
    assert reachable <= UNICAST
    assert not reachable & MULTICAST
    assert reachable.v4 and reachable.v6


def test_the_standard_library_finds_nothing_reachable_that_is_private_here() -> None:
    """At every edge, what Python calls private is not reachable here: this table is at least as strict."""
    looser = [
        str(ip_address(address) if family == 4 else _six(address))
        for family, address in _edges()
        if globally_reachable().has(family, address) and _is_private(family, address)
    ]
    assert [address for address in looser if not _newer(address)] == []


def _six(address: int) -> object:
    return ip_network((address, 128)).network_address


def _is_private(family: Family, address: int) -> bool:
    network = ip_network((address, 32 if family == 4 else 128))
    return network.network_address.is_private


def _newer(address: str) -> bool:
    """Addresses that RFCs after this Python's table made reachable, inside a block that it takes as private whole."""
    inside = AddressSet.of("192.0.0.9", "192.0.0.10", "2001::/23")
    number = ip_address(address)
    return inside.has(number.version, int(number))
