"""A policy's meaning at one firewall on one day, as a first-match list of packet boxes: precedence becomes order.

The order of the list is the language's precedence (deny, reject, require, allow, request, otherwise, default), so the order of
the rules in the file decides nothing but who is credited. `analysis/decide.py` says the same of one packet and shares no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from firewright.model.address import LOOPBACK, UNICAST, AddressSet, merge
from firewright.model.conntrack_helper import DATA_PORTS, HELPERS
from firewright.model.decision import Decision, Outcome
from firewright.model.essential import ESSENTIALS, ICMP_ERRORS, LINK_LOCAL, REDIRECTS
from firewright.model.interval import Ranges, complement, difference, intersection, size, union
from firewright.model.packet import FAMILIES, OPENING_FLAGS, RESET_FLAGS, ConntrackState, Family
from firewright.model.policy import Action, Firewall, Policy, Rule, Verb, Zone, ZoneKind
from firewright.model.transport import service_ranges
from firewright.space.axis import ANY_INTERFACE, HOST, Axis, interface, top
from firewright.space.box import Box, box
from firewright.space.program import Program

_OUTCOMES = {
    Verb.DENY: (Outcome.DENIED, Action.DROP),
    Verb.REJECT: (Outcome.REJECTED, Action.REJECT),
    Verb.REQUIRE: (Outcome.REQUIRED, Action.ACCEPT),
    Verb.ALLOW: (Outcome.ALLOWED, Action.ACCEPT),
    Verb.REQUEST: (Outcome.REQUESTED, Action.DROP),
}
_Side = tuple[Ranges | None, Ranges | None]
"""Interfaces and addresses of one end of a packet; None is unconstrained."""

_KNOWN_SIDES: dict[tuple[int, ...], tuple[tuple[Zone, ...], list[_Side]]] = {}
_MOST_SIDES = 4096
_SIDE_OF = {
    ZoneKind.LOCAL: ZoneKind.LOCAL,
    ZoneKind.MULTICAST: ZoneKind.MULTICAST,
    ZoneKind.BROADCAST: ZoneKind.MULTICAST,
}
"""Which kinds of zones are one end of a packet together; those that are not named here are machines, by their addresses."""


class Unfilled(ValueError):
    """The policy has zones that nobody has filled in, so nothing can be proved of it."""


def encode(policy: Policy, firewall: Firewall, day: date) -> dict[Family, Program]:
    """What the firewall decides of every packet on that day, for each family, interfaces included.

    Each step's verdict is `Decision.verdict` and its origin the Decision. Raises Unfilled.
    """
    return {family: _Encoder(policy, firewall, day, family).program(with_interfaces=True) for family in FAMILIES}


def encode_enforced(
    policy: Policy, firewall: Firewall, day: date, families: Iterable[Family] = FAMILIES
) -> dict[Family, Program]:
    """What the firewall does with every packet on that day, in every conntrack state: what a compiled ruleset must mean.

    Each step's verdict is the action's word and its origin the Decision. What a packet carries beside the axes is a literal in
    nft's words: `ip6 hoplimit 255`, `ip ttl 1`, `ct helper ftp`. Raises Unfilled.
    """
    return {family: _Enforced(policy, firewall, day, family).program(with_interfaces=True) for family in families}


def encode_path(policy: Policy, firewall: Firewall, day: date) -> dict[Family, Program]:
    """The same for packets that arrive where their addresses belong: no step asks for more than "the host itself" or not."""
    return {family: _Encoder(policy, firewall, day, family).program(with_interfaces=False) for family in FAMILIES}


def encode_rules(policy: Policy, day: date) -> dict[Family, Program]:
    """What the rules alone say of every packet, wherever it passes; what no rule names is closed. Raises Unfilled."""
    nowhere = Firewall(policy.name, at=policy.at)
    return {family: _Encoder(policy, nowhere, day, family).rules_alone() for family in FAMILIES}


def encode_passage(policy: Policy, firewall: Firewall) -> dict[Family, Program]:
    """What becomes of packets whatever the rules: "not enforced", "loopback", "essential"; "closed" is what rules decide.

    Raises Unfilled.
    """
    return {family: _Encoder(policy, firewall, date.min, family).passage() for family in FAMILIES}


def rule_boxes(rule: Rule, family: Family) -> list[Box]:
    """The packets that a rule speaks of, as products, whatever other rules say."""
    boxes = (
        box(
            family,
            in_interface=in_interface,
            out_interface=out_interface,
            source=source,
            destination=destination,
            service=service,
            source_port=source_port,
        )
        for ends in rule.ends
        for in_interface, source in _sides(ends.sources, family)
        for out_interface, destination in _sides(ends.destinations, family)
        for source_port, service in _services(rule, family)
    )
    return [one for one in boxes if one is not None]


def _sides(zones: tuple[Zone, ...], family: Family) -> list[_Side]:
    """One end of a rule: the host itself, other machines by their addresses, and groups wherever they are delivered."""
    key = (family, *map(id, zones))
    known = _KNOWN_SIDES.get(key)
    if known is None:
        if len(_KNOWN_SIDES) >= _MOST_SIDES:
            _KNOWN_SIDES.clear()
        # Kept with its zones, so that their ids stay their own.
        known = _KNOWN_SIDES[key] = (zones, _sides_of(zones, family))
    return known[1]


def _sides_of(zones: tuple[Zone, ...], family: Family) -> list[_Side]:
    by_kind: dict[ZoneKind, list[Ranges]] = {}
    for zone in zones:
        by_kind.setdefault(_SIDE_OF.get(zone.kind, ZoneKind.NAMED), []).append(zone.addresses.ranges(family))
    sides: list[_Side] = []
    if ZoneKind.LOCAL in by_kind:
        sides.append((HOST, None))
    for kind, interfaces in ((ZoneKind.MULTICAST, None), (ZoneKind.NAMED, ANY_INTERFACE)):
        if kind in by_kind:
            sides.append((interfaces, union(*by_kind[kind])))
    return sides


def _services(rule: Rule, family: Family) -> list[tuple[Ranges | None, Ranges | None]]:
    """Source ports and service axis of a rule's terms; one product for each distinct set of source ports."""
    if not rule.terms or any(term.is_any for term in rule.terms):
        return [(None, None)]
    found = service_ranges([transport for term in rule.terms for transport in term.transports], family)
    every: Ranges = ((0, 65535),)
    return [(None if ports == every else ports, services) for ports, services in found.items()]


