"""Audit mode in the kernel: everything passes, what would be refused is remembered with its line, and enforcing comes by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from firewright.analysis.ground import Ground, ground_of
from firewright.analysis.witnesses import Witness, witnesses
from firewright.diagnostic import Report
from firewright.live.rehearsal import rehearse, sending
from firewright.live.testbed import Testbed
from firewright.model.packet import FAMILIES, PORTED, TCP, ConntrackState, Family, Packet
from firewright.model.policy import Action, Firewall, Policy
from firewright.reports import CutFlow, WouldCut
from firewright.syntax.nftables import render
from firewright.syntax.nftables.audited import audited
from firewright.workflows.audited import audited_text, would_cut
from firewright.writers.nftables import lower
from tests.language.world import policy
from tests.live import scene
from tests.live.benches import needs_testbed
from tests.live.mutants import firewalls
from tests.policies import DAY

POLICIES = Path(__file__).parent / "policies"
HOST = policy("""
zones: {home: [192.168.1.0/24, "2001:db8:7::/64"]}
firewalls: {local: {default: reject}}
rules:
  - {from: home, to: local, require: ssh}
  - {from: internet, to: local, deny: [smb, telnet]}
  - {from: local, to: home, allow: {udp: any, source-port: 4000-4010}}
  - {from: local, to: any, allow: [https, dns]}
""")
LONG = 86_400


def now() -> int:
    """The kernel's own second."""
    return int(time.time())


def text_of(found: Policy, firewall: Firewall, since: int, until: int | None) -> str:
    """The proved ruleset in audit mode."""
    report = Report()
    compiled = audited_text(found, firewall, DAY, since, until, report)
    assert compiled is not None, [one.message for one in report.diagnostics]
    return compiled.text


def passing(chosen: tuple[Witness, ...]) -> list[Witness]:
    """The same packets, of which nothing but passing is expected."""
    return [replace(one, decision=replace(one.decision, action=Action.ACCEPT)) for one in chosen]


Subject = tuple[Policy, Firewall, Ground, tuple[Witness, ...]]


@pytest.fixture(scope="module", params=["edge", "host"])
def subject(request: pytest.FixtureRequest) -> Subject:
    """A router whose interfaces are given, and a machine that guards itself, with a packet at each edge of their policies."""
    needs_testbed()
    if request.param == "edge":
        found, firewall, ground, _ = next(firewalls(str(POLICIES / "edge.yaml"), DAY))
    else:
        found, firewall = HOST, HOST.firewalls["local"]
        ground = ground_of(found, firewall)
    return found, firewall, ground, witnesses(found, firewall, DAY, ground).found


@pytest.fixture(scope="module")
def came(subject: Subject) -> tuple[tuple[tuple[str, str], ...], WouldCut]:
    """What became of all packets in audit mode that was not passing, and what the table then says of them."""
    found, firewall, ground, chosen = subject
    with Testbed(ground) as bed:
        outcome = rehearse(bed, text_of(found, firewall, now() - 60, now() + LONG), passing(chosen))
        listed = bed.listing()
    stopped = tuple((str(one.witness.packet), one.found) for one in outcome.disagreements)
    assert (outcome.unsent, outcome.sent) == ((), len(chosen))
    return stopped, would_cut(listed, found, firewall, DAY)


def test_nothing_is_dropped(subject: Subject, came: tuple[tuple[tuple[str, str], ...], WouldCut]) -> None:
    """Every packet passes, of both families and in every state, at each edge of what the policy refuses."""
    assert came[0] == ()
    assert {one.action for one in subject[3]} >= {Action.ACCEPT, Action.DROP, Action.REJECT}


def _rows(packet: Packet) -> tuple[tuple[str, str, str], ...]:
    """How a packet may be called in the report: flow, way and state; by the interfaces that it should not be at."""
    said = str(replace(packet, conntrack_state=ConntrackState.NEW))
    bare = re.sub(r":\d+$", "", re.sub(r":\d+ -> ", " -> ", said)) if packet.protocol in PORTED else said
    bare = re.sub(r" type \d+ code \d+", "", bare)
    if packet.protocol in PORTED and (packet.protocol != TCP or packet.tcp_flags & 0x17 == 2):
        said = re.sub(r":\d+ -> ", " -> ", said)
    way = "out" if not packet.in_interface else "in" if not packet.out_interface else "through"
    return (
        (said, way, packet.conntrack_state.name.lower()),
        (bare, f"{way} by {packet.in_interface}", ""),
        (bare, f"{way} leaving by {packet.out_interface}", ""),
    )


