"""The first datagrams of UDP services are what their specifications say, and complete."""

from __future__ import annotations

import struct

import pytest

from firewright.catalog.services import catalog
from firewright.catalog.table import DATA, Table
from firewright.catalog.udp_payloads import Answers, is_telling, udp_payloads

WANTED = {
    "dns": 53, "ntp": 123, "snmp": 161, "sip": 5060, "tftp": 69, "isakmp": 500, "mdns": 5353, "ssdp": 1900, "memcached": 11211,
    "netbios-ns": 137, "rpcbind": 111, "coap": 5683, "stun": 3478, "cldap": 389, "mssql-browser": 1434, "radius": 1812,
    "quic": 443, "wireguard": 51820, "openvpn": 1194, "syslog": 514, "kerberos": 88, "ipsec-nat-t": 4500,
}  # fmt: skip


def test_the_table_says_where_it_is_from() -> None:
    """Its first line names source and date, and each row a specification."""
    table = Table.read(DATA / "udp_payloads.tsv")
    assert "source: " in f"; {table.source}" and "date: 2026-" in table.source
    assert all(row.reference for row in udp_payloads().values())


@pytest.mark.parametrize(("name", "port"), WANTED.items())
def test_common_services_have_their_own_datagram(name: str, port: int) -> None:
    """Each of the common services has a row under its port."""
    assert udp_payloads()[port].name == name


def test_a_silent_service_tells_nothing_by_silence() -> None:
    """Silence tells something only of ports whose service answers every stranger."""
    assert is_telling(53)
    assert not any(map(is_telling, (51820, 514, 1812, 161, 443, 4242)))
    assert udp_payloads()[51820].answers is Answers.NEVER


def test_datagrams_fit_a_wire() -> None:
    """No datagram is longer than what IPv6 carries everywhere (RFC 8200, section 5), and none is empty that has a request."""
    for port, row in udp_payloads().items():
        assert len(row.payload) <= 1232, port
        assert row.payload or row.answers is not Answers.SOME, port
    assert len(udp_payloads()[443].payload) == 1200
    assert len(udp_payloads()[51820].payload) == 148


def test_lengths_inside_are_those_of_what_follows() -> None:
    """Requests that carry their own lengths carry the right ones: IKE, L2TP, RADIUS, ASN.1, DNS's counts, GTP."""
    of = {name: udp_payloads()[port].payload for name, port in WANTED.items()}
    assert struct.unpack_from("!I", of["isakmp"], 24)[0] == len(of["isakmp"])
    assert of["ipsec-nat-t"] == bytes(4) + of["isakmp"]
    assert struct.unpack_from("!H", udp_payloads()[1701].payload, 2)[0] == len(udp_payloads()[1701].payload)
    assert struct.unpack_from("!H", of["radius"], 2)[0] == len(of["radius"]) == 38
    assert struct.unpack_from("!H", udp_payloads()[2152].payload, 2)[0] == len(udp_payloads()[2152].payload) - 8
    for name in ("snmp", "kerberos", "cldap"):
        assert _whole(of[name]) == len(of[name]), name
    assert of["dns"] == bytes.fromhex("6672010000010000000000000000020001")
    assert of["ntp"][0] == 0x23 and len(of["ntp"]) == 48
    assert of["stun"][4:8] == bytes.fromhex("2112a442") and len(of["stun"]) == 20


def _whole(raw: bytes) -> int:
    """How long an ASN.1 value with its head is (X.690, section 8.1.3)."""
    count = raw[1] & 0x7F if raw[1] & 0x80 else 0
    length = int.from_bytes(raw[2 : 2 + count], "big") if count else raw[1]
    return 2 + count + length


def test_every_payload_port_is_a_known_service() -> None:
    """The catalog or the registry knows the service of nearly every port, so that a datagram is not sent to a number nobody uses."""
    from firewright.catalog.iana import port_registry

    unknown = [port for port in udp_payloads() if not catalog().by_port(17, port) and not port_registry().at(port, 17)]
    assert unknown == [47808, 6881] or set(unknown) <= {6881, 47808}