class _Encoder:
    """Writes the list of one firewall, one day, one family."""

    nowhere = AddressSet()
    """Addresses that tell nothing of where they are."""

    def __init__(self, policy: Policy, firewall: Firewall, day: date, family: Family) -> None:
        if policy.questions:
            names = ", ".join(zone.name for zone in policy.questions)
            raise Unfilled(f"not filled in: {names}")
        self.policy, self.firewall, self.day, self.family = policy, firewall, day, family
        self.list = Program(family)
        self.unicast = UNICAST.ranges(family)
        self.away = self.decided(Outcome.UNENFORCED, Action.ACCEPT, "it does not pass this firewall")

    def program(self, with_interfaces: bool) -> Program:
        self.loopback()
        if with_interfaces:
            self.spoofed()
        self.not_on_path()
        self.redirects()
        self.essentials()
        return self.rules_alone()

    def passage(self) -> Program:
        self.loopback()
        self.not_on_path()
        self.redirects()
        self.essentials()
        return self.rest()

    def rules_alone(self) -> Program:
        self.rules()
        return self.rest()

    def rest(self) -> Program:
        default = self.firewall.default
        reason = f"no rule allows it, and the default is {default.value}"
        self.add([box(self.family)], Decision(Outcome.CLOSED, default, self.firewall, None, reason, self.firewall.at))
        return self.list

    def add(self, boxes: Iterable[Box | None], decision: Decision, condition: str = "") -> None:
        """Steps that decide so; the condition is what a packet must carry beside the axes, which only some programs ask."""
        for one in boxes:
            if one is not None:
                self.list.add(one, decision.verdict, decision)

    def decided(self, outcome: Outcome, action: Action, reason: str) -> Decision:
        return Decision(outcome, action, self.firewall, None, reason, self.firewall.at)

    def loopback(self) -> None:
        """What the machine sends itself passes; loopback addresses from or to elsewhere do not.

        A machine's own policy does not judge at all what the machine only forwards.
        """
        passes = self.decided(Outcome.LOOPBACK, Action.ACCEPT, "the machine talks to itself")
        self.add([box(self.family, in_interface=HOST, out_interface=HOST)], passes)
        if self.firewall.is_host:
            self.add([box(self.family, in_interface=ANY_INTERFACE, out_interface=ANY_INTERFACE)], self.away)
        inside = LOOPBACK.ranges(self.family)
        strange = self.decided(Outcome.SPOOFED, Action.DROP, "a loopback address from or to elsewhere")
        self.add([box(self.family, source=inside), box(self.family, destination=inside)], strange)

    def spoofed(self) -> None:
        """Where interfaces are given, an address at another interface than its zone's fits nowhere, nor at one that is another's."""
        every = tuple(name for names in self.firewall.interfaces.values() for name in names)
        homeless = UNICAST - LINK_LOCAL
        for addresses, names in territories(self.policy, self.firewall):
            wrong = difference(complement(interface(*names), top(self.family, Axis.IN_INTERFACE)), HOST)
            homeless -= addresses
            self.strange(addresses, wrong, f"its address belongs to {', '.join(names)}")
        if every:
            self.strange(homeless, interface(*every), "the interface belongs to other zones")

    def strange(self, addresses: AddressSet, interfaces: Ranges, reason: str) -> None:
        """Drop these addresses at these interfaces, whichever end they are."""
        ranges = addresses.ranges(self.family)
        spoofed = self.decided(Outcome.SPOOFED, Action.DROP, reason)
        self.add([box(self.family, in_interface=interfaces, source=ranges)], spoofed)
        self.add([box(self.family, out_interface=interfaces, destination=ranges)], spoofed)

    def not_on_path(self) -> None:
        """Packets that do not pass this firewall: what stays on one leg.

        What has an end in `nowhere` may be on any leg: the rules decide it.
        """
        away, elsewhere = self.away, {"in_interface": ANY_INTERFACE, "out_interface": ANY_INTERFACE}
        if self.firewall.is_host:
            return
        passing = [self.list.add(one, None) for one in self._within_boxes(elsewhere)]
        legs, unattached = legs_of(self.firewall)
        for leg in legs:
            ranges = (leg - self.nowhere).ranges(self.family)
            self.add([box(self.family, source=ranges, destination=ranges, **elsewhere)], away)
        lost = (unattached - self.nowhere).ranges(self.family)
        routed = (UNICAST - self.nowhere).ranges(self.family)
        others: Ranges = intersection(complement(lost, top(self.family, Axis.SOURCE)), routed)
        self.add([box(self.family, source=lost, destination=routed, **elsewhere)], away)
        self.add([box(self.family, source=others, destination=lost, **elsewhere)], away)
        for index in passing:
            self.list.skip(index, len(self.list))

    def _within_boxes(self, elsewhere: dict[str, Ranges]) -> Iterator[Box]:
        for zone in self.firewall.within:
            ranges = zone.addresses.ranges(self.family)
            one = box(self.family, source=ranges, destination=ranges, **elsewhere)
            if one is not None:
                yield one

    def redirects(self) -> None:
        """What the machine never takes."""
        protocol, selectors = REDIRECTS[self.family]
        redirects = box(self.family, out_interface=HOST, service=_on_axis(protocol, selectors))
        self.add([redirects], self.decided(Outcome.DENIED, Action.DROP, "redirects are always dropped"))

    def essentials(self) -> None:
        """The printed list, for what the machine itself receives and sends."""
        for row in ESSENTIALS:
            if self.family not in row.families:
                continue
            one = box(
                self.family,
                in_interface=None if row.is_inbound else HOST,
                out_interface=HOST if row.is_inbound else None,
                source=row.source.ranges(self.family),
                destination=row.destination.ranges(self.family),
                service=_on_axis(row.protocol, row.selectors),
                source_port=None if row.source_ports == ((0, 65535),) else row.source_ports,
            )
            reason = f"{row.name}: {row.because}"
            self.add([one], self.decided(Outcome.ESSENTIAL, Action.ACCEPT, reason), row.condition(self.family))

    def rules(self) -> None:
        active = [rule for rule in self.policy.rules if rule.is_active(self.day)]
        overriders: dict[str, list[Rule]] = {}
        for rule in active:
            for name in rule.overrides:
                overriders.setdefault(name.value, []).append(rule)
        for verb, (outcome, action) in _OUTCOMES.items():
            if verb is Verb.ALLOW and self.firewall.opens == "required":
                outcome, action = Outcome.UNOPENED, self.firewall.default
            for rule in active:
                if rule.verb is verb:
                    self.rule(
                        rule, Decision(outcome, action, self.firewall, rule, "", rule.at), overriders.get(rule.name, [])
                    )
        for default in (Action.DROP, Action.REJECT):
            for rule in active:
                if rule.verb is Verb.OTHERWISE and rule.default is default:
                    self.rule(rule, Decision(Outcome.CLOSED, default, self.firewall, rule, "", rule.at), [])

    def rule(self, rule: Rule, decision: Decision, overriders: list[Rule]) -> None:
        """The rule's steps, behind skips for the dated rules that pass it."""
        skips = [self.list.add(one, None) for dated in overriders for one in rule_boxes(dated, self.family)]
        self.add(rule_boxes(rule, self.family), decision)
        for index in skips:
            self.list.skip(index, len(self.list))


