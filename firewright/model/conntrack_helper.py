"""Protocols that agree on further connections inside a first one, and the conntrack helpers of Linux that follow them.

A helper reads the first connection and expects the further ones, between the same two hosts (nf_conntrack_ftp without `loose`,
RFC 959 section 3.2; nf_conntrack_tftp, RFC 1350 section 4). What it expects is `related`.
"""

from __future__ import annotations

from dataclasses import dataclass

from firewright.model.packet import TCP, UDP


@dataclass(frozen=True, slots=True)
class Helper:
    """A conntrack helper: the protocol and port of the connection that it reads, and the protocol of those it expects."""

    name: str
    protocol: int
    port: int
    data_protocol: int


HELPERS = {helper.name: helper for helper in (Helper("ftp", TCP, 21, TCP), Helper("tftp", UDP, 69, UDP))}
"""By name, as nft's `ct helper` and the catalog's rows have it."""
DATA_PORTS = ((1024, 65535),)
"""The destination ports of connections that a helper may expect: none that only root may listen on."""
