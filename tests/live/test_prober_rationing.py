"""Hosts that ration their errors in many ways, played over a clock of their own: nothing that they refuse is ever called hidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.analysis.observed import Answered
from firewright.live.prober import rationing, rounds
from firewright.live.prober.heard import Heard

REFUSED = Heard(Answered.ICMP, 3, 3)
_FLIGHT, _SENDING = 0.001, 0.000_01


@dataclass
class Host:
    """A host behind a wire: it refuses some items as far as its ration goes, and drops the others.

    The ration is a bucket that fills at `rate` a second up to `burst`, or where `is_counted` so many in each whole second.
    """

    refused: frozenset[int]
    rate: float
    burst: int
    is_counted: bool
    now: float = 1000.0
    tokens: float = -1.0
    filled: float = 0.0
    least_wait: float = 0.0
    flying: list[tuple[float, int]] = field(default_factory=list)

    def monotonic(self) -> float:
        """The time of this host's world."""
        return self.now

    def send(self, number: int) -> None:
        """A packet arrives."""
        self.now += _SENDING
        if number in self.refused and self._has_ration():
            self.flying.append((self.now + _FLIGHT, number))

    def _has_ration(self) -> bool:
        if self.is_counted:
            if int(self.now) != int(self.filled) or self.tokens < 0:
                self.tokens = max(1.0, self.rate)
        elif self.tokens < 0:
            self.tokens = self.burst
        else:
            self.tokens = min(self.burst, self.tokens + (self.now - self.filled) * self.rate)
        self.filled = self.now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def heard(self, seconds: float) -> list[tuple[int, Heard]]:
        """What has come back; time passes where nothing has."""
        if seconds and not any(due <= self.now for due, _ in self.flying):
            self.now = min([self.now + seconds, *(due for due, _ in self.flying)])
        come = [(due, number) for due, number in self.flying if due <= self.now]
        self.flying = [one for one in self.flying if one not in come]
        return [(number, REFUSED) for _, number in come]

    def settle(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


def play(host: Host, count: int, patience: float) -> tuple[set[int], set[int]]:
    """Probe a host in its own time: what is called hidden, and what undetermined."""
    clock: Any = SimpleNamespace(monotonic=host.monotonic)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "time", clock)
        patch.setattr(rationing, "time", clock)
        probe = rounds.Rounds(host, count, 1, 20_000.0, patience, lambda answered, of: None)
        probe.run()
        rationing.settle(probe, patience)
    silent = {number for number in range(count) if probe.found[number] is None}
    return {number for number in silent if number not in probe.why}, {
        number for number in silent if number in probe.why
    }


hosts = st.builds(
    Host,
    refused=st.frozensets(st.integers(0, 79), min_size=1, max_size=60),
    rate=st.sampled_from([0.2, 1.0, 2.0, 10.0, 100.0, 1000.0]),
    burst=st.sampled_from([1, 2, 6, 20, 50, 1000]),
    is_counted=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(hosts)
def test_nothing_refused_is_called_hidden(host: Host) -> None:
    """However a host rations its errors, what it refuses is found to be so, or undetermined; never hidden."""
    hidden, _ = play(host, 80, 60.0)
    assert not hidden & host.refused


@settings(max_examples=60, deadline=None)
@given(
    hosts.filter(lambda host: host.rate >= 1 and host.burst >= 2 and len(host.refused) <= 30 and not host.is_counted)
)
def test_with_patience_everything_is_told(host: Host) -> None:
    """Where the errors come at least once a second, two at a time, patience tells all: the refused from the hidden."""
    hidden, undetermined = play(host, 80, 300.0)
    assert hidden == frozenset(range(80)) - host.refused
    assert not undetermined


def test_the_ration_of_linux_is_waited_for() -> None:
    """One error a second, six at once: 24 closed services beside two that are dropped are all told within the usual patience."""
    host = Host(frozenset(range(24)), 1.0, 6, is_counted=False)
    hidden, undetermined = play(host, 26, 30.0)
    assert (hidden, undetermined) == ({24, 25}, set())


def test_a_few_refused_among_many_hidden_are_found() -> None:
    """Where the ration was used up before, a thousand hidden services are told from three refused ones all the same."""
    host = Host(frozenset({7, 500, 900}), 1.0, 6, is_counted=False, tokens=1.5, filled=1000.0)
    hidden, undetermined = play(host, 1003, 30.0)
    assert (len(hidden), undetermined) == (1000, set())


def test_who_refuses_far_too_much_is_given_up() -> None:
    """Where tens of thousands are refused and one a second is told, the rest is undetermined before the patience is over."""
    host = Host(frozenset(range(20_000)), 1.0, 6, is_counted=False)
    hidden, undetermined = play(host, 20_000, 120.0)
    assert not hidden
    assert len(undetermined) > 19_900
    assert host.now < 1060
