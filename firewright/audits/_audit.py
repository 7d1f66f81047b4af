"""What an audit is given and gives: a policy under audit on a day, and the programs that several audits share.

An audit is a file of this folder with a function `audit` of a policy and a Context that yields diagnostics whose names
are the file's own (hyphens for underscores). Its module's docstring is its page in the docs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from firewright.analysis.anomaly import anomalies
from firewright.analysis.path import Hop, When, path
from firewright.diagnostic import Diagnostic, Note, Severity
from firewright.model.decision import Decision
from firewright.model.moment import ends
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Policy, Rule, Verb
from firewright.registry import Registry
from firewright.source import Span
from firewright.space.box import Box
from firewright.space.budget import Undecided
from firewright.space.encode import encode_rules, rule_boxes
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.space.program import Program

MOST_SKIPS = 2_000
"""Pairs of an override and a named rule, up to which it is proved what rules add."""

Lock = Mapping[str, str]
"""For each catalog service that a policy uses, the transports that were accepted."""


@dataclass(slots=True)
class Context:
    """The day of an audit, the accepted expansions of catalog names if there are any, and what audits share.

    `when` is each authority's own day, where they differ.
    """

    day: date
    lock: Lock | None = None
    when: When | None = None
    _programs: dict[int, dict[Family, Program]] = field(default_factory=dict)
    _paths: dict[int, tuple[Hop, ...]] = field(default_factory=dict)
    _boxes: dict[tuple[int, Family], tuple[Rule, list[Box]]] = field(default_factory=dict)
    _taken: dict[int, list[tuple[Rule, list[Rule]]]] = field(default_factory=dict)

    def programs(self, policy: Policy) -> dict[Family, Program]:
        """What the rules alone say, encoded once. Raises Unfilled."""
        if id(policy) not in self._programs:
            self._programs[id(policy)] = encode_rules(policy, self.day)
        return self._programs[id(policy)]

    def decided(self, policy: Policy, *verdicts: str) -> PacketSet:
        """The packets of which the rules say so."""
        return PacketSet.decided(self.programs(policy), *verdicts)

    def hops(self, policy: Policy) -> tuple[Hop, ...]:
        """The firewalls on its paths, encoded once. Raises Unfilled."""
        if id(policy) not in self._paths:
            self._paths[id(policy)] = path(policy, self.when or self.day)
        return self._paths[id(policy)]

    def active(self, policy: Policy) -> list[Rule]:
        """The rules that have a say on the day."""
        return [rule for rule in policy.rules if rule.is_active(self.day)]

    def boxes(self, rule: Rule, family: Family) -> list[Box]:
        """The packets that a rule speaks of, as products."""
        key = (id(rule), family)
        if key not in self._boxes:
            self._boxes[key] = (rule, rule_boxes(rule, family))  # kept with its rule, so that the id stays its own
        return self._boxes[key][1]

    def taken(self, policy: Policy) -> list[tuple[Rule, list[Rule]]]:
        """Each rule that could go without changing a decision, in file order, with the rules that take its packets.

        Judged with all other rules in place, over both families, and over all days: a rule is not taken by one that ends
        before it, and one that overrides a ban is never judged, since others may rest on it. Raises Unfilled, Undecided.
        """
        skips = sum(len(rule.overrides) for rule in policy.rules) * sum(1 for rule in policy.rules if rule.name)
        if skips > MOST_SKIPS:
            raise Undecided(f"so many overrides ({skips:,} pairs of rules) are not followed")
        if id(policy) not in self._taken:
            self._taken[id(policy)] = list(_taken(self.programs(policy)))
        return self._taken[id(policy)]

    def first(self, packets: PacketSet, rule: Rule) -> Packet | None:
        """A packet of a set that a rule speaks of, or None. The set's programs are indexed once, however many rules ask."""
        for family in FAMILIES:
            for one in self.boxes(rule, family):
                packet = packets.witness({family: one})
                if packet is not None:
                    return packet
        return None

    def has_part(self, packets: PacketSet, rule: Rule) -> bool:
        """Whether a rule speaks of a packet of a set; cheaper than naming one."""
        return any(not packets.is_empty({family: one}) for family in FAMILIES for one in self.boxes(rule, family))

    def flows(self, packets: PacketSet, rule: Rule) -> list[Flow]:
        """The part of a set that a rule speaks of, as flows; those of overlapping products stand twice."""
        return [
            flow
            for family in FAMILIES
            for one in self.boxes(rule, family)
            for flow in packets.flows(family, {family: one})
        ]

    def spoken(self, *rules: Rule) -> PacketSet:
        """The packets that any of these rules speaks of."""
        return PacketSet.of(
            {family: [one for rule in rules for one in self.boxes(rule, family)] for family in FAMILIES}
        )


def _taken(programs: Mapping[Family, Program]) -> Iterator[tuple[Rule, list[Rule]]]:
    alive: set[int] = set()
    takers: dict[int, tuple[Rule, dict[int, Rule]]] = {}
    for program in programs.values():
        rules = [origin.rule if isinstance(origin, Decision) else None for origin in program.origin]
        found = {anomaly.step: anomaly for anomaly in anomalies(program)}
        for step, rule in enumerate(rules):
            if rule is None:
                continue
            by = takers.setdefault(id(rule), (rule, {}))[1]
            if step not in found:
                alive.add(id(rule))
            else:
                by.update(
                    {id(one): one for other in found[step].by if (one := rules[other]) is not None and one is not rule}
                )
    for rule, by in sorted(takers.values(), key=lambda pair: pair[0].at):
        if id(rule) not in alive and not rule.overrides and all(_outlasts(one, rule) for one in by.values()):
            yield rule, sorted(by.values(), key=lambda one: one.at)


def _outlasts(one: Rule, other: Rule) -> bool:
    """Whether a rule says what it says at least as long as another; a ban never ends."""
    if one.until is None or one.verb in (Verb.DENY, Verb.REJECT):
        return True
    return other.until is not None and ends(one.until) >= ends(other.until)


Audit = Callable[[Policy, Context], Iterable[Diagnostic]]
AUDITS: Registry[Audit] = Registry("firewright.audits", "audit")


def finding(
    severity: Severity,
    name: str,
    message: str,
    at: Span,
    witness: object = "",
    help: str = "",
    notes: Iterable[Note] = (),
) -> Diagnostic:
    """A diagnostic of an audit; a witness is a packet or its words."""
    return Diagnostic(name, severity, message, at, tuple(notes), str(witness), help)


error = partial(finding, Severity.ERROR)
"""A finding that must be mended."""
warning = partial(finding, Severity.WARNING)
"""A finding that fails a gate until somebody looks at it."""
note = partial(finding, Severity.NOTE)
"""Something worth knowing that fails nothing, unless somebody asks for strictness."""
