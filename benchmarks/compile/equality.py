"""Whether another tool's nftables means what the policy says, proved from what nft lists back."""

from __future__ import annotations

from benchmarks.dataplane.traffic import DAY, IN, OUT
from firewright.live.nft import NftError, list_back
from firewright.model.packet import FAMILIES, OPENING_FLAGS, TCP, UDP, ConntrackState, Family
from firewright.model.policy import Policy
from firewright.readers.nftables import UnreadableListing, encode, parse
from firewright.space.axis import interface
from firewright.space.box import Box, box
from firewright.space.budget import Undecided
from firewright.space.encode import encode_rules
from firewright.space.packetset import PacketSet
from firewright.space.ruleset import Hook

_NEW = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)


def equality(policy: Policy, text: str) -> str:
    """In words: proved equal to the policy's rules for packets that open a TCP or UDP flow through the firewall, or a witness.

    What Firewright says beside the rules (essentials, spoofing, other states) is not asked of others.
    """
    try:
        listed = list_back(text)
        ruleset = encode(parse(listed.json, "contestant", listed.text), 0)
    except (NftError, UnreadableListing) as why:
        return f"cannot be read: {why}"
    if Hook.FORWARD not in ruleset.hooks:
        return "has no forward chain"
    asked = PacketSet.of({family: [_opening(family, TCP), _opening(family, UDP)] for family in FAMILIES})
    wanted = PacketSet.decided(encode_rules(policy, DAY), "allowed", "required")
    found = PacketSet.decided(ruleset.hooks[Hook.FORWARD], "accept")
    try:
        for verb, difference in (("stops", (wanted - found) & asked), ("passes", (found - wanted) & asked)):
            witness = difference.witness()
            if witness is not None:
                return f"**WRONG**: it {verb} {witness}"
    except Undecided as why:
        return f"undecided: {why}"
    return "proved equal for flows that open"


def _opening(family: Family, protocol: int) -> Box | None:
    """Packets of a protocol that open a flow from one side to the other; only TCP has flags to ask for."""
    return box(
        family,
        in_interface=interface(IN),
        out_interface=interface(OUT),
        service=((protocol << 16, protocol << 16 | 65535),),
        conntrack_state=_NEW,
        tcp_flags=OPENING_FLAGS if protocol == TCP else None,
    )
