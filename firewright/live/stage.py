"""The stage of the scenes: what they have in common, and what became of one.

A scene raises `Failed` with what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from firewright.analysis.decide import enforce
from firewright.analysis.witnesses import Witness
from firewright.live.conversation import SYN
from firewright.live.testbed import Testbed
from firewright.model.address import UNICAST
from firewright.model.decision import Outcome
from firewright.model.packet import Family, Packet
from firewright.model.policy import Action, Firewall, Policy

DNS = 53
MOST_WAYS = 4
"""Ways through a firewall on which a conversation is held, for each family."""
FREE_PORTS = (49_321, 50_231, 51_999, 61_234)
QUERY = bytes.fromhex("12340100000100000000000007657861 6d706c65 0574657374 0000010001".replace(" ", ""))
"""A DNS query."""


class Failed(Exception):
    """What went otherwise than the policy says."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What became of a scene: it holds, or `why` says what went wrong, or why it could not be played at all."""

    name: str
    family: Family
    holds: bool
    why: str = ""
    is_played: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """What the scenes have in common: the testbed, the policy at a firewall on a day, and its ruleset as text.

    `text` is the ruleset, in which nothing ends for a while. `moved` gives it under a clock by which a moment of the policy
    begins at an instant (seconds since 1970), so that an end can be seen to pass.
    """

    bed: Testbed
    policy: Policy
    firewall: Firewall
    day: date
    witnesses: Sequence[Witness]
    text: str
    moved: Callable[[date, int], str]

    def expects(self, packet: Packet, day: date | None = None) -> Action:
        """What the specification says of a packet that belongs to nothing."""
        return enforce(self.policy, self.firewall, packet, day or self.day).action

    def opened(self, family: Family, protocol: int, port: int | None = None) -> Iterator[Witness]:
        """Witnesses that the policy's own rules let through: for each way the first, with that port where one is asked for."""
        seen: set[tuple[str, str]] = set()
        for one in self.witnesses:
            packet, way = one.packet, (one.packet.in_interface, one.packet.out_interface)
            if (
                packet.family == family
                and packet.protocol == protocol
                and one.decision.outcome in (Outcome.REQUIRED, Outcome.ALLOWED)
                and not (one.before or one.is_malformed)
                and packet.tcp_flags == SYN
                and port in (None, packet.selector)
                and way not in seen
                and self._can_answer(packet)
            ):
                seen.add(way)
                yield one

    def _can_answer(self, packet: Packet) -> bool:
        """Whether each end can answer the other: a single machine, at an address that it has."""
        family, own = packet.family, self.bed.ground.own(packet.family)
        ends = ((packet.in_interface, packet.source), (packet.out_interface, packet.destination))
        return all(UNICAST.has(family, address) and (name or address in own) for name, address in ends)
