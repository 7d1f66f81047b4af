"""Scenes: what takes more than one packet. Each is played only where the policy is about it, and says by name what it could not.

A scene raises `Failed` with what went wrong; what the specification says of each packet that opens something comes from
`analysis/decide.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from ipaddress import ip_address

from firewright.analysis.decide import enforce
from firewright.analysis.witnesses import Witness, carried
from firewright.live.conversation import ACK, FIN, PSH, QUIET, SYN, Conversation, turned
from firewright.live.rehearsal import judged, sending
from firewright.live.testbed import Testbed
from firewright.model.address import UNICAST
from firewright.model.decision import Outcome
from firewright.model.packet import FAMILIES, TCP, UDP, Family, Packet
from firewright.model.policy import Action, Firewall, Policy

DNS, FTP = 53, 21
_MOST_WAYS = 4
"""Ways through a firewall on which a conversation is held, for each family."""
_FREE_PORTS = (49_321, 50_231, 51_999, 61_234)
_ENDING_IN = 0.7
"""Seconds in which a permission is looked at before its end, at least."""
_ENDS = 3
_PATIENCE = 1.0
"""Seconds that a flow is left, where it is to be forgotten."""
_SLACK = 3
"""Seconds that a timeout may have run down before it is read."""
_QUERY = bytes.fromhex("12340100000100000000000007657861 6d706c65 0574657374 0000010001".replace(" ", ""))
_OVERSIZED = 3_000
"""Bytes of a DNS answer that fits no packet of Ethernet."""


class Failed(Exception):
    """What went otherwise than the policy says."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What became of a scene: it holds, or `why` says what went wrong, or why it could not be played at all."""

    name: str
    family: Family
    holds: bool
    why: str = ""
    is_played: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """What the scenes have in common: the testbed, the policy at a firewall on a day, and its ruleset as text.

    `text_at` is the ruleset as it is so many seconds later than now, so that ends of permissions can be seen to pass.
    """

    bed: Testbed
    policy: Policy
    firewall: Firewall
    day: date
    witnesses: Sequence[Witness]
    text_at: Callable[[int], str]
    end_of: Callable[[date], float]

    def expects(self, packet: Packet, day: date | None = None) -> Action:
        """What the specification says of a packet that belongs to nothing."""
        return enforce(self.policy, self.firewall, packet, day or self.day).action

    def opened(self, family: Family, protocol: int, port: int | None = None) -> Iterator[Witness]:
        """Witnesses that the policy's own rules let through: for each way the first, with that port where one is asked for."""
        seen: set[tuple[str, str]] = set()
        for one in self.witnesses:
            packet, way = one.packet, (one.packet.in_interface, one.packet.out_interface)
            if (
                packet.family == family
                and packet.protocol == protocol
                and one.decision.outcome in (Outcome.REQUIRED, Outcome.ALLOWED)
                and not (one.before or one.is_malformed)
                and packet.tcp_flags == SYN
                and port in (None, packet.selector)
                and way not in seen
                and self._can_answer(packet)
            ):
                seen.add(way)
                yield one

    def _can_answer(self, packet: Packet) -> bool:
        """Whether each end can answer the other: a single machine, at an address that it has."""
        family, own = packet.family, self.bed.ground.own(packet.family)
        ends = ((packet.in_interface, packet.source), (packet.out_interface, packet.destination))
        return all(UNICAST.has(family, address) and (name or address in own) for name, address in ends)


def play(stage: Stage, telling: Callable[[str], None]) -> tuple[Scene, ...]:
    """Every scene that concerns the policy, for each family. Raises TestbedError."""
    found = []
    stage.bed.load(stage.text_at(0) + QUIET)
    for family in FAMILIES:
        for name, witnesses, act in _scenes(stage, family):
            chosen = list(witnesses)[:_MOST_WAYS]
            if chosen:
                telling(name)
                found.append(_played(stage, name, family, chosen, act))
    return (*found, *_waits(stage, telling))


_Act = Callable[[Stage, Witness], None]


def _scenes(stage: Stage, family: Family) -> Iterator[tuple[str, Iterable[Witness], _Act]]:
    yield "a TCP conversation, and segments of none", stage.opened(family, TCP), _tcp_conversation
    yield "DNS over UDP", stage.opened(family, UDP, DNS), _dns
    forwarded = (one for one in stage.opened(family, UDP, DNS) if one.packet.in_interface and one.packet.out_interface)
    yield "DNS over UDP: an oversized answer, in fragments", forwarded, _dns_in_fragments
    both = list(stage.opened(family, UDP, DNS))
    ways = {(one.packet.in_interface, one.packet.out_interface) for one in both}
    over_tcp = (
        one for one in stage.opened(family, TCP, DNS) if (one.packet.in_interface, one.packet.out_interface) in ways
    )
    yield "DNS: a truncated answer, then TCP", over_tcp, _dns_truncated
    helped = (one for one in stage.opened(family, TCP, FTP) if _names_helper(one, "ftp"))
    yield "FTP, passive", helped, _ftp_passive
    helped = (one for one in stage.opened(family, TCP, FTP) if _names_helper(one, "ftp"))
    yield "FTP, active", helped, _ftp_active
    timed = (one for one in stage.opened(family, TCP) if _seconds(stage, one) is not None)
    yield "the timeout of an established connection", timed, _timeout


