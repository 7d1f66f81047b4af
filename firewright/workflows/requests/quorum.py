"""Who may decide about a request, and whether enough have: owners of its zones, so many people, and who else must agree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from firewright.model.account import Actor, Role
from firewright.model.approval_rules import ApprovalRules, Of, Quorum, Weight, is_among
from firewright.model.request import Approval

People = Mapping[str, Actor]
"""What each account may do now, by its name; those that are not there, or are disabled, may nothing."""
ZONES_BETWEEN = ", "
"""What stands between the zones of an approval."""
_MOST_HOSTS = 6
"""Of so many who let others in each choice is tried: 64."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What is decided about: the flows' policy, the zones of either end, how much it asks for, and who asked."""

    policy: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    severity: Weight
    author: str

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of both ends, each once."""
        return tuple(dict.fromkeys((*self.sources, *self.destinations)))


def owned(rules: ApprovalRules, actor: Actor, matter: Matter) -> tuple[str, ...]:
    """The zones of a matter that somebody answers for: as an approver of it, and named where owners of it are named."""
    return tuple(zone for zone in matter.zones if _owns(rules, actor, matter.policy, zone))


def _owns(rules: ApprovalRules, actor: Actor, policy: str, zone: str) -> bool:
    if not actor.is_allowed(Role.APPROVER, policy, zone):
        return False
    named = rules.owners_of(zone)
    return not named or is_among(actor.account, actor.groups, named)


def may_decide(rules: ApprovalRules, actor: Actor, matter: Matter) -> bool:
    """Whether somebody's agreement can count: an owner of one of the zones, or one whom the quorum names; never who asked."""
    is_author = matter.author == actor.account or (bool(actor.let_in_by) and matter.author == actor.let_in_by)
    if rules.is_broken or is_author:
        return False
    named = any(_is_one(actor, one) for one in rules.quorums[matter.severity].also)
    return bool(owned(rules, actor, matter)) or (named and actor.touches(Role.APPROVER, matter.policy))


def _is_one(actor: Actor, named: str) -> bool:
    return is_among(actor.account, actor.groups, (named,))


def standing(
    rules: ApprovalRules, matter: Matter, approvals: Iterable[Approval], people: People
) -> tuple[Approval, ...]:
    """The approvals of people who may still decide, one of each person."""
    kept: dict[str, Approval] = {}
    for one in approvals:
        actor = people.get(one.account)
        if one.stands and actor is not None and may_decide(rules, actor, matter):
            kept.setdefault(one.account, one)
    return tuple(kept.values())


def lacking(rules: ApprovalRules, matter: Matter, approvals: Sequence[Approval], people: People) -> tuple[str, ...]:
    """What is still lacking, in words, until enough people have agreed; nothing if they have.

    Only approvals of people who may decide now are counted, each for the zones that its giver answered for when they gave it: a
    token that is narrowed to one zone does not agree for another.
    """
    if rules.is_broken:
        return ("rules of approval that can be read",)
    actors = [people[one.account] for one in standing(rules, matter, approvals, people)]
    meant = {(one.account, zone) for one in approvals if one.stands for zone in zones_in(one)}
    agreed = {
        actor.account: {zone for zone in owned(rules, actor, matter) if (actor.account, zone) in meant}
        for actor in actors
    }
    return min(_lacking_of(rules.quorums[matter.severity], matter, some, agreed) for some in apart(actors))[1]


def _lacking_of(
    quorum: Quorum, matter: Matter, actors: Sequence[Actor], agreed: Mapping[str, Collection[str]]
) -> tuple[int, tuple[str, ...]]:
    """How many approvals are lacking at least, and which, where these people agreed for these zones."""
    found = list(_owners_lacking(matter, quorum, {zone for actor in actors for zone in agreed[actor.account]}))
    found += [f"one of {named}" for named in quorum.also if not any(_is_one(actor, named) for actor in actors)]
    more = quorum.count - len(actors)
    least = max(more, len(found))
    if more > len(found):
        found.append(f"{more} more" if found or actors else f"{more} approval{'s' if more > 1 else ''}")
    return least, tuple(found)


def apart(actors: Iterable[Actor]) -> list[list[Actor]]:
    """Each choice of people of whom none let another in, as large as it can be; maybe smaller ones too.

    An account whose password somebody's link has set may be that somebody: so the two do not count together, but either may, and
    it does not count in which order they agreed. Of many who let others in only two choices are tried: they, and the others.
    """
    every = sorted(actors, key=lambda one: one.account)
    names = {one.account for one in every}
    hosts = sorted({one.let_in_by for one in every if one.let_in_by in names and one.let_in_by != one.account})
    if len(hosts) <= _MOST_HOSTS:
        chosen = [set(some) for many in range(len(hosts) + 1) for some in combinations(hosts, many)]
    else:
        chosen = [set(), set(hosts)]
    return [
        [
            one
            for one in every
            if one.let_in_by not in some - {one.account} and (one.account in some or one.account not in hosts)
        ]
        for some in chosen
    ]


def deciders(rules: ApprovalRules, matter: Matter) -> tuple[str, ...]:
    """Who decides, in words: how many people, then for each zone its owners."""
    if rules.is_broken:
        return ("nobody: the rules of approval cannot be read",)
    quorum = rules.quorums[matter.severity]
    both = "owners of both ends" if quorum.of is Of.BOTH else "an owner of either end"
    people = "one person" if quorum.count == 1 else f"{quorum.count} people"
    also = f", and one of {', of '.join(quorum.also)}" if quorum.also else ""
    named = ((zone, rules.owners_of(zone)) for zone in matter.zones)
    return (
        f"{people} at least, {both}{also}; never who asks",
        *(f"{zone}: {', '.join(owners) if owners else f'every approver of {matter.policy}'}" for zone, owners in named),
    )


def zones_in(approval: Approval) -> frozenset[str]:
    """The zones of which its giver was an owner."""
    return frozenset(approval.zone.split(ZONES_BETWEEN)) - {""}


def _owners_lacking(matter: Matter, quorum: Quorum, agreed: Collection[str]) -> Iterable[str]:
    sides = [[zone for zone in side if zone not in agreed] for side in (matter.sources, matter.destinations)]
    if quorum.of is Of.EITHER:
        if all(sides):
            yield f"an owner of {' or of '.join(dict.fromkeys(', '.join(side) for side in sides))}"
        return
    for zone in dict.fromkeys(zone for side in sides for zone in side):
        yield f"an owner of {zone}"
