"""The firewalls that others keep on a machine: listed, counted in every answer, never touched; and where they meet a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from firewright.analysis.neighbours import (
    Cut,
    Neighbour,
    Opening,
    cuts,
    stops_forwarded,
    unpermitted,
    words,
)
from firewright.analysis.passage import MachineNamer
from firewright.analysis.permissions import Surroundings
from firewright.analysis.running import Running, openings, witness
from firewright.diagnostic import Diagnostic, Note, Severity, harmless
from firewright.live.machine import Machine
from firewright.model.address import LOOPBACK
from firewright.model.packet import Family
from firewright.model.policy import Firewall, Policy
from firewright.space.budget import Undecided
from firewright.space.encode import encode as encode_policy
from firewright.space.flow import Flow
from firewright.space.program import Program
from firewright.workflows.foreign import Foreign, foreign
from firewright.workflows.live import Seen
from firewright.workflows.published import Published, published
from firewright.workflows.targets import Target, published_targets


def neighbours(seen: Seen, policy: Policy, firewall: Firewall, day: date) -> tuple[Neighbour, ...]:
    """Every table of others on a machine, and what it does to what a policy's firewall lets through from a day on.

    A table that is too much to decide is among them, `unjudged`; tables that could not be seen are not, and `seen` says
    that there are some. Raises Unfilled. Time: for each table one search a permission that the table touches.
    """
    others = tuple(foreign(seen))
    own = seen.machine.own_addresses
    judging = _Judging(
        seen.machine,
        Surroundings(own, seen.machine.outside, firewall.is_host),
        encode_policy(policy, firewall, day),
        MachineNamer(policy, own - LOOPBACK),
        Running(tuple(one.ruleset for one in others if one.ruleset is not None)),
        seen.is_whole and all(one.ruleset is not None for one in others),
    )
    return tuple(_judged(one, judging) for one in others)


@dataclass(frozen=True, slots=True)
class _Judging:
    """What every table is judged by: the machine, what the policy lets through, all tables of others; `is_whole` says that none lacks."""

    machine: Machine
    around: Surroundings
    programs: Mapping[Family, Program]
    namer: MachineNamer
    everything: Running
    is_whole: bool


def _judged(one: Foreign, by: _Judging) -> Neighbour:
    """A table with what it stops and opens; with why that is not known where it was too much."""
    listed, ruleset = one.listed, one.ruleset
    if ruleset is None or listed.is_dormant:
        return listed
    table = Running((ruleset,))
    found, strange = published(ruleset.translations)
    listed = replace(listed, unfollowed=tuple(f"{line.place}: {line.text}" for line in strange))
    try:
        forwarded = set(stops_forwarded(table, by.around)) & set(by.machine.forwards)
        return replace(
            listed,
            cuts=cuts(by.programs, by.around, table, by.namer),
            openings=tuple(_opened(found, by)) if by.around.is_host else (),
            forwards=tuple(sorted(forwarded)),
        )
    except Undecided as error:
        return replace(listed, unjudged=(*listed.unjudged, harmless(str(error))))


def _opened(found: tuple[Published, ...], by: _Judging) -> Iterator[Opening]:
    """What is published for others, as far as packets come through every table of others: a host's policy judges none of them."""
    machine = by.machine
    inner = machine.own_addresses | LOOPBACK
    beyond = tuple(one for one in found if not inner.has(one.family, one.address))
    for one, target in zip(beyond, published_targets(beyond, machine, by.everything), strict=True):
        sure, possible = _arriving(target, one.family)
        arriving, is_certain = (sure, by.is_whole) if sure else (possible, False)
        if not arriving:
            continue  # Some table stops it, or the machine hands it to nobody.
        flows = unpermitted(arriving, by.programs, one.outer, machine.own_addresses)
        yield Opening(
            service=one.service,
            host=one.host,
            target=one.target,
            flows=words(flows, by.around, by.namer),
            witness=str(witness(flows[0])) if flows else "",
            place=one.line.place,
            rule=one.line.text,
            is_certain=is_certain,
        )


def _arriving(target: Target, family: Family) -> tuple[tuple[Flow, ...], tuple[Flow, ...]]:
    """What of a target's packets surely gets there, and what possibly. Raises Undecided."""
    within, running = target.boxes[family], target.running
    if within is None or running is None:
        return (), ()
    boxes = tuple(openings(family, within))
    sure = tuple(flow for one in boxes for flow in running.surely.flows(family, {family: one}))
    possible = tuple(flow for one in boxes for flow in running.possibly.flows(family, {family: one}))
    return (sure if target.is_certain else ()), possible


