"""Chains that see frames (netdev, bridge, ingress of inet): what of a packet's way through the machine they may stop.

A frame's rule reads the same headers as a packet's, but by the port's own name, before connection tracking, and only where the
frame really comes that way (a port of a bridge, a tag of a VLAN). So what such a rule drops is bounded: the packets that its
match allows may be dropped, whatever their interfaces and state. What leaves by `fwd` or `dup` is seen by no rule at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from firewright.diagnostic import harmless
from firewright.model.packet import Family
from firewright.readers.nftables.conditions import Conditions
from firewright.readers.nftables.fields import Scene
from firewright.readers.nftables.steps import Reading
from firewright.readers.nftables.terms import ALWAYS, Terms
from firewright.readers.nftables.tree import ListedChain, ListedTable
from firewright.source import Span
from firewright.space.axis import ANY_INTERFACE, Axis, top
from firewright.space.box import ANY, Box, intern, meet_box
from firewright.space.program import Literals, Program
from firewright.space.ruleset import Hook, Line

PASSED = {
    ("netdev", "ingress"): Hook.PREROUTING,
    ("netdev", "egress"): Hook.POSTROUTING,
    ("inet", "ingress"): Hook.PREROUTING,
    ("bridge", "prerouting"): Hook.PREROUTING,
    ("bridge", "input"): Hook.PREROUTING,
    ("bridge", "forward"): Hook.FORWARD,
    ("bridge", "output"): Hook.POSTROUTING,
    ("bridge", "postrouting"): Hook.POSTROUTING,
}
"""The hook of packets beside which a hook of frames lies, by the table's family and the hook's name. ARP carries no packets."""
SEES_FRAMES = "it sees frames: what it drops is bounded"
_STOPPING = ("drop", "reject")
_FREED = (Axis.IN_INTERFACE, Axis.OUT_INTERFACE, Axis.CONNTRACK_STATE)


@dataclass(frozen=True, slots=True)
class FrameChain:
    """A base chain that sees frames, and the hook of packets that it lies beside."""

    table: ListedTable
    chain: ListedChain
    hook: Hook


def stopped(
    one: FrameChain,
    family: Family,
    instant: float | None,
    can_stop: Callable[[ListedTable, ListedChain], bool],
    at: Span,
) -> Iterator[tuple[Box, Literals, Line]]:
    """The packets of a family that a chain of frames may stop: by boxes, conditions, and the rule behind it. O(rules).

    `can_stop` says whether a chain or one that it calls can drop anything.
    """
    table, chain = one.table, one.chain
    conditions = Conditions(table, Scene(family, one.hook, True, instant), ())
    title, name = harmless(table.title), harmless(chain.name)
    for number, rule in enumerate(chain.rules, 1):
        line = Line(title, name, number, rule.text, rule.comment, at, (SEES_FRAMES,))
        for step in Reading(conditions, number, line.place).rule(rule):
            called = table.chains.get(step.verdict.target)
            if step.verdict.word in _STOPPING or (called is not None and can_stop(table, called)):
                yield from _boxes(step.terms, family, one.hook, line)
    if chain.policy in _STOPPING:
        yield from _boxes(ALWAYS, family, one.hook, Line(title, name, 0, f"policy {chain.policy}", at=at))


def _boxes(terms: Terms, family: Family, hook: Hook, line: Line) -> Iterator[tuple[Box, Literals, Line]]:
    """The boxes of some terms whatever their interfaces and state, of packets that come in, or go out, by an interface."""
    end = Axis.OUT_INTERFACE if hook is Hook.POSTROUTING else Axis.IN_INTERFACE
    outside = intern(ANY_INTERFACE, top(family, end)) or ANY
    within = tuple(outside if axis is end else ANY for axis in Axis)
    own = ((f"a frame is dropped ({line.place})", True),)
    freed = [tuple(ANY if axis in _FREED else value for axis, value in zip(Axis, box, strict=True)) for box, _ in terms]
    for box in dict.fromkeys(meet_box(one, within, family) for one in freed):
        if box is not None:
            yield box, own, line


def before(program: Program, drops: list[tuple[Box, Literals, Line]]) -> Program:
    """A program behind what frames' chains may drop. O(steps)."""
    if not drops:
        return program
    out = Program(program.family)
    for box, literals, line in drops:
        out.add(box, "drop", line, literals)
    for step, verdict in enumerate(program.verdict):
        word = verdict if isinstance(verdict, str) else None
        here = out.add(program.box[step], word, program.origin[step], program.literals[step])
        if isinstance(verdict, int):
            out.skip(here, verdict + len(drops))
    return out.seal()


def bounded_lines(drops: Mapping[tuple[Hook, Family], list[tuple[Box, Literals, Line]]]) -> dict[str, Line]:
    """The rules behind what frames' chains may drop, by their places."""
    return {line.place: line for found in drops.values() for _, _, line in found}
