"""What of some packets passes a ruleset, in words: surely, and possibly beside that."""

from __future__ import annotations

from collections.abc import Mapping

from firewright.analysis.passage import MachineNamer, passage_words
from firewright.analysis.running import Running
from firewright.analysis.wire import by_any
from firewright.diagnostic import harmless
from firewright.model.packet import FAMILIES, Family
from firewright.reports import Passage
from firewright.space.box import Box
from firewright.space.budget import Undecided
from firewright.space.flow import Flow
from firewright.space.packetset import PacketSet


def passage(
    title: str,
    running: Running,
    boxes: Mapping[Family, tuple[Box, ...]],
    namer: MachineNamer,
    *,
    is_outside: bool = False,
) -> Passage:
    """What of some packets passes, in words; that it was not decided is said instead where it was too much work.

    Of what comes from outside nobody is told that it does not come by `lo`.
    """
    asked = [(family, one) for family in FAMILIES for one in boxes[family]]
    try:
        sure = [flow for family, one in asked for flow in running.surely.flows(family, {family: one})]
        possible = (
            [flow for family, one in asked for flow in _possible(running, family, one)] if running.bounded else []
        )
    except Undecided as error:
        return Passage(title, (), (), harmless(str(error)))
    if is_outside:
        sure, possible = list(map(by_any, sure)), list(map(by_any, possible))
    return Passage(title, tuple(map(str, passage_words(sure, namer))), tuple(map(str, passage_words(possible, namer))))


def _possible(running: Running, family: Family, within: Box) -> tuple[Flow, ...]:
    """What may pass beside what surely does: under its conditions, then whatever else some reading lets through. Raises Undecided."""
    asked = {family: within}
    named = (running.conditionally - running.surely).flows(family, asked)
    told = PacketSet.of({family: [flow.box for flow in named]})
    return (*named, *(running.possibly - running.surely - told).flows(family, asked))