class _Enforced(_Encoder):
    """Writes the same list for packets in every state: replies follow, and what opens no flow is not asked for.

    A forged link-local source passes no firewall as if it stayed on the leg of the internet: such addresses are on every link.
    """

    nowhere = LINK_LOCAL

    def program(self, with_interfaces: bool) -> Program:
        self.loopback()
        if with_interfaces:
            self.spoofed()
        self.redirects()
        self.established()
        self.not_on_path()
        self.essentials()
        self.related()
        self.not_opening()
        return self.rules_alone()

    def add(self, boxes: Iterable[Box | None], decision: Decision, condition: str = "") -> None:
        literals = ((condition, True),) if condition else ()
        for one in boxes:
            if one is not None:
                self.list.add(one, decision.action.value, decision, literals)

    def established(self) -> None:
        follows = self.decided(Outcome.ESTABLISHED, Action.ACCEPT, "it belongs to an open flow")
        self.add([box(self.family, conntrack_state=_state(ConntrackState.ESTABLISHED))], follows)

    def related(self) -> None:
        """Errors of open flows, resets by which the machine itself refuses, what a permitted service agrees on.

        The kernel marks the reset that `reject` sends as related to what it refuses (nf_ct_attach).
        """
        related = _state(ConntrackState.RELATED)
        errors = self.decided(Outcome.RELATED, Action.ACCEPT, "an error of an open flow")
        self.add([box(self.family, conntrack_state=related, service=_on_axis(*ICMP_ERRORS[self.family]))], errors)
        refusal = self.decided(Outcome.RELATED, Action.ACCEPT, "the machine's own refusal")
        self.add([box(self.family, in_interface=HOST, conntrack_state=related, tcp_flags=RESET_FLAGS)], refusal)
        for rule in self.policy.rules:
            if not rule.is_active(self.day) or not rule.opens(self.firewall):
                continue
            for name in dict.fromkeys(name for term in rule.terms for name in term.helpers):
                service = _on_axis(HELPERS[name].data_protocol, DATA_PORTS)
                agreed = Decision(Outcome.RELATED, Action.ACCEPT, self.firewall, rule, f"{name} agreed on it", rule.at)
                self.add([box(self.family, conntrack_state=related, service=service)], agreed, f"ct helper {name}")

    def not_opening(self) -> None:
        strange = self.decided(Outcome.INVALID, Action.DROP, "it fits no flow")
        self.add([box(self.family, conntrack_state=_state(ConntrackState.INVALID))], strange)
        unbegun = self.decided(Outcome.UNBEGUN, Action.DROP, "a segment of a flow that nobody opened")
        self.add([box(self.family, tcp_flags=difference(((0, 255),), OPENING_FLAGS))], unbegun)


