"""What is published from behind a machine: destination NAT to containers and other hosts, as Docker and people write it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from firewright.model.interval import Ranges
from firewright.model.packet import SCTP, TCP, UDP, Family
from firewright.space.ruleset import Line

_PROTOCOLS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
_ADDRESS = r"(?:(?P<v4>[0-9]+(?:\.[0-9]+){3})|\[?(?P<v6>[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)\]?)"
_TARGET = re.compile(rf"(?:\bdnat(?: ip6?)? to|--to-destination) +{_ADDRESS}(?::(?P<port>[0-9]+))?(?=\s|$)")
_PORT = re.compile(
    r"\b(?P<protocol>tcp|udp|sctp) dport (?P<port>\d+)\b|-p (?P<name>tcp|udp|sctp)\b.*--dport (?P<number>\d+)\b"
)
_HOST = re.compile(r"(?:\bip6? daddr|-d) (?P<address>[0-9a-fA-F:.]+)(?:/(?:32|128))?(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Published:
    """A port of the machine that stands for another's.

    `service` and `host` are as the caller sees them; `outer` is the port that callers name,
    `address` and `services` are where the packets arrive; `host` is empty where any address of the machine will do.
    `line` is the rule, which never decides equality.
    """

    service: str
    host: str
    family: Family
    address: int
    services: Ranges
    outer: Ranges
    target: str
    line: Line = field(compare=False)

    @property
    def words(self) -> str:
        """Where it goes, in words."""
        return f"{self.host or 'any address'}, goes on to {self.target}"


def published(translations: Iterable[Line]) -> tuple[tuple[Published, ...], tuple[Line, ...]]:
    """What rules of destination NAT publish, and those of them that publish in a way that is not followed."""
    found, strange = [], []
    for line in translations:
        if "dnat" not in line.text.lower():
            continue  # Source NAT publishes nothing, and what is redirected is judged as the listener that gets it.
        one = _read(line)
        if one is None:
            strange.append(line)
        else:
            found.append(one)
    return tuple(dict.fromkeys(found)), tuple(strange)


def _read(line: Line) -> Published | None:
    target, port = _TARGET.search(line.text), _PORT.search(line.text)
    if target is None or port is None:
        return None
    try:
        address = ip_address(target["v4"] or target["v6"])
    except ValueError:
        return None
    name = port["protocol"] or port["name"]
    outer = int(port["port"] or port["number"])
    inner = int(target["port"] or outer)
    host = _HOST.search(line.text[: target.start()])
    number, called = _PROTOCOLS[name] << 16 | inner, _PROTOCOLS[name] << 16 | outer
    shown = f"[{address}]:{inner}" if address.version == 6 else f"{address}:{inner}"
    return Published(
        service=f"{name}/{outer}",
        host=host["address"] if host else "",
        family=address.version,
        address=int(address),
        services=((number, number),),
        outer=((called, called),),
        target=shown,
        line=line,
    )
