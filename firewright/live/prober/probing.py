"""Probing targets: every wanted service of every address, and what was seen as observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from firewright.analysis.observed import Answered, Observation, Sightings, State, gathered
from firewright.live.prober import rationing
from firewright.live.prober.connecting import Connecting
from firewright.live.prober.datagrams import Datagrams
from firewright.live.prober.heard import Heard, Wire
from firewright.live.prober.neighbours import resolved
from firewright.live.prober.rounds import Rounds
from firewright.live.prober.single import NEEDS_ROOT, PROTOCOLS, Bare, Echo
from firewright.live.prober.syn import Syn
from firewright.live.prober.target import Target
from firewright.model.interval import Range, Ranges, intersection
from firewright.model.packet import ICMP, ICMPV6, TCP, UDP, Family

ECHO: dict[Family, int] = {4: ICMP << 16 | 8 << 8, 6: ICMPV6 << 16 | 128 << 8}
"""An echo request of each family on the service axis."""
INTERRUPTED = "the probe was interrupted"
_ITEMS = 262_144
"""Items of one wire at a time: beyond it, targets are probed one group after another."""
_HOST_UNREACHABLE = {4: (0, 1, 6, 7, 8, 11, 12), 6: (0, 2, 3)}
"""Codes of "destination unreachable" that tell of no way to a machine, unless the machine says so itself."""
_ECHO: Range = (0, 0)
"""The place of an echo among services, whatever the family."""
_EXPIRED = {4: 11, 6: 3}
Saying = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to probe: packets a second, seconds to wait for rationed answers, and whether own packets may be sent."""

    rate: float
    patience: float = 30.0
    is_raw: bool = True


