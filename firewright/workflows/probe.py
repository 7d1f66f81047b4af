"""Probe hosts: what of them really answers, and whether that agrees with what policies say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from firewright.analysis.agreement import judge
from firewright.analysis.observed import Agreement, Judgement, Sightings
from firewright.analysis.path import OWN, internet_of, path
from firewright.analysis.question import Side, zone_named, zone_names
from firewright.catalog.services import catalog
from firewright.catalog.udp_payloads import udp_payloads
from firewright.diagnostic import Report, harmless, nearest
from firewright.live.prober.probing import ECHO, Manner, Probing
from firewright.live.prober.single import PROTOCOLS
from firewright.live.prober.target import MOST, MOST_OF_MANY, Target, TargetError, targets_of
from firewright.model.address import AddressSet
from firewright.model.interval import Ranges, canonical, difference, intersection, union
from firewright.model.packet import TCP, UDP
from firewright.model.policy import Policy, Zone, ZoneKind
from firewright.model.service_words import words
from firewright.model.transport import BadTransport, Transport, is_transport, parse_ports, parse_transport
from firewright.reports._probe import Probed
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled

EVERY_TCP: Ranges = ((TCP << 16 | 1, TCP << 16 | 0xFFFF),)
"""Every TCP port but 0, which nobody can call."""
_PROBEABLE: Ranges = canonical(
    (
        *EVERY_TCP,
        (UDP << 16 | 1, UDP << 16 | 0xFFFF),
        *((number << 16, number << 16 | 0xFFFF) for number in PROTOCOLS),
        *((number, number | 0xFF) for number in ECHO.values()),
    )
)
NEAR = AddressSet.of(
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24",
    "203.0.113.0/24", "198.18.0.0/15", "::1", "fc00::/7", "fe80::/10", "2001:db8::/32", "2001:2::/48",
)  # fmt: skip
"""Networks that are nobody's but one's own: private, link-local, loopback, for documentation and benchmarks (RFC 6890)."""
FAST, MODEST = 100_000.0, 1_000.0
"""Packets a second to addresses that are near, and to all others, where nothing else is asked for."""
_WIDEST = 64
"""Ports of the widest range that is probed by default because a catalog row or a rule names it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to probe and how.

    `targets` are addresses, names and prefixes; `services` on the service axis, None for the usual ones. `rate` is packets a
    second (0: the usual), `patience` seconds to wait for hosts that ration their errors. `is_permitted` says that somebody
    answers for probing addresses that are not obviously one's own.
    """

    targets: tuple[str, ...]
    services: Ranges | None = None
    rate: float = 0.0
    patience: float = 30.0
    is_permitted: bool = False
    is_many: bool = False
    is_raw: bool = True


@dataclass(frozen=True, slots=True)
class Against:
    """The policies that what is seen is compared with, and the zones that both machines are of; empty where addresses tell."""

    wanted: Wanted
    source: str = ""
    destination: str = ""


def probe_hosts(asked: Asked, report: Report, saying: Saying = silent, against: Against | None = None) -> Probed | None:
    """What was seen of some hosts, compared with policies where some are named; None after saying in the report what is wrong.

    Ctrl-C ends it with what is known by then.
    """
    policies = () if against is None else select(against.wanted, report, saying)
    if policies is None or (against is not None and not _sides_are_known(policies, against, report)):
        return None
    if against is not None and not all(_is_filled(policy, against.wanted, report) for policy in policies):
        return None
    saying("looking up names")
    targets = _targets(asked, report)
    if targets is None:
        return None
    services = asked.services if asked.services is not None else usual_services(policies)
    begun = time.monotonic()
    probing = Probing(targets, services, Manner(asked.rate or _rate(targets), asked.patience, asked.is_raw), saying)
    seen = probing.run()
    seconds = time.monotonic() - begun
    judged: list[Judgement] = []
    for policy in policies:
        saying(f"comparing with {policy.name}")
        assert against is not None  # noqa: S101 - policies come from it
        found = _judged(policy, against, targets, seen, report)
        if found is None:
            return None
        judged += found
    names = tuple(policy.name for policy in policies)
    return Probed(seen, tuple(judged), names, probing.is_interrupted, probing.is_raw, seconds, report.sources)


def _rate(targets: Sequence[Target]) -> float:
    return FAST if all(map(_is_near, targets)) else MODEST


def _is_near(target: Target) -> bool:
    return target.is_own or NEAR.has(target.family, target.number)


def _targets(asked: Asked, report: Report) -> tuple[Target, ...] | None:
    """The single addresses, if they may be probed."""
    try:
        targets = targets_of(asked.targets, MOST_OF_MANY if asked.is_many else MOST)
    except TargetError as error:
        report.error("bad-target", harmless(error.message), help=error.help)
        return None
    strange = [target for target in targets if not _is_near(target)]
    if strange and not asked.is_permitted:
        first = strange[0]
        what = first.text if first.text == first.name else f"{first.text} ({harmless(first.name, 80)})"
        more = f" and {len(strange) - 1:,} more" if len(strange) > 1 else ""
        said = f"{what}{more} may be somebody else's: probing needs the owner's consent"
        report.error("no-consent", said, help="where you may probe it, say so by --i-may-probe")
        return None
    return targets


# --- services ---


def usual_services(policies: Iterable[Policy] = ()) -> Ranges:
    """What is probed where nothing is asked for: TCP ports of the catalog, UDP services with a datagram of their own, echo, ESP, AH.

    With policies, the services that their rules name are among them, of wide ranges the ends.
    """
    found = [(number, number | 0xFF) for number in ECHO.values()]
    found += [(number << 16, number << 16 | 0xFFFF) for number in PROTOCOLS]
    found += [(UDP << 16 | port, UDP << 16 | port) for port in udp_payloads()]
    rows = (transport for row in catalog().rows.values() for transport in row.transports if transport.protocol == TCP)
    terms = (term for policy in policies for one in policy.authorities() for rule in one.rules for term in rule.terms)
    named = [transport for term in terms for transport in term.transports]
    found += [(end, end) for transport in named for pair in transport.services() for end in pair]
    for transport in (*rows, *named):
        found += [pair for pair in transport.services() if pair[1] - pair[0] < _WIDEST]
    return intersection(canonical(found), _PROBEABLE)


def services_of(
    tcp: Sequence[str], udp: Sequence[str], names: Sequence[str], is_every_tcp: bool, report: Report
) -> Ranges | None:
    """The services in the words of a command line, None where none is given; what is wrong is in the report.

    `tcp` and `udp` are ports and ranges with commas, `names` services of the catalog and transports.
    """
    found: Ranges = EVERY_TCP if is_every_tcp else ()
    for protocol, texts in ((TCP, tcp), (UDP, udp)):
        for text in texts:
            found = union(found, *_ports(protocol, text, report))
    for text in names:
        for word in text.replace(",", " ").split():
            found = union(found, _named(word, report))
    if not (is_every_tcp or tcp or udp or names) or report.has_errors():
        return None
    unheard = difference(found, _PROBEABLE)
    if not intersection(found, _PROBEABLE):
        way_out = "TCP, UDP, echo requests, ESP and AH can be"
        report.error("not-probeable", "none of these services can be probed", help=way_out)
    elif any(low >> 16 not in (TCP, UDP) for low, _ in unheard):
        report.error(
            "not-probeable", f"{words(unheard)} cannot be probed", help="TCP, UDP, icmp/echo-request, ESP, AH can"
        )
    return intersection(found, _PROBEABLE)


def _ports(protocol: int, text: str, report: Report) -> Iterator[Ranges]:
    for part in text.split(","):
        try:
            ranges = parse_ports(part.strip())
        except BadTransport as bad:
            report.error("bad-service", harmless(bad.message), help=bad.help)
        else:
            yield tuple((protocol << 16 | low, protocol << 16 | high) for low, high in ranges)


def _named(word: str, report: Report) -> Ranges:
    row = catalog().service(word)
    transports: tuple[Transport, ...] = row.transports if row is not None else ()
    if row is None:
        try:
            if not is_transport(word):
                near = nearest(word, catalog().names())
                raise BadTransport(
                    f"there is no service {harmless(word, 60)!r}", f"did you mean {near}?" if near else "write tcp/443"
                )
            transports = parse_transport(word)
        except BadTransport as bad:
            report.error("bad-service", harmless(bad.message), help=bad.help)
    return union(*(transport.services() for transport in transports))


# --- policies ---


def _sides_are_known(policies: Sequence[Policy], against: Against, report: Report) -> bool:
    """Whether every policy knows the zones that the machines are said to be of."""
    for policy in policies:
        for name, is_source in ((against.source, True), (against.destination, False)):
            zone = zone_named(name, policy) if name else None
            if name and zone is None:
                near = nearest(name, zone_names(policy))
                way_out = f"did you mean {near}?" if near else f"there are: {', '.join(zone_names(policy))}"
                report.error("bad-question", f"{policy.name} has no zone {harmless(name, 60)!r}", help=way_out)
            elif zone is not None and not zone.is_filled:
                report.error("bad-question", f"nobody has filled in {name} yet ({zone.question})", zone.at)
            elif zone is not None and (zone.kind in _GROUPS or (is_source and zone.is_local)):
                report.error("bad-question", f"no machine elsewhere is in {name}", help="name a zone of machines")
    return not report.has_errors()


def _is_filled(policy: Policy, wanted: Wanted, report: Report) -> bool:
    """Whether a policy can be asked at all: no zone of it waits for its addresses."""
    try:
        path(policy, wanted.day_of)
    except Unfilled as error:
        say_unfilled(error, policy, report)
        return False
    return True


_GROUPS = (ZoneKind.MULTICAST, ZoneKind.BROADCAST)


def _judged(
    policy: Policy, against: Against, targets: Sequence[Target], seen: Sequence[Sightings], report: Report
) -> list[Judgement] | None:
    found: list[Judgement] = []
    for target, sightings in zip(targets, seen, strict=True):
        if not sightings.sights:
            continue
        own, other = _address(target.family, target.source), _address(target.family, target.raw)
        source = _side(policy, against.source, own, sightings.source)
        destination = _side(policy, against.destination or _default(policy), other, target.text)
        try:
            judgements = judge(policy, against.wanted.day_of, sightings, source, destination)
        except Unfilled as error:
            say_unfilled(error, policy, report)
            return None
        except Undecided as error:
            report.error("undecided", f"the comparison was not decided: {harmless(str(error))}", policy.at)
            return None
        if target.is_own:
            why = "this machine calls itself by loopback, past its firewall"
            judgements = tuple(replace(one, agreement=Agreement.UNDETERMINED, why=why) for one in judgements)
        found += judgements
    return found


def _address(family: int, raw: bytes) -> AddressSet:
    number = int.from_bytes(raw, "big")
    return AddressSet(((number, number),)) if family == 4 else AddressSet((), ((number, number),))


def _default(policy: Policy) -> str:
    """The zone that a probed machine is of where nobody says: the machine itself, if the policy is one machine's."""
    return "local" if all(one.is_host for one in policy.firewalls.values()) else ""


def _side(policy: Policy, name: str, address: AddressSet, text: str) -> Side:
    """An end as the policy knows it: the address, or where the named zone does not hold it (NAT is between), the zone."""
    zone = zone_named(name, policy) if name else None
    if zone is None:
        return Side(text, address)
    if zone.is_local:
        return Side(name, address if address <= OWN else OWN, is_local=True)
    held = _held(zone, policy)
    return Side(text, address) if address <= held else Side(name, held)


def _held(zone: Zone, policy: Policy) -> AddressSet:
    return internet_of(policy) if zone.kind is ZoneKind.INTERNET else zone.addresses
