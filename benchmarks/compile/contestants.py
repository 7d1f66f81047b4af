"""Who takes part."""

from __future__ import annotations

from benchmarks.compile import by_aerleon, by_firewalld, by_iptables, by_nft
from benchmarks.compile.contestant import NFT, Contestant, Step, Unable
from benchmarks.dataplane.traffic import DAY
from firewright.diagnostic import Report
from firewright.model.policy import Firewall, Policy
from firewright.writers import WRITERS

OURS = "Firewright"
_LISTS = "a list takes each packet ten times as long as one of 10,000 rules"


def emitted(policy: Policy, firewall: Firewall) -> str:
    """Our text; Unable with the report's first error."""
    report = Report()
    text = WRITERS.load("nftables").emit(policy, firewall, DAY, report).text
    if report.has_errors():
        raise Unable(report.sorted()[0].message)
    return text


def _ours(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    return (Step(NFT, emitted(policy, firewall)),)


CONTESTANTS = (
    Contestant(OURS, _ours),
    Contestant("nftables, linear", by_nft.linear, 10_000, _LISTS),
    Contestant("`nft -o` of that", by_nft.optimised, 10_000, _LISTS),
    Contestant("concatenated interval sets", by_nft.concatenated),
    Contestant("Aerleon's nftables", by_aerleon.make, 10_000, "its text of 10,000 rules does not load in time already"),
    Contestant("iptables-nft, linear", by_iptables.by_nft, 10_000, _LISTS),
    Contestant("iptables-legacy, linear", by_iptables.by_legacy, 10_000, _LISTS),
    Contestant("iptables-legacy with ipset", by_iptables.with_ipset, 10_000, "a seventh of it is a list"),
    Contestant(
        "firewalld", by_firewalld.make, 1_000, "it writes a list of nftables rules, and loads 1,000 in many seconds"
    ),
    Contestant("ferm", by_iptables.by_ferm, 1_000, "it writes linear iptables rules"),
)
