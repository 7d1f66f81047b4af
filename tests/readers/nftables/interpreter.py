"""What a ruleset does with one packet, read off its JSON rule by rule: the reference that the reader is held to.

It walks rules as the kernel does and knows nothing of boxes, programs or trees: each value is looked at where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from firewright.model.packet import ConntrackState, Packet

Json = Any
_FAMILIES = {"inet": (4, 6), "ip": (4,), "ip6": (6,)}
_BITS = {"new": 8, "established": 2, "related": 4, "invalid": 1, "untracked": 64}
_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
_PROTOCOLS = {
    "tcp": 6,
    "udp": 17,
    "icmp": 1,
    "ipv6-icmp": 58,
    "sctp": 132,
    "esp": 50,
    "ah": 51,
    "udplite": 136,
    "gre": 47,
}
_PROTOCOLS |= {"dccp": 33, "igmp": 2}
_TYPES = {"echo-request": 8, "echo-reply": 0, "destination-unreachable": 3, "time-exceeded": 11, "redirect": 5}
_TYPES6 = {"echo-request": 128, "echo-reply": 129, "packet-too-big": 2, "nd-neighbor-solicit": 135, "nd-redirect": 137}
_CODES = {"net-unreachable": 0, "host-unreachable": 1, "port-unreachable": 3, "frag-needed": 4, "admin-prohibited": 13}
_CODES6 = {"no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4}
_PORTED = (6, 17, 33, 132, 136)


class Missing(Exception):
    """The packet lacks what the rule looks at: the rule ends."""


@dataclass(frozen=True)
class Seen:
    """A packet at a hook, with the facts that are no axis."""

    packet: Packet
    hook: str
    facts: Mapping[str, int]


def decide(listing: Json, seen: Seen) -> str:
    """The word that the base chains of the packet's hook decide: accept, drop or reject."""
    objects = [next(iter(one.items())) for one in listing["nftables"]]
    chains = {(c["family"], c["table"], c["name"]): c for kind, c in objects if kind == "chain"}
    rules: dict[tuple[str, str, str], list[Json]] = {key: [] for key in chains}
    for kind, body in objects:
        if kind == "rule":
            rules[body["family"], body["table"], body["chain"]].append(body)
    sets = {(s["family"], s["table"], s["name"]): s for kind, s in objects if kind in ("set", "map")}
    bases = [c for c in chains.values() if c.get("hook") == seen.hook and c.get("type") in ("filter", "route")]
    # The kernel asks the one that was registered last first, where priorities are equal.
    bases.reverse()
    for base in sorted(bases, key=lambda c: int(c["prio"])):
        if seen.packet.family not in _FAMILIES[base["family"]]:
            continue
        walker = _Walker(rules, sets, base["family"], base["table"], seen)
        verdict = walker.chain(base["name"]) or base.get("policy", "accept")
        if verdict != "accept":
            return verdict
    return "accept"


