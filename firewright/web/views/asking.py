"""A question of a form, and its answers along the path: each firewall a station that passes or stops, by which line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firewright.analysis.ask import Answer
from firewright.analysis.narrowing import narrowed_to
from firewright.analysis.question import BadQuestion, parse_question, zone_names
from firewright.catalog.services import catalog
from firewright.diagnostic import Report, harmless
from firewright.model.account import Actor
from firewright.model.decision import Outcome
from firewright.model.policy import Policy
from firewright.source import Source
from firewright.web.views.passing import Piece, pieces
from firewright.web.views.sight import Sight
from firewright.workflows.ask import answers_of
from firewright.workflows.requests.estate import Estate

LONGEST = 300
"""Characters of one field of the form."""
_ASIDE = (Outcome.SPOOFED, Outcome.LOOPBACK)
_ASKABLE = (Outcome.REQUESTED, Outcome.CLOSED, Outcome.UNOPENED, Outcome.DENIED, Outcome.REJECTED)


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the form as they were sent; no policy is every policy that knows the zones."""

    source: str = ""
    destination: str = ""
    service: str = ""
    policy: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked."""
        return not (self.source.strip() and self.destination.strip())

    @property
    def question(self) -> str:
        """The question as people type it."""
        source, destination = (",".join(end.replace(",", " ").split()) for end in (self.source, self.destination))
        return f"{source} -> {destination} {' '.join(self.service.split()) or 'any'}"


@dataclass(frozen=True, slots=True)
class Told:
    """One policy's answer as far as somebody may see it; `hidden` is whether there is more to it. `may_request` lists flows
    that a request could open: from, to and services of each."""

    policy: str
    day: str
    question: str
    pieces: tuple[Piece, ...]
    hidden: bool
    summary: str
    tone: str

    @property
    def askable(self) -> tuple[Piece, ...]:
        """The flows that are not open and that somebody could ask for."""
        return tuple(one for one in self.pieces if not one.is_open and Outcome(one.outcome) in _ASKABLE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer, and the way out."""

    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers to a question, or the problems with it."""

    asked: Asked
    told: tuple[Told, ...]
    problems: tuple[Problem, ...] = ()


def ask_estate(asked: Asked, estate: Estate, actor: Actor) -> Answered:
    """What the policies that somebody sees say to a question. Everything that is wrong with it is a problem, none is raised."""
    fields = (asked.source, asked.destination, asked.service)
    if any(len(field) > LONGEST for field in fields):
        return Answered(asked, (), (Problem(f"a field is longer than {LONGEST} characters", "ask in parts"),))
    if any("->" in field for field in fields):  # it would be another question than the form says
        return Answered(asked, (), (Problem("a field has an arrow", "write each end into a field of its own"),))
    policies = _policies(asked, estate, actor)
    if not policies:
        problem = Problem("there is no policy here that you may ask", "ask whoever looks after the policies")
        return Answered(asked, (), (problem,))
    report = Report()
    found = answers_of(asked.question, tuple(_narrowed(one, asked) for one in policies), estate.wanted, report)
    problems = tuple(
        Problem(harmless(one.message), _help(one.help, policies, actor)) for one in report.sorted()
    )  # fmt: skip
    if found is None:
        return Answered(asked, (), problems)
    told = tuple(_told(one, Sight(actor, one.policy), estate.report.sources) for one in found.answers)
    return Answered(asked, told, problems)


def _policies(asked: Asked, estate: Estate, actor: Actor) -> tuple[Policy, ...]:
    named = (policy for name, policy in estate.policies.items() if asked.policy in ("", name))
    return tuple(policy for policy in named if Sight(actor, policy).is_any)


def _narrowed(policy: Policy, asked: Asked) -> Policy:
    """The policy with the rules that may have a say; as it is where it does not know what is asked about, and will say so."""
    try:
        (question,) = parse_question(asked.question, policy)
    except BadQuestion:
        return policy
    return narrowed_to(policy, question)


def _help(text: str, policies: tuple[Policy, ...], actor: Actor) -> str:
    """A way out, unless it would list zones to somebody who does not see the policies whole."""
    is_whole = all(Sight(actor, policy).is_whole for policy in policies)
    return harmless(text) if is_whole else "write one of your zones, internet, any, or an address"


def _told(found: Answer, sight: Sight, sources: Mapping[str, Source]) -> Told:
    sides = (side for side in (found.question.source, found.question.destination) if not side.is_local)
    typed = [(side.words, side.addresses) for side in sides if "," not in side.words]
    namer = sight.namer(asked=typed)
    parts = [part for part in found.parts if part.outcome not in _ASIDE] or list(found.parts)
    own = [part for part in parts if part.outcome is not Outcome.ESSENTIAL] or parts
    shown = tuple(pieces(own, sight, namer, sources))
    is_hidden = not sight.is_whole and any(tuple(sight.flows(part.flows)) != part.flows for part in found.parts)
    return Told(
        found.policy.name,
        found.day.isoformat(),
        str(found.question),
        shown,
        is_hidden,
        *_summary(shown, is_hidden),
    )


def _summary(shown: tuple[Piece, ...], is_hidden: bool) -> tuple[str, str]:
    """The whole answer in a sentence, and its tone."""
    if not shown:
        return ("nothing of this is yours to see", "hidden") if is_hidden else ("no packet is asked about", "closed")
    tones = {one.tone for one in shown}
    if len(shown) == 1 or len({one.words for one in shown}) == 1:
        return shown[0].words, shown[0].tone if len(tones) == 1 else "mixed"
    if all(one.is_open for one in shown):
        return "open, by several lines", "permitted"
    if not any(one.is_open for one in shown):
        said = dict.fromkeys(one.outcome for one in shown)
        return f"not open: {', '.join(said)}", shown[0].tone if len(tones) == 1 else "closed"
    return "open in part", "mixed"


def known_zones(estate: Estate, actor: Actor) -> tuple[str, ...]:
    """The zone names to choose from: one's own, those of policies that are seen whole, and the built-in ones."""
    names: dict[str, None] = {}
    for policy in estate.policies.values():
        sight = Sight(actor, policy)
        if sight.is_whole:
            names |= dict.fromkeys(zone_names(policy))
        elif sight.is_any:
            names |= dict.fromkeys(sight.nameable())
    return tuple(names)


def known_services(estate: Estate, actor: Actor) -> tuple[str, ...]:
    """The services to choose from: those of the policies that somebody sees, then the catalog's.

    Of a policy that is not seen whole they are those of the rules that may be shown.
    """
    own = (name for policy in estate.policies.values() for name in Sight(actor, policy).services())
    return tuple(dict.fromkeys((*own, *catalog().names())))