def _names_helper(witness: Witness, name: str) -> bool:
    rule = witness.decision.rule
    return rule is not None and any(name in term.helpers for term in rule.terms)


def _played(stage: Stage, name: str, family: Family, witnesses: Sequence[Witness], act: _Act) -> Scene:
    for witness in witnesses:
        stage.bed.flush()
        try:
            act(stage, witness)
        except Failed as failed:
            return Scene(name, family, False, f"{failed}: {witness.packet}")
    return Scene(name, family, True)


def _tcp_conversation(stage: Stage, witness: Witness) -> None:
    stray = replace(witness.packet, source_port=_FREE_PORTS[0], tcp_flags=ACK)
    if stage.expects(stray) is not Action.ACCEPT and Conversation(stage.bed, stray).say(forth=True, flags=ACK):
        raise Failed("a segment of a connection that nobody opened passed")
    unasked = replace(turned(witness.packet), selector=_FREE_PORTS[1], tcp_flags=SYN | ACK)
    if stage.expects(unasked) is not Action.ACCEPT and Conversation(stage.bed, unasked).say(
        forth=True, flags=SYN | ACK
    ):
        raise Failed("an answer that nobody asked for passed")
    talk = Conversation(stage.bed, witness.packet)
    if wrong := talk.open():
        raise Failed(wrong)
    for forth, flags, data in (
        (True, ACK | PSH, b"question"),
        (False, ACK | PSH, b"answer"),
        (True, ACK | FIN, b""),
        (False, ACK | FIN, b""),
        (True, ACK, b""),
    ):
        if not talk.say(forth, flags, data):
            raise Failed("a segment of an open connection did not pass")


def _dns(stage: Stage, witness: Witness) -> None:
    talk = Conversation(stage.bed, witness.packet)
    if not talk.tell(forth=True, data=_QUERY):
        raise Failed("the query did not pass")
    if not talk.tell(forth=False, data=_QUERY):
        raise Failed("the answer did not pass")


def _dns_in_fragments(stage: Stage, witness: Witness) -> None:
    talk = Conversation(stage.bed, witness.packet)
    if not talk.tell(forth=True, data=_QUERY):
        raise Failed("the query did not pass")
    came = talk.tell_in_fragments(forth=False, data=bytes(_OVERSIZED))
    if came != _OVERSIZED + 8:
        raise Failed(f"of an answer of {_OVERSIZED + 8} bytes in fragments {came} came")
    stage.bed.flush()
    if stage.expects(talk.reply) is not Action.ACCEPT and talk.tell_in_fragments(forth=False, data=bytes(_OVERSIZED)):
        raise Failed("fragments that nobody asked for passed")


def _dns_truncated(stage: Stage, witness: Witness) -> None:
    query = replace(witness.packet, protocol=UDP)
    talk = Conversation(stage.bed, query)
    truncated = _QUERY[:2] + b"\x83\x00" + _QUERY[4:]
    if not talk.tell(forth=True, data=_QUERY) or not talk.tell(forth=False, data=truncated):
        raise Failed("the query, or its truncated answer, did not pass")
    over_tcp = Conversation(stage.bed, witness.packet)
    if wrong := over_tcp.open():
        raise Failed(wrong)
    asked = len(_QUERY).to_bytes(2, "big") + _QUERY
    if not over_tcp.say(True, ACK | PSH, asked) or not over_tcp.say(False, ACK | PSH, bytes(1400)):
        raise Failed("query or answer over TCP did not pass")


def _ftp_passive(stage: Stage, witness: Witness) -> None:
    control, packet = _control(stage, witness), witness.packet
    data = replace(packet, selector=_FREE_PORTS[0], source_port=_FREE_PORTS[1])
    if stage.expects(data) is not Action.ACCEPT and Conversation(stage.bed, data).say(True, SYN):
        raise Failed("a data connection that nobody agreed on passed")
    data = replace(data, selector=_FREE_PORTS[2])
    if packet.family == 4:
        host = str(ip_address(packet.destination)).replace(".", ",")
        said = f"227 Entering Passive Mode ({host},{data.selector >> 8},{data.selector & 255}).\r\n"
    else:
        said = f"229 Entering Extended Passive Mode (|||{data.selector}|)\r\n"
    asked = b"PASV\r\n" if packet.family == 4 else b"EPSV\r\n"
    if not control.say(True, ACK | PSH, asked) or not control.say(False, ACK | PSH, said.encode()):
        raise Failed("the agreement on a data connection did not pass")
    if wrong := Conversation(stage.bed, data).open():
        raise Failed(f"the data connection that was agreed on failed: {wrong}")


