"""How a page of requests is found: by the index that has least to walk, newest first, and never past the end of the page.

A filter that several values pass (two policies, three states, what somebody may see) is walked once for each value, and the walks
are merged: each gives at most a page. So a page costs about the same whatever lies behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    or_,
    select,
    tuple_,
    union,
    union_all,
)

from firewright.model.account import EVERYTHING, Actor, Role
from firewright.model.request import State
from firewright.store.tables import REQUESTS, ZONES

_LOOK = 2000
"""How far the sizes of walks are compared."""
_PLACES = ZONES.alias("places")
"""The zones of requests once more, to be walked, beside those that a condition looks at."""
_WALKS = 60
"""How many walks are merged at most; SQLite takes 500 in one statement."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of requests: empty filters let all pass; `seen_by` only what somebody may see."""

    states: Collection[State] = ()
    policies: Collection[str] = ()
    author: str = ""
    zone: str = ""
    seen_by: Actor | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """All of it, as conditions on requests."""
        found = [] if self.seen_by is None else visible(self.seen_by)
        if self.states and len(set(self.states)) < len(State):
            found.append(REQUESTS.c.state.in_([state.value for state in self.states]))
        if self.policies:
            found.append(REQUESTS.c.policy.in_(list(self.policies)))
        if self.author:
            found.append(REQUESTS.c.author == self.author)
        if self.zone:
            found.append(exists().where(ZONES.c.number == REQUESTS.c.number, ZONES.c.zone == self.zone))
        return found


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way through an index that ends with the number: its table's number, and what is held fast."""

    number: ColumnElement[int]
    held: tuple[ColumnElement[bool], ...]

    def size(self, c: Connection) -> int:
        """How many rows it has, counted to `_LOOK`."""
        some = select(self.number).where(*self.held).limit(_LOOK).subquery()
        return c.execute(select(func.count()).select_from(some)).scalar_one()


def visible(actor: Actor) -> list[ColumnElement[bool]]:
    """That an actor may see a request: one of their own, or one of a policy or zone that a role of theirs covers.

    One who is narrowed sees their own by their roles only.
    """
    if actor.is_everywhere(Role.VIEWER):
        return []
    policies, zones = _scopes(actor)
    ways: list[ColumnElement[bool]] = [REQUESTS.c.policy.in_(policies)]
    if not actor.is_narrowed:
        ways.append(REQUESTS.c.author == actor.account)
    if zones:
        pairs = tuple_(ZONES.c.policy, ZONES.c.zone).in_(zones)
        ways.append(exists().where(ZONES.c.number == REQUESTS.c.number, pairs))
    return [or_(*ways)]


def gathered(actor: Actor) -> list[ColumnElement[bool]]:
    """The same as `visible`, for a query that looks at all of them: they are gathered through indexes first."""
    if actor.is_everywhere(Role.VIEWER):
        return []
    walks = _seen(actor)
    if not walks:
        return [false()]
    return [REQUESTS.c.number.in_(union(*(select(walk.number).where(*walk.held) for walk in walks)))]


def page(
    c: Connection, wanted: Wanted, further: Sequence[ColumnElement[bool]], *, after: int, limit: int, newest: bool
) -> Select[Any]:
    """The query for a page of requests: what is wanted and `further`, beyond the number `after`, in their order."""
    conditions = [*wanted.conditions(), *further]
    merged = [_limited(walk, conditions, after, limit, newest).subquery() for walk in _best(c, wanted)]
    query = select(REQUESTS)
    if merged:
        query = query.where(REQUESTS.c.number.in_(union_all(*(select(walk.c.number) for walk in merged))))
    else:
        query = query.where(*conditions, *_beyond(REQUESTS.c.number, after, newest))
    return query.order_by(_ordered(REQUESTS.c.number, newest)).limit(limit)


def _limited(
    walk: _Walk, conditions: Sequence[ColumnElement[bool]], after: int, limit: int, newest: bool
) -> Select[int]:
    query = select(walk.number.label("number")).where(*walk.held, *conditions, *_beyond(walk.number, after, newest))
    if walk.number is not REQUESTS.c.number:
        query = query.join_from(_PLACES, REQUESTS, REQUESTS.c.number == walk.number)
    return query.order_by(_ordered(walk.number, newest)).limit(limit)


def _best(c: Connection, wanted: Wanted) -> list[_Walk]:
    """The walks of the filter that leaves least; none where the requests themselves are walked, in their order."""
    choices = [walks for walks in _choices(wanted) if len(walks) <= _WALKS]
    if len(choices) < 2:
        return choices[0] if choices else []
    return min(choices, key=lambda walks: sum(walk.size(c) for walk in walks))


def _choices(wanted: Wanted) -> list[list[_Walk]]:
    """For each filter the walks that together find all that passes it."""
    number = REQUESTS.c.number
    choices = []
    if wanted.seen_by is not None and not wanted.seen_by.is_everywhere(Role.VIEWER):
        choices.append(_seen(wanted.seen_by))
    if wanted.author:
        choices.append([_Walk(number, (REQUESTS.c.author == wanted.author,))])
    if wanted.zone:
        choices.append([_Walk(_PLACES.c.number, (_PLACES.c.zone == wanted.zone,))])
    states = set(wanted.states) if len(set(wanted.states)) < len(State) else set()
    if states or wanted.policies:
        in_state: list[tuple[ColumnElement[bool], ...]] = [
            (REQUESTS.c.state == state.value,) for state in sorted(states)
        ] or [()]
        in_policy: list[tuple[ColumnElement[bool], ...]] = [
            (REQUESTS.c.policy == policy,) for policy in sorted(set(wanted.policies))
        ] or [()]
        choices.append([_Walk(number, (*policy, *state)) for policy in in_policy for state in in_state])
    return choices


def _seen(actor: Actor) -> list[_Walk]:
    """The walks that find what somebody may see who may not see all."""
    number = REQUESTS.c.number
    policies, zones = _scopes(actor)
    own = [] if actor.is_narrowed else [_Walk(number, (REQUESTS.c.author == actor.account,))]
    own += [_Walk(number, (REQUESTS.c.policy == policy,)) for policy in policies]
    return own + [
        _Walk(_PLACES.c.number, (_PLACES.c.policy == policy, _PLACES.c.zone == zone)) for policy, zone in zones
    ]


def _scopes(actor: Actor) -> tuple[list[str], list[tuple[str, str]]]:
    """The policies that an actor may see as a whole, and the zones of others."""
    scopes = sorted({grant.scope for grant in actor.grants if grant.scope != EVERYTHING})
    policies = [scope for scope in scopes if "/" not in scope]
    pairs = (scope.partition("/") for scope in scopes if "/" in scope)
    return policies, [(policy, zone) for policy, _, zone in pairs if zone and policy not in policies]


def _beyond(number: ColumnElement[int], after: int, newest: bool) -> list[ColumnElement[bool]]:
    return [and_(number < after if newest else number > after)] if after else []


def _ordered(number: ColumnElement[int], newest: bool) -> ColumnElement[int]:
    return number.desc() if newest else number.asc()
