"""One policy, every contestant: loaded, checked with the same packets, then measured in turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from statistics import median

from benchmarks.compile.contestant import Contestant, Unable
from benchmarks.dataplane.frames import write
from benchmarks.dataplane.lab import Lab, Lane, LoadError, Rate, turns
from benchmarks.dataplane.traffic import Sent, Traffic
from firewright.model.packet import FAMILIES, UDP, Family
from firewright.model.policy import Firewall, Policy

EMPTY = "an empty chain"
TRACKED = "`ct state established accept` alone"
_HOOK = "table inet bench { chain forward { type filter hook forward priority filter; policy accept; "
BASELINES = {EMPTY: _HOOK + "}; }", TRACKED: _HOOK + "ct state established accept; }; }"}

SLOW = 30_000.0
"""Nanoseconds a packet from which a contestant is measured with fewer packets and rounds."""
FLOWS, FEW = 16_384, 1_024


@dataclass(frozen=True, slots=True)
class Figure:
    """Nanoseconds a packet in each round."""

    rounds: tuple[float, ...]

    @classmethod
    def of(cls, rates: Sequence[Rate]) -> Figure:
        """The figure of some rounds."""
        return cls(tuple(one.nanoseconds for one in rates))

    @property
    def middle(self) -> float:
        """The median round."""
        return median(self.rounds)

    def part_of(self, base: Figure) -> float:
        """This rate as a part of another's: the median of each round's own part, where both took turns in the same rounds.

        Other work on the machine slows neighbours in a round alike, so that a round's part says more than its times.
        """
        if len(self.rounds) != len(base.rounds):
            return base.middle / self.middle
        return median(other / one for other, one in zip(base.rounds, self.rounds, strict=True))


@dataclass
class Entry:
    """A contestant's figures, or why there are none."""

    name: str
    lane: Lane | None = None
    said: str = ""
    checked: int = 0
    known: dict[Family, Figure] = field(default_factory=dict)
    first: dict[Family, Figure] = field(default_factory=dict)
    established: dict[Family, Figure] = field(default_factory=dict)

    def fail(self, said: str) -> None:
        """Out of the contest, for a reason."""
        self.said, self.lane = said, None
        for figures in (self.known, self.first, self.established):
            figures.clear()


@dataclass(frozen=True, slots=True)
class Run:
    """How long and how often: seconds a turn, rounds, rules whose edges are probed, questions to the specification."""

    seconds: float = 0.15
    rounds: int = 7
    edges: int = 300
    questions: int = 100


