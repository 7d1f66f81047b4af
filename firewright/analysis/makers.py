"""Who made a table or a chain of a machine's rulesets, as far as names tell: a row for each program that makes its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

XTABLES = ("raw", "mangle", "nat", "filter", "security")
"""The tables of iptables, whose families and names others use as well."""


@dataclass(frozen=True, slots=True)
class Maker:
    """A program that makes tables or chains of its own, told by their names (whole tables are `table`, in nft's words)."""

    name: str
    table: str = ""
    chain: str = ""


MAKERS = (
    Maker("Docker", r"ip6? docker-bridges", r"DOCKER(-.*)?"),
    Maker("Podman", r"inet netavark", r"NETAVARK[-_].*|CNI-.*"),
    Maker("libvirt", r"ip6? libvirt_network", r"LIBVIRT_.*"),
    Maker("firewalld", r"(inet|ip6?) firewalld", r"(INPUT|FORWARD)_(direct|ZONES.*)|(IN|FWD[IO]?|PRE|POST)_[a-z].*"),
    Maker("fail2ban", r"inet f2b-.*", r"(f2b|fail2ban)-.*"),
    Maker("ufw", "", r"ufw6?-.*"),
    Maker("kube-proxy", r"ip6? kube-proxy", r"KUBE-.*"),
    Maker("Calico", r"(inet|ip6?) calico", r"cali-.*"),
    Maker("Cilium", "", r"(OLD_)?CILIUM_.*"),
    Maker("Flannel", "", r"FLANNEL-.*"),
    Maker("CrowdSec", r"ip6? crowdsec6?", r"CROWDSEC_CHAIN|crowdsec6?-chain.*"),
    Maker("sshguard", r"ip6? sshguard", r"sshguard"),
    Maker("Tailscale", "", r"ts-(input|forward|postrouting)"),
    Maker("wg-quick", r"ip6? wg-quick-.*"),
    Maker("LXD", r"inet lxd"),
    Maker("Incus", r"inet incus"),
    Maker("systemd", r"ip6? io\.systemd\.nat"),
    Maker("OpenWrt", r"inet fw4"),
    Maker("Proxmox", r"(inet|bridge) proxmox-firewall.*", r"PVEFW-.*"),
    Maker("NixOS", r"inet nixos-fw", r"nixos-fw(-.*)?"),
    Maker("Miniupnpd", r"inet miniupnpd", r"MINIUPNPD(-.*)?|miniupnpd"),
    Maker("OpenStack Neutron", "", r"neutron-.*"),
)
"""Who makes which tables and chains, as their documentation and source name them."""
IPTABLES = "iptables"
"""Who made a table of iptables in which no other maker's chains are."""


def makers(table: str, chains: Iterable[str]) -> tuple[str, ...]:
    """Who made a table or chains in it, by their names; iptables alone where a table of its is nobody else's. O(chains)."""
    names = tuple(chains)
    found = tuple(
        one.name
        for one in MAKERS
        if (one.table and re.fullmatch(one.table, table))
        or (one.chain and any(re.fullmatch(one.chain, name) for name in names))
    )
    family, _, name = table.partition(" ")
    is_built_in = family in ("ip", "ip6") and name in XTABLES and any(name.isupper() for name in names)
    return found or ((IPTABLES,) if is_built_in else ())
