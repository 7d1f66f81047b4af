"""What an exception opens beside a policy without any: kept when it was agreed to, reckoned again before it is applied.

The text of an exception stays; what it means hangs on zones, services and bans of its policy, and on `--set`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any

from firewright.analysis.compare import Change, compare
from firewright.analysis.path import internet_of
from firewright.model.interval import Ranges, intersection, union
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Policy, ZoneKind
from firewright.model.request import Wish
from firewright.readers.policy_yaml.adding import exceptions_of
from firewright.reports import address_words
from firewright.space.axis import Axis
from firewright.space.box import Box
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet
from firewright.workflows.requests.checking import addresses_in, counted, with_exception

_LONGEST = 1_000_000
"""Characters of what is kept of one exception."""


def bare(policy: Policy) -> Policy:
    """The policy without its exceptions. O(rules)."""
    own = frozenset(exceptions_of(policy))
    rules = tuple(rule for rule in policy.rules if rule.at.path not in own)
    return replace(policy, rules=rules, paths=tuple(path for path in policy.paths if path not in own))


def opened_by_one(policy: Policy, path: str, text: str, day: date) -> tuple[Change, ...]:
    """What one exception would open beside the policy without any. Raises Refused, Unfilled, Undecided."""
    base = bare(policy)
    return opened(compare(base, with_exception(base, path, text), day).opens).get(path, ())


def opened_by_each(policy: Policy, day: date) -> Mapping[str, tuple[Change, ...]]:
    """What each exception of a policy opens beside the policy without any, by its file. Raises Unfilled, Undecided."""
    return opened(compare(bare(policy), policy, day).opens)


def opened(changes: Iterable[Change]) -> Mapping[str, tuple[Change, ...]]:
    """What opens, by the files of the rules that open it: what several firewalls decide by several files is each one's."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        rules = (ruling.decision.rule for ruling in change.after)
        for path in {rule.at.path for rule in rules if rule is not None}:
            found[path].append(change)
    return {path: tuple(own) for path, own in found.items()}


def written(changes: Iterable[Change]) -> str:
    """What opens, as text that is kept: each product of a family with the ranges of its axes; empty where it would be too long."""
    flows = [flow for change in changes for flow in change.flows]
    text = json.dumps([[flow.family, flow.axes] for flow in flows], separators=(",", ":"))
    return "" if len(text) > _LONGEST or any(flow.literals for flow in flows) else text


@dataclass(frozen=True, slots=True)
class Surplus:
    """What is open now and was not when it was agreed to: its flows, and one packet of them."""

    flows: tuple[Flow, ...]
    packet: Packet

    def __str__(self) -> str:
        sources, destinations = (address_words(counted(side)) for side in addresses_in(self.flows))
        return f"from {sources} to {destinations}, for example {self.packet}"

    @property
    def digest(self) -> str:
        """What tells it from another (SHA-256)."""
        return sha256(repr(self.flows).encode()).hexdigest()


def more_than(changes: Iterable[Change], kept: str, policy: Policy, wish: Wish) -> Surplus | None:
    """What is open now and was not in what was kept; None if all was. Raises Undecided.

    Whoever agreed to `internet` agreed to whatever is nobody's zone: it gets larger wherever a zone gets smaller.
    """
    internet = internet_of(policy)
    sides = tuple(_names_internet(policy, words) for words in (wish.sources, wish.destinations))
    then = _read(kept, {family: internet.ranges(family) for family in FAMILIES}, sides)
    surplus = PacketSet.of(_boxes(changes)) - PacketSet.of(then)
    packet = surplus.witness()
    if packet is None:
        return None
    return Surplus(tuple(flow for family in FAMILIES for flow in surplus.flows(family)), packet)


def _names_internet(policy: Policy, words: Iterable[str]) -> bool:
    return any(word in policy.zones and policy.zones[word].kind is ZoneKind.INTERNET for word in words)


def _boxes(changes: Iterable[Change]) -> dict[Family, list[Box]]:
    found: dict[Family, list[Box]] = {family: [] for family in FAMILIES}
    for change in changes:
        for flow in change.flows:
            found[flow.family].append(flow.box)
    return found


def _read(kept: str, internet: Mapping[Family, Ranges], sides: tuple[bool, ...]) -> dict[Family, list[Box]]:
    """What was kept, the end of it that was the internet as large as the internet is now."""
    rows: list[Any] = json.loads(kept)
    found: dict[Family, list[Box]] = {family: [] for family in FAMILIES}
    for family, axes in rows:
        ranges = [tuple((low, high) for low, high in axis) for axis in axes]
        for axis, is_internet in zip((Axis.SOURCE, Axis.DESTINATION), sides, strict=True):
            if is_internet and intersection(ranges[axis], internet[family]):
                ranges[axis] = union(ranges[axis], internet[family])
        found[family].append(Flow(family, *ranges).box)
    return found
