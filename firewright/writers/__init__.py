"""Policy to artifact: `writers/NAME` has a `WRITER` that says a firewall's policy in the words of one target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from firewright.diagnostic import Report
from firewright.model.policy import Firewall, Policy
from firewright.registry import Registry


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a target is given for one firewall of one policy: the target's name, theirs, and the text."""

    target: str
    policy: str
    firewall: str
    text: str


class Writer(Protocol):
    """Turns what a policy says of one firewall, from a day on, into the words of one target."""

    def emit(self, policy: Policy, firewall: Firewall, day: date, report: Report) -> Artifact:
        """The artifact; what the target cannot say goes into the report."""
        ...


WRITERS: Registry[Writer] = Registry("firewright.writers", "WRITER")
"""Every target by name."""
