"""ESP or AH permitted one way only: the tunnel dies when nothing has come back for ten minutes.

Connection tracking knows these protocols only by their addresses (nf_conntrack_generic_timeout, 600 s), so after a pause the side
that may not begin cannot send.
"""

from collections.abc import Iterator

from firewright.audits._audit import Context, warning
from firewright.diagnostic import Diagnostic
from firewright.model.decision import PERMITTED_OUTCOMES
from firewright.model.interval import intersection
from firewright.model.packet import Packet
from firewright.model.policy import Policy, Verb
from firewright.space.box import box
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet

_NAMES = {50: "ESP", 51: "AH"}


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One warning for each rule that names ESP or AH and permits packets whose answers, turned round, are not permitted."""
    for rule in context.active(policy):
        named = {transport.protocol for term in rule.terms for transport in term.transports} & set(_NAMES)
        if rule.verb not in (Verb.ALLOW, Verb.REQUIRE) or not named:
            continue
        permitted = context.decided(policy, *PERMITTED_OUTCOMES)
        flows = context.flows(permitted, rule)
        for protocol in sorted(named):
            packet = _unanswered(flows, permitted, protocol)
            if packet is not None:
                message = f"{rule.label}: {_NAMES[protocol]} is permitted one way only"
                yield warning("one-way-vpn", message, rule.at, packet, "allow it the other way too")
                break


def _unanswered(flows: list[Flow], permitted: PacketSet, protocol: int) -> Packet | None:
    """A packet that would be the answer to a permitted one, and is not permitted."""
    for flow in flows:
        back = box(
            flow.family,
            in_interface=flow.out_interface,
            out_interface=flow.in_interface,
            source=flow.destination,
            destination=flow.source,
            service=intersection(flow.service, ((protocol << 16, protocol << 16 | 65535),)),
        )
        packet = None if back is None else (~permitted).witness({flow.family: back})
        if packet is not None:
            return packet
    return None
