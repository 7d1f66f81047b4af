"""Scenes: what takes more than one packet. Each is played only where the policy is about it, and says by name what it could not.

A scene raises `Failed` with what went wrong; what the specification says of each packet that opens something comes from
`analysis/decide.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address

from firewright.analysis.witnesses import Witness
from firewright.live._endings import waits
from firewright.live.conversation import ACK, FIN, PSH, QUIET, SYN, Conversation, turned
from firewright.live.stage import DNS, FREE_PORTS, MOST_WAYS, QUERY, Failed, Scene, Stage
from firewright.model.packet import FAMILIES, TCP, UDP, Family, Packet
from firewright.model.policy import Action

__all__ = ["Scene", "Stage", "play"]

FTP = 21
_SLACK = 3
"""Seconds that a timeout may have run down before it is read."""
_OVERSIZED = 3_000
"""Bytes of a DNS answer that fits no packet of Ethernet."""


def play(stage: Stage, telling: Callable[[str], None]) -> tuple[Scene, ...]:
    """Every scene that concerns the policy, for each family. Raises TestbedError."""
    found = []
    stage.bed.load(stage.text + QUIET)
    for family in FAMILIES:
        for name, witnesses, act in _scenes(stage, family):
            chosen = list(witnesses)[:MOST_WAYS]
            if chosen:
                telling(name)
                found.append(_played(stage, name, family, chosen, act))
    return (*found, *waits(stage, telling))


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
    stray = replace(witness.packet, source_port=FREE_PORTS[0], tcp_flags=ACK)
    if stage.expects(stray) is not Action.ACCEPT and Conversation(stage.bed, stray).say(forth=True, flags=ACK):
        raise Failed("a segment of a connection that nobody opened passed")
    unasked = replace(turned(witness.packet), selector=FREE_PORTS[1], tcp_flags=SYN | ACK)
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
    if not talk.tell(forth=True, data=QUERY):
        raise Failed("the query did not pass")
    if not talk.tell(forth=False, data=QUERY):
        raise Failed("the answer did not pass")


def _dns_in_fragments(stage: Stage, witness: Witness) -> None:
    talk = Conversation(stage.bed, witness.packet)
    if not talk.tell(forth=True, data=QUERY):
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
    truncated = QUERY[:2] + b"\x83\x00" + QUERY[4:]
    if not talk.tell(forth=True, data=QUERY) or not talk.tell(forth=False, data=truncated):
        raise Failed("the query, or its truncated answer, did not pass")
    over_tcp = Conversation(stage.bed, witness.packet)
    if wrong := over_tcp.open():
        raise Failed(wrong)
    asked = len(QUERY).to_bytes(2, "big") + QUERY
    if not over_tcp.say(True, ACK | PSH, asked) or not over_tcp.say(False, ACK | PSH, bytes(1400)):
        raise Failed("query or answer over TCP did not pass")


def _ftp_passive(stage: Stage, witness: Witness) -> None:
    control, packet = _control(stage, witness), witness.packet
    data = replace(packet, selector=FREE_PORTS[0], source_port=FREE_PORTS[1])
    if stage.expects(data) is not Action.ACCEPT and Conversation(stage.bed, data).say(True, SYN):
        raise Failed("a data connection that nobody agreed on passed")
    data = replace(data, selector=FREE_PORTS[2])
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
    data = replace(turned(packet), source_port=20, selector=FREE_PORTS[0])
    if stage.expects(data) is not Action.ACCEPT and Conversation(stage.bed, data).say(True, SYN):
        raise Failed("a data connection that nobody agreed on passed")
    data = replace(data, selector=FREE_PORTS[2])
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