def _ftp_active(stage: Stage, witness: Witness) -> None:
    control, packet = _control(stage, witness), witness.packet
    data = replace(turned(packet), source_port=20, selector=_FREE_PORTS[0])
    if stage.expects(data) is not Action.ACCEPT and Conversation(stage.bed, data).say(True, SYN):
        raise Failed("a data connection that nobody agreed on passed")
    data = replace(data, selector=_FREE_PORTS[2])
    address, port = str(_address(packet)), data.selector
    comma = f"PORT {address.replace('.', ',')},{port >> 8},{port & 255}\r\n"
    said = comma if packet.family == 4 else f"EPRT |2|{address}|{port}|\r\n"
    if not control.say(True, ACK | PSH, said.encode()):
        raise Failed("the agreement on a data connection did not pass")
    if wrong := Conversation(stage.bed, data).open():
        raise Failed(f"the data connection that was agreed on failed: {wrong}")


def _address(packet: Packet) -> object:
    return ip_address(packet.source.to_bytes(4 if packet.family == 4 else 16, "big"))


def _control(stage: Stage, witness: Witness) -> Conversation:
    """A control connection, read by the helper."""
    control = Conversation(stage.bed, witness.packet)
    if wrong := control.open():
        raise Failed(wrong)
    if not control.say(False, ACK | PSH, b"220 ready\r\n") or not control.say(True, ACK | PSH, b"USER ftp\r\n"):
        raise Failed("the greetings did not pass")
    if not any(flow.helper == "ftp" for flow in stage.bed.flows()):
        raise Failed("no helper reads the control connection")
    return control


def _seconds(stage: Stage, witness: Witness) -> int | None:
    """How long an established connection of a witness is to be remembered, where the policy says so.

    The longest of the sessions of all rules that let it through holds.
    """
    rules = [rule for rule in stage.policy.rules if rule.is_active(stage.day) and rule.sessions is not None]
    own = witness.decision.rule
    if own is None or any(rule is not own for rule in rules):
        rules = [rule for rule in rules if rule is own]
    if rules:
        return rules[0].sessions
    return stage.firewall.timeouts.get("tcp-established")


def _timeout(stage: Stage, witness: Witness) -> None:
    wanted = _seconds(stage, witness)
    if wrong := Conversation(stage.bed, witness.packet).open():
        raise Failed(wrong)
    seconds = [flow.seconds for flow in stage.bed.flows() if flow.port == witness.packet.selector]
    if not seconds or wanted is None or not wanted - _SLACK <= max(seconds) <= wanted:
        raise Failed(f"conntrack remembers the connection for {max(seconds, default=0)} s, not {wanted}")


def _waits(stage: Stage, telling: Callable[[str], None]) -> Iterator[Scene]:
    """What takes a second: answers that come late, and the first ends of permissions, the first of them in the same second."""
    ends = sorted({one.decision.rule.until for one in stage.witnesses if one.decision.rule and one.decision.rule.until})
    late = [one for family in FAMILIES for one in list(stage.opened(family, UDP, DNS))[:_MOST_WAYS]]
    for number, until in enumerate(ends[:_ENDS] or ([None] if late else [])):
        telling(f"the end of {until}" if until else "late answers")
        yield from _Wait(stage, until, () if number else late).scenes()


class _Wait:
    """A second or two in which something ends: flows that wait for an answer, and the permissions of a day, if one is given."""

    def __init__(self, stage: Stage, until: date | None, late: Sequence[Witness]) -> None:
        self.stage, self.until = stage, until
        self.late = [Conversation(stage.bed, replace(one.packet, source_port=_FREE_PORTS[2])) for one in late]
        self.ending = (
            {} if until is None else {family: list(_ending(stage, family, until))[:200] for family in FAMILIES}
        )
        self.wrong: dict[Family, str] = {}
        self.end = time.time() + (_ENDING_IN if until else _PATIENCE)

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
        time.sleep(max(0.0, self.end - time.time(), _PATIENCE if self.late else 0.0) + 0.1)
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
        self.asked = [talk.tell(forth=True, data=_QUERY) for talk in self.late]
        self.stage.bed.shorten(1)

    def _late(self) -> Iterator[Scene]:
        wrong: dict[Family, str] = {}
        for talk, is_asked in zip(self.late, self.asked, strict=True):
            passed = talk.tell(forth=False, data=_QUERY)
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
