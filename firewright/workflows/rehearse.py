"""Rehearse the firewalls of the selected policies: the proved rulesets in a kernel, hit with packets, in namespaces of their own."""

from __future__ import annotations

import json
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from firewright.analysis.ground import Ground, NoGround, ground_of
from firewright.analysis.path import intervals
from firewright.analysis.witnesses import Witness, Witnesses, carried, witnesses
from firewright.diagnostic import Report
from firewright.document import collection_paused
from firewright.live.rehearsal import Outcome, rehearse
from firewright.live.scenes import Scene, Stage, play
from firewright.live.testbed import Testbed, TestbedError
from firewright.model.moment import instant_of
from firewright.model.packet import Packet
from firewright.model.policy import Firewall, Policy, Rule
from firewright.reports import Compiled, Differing, Played, Rehearsal, Rehearsed, Way
from firewright.syntax.nftables import render, shifted
from firewright.workflows.check import sound_firewalls
from firewright.workflows.compile import compile_firewall
from firewright.workflows.selection import Saying, Wanted, silent
from firewright.writers.nftables import lower, rule_comment

_LATER = 60
"""Seconds after a day's beginning at which it is rehearsed, where it is another day than today."""
_ROOM = 900
"""Seconds in which nothing may end while packets are sent: far more than that takes."""


def rehearse_policies(
    wanted: Wanted,
    report: Report,
    names: tuple[str, ...] = (),
    saying: Saying = silent,
    in_user_namespace: bool | None = None,
) -> Rehearsal | None:
    """What every wanted firewall of the selected policies did with its packets; or None after saying in the report why not.

    One that cannot be compiled, proved or tried out stops all of them. `names` are firewalls; none is every one.
    """
    pairs = sound_firewalls(wanted, report, names, saying)
    if pairs is None:
        return None
    done = []
    for policy, firewall in pairs:
        day = wanted.day_of(policy)
        saying(f"compiling {firewall.name} of {policy.name}")
        compiled = compile_firewall(policy, firewall, day, report)
        if compiled is None:
            return None
        is_today = day == replace(wanted, day=None).day_of(policy)
        rehearsed = rehearse_firewall(policy, firewall, compiled, report, saying, is_today, in_user_namespace)
        if rehearsed is None:
            return None
        done.append(rehearsed)
    return Rehearsal(tuple(done), report.sources)


@collection_paused()
def rehearse_firewall(
    policy: Policy,
    firewall: Firewall,
    compiled: Compiled,
    report: Report,
    saying: Saying = silent,
    is_today: bool = True,
    in_user_namespace: bool | None = None,
) -> Rehearsed | None:
    """What one compiled firewall did with its packets; or None after saying in the report why nothing could be tried out.

    Where it is not for today, its clock is moved so that its day is now.
    """
    day = compiled.day
    named = f"{firewall.name} of {policy.name}"
    try:
        ground = ground_of(policy, firewall)
        saying(f"choosing packets for {named}")
        chosen = witnesses(policy, firewall, day, ground)
        text = _quiet_text(policy, firewall, compiled, is_today)
        with Testbed(ground, in_user_namespace) as bed:
            outcome = rehearse(
                bed, text, chosen.found, lambda sent, total: saying(f"{named}: {sent:,} of {total:,} packets")
            )
            counted = counters(bed.listing())
            stage = Stage(bed, policy, firewall, day, chosen.found, text, _moved(policy, firewall, compiled))
            scenes = play(stage, lambda name: saying(f"{named}: {name}"))
    except NoGround as error:
        report.error("not-rehearsed", f"nothing can be rehearsed: {error}", firewall.at)
        return None
    except TestbedError as error:
        report.error("not-rehearsed", f"nothing can be rehearsed: {error.message}", firewall.at, error.help)
        return None
    return _rehearsed(policy, compiled, ground, chosen, outcome, counted, scenes)


