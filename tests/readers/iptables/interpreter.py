"""A second reading of iptables-save, one packet at a time: no sets, no unfolding, nothing shared with the reader.

It knows the matches that `random_dump` writes, and walks chains with a stack as the kernel does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random

from firewright.model.packet import Packet

PASSING = {
    "PREROUTING": ("raw", "mangle", "nat"),
    "INPUT": ("mangle", "filter", "security", "nat"),
    "FORWARD": ("mangle", "filter", "security"),
    "OUTPUT": ("raw", "mangle", "nat", "filter", "security"),
    "POSTROUTING": ("mangle", "nat"),
}
FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "esp": 50, "sctp": 132, "gre": 47}
PORTED = (6, 17, 132, 33, 136)
STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
ENDING = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "MASQUERADE": "accept", "DNAT": "accept"}


@dataclass(frozen=True)
class Seen:
    """What a packet is at a hook: itself, and what its hop limit makes true."""

    packet: Packet
    hook: str
    ttl: int

    def device(self, is_out: bool) -> str:
        """The interface's name as the kernel has it there; empty where there is none."""
        if is_out and self.hook in ("PREROUTING", "INPUT"):
            return ""
        if not is_out and self.hook == "OUTPUT":
            return ""
        name = self.packet.out_interface if is_out else self.packet.in_interface
        is_loopback = self.hook in (("OUTPUT", "POSTROUTING") if is_out else ("PREROUTING", "INPUT"))
        return "lo" if is_loopback and not name else name


class Interpreter:
    """The tables of one text."""

    def __init__(self, text: str) -> None:
        self.rules: dict[tuple[str, str], list[list[str]]] = {}
        self.policy: dict[tuple[str, str], str] = {}
        table = ""
        for line in text.splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":"):
                name, policy = line[1:].split()[:2]
                self.rules[table, name] = []
                self.policy[table, name] = policy
            elif line.startswith("-A"):
                words = shlex.split(line)
                self.rules[table, words[1]].append(words[2:])

    def decide(self, packet: Packet, hook: str, ttl: int) -> str:
        """What all tables of a hook make of a packet."""
        seen = Seen(packet, hook, ttl)
        for table in PASSING[hook]:
            if (table, hook) not in self.rules:
                continue
            state = STATES[packet.conntrack_state]
            is_error = packet.protocol == (1 if packet.family == 4 else 58)
            if table == "nat" and not (state == "NEW" or (state == "RELATED" and not is_error)):
                continue
            word = self._walk(table, hook, seen) or ENDING[self.policy[table, hook]]
            if word != "accept":
                return word
        return "accept"

    def _walk(self, table: str, base: str, seen: Seen) -> str:
        """Follow a packet through a table with a stack of places to come back to; empty if the policy decides."""
        stack: list[tuple[str, int]] = []
        chain, at = base, 0
        while True:
            if at == len(self.rules[table, chain]):
                if not stack:
                    return ""
                chain, at = stack.pop()
                continue
            rule = self.rules[table, chain][at]
            at += 1
            if not self._matches(rule, seen):
                continue
            flag = "-g" if "-g" in rule else "-j"
            target = rule[rule.index(flag) + 1]
            if target in ENDING:
                return ENDING[target]
            if target == "RETURN":
                at = len(self.rules[table, chain])
            elif (table, target) in self.rules:
                if flag == "-j":
                    stack.append((chain, at))
                chain, at = target, 0

    def _matches(self, rule: Sequence[str], seen: Seen) -> bool:
        return all(holds != is_negated for holds, is_negated in self._each(rule, seen))

    def _each(self, rule: Sequence[str], seen: Seen) -> Iterator[tuple[bool, bool]]:
        """Each match of a rule: whether it holds, whether it is negated."""
        packet = seen.packet
        is_negated = False
        words = iter(rule)
        for word in words:
            if word == "!":
                is_negated = True
                continue
            if word in ("-j", "-g"):
                return
            value = next(words)
            if word == "-m":
                continue
            if word == "--tcp-flags":
                mask, wanted = _bits(value), _bits(next(words))
                yield packet.protocol == 6 and packet.tcp_flags & mask == wanted, is_negated
            else:
                yield self._holds(word, value, seen), is_negated
            is_negated = False

    def _holds(self, word: str, value: str, seen: Seen) -> bool:
        packet = seen.packet
        match word:
            case "-s" | "-d":
                return ip_address(_number(packet, word == "-s")) in ip_network(value)
            case "-p":
                return packet.protocol == NUMBERS[value]
            case "-i" | "-o":
                name = seen.device(word == "-o")
                return name.startswith(value[:-1]) if value.endswith("+") else name == value
            case "--sport" | "--sports":
                return packet.protocol in PORTED and _listed(value, packet.source_port)
            case "--dport" | "--dports":
                return packet.protocol in PORTED and _listed(value, packet.selector)
            case "--ports":
                return _listed(value, packet.source_port) or _listed(value, packet.selector)
            case "--src-range" | "--dst-range":
                low, high = map(ip_address, value.split("-"))
                return int(low) <= int(ip_address(_number(packet, word == "--src-range"))) <= int(high)
            case "--state" | "--ctstate":
                return STATES[packet.conntrack_state] in value.split(",")
            case "--icmp-type" | "--icmpv6-type":
                kind, _, code = value.partition("/")
                return packet.selector >> 8 == int(kind) and (not code or packet.selector & 255 == int(code))
            case "--ttl-eq" | "--hl-eq":
                return seen.ttl == int(value)
            case "--comment":
                return True
        raise AssertionError(word)


