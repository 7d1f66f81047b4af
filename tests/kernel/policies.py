"""Two policies of one firewall, their rulesets as the writer makes them, and packets of which both policies say what they do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import repeat
from pathlib import Path
from random import Random

from firewright.analysis.decide import decide
from firewright.diagnostic import Report
from firewright.model.packet import FAMILIES, TCP, UDP, Family, Packet
from firewright.model.policy import Action, Firewall, Policy
from firewright.readers.policy_yaml import load
from firewright.workflows.compile import compile_firewall
from tests.kernel.network import FIREWALL

DAY = datetime.now(timezone.utc).date()  # noqa: UP017
"""The day on which a tool that is started now compiles."""
INSIDE: dict[Family, str] = {4: "10.1.0.0/16", 6: "fd01:0:1::/48"}
BEHIND: dict[Family, str] = {4: "10.3.0.0/16", 6: "fd01:0:3::/48"}
"""The part of the outside that is not on a wire itself, so that no address of it has to be found."""
_HEAD = """policy: gate
zones:
  inside: [10.1.0.0/16, "fd01:0:1::/48"]
  outside: [10.2.0.0/15, "fd01:0:2::/47"]
"""
_RULES = """  - {from: inside, to: local, require: ssh, because: managed over it}
  - {from: inside, to: local, allow: udp/5000-5099}
  - {from: inside, to: outside, allow: [https, udp/5000-5999], sessions: 4h}
  - {from: inside, to: outside, allow: ftp}
  - {from: outside, to: inside, deny: any, because: nobody calls in}
"""


_SERVICES = (
    *((TCP, port) for port in (21, 22, 443, 444)),
    *((UDP, port) for port in (443, 4999, 5000, 5050, 5099, 5999, 6000, 7001, 7001, 7002, 7002, 7003)),
)
"""What packets are for: about as often permitted by both generations as by none, or by one of them."""


def policy_text(generation: int, hosts: int = 10) -> str:
    """The YAML of a generation: what all have in common, and rules between hosts that no other generation has."""
    random = Random(generation)
    zones, rules = [], []
    for number in range(hosts):
        low, high = sorted(random.sample(range(2, 250), 2))
        zones.append(
            f'  inner-{number}: [10.1.{number + 1}.{low}-10.1.{number + 1}.{high}, "fd01:0:1:{number + 1:x}::{low:x}"]\n'
        )
        zones.append(f'  server-{number}: [10.3.{number + 1}.{high}, "fd01:0:3:{number + 1:x}::{high:x}"]\n')
        other, port = random.randrange(hosts), random.randrange(20_000, 21_000)
        rules.append(
            f"  - {{from: inner-{number}, to: server-{other}, allow: [tcp/{port}, udp/{7000 + generation}]}}\n"
        )
    rules.append(f"  - {{from: inside, to: outside, allow: udp/{7000 + generation}}}\n")
    return (
        _HEAD + "".join(zones) + "firewalls:\n  gate: {between: [inside, outside]}\nrules:\n" + _RULES + "".join(rules)
    )


@dataclass(frozen=True)
class Made:
    """A generation: its policy, and its ruleset, proved equal to it."""

    policy: Policy
    text: str

    def is_accepted(self, packet: Packet) -> bool:
        """What the specification says of a packet that opens a flow."""
        return decide(self.policy, self.firewall, packet, DAY).action is Action.ACCEPT

    @property
    def firewall(self) -> Firewall:
        """The only one."""
        (only,) = self.policy.firewalls.values()
        return only


def made(generation: int) -> Made:
    """A generation of the firewall, compiled by the writer for nftables and proved."""
    return compiled(policy_text(generation))


@cache
def compiled(text: str) -> Made:
    """What the writer for nftables makes of the only firewall of a policy's text, proved."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(text)
        report = Report()
        policy = load(path, report)
        assert policy is not None, report.sorted()
        (firewall,) = policy.firewalls.values()
        found = compile_firewall(policy, firewall, DAY, report)
    assert found is not None, report.sorted()
    return Made(policy, found.text)


@dataclass(frozen=True)
class Kinds:
    """Packets by what two generations say of them: both accept, both drop, or one of them each."""

    permitted: tuple[Packet, ...]
    forbidden: tuple[Packet, ...]
    changing: tuple[Packet, ...]


@cache
def packets(first: int, second: int, count: int) -> Kinds:
    """So many packets of both families of each kind, through the firewall and to it, that differ in their ends and ports."""
    random = Random(7)
    return told_apart(
        made(first), made(second), (_packet(random, FAMILIES[random.randrange(2)]) for _ in repeat(0)), count
    )


def told_apart(one: Made, other: Made, drawn: Iterable[Packet], count: int) -> Kinds:
    """So many different packets of each kind out of those that are drawn, of which there must be enough."""
    found: dict[tuple[bool, bool], dict[Packet, None]] = {
        (is_one, is_other): {} for is_one in (True, False) for is_other in (True, False)
    }
    wanted = {(True, True): count, (False, False): count, (True, False): count // 2, (False, True): count // 2}
    for packet in drawn:
        kind = one.is_accepted(packet), other.is_accepted(packet)
        if len(found[kind]) < wanted[kind]:
            found[kind][packet] = None
        elif all(len(found[kind]) == wanted[kind] for kind in found):
            break
    changing = (*found[True, False], *found[False, True])
    return Kinds(tuple(found[True, True]), tuple(found[False, False]), changing)


def _packet(random: Random, family: Family) -> Packet:
    is_local = random.random() < 0.1
    protocol, port = random.choice(_SERVICES)
    destination = int(ip_address(FIREWALL[family])) if is_local else _address(random, BEHIND[family])
    return Packet(
        family,
        _address(random, INSIDE[family]),
        destination,
        protocol,
        port,
        random.randrange(1024, 65_536),
        in_interface="fc",
        out_interface="" if is_local else "fs",
    )


def _address(random: Random, prefix: str) -> int:
    network = ip_network(prefix)
    return int(network.network_address) + random.randrange(16, min(network.num_addresses, 1 << 80) - 16)
