"""Which flows end where something closes: of those that a machine tracks now, and of those that it will have when a permission ends.

Connection tracking knows of a flow neither by which interface it came nor what its first packet carried beside the header's axes.
A flow ends only where no reading of what is not known lets a new one like it pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise, product

from firewright.analysis._closing import Closing, Record, boxes_on
from firewright.analysis._openings import Openings, Tracked, Way, opening
from firewright.analysis.path import intervals
from firewright.analysis.validate import first_instant
from firewright.model.address import BROADCAST, LOOPBACK, MULTICAST, UNSPECIFIED, AddressSet
from firewright.model.conntrack_helper import HELPERS
from firewright.model.moment import begins
from firewright.model.moment import ends as end_of
from firewright.model.packet import FAMILIES, TYPED, ConntrackState, Family
from firewright.model.policy import Firewall, Policy, Rule, Verb
from firewright.space.axis import TOPS, Axis
from firewright.space.box import Value, join, meet
from firewright.space.budget import Undecided
from firewright.space.encode import encode_enforced, rule_boxes
from firewright.space.program import Program
from firewright.space.ruleset import Hook

__all__ = ["MOST_RECORDS", "Ending", "Record", "Tracked", "endings", "not_permitted"]

MOST_RECORDS = 4096
"""Records of one instant: more are no list for a shell to walk through."""
_GROUPS: AddressSet = MULTICAST | BROADCAST


def not_permitted(
    flows: Iterable[Tracked], programs: Mapping[Family, Program], own: AddressSet, *, is_late: bool = False
) -> tuple[Tracked, ...]:
    """The flows that could not begin now, by whichever interface, hop limit or helper they may have begun; in the order given.

    `programs` decide with nft's words (`encode_enforced`); `own` are the machine's own addresses, those of its broadcasts too, by
    which a flow is sent, taken or passed on. What a helper expected stays as long as the connection that agreed on it is there
    and permitted. `is_late` says that tracking began when the flows were under way, so that either end may have opened them
    (net/netfilter/nf_conntrack_proto_tcp.c, nf_conntrack_tcp_loose). Raises Undecided. O(flows), each different kind asked once.
    """
    listed = tuple(flows)
    judge = _Judge(programs, own | LOOPBACK)
    refused = [flow for flow in listed if not judge.permits(flow) and not (is_late and judge.permits(_turned(flow)))]
    agreed = _agreed(listed, refused)
    return tuple(flow for flow in refused if (_hosts(flow), flow.protocol) not in agreed or not judge.expects(flow))


def _turned(flow: Tracked) -> Tracked:
    """The same flow as if the other end had opened it. Of ICMP none can: an answer without a question is invalid."""
    if flow.protocol in TYPED:
        return flow
    return Tracked(flow.family, flow.protocol, flow.destination, flow.port, flow.source, flow.source_port)


def _hosts(flow: Tracked) -> tuple[Family, int, int]:
    return flow.family, min(flow.source, flow.destination), max(flow.source, flow.destination)


def _agreed(listed: Iterable[Tracked], refused: Iterable[Tracked]) -> set[tuple[tuple[Family, int, int], int]]:
    """Between which two hosts a permitted connection may agree on others, and the protocol of those."""
    gone = set(refused)
    reading = {(helper.protocol, helper.port): helper.data_protocol for helper in HELPERS.values()}
    return {
        (_hosts(flow), reading[flow.protocol, flow.port])
        for flow in listed
        if (flow.protocol, flow.port) in reading and flow not in gone
    }


class _Judge:
    """Whether flows may begin, each kind of them asked once; a machine's every way has a list of its own."""

    def __init__(self, programs: Mapping[Family, Program], own: AddressSet) -> None:
        self._programs, self._own = programs, own
        self._lists: dict[tuple[Family, Way, ConntrackState], Openings] = {}

    def permits(self, flow: Tracked) -> bool:
        """Whether some reading of what is not known of a flow lets a new one like it pass."""
        return any(self._list(flow, way).accepts(flow) for way in self._ways(flow))

    def expects(self, flow: Tracked) -> bool:
        """Whether it passes if a helper expects it."""
        return any(self._list(flow, way, ConntrackState.RELATED).accepts(flow) for way in self._ways(flow))

    def _list(self, flow: Tracked, way: Way, state: ConntrackState = ConntrackState.NEW) -> Openings:
        key = (flow.family, way, state)
        if key not in self._lists:
            self._lists[key] = Openings(opening(self._programs[flow.family], way, state), way)
        return self._lists[key]

    def _ways(self, flow: Tracked) -> Iterator[Way]:
        """The ways that a flow may have: who has no address yet may be the machine itself, and groups are taken or passed on."""
        is_own = self._own.has(flow.family, flow.source)
        is_for_own = self._own.has(flow.family, flow.destination)
        if is_own and is_for_own:
            yield ""
            return
        is_nobody = UNSPECIFIED.has(flow.family, flow.source)
        if is_own or is_nobody:
            yield Hook.OUTPUT
        if not is_own and (is_for_own or _GROUPS.has(flow.family, flow.destination)):
            yield Hook.INPUT
        if not is_own and not is_for_own:
            yield Hook.FORWARD


