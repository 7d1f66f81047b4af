"""What a contestant is: a name, and a way from a policy to the commands that load it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from firewright.model.policy import Firewall, Policy


class Unable(Exception):
    """Why a contestant does not take part: it is not installed, or it cannot say this policy."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command inside the firewall's namespace, and what it reads from its input."""

    words: tuple[str, ...]
    text: str


Make = Callable[[Policy, Firewall], tuple[Step, ...]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """Writes a ruleset for a policy; `most` is the size of policy (in rules) beyond which it is not asked, and `why`."""

    name: str
    make: Make
    most: int = 100_000
    why: str = ""


NFT = ("nft", "-f", "-")
