"""The inside of a testbed: a process in network namespaces of its own, which does what it is told on its standard input.

Two namespaces: the firewall's, and around it one that has the other end of each of its interfaces, no address and no say.
A request is a line of JSON and as many bytes as it announces; so is an answer. Nothing here touches the machine's own network.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from firewright.live import _child, _conntrack, _namespace
from firewright.live._probe import INTO
from firewright.live._sending import Lost, Sending

_SYSCTLS = (
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv6/conf/all/forwarding", "1"),
    ("net/ipv4/icmp_ratelimit", "0"),
    ("net/ipv4/icmp_msgs_per_sec", "10000000"),
    ("net/ipv4/icmp_msgs_burst", "10000000"),
    ("net/ipv4/icmp_echo_ignore_broadcasts", "1"),
    ("net/ipv4/tcp_challenge_ack_limit", "2147483647"),
    ("net/ipv6/icmp/ratelimit", "0"),
    ("net/ipv6/auto_flowlabels", "0"),
    # Linux checks UDP-Lite's checksum as if it were UDP's (nf_conntrack_proto_udp.c), so a right one would be invalid.
    ("net/netfilter/nf_conntrack_checksum", "0"),
)
_SYSCTLS_OF_ALL = (
    ("net/ipv4/conf/{}/rp_filter", "0"),
    ("net/ipv4/conf/{}/accept_local", "1"),
    ("net/ipv4/conf/{}/route_localnet", "1"),
    ("net/ipv4/conf/{}/send_redirects", "0"),
    ("net/ipv4/conf/{}/accept_redirects", "0"),
    ("net/ipv6/conf/{}/accept_ra", "0"),
    ("net/ipv6/conf/{}/accept_redirects", "0"),
    ("net/ipv6/conf/{}/accept_dad", "0"),
)
_STEER = "firewright_steering"
"""The one table that is no part of what is tried out: it leads a packet out by the interface that its traffic class names."""


class Refused(Exception):
    """A step that did not work: its name, and what was said."""

    def __init__(self, step: str, said: str) -> None:
        super().__init__(said)
        self.step, self.said = step, said


class Bench:
    """The two namespaces and all that is in them."""

    def __init__(self) -> None:
        self.around = self.firewall = -1
        self.sending: Sending | None = None
        self.count = 0

    def start(self, user_namespace: bool) -> dict[str, Any]:
        """Make the namespaces."""
        try:
            if user_namespace:
                _namespace.own_user_namespace()
            self.firewall = _namespace.new()
            self.around = _namespace.new()
        except OSError as error:
            raise Refused("namespace", error.strerror or str(error)) from None
        return {"kernel": os.uname().release}

    def build(self, layout: Mapping[str, Any]) -> dict[str, Any]:
        """Make the interfaces, addresses and routes of a layout; `legs` are their names, addresses and prefixes."""
        legs = layout["legs"]
        self.count = len(legs)
        _write_all((("net/ipv6/conf/default/disable_ipv6", "1"), ("net/ipv6/conf/all/disable_ipv6", "1")))
        firewall = f"/proc/{os.getpid()}/fd/{self.firewall}"
        around = ["link set lo up", "link add name fwecho0 type veth peer name fwecho1"]
        around += [
            f"link add name fwpeer{number} type veth peer name {leg['name']} address 02:00:00:00:00:{number:02x} "
            f"netns {firewall}"
            for number, leg in enumerate(legs, 1)
        ]
        around += [f"link set {name} up arp off" for name in ("fwecho0", "fwecho1")]
        around += [f"link set fwpeer{number} up arp off" for number in range(1, len(legs) + 1)]
        self._ip(around)
        with _namespace.inside(self.firewall, self.around):
            _write_all((("net/ipv6/conf/default/accept_dad", "0"), ("net/ipv4/conf/default/rp_filter", "0")))
            self._ip(["link set lo up", *(f"link set {leg['name']} up arp off" for leg in legs)])
            for family in (4, 6):
                self._ip(_commands(legs, family), family)
            _write_all(_SYSCTLS)
            for name in ("all", "default", *(leg["name"] for leg in legs)):
                _write_all((path.format(name.replace("/", ".")), value) for path, value in _SYSCTLS_OF_ALL)
        self.sending = Sending(self.firewall, self.around, legs)
        self._load("")
        return {}

    def load(self, text: str) -> dict[str, Any]:
        """Let the firewall have this ruleset and none beside it."""
        self._load(text)
        return {}

    def _load(self, text: str) -> None:
        with _namespace.inside(self.firewall, self.around):
            done = _child.run([_found("nft"), "-f", "-"], "flush ruleset\n" + text + "\n" + _steering(self.count))
        if done.code:
            raise Refused("load", done.err.strip()[:2000])

    def listing(self) -> dict[str, Any]:
        """The firewall's ruleset as nft lists it."""
        with _namespace.inside(self.firewall, self.around):
            done = _child.run([_found("nft"), "-j", "list", "ruleset"])
        if done.code:
            raise Refused("list", done.err.strip()[:2000])
        tree = json.loads(done.out)
        kept = [one for one in tree["nftables"] if not any(_is_ours(value) for value in one.values())]
        return {"listing": json.dumps({"nftables": kept})}

    def flows(self) -> dict[str, Any]:
        """The tracked flows of the firewall."""
        with _namespace.inside(self.firewall, self.around):
            found = _conntrack.flows()
        return {
            "flows": [
                [
                    *(one.family, one.source.hex(), one.destination.hex(), one.protocol, one.source_port, one.port),
                    *(one.seconds, one.helper),
                ]
                for one in found
            ]
        }

    def flush(self) -> dict[str, Any]:
        """End every flow."""
        with _namespace.inside(self.firewall, self.around):
            _conntrack.flush()
        return {}

    def shorten(self, seconds: int) -> dict[str, Any]:
        """Give every flow only so many seconds from now."""
        with _namespace.inside(self.firewall, self.around):
            for flow in _conntrack.flows():
                _conntrack.set_seconds(flow, seconds)
        return {}

    def send(self, blob: bytes) -> tuple[dict[str, Any], bytes]:
        """Send frames and say what became of each."""
        if self.sending is None:
            raise Refused("send", "nothing is built")
        return {"again": self.sending.again}, self.sending.send(blob)

    def exchange(self, blob: bytes) -> tuple[dict[str, Any], bytes]:
        """Send frames and hand out whatever arrived outside, frame by frame."""
        if self.sending is None:
            raise Refused("send", "nothing is built")
        return {}, self.sending.exchange(blob)

    def _ip(self, commands: list[str], family: int = 0) -> None:
        words = [_found("ip"), *([f"-{family}"] if family else []), "-batch", "-"]
        done = _child.run(words, "\n".join(commands) + "\n")
        if done.code:
            raise Refused("ip", done.err.strip()[:2000])


