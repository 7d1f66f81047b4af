"""Tables side by side on the same hooks, and whose answer an answer is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import pytest

from firewright.live.conversation import ACK, SYN
from firewright.live.packets import wire
from firewright.model.packet import FAMILIES, SCTP, TCP, UDP, Family, Packet
from tests.kernel.flows import arrives
from tests.kernel.managed import Managed
from tests.kernel.network import CLIENT, MAC, SERVER, Network
from tests.kernel.policies import compiled, made

HOST = """policy: host
zones:
  inside: [10.1.0.0/16, "fd01:0:1::/48"]
firewalls:
  local: {}
rules:
  - {from: inside, to: local, require: ssh, because: managed over it}
  - {from: local, to: any, allow: udp/5000}
"""
"""A policy of the machine alone: what it passes on is not its affair."""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_hosts_policy_leaves_alone_what_the_host_passes_on(network: Network, host: Managed, family: Family) -> None:
    """A container behind a host whose own policy opens nothing for it still gets its packets; with a forward chain it would not."""
    host.keep(compiled(HOST).text)
    assert arrives(network, family, 4321)
    host.keep(made(1).text)
    assert not arrives(network, family, 4321)


@pytest.mark.parametrize("family", FAMILIES)
def test_another_table_drops_what_ours_accepts(network: Network, host: Managed, family: Family) -> None:
    """A packet passes every table of its hook: the sender on the host gets a refusal though our policy opens the port."""
    host.keep(compiled(HOST).text)

    def send() -> None:
        with network.firewall.entered():
            out = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        with out:
            out.sendto(b"word", (SERVER[family], 5000))

    send()
    network.firewall.load(
        "table inet other { chain out { type filter hook output priority 20; udp dport 5000 drop; }; }\n"
    )
    with pytest.raises(PermissionError):
        send()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_segment_of_no_flow_is_new_to_the_kernel_and_not_to_us(
    network: Network, host: Managed, family: Family
) -> None:
    """A stray acknowledgement passes a rule for new connections; the writer's ruleset drops it, and lets a first segment through."""
    packet = through(family, TCP, 443)
    stray, first = wire(replace(packet, tcp_flags=ACK), 1), wire(replace(packet, tcp_flags=SYN), 2)
    network.firewall.load(
        "table inet other { chain on { type filter hook forward priority 0; policy drop; ct state new tcp dport 443 accept; }; }\n"
    )
    assert crosses(network, stray)
    network.firewall.load("delete table inet other\n")
    host.keep(made(1).text)
    network.firewall.try_run("conntrack", "-F")
    assert not crosses(network, stray)
    assert crosses(network, first)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_checksum_of_sctp_is_invalid(network: Network, host: Managed, family: Family) -> None:
    """Who probes by SCTP must count its checksum right, or what would pass is dropped."""
    network.firewall.load(
        "table inet other { chain on { type filter hook forward priority 0; ct state invalid drop; }; }\n"
    )
    right = wire(through(family, SCTP, 443), 3)
    wrong = right[:-1] + bytes((right[-1] ^ 1,))
    assert crosses(network, right)
    network.firewall.try_run("conntrack", "-F")
    assert not crosses(network, wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_errors_are_so_rare_that_closed_ports_seem_hidden(network: Network, host: Managed, family: Family) -> None:
    """Of a hundred datagrams to closed ports in a row the server answers only some: silence does not mean that a port is hidden."""
    with network.client.entered():
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    with seen:
        for number in range(100):
            _put(network, wire(through(family, UDP, 30_000 + number), number + 1))
        answers = sum(_is_error(frame[14:]) for frame in _all_of(seen))
    assert 0 < answers < 100


@pytest.mark.parametrize("family", FAMILIES)
def test_a_refusal_tells_by_its_hop_limit_who_refuses(network: Network, host: Managed, family: Family) -> None:
    """A reset in the server's name comes with 64 hops from the firewall that rejects, and with 63 from the server itself."""
    network.firewall.load(
        "table inet other { chain on { type filter hook forward priority 0; tcp dport 81 reject with tcp reset; }; }\n"
    )
    assert _hops_of_reset(network, family, 81) == 64
    assert _hops_of_reset(network, family, 82) == 63


def _hops_of_reset(network: Network, family: Family, port: int) -> int:
    """The hop limit of the reset that answers a connection to a port of the server."""
    with network.client.entered():
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        caller = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    with seen, caller:
        seen.settimeout(3)
        with pytest.raises(ConnectionRefusedError):
            caller.connect((SERVER[family], port))
        while True:
            frame = seen.recv(2048)[14:]
            width, at = (20, 8) if frame[0] >> 4 == 4 else (40, 7)
            if (
                len(frame) >= width + 20
                and frame[width : width + 2] == port.to_bytes(2, "big")
                and frame[width + 13] & 4
            ):
                return frame[at]


def through(family: Family, protocol: int, port: int) -> Packet:
    """A packet from the client to the server."""
    ends = (int(ip_address(CLIENT[family])), int(ip_address(SERVER[family])))
    return Packet(family, *ends, protocol, port, 40_000, in_interface="fc", out_interface="fs")


def crosses(network: Network, whole: bytes) -> bool:
    """Whether a packet that the client puts on its wire comes out at the server's. Its way is one softirq: it is there, or never."""
    with network.server.entered():
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    with seen:
        _put(network, whole)
        # A router changes nothing behind the hop limit but the checksum of IPv4's header.
        return any(frame[14:].startswith(whole[:4]) and frame[26:] == whole[12:] for frame in _all_of(seen))


def _put(network: Network, whole: bytes) -> None:
    with network.client.entered():
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with out:
        kind = b"\x08\x00" if whole[0] >> 4 == 4 else b"\x86\xdd"
        out.bind(("c0", 0))
        out.send(bytes.fromhex((MAC["fc"] + MAC["c0"]).replace(":", "")) + kind + whole)


def _all_of(seen: socket.socket) -> Iterator[bytes]:
    """What has come so far."""
    seen.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            yield seen.recv(4096)


def _is_error(whole: bytes) -> bool:
    """Whether a packet says that a destination cannot be reached."""
    return whole[9] == 1 and whole[20] == 3 if whole[0] >> 4 == 4 else whole[6] == 58 and whole[40] == 1