@dataclass(slots=True)
class Probing:
    """A probe of some targets as it goes on; `seen` has what was found so far of each, `is_interrupted` whether it was cut short."""

    targets: Sequence[Target]
    wanted: Ranges
    manner: Manner
    saying: Saying
    is_interrupted: bool = False
    is_raw: bool = False
    _found: dict[Target, list[tuple[list[Range], Sequence[Heard | None], list[str]]]] = field(default_factory=dict)

    def run(self) -> tuple[Sightings, ...]:
        """Probe everything; what was seen of each target. Ctrl-C ends it with what is known. Raises OSError where nothing works."""
        reachable = [target for target in self.targets if not target.why]
        services = list(self._services())
        most = max((len(numbers) for _, numbers in services), default=1)
        step = max(1, _ITEMS // max(most, 1))
        for start in range(0, len(reachable), step):
            group = reachable[start : start + step]
            for kind, numbers in services:
                self._probe(kind, numbers, group)
        return tuple(self._sightings(target) for target in self.targets)

    def _services(self) -> Iterator[tuple[str, list[int]]]:
        """The wanted services by the way they are probed: ports, or protocol numbers."""
        yield "echo", [0] if any(intersection(self.wanted, ((one, one),)) for one in ECHO.values()) else []
        protocols = [number for number in PROTOCOLS if intersection(self.wanted, ((number << 16, number << 16),))]
        yield "protocols", protocols
        for kind, protocol in (("tcp", TCP), ("udp", UDP)):
            base = protocol << 16
            inside = intersection(self.wanted, ((base | 1, base | 0xFFFF),))
            yield kind, [number - base for low, high in inside for number in range(low, high + 1)]

    def _probe(self, kind: str, numbers: list[int], group: Sequence[Target]) -> None:
        """Probe one kind of service of some targets."""
        if not numbers:
            return
        if kind == "echo":
            group = [one for one in group if intersection(self.wanted, ((ECHO[one.family], ECHO[one.family]),))]
        if not group:
            return
        axis = [_service(kind, number) for number in numbers]
        if self.is_interrupted:
            self._keep(group, axis, [None] * (len(numbers) * len(group)), {}, is_over=False)
            return
        wire = self._wire(kind, numbers, group)
        if wire is None:
            self._keep(group, axis, [NEEDS_ROOT] * (len(numbers) * len(group)), {}, is_over=True)
            return
        try:
            self._rounds(wire, kind, axis, group)
        finally:
            wire.close()

    def _rounds(self, wire: Wire, kind: str, axis: list[Range], group: Sequence[Target]) -> None:
        count = len(axis) * len(group)
        what = f"{group[0].name}{f' and {len(group) - 1:,} more' if len(group) > 1 else ''}: {kind}"
        rounds = Rounds(
            wire, count, len(group), self.manner.rate, self.manner.patience,
            lambda answered, of: self.saying(f"{what}: {answered:,} of {of:,} answered"),
        )  # fmt: skip
        is_over = False
        try:
            rounds.run()
            rationing.settle(rounds, self.manner.patience)
            is_over = True
        except KeyboardInterrupt:
            self.is_interrupted = True
        self._keep(group, axis, rounds.found, rounds.why, is_over)

    def _wire(self, kind: str, numbers: list[int], group: Sequence[Target]) -> Wire | None:
        """What sends these packets; None where this user may not."""
        if kind == "udp":
            return Datagrams(group, numbers)
        if kind == "echo":
            return Echo(group)
        try:
            if kind == "protocols":
                return Bare(group, numbers)
            if self.manner.is_raw:
                wire = Syn(group, numbers)
                self.is_raw = True
                return wire
        except PermissionError:
            pass
        return None if kind == "protocols" else Connecting(group, numbers)

    def _keep(
        self,
        group: Sequence[Target],
        axis: list[Range],
        found: Sequence[Heard | None],
        why: dict[int, str],
        is_over: bool,
    ) -> None:
        if not is_over:
            why = {**dict.fromkeys((number for number, one in enumerate(found) if one is None), INTERRUPTED), **why}
        count = len(group)
        for index, target in enumerate(group):
            reasons = [""] * len(axis)
            for number, reason in why.items():
                if number % count == index:
                    reasons[number // count] = reason
            services = [_echo(target.family)] if axis == [_ECHO] else axis
            self._found.setdefault(target, []).append((services, found[index::count], reasons))

    def _sightings(self, target: Target) -> Sightings:
        kept = self._found.get(target, [])
        distinct = {one for _, found, _ in kept for one in found if one is not None and not one.problem}
        is_alive = any(not one.sender for one in distinct) or resolved(target)
        replies = (one.hop_limit for one in distinct if one.answered is Answered.REPLY and one.hop_limit)
        hops = min(replies, default=0)
        known: dict[tuple[Heard | None, str], Observation] = {}
        pairs: list[tuple[Range, Observation]] = []
        for services, found, reasons in kept:
            for service, one, why in zip(services, found, reasons, strict=True):
                seen = known.get((one, why))
                if seen is None:
                    seen = known[one, why] = observation(one, why, target.family, is_alive, hops)
                pairs.append((service, seen))
        return Sightings(
            target.name, target.family, target.text, target.source_text, gathered(pairs), is_alive, target.why
        )


def _service(kind: str, number: int) -> Range:
    """A port, or a whole protocol, on the service axis; an echo is another one in each family."""
    if kind == "echo":
        return _ECHO
    base = number << 16 if kind == "protocols" else (TCP if kind == "tcp" else UDP) << 16 | number
    return (base, base | 0xFFFF) if kind == "protocols" else (base, base)


def _echo(family: Family) -> Range:
    """An echo request with any code."""
    return ECHO[family], ECHO[family] | 0xFF


def observation(heard: Heard | None, why: str, family: Family, is_alive: bool, hops: int) -> Observation:
    """What something that was heard means; `hops` is the hop limit of the host's own SYN-ACKs, 0 where there are none."""
    if heard is not None and heard.problem:
        return Observation(State.UNDETERMINED, why=heard.problem)
    if why:
        return Observation(State.UNDETERMINED, why=why)
    if heard is None:
        return Observation(State.HIDDEN)
    if heard.answered is Answered.REPLY:
        return Observation(State.OPEN, heard.answered)
    if heard.answered is not Answered.ICMP:
        is_nearer = heard.answered is Answered.RESET and 0 < hops < heard.hop_limit
        return Observation(State.CLOSED, heard.answered, is_nearer=is_nearer)
    seen = Observation(State.CLOSED, heard.answered, heard.type, heard.code, heard.sender)
    if heard.type == _EXPIRED[family]:
        return Observation(State.UNDETERMINED, why=f"the way there goes in a circle, says {heard.sender or 'the host'}")
    is_unreachable = heard.type == (3 if family == 4 else 1) and heard.code in _HOST_UNREACHABLE[family]
    is_unreachable = is_unreachable or not heard.type
    if is_unreachable and heard.sender and not is_alive:
        return Observation(State.UNDETERMINED, why=f"{seen.words(family)}, and nothing else was heard of the host")
    return seen