def _quiet_text(policy: Policy, firewall: Firewall, compiled: Compiled, is_today: bool) -> str:
    """The ruleset's text, in which nothing ends for a while: the very text that was proved, where that is so.

    Else its clock is moved, so that its day or time began a little ago and the next end is far enough.
    """
    begins, *later = (instant_of(one, policy.timezone) for one in intervals(policy, compiled.day))
    now, until = time.time(), min(later, default=math.inf)
    if is_today and until - now >= _ROOM:
        return compiled.text
    moved = math.floor(now - begins) - _LATER
    apart = math.ceil(max(0.0, now + _ROOM - until - moved))
    return render(shifted(lower(policy, firewall, compiled.day, Report()), moved, apart))


def _moved(policy: Policy, firewall: Firewall, compiled: Compiled) -> Callable[[date, int], str]:
    """The ruleset's text under a clock by which a moment begins at an instant."""

    def text_of(moment: date, instant: int) -> str:
        seconds = instant - int(instant_of(moment, policy.timezone))
        return render(shifted(lower(policy, firewall, compiled.day, Report()), seconds))

    return text_of


def _rehearsed(
    policy: Policy,
    compiled: Compiled,
    ground: Ground,
    chosen: Witnesses,
    outcome: Outcome,
    counted: Mapping[str, int],
    scenes: tuple[Scene, ...],
) -> Rehearsed:
    differing = [_differing(ground, one.witness, one.found) for one in outcome.disagreements]
    differing += [_differing(ground, one, "not sent: the kernel refused it") for one in outcome.unsent]
    if not outcome.again and not differing:
        differing += miscounted(chosen.found, counted)
    played = tuple(Played(f"{one.name}, IPv{one.family}", one.holds, one.why, one.is_played) for one in scenes)
    return Rehearsed(
        policy.name,
        policy.path,
        compiled.firewall,
        compiled.day,
        os.uname().release,
        tuple(_ways(ground, chosen.found, outcome)),
        tuple(differing),
        played,
        chosen.skipped,
        round(outcome.sent / outcome.seconds) if outcome.seconds else 0,
        outcome.again,
    )


def _ways(ground: Ground, found: tuple[Witness, ...], outcome: Outcome) -> Iterator[Way]:
    sent: Counter[tuple[str, str]] = Counter()
    agreed: Counter[tuple[str, str]] = Counter()
    for witness, is_agreed in zip(found, outcome.agreed, strict=True):
        way = _ends(ground, witness.packet)
        sent[way] += 1
        agreed[way] += is_agreed
    return (Way(*way, count, agreed[way]) for way, count in sorted(sent.items()))


def _ends(ground: Ground, packet: Packet) -> tuple[str, str]:
    """Whom a packet is from and to, by what is behind its interfaces."""
    source, destination = (
        ground.interface(name).zone if name else "local" for name in (packet.in_interface, packet.out_interface)
    )
    return source, destination


def _differing(ground: Ground, witness: Witness, found: str) -> Differing:
    decision, packet = witness.decision, witness.packet
    source, destination = _ends(ground, packet)
    beside = "" if witness.hop_limit == 64 else f", {carried(witness)[0]}"
    rule = decision.rule
    said = rule.label if rule is not None else decision.reason
    expected = f"{_DONE[decision.action.value]} ({decision.outcome})"
    return Differing(f"{packet}{beside}, {source} to {destination}", expected, found, said, decision.at)


_DONE = {"accept": "accepted", "drop": "dropped", "reject": "rejected"}


def counters(listing: str) -> Mapping[str, int]:
    """How many packets each comment's counters have counted."""
    found: Counter[str] = Counter()
    for one in json.loads(listing)["nftables"]:
        rule = one.get("rule", {})
        for statement in rule.get("expr", ()):
            if isinstance(statement.get("counter"), dict):
                found[rule.get("comment", "")] += statement["counter"]["packets"]
    return found


def miscounted(found: Sequence[Witness], counted: Mapping[str, int]) -> Iterator[Differing]:
    """The rules whose counters did not count exactly the packets that they decide."""
    wanted: Counter[str] = Counter()
    rules: dict[str, Rule] = {}
    for one in found:
        rule = one.decision.rule
        if rule is not None:
            comment = rule_comment(rule)
            wanted[comment] += 1
            rules[comment] = rule
    for comment, rule in rules.items():
        if counted.get(comment, 0) != wanted[comment]:
            expected = f"{wanted[comment]} packets"
            yield Differing("the counter of the rule", expected, f"{counted.get(comment, 0)}", rule.label, rule.at)
