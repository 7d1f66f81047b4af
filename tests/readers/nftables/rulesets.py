"""Random small rulesets in nft's language, and packets at the edges of what they say."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from random import Random

from firewright.model.packet import PORTED, ConntrackState, Packet

_V4 = ("10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "192.0.2.7-192.0.2.19", "0.0.0.0/1", "198.51.100.9")
_V6 = ("2001:db8::/32", "2001:db8::5", "fe80::/10", "2001:db8:1::-2001:db8:1::ffff", "::1", "ff02::1")
_PORTS = ("22", "53", "80-90", "443", "0", "65535", "1024-65535")
_NAMES = ('"eth0"', '"eth1"', '"lo"', '"eth*"', '"l*"', '"wg0"')
_STATES = ("new", "established", "related", "invalid", "untracked")
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")
_PROTOCOLS = ("tcp", "udp", "icmp", "ipv6-icmp", "esp", "ah", "sctp", "47")


def ruleset(random: Random) -> str:
    """Two tables with base chains on one hook, chains that they call, and named sets and maps."""
    hook = random.choice(("input", "forward", "output", "prerouting", "postrouting"))
    families = random.sample(("inet", "ip", "ip6", "inet"), 2)
    text = "\n".join(_table(random, family, f"t{number}", hook) for number, family in enumerate(families))
    return text.replace("reject", "drop") if hook == "postrouting" else text


def _table(random: Random, family: str, name: str, hook: str) -> str:
    address = "ipv6_addr" if family == "ip6" else "ipv4_addr"
    pool = _V6 if family == "ip6" else _V4
    key = "ip6 daddr" if family == "ip6" else "ip daddr"
    lines = [
        f"table {family} {name} {{",
        f" set s {{ type {address}; flags interval; auto-merge; elements = {{ {_some(random, pool)} }}; }}",
        " set p { type inet_service; flags interval; auto-merge; elements = { " + _some(random, _PORTS) + " }; }",
        f" set c {{ type {address} . inet_service; flags interval; elements = {{ {pool[0]} . 22, {pool[2]} . 80-90 }}; }}",
        f" map v {{ type {address} : verdict; flags interval; elements = {{ {pool[0]} : jump a, {pool[2]} : drop }}; }}",
        " map w { type inet_proto . inet_service : verdict; flags interval;",
        "  elements = { tcp . 22 : accept, udp . 53-60 : jump b, tcp . 80-90 : goto b, esp . 0-65535 : accept }; }",
    ]
    bodies = {
        chain: [_rule(random, family, key, calls) for _ in range(random.randint(1, 4))]
        for chain, calls in (("b", ()), ("a", ("b",)), ("base", ("a", "b")))
    }
    for chain, rules in bodies.items():
        policy = random.choice(("accept", "drop"))
        priority = random.choice((-10, 0, 10))
        head = f"type filter hook {hook} priority {priority}; policy {policy};" if chain == "base" else ""
        lines += [f" chain {chain} {{ {head}", *(f"  {rule}" for rule in rules), " }"]
    return "\n".join([*lines, "}"])


def _some(random: Random, pool: tuple[str, ...]) -> str:
    return ", ".join(random.sample(pool, random.randint(1, 3)))


def _rule(random: Random, family: str, key: str, calls: tuple[str, ...]) -> str:
    matches = [_match(random, family) for _ in range(random.randint(0, 2))]
    if calls == ("a", "b") and random.random() < 0.3:
        last = random.choice((f"{key} vmap @v", "meta l4proto . th dport vmap @w", _own_map(random, family)))
    else:
        verdicts = ["accept", "drop", "return", "counter", "reject", "continue"]
        last = random.choice([*verdicts, *(f"{word} {chain}" for chain in calls for word in ("jump", "goto"))])
    return " ".join([*matches, last])


def _own_map(random: Random, family: str) -> str:
    return random.choice(
        (
            "tcp dport vmap { 22 : accept, 80-90 : continue, 443 : jump b } counter drop",
            "ct state vmap { established : accept, related : jump b, invalid : drop }",
            "iifname . meta l4proto vmap { eth0 . tcp : accept, lo . udp : drop }",
            "meta l4proto vmap { tcp : jump b, icmp : accept, ipv6-icmp : goto b }",
        )
    )


def _match(random: Random, family: str) -> str:
    side, port = random.choice(("saddr", "daddr")), random.choice(("sport", "dport"))
    no = random.choice(("", "", "!= "))
    ip, pool = ("ip6", _V6) if family == "ip6" or (family == "inet" and random.random() < 0.5) else ("ip", _V4)
    icmp = "icmpv6" if ip == "ip6" else "icmp"
    number = random.choice(("1", "64", "255"))
    limit = "hoplimit" if ip == "ip6" else "ttl"
    own = "@s" if (family == "ip6") == (ip == "ip6") else random.choice(pool)
    concat = "@c" if own == "@s" else f"{{ {pool[0]} . 22, {pool[2]} . 80-90 }}"
    choices: tuple[str, ...] = (
        f"{ip} {side} {no}{random.choice(pool)}",
        f"{ip} {side} {no}{{ {_some(random, (pool[1], pool[2], pool[4]))} }}",
        f"{ip} {side} {no}{own}",
        f"{random.choice(('tcp', 'udp', 'sctp', 'th'))} {port} {no}{random.choice(_PORTS)}",
        f"tcp {port} {no}@p",
        f"udp {port} {no}{{ {_some(random, ('22', '53', '80-90', '443'))} }}",
        f"th {port} {random.choice(('<', '>', '<=', '>='))} {random.choice(('22', '53', '1024'))}",
        f"meta l4proto {no}{random.choice(_PROTOCOLS)}",
        f"meta l4proto {no}{{ {_some(random, _PROTOCOLS)} }}",
        f"{'ip6 nexthdr' if ip == 'ip6' else 'ip protocol'} {no}{random.choice(_PROTOCOLS)}",
        f"{random.choice(('iifname', 'oifname'))} {no}{random.choice(_NAMES)}",
        f"{random.choice(('iifname', 'oifname'))} {no}{{ {_some(random, _NAMES[:3])} }}",
        f"ct state {no}{random.choice(_STATES)}",
        f"ct state {','.join(random.sample(_STATES, 2))}",
        f"ct state {no}{{ {_some(random, _STATES)} }}",
        f"tcp flags & (fin|syn|rst|ack) {random.choice(('==', '!='))} {random.choice(_FLAGS[:3])}",
        f"tcp flags {no}{random.choice(_FLAGS)}",
        f"tcp flags {','.join(random.sample(_FLAGS, 2))}",
        f"tcp flags ! {random.choice(_FLAGS)}",
        f"{icmp} type {no}{random.choice(('echo-request', 'echo-reply'))}",
        f"{icmp} type {{ echo-request, {'packet-too-big' if icmp == 'icmpv6' else 'destination-unreachable'} }}",
        f"{icmp} code {no}{random.choice(('0', '1', '4'))}",
        f"{ip} {limit} {random.choice(('', '!= ', '<= ', '> '))}{number}",
        f"meta mark {no}{number}",
        f"meta mark & 0x3 == {random.choice(('1', '3'))}",
        f"{ip} saddr . {random.choice(('tcp', 'udp'))} dport {no}{concat}",
        "ip saddr & 255.0.255.0 == 10.0.2.0" if ip == "ip" else "ip6 saddr & ffff:: == 2001::",
        "meta l4proto . th dport { tcp . 22, udp . 53-60, esp . 0-65535 }",
        *(("meta nfproto ipv6", "meta nfproto ipv4", "meta protocol { ip, ip6 }") if family == "inet" else ()),
    )
    return random.choice(choices)


_EDGES = {
    4: (0x0A000000, 0x0A010203, 0x0A000201, 0xC0000200, 0xC0000207, 0xC0000213, 0xC0000214, 0xC6336409, 0x7FFFFFFF),
    6: tuple(
        int(IPv6Address(text))
        for text in ("2001:db8::", "2001:db8::5", "fe80::1", "2001:db8:1::ffff", "::1", "ff02::1", "::", "2001::1")
    ),
}
assert IPv4Address(_EDGES[4][0]).is_private


def packet(random: Random, hook: str) -> Packet:
    """A packet that the hook sees, likely at an edge of what `ruleset` says."""
    family = random.choice((4, 6))
    protocol = random.choice((6, 6, 6, 17, 17, 132, 1 if family == 4 else 58, 50, 51, 47))
    ports = (0, 22, 53, 60, 79, 80, 90, 91, 443, 1023, 1024, 65535)
    selector = 0
    if protocol in PORTED:
        selector = random.choice(ports)
    elif protocol in (1, 58):
        selector = random.choice((0, 3, 5, 8, 2, 128, 129)) << 8 | random.choice((0, 1, 4))
    devices = ("eth0", "eth1", "wg0", "zz", "l1")
    inside = (hook in ("output", "postrouting") and random.random() < 0.7) or hook == "output"
    outside = (hook in ("input", "prerouting") and random.random() < 0.7) or hook == "input"
    return Packet(
        family,
        random.choice(_EDGES[family]),
        random.choice(_EDGES[family]),
        protocol,
        selector,
        random.choice(ports) if protocol in PORTED else 0,
        random.choice(list(ConntrackState)),
        "" if inside or (hook in ("input", "prerouting") and random.random() < 0.3) else random.choice(devices),
        "" if outside or (hook in ("output", "postrouting") and random.random() < 0.3) else random.choice(devices),
        random.choice((1, 2, 4, 16, 18, 0, 3, 255)) if protocol == 6 else 2,
    )
