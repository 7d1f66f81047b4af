"""What is odd in a policy: rules that decide nothing, bans that meet permissions, definitions that nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.analysis.needless import Needless, Needs, Reason
from firewright.audits._audit import AUDITS, Context
from firewright.diagnostic import Report, harmless
from firewright.model.policy import Policy
from firewright.readers.policy_yaml.removal import Definition, rule_texts
from firewright.reports._anomalies import Anomalies, Oddity, PlacedRule
from firewright.source import Source, Span
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled

PAIRS = 2_000
"""Bans and permissions that meet, as many as are told."""
WITNESSES = 200
"""Those that are shown with a packet."""
_LONGEST = 300


def anomalies_of_policy(wanted: Wanted, report: Report, saying: Saying = silent) -> Anomalies | None:
    """Everything odd in the rules of the one policy that is wanted, each judged with all others in place; None after saying why not.

    Exact: over every packet of both families, on every day from the wanted one on, whatever its options are set to.
    """
    policy = one_policy(wanted, report, saying)
    if policy is None:
        return None
    try:
        needs = Needs(policy)
    except Unfilled as error:
        say_unfilled(error, policy, report)
        return None
    saying("judging each rule")
    placed = Places(policy, report)
    found = list(judged(policy, needs, wanted))
    oddities = [_oddity(one, needs, placed) for one in found]
    dead = {one.rule for one in found if isinstance(one, Needless)}
    saying("looking at bans and permissions")
    meetings, left = needs.meetings(dead, PAIRS, WITNESSES)
    for one in meetings:
        kind = "generalised" if one.is_within else "correlated"
        packet = "" if one.packet is None else str(one.packet)
        by = (placed.of(one.permission),)
        oddities.append(Oddity(kind, placed.of(one.ban), by, differs=True, witness=packet))
    oddities += (Oddity("unused", placed.definition(one)) for one, _ in unused(policy, wanted))
    return Anomalies(policy.path, len(policy.rules), 0, tuple(oddities), left, report.sources, is_ordered=False)


def one_policy(wanted: Wanted, report: Report, saying: Saying = silent) -> Policy | None:
    """The one policy that is wanted; None after saying in the report why there is none, or that there are several."""
    found = select(wanted, report, saying)
    if found is None:
        return None
    if len(found) != 1:
        report.error("no-policy", f"{len(found)} policies are selected", help="name the one file that is meant")
        return None
    return found[0]


def judged(policy: Policy, needs: Needs, wanted: Wanted) -> Iterator[Needless | tuple[int, Undecided]]:
    """The rules that decide nothing, with all others in place, in their order; those that were not decided with the reason."""
    day = wanted.day_of(policy)
    every = range(len(policy.rules))
    for number in every:
        if needs.ended(number, day):
            yield Needless(number, Reason.ENDED)
            continue
        try:
            found = needs.judged(number, every)
        except Undecided as error:
            yield number, error
            continue
        if found is not None:
            yield found


def _oddity(one: Needless | tuple[int, Undecided], needs: Needs, placed: Places) -> Oddity:
    if not isinstance(one, Needless):
        return Oddity("undecided", placed.of(one[0]), why=str(one[1]))
    return Oddity(
        one.reason.value,
        placed.of(one.rule),
        tuple(map(placed.of, one.by)),
        differs=one.reason is Reason.SHADOWED,
        stays=needs.why_kept(one.rule),
    )


def unused(policy: Policy, wanted: Wanted) -> Iterator[tuple[Definition, Span]]:
    """The definitions of a policy's own file that nothing uses, each with its place. A file without rules is for others to use."""
    if not policy.rules:
        return
    named = {
        **{one.at: Definition("zones", one.name) for one in policy.named_zones},
        **{one.at: Definition("services", one.name) for one in policy.services.values()},
        **{one.at: Definition("options", one.name) for one in policy.options.values()},
    }
    for said in AUDITS.load("unused-definition")(policy, Context(wanted.day_of(policy))):
        if said.at in named and said.at.path == policy.path:
            yield named[said.at], said.at


class Places:
    """The rules of a policy as they are reported: by their number, in the words of their file."""

    def __init__(self, policy: Policy, report: Report) -> None:
        self.policy = policy
        self._texts = {path: rule_texts(report.sources[path].text) for path in policy.paths if path in report.sources}

    def of(self, number: int) -> PlacedRule:
        """One rule."""
        rule = self.policy.rules[number]
        for first, last, text in self._texts.get(rule.at.path, ()):
            if first <= rule.at.line <= last:
                words = " ".join(text.split())
                name = f"rule {number + 1}" + (f" ({rule.name})" if rule.name else "")
                return PlacedRule(name, harmless(words, _LONGEST), rule.at)
        return PlacedRule(f"rule {number + 1}", harmless(rule.label, _LONGEST), rule.at)

    def definition(self, one: Definition) -> PlacedRule:
        """A definition, under the key that it stands under."""
        return PlacedRule(f"{one.section}: {one.name}", "", self._place(one))

    def _place(self, one: Definition) -> Span:
        if one.section == "zones":
            return self.policy.zones[one.name].at
        return (self.policy.services if one.section == "services" else self.policy.options)[one.name].at


def source_of(policy: Policy, report: Report) -> Source:
    """The text of a policy's own file."""
    return report.sources[policy.path]
