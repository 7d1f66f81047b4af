"""Questions as people type them: `internet -> tenants tcp/20-30`, `office <-> 198.51.100.16/28 ssh`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firewright.analysis.path import OWN, internet_of
from firewright.catalog.services import catalog
from firewright.diagnostic import harmless, nearest
from firewright.model.address import AddressSet, BadPrefix
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, ConntrackState, Family
from firewright.model.policy import Policy, Term, Zone, ZoneKind
from firewright.model.transport import BadTransport, Transport, is_transport, parse_transport, service_ranges
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import Box, box

LENGTH_LIMIT = 1000
"""Characters of the longest question."""
_NEW: Ranges = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)

_ARROW = re.compile(r"\s+(?:to|=>|>|[-–—]+)\s+|\s*(?:=>|[–—]>|>)\s*")
"""What people write for an arrow."""


class BadQuestion(ValueError):
    """A question that cannot be asked of a policy: what is wrong and `help`, the way out.

    `unknown_name` is the zone that this policy does not have, empty where no policy could answer the question.
    """

    def __init__(self, message: str, help: str = "", unknown_name: str = "") -> None:
        super().__init__(message)
        self.help, self.unknown_name = help, unknown_name


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a question: the words for it, its addresses, and whether it is the machine itself."""

    words: str
    addresses: AddressSet
    is_local: bool = False
    is_group: bool = False

    @property
    def interface(self) -> Ranges | None:
        """The interfaces that packets of this end come by."""
        return HOST if self.is_local else None if self.is_group else ANY_INTERFACE


@dataclass(frozen=True, slots=True)
class Question:
    """New flows from one side to the other with these services, in both families."""

    source: Side
    destination: Side
    term: Term

    def __str__(self) -> str:
        return f"{self.source.words} -> {self.destination.words} {self.term.word}"

    def within(self) -> dict[Family, tuple[Box, ...]]:
        """The question's packets, for each family that has some, as disjoint products."""
        found = {}
        for family in FAMILIES:
            boxes = tuple(one for one in self._boxes(family) if one is not None)
            if boxes:
                found[family] = boxes
        return found

    def _boxes(self, family: Family) -> Iterator[Box | None]:
        for ports, services in _services(self.term, family).items():
            yield box(
                family,
                in_interface=self.source.interface,
                out_interface=self.destination.interface,
                source=self.source.addresses.ranges(family),
                destination=self.destination.addresses.ranges(family),
                conntrack_state=_NEW,
                service=services,
                source_port=ports,
            )


def _services(term: Term, family: Family) -> Mapping[Ranges | None, Ranges | None]:
    if term.is_any:
        return {None: None}
    every: Ranges = ((0, 65535),)
    found = service_ranges(term.transports, family)
    return {None if ports == every else ports: services for ports, services in found.items()}


def parse_question(text: str, policy: Policy) -> tuple[Question, ...]:
    """The questions in a text: one for `->`, one in each direction for `<->`. Raises BadQuestion.

    An end is a zone's name, an address, a prefix or a range, or several with commas; without a service it is about all.
    """
    if len(text) > LENGTH_LIMIT:
        raise BadQuestion(f"a question of {len(text):,} characters", f"the longest is {LENGTH_LIMIT:,}")
    both = "<->" in text
    left, arrow, right = text.partition("<->" if both else "->")
    words = right.split(None, 1)
    if not arrow or not left.strip() or not words:
        meant = _ARROW.sub(" -> ", text.strip(), count=1) if not arrow else ""
        way_out = (
            f"write {harmless(meant, 200)!r}"
            if " -> " in meant
            else "write 'internet -> tenants tcp/443', ends from the policy"
        )
        raise BadQuestion(f"no question: {harmless(text, 80)!r}", way_out)
    while len(words) == 2 and words[0].endswith(","):
        end, rest = words[0], words[1].split(None, 1)
        words = [end + rest[0], *rest[1:]]
    source, destination = _side(left, policy), _side(words[0], policy)
    term = parse_services(words[1] if len(words) == 2 else "any", policy)
    there = Question(source, destination, term)
    return (there, Question(destination, source, term)) if both else (there,)