def _number(packet: Packet, is_source: bool) -> str:
    return packet.address(packet.source if is_source else packet.destination)


def _bits(names: str) -> int:
    return sum(FLAGS[name] for name in names.split(",") if name != "NONE")


def _listed(ports: str, port: int) -> bool:
    pairs = [one.partition(":") for one in ports.split(",")]
    return any(int(low) <= port <= int(high or low) for low, _, high in pairs)


NETWORKS: Mapping[int, Sequence[str]] = {
    4: ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "192.0.2.0/24", "127.0.0.0/8", "0.0.0.0/1"),
    6: ("2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::7/128", "fe80::/10", "::1/128", "2000::/3"),
}
PORTS = ("22", "80", "1000:2000", "0:1023", "65535")
REFUSED = {"PREROUTING": ("-o ",), "INPUT": ("-o ",), "OUTPUT": ("-i ",), "POSTROUTING": ("-i ",)}
DEVICES = ("lo", "eth0", "eth+", "eth1", "e+", "+")


def random_dump(random: Random, family: int, is_loadable: bool = False) -> str:
    """A text with every table, chains that jump, go and return downwards, and matches of every kind known here.

    A loadable one is without what a kernel refuses: interfaces that a hook has not, `nat` for filtering.
    """
    out = []
    for table in ("raw", "mangle", "filter") if is_loadable else ("raw", "mangle", "nat", "filter"):
        bases = [hook for hook, tables in PASSING.items() if table in tables]
        users = ["one", "two", "three"]
        out.append(f"*{table}")
        may_drop = table != "nat"
        out += [
            f":{base} {random.choice(('ACCEPT', 'ACCEPT', 'DROP')) if may_drop else 'ACCEPT'} [0:0]" for base in bases
        ]
        out += [f":{user} - [0:0]" for user in users]
        for chain in (*bases, *users):
            later = users[users.index(chain) + 1 :] if chain in users else users
            for _ in range(random.randrange(5)):
                rule = _random_rule(random, family, table, later)
                if not is_loadable or not any(option in rule for option in REFUSED.get(chain, ())):
                    out.append(f"-A {chain} {rule}")
        out.append("COMMIT")
    return "\n".join(out) + "\n"


def _random_rule(random: Random, family: int, table: str, later: Sequence[str]) -> str:
    words = [word for word in _random_matches(random, family, table) if word]
    ends = ["ACCEPT", "DROP", "RETURN", "LOG", "MARK --set-mark 0x1"]
    ends += {"filter": ["REJECT"] * 3, "nat": ["MASQUERADE", "DNAT --to-destination 10.0.0.1"]}.get(table, [])
    jumps = [f"{flag} {user}" for user in later for flag in ("-j", "-g")]
    return " ".join([*words, random.choice([*(f"-j {end}" for end in ends), *jumps])])


