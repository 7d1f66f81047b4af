"""What a wish opens together with others: who asks in small pieces asks for the sum of them.

The pieces are the other requests of one policy, open or in force, of the same author or the same owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from firewright.analysis.path import internet_of
from firewright.model.address import AddressSet, merge
from firewright.model.interval import Ranges, intersection, union
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Term
from firewright.model.request import Wish
from firewright.reports import CheckedRequest
from firewright.workflows.requests import checking
from firewright.workflows.requests.checking import MANY_PORTS, is_worldwide, ports_in, question_of, services_of
from firewright.workflows.requests.concerned import addresses_of
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.refused import Refused

_EVERY: Ranges = ((0, (1 << 24) - 1),)
_MOST_NAMED = 5


@dataclass(frozen=True)
class _Piece:
    """A wish with the addresses of its ends; of its services is only asked where these meet."""

    policy: Policy
    wish: Wish
    number: int = 0

    @cached_property
    def sources(self) -> AddressSet:
        return addresses_of(self.policy, self.wish.sources)

    @cached_property
    def destinations(self) -> AddressSet:
        return addresses_of(self.policy, self.wish.destinations)

    @cached_property
    def term(self) -> Term | None:
        """None where it can be understood no more: then it is taken for every service."""
        try:
            found = question_of(self.policy, self.wish).term
        except Refused:
            return None
        return None if found.is_any else found

    def services(self, family: Family) -> Ranges:
        return _EVERY if self.term is None else services_of(self.term, family)

    def shares_services(self, other: _Piece) -> bool:
        return any(intersection(self.services(family), other.services(family)) for family in FAMILIES)


def together(estate: Estate, checked: CheckedRequest, others: Mapping[int, Wish]) -> CheckedRequest:
    """A check at the severity of the sum: of all sources that reach the same service there, and of all its ports between the same ends.

    `others` are wishes of the same policy by their requests' numbers. O(others), of which few are parsed. Raises Refused.
    """
    policy = estate.policies[checked.wish.policy]
    own = _Piece(policy, checked.wish)
    pieces = [_Piece(policy, wish, number) for number, wish in others.items()]
    from_same = [one for one in pieces if _meets(one.sources, own.sources, policy, one, own, "sources")]
    to_same = [one for one in pieces if _meets(one.destinations, own.destinations, policy, one, own, "destinations")]
    inward = [one for one in to_same if one.shares_services(own)]
    outward = [one for one in from_same if one.shares_services(own)]
    between = [one for one in to_same if one in from_same]
    opening = checked.opening
    sums = replace(
        opening,
        is_worldwide=opening.is_worldwide or _is_world(policy, own.sources, (one.sources for one in inward)),
        is_outward=opening.is_outward or _is_world(policy, own.destinations, (one.destinations for one in outward)),
    )
    is_wide = bool(between) and ports_in(union(own.services(4), *(one.services(4) for one in between))) >= MANY_PORTS
    if sums == opening and not is_wide:
        return checked
    numbers = sorted({one.number for one in (*inward, *outward, *between)})
    return checking.weighed(estate, checked, sums, is_wide, _beside(numbers))


def _meets(one: AddressSet, other: AddressSet, policy: Policy, piece: _Piece, own: _Piece, side: str) -> bool:
    """Whether two ends have an address in common, or a word: a host itself has none."""
    return bool(one & other) or bool(set(getattr(piece.wish, side)) & set(getattr(own.wish, side)))


def _is_world(policy: Policy, own: AddressSet, others: Iterable[AddressSet]) -> bool:
    """Whether addresses are the internet together with others, if there are any, and add to them."""
    rest = tuple(others)
    whole = merge((own, *rest))
    return (
        bool(rest)
        and bool(own & internet_of(policy))
        and is_worldwide(policy, {family: whole.ranges(family) for family in FAMILIES})
    )


def _beside(numbers: list[int]) -> str:
    named = ", ".join(map(str, numbers[:_MOST_NAMED])) + (" and more" if len(numbers) > _MOST_NAMED else "")
    return f"together with request{'s' if len(numbers) > 1 else ''} {named}"
