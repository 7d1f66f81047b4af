"""Policies that open something to very many single addresses, or ban them; the next generation has most of them, and a tenth others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from pathlib import Path
from random import Random

from firewright.diagnostic import Report
from firewright.model.packet import FAMILIES, TCP, UDP, Family, Packet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.writers import WRITERS
from tests.kernel.network import CLIENT
from tests.kernel.policies import DAY, Made

OUTSIDE = "10.128.0.0/9"
"""Where the partners of IPv4 are; those of IPv6 are where the network of the tests leads to the server anyhow."""
_FIRST: dict[Family, int] = {4: int(IPv4Address("10.128.0.0")), 6: int(IPv6Address("fd01:0:3::"))}
_ROOM = 1 << 22
_SERVICES = ((TCP, 443), (UDP, 5000), (UDP, 5999), (TCP, 444), (UDP, 6000), (UDP, 7001), (UDP, 7002))


@dataclass(frozen=True, slots=True)
class Generation:
    """A number, the partners' addresses of each family, and whether they are banned from what is open to everybody else."""

    number: int
    partners: dict[Family, tuple[int, ...]]
    is_ban: bool = False

    @classmethod
    def of(cls, number: int, elements: int, is_ban: bool = False) -> Generation:
        """So many elements, half of them of each family; nine tenths are every generation's."""
        common, own = Random(0), Random(number)
        partners = {}
        for family in FAMILIES:
            half = elements // 2
            # Every other address, so that no two of them are a range.
            shared = common.sample(range(_ROOM // 2), half * 9 // 10)
            others = own.sample(range(_ROOM // 2, _ROOM), half - len(shared))
            partners[family] = tuple(_FIRST[family] + 2 * place for place in (*shared, *others))
        return cls(number, partners, is_ban)

    def made(self) -> Made:
        """Its policy, and the ruleset that the writer for nftables makes of it; it is not proved here, its packets are counted."""
        with tempfile.TemporaryDirectory() as folder:
            path, report = Path(folder, "policy.yaml"), Report()
            path.write_text(self._text())
            policy = load(path, report)
            if policy is None or report.has_errors():
                raise AssertionError(f"the policy is malformed: {report.sorted()[:1]}")
        return Made(policy, _emitted(policy, report))

    def _text(self) -> str:
        words = [
            f'"{ip_address(one) if family == 4 else IPv6Address(one)}"'
            for family in FAMILIES
            for one in self.partners[family]
        ]
        return f"""policy: gate
zones:
  inside: [10.1.0.0/16, "fd01:0:1::/48"]
  outside: [10.2.0.0/15, {OUTSIDE}, "fd01:0:2::/47"]
  partners: [{", ".join(words)}]
firewalls:
  gate: {{between: [inside, outside]}}
rules:
  - {{from: inside, to: local, require: ssh, because: managed over it}}
{self._rules()}  - {{from: inside, to: outside, allow: udp/{7000 + self.number}}}
"""

    def _rules(self) -> str:
        if not self.is_ban:
            return "  - {from: inside, to: partners, allow: [https, udp/5000-5999]}\n"
        return (
            "  - {from: inside, to: partners, deny: any, because: they are not trusted}\n"
            "  - {from: inside, to: outside, allow: [https, udp/5000-5999]}\n"
        )


def _emitted(policy: Policy, report: Report) -> str:
    (firewall,) = policy.firewalls.values()
    return str(WRITERS.load("nftables").emit(policy, firewall, DAY, report).text)


def packets_for(*generations: Generation) -> Iterator[Packet]:
    """Packets from the client to partners of any of the generations and to others, for what is open and for what is not."""
    random = Random(3)
    for _ in count():
        family = FAMILIES[random.randrange(2)]
        destination = random.choice(random.choice(generations).partners[family]) + random.choice((0, 0, 0, 1))
        source = int(ip_address(CLIENT[family])) + random.randrange(1, 200)
        protocol, port = random.choice(_SERVICES)
        ports = (port, random.randrange(1024, 65_536))
        yield Packet(family, source, destination, protocol, *ports, in_interface="fc", out_interface="fs")
