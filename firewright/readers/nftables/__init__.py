"""Reads what `nft -j list ruleset` says back: JSON -> listing (a tree in nft's own words) -> ruleset (programs of packet sets).

Shares no code with what writes nftables, so that a fault in one does not hide in the other.
"""

from firewright.readers.nftables.encoding import encode
from firewright.readers.nftables.parsing import UnreadableListing, parse
from firewright.readers.nftables.tree import Listing
from firewright.readers.nftables.unseen import unseen

__all__ = ["Listing", "UnreadableListing", "encode", "parse", "unseen"]