def _side(text: str, policy: Policy) -> Side:
    """One end of a question. Names that two authorities have mean the asking one's."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BadQuestion("an end of the question is missing", "write 'internet -> tenants tcp/443'")
    sides = [_one_side(name, policy) for name in names]
    kinds = {(side.is_local, side.is_group) for side in sides}
    if len(kinds) > 1:
        raise BadQuestion(
            f"{harmless(text.strip(), 80)!r} mixes the machine itself or groups with other machines", "ask twice"
        )
    addresses = AddressSet()
    for side in sides:
        addresses |= side.addresses
    return Side(", ".join(names), addresses, *kinds.pop())


def _one_side(name: str, policy: Policy) -> Side:
    zone = zone_named(name, policy)
    if zone is not None:
        if not zone.is_filled:
            raise BadQuestion(f"nobody has filled in {name} yet ({zone.question})", f"fill-in: {{{name}: [addresses]}}")
        if zone.kind is ZoneKind.INTERNET:
            return Side(name, internet_of(policy))
        if zone.is_local:
            return Side(name, OWN, is_local=True)
        return Side(name, zone.addresses, is_group=zone.kind in (ZoneKind.MULTICAST, ZoneKind.BROADCAST))
    if (any(character in name for character in ".:/") and not name[0].isalpha()) or ":" in name:
        try:
            return Side(name, AddressSet.of(name))
        except BadPrefix as error:
            raise BadQuestion(harmless(str(error)), error.help) from None
    guess = nearest(name, zone_names(policy))
    way_out = f"did you mean {guess}?" if guess else f"there are: {', '.join(zone_names(policy))}"
    raise BadQuestion(f"{policy.name} has no zone {harmless(name, 60)!r}", way_out, unknown_name=name)


def nearest_first(policy: Policy) -> list[Policy]:
    """The policy, then the authorities it is behind: a name means what the nearest of them says."""
    return list(policy.authorities())[::-1]


def zone_named(name: str, policy: Policy) -> Zone | None:
    """The zone of that name: the policy's own, else that of the authorities it is behind, the nearest first."""
    return next((one.zones[name] for one in nearest_first(policy) if name in one.zones), None)


def zone_names(policy: Policy) -> list[str]:
    """Every zone name that a question to this policy can use."""
    return list(dict.fromkeys(name for one in nearest_first(policy) for name in one.zones))


def parse_services(text: str, policy: Policy) -> Term:
    """The services in a text: names of the policy or the catalog, and transports, with commas or spaces. Raises BadQuestion."""
    words = text.replace(",", " ").split()
    if words == ["any"] or not words:
        return Term("any", ())
    transports: list[Transport] = []
    names: list[str] = []
    for word in words:
        if word == "any":
            raise BadQuestion("`any` stands alone", "it already means every protocol and port")
        service = next((one.services[word] for one in nearest_first(policy) if word in one.services), None)
        row = None if service else catalog().service(word)
        if service is not None:
            if service.term.is_any:
                return Term(word, ())
            transports += service.term.transports
            names += service.term.names
        elif row is not None:
            transports += row.transports
            names.append(word)
        else:
            transports += _transports(word, policy)
    return Term(", ".join(words), tuple(transports), tuple(names))


def _transports(word: str, policy: Policy) -> tuple[Transport, ...]:
    if word in ("port", "ports") or word.isdecimal():
        number = word if word.isdecimal() else "443"
        raise BadQuestion(f"{word} names no protocol", f"write tcp/{number} or udp/{number}")
    if not is_transport(word):
        known = [*(name for one in nearest_first(policy) for name in one.services), *catalog().names()]
        guess = nearest(word, known)
        way_out = f"did you mean {guess}?" if guess else "write tcp/443, or see `firewright explain`"
        raise BadQuestion(f"there is no service {harmless(word, 60)!r}", way_out)
    try:
        return parse_transport(word)
    except BadTransport as error:
        raise BadQuestion(error.message, error.help) from None
