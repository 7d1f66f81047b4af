"""Who decides about requests: owners of zones, how many must agree by severity, and what may be done without asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from firewright.source import NOWHERE, Span

DAY = 86400
"""Seconds of a day."""


class Weight(StrEnum):
    """How much a request asks for: the severity of what it opens, by how many people it reaches and what it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Of(StrEnum):
    """Whose agreement is needed: an owner of either end of the flows, or one of each end."""

    EITHER = "either"
    BOTH = "both"


class Growth(StrEnum):
    """What becomes of an exception that opens more than was agreed to: it is approved anew first, or that is told and it is applied."""

    APPROVE = "approve"
    TELL = "tell"


@dataclass(frozen=True, slots=True)
class Quorum:
    """So many people must agree, among them owners of one end or of both, and one of each of `also` (accounts and `@groups`)."""

    count: int = 1
    of: Of = Of.EITHER
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """What `approvals.yaml` says; these values where it says nothing.

    `owners` are accounts and `@groups` by zone; of a zone without owners every approver of the policy is one. Seconds:
    `longest` is how far ahead an exception may end, `remind` how long before its end its owner is told, `review` after
    how long somebody must say that it is still needed, `glass_longest` and `glass_review` the same for what was opened
    without asking, by `glass_who`. `growth` is what becomes of an exception whose text means more by now. `is_broken`
    says that the file cannot be read, so that nobody's agreement counts until it can.
    """

    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quorums: Mapping[Weight, Quorum] = field(
        default_factory=lambda: {
            Weight.LOW: Quorum(1, Of.EITHER),
            Weight.MEDIUM: Quorum(1, Of.BOTH),
            Weight.HIGH: Quorum(2, Of.BOTH),
        }
    )
    longest: int = 365 * DAY
    remind: tuple[int, ...] = (14 * DAY, 3 * DAY)
    review: int = 180 * DAY
    glass_who: tuple[str, ...] = ()
    glass_longest: int = 4 * 3600
    glass_review: int = 2 * DAY
    growth: Growth = Growth.APPROVE
    is_required: bool = False
    is_broken: bool = False
    at: Span = field(compare=False, default=NOWHERE)

    def owners_of(self, zone: str) -> tuple[str, ...]:
        """The accounts and groups that answer for a zone; nothing where nobody is named."""
        return self.owners.get(zone, ())


def is_among(account: str, groups: tuple[str, ...], named: tuple[str, ...]) -> bool:
    """Whether an account is named, itself or by one of its groups (`@group`)."""
    is_named = account in named and not account.startswith("@")  # nobody becomes a group by what they are called
    return is_named or any(f"@{group}" in named for group in groups)