def _random_matches(random: Random, family: int, table: str) -> Iterator[str]:
    def maybe(text: str, chance: float = 0.25) -> str:
        return (random.choice(("", "", "! ")) + text) if random.random() < chance else ""

    networks = NETWORKS[family]
    yield maybe(f"-s {random.choice(networks)}")
    yield maybe(f"-d {random.choice(networks)}")
    device = random.choice(DEVICES)
    yield maybe(f"-i {device}") if device != "+" else ""
    yield maybe(f"-o {random.choice(DEVICES[:-1])}")
    protocol = random.choice(("tcp", "tcp", "udp", "sctp", "icmp" if family == 4 else "ipv6-icmp", "esp", ""))
    if protocol in ("tcp", "udp", "sctp"):
        yield f"-p {protocol}"
        kind = random.randrange(4)
        if kind == 0:
            yield f"-m {protocol} {maybe(f'--sport {random.choice(PORTS)}')} {maybe(f'--dport {random.choice(PORTS)}', 0.7)}"
        elif kind == 1:
            end = random.choice(("--ports", "--sports", "--dports"))
            yield f"-m multiport {maybe(f'{end} ' + ','.join(random.sample(PORTS, 2)), 1)}"
        elif kind == 2 and protocol == "tcp":
            yield f"-m tcp {maybe('--tcp-flags FIN,SYN,RST,ACK ' + random.choice(('SYN', 'SYN,ACK', 'NONE')), 1)}"
    elif protocol in ("icmp", "ipv6-icmp"):
        option = "-m icmp --icmp-type" if family == 4 else "-m icmp6 --icmpv6-type"
        module, name = option.rsplit(" ", 1)
        yield f"-p {protocol}"
        yield f"{module} {maybe(f'{name} ' + random.choice(('8', '3/4', '128', '3')), 1)}"
    elif protocol:
        yield maybe(f"-p {protocol}", 1)
    if table != "raw":
        names = ",".join(random.sample(STATES, 2))
        yield random.choice(
            ("", f"-m state {maybe(f'--state {names}', 1)}", f"-m conntrack {maybe(f'--ctstate {names}', 1)}")
        )
    if random.random() < 0.15:
        yield f"-m ttl {maybe('--ttl-eq 1', 1)}" if family == 4 else f"-m hl {maybe('--hl-eq 1', 1)}"
    if random.random() < 0.1:
        low = ip_network(networks[0]).network_address
        yield f"-m iprange {maybe(f'--src-range {low}-{ip_address(int(low) + 70000)}', 1)}"
    if random.random() < 0.1:
        yield '-m comment --comment "a \\"word\\" -j DROP"'


def random_packet(random: Random, family: int) -> Packet:
    """A packet near the edges of what `random_dump` names."""
    protocol = random.choice((6, 6, 17, 132, 1 if family == 4 else 58, 50, 47))
    selector = 0
    if protocol in PORTED:
        selector = random.choice((0, 22, 79, 80, 81, 999, 1000, 2000, 2001, 1023, 1024, 65534, 65535))
    elif protocol in (1, 58):
        selector = random.choice((8 << 8, 3 << 8 | 4, 3 << 8, 128 << 8, 128 << 8 | 1, 0))
    return Packet(
        family,
        _random_address(random, family),
        _random_address(random, family),
        protocol,
        selector,
        random.choice((0, 22, 80, 1000, 1500, 65535)) if protocol in PORTED else 0,
        conntrack_state=random.choice(list(Packet(4, 0, 0, 0).conntrack_state.__class__)),
        in_interface=random.choice(("", "eth0", "eth1", "wlan0")),
        out_interface=random.choice(("", "eth0", "eth1", "wlan0")),
        tcp_flags=random.choice((0, 2, 18, 16, 4, 255)) if protocol == 6 else 0,
    )


def _random_address(random: Random, family: int) -> int:
    network = ip_network(random.choice(NETWORKS[family]))
    low, high = int(network.network_address), int(network.broadcast_address)
    return min(
        max(random.choice((low, high, low - 1, high + 1, (low + high) // 2)), 0),
        (1 << (32 if family == 4 else 128)) - 1,
    )