def complaints(found: Iterable[Neighbour], seen: Seen, firewall: Firewall) -> Iterator[Diagnostic]:
    """What a person should know of the neighbours before a policy is loaded beside them.

    Warnings: a table usually stops flows that the policy opens (`neighbour-closes`), or opens a port past it
    (`neighbour-opens`), is not judged (`neighbour-unjudged`), or nothing decides what is forwarded (`forwarding`).
    All else are notes: essentials that are stopped, what is only stopped at times, other NAT (`foreign-nat`).
    """
    others = tuple(found)
    for one in others:
        for cut in one.cuts:
            yield _closing(one, cut)
        for opening in one.openings:
            if opening.flows:
                yield _opening(one, opening)
        for line in one.unfollowed:
            message = f"{one.title} publishes in a way that is not followed: who gets through there is not said"
            yield Diagnostic("neighbour-opens", Severity.WARNING, message, notes=(Note(line),), help=_LOOK)
        for why in one.unjudged:
            message = f"{one.title} is not wholly judged, and may stop anything: {why}"
            yield Diagnostic("neighbour-unjudged", Severity.WARNING, message, help=_LOOK)
        if one.translations:
            message = f"{one.title} changes addresses or ports: the policy judges packets as they are after that"
            yield Diagnostic("foreign-nat", Severity.NOTE, message, notes=tuple(map(Note, one.translations[:3])))
    if firewall.is_host:
        yield from _forwarding(others, seen)


_LOOK = "look at the rule by hand: nft list ruleset, iptables-save"


def _closing(one: Neighbour, cut: Cut) -> Diagnostic:
    """That a table stops what the policy lets through."""
    is_weighty = cut.is_usual and cut.what != "essentials"
    stops = "stops" if cut.is_usual else "may stop"
    what = {
        "flows": "what the policy opens",
        "established": "packets of flows that the policy opens",
        "essentials": "what machines need beside the policy's rules",
        "loopback": "what the machine says to itself",
    }[cut.what]
    more = f" and {len(cut.flows) - 1} more" if len(cut.flows) > 1 else ""
    return Diagnostic(
        "neighbour-closes",
        Severity.WARNING if is_weighty else Severity.NOTE,
        f"{one.title} {stops} {what}: {cut.flows[0]}{more}",
        notes=(Note(f"{cut.place}: {cut.rule}"), *map(Note, cut.flows[1:])),
        witness=cut.witness,
        help="a packet must pass both: let it through there too, or switch that firewall off",
    )


def _opening(one: Neighbour, opening: Opening) -> Diagnostic:
    """That a table publishes a port that the policy does not open, or not to so many."""
    more = f" and {len(opening.flows) - 1} more" if len(opening.flows) > 1 else ""
    return Diagnostic(
        "neighbour-opens",
        Severity.WARNING,
        f"{one.title} {'opens' if opening.is_certain else 'may open'} past the policy: {opening.flows[0]}{more}, "
        f"goes on to {opening.target}",
        notes=(Note(f"{opening.place}: {opening.rule}"), *map(Note, opening.flows[1:])),
        witness=opening.witness,
        help="publish it at 127.0.0.1 only, or close it in that firewall: a host's policy does not judge what is forwarded",
    )


def _forwarding(others: tuple[Neighbour, ...], seen: Seen) -> Iterator[Diagnostic]:
    """Who decides what the machine passes on, which a host's policy does not."""
    by: dict[str, list[Family]] = {}
    for family in seen.machine.forwards:
        titles = ", ".join(one.title for one in others if family in one.forwards)
        by.setdefault(titles, []).append(family)
    for titles, families in by.items():
        names = " and ".join(f"IPv{family}" for family in families)
        if titles:
            message = f"which {names} packets this machine passes on is decided by {titles}, not by the policy"
            yield Diagnostic("forwarding", Severity.NOTE, message)
        elif seen.is_whole and not any(one.unjudged for one in others):
            message = f"this machine passes on {names} packets, and no table stops any of them"
            way_out = (
                "a policy with firewalls judges what is forwarded; sysctl net.ipv4.ip_forward=0 where nothing should be"
            )
            yield Diagnostic("forwarding", Severity.WARNING, message, help=way_out)
