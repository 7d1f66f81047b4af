"""Where several permissions cover a packet, the longest sessions and all helpers hold, whichever of them is credited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from firewright.model.policy import Action, Rule
from firewright.writers.nftables.clause import Box, Sets
from firewright.writers.nftables.leaf import Leaf


class Grant(NamedTuple):
    """A rule with its leaf and its boxes."""

    rule: Rule
    leaf: Leaf
    boxes: list[Box]


Extended = dict[int, list[tuple[Box, Leaf]]]
"""By the rule's id: what is asked before its own boxes, the most generous first."""


def grants(ordered: Iterable[Grant], sets: Sets) -> Extended:
    """The parts of permissions that others, which are not credited there, give more than they do themselves."""
    permitting = [one for one in ordered if one.leaf.action is Action.ACCEPT]
    if not any(one.leaf.sessions is not None or one.leaf.helpers for one in permitting):
        return {}
    return {id(one.rule): extended for one in permitting if (extended := _extended(one, permitting, sets))}


def _extended(grant: Grant, permitting: list[Grant], sets: Sets) -> list[tuple[Box, Leaf]]:
    base = [(box, grant.leaf) for box in grant.boxes]
    helped = list(base)
    for other in permitting:
        if other is not grant and other.leaf.helpers:
            helped = _with_helpers(helped, other, sets) + helped
    longer = list(helped)
    for other in sorted(permitting, key=lambda one: one.leaf.sessions or 0):
        if other is not grant and other.leaf.sessions is not None:
            longer = _with_sessions(helped, other, sets) + longer
    return longer[: len(longer) - len(base)]


def _with_helpers(parts: list[tuple[Box, Leaf]], other: Grant, sets: Sets) -> list[tuple[Box, Leaf]]:
    found = []
    for box, leaf in parts:
        helpers = tuple(sorted({*leaf.helpers, *other.leaf.helpers}))
        if helpers != leaf.helpers:
            found += [
                (shared, replace(leaf, helpers=helpers)) for one in other.boxes if (shared := sets.both(box, one))
            ]
    return found


def _with_sessions(parts: list[tuple[Box, Leaf]], other: Grant, sets: Sets) -> list[tuple[Box, Leaf]]:
    found = []
    for box, leaf in parts:
        if leaf.sessions is None or (other.leaf.sessions or 0) > leaf.sessions:
            more = replace(leaf, sessions=other.leaf.sessions)
            found += [(shared, more) for one in other.boxes if (shared := sets.both(box, one))]
    return found