def test_every_refusal_is_remembered_with_its_line(
    subject: Subject, came: tuple[tuple[tuple[str, str], ...], WouldCut]
) -> None:
    """For each packet that the policy refuses there is a row with its flow, its state and the very rule and line that refuses it."""
    rows: dict[tuple[str, str, str], CutFlow] = {(one.flow, one.way, one.state): one for one in came[1].flows}
    refused = [one for one in subject[3] if one.action is not Action.ACCEPT]
    for one in refused:
        found = [rows[key] for key in _rows(one.packet) if key in rows]
        causes = {(why.verdict, why.at): why.said for row in found for why in row.causes}
        said = causes[one.decision.verdict, one.decision.at]
        assert said == one.decision.rule.label if one.decision.rule else said
        assert all(row.packets and row.bytes for row in found)
    assert len({one.decision.verdict for one in refused}) >= 5


def test_nothing_is_remembered_that_passes(came: tuple[tuple[tuple[str, str], ...], WouldCut]) -> None:
    """Each row has one cause, but where the source port decides; none passes by the policy; nothing was left out."""
    found = came[1]
    assert [one.flow for one in found.flows if not one.causes] == []
    assert (found.unjudged, found.unremembered, found.full, found.is_audited) == (0, 0, (), True)
    assert found.until is not None and found.since is not None and found.until - found.since >= LONG
    assert sum(one.packets for one in found.flows) == found.packets
    assert list(found.flows) == sorted(found.flows, key=lambda one: -one.packets)