def _commands(legs: list[dict[str, Any]], family: int) -> list[str]:
    """What gives the firewall its addresses and routes; behind each interface is one router that needs no discovery."""
    said = [
        f"route add local default dev lo table {1000 + INTO}",
        f"rule add fwmark {INTO} lookup {1000 + INTO} priority 999",
    ]
    for number, leg in enumerate(legs, 1):
        name, via, table = leg["name"], leg[f"via{family}"], 1000 + number
        said += [
            f"addr add {leg[f'own{family}']} dev {name}",
            f"route add {via} dev {name}",
            f"route add default via {via} dev {name} onlink table {table}",
            f"rule add fwmark {number} lookup {table} priority {table}",
        ]
        said += [
            f"route add {prefix} via {via} dev {name} onlink"
            for prefix in leg["prefixes"]
            if (":" in prefix) == (family == 6)
        ]
    return said


def _steering(count: int) -> str:
    """The table that leads packets out, at a priority before all that is tried out."""
    if not count:
        return ""
    pairs = ", ".join(f"{number} : {number}" for number in (*range(1, count + 1), INTO))
    return (
        f"table inet {_STEER} {{ chain steer {{ type filter hook prerouting priority -450; policy accept;\n"
        f"meta mark set ip dscp map {{ {pairs} }}\nmeta mark set ip6 dscp map {{ {pairs} }}\n}}\n}}\n"
    )


def _is_ours(value: Any) -> bool:
    return isinstance(value, dict) and _STEER in (value.get("table"), value.get("name"))


def _write_all(settings: Any) -> None:
    for path, value in settings:
        try:
            Path("/proc/sys", path).write_text(value)
        except FileNotFoundError:
            continue  # a kernel without the setting has no such limit either
        except OSError as error:
            raise Refused("sysctl", f"{path.replace('/', '.')}: {error.strerror}") from None


def _found(program: str) -> str:
    path = _child.find(program)
    if not path:
        raise Refused("missing", program)
    return path


def _serve() -> None:
    bench = Bench()
    read, write = sys.stdin.buffer, sys.stdout.buffer
    verbs: Mapping[str, Callable[..., Any]] = {
        name: getattr(bench, name)
        for name in ("start", "build", "load", "listing", "flows", "flush", "shorten", "send", "exchange")
    }
    while line := read.readline():
        request = json.loads(line)
        blob = read.read(request["bytes"])
        try:
            given = [blob] if request["verb"] in ("send", "exchange") else [*request["given"]]
            done = verbs[request["verb"]](*given)
            answer, out = done if isinstance(done, tuple) else (done, b"")
        except Refused as refused:
            answer, out = {"refused": refused.step, "said": refused.said}, b""
        except Lost:
            answer, out = {"refused": "lost", "said": ""}, b""
        except _child.Unfinished as late:
            answer, out = {"refused": "time", "said": str(late)}, b""
        except OSError as error:
            answer, out = {"refused": "kernel", "said": str(error)}, b""
        write.write(json.dumps({**answer, "bytes": len(out)}).encode() + b"\n" + out)
        write.flush()


def main() -> None:
    """Serve until the standard input ends, or whoever started this does."""
    _namespace.die_with_parent()
    _serve()
