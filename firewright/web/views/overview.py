"""What is open to the internet now, what ends soon, what is in error: for each policy, as far as somebody may see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from firewright.analysis.ask import Part, ask
from firewright.analysis.narrowing import narrowed_to
from firewright.analysis.path import OWN, When, day_of, internet_of
from firewright.analysis.question import Question, Side
from firewright.analysis.words import services_of
from firewright.diagnostic import harmless
from firewright.drawing.naming import named_in, port_items
from firewright.model.address import merge
from firewright.model.decision import Outcome
from firewright.model.interval import Ranges, difference, intersection, size
from firewright.model.moment import begins, ends, iso
from firewright.model.packet import TCP, UDP
from firewright.model.policy import Policy, Rule, Term, Verb, ZoneKind
from firewright.model.service_words import words as service_words
from firewright.source import Source
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.space.flow import Flow
from firewright.web.views.passing import Piece, pieces
from firewright.web.views.sight import Sight
from firewright.workflows.requests.checking import WORLDWIDE

SOON = timedelta(days=30)
"""What ends within this is told."""
_ANY = Term("any", ())
_ASIDE = (Outcome.ESSENTIAL, Outcome.LOOPBACK)
_MOST_PORTS = 40
"""Ports of TCP or UDP that are named one by one."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Flows that the internet may begin now: the services by name, and the line that lets them in.

    `is_worldwide` is whether so many addresses may begin them that they are the internet, not some guests of it.
    """

    services: tuple[str, ...]
    piece: Piece
    is_worldwide: bool
    is_enforced: bool

    @property
    def destinations(self) -> tuple[str, ...]:
        """To where, in words, each once."""
        return tuple(dict.fromkeys(flow.destination for flow in self.piece.flows))

    @property
    def sources(self) -> tuple[str, ...]:
        """From where, in words, each once."""
        return tuple(dict.fromkeys(flow.source for flow in self.piece.flows))

    @property
    def place(self) -> str:
        """Where the innermost firewall's line stands that lets them in; empty where no firewall is passed."""
        return next((one.place for one in reversed(self.piece.stations) if one.place), "")

    @property
    def because(self) -> str:
        """Why, in the words of the rule."""
        return next((one.because for one in reversed(self.piece.stations) if one.rule), "")


@dataclass(frozen=True, slots=True)
class Open:
    """What of one policy is open to the internet; `unasked` says why that is not known, and is empty where it is."""

    policy: str
    about: str
    day: str
    openings: tuple[Opening, ...]
    unasked: str = ""

    @property
    def has_unenforced(self) -> bool:
        """Whether the internet reaches something that no firewall stands before."""
        return any(not one.is_enforced for one in self.openings)


@dataclass(frozen=True, slots=True)
class Ending:
    """A rule with an end: on which day, in how many days (none left: it is over), whose it is, why, and where it stands."""

    policy: str
    rule: str
    verb: str
    until: str
    days: int
    owner: str
    because: str
    ticket: str
    place: str


def parts_from_internet(policy: Policy, when: When) -> tuple[Part, ...]:
    """The exact parts of what the internet may begin with a policy's zones and its machine. Raises Unfilled, Undecided."""
    outside = Side(ZoneKind.INTERNET.value, internet_of(policy))
    zones = merge(zone.addresses for zone in policy.named_zones)
    questions = [Question(outside, Side("every zone", zones), _ANY)] if zones else []
    if any(firewall.is_host for firewall in policy.firewalls.values()):
        questions.append(Question(outside, Side(ZoneKind.LOCAL.value, OWN, is_local=True), _ANY))
    answers = (ask(narrowed_to(policy, question), question, when, is_worded=False) for question in questions)
    return tuple(part for answer in answers for part in answer.parts if part.is_open and part.outcome not in _ASIDE)


def reached(policy: Policy, when: When) -> tuple[Part, ...] | str:
    """What `parts_from_internet` gives, or why that is not known."""
    try:
        return parts_from_internet(policy, when)
    except Unfilled:
        return "some of its zones are not filled in"
    except Undecided as error:
        return harmless(str(error))


def open_to_internet(
    policy: Policy, when: When, sight: Sight, sources: Mapping[str, Source], found: tuple[Part, ...] | str
) -> Open:
    """What somebody may see of what `reached` found."""
    about = harmless(" ".join(policy.metadata.get("about", ())), 300)
    day = iso(day_of(when, policy))
    if isinstance(found, str):
        return Open(policy.name, about, day, (), found)
    return Open(policy.name, about, day, tuple(sorted(_openings(found, sight, sources), key=_rank)))


def _openings(parts: Iterable[Part], sight: Sight, sources: Mapping[str, Source]) -> Iterator[Opening]:
    namer = sight.namer()
    preferred = named_in(sight.policy)
    for part in parts:
        for piece in pieces((part,), sight, namer, sources):
            flows = tuple(sight.flows(part.flows))
            is_worldwide = any(piece.sources[k] >= WORLDWIDE[family] for k, family in enumerate((4, 6)))
            is_enforced = part.outcome is not Outcome.UNENFORCED
            yield Opening(service_items(flows, preferred), piece, is_worldwide, is_enforced)


def _rank(one: Opening) -> tuple[bool, bool, int, tuple[str, ...]]:
    """What the whole internet may begin first, then what most is reached by; last what no firewall stands before."""
    return not one.is_enforced, not one.is_worldwide, -sum(one.piece.destinations), one.services


def service_items(flows: Iterable[Flow], preferred: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The services of some flows by name and port as they are published: `SSH 22`; ranges and the rest in a policy's words."""
    found: dict[str, None] = {}
    for family, services in services_of(flows).items():
        rest = services
        for protocol, name in ((TCP, "TCP"), (UDP, "UDP")):
            base = protocol << 16
            mine = intersection(services, ((base, base | 0xFFFF),))
            if mine and size(mine) <= _MOST_PORTS:
                rest = difference(rest, mine)
                ports: Ranges = tuple((low - base, high - base) for low, high in mine)
                for item in port_items(ports, protocol, preferred):
                    found[f"{item.name or name} {item.ports}{'' if protocol == TCP else ' UDP'}"] = None
        found |= dict.fromkeys(service_words(rest, family).split(", ") if rest else ())
    return tuple(found)


def endings(policy: Policy, today: date, sight: Sight) -> tuple[Ending, ...]:
    """The rules that end within SOON, or ended and still stand there, the next first."""
    found = (_ending(policy, rule, today) for rule in policy.rules if _is_near(rule, today) and sight.concerns(rule))
    kept = [one if sight.rule(rule) else replace(one, because="", rule=rule.verb.value) for rule, one in found]
    return tuple(sorted(kept, key=lambda one: (one.until, one.place)))


def _is_near(rule: Rule, today: date) -> bool:
    return rule.until is not None and rule.is_on and ends(rule.until) - begins(today) <= SOON


def _ending(policy: Policy, rule: Rule, today: date) -> tuple[Rule, Ending]:
    assert rule.until is not None  # noqa: S101 - only rules that end are asked for
    left = ends(rule.until) - begins(today)
    days = max(0, -(-int(left.total_seconds()) // 86400))
    place = f"{rule.at.path}:{rule.at.line}"
    is_ban = rule.verb in (Verb.DENY, Verb.REJECT)
    verb = f"{rule.verb}{' (goes on denying)' if is_ban else ''}"
    return rule, Ending(
        policy.name, harmless(rule.label), verb, iso(rule.until), days, harmless(rule.owner), harmless(rule.because),
        harmless(rule.ticket), place,
    )  # fmt: skip