@pytest.mark.parametrize(("since", "until"), [(-LONG, -60), (LONG, 2 * LONG), (LONG, None)])
def test_out_of_its_time_it_enforces(subject: Subject, since: int, until: int | None) -> None:
    """When the time is over, and with a clock that says it has not begun, packets are treated as the policy says."""
    found, firewall, ground, chosen = subject
    few = chosen[:: max(1, len(chosen) // 4_000)]
    text = text_of(found, firewall, now() + since, None if until is None else now() + until)
    with Testbed(ground) as bed:
        outcome = rehearse(bed, text, few)
        assert [(str(one.witness.packet), one.found) for one in outcome.disagreements] == []
        assert sum(outcome.agreed) == len(few)
        assert would_cut(bed.listing(), found, firewall, DAY).flows == ()


def _refused(subject: Subject, family: Family) -> list[Witness]:
    """Some new datagrams and segments of a family to the machine that the policy stops, one for each port."""
    found = {
        one.packet.selector: one
        for one in subject[3]
        if one.packet.family == family
        and one.packet.protocol in (6, 17)
        and not one.packet.out_interface
        and one.decision.verdict in ("closed", "closed, answered", "denied")
        and not one.before
    }
    return list(found.values())[:8]


def test_the_kernel_enforces_by_itself(subject: Subject) -> None:
    """What passes before the end is stopped after it, though nobody touches the ruleset."""
    found, firewall, ground, _ = subject
    chosen = [one for family in FAMILIES for one in _refused(subject, family)]
    assert len(chosen) >= 8
    with Testbed(ground) as bed:
        text = text_of(found, firewall, now() - 60, until := now() + 3)
        bed.load(text)
        sent = [sending(ground, one, number) for number, one in enumerate(chosen, 1)]
        before, in_time = bed.send(sent), time.time() < until
        if not in_time:
            pytest.skip("this machine is too slow to send some packets in three seconds")
        bed.flush()
        while time.time() < until + 0.1:
            time.sleep(0.1)
        after = bed.send(sent)
    assert all(one.is_delivered for one in before)
    assert not any(one.is_delivered for one in after)


def test_a_full_set_lets_pass(subject: Subject) -> None:
    """Where there is no room to remember, packets pass all the same, are counted, and it is said which sets are full."""
    found, firewall, ground, chosen = subject
    table = lower(found, firewall, DAY, Report())
    few = chosen[:: max(1, len(chosen) // 2_000)]
    with Testbed(ground) as bed:
        outcome = rehearse(bed, render(audited(table, now() - 60, now() + LONG, size=2)), passing(few))
        cut = would_cut(bed.listing(), found, firewall, DAY)
    assert [(str(one.witness.packet), one.found) for one in outcome.disagreements] == []
    assert cut.unremembered > 100 and len(cut.full) >= 6
    assert len(cut.flows) <= 2 * 32
    assert sum(one.packets for one in cut.flows) + cut.unremembered == cut.packets


_FILLING = """
import subprocess, sys
text, chosen = sys.stdin.read().split("\\0")
def nft(*words, given=""):
    return subprocess.run(["nft", *words], input=given, capture_output=True, text=True, check=True).stdout
def listings():
    return [nft(*words, "list", "table", "inet", "firewright") for words in ((), ("-jp",), ("-s",))]
nft("-f", "-", given=text)
nft("-f", "-", given=chosen)
before = listings()
nft("flush", "ruleset")
nft("-f", "-", given=before[0])
print("\\0".join((*before, listings()[2])))
"""


def _every_value() -> Iterator[str]:
    """An element for every state, protocol and ICMP type that a packet can have."""
    for family, ends in ((4, "1.2.3.4 . 1.2.3.4"), (6, "fe80::1 . ff02::1")):
        for protocol in range(256):
            state = ("new", "established", "related", "invalid", "untracked")[protocol % 5]
            yield f"add element inet firewright audit__in_others_v{family} {{ {state} . {ends} . {protocol} }}"
            for code in (0, 1, 3, 4, 6, 13, 255):
                yield f"add element inet firewright audit__out_messages_v{family} {{ new . {ends} . {protocol} . {code} }}"
        for port in (0, 1, 22, 65535):
            yield f"add element inet firewright audit__in_openings_v{family} {{ new . {ends} . sctp . {port} }}"
            yield f"add element inet firewright audit__out_strays_v{family} {{ invalid . {ends} . {port} . 22 }}"


def test_whatever_is_remembered_can_be_listed_and_loaded_again() -> None:
    """A snapshot of a table in audit mode comes back with every element, for it is what a rollback loads; each can be judged."""
    scene.needs()
    if os.geteuid():
        pytest.skip("only root may load so many elements at once: a user namespace may not send as much")
    text, chosen = text_of(HOST, HOST.firewalls["local"], now() - 60, None), "\n".join(_every_value())
    ran = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", _FILLING],
        input=f"{text}\0{chosen}",
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    words, json, before, after = ran.stdout.rstrip("\n").split("\0")
    assert before == f"{after}\n"
    found = would_cut(json, HOST, HOST.firewalls["local"], DAY)
    assert len(found.flows) == len({(one.flow, one.way, one.state) for one in found.flows}) == 2 * (256 * 8 + 8)
    assert {one.flow for one in would_cut(words, HOST, HOST.firewalls["local"], DAY).flows} == {
        one.flow for one in found.flows
    }


_CALLING = """
import socket, subprocess, sys
for words in (("link", "set", "lo", "up"), ("link", "add", "up0", "type", "veth", "peer", "peer0"),
              ("link", "set", "up0", "up"), ("link", "set", "peer0", "up"),
              ("address", "add", "192.0.2.10/24", "dev", "up0"),
              ("address", "add", "2001:db8:7::10/64", "dev", "up0", "nodad")):
    subprocess.run(["ip", *words], check=True)
subprocess.run(["nft", "-f", "-"], input=sys.stdin.read(), text=True, check=True)
for family, address in ((socket.AF_INET, "192.0.2.77"), (socket.AF_INET6, "2001:db8:7::77")):
    subprocess.run(["ip", "neighbour", "add", address, "lladdr", "02:00:00:00:00:07", "dev", "up0"], check=True)
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        for number in range(3):
            one.sendto(b"x", (address, 7))
for words in (["nft", "list", "table", "inet", "firewright"], ["nft", "-j", "list", "table", "inet", "firewright"]):
    print(subprocess.run(words, capture_output=True, text=True, check=True).stdout, end="\\0")
snapshot = subprocess.run(["nft", "-s", "list", "table", "inet", "firewright"], capture_output=True, text=True, check=True)
subprocess.run(["nft", "flush", "ruleset"], check=True)
subprocess.run(["nft", "-f", "-"], input=snapshot.stdout, text=True, check=True)
"""


@pytest.fixture(scope="module")
def listings() -> Iterator[list[str]]:
    """One table in audit mode after three datagrams of each family, in words and in JSON."""
    scene.needs()
    text = text_of(HOST, HOST.firewalls["local"], now() - 60, None)
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", _CALLING],
        input=text,
        env={**os.environ, "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    yield ran.stdout.split("\0")


def test_words_say_the_same_as_json(listings: list[str]) -> None:
    """A listing in words, as a host without JSON gives it, has the same flows, counts and lines; a snapshot of it loads again."""
    words, json, _ = listings
    firewall = HOST.firewalls["local"]
    first, second = (would_cut(one, HOST, firewall, DAY) for one in (words, json))
    assert [replace(one, left=0) for one in first.flows] == [replace(one, left=0) for one in second.flows]
    assert replace(first, flows=()) == replace(second, flows=())
    sent = [one for one in first.flows if one.flow.startswith("udp") and one.flow.endswith(":7")]
    assert [(one.flow, one.way, one.packets) for one in sent] == [
        ("udp 192.0.2.10 -> 192.0.2.77:7", "out", 3),
        ("udp [2001:db8:7::10] -> [2001:db8:7::77]:7", "out", 3),
    ]
    assert {(why.verdict, why.said) for one in sent for why in one.causes} == {("closed, answered", "no rule opens it")}
    assert first.until is None
