"""The writer of nftables: lower the policy to a tree, and say the tree."""

from __future__ import annotations

from datetime import date

from firewright.diagnostic import Report
from firewright.document import collection_paused
from firewright.model.policy import Firewall, Policy
from firewright.syntax.nftables import render
from firewright.writers import Artifact, Writer
from firewright.writers.nftables.lowering import lower


class _Nftables:
    """Turns policies into text for `nft -f`."""

    def emit(self, policy: Policy, firewall: Firewall, day: date, report: Report) -> Artifact:
        """The text that replaces our own table in one transaction, and touches no other."""
        with collection_paused():
            text = render(lower(policy, firewall, day, report))
        return Artifact("nftables", policy.name, firewall.name, text)


WRITER: Writer = _Nftables()
"""The nftables writer."""