class _Walker:
    def __init__(self, rules: Json, sets: Json, family: str, table: str, seen: Seen) -> None:
        self.rules, self.sets, self.family, self.table, self.seen = rules, sets, family, table, seen

    def chain(self, name: str) -> str | None:
        """accept, drop, reject; None when the end is reached or a rule returns."""
        for rule in self.rules[self.family, self.table, name]:
            verdict, target = self.rule(rule["expr"])
            if verdict in ("accept", "drop", "reject"):
                return verdict
            if verdict == "return":
                return None
            if verdict == "goto":
                return self.chain(target)
            if verdict == "jump":
                found = self.chain(target)
                if found:
                    return found
        return None

    def rule(self, statements: Json) -> tuple[str, str]:
        try:
            for statement in statements:
                ((kind, body),) = statement.items()
                if kind == "match":
                    if not self.holds(body):
                        return "", ""
                elif kind == "vmap":
                    found = self.looked_up(body)
                    if found[0] != "continue":
                        return found
                elif kind in ("accept", "drop", "return"):
                    return kind, ""
                elif kind in ("jump", "goto"):
                    return kind, body["target"]
                elif kind == "reject":
                    # What nft adds before a reject of a type is not listed: TCP for a reset, a family for its ICMP.
                    type_, packet = (body or {}).get("type"), self.seen.packet
                    if type_ == "tcp reset" and packet.protocol != 6:
                        return "", ""
                    if type_ in ("icmp", "icmpv6") and packet.family != (4 if type_ == "icmp" else 6):
                        return "", ""
                    return "reject", ""
                elif kind not in ("counter", "continue"):
                    raise AssertionError(f"the interpreter does not know {kind}")
        except Missing:
            pass
        return "", ""

    def looked_up(self, body: Json) -> tuple[str, str]:
        rows = body["data"]
        rows = self.sets[self.family, self.table, rows[1:]]["elem"] if isinstance(rows, str) else rows["set"]
        key = self.value(body["key"])
        for element, verdict in rows:
            if self.is_in(key, element, body["key"]):
                ((word, target),) = verdict.items()
                return word, target["target"] if target else ""
        raise Missing

    def holds(self, body: Json) -> bool:
        operator, left, right = body["op"], body["left"], body["right"]
        value = self.value(left)
        if isinstance(right, str) and right.startswith("@"):
            found = self.sets[self.family, self.table, right[1:]].get("elem", [])
            return any(self.is_in(value, one, left) for one in found) is (operator == "==")
        if isinstance(right, dict) and "set" in right:
            return any(self.is_in(value, one, left) for one in right["set"]) is (operator == "==")
        if operator in ("==", "!="):
            return self.is_in(value, right, left) is (operator == "==")
        number = self.constant(right, left)
        results = {
            "<": value < number,
            "<=": value <= number,
            ">": value > number,
            ">=": value >= number,
            "in": bool(value & number),
            "!": not value & number,
        }
        return bool(results[operator])

    def is_in(self, value: Any, element: Json, left: Json) -> bool:
        """Whether a value is an element of a set: a constant, a prefix, a range, or several side by side."""
        if isinstance(element, dict) and "elem" in element:
            element = element["elem"]["val"]
        if isinstance(left, dict) and "concat" in left:
            parts = element["concat"]
            return all(self.is_in(v, p, key) for v, p, key in zip(value, parts, left["concat"], strict=True))
        if isinstance(element, dict) and "prefix" in element:
            network = ip_network(f"{element['prefix']['addr']}/{element['prefix']['len']}")
            return bool(int(network[0]) <= value <= int(network[-1]))
        if isinstance(element, dict) and "range" in element:
            low, high = (self.constant(end, left) for end in element["range"])
            return bool(low <= value <= high)
        if isinstance(value, str):
            wanted = str(element)
            return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
        return bool(value == self.constant(element, left))

    def constant(self, json: Json, left: Json) -> int:
        if isinstance(json, int):
            return json
        if isinstance(json, list):
            return sum({self.constant(one, left) for one in json})
        if isinstance(json, dict):
            ((operator, (one, other)),) = json.items()
            a, b = self.constant(one, left), self.constant(other, left)
            return {"|": a | b, "&": a & b}[operator]
        while isinstance(left, dict) and "&" in left:
            left = left["&"][0]
        names: dict[str, int] = {}
        match left:
            case {"ct": {"key": "state"}}:
                names = _BITS
            case {"payload": {"field": "flags"}}:
                names = _FLAGS
            case {"payload": {"protocol": "icmp", "field": "type"}}:
                names = _TYPES
            case {"payload": {"protocol": "icmpv6", "field": "type"}}:
                names = _TYPES6
            case {"payload": {"protocol": "icmp", "field": "code"}}:
                names = _CODES
            case {"payload": {"protocol": "icmpv6", "field": "code"}}:
                names = _CODES6
            case {"meta": {"key": "l4proto"}} | {"payload": {"field": "protocol" | "nexthdr"}}:
                names = _PROTOCOLS
            case {"meta": {"key": "nfproto"}}:
                names = {"ipv4": 2, "ipv6": 10}
            case {"meta": {"key": "protocol"}}:
                names = {"ip": 0x800, "ip6": 0x86DD}
        return names[json] if json in names else int(ip_address(json))

    def value(self, json: Json) -> Any:
        packet = self.seen.packet
        match json:
            case {"concat": parts}:
                return tuple(self.value(part) for part in parts)
            case {"&": [left, right]}:
                return self.value(left) & self.constant(right, left)
            case {"meta": {"key": "l4proto"}}:
                return packet.protocol
            case {"meta": {"key": "nfproto"}}:
                return 2 if packet.family == 4 else 10
            case {"meta": {"key": "protocol"}}:
                return 0x800 if packet.family == 4 else 0x86DD
            case {"meta": {"key": "mark"}}:
                return self.seen.facts["mark"]
            case {"meta": {"key": "iifname"}}:
                inside = self.seen.hook in ("input", "prerouting")
                return packet.in_interface or ("lo" if inside else "")
            case {"meta": {"key": "oifname"}}:
                if self.seen.hook in ("input", "prerouting"):
                    return ""
                return packet.out_interface or "lo"
            case {"ct": {"key": "state"}}:
                return _BITS[ConntrackState(packet.conntrack_state).name.lower()]
            case {"payload": {"protocol": protocol, "field": name}}:
                return self.header(protocol, name)
        raise AssertionError(f"the interpreter does not know {json}")

    def header(self, protocol: str, name: str) -> int:
        packet = self.seen.packet
        if protocol in ("ip", "ip6"):
            if packet.family != (4 if protocol == "ip" else 6):
                raise Missing
            return {
                "saddr": packet.source,
                "daddr": packet.destination,
                "protocol": packet.protocol,
                "nexthdr": packet.protocol,
                "ttl": self.seen.facts["ttl"],
                "hoplimit": self.seen.facts["ttl"],
            }[name]
        if protocol == "th":
            if packet.protocol not in _PORTED:
                return self.seen.facts["other sport" if name == "sport" else "other port"]
        elif packet.protocol != _PROTOCOLS["ipv6-icmp" if protocol == "icmpv6" else protocol]:
            raise Missing
        if (protocol == "icmp" and packet.family != 4) or (protocol == "icmpv6" and packet.family != 6):
            raise Missing
        match name:
            case "sport":
                return packet.source_port
            case "dport":
                return packet.selector
            case "flags":
                return packet.tcp_flags
            case "type":
                return packet.selector >> 8
            case "code":
                return packet.selector & 255
            case "checksum" | "reserved":
                # Where a rule has said ICMP or AH before, nft lists `th dport` by the field that lies there.
                return self.seen.facts["other port"]
        raise AssertionError(f"the interpreter does not know {protocol} {name}")
