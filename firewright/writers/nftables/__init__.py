"""Writes a firewall's policy as a table of nftables, `inet firewright`."""

from firewright.writers.nftables.leaf import rule_comment
from firewright.writers.nftables.lowering import lower
from firewright.writers.nftables.writer import WRITER

__all__ = ["WRITER", "lower", "rule_comment"]
