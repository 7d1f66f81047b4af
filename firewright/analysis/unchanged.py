"""Whether a policy that was rewritten means what it meant: at every firewall, on every day from one on, for every packet of both families.

Asked is more than what a kernel does: what a policy requires, allows, or offers on request is told apart, and what is logged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

from firewright.analysis.difference import first_disagreement
from firewright.analysis.path import intervals
from firewright.model.decision import Decision
from firewright.model.moment import iso
from firewright.model.packet import Packet
from firewright.model.policy import Firewall, Policy
from firewright.space.axis import point
from firewright.space.encode import encode, encode_enforced
from firewright.space.program import Program

MOST_OPTIONS = 4
"""Options that are tried with both values, each with each; where rules ask for more, as they are set."""


@dataclass(frozen=True, slots=True)
class Unlike:
    """A packet that two policies decide otherwise at a firewall on a day, in their words; or, without a packet, a setting."""

    firewall: str
    day: date
    before: str
    after: str
    packet: Packet | None = None

    def __str__(self) -> str:
        head = f"{self.firewall}, on {iso(self.day)}: {self.before} before, {self.after} after"
        return head if self.packet is None else f"{head}: {self.packet}"


def first_unlike(before: Policy, after: Policy, start: date) -> Unlike | None:
    """A packet with which two policies do something else on `start` or later, at a firewall of theirs; None: there is none, proved.

    Options are proved with every combination of their values up to MOST_OPTIONS of them, else as they are set. Raises Unfilled,
    Undecided. O(days x firewalls) comparisons of two programs.
    """
    if (setting := _settings(before, after, start)) is not None:
        return setting
    days = {day: None for policy in (before, after) for day in intervals(policy, start)}
    for day, chosen in product(days, _choices(before, after)):
        old, new = _with(before, chosen), _with(after, chosen)
        for name, firewall in old.firewalls.items():
            found = _at(old, new, firewall, new.firewalls[name], day)
            if found is not None:
                return found
    return None


def _choices(before: Policy, after: Policy) -> Iterator[Mapping[str, bool]]:
    """What options may be set to, as far as rules ask for them."""
    names = sorted({name for policy in (before, after) for rule in policy.rules for name in rule.when})
    if len(names) > MOST_OPTIONS:
        yield {name: before.options[name].value for name in names if name in before.options}
        return
    yield from (dict(zip(names, values, strict=True)) for values in product((True, False), repeat=len(names)))


def _with(policy: Policy, chosen: Mapping[str, bool]) -> Policy:
    if not chosen:
        return policy
    rules = tuple(replace(rule, is_on=all(chosen.get(name, False) for name in rule.when)) for rule in policy.rules)
    return replace(policy, rules=rules)


def _settings(before: Policy, after: Policy, day: date) -> Unlike | None:
    """What is no packet's and must be as it was: firewalls, timeouts, interfaces, sessions, labels and what is published."""
    for name, said in _SETTINGS.items():
        old, new = said(before), said(after)
        if old != new:
            return Unlike(name, day, old, new)
    return None


def _firewall_words(firewall: Firewall) -> tuple[str, ...]:
    return (
        firewall.name,
        ", ".join(zone.name for zone in firewall.between),
        ", ".join(zone.name for zone in firewall.within),
        firewall.default.value,
        firewall.opens,
        str(sorted(firewall.timeouts.items())),
        str(sorted(firewall.interfaces.items())),
    )


def _sessions(policy: Policy) -> Counter[str]:
    return Counter(f"{rule.label}: {rule.sessions} s" for rule in policy.rules if rule.sessions is not None)


_SETTINGS: Mapping[str, Callable[[Policy], str]] = {
    "firewalls": lambda policy: str(sorted(map(_firewall_words, policy.firewalls.values()))),
    "sessions": lambda policy: str(sorted(_sessions(policy).items())),
    "time zone": lambda policy: policy.timezone,
    "labels": lambda policy: str(sorted(policy.labels.items())),
    "published": lambda policy: str(sorted(policy.metadata.items())),
}
"""What a policy says beside its rules, as texts that can be compared."""


def _at(before: Policy, after: Policy, old: Firewall, new: Firewall, day: date) -> Unlike | None:
    """A packet on which they differ at one firewall: in the words of the policy and what is logged, then in what is enforced."""
    both = (before, old), (after, new)
    told = ({family: _told(program) for family, program in encode(*one, day).items()} for one in both)
    done = (encode_enforced(*one, day) for one in both)
    for programs in (told, done):
        first, second = programs
        for family in first:
            found = _compared(first[family], second[family], old.name, day)
            if found is not None:
                return found
    return None


def _compared(before: Program, after: Program, firewall: str, day: date) -> Unlike | None:
    disagreement = first_disagreement(before.seal(), after.seal())
    if disagreement is None:
        return None
    packet, literals = disagreement
    was, now = (str(one.verdict[one.decide(point(packet), literals)]) for one in (before, after))
    return Unlike(firewall, day, was, now, packet)


def _told(program: Program) -> Program:
    """The same program, whose words say of what a rule logs that it does."""
    out = Program(program.family)
    for step, verdict in enumerate(program.verdict):
        origin = program.origin[step]
        is_logged = isinstance(origin, Decision) and origin.rule is not None and origin.rule.log
        word = f"{verdict} and logged" if is_logged and isinstance(verdict, str) else verdict
        out.add(program.box[step], word if isinstance(word, str) else None, origin, program.literals[step])
        if isinstance(verdict, int):
            out.skip(step, verdict)
    return out.seal()