def _state(state: ConntrackState) -> Ranges:
    return ((state, state),)


def _on_axis(protocol: int, selectors: Ranges) -> Ranges:
    return tuple((protocol << 16 | low, protocol << 16 | high) for low, high in selectors)


def legs_of(firewall: Firewall) -> tuple[list[AddressSet], AddressSet]:
    """The addresses on each leg, the innermost leg taking what two hold, and the unicast addresses on no leg.

    A zone on no leg is on the leg that has `internet`, where there is one.
    """
    zones = sorted(firewall.between, key=lambda zone: zone.kind is ZoneKind.INTERNET)
    legs: list[AddressSet] = []
    named = [zone for zone in zones if zone.kind is not ZoneKind.INTERNET]
    for zone in () if _are_disjoint(named) else named:
        inner = [other.addresses for other in named if other is not zone and _touches(other, zone)]
        inner = [addresses for addresses in inner if addresses <= zone.addresses]
        legs.append(zone.addresses - merge(inner) if inner else zone.addresses)
    legs = legs or [zone.addresses for zone in named]
    rest = UNICAST - merge(zone.addresses for zone in named)
    if len(named) < len(zones):
        return [*legs, rest], AddressSet()
    return legs, rest


def _are_disjoint(zones: list[Zone]) -> bool:
    """Whether no address is in two of the zones: then together they hold as many as one by one."""
    whole = merge(zone.addresses for zone in zones)
    return all(
        size(whole.ranges(family)) == sum(size(zone.addresses.ranges(family)) for zone in zones) for family in FAMILIES
    )


