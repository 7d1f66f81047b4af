"""A rehearsal: witnesses sent through a ruleset in a testbed, and each compared with what the specification says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as field_

from firewright.analysis.ground import Ground
from firewright.analysis.witnesses import Witness
from firewright.live.packets import HOP_LIMIT, ICMP_ERROR_TYPES, NUMBERS, headed, tcp, wire
from firewright.live.testbed import INTO, Seen, Sent, Testbed
from firewright.model.address import BROADCAST, MULTICAST, UNICAST, UNSPECIFIED
from firewright.model.essential import LINK_LOCAL
from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, ConntrackState, Packet
from firewright.model.policy import Action

OPEN = """table inet firewright_opening {
\tchain tracked { type filter hook prerouting priority filter; policy accept; ct state new; }
\tchain quiet { type filter hook output priority -450; policy accept;
\t\ttcp flags & rst == rst drop
\t\ticmp type { echo-reply, destination-unreachable } drop
\t\ticmpv6 type { echo-reply, destination-unreachable } drop
\t}
}
"""
"""What everything passes while flows are opened, their answers by the machine itself left out."""
_SYN, _ACK = 2, 16
_FIRST_SEQUENCE, _SECOND_SEQUENCE = 1 << 20, 1 << 21
_ANSWER_TYPES = {4: 3, 6: 1}
_CHUNK = 4096
"""Witnesses that are sent at once, while the next so many are made."""
Telling = Callable[[int, int], None]
"""Is told how many packets of how many have been sent."""


def untold(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A witness of which the kernel did something else than the specification says, and what that was, in words."""

    witness: Witness
    found: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending witnesses: how many agreed, the disagreements, and those that could not be sent.

    `seconds` is the time of making the packets, sending them and seeing what became of them; `again` is how many were sent
    more than once, because the kernel lost a capture or a first look disagreed.
    """

    sent: int
    agreed: tuple[bool, ...]
    disagreements: tuple[Disagreement, ...]
    unsent: tuple[Witness, ...]
    seconds: float
    again: int = 0
    delivered: tuple[int, ...] = field_(default=(), repr=False)


def rehearse(bed: Testbed, text: str, witnesses: Sequence[Witness], telling: Telling = untold) -> Outcome:
    """Send every witness through the ruleset `text`, those of open flows first. Raises TestbedError.

    The flows are opened under a ruleset that lets everything pass and live on when `text` takes its place.
    """
    flowing = [number for number, one in enumerate(witnesses) if one.before]
    plain = [number for number, one in enumerate(witnesses) if not one.before]
    seen: dict[int, Seen] = {}
    begun = time.monotonic()
    bed.load(OPEN)
    bed.flush()
    seen.update(_send_flowing(bed, text, witnesses, flowing))
    done = len(flowing)
    for wave in waves(witnesses, plain):
        bed.flush()
        parts = [wave[start : start + _CHUNK] for start in range(0, len(wave), _CHUNK)]
        made = (
            [sending(bed.ground, witnesses[number], place * _CHUNK + at) for at, number in enumerate(part, 1)]
            for place, part in enumerate(parts)
        )
        for part, found in zip(parts, bed.send_each(made), strict=True):
            telling(done, len(witnesses))
            seen.update(zip(part, found, strict=True))
            done += len(part)
    again = bed.again + _second_look(bed, witnesses, plain, seen)
    return _outcome(bed.ground, witnesses, seen, time.monotonic() - begun, again)


def _second_look(bed: Testbed, witnesses: Sequence[Witness], plain: Sequence[int], seen: dict[int, Seen]) -> int:
    """Send what disagrees once more, alone: what disagrees again is no accident of what was sent before it."""
    doubtful = [number for number in plain if judged(bed.ground, witnesses[number], seen[number])]
    for number in doubtful[:200]:
        bed.flush()
        seen[number] = bed.send([sending(bed.ground, witnesses[number], 1)])[0]
    return len(doubtful[:200])


def _outcome(
    ground: Ground, witnesses: Sequence[Witness], seen: dict[int, Seen], seconds: float, again: int
) -> Outcome:
    disagreements, unsent, agreed = [], [], []
    for number, witness in enumerate(witnesses):
        found = "" if seen[number].is_unsent else judged(ground, witness, seen[number])
        agreed.append(not found and not seen[number].is_unsent)
        if seen[number].is_unsent:
            unsent.append(witness)
        elif found:
            disagreements.append(Disagreement(witness, found))
    return Outcome(len(witnesses), tuple(agreed), tuple(disagreements), tuple(unsent), seconds, again)


def _send_flowing(
    bed: Testbed, text: str, witnesses: Sequence[Witness], flowing: Sequence[int]
) -> Iterable[tuple[int, Seen]]:
    """Open the flows, put the ruleset in place, and send what belongs to them."""
    openings: list[Sent] = []
    for place, number in enumerate(flowing, 1):
        for packet in witnesses[number].before:
            openings.append(sent_as(bed.ground, packet, _of_flow(witnesses[number], packet, len(openings) + 1, place)))
    if openings:
        bed.send(openings)
    bed.load(text)
    sent = []
    for place, number in enumerate(flowing, 1):
        witness = witnesses[number]
        sent.append(sent_as(bed.ground, witness.packet, _of_flow(witness, witness.packet, place, place)))
    return zip(flowing, bed.send(sent), strict=True) if sent else ()


def _of_flow(witness: Witness, packet: Packet, number: int, flow: int) -> bytes:
    """A packet of the flow that a witness belongs to: sequence numbers, identifiers and errors fit those of the others."""
    first = witness.before[0]
    if packet.protocol == TCP:
        is_forth = packet.source == first.source
        own, other = (_FIRST_SEQUENCE, _SECOND_SEQUENCE) if is_forth else (_SECOND_SEQUENCE, _FIRST_SEQUENCE)
        sequence = own + flow + (0 if packet.tcp_flags & _SYN else 1)
        answered = other + flow + 1 if packet.tcp_flags & _ACK else 0
        width = 4 if packet.family == 4 else 16
        ends = packet.source.to_bytes(width, "big") + packet.destination.to_bytes(width, "big")
        body = tcp(ends, packet.source_port, packet.selector, packet.tcp_flags, sequence, answered)
        return headed(packet.family, ends, TCP, body, number, HOP_LIMIT, 0)
    if packet is witness.packet and is_error(packet):
        return wire(packet, number, witness.hop_limit, 0, about=_of_flow(witness, first, flow, flow))
    return wire(packet, number, HOP_LIMIT, 0, inside=0, flow=flow)


def is_error(packet: Packet) -> bool:
    """Whether a packet is an ICMP error."""
    protocol = ICMP if packet.family == 4 else ICMPV6
    return packet.protocol == protocol and packet.selector >> 8 in ICMP_ERROR_TYPES[packet.family]


def sending(ground: Ground, witness: Witness, number: int) -> Sent:
    """A witness that opens a flow, with its number on the wire."""
    whole = wire(witness.packet, number, witness.hop_limit, 0, inside=witness.inside)
    return sent_as(ground, witness.packet, malformed(whole) if witness.is_malformed else whole)


def malformed(whole: bytes) -> bytes:
    """A TCP or UDP packet whose header says that there is more of it than there is."""
    head = 20 if whole[0] >> 4 == 4 else 40
    protocol = whole[9] if head == 20 else whole[6]
    place = head + 12 if protocol == TCP else head + 4
    return whole[:place] + b"\xf0" + whole[place + 1 :]


def sent_as(ground: Ground, packet: Packet, whole: bytes) -> Sent:
    """A packet on its way; where its destination is not behind the interface it is to leave by, it is led there."""
    enter = ground.interface(packet.in_interface).number if packet.in_interface else 0
    leave = ground.interface(packet.out_interface).number if packet.out_interface else 0
    if enter and leave and not _leads(ground, packet):
        whole = steered(whole, leave)
    elif enter and not leave and _is_elsewhere(ground, packet):
        whole = steered(whole, INTO)
    return Sent(enter, leave, whole)


def _leads(ground: Ground, packet: Packet) -> bool:
    """Whether the routes take a packet out by its interface."""
    return ground.interface(packet.out_interface).behind.has(packet.family, packet.destination)


def _is_elsewhere(ground: Ground, packet: Packet) -> bool:
    """Whether a packet to the machine itself is for a unicast address that it has not, but might have."""
    family = packet.family
    return UNICAST.has(family, packet.destination) and not ground.is_own(family, packet.destination)


def steered(whole: bytes, number: int) -> bytes:
    """The packet with a traffic class that leads it out by an interface."""
    if whole[0] >> 4 == 6:
        first = int.from_bytes(whole[:4], "big") & ~(0xFF << 20) | number << 22
        return first.to_bytes(4, "big") + whole[4:]
    width = 4
    ends = whole[12 : 12 + 2 * width]
    return headed(4, ends, whole[9], whole[20:], int.from_bytes(whole[4:6], "big"), whole[8], number << 2)


def waves(witnesses: Sequence[Witness], chosen: Sequence[int]) -> Iterator[list[int]]:
    """The witnesses in as few groups as may be, so that none of a group is taken for an answer to another of it."""
    groups: list[tuple[list[int], set[tuple[int, ...]]]] = [([], set())]
    for number in chosen:
        key, back = _tracked(witnesses[number].packet)
        for members, keys in groups:
            if back not in keys and len(members) < NUMBERS:
                break
        else:
            members, keys = [], set()
            groups.append((members, keys))
        members.append(number)
        keys.add(key)
    return (members for members, _ in groups if members)


def _tracked(packet: Packet) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How conntrack knows a packet's flow, and how it knows an answer to it. ICMP queries have numbers of their own.

    Not every kernel tells the flows of DCCP and UDP-Lite by their ports, so they are told by their hosts alone here.
    """
    forth, back = (packet.source, packet.destination), (packet.destination, packet.source)
    head = (packet.family, packet.protocol)
    if packet.protocol in (TCP, UDP, SCTP):
        ports = (packet.source_port, packet.selector)
        return (*head, *forth, *ports), (*head, *back, *ports[::-1])
    if packet.protocol in (ICMP, ICMPV6):
        return (*head, *forth), (0,)
    return (*head, *forth), (*head, *back) if forth != back else (0,)


