"""What a firewall decides of a packet, and which line of the policy decided it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from firewright.model.policy import Action, Firewall, Rule
from firewright.source import Span


class Outcome(StrEnum):
    """Why a packet is let through or stopped, in the policy's words.

    `not opened` is allowed, and closed at a firewall that opens only what is required. `established` to `no beginning` are
    said of packets that do not open a flow, by the state that connection tracking gives them.
    """

    REQUIRED = "required"
    ALLOWED = "allowed"
    ESSENTIAL = "essential"
    LOOPBACK = "loopback"
    UNENFORCED = "not enforced"
    UNOPENED = "not opened"
    REQUESTED = "on request"
    DENIED = "denied"
    REJECTED = "rejected"
    CLOSED = "closed"
    SPOOFED = "spoofed"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"
    UNBEGUN = "no beginning"

    @property
    def is_open(self) -> bool:
        """Whether the packet goes on: it is accepted, or it does not pass this firewall at all."""
        return self in _OPEN


_OPEN = (
    Outcome.REQUIRED,
    Outcome.ALLOWED,
    Outcome.ESSENTIAL,
    Outcome.LOOPBACK,
    Outcome.UNENFORCED,
    Outcome.ESTABLISHED,
    Outcome.RELATED,
)
OPEN_OUTCOMES: tuple[str, ...] = tuple(outcome.value for outcome in _OPEN)
_ANSWERED = "answered"
ANSWERED_OUTCOMES: tuple[str, ...] = (
    Outcome.REJECTED.value,
    *(f"{outcome}, {_ANSWERED}" for outcome in (Outcome.CLOSED, Outcome.UNOPENED)),
)
"""The verdicts by which a packet is stopped and its sender told so."""
SETTLED_OUTCOMES: tuple[str, ...] = tuple(
    outcome.value for outcome in (Outcome.ESSENTIAL, Outcome.LOOPBACK, Outcome.SPOOFED)
)
"""What is decided before any rule is asked."""
PERMITTED_OUTCOMES: tuple[str, ...] = (Outcome.REQUIRED.value, Outcome.ALLOWED.value)
"""What the policy's own rules let through."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome at one firewall, the action it takes, and the rule that decided, or None where no rule did.

    `at` is the place that decided: the rule's verb, or the firewall whose default it is.
    """

    outcome: Outcome
    action: Action
    firewall: Firewall
    rule: Rule | None = None
    reason: str = ""
    at: Span = field(compare=False, default=Span("", 0, 0, 0))

    @property
    def verdict(self) -> str:
        """The outcome, told apart where a default answers instead of keeping silent."""
        is_default = self.outcome in (Outcome.CLOSED, Outcome.UNOPENED)
        return f"{self.outcome}, {_ANSWERED}" if is_default and self.action is Action.REJECT else self.outcome.value
