"""Scenes of what comes too late: answers to flows that have run out, and packets after the end of a permission."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from firewright.analysis.decide import enforce
from firewright.analysis.witnesses import Witness, carried
from firewright.live.conversation import Conversation
from firewright.live.rehearsal import judged, sending
from firewright.live.stage import DNS, FREE_PORTS, MOST_WAYS, QUERY, Scene, Stage
from firewright.model.packet import FAMILIES, UDP, Family
from firewright.model.policy import Action

_ENDING_IN = 0.7
"""Seconds in which a permission is looked at before its end, at least."""
_ENDS = 3


def waits(stage: Stage, telling: Callable[[str], None]) -> Iterator[Scene]:
    """What comes too late: answers when their flow has run out, and packets after the first ends of permissions."""
    ends = sorted({one.decision.rule.until for one in stage.witnesses if one.decision.rule and one.decision.rule.until})
    late = [one for family in FAMILIES for one in list(stage.opened(family, UDP, DNS))[:MOST_WAYS]]
    for number, until in enumerate(ends[:_ENDS] or ([None] if late else [])):
        telling(f"the end of {until}" if until else "late answers")
        yield from _Wait(stage, until, () if number else late).scenes()


class _Wait:
    """A while in which something ends: flows that wait for an answer, and the permissions of a day, if one is given."""

    def __init__(self, stage: Stage, until: date | None, late: Sequence[Witness]) -> None:
        self.stage, self.until = stage, until
        self.late = [Conversation(stage.bed, replace(one.packet, source_port=FREE_PORTS[2])) for one in late]
        self.ending = (
            {} if until is None else {family: list(_ending(stage, family, until))[:200] for family in FAMILIES}
        )
        self.wrong: dict[Family, str] = {}
        self.end = time.time() + (_ENDING_IN if until else 0.0)

    def scenes(self) -> Iterator[Scene]:
        """What became of each family's."""
        stage, until = self.stage, self.until
        shift = 0
        if until is not None:
            shift = round(self.end + 0.5 - stage.end_of(until))
            self.end = stage.end_of(until) + shift
        stage.bed.load(stage.text_at(shift))
        stage.bed.flush()
        self._before()
        is_slow = until is not None and time.time() >= self.end
        time.sleep(max(0.0, self.end - time.time()) + 0.1)
        yield from self._late()
        stage.bed.flush()
        for family, ending in self.ending.items():
            name = f"the end of {until} passes"
            wrong = self.wrong.get(family, "")
            if is_slow:
                yield Scene(name, family, False, "the machine was too slow to look before the end", is_played=False)
            elif ending:
                wrong = wrong or _said("after", _disagreeing(stage, [after for _, after in ending]))
                yield Scene(name, family, not wrong, wrong)

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


def _ending(stage: Stage, family: Family, until: date) -> Iterator[tuple[Witness, Witness]]:
    """Witnesses of which something else is said on the last day than on the next: both ways of it."""
    for one in stage.witnesses:
        rule = one.decision.rule
        if rule is not None and rule.until == until and one.packet.family == family and not one.before:
            last, after = (
                replace(one, decision=enforce(stage.policy, stage.firewall, one.packet, day, carried(one)))
                for day in (until, until + timedelta(days=1))
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
