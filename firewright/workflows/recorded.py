"""Flows that audit mode recorded, judged by a policy: what each was, and by which line it would have been refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from itertools import product

from firewright.analysis.decide import enforce, is_spoofed
from firewright.model.decision import Decision, Outcome
from firewright.model.essential import ESSENTIALS, Essential
from firewright.model.interval import has
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, PORTED, SYN, TCP, ConntrackState, Family, Packet
from firewright.model.policy import Action, Firewall, Policy
from firewright.model.transport import EVERY_SELECTOR, Transport
from firewright.readers.nftables.recorded import Recorded
from firewright.reports import Cause, CutFlow
from firewright.syntax.nftables.audited import Kind, Way, records_name

_EPHEMERAL = 40_000
"""A source port such as machines choose for themselves."""
_ELSEWHERE = "elsewhere"
_ACK = 16
_STATES = {
    8: ConntrackState.NEW,
    2: ConntrackState.ESTABLISHED,
    4: ConntrackState.RELATED,
    1: ConntrackState.INVALID,
    64: ConntrackState.UNTRACKED,
}
"""The kernel's bits of the states."""
_MEANINGS = {records_name(*one): one for one in product(Way, Kind, FAMILIES)}
"""What the sets of audit mode remember, by their names."""
_SERVICES = {Kind.OPENINGS: 2, Kind.STRAYS: 2, Kind.MESSAGES: 2}
"""How many numbers tell the service of what a set remembers; one where it is not said."""
_REASONS = {
    Outcome.CLOSED: "no rule opens it",
    Outcome.SPOOFED: "an address that is not at home there",
    Outcome.INVALID: "it fits no flow",
    Outcome.UNBEGUN: "a segment of a flow that nobody opened",
}
"""What is said where no rule of the policy decides."""
_HERE = {Kind.ARRIVALS: "by", Kind.DEPARTURES: "leaving by"}


class NotRecorded(ValueError):
    """An element that audit mode does not make."""


class Judge:
    """Judges recorded flows by a policy at one firewall on a day."""

    def __init__(self, policy: Policy, firewall: Firewall, day: date) -> None:
        self.policy, self.firewall, self.day = policy, firewall, day
        given = {name.replace("*", "x") for names in firewall.interfaces.values() for name in names}
        self.interfaces = (*sorted(given), _ELSEWHERE)
        self.ports: dict[tuple[Family, int, int], tuple[int, ...]] = {}
        known: list[Transport | Essential] = [
            one for rule in policy.rules for term in rule.terms for one in term.transports
        ]
        self.choosy = [one for one in (*known, *ESSENTIALS) if one.source_ports != EVERY_SELECTOR]

    def flow(self, one: Recorded) -> CutFlow:
        """A recorded element in words, and what decides it. Raises NotRecorded. O(rules)."""
        way, kind, _ = _meaning(one)
        packet = self._packet(one)
        causes: dict[Cause, None] = {}
        for port in self._source_ports(packet) if kind is Kind.OPENINGS else (packet.source_port,):
            decision = enforce(self.policy, self.firewall, replace(packet, source_port=port), self.day)
            if decision.action is not Action.ACCEPT:
                causes[Cause(decision.verdict, _said(decision), decision.at)] = None
        at = f"{way} {_HERE[kind]} {one.values[0]}" if kind in _HERE else str(way)
        state = "" if kind in _HERE else packet.conntrack_state.name.lower()
        return CutFlow(_words(packet, kind), at, state, one.packets, one.bytes, tuple(causes), one.left)

    def _packet(self, one: Recorded) -> Packet:
        """A packet such as was recorded; at an interface that is not recorded it is as it should be."""
        way, kind, family = _meaning(one)
        state, source, destination, service = _values(one, kind)
        protocol, selector, port, flags = TCP, 0, 0, SYN
        if kind is Kind.OPENINGS:
            (protocol, selector), port = service, _EPHEMERAL
        elif kind is Kind.STRAYS:
            (port, selector), flags = service, _ACK
        elif kind is Kind.MESSAGES:
            protocol, selector = ICMP if family == 4 else ICMPV6, service[0] << 8 | service[1]
        else:
            (protocol,) = service
        packet = Packet(family, source, destination, protocol, selector, port, state, tcp_flags=flags)
        came = "" if way is Way.OUT else self._home(packet, is_in=True)
        went = "" if way is Way.IN else self._home(packet, is_in=False)
        given = str(one.values[0])
        return replace(
            packet,
            in_interface=given if kind is Kind.ARRIVALS else came,
            out_interface=given if kind is Kind.DEPARTURES else went,
        )

    def _home(self, packet: Packet, *, is_in: bool) -> str:
        """An interface that the address at one end of a packet belongs to: where it did not, a rule asked for the interface."""
        for name in self.interfaces:
            placed = replace(packet, in_interface=name) if is_in else replace(packet, out_interface=name)
            if not is_spoofed(self.policy, self.firewall, placed):
                return name
        return _ELSEWHERE

    def _source_ports(self, packet: Packet) -> tuple[int, ...]:
        """One source port of every range that a rule or an essential tells from others for this service."""
        key = (packet.family, packet.protocol, packet.selector)
        if key not in self.ports:
            asked = [one.source_ports for one in self.choosy if _is_of(one, packet)]
            ends = {end for ranges in asked for low, high in ranges for end in (low, high + 1) if end < 65_536}
            self.ports[key] = (_EPHEMERAL, *(sorted({0, *ends}) if asked else ()))
        return self.ports[key]


def _said(decision: Decision) -> str:
    """The rule that decided, by its label, or why it is refused without one."""
    return decision.rule.label if decision.rule else decision.reason or _REASONS.get(decision.outcome, "")


def _is_of(one: Transport | Essential, packet: Packet) -> bool:
    return packet.family in one.families and one.protocol == packet.protocol and has(one.selectors, packet.selector)


def _meaning(one: Recorded) -> tuple[Way, Kind, Family]:
    """What the set of an element remembers, by its name, behind which a host puts the generation's number."""
    found = _MEANINGS.get(re.sub(r"\.\d+$", "", one.set))
    if found is None:
        raise NotRecorded(f"{one.set} is no set of audit mode")
    return found


def _values(one: Recorded, kind: Kind) -> tuple[ConntrackState, int, int, tuple[int, ...]]:
    """An element's state, ends and service; where the interface is remembered instead, any state has the same end."""
    state: int | str = 8
    if kind in _HERE:
        is_whole = isinstance(one.values[0], str)
    else:
        state = one.values[0]
        is_whole = state in _STATES
    numbers = [value for value in one.values[1:] if isinstance(value, int)]
    if not is_whole or not isinstance(state, int) or len(numbers) != 2 + _SERVICES.get(kind, 1):
        raise NotRecorded(f"{one.set} has an element that is none of audit mode's")
    source, destination, *service = numbers
    return _STATES[state], source, destination, tuple(service)


def _words(packet: Packet, kind: Kind) -> str:
    """The flow in words, without ports and types that are not known."""
    said = str(replace(packet, conntrack_state=ConntrackState.NEW))
    if kind is Kind.OPENINGS or kind in _HERE:
        said = said.replace(f":{packet.source_port} -> ", " -> ", 1)
    if kind in _HERE:
        said = said.removesuffix(f":{packet.selector}") if packet.protocol in PORTED else said.replace(_NO_TYPE, "", 1)
    return said


_NO_TYPE = " type 0 code 0"
