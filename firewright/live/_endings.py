"""Scenes of what comes too late: answers to flows that have run out, and packets after the end of a permission."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil

from firewright.analysis.decide import enforce
from firewright.analysis.path import intervals
from firewright.analysis.witnesses import Witness, carried
from firewright.live.conversation import Conversation
from firewright.live.rehearsal import judged, sending
from firewright.live.stage import DNS, FREE_PORTS, MOST_WAYS, QUERY, Scene, Stage
from firewright.model.moment import begins, ends, instant_of, iso
from firewright.model.packet import FAMILIES, UDP, Family
from firewright.model.policy import Action

_ENDING_IN = 0.7
"""Seconds in which a permission is looked at before its end, at least."""
_ENDS = 3
_CLOSEST = 3.0
"""Seconds between two changes that a look before the second needs: what the first changed is over by then."""


@dataclass(frozen=True, slots=True)
class _End:
    """A moment at which permissions are over: one from which on all was as it is right before it, and the next, if there is one."""

    before: date
    moment: date
    following: date | None

    def __str__(self) -> str:
        """The end of a day, or the end at a time."""
        if isinstance(self.moment, datetime):
            return f"the end at {iso(self.moment)}"
        return f"the end of {iso(self.moment - timedelta(days=1))}"


def waits(stage: Stage, telling: Callable[[str], None]) -> Iterator[Scene]:
    """What comes too late: answers when their flow has run out, and packets after the first ends of permissions."""
    found = list(_ends(stage))
    late = [one for family in FAMILIES for one in list(stage.opened(family, UDP, DNS))[:MOST_WAYS]]
    for number, end in enumerate(found[:_ENDS] or ([None] if late else [])):
        telling(str(end) if end else "late answers")
        yield from _Wait(stage, end, () if number else late).scenes()


def _ends(stage: Stage) -> Iterator[_End]:
    """Each moment after the stage's own at which rules that decide a witness end."""
    rules = [one.decision.rule for one in stage.witnesses if one.decision.rule is not None]
    at = {ends(rule.until) for rule in rules if rule.until is not None}
    stretches = intervals(stage.policy, stage.day)
    for before, moment, following in zip(stretches, stretches[1:], (*stretches[2:], None), strict=False):
        if begins(moment) in at:
            yield _End(before, moment, following)


class _Wait:
    """A while in which something ends: flows that wait for an answer, and permissions, if an end is given."""

    def __init__(self, stage: Stage, end: _End | None, late: Sequence[Witness]) -> None:
        self.stage, self.end = stage, end
        self.late = [Conversation(stage.bed, replace(one.packet, source_port=FREE_PORTS[2])) for one in late]
        self.ending = {} if end is None else {family: list(_ending(stage, family, end))[:200] for family in FAMILIES}
        self.wrong: dict[Family, str] = {}

    def scenes(self) -> Iterator[Scene]:
        """What became of each family's."""
        stage, end = self.stage, self.end
        instant = time.time() if end is None else float(ceil(time.time() + _ENDING_IN))
        stage.bed.load(stage.text if end is None else stage.moved(end.moment, int(instant)))
        stage.bed.flush()
        self._before()
        is_slow = time.time() >= instant
        time.sleep(max(0.0, instant - time.time()) + 0.1)
        yield from self._late()
        stage.bed.flush()
        if end is not None:
            yield from self._passed(end, is_slow, instant)

    def _passed(self, end: _End, is_slow: bool, instant: float) -> Iterator[Scene]:
        """What became of the permissions whose end was at an instant."""
        stage = self.stage
        since = self._seconds(end.before, end.moment)
        room = None if end.following is None else self._seconds(end.moment, end.following)
        why = "the machine was too slow to look before the end" if is_slow else ""
        if since < _CLOSEST:
            why = f"another change is only {since:.0f} s before it"
        for family, ending in self.ending.items():
            wrong = self.wrong.get(family, "")
            if ending and not (why or wrong):
                wrong = _said("after", _disagreeing(stage, [after for _, after in ending]))
                if room is not None and time.time() >= instant + room:
                    why = "the machine was too slow to look before the next end"
            if ending:
                yield Scene(f"{end} passes", family, not (why or wrong), why or wrong, is_played=not why)

    def _seconds(self, one: date, other: date) -> float:
        zone = self.stage.policy.timezone
        return instant_of(other, zone) - instant_of(one, zone)

    def _before(self) -> None:
        for family, ending in self.ending.items():
            self.wrong[family] = _said("before", _disagreeing(self.stage, [last for last, _ in ending]))
        self.stage.bed.flush()
        self.asked = [talk.tell(forth=True, data=QUERY) for talk in self.late]
        self.stage.bed.shorten(0)

    def _late(self) -> Iterator[Scene]:
        wrong: dict[Family, str] = {}
        for talk, is_asked in zip(self.late, self.asked, strict=True):
            passed = talk.tell(forth=False, data=QUERY)
            words = "" if is_asked else "the query did not pass"
            if is_asked and passed != (self.stage.expects(talk.reply) is Action.ACCEPT):
                words = f"an answer after its flow was forgotten {'passed' if passed else 'did not pass'}: {talk.reply}"
            family = talk.opening.family
            wrong[family] = wrong.get(family) or words
        for family, words in wrong.items():
            yield Scene("DNS over UDP: a late answer", family, not words, words)


def _said(when: str, wrong: str) -> str:
    return f"{when} it {wrong}" if wrong else ""


def _ending(stage: Stage, family: Family, end: _End) -> Iterator[tuple[Witness, Witness]]:
    """Witnesses of which something else is said before an end than after it: both ways of it."""
    for one in stage.witnesses:
        rule = one.decision.rule
        if rule is None or rule.until is None or one.packet.family != family or one.before:
            continue
        if ends(rule.until) == begins(end.moment):
            last, after = (
                replace(one, decision=enforce(stage.policy, stage.firewall, one.packet, moment, carried(one)))
                for moment in (end.before, end.moment)
            )
            if last.action is not after.action:
                yield last, after


def _disagreeing(stage: Stage, witnesses: Sequence[Witness]) -> str:
    """The first packet that does otherwise than is said of it, in words."""
    ground = stage.bed.ground
    if not witnesses:
        return ""
    seen = stage.bed.send([sending(ground, one, number) for number, one in enumerate(witnesses, 1)])
    found = ((one, judged(ground, one, what)) for one, what in zip(witnesses, seen, strict=True))
    return next((f"{one.packet} is {word}" for one, word in found if word), "")