def _touches(one: Zone, other: Zone) -> bool:
    """Whether the first address of one is in the other: cheap, and true of all that lie inside."""
    first = one.addresses
    family = 4 if first.v4 else 6
    return not first or other.addresses.has(family, first.ranges(family)[0][0])


def territories(policy: Policy, firewall: Firewall) -> list[tuple[AddressSet, tuple[str, ...]]]:
    """For each zone with interfaces at this firewall: the addresses that are its own, and the interfaces they must come by.

    Addresses belong to their innermost zone; one without interfaces of its own has those of the zone around it, one on no leg
    those of the internet. Link-local addresses are at home on every link, and belong to none.
    """
    zones = [zone for zone in policy.zones.values() if zone.kind in (ZoneKind.NAMED, ZoneKind.INTERNET)]
    given = [zone for zone in zones if zone.name in firewall.interfaces]
    found = []
    for zone in given:
        own = _elsewhere(firewall, given) if zone.kind is ZoneKind.INTERNET else zone.addresses
        for other in given:
            if other is not zone and other.addresses <= zone.addresses:
                own -= other.addresses
        found.append((own - LINK_LOCAL, firewall.interfaces[zone.name]))
    return found


def _elsewhere(firewall: Firewall, given: list[Zone]) -> AddressSet:
    """What comes by the interfaces of the internet: every machine that no other leg holds, nor a zone with interfaces."""
    others = (*firewall.between, *firewall.within, *given)
    return UNICAST - merge(zone.addresses for zone in others if zone.kind is not ZoneKind.INTERNET)
