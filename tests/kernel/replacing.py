"""Replacing a firewall's ruleset over and over while packets that it permits and packets that it forbids go through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.kernel.managed import Managed
from tests.kernel.network import Network
from tests.kernel.policies import made, packets
from tests.kernel.traffic import Load, Traffic

GENERATIONS = (1, 2)
PACKETS = 400
"""Different packets of each kind."""
Replace = Callable[[Managed, str], object]


@dataclass(frozen=True)
class Replaced:
    """What became of the traffic during so many replacements."""

    count: int
    load: Load

    @property
    def leaked(self) -> int:
        """Forbidden packets that passed."""
        return self.load.passed("forbidden")

    @property
    def lost(self) -> int:
        """Permitted packets that were dropped."""
        return self.load.dropped("permitted")


def apply_and_confirm(host: Managed, text: str) -> None:
    """The whole of what an apply does on a host, and the confirmation."""
    host.keep(text)


def transaction(host: Managed, text: str) -> None:
    """An apply's transaction alone."""
    host.replace(text)


def in_two_commands(host: Managed, text: str) -> None:
    """What must never be done, to see that the counting finds it."""
    host.space.load("table inet firewright\ndelete table inet firewright\n")
    host.space.load(text)


def without_last_rules(host: Managed, text: str) -> None:
    """A ruleset that trusts in the policy of its base chains, in one transaction that makes the table anew."""
    host.space.load("\n".join(line for line in text.split("\n") if "neither IPv4 nor IPv6" not in line))


def replacing(count: int, rate: float, replace: Replace) -> Replaced:
    """Replace two rulesets of the writer's by each other so many times under so many packets a second."""
    rulesets = [made(number) for number in GENERATIONS]
    kinds = packets(*GENERATIONS, PACKETS)
    with Network() as network, Managed(network.firewall) as host:
        host.keep(rulesets[0].text)
        with Traffic(network, kinds, rate) as traffic:
            for number in range(1, count + 1):
                replace(host, rulesets[number % 2].text)
    return Replaced(count, traffic.done)
