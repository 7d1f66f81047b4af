"""Sending items in rounds: what is silent is sent again, slower where packets or answers were lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from firewright.analysis.observed import Answered
from firewright.live.prober.heard import Heard, Wire

_BURST = 64
_LEAST_WAIT, _MOST_WAIT, _WAIT_OF_NOTHING = 0.15, 1.5, 1.0
_TIMES = 4
_ROUNDS = 6
_SLOWER, _SLOWEST = 4, 200.0
LOSSY = "answers come only to some packets"
CONTRADICTORY = "the answers contradict each other"


class Rounds:
    """The items of a wire, and what was heard of each. Item `number` is one of target `number % targets`.

    `why` holds the items of which nothing can be said, and why; `fresh` how often each was heard of in this round.
    `rationed` are the targets whose ICMP errors came only to a second packet. `saying` is told how many answered, of how many.
    """

    def __init__(
        self, wire: Wire, count: int, targets: int, rate: float, patience: float, saying: Callable[[int, int], None]
    ) -> None:
        self.wire, self.count, self.targets, self.rate = wire, count, targets, rate
        self.found: list[Heard | None] = [None] * count
        self.why: dict[int, str] = {}
        self.fresh: dict[int, int] = {}
        self.rationed: set[int] = set()
        self._deadline = time.monotonic() + patience + 2 * count / rate
        self._saying = saying
        self._sent_at = [0.0] * count
        self._round_trip = self._variation = 0.0
        self._answers = 0

    def run(self) -> None:
        """Send everything, and what is silent again, until a round brings nothing new."""
        rate = self.rate
        left: Sequence[int] = range(self.count)
        for attempt in range(_ROUNDS):
            self.fresh = {}
            self.send(left, rate)
            self.wait(len(left))
            left = [number for number in left if self.found[number] is None]
            new = [number for number in self.fresh if attempt and self.found[number] is not None]
            late = {number % self.targets for number in new if self._is_firm(number)}
            self.rationed |= {number % self.targets for number in new} - late
            if not left or (attempt and not late) or time.monotonic() > self._deadline:
                break
            rate = max(min(rate, _SLOWEST), rate / _SLOWER) if late else rate
        self._call_again(left)
        if left and late:
            self.why.update({number: LOSSY for number in left if number % self.targets in late})

    def _call_again(self, left: Sequence[int]) -> None:
        """Send once more to targets that were heard of in no way, after a second: routers on the way may have had to look for them."""
        heard = {number % self.targets for number, one in enumerate(self.found) if one is not None}
        lonely = [number for number in left if number % self.targets not in heard] if len(heard) < self.targets else []
        if lonely:
            self.pause(_WAIT_OF_NOTHING)
            self.fresh = {}
            self.send(lonely, self.rate)
            self.wait(len(lonely))

    def _is_firm(self, number: int) -> bool:
        """Whether an answer is one that hosts do not ration as a matter of course."""
        one = self.found[number]
        return one is not None and not one.problem and one.answered is not Answered.ICMP

    def send(self, numbers: Sequence[int], rate: float) -> None:
        """Send some items, no faster than the rate; what comes back meanwhile is noted."""
        self.wire.settle()
        send, sent_at, found = self.wire.send, self._sent_at, self.found
        burst = max(1, min(_BURST, int(rate / 50)))
        begun = time.monotonic()
        for start in range(0, len(numbers), burst):
            now = time.monotonic()
            for number in numbers[start : start + burst]:
                known = found[number]
                if known is None or not known.problem:
                    sent_at[number] = now
                    send(number)
            self._note(0.0)
            due = begun + (start + burst) / rate
            while (early := due - time.monotonic()) > 0.0005:
                self._note(early)

    def wait(self, most: int) -> None:
        """Wait for late answers: a while that is long beside the round trips seen, or until `most` are there."""
        sent = time.monotonic()
        while len(self.fresh) < most:
            wanted = max(self._grace(), self.wire.least_wait) if self._round_trip else _WAIT_OF_NOTHING
            left = sent + wanted - time.monotonic()
            if left <= 0:
                return
            self._note(left)

    def _grace(self) -> float:
        return min(max(_LEAST_WAIT, _TIMES * (self._round_trip + 4 * self._variation)), _MOST_WAIT)

    def _measure(self, seconds: float) -> None:
        """Take a round trip into the estimate (RFC 6298, section 2)."""
        if self._round_trip:
            self._variation += (abs(self._round_trip - seconds) - self._variation) / 4
            self._round_trip += (seconds - self._round_trip) / 8
        else:
            self._round_trip, self._variation = seconds, seconds / 2

    def pause(self, seconds: float) -> None:
        """Send nothing for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._note(left)

    def _note(self, seconds: float) -> None:
        """Note what is heard within a time."""
        heard = self.wire.heard(seconds)
        if not heard:
            return
        now, found, fresh = time.monotonic(), self.found, self.fresh
        for number, one in heard:
            fresh[number] = fresh.get(number, 0) + 1
            known = found[number]
            if known is None:
                found[number] = one
                self._answers += 1
            elif one.problem:
                found[number] = one
            elif not known.problem and known.answered is not one.answered:
                self.why[number] = CONTRADICTORY
        self._measure(now - self._sent_at[heard[0][0]])
        self._saying(self._answers, self.count)