@dataclass(frozen=True, slots=True)
class Ending:
    """An instant (seconds since 1970) at which permissions end, and the flows that end with them.

    `is_listed` is False where more than MOST_RECORDS would be needed: then there are none.
    """

    instant: int
    records: tuple[Record, ...]
    is_listed: bool = True


def endings(policy: Policy, firewall: Firewall, day: date) -> tuple[Ending, ...]:
    """Each instant after a day's beginning at which a permission's end closes something, with exactly the flows to end then.

    No flow of a record could begin afterwards, by whichever interface; each that could begin before, and cannot any more, is in
    one. Connections that a helper expected are left to end by themselves. Raises Unfilled. O(rules) for each rule that ends.
    """
    # An address at a wrong interface is dropped before and after, so it takes no part in what closes.
    anywhere = replace(firewall, interfaces={})
    stretches = intervals(policy, day)
    services = [_services(rule) for rule in policy.rules] if stretches[1:] else []
    found = []
    for last, first in pairwise(stretches):
        ended = [rule for rule in policy.rules if _ends_at(rule, first) and _permits(rule, firewall)]
        if not ended:
            continue
        closing = _closing_services(policy, services, ended)
        before, after = (encode_enforced(closing, anywhere, one) for one in (last, first))
        try:
            records = _records(ended, before, after)
        except Undecided:
            records = None
        instant = int(first_instant(first, policy))
        if records is None:
            found.append(Ending(instant, (), is_listed=False))
        elif records:
            found.append(Ending(instant, tuple(sorted(records))))
    return tuple(found)


def _ends_at(rule: Rule, moment: date) -> bool:
    return rule.is_on and rule.until is not None and end_of(rule.until) == begins(moment)


def _services(rule: Rule) -> frozenset[Value]:
    """The services of a rule, as values."""
    return frozenset(box[Axis.SERVICE] for family in FAMILIES for box in rule_boxes(rule, family))


def _closing_services(policy: Policy, services: Sequence[frozenset[Value]], ended: Collection[Rule]) -> Policy:
    """The policy with those rules only that say something of the services of ended rules, or of what a helper expects."""
    top = TOPS[FAMILIES[0]][Axis.SERVICE]
    asked = [value for rule in ended for value in _services(rule)]
    if not asked:
        return replace(policy, rules=())
    whole = join(asked, top)
    kept = (
        rule
        for rule, own in zip(policy.rules, services, strict=True)
        if any(meet(value, whole, top) is not None for value in own) or any(term.helpers for term in rule.terms)
    )
    return replace(policy, rules=tuple(kept))


def _permits(rule: Rule, firewall: Firewall) -> bool:
    """Whether its end can close anything: it opens something itself, or lifts a ban."""
    return rule.opens(firewall) or (rule.verb not in (Verb.DENY, Verb.REJECT) and bool(rule.overrides))


def _records(
    ended: Collection[Rule], before: Mapping[Family, Program], after: Mapping[Family, Program]
) -> set[Record] | None:
    """The flows that close with rules; None for too many."""
    found: set[Record] = set()
    for family, hook in product(FAMILIES, (Hook.INPUT, Hook.OUTPUT, Hook.FORWARD)):
        boxes = dict.fromkeys(box for rule in ended for box in boxes_on(rule, family, hook))
        if not boxes:
            continue
        closing = Closing(hook, before[family], after[family])
        for box in boxes:
            for record in closing.within(box):
                found.add(record)
                if len(found) > MOST_RECORDS:
                    return None
    return found
