"""What exceptions open beside their policy without any: each alone, and what several open only together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from firewright.analysis.compare import Change, compare
from firewright.analysis.narrowing import boxes_of, narrowed_beside
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Rule
from firewright.readers.policy_yaml.adding import exceptions_of
from firewright.space.box import Box
from firewright.space.packetset import PacketSet

Files = Mapping[str, Sequence[Rule]]
"""The rules of exceptions by their files."""


def bare(policy: Policy) -> Policy:
    """The policy without its exceptions. O(rules)."""
    own = frozenset(exceptions_of(policy))
    rules = tuple(rule for rule in policy.rules if rule.at.path not in own)
    return replace(policy, rules=rules, paths=tuple(path for path in policy.paths if path not in own))


def files_of(policy: Policy) -> Files:
    """The rules of each exception of a policy. O(rules)."""
    found: dict[str, list[Rule]] = {path: [] for path in exceptions_of(policy)}
    for rule in policy.rules:
        if rule.at.path in found:
            found[rule.at.path].append(rule)
    return found


def opened_alone(base: Policy, own: Sequence[Rule], day: date) -> tuple[Change, ...]:
    """Everything that opens when one exception is added to a policy without any: whichever rule then decides, it is its opening.

    A rule of the policy itself decides what was banned before and is permitted behind the ban. Raises Unfilled, Undecided.
    """
    small = narrowed_beside(base, own)
    return compare(small, replace(small, rules=(*small.rules, *own)), day).opens


def opened_of(base: Policy, files: Files, day: date) -> Mapping[str, tuple[Change, ...]]:
    """What each of some exceptions opens alone, and what several open only together, which is that of each that speaks of it.

    One small comparison for each, and one of all that may open something together: 2 s for 200 in 10,000 rules.
    Raises Unfilled, Undecided.
    """
    base = replace(base, behind=None)
    alone = {path: opened_alone(base, own, day) for path, own in files.items()}
    jointly = _opened_jointly(base, joining(base, files), alone, day)
    return {path: changes + jointly.get(path, ()) for path, changes in alone.items()}


def joining(base: Policy, files: Files) -> Files:
    """Those of some exceptions that may open together what none of them opens alone; none or two at least.

    Two bans over the same packets, each passed by another exception, are such a case, and so may be several firewalls. Where
    neither is there, one permission is enough for a packet.
    """
    is_through_several = len(base.firewalls) > 1
    found = {path: own for path, own in files.items() if is_through_several or any(rule.overrides for rule in own)}
    return found if len(found) > 1 else {}


def _opened_jointly(
    base: Policy, files: Files, alone: Mapping[str, Sequence[Change]], day: date
) -> Mapping[str, tuple[Change, ...]]:
    if not files:
        return {}
    rules = tuple(rule for own in files.values() for rule in own)
    changes = compare(base, replace(base, rules=(*base.rules, *rules)), day).opens
    rest = packets_of(changes) - packets_of(change for path in files for change in alone[path])
    parts = {path: _part(rest, own) for path, own in files.items() if own}
    return {path: part for path, part in parts.items() if part}


def _part(packets: PacketSet, own: Sequence[Rule]) -> tuple[Change, ...]:
    """Those of some packets of which an exception speaks."""
    part = packets & PacketSet.of({family: [one] for family, one in boxes_of(own).items()})
    packet = part.witness()
    if packet is None:
        return ()
    return (Change(tuple(flow for family in FAMILIES for flow in part.flows(family)), (), packet, (), ()),)


def packets_of(changes: Iterable[Change]) -> PacketSet:
    """The packets of some changes."""
    found: dict[Family, list[Box]] = {family: [] for family in FAMILIES}
    for change in changes:
        for flow in change.flows:
            found[flow.family].append(flow.box)
    return PacketSet.of(found)
