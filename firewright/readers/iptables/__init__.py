"""Reading what iptables-save and ip6tables-save print: `parse` makes a `Dump` of the text, `encode` a `Ruleset` of its meaning.

The rules of iptables-nft are in the kernel's nf_tables, where `nft` shows those of foreign matches only as opaque; those of
iptables-legacy it does not show at all. So a machine that has either is read by its own program's words.
"""

from firewright.readers.iptables.dump import Dump, Rule, Table, Tally
from firewright.readers.iptables.encoding import encode
from firewright.readers.iptables.reading import parse

__all__ = ["Dump", "Rule", "Table", "Tally", "encode", "parse"]
