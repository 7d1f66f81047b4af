"""Exceptions as somebody may see them: with the packets that each let in, and narrowed to what is looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firewright.model.account import Actor, Role
from firewright.reports import Standing
from firewright.web.views.hosts import hits
from firewright.workflows.requests import governing
from firewright.workflows.requests.acting import Desk
from firewright.workflows.requests.estate import Estate, way_to_rules
from firewright.workflows.requests.exceptions import standing
from firewright.workflows.requests.hits import name_in_comments

if TYPE_CHECKING:
    from sqlalchemy import Connection

KINDS = ("soon", "review", "unapproved", "grown", "unused", "ended")
"""What exceptions can be narrowed to: that end soon, are to be confirmed, may not be applied, mean more, let nothing in, have ended."""


def standing_for(desk: Desk) -> tuple[Standing, ...]:
    """The exceptions that whoever looks may see, the one that ends first at the head."""
    heard = hits(desk.connection)
    return tuple(_with_hits(one, heard) for one in standing(desk) if desk.actor.sees(one.policy, one.zones))


@dataclass(frozen=True, slots=True)
class Ungoverned:
    """A policy whose rules of approval are gone: why nobody decides, and the way out."""

    policy: str
    why: str
    help: str


def ungoverned(c: Connection, estate: Estate, actor: Actor) -> tuple[Ungoverned, ...]:
    """The policies that somebody sees of which nobody decides, for their rules of approval are gone."""
    seen = (name for name in estate.policies if actor.touches(Role.VIEWER, name))
    return tuple(Ungoverned(name, why, way_to_rules(name)) for name in seen if (why := governing.gone(c, estate, name)))


def is_of(one: Standing, kind: str) -> bool:
    """Whether an exception is of one of `KINDS`; of any, where another word is asked for."""
    kinds = {
        "soon": one.is_reminded,
        "review": one.is_review_due,
        "unapproved": bool(one.unapproved) and not one.has_ended,
        "grown": bool(one.grown) and not one.has_ended,
        "unused": one.hits == 0 and not one.has_ended,
        "ended": one.has_ended,
    }
    return kinds.get(kind, True)


def fits(one: Standing, text: str, kind: str) -> bool:
    """Whether an exception has some words, in whatever case, and is of a kind."""
    words = " ".join((one.policy, one.rule, one.flows, one.services, one.owner, one.because, one.ticket)).casefold()
    return text.casefold() in words and is_of(one, kind)


def _with_hits(one: Standing, heard: Mapping[str, Mapping[str, int]]) -> Standing:
    """The exception with the packets that its rule let in, where a host of its policy was heard of."""
    counts = heard.get(one.policy)
    return one if counts is None else replace(one, hits=counts.get(name_in_comments(one.path), 0))