def judged(ground: Ground, witness: Witness, seen: Seen) -> str:
    """What the kernel did with a witness, where that is not what the specification says; else an empty text."""
    packet, action = witness.packet, witness.action
    out = ground.interface(packet.out_interface).number if packet.out_interface else 0
    if seen.is_twice:
        return "arrived twice"
    went = seen.arrived != 0 or seen.is_delivered
    if action is Action.ACCEPT:
        if seen.arrived and seen.arrived != out:
            return f"came out by {ground.interfaces[seen.arrived - 1].name}"
        right = seen.arrived == out if out else seen.is_delivered
        return "" if right else "answered and dropped" if seen.answer else "dropped"
    if went:
        return "accepted"
    if action is Action.DROP:
        return "rejected" if seen.answer else ""
    return _answered(ground, packet, seen)


def _answered(ground: Ground, packet: Packet, seen: Seen) -> str:
    """What is wrong with the answer to a rejected packet."""
    if not seen.answer:
        return "" if must_be_silent(packet) or _is_lost(ground, packet) else "dropped"
    if not seen.is_answer_right and not _is_lost(ground, packet):
        return "rejected with an answer from or to another address"
    is_at_home = not LINK_LOCAL.has(packet.family, packet.source)
    if packet.in_interface and is_at_home and seen.where != ground.interface(packet.in_interface).number:
        return "rejected with an answer by another interface"
    if packet.protocol == TCP and seen.answer != "reset":
        return "rejected without a reset"
    if packet.protocol != TCP and (seen.answer != "icmp" or seen.type != _ANSWER_TYPES[packet.family]):
        return "rejected with another answer than destination unreachable"
    return ""


def _is_lost(ground: Ground, packet: Packet) -> bool:
    """Whether an answer may have no way: to or from an address that the machine has only for this packet, or to one on some link."""
    return (
        (not packet.in_interface and not ground.is_own(packet.family, packet.source))
        or (not packet.out_interface and not ground.is_own(packet.family, packet.destination))
        or LINK_LOCAL.has(packet.family, packet.source)
    )


def must_be_silent(packet: Packet) -> bool:
    """Whether no error is sent about a packet: about errors, and what is from or to no single machine (RFC 1122, 4443).

    Nor about what conntrack does not know, as the machine's own rules find such an error invalid. Nor about DCCP over IPv4: the
    kernel takes its checksum for wrong, as it leaves the pseudo header out (nf_ip_checksum).
    """
    ends = (packet.source, packet.destination)
    return (
        is_error(packet)
        or packet.conntrack_state in (ConntrackState.UNTRACKED, ConntrackState.INVALID)
        or (packet.family, packet.protocol) == (4, DCCP)
        or any((MULTICAST | BROADCAST).has(packet.family, end) for end in ends)
        or UNSPECIFIED.has(packet.family, packet.source)
        or not UNICAST.has(packet.family, packet.destination)
    )
