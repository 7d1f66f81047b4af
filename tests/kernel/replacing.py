"""Replacing a firewall's ruleset over and over while packets that it permits and packets that it forbids go through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.replace.partners import OUTSIDE, Generation, packets_for
from tests.kernel.managed import Managed
from tests.kernel.network import SERVER, Network
from tests.kernel.policies import Kinds, Made, made, packets, told_apart
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
    rulesets = made(GENERATIONS[0]), made(GENERATIONS[1])
    return replaced_by_each_other(rulesets, packets(*GENERATIONS, PACKETS), count, rate, replace)


def replacing_large(count: int, rate: float, replace: Replace, elements: int, is_ban: bool) -> Replaced:
    """The same with rulesets that open something to so many single addresses, or ban them from what is open."""
    generations = [Generation.of(number, elements, is_ban) for number in GENERATIONS]
    rulesets = generations[0].made(), generations[1].made()
    kinds = told_apart(*rulesets, packets_for(*generations), PACKETS)
    return replaced_by_each_other(rulesets, kinds, count, rate, replace)


def replaced_by_each_other(
    rulesets: tuple[Made, Made], kinds: Kinds, count: int, rate: float, replace: Replace
) -> Replaced:
    """What becomes of these packets while these rulesets replace each other so many times."""
    with Network() as network, Managed(network.firewall) as host:
        network.firewall.run("ip", "route", "add", OUTSIDE, "via", SERVER[4])
        host.keep(rulesets[0].text)
        with Traffic(network, kinds, rate) as traffic:
            for number in range(1, count + 1):
                replace(host, rulesets[number % 2].text)
    return Replaced(count, traffic.done)