def contest(lab: Lab, policy: Policy, contestants: Sequence[Contestant], run: Run) -> list[Entry]:
    """Every contestant's entry for the policy's one firewall, the two baselines first."""
    (firewall,) = policy.firewalls.values()
    traffic = Traffic(policy, firewall)
    entries = [*_baselines(lab), *(_entered(lab, one, policy, firewall) for one in contestants)]
    mixes = {family: traffic.mixed(family, FLOWS) for family in FAMILIES}
    for family in FAMILIES:
        edges = [*traffic.boundary(family, run.edges), *mixes[family][: FEW // 2]]
        traffic.check(edges, run.questions)
        _check(lab, entries[2:], edges)
    for family, sent in mixes.items():
        _measure(lab, entries, family, sent, run)
        _established(lab, entries, family, [one for one in sent if one.is_accepted and one.packet.protocol == UDP], run)
    for entry in entries:
        if entry.lane is not None:
            entry.lane.remove()
    return entries


def _baselines(lab: Lab) -> Iterator[Entry]:
    for name, text in BASELINES.items():
        lane = lab.lane()
        lane.load(text)
        yield Entry(name, lane)


def _entered(lab: Lab, one: Contestant, policy: Policy, firewall: Firewall) -> Entry:
    """A contestant with its rules loaded; or without a lane and why."""
    if len(policy.rules) > one.most:
        return Entry(one.name, said=f"not measured: {one.why}")
    try:
        steps = one.make(policy, firewall)
    except Unable as why:
        return Entry(one.name, said=f"not here: {why}")
    lane = lab.lane()
    try:
        for step in steps:
            lane.run(*step.words, text=step.text)
    except LoadError as why:
        lane.remove()
        return Entry(one.name, said=f"**does not load**: {_first_line(str(why))}")
    return Entry(one.name, lane)


def _first_line(text: str) -> str:
    line = next(
        (one for one in text.splitlines() if "Error:" in one), text.splitlines()[0] if text else "no reason given"
    )
    return line[-160:].replace("|", "\\|")


def _check(lab: Lab, entries: Sequence[Entry], sent: Sequence[Sent]) -> None:
    """Send the same packets through each; one that lets a wrong packet through, or stops a right one, is out."""
    frames = write((one.packet for one in sent), lab.folder / "edges")
    wanted = "".join("1" if one.is_accepted else "0" for one in sent)
    for entry in entries:
        if entry.lane is None:
            continue
        # Asked again where it differs: a machine in a hurry may lose a packet, but not the same one twice.
        answers = [entry.lane.passes(frames)]
        if answers[0] != wanted:
            answers.append(entry.lane.passes(frames))
        heard = ["1" if "1" in bits else "0" for bits in zip(*answers, strict=True)]
        wrong = [one for one, bit in zip(sent, heard, strict=True) if (bit == "1") is not one.is_accepted]
        entry.checked += len(sent)
        if wrong:
            verb = "stops" if wrong[0].is_accepted else "passes"
            entry.lane.remove()
            entry.fail(f"**WRONG** for {len(wrong):,} of {len(sent):,} packets: it {verb} {wrong[0].packet}")


def _measure(lab: Lab, entries: Sequence[Entry], family: Family, sent: Sequence[Sent], run: Run) -> None:
    """Flows that are known but not answered, so that every packet is still new; then flows seen for the first time."""
    many = write((one.packet for one in sent), lab.folder / "many")
    few = write((one.packet for one in sent[:FEW]), lab.folder / "few")
    quick: list[tuple[Entry, Lane]] = []
    for entry in entries:
        if entry.lane is None:
            continue
        if entry.lane.rate(few, 0.01).nanoseconds < SLOW:
            quick.append((entry, entry.lane))
            continue
        (rates,) = turns([entry.lane], few, run.seconds, 3)
        entry.known[family] = Figure.of(rates)
        _must_pass(entry, rates, sent[:FEW])
    for (entry, _), rates in zip(quick, turns([lane for _, lane in quick], many, run.seconds, run.rounds), strict=True):
        entry.known[family] = Figure.of(rates)
        if entry.name not in BASELINES:
            _must_pass(entry, rates, sent)
    first: list[list[Rate]] = [[] for _ in quick]
    for _, (place, (_, lane)) in chain.from_iterable(((n, one) for one in enumerate(quick)) for n in range(run.rounds)):
        lane.forget()
        first[place].append(lane.rate(many, 0))
    for (entry, _), rates in zip(quick, first, strict=True):
        entry.first[family] = Figure.of(rates)


LOST = 1e-3
"""The part of the packets that a busy machine may lose without the rate being worth nothing; none may be too many."""


def _must_pass(entry: Entry, rates: Sequence[Rate], sent: Sequence[Sent]) -> None:
    """As many packets arrived as are allowed: a rate of lost packets is no rate."""
    share = sum(one.is_accepted for one in sent) / len(sent)
    for rate in rates:
        if not (1 - LOST) * rate.sent * share <= rate.passed <= rate.sent * share + 0.5:
            entry.fail(f"**WRONG**: of {rate.sent:,} packets {rate.passed:,} passed, not {share:.4f} of them")
            return


def _established(lab: Lab, entries: Sequence[Entry], family: Family, sent: Sequence[Sent], run: Run) -> None:
    """UDP flows that were answered."""
    frames = write((one.packet for one in sent), lab.folder / "flows")
    replies = write((one.packet for one in sent), lab.folder / "replies", are_replies=True)
    ready = []
    for entry in entries:
        if entry.lane is not None and family in entry.first and entry.name != EMPTY:
            entry.lane.forget()
            entry.lane.rate(frames, 0)
            entry.lane.answer(replies)
            ready.append((entry, entry.lane))
    for (entry, _), rates in zip(
        ready, turns([lane for _, lane in ready], frames, run.seconds, run.rounds), strict=True
    ):
        entry.established[family] = Figure.of(rates)
