"""The number by which the kernel counts the transactions of a namespace: what tells cheaply that anything changed."""

from __future__ import annotations

import socket
import struct

from firewright.live._netlink import attributes
from tests.kernel.managed import Managed
from tests.kernel.network import Network
from tests.kernel.policies import made

_NETFILTER, _REQUEST = 12, 1
_GET_GENERATION = 10 << 8 | 16
_ID = 1
"""NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, and NFTA_GEN_ID (linux/netfilter/nf_tables.h)."""


def generation(network: Network) -> int:
    """The number in the firewall's namespace."""
    with network.firewall.entered():
        link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER)
    with link:
        link.bind((0, 0))
        link.send(struct.pack("=IHHIIBBH", 20, _GET_GENERATION, _REQUEST, 1, 0, 0, 0, 0))
        return int.from_bytes(attributes(link.recv(4096)[20:])[_ID], "big")


def test_the_number_goes_up_with_each_change_and_with_nothing_else(network: Network, host: Managed) -> None:
    """An apply raises it, whoever else changes a table raises it, and looking, dry runs and other namespaces do not."""
    host.keep(made(1).text)
    before = generation(network)
    host.listed()
    host.space.run("nft", "-c", "-f", "-", given=made(2).text)
    network.client.load("table inet other { chain one { }; }\n")
    assert generation(network) == before
    host.apply(made(2).text)
    applied = generation(network)
    assert applied > before
    host.host.call("rollback", "any", "a test")
    taken_back = generation(network)
    assert taken_back > applied
    network.firewall.load("table inet other { chain one { }; }\n")
    assert generation(network) > taken_back
