"""What one policy does with some services, from anywhere to anywhere, in short."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.analysis.ask import Part, Ruling, ask
from firewright.analysis.path import OWN, When
from firewright.analysis.question import BadQuestion, Question, Side, parse_services
from firewright.diagnostic import harmless
from firewright.model.address import UNICAST
from firewright.model.decision import Outcome
from firewright.model.policy import Policy, Term
from firewright.reports import Reach, Use
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled

_LOCAL = Side("local", OWN, is_local=True)
_ANY = Side("any", UNICAST)
_ORDER = (
    Outcome.REQUIRED, Outcome.ALLOWED, Outcome.REQUESTED, Outcome.DENIED, Outcome.REJECTED, Outcome.UNOPENED,
    Outcome.CLOSED,
)  # fmt: skip


def reach_of(policy: Policy, transports: str, when: When) -> Reach:
    """What becomes of these transports at the policy's firewalls, the most open first; or why it cannot be said."""
    try:
        term = parse_services(transports, policy)
        uses = list(_uses(policy, term, when))
    except Unfilled:
        return Reach(policy.name, policy.path, unasked="some of its zones are not filled in")
    except (Undecided, BadQuestion) as error:
        return Reach(policy.name, policy.path, unasked=harmless(str(error)))
    return Reach(policy.name, policy.path, tuple(uses))


def _uses(policy: Policy, term: Term, when: When) -> Iterator[Use]:
    parts = [part for question in _questions(policy, term) for part in ask(policy, question, when).parts]
    groups: dict[tuple[Outcome, object], list[Part]] = {}
    for part in parts:
        if part.outcome in _ORDER:
            groups.setdefault((part.outcome, _decider(part).at), []).append(part)
    for (outcome, _), alike in sorted(
        groups.items(), key=lambda pair: (_ORDER.index(pair[0][0]), _decider(pair[1][0]).at)
    ):
        ruling = _decider(alike[0])
        flows = dict.fromkeys(str(line) for part in alike for line in part.lines)
        yield Use(outcome.value, outcome.is_open, tuple(flows), ruling.at, _said(ruling))


def _questions(policy: Policy, term: Term) -> Iterator[Question]:
    """Every way through the policy's firewalls: across them, and in and out of the machine where it guards itself."""
    if any(firewall.is_host for firewall in policy.firewalls.values()):
        yield Question(_ANY, _LOCAL, term)
        yield Question(_LOCAL, _ANY, term)
    if any(not firewall.is_host for one in policy.authorities() for firewall in one.firewalls.values()):
        yield Question(_ANY, _ANY, term)


def _decider(part: Part) -> Ruling:
    """Who decided: the first that stops, else the last that lets through."""
    return part.stops[0] if part.stops else part.passing[-1]


def _said(ruling: Ruling) -> str:
    rule = ruling.decision.rule
    return "" if rule is None else rule.because
