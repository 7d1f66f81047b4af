"""Rules over the same flows that ask for sessions of different length: the longest holds, and somebody should know."""

from collections.abc import Iterator

from firewright.audits._audit import Context, note
from firewright.diagnostic import Diagnostic, Note
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.model.policy import Policy, Rule, Verb
from firewright.space.axis import point
from firewright.space.box import EVERY_BOX
from firewright.space.packetset import PacketSet
from firewright.space.program import Program


def audit(policy: Policy, context: Context) -> Iterator[Diagnostic]:
    """One note for each permission that shares a packet with one of longer sessions."""
    timed = [rule for rule in context.active(policy) if rule.sessions and rule.verb in (Verb.ALLOW, Verb.REQUIRE)]
    timed.sort(key=lambda rule: -(rule.sessions or 0))
    lengths = list(dict.fromkeys(rule.sessions or 0 for rule in timed))
    if len(lengths) < 2:
        return
    programs = {family: _longest(timed, family, context) for family in FAMILIES}
    longer: list[str] = []
    for length in lengths:
        elsewhere = PacketSet.decided(programs, *longer)
        for rule in (one for one in timed if one.sessions == length):
            packet = context.first(elsewhere, rule) if longer else None
            if packet is not None:
                yield _differ(rule, packet, programs[packet.family])
        longer.append(str(length))


def _longest(timed: list[Rule], family: Family, context: Context) -> Program:
    """For every packet the longest of its permissions, which is the first."""
    program = Program(family)
    for rule in timed:
        for one in context.boxes(rule, family):
            program.add(one, str(rule.sessions), rule)
    program.add(EVERY_BOX, "")
    return program


def _differ(rule: Rule, packet: Packet, program: Program) -> Diagnostic:
    other = program.origin[program.decide(point(packet))]
    assert isinstance(other, Rule)  # noqa: S101 - a packet with longer sessions has a rule that says so
    longest = f"{other.sessions} s"
    message = f"{rule.label}: sessions of {rule.sessions} s here and {longest} elsewhere; {longest} holds"
    notes = [Note(f"{other.label}: {other.sessions} s", other.at)]
    return note("sessions-differ", message, rule.at, packet, "give both the same length", notes)
