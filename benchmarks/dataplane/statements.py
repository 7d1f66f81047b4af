"""Single statements, many in a row: what one rule, map, counter or jump adds to a packet that it does not stop."""

from __future__ import annotations

from benchmarks.dataplane.shapes import table
from firewright.model.packet import Family


def parts(family: Family) -> dict[str, str]:
    """Small rulesets that accept everything at last: one statement each, so many times."""
    ip = "ip" if family == 4 else "ip6"
    far = "192.0.2.1" if family == 4 else "2001:db8:ffff::1"
    one = "ipv4" if family == 4 else "ipv6"

    def chained(depth: int, word: str) -> str:
        inner = "\n".join(f"chain d{n} {{\n{word} d{n + 1}\n}}" for n in reversed(range(1, depth)))
        return table(f"{word} d1", f"chain d{depth} {{\naccept\n}}\n{inner}")

    found = {
        "32 rules that differ in the port": "udp dport 1 drop\n" * 32,
        "32 rules that differ in l4proto": "meta l4proto 132 drop\n" * 32,
        "32 rules that differ in the source": f"{ip} saddr {far} drop\n" * 32,
        "32 counters": "counter\n" * 32,
        "32 counters with comments": 'counter comment "of a rule of the policy"\n' * 32,
        "8 maps of the family": f"meta nfproto vmap {{ {one} : continue }}\n" * 8,
        "8 maps of the protocol": "meta l4proto vmap { udp : continue, tcp : continue }\n" * 8,
        "8 maps of the conntrack state": "ct state vmap { established : accept, invalid : drop }\n" * 8,
        "1 rule of conntrack's state": "ct state established accept\n",
        "8 rules of conntrack's state": "ct state established accept\n" * 8,
        "8 sets of two ports": "udp dport { 1, 2 } drop\n" * 8,
        "8 sets of two ranges of ports": "udp dport { 1-2, 5-9 } drop\n" * 8,
        "8 ranges of ports": "udp dport 1-9 drop\n" * 8,
        "8 sets of 2 networks": f"{ip} saddr {{ {far}, {_next(far)} }} drop\n" * 8,
        "8 maps of protocol and port": "meta l4proto . th dport vmap { udp . 1 : drop, tcp . 5 : drop }\n" * 8,
        "8 interval maps of protocol and port": "meta l4proto . th dport vmap { udp . 1-9 : drop, tcp . 5 : drop }\n"
        * 8,
        "8 names of interfaces": 'iifname "nothing" drop\n' * 8,
        "8 end times": "meta time < 4000000000 continue\n" * 8,
    }
    made = {name: table(rules + "\naccept") for name, rules in found.items()}
    made |= {f"{depth} nested jumps": chained(depth, "jump") for depth in (4, 12)}
    made |= {f"{depth} gotos in a row": chained(depth, "goto") for depth in (4, 12)}
    made["8 jumps and returns"] = table("jump d\n" * 8 + "accept", "chain d {\nreturn\n}")
    return made


def _next(address: str) -> str:
    return address[:-1] + "2"
