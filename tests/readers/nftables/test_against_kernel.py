"""Real packets through random rulesets in a private namespace: the kernel lets through what the programs accept."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from firewright.live._nft_errors import NftError
from firewright.live.nft import list_back
from firewright.model.packet import PORTED, ConntrackState, Packet
from firewright.readers.nftables import encode, parse
from firewright.space.axis import point
from firewright.space.program import Program
from firewright.space.ruleset import Hook
from tests.readers.nftables.rulesets import packet, ruleset
from tests.readers.nftables.test_against_interpreter import truth

_INJECT = Path(__file__).with_name("inject.py")
_TTL = 64


def _through(rulesets: list[str], packets: list[bytes]) -> list[list[bool]]:
    asked = json.dumps({"rulesets": rulesets, "packets": [one.hex() for one in packets]})
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("no unshare or ip: packets cannot be sent through a namespace")
    done = subprocess.run(
        ["unshare", "-Urn", sys.executable, str(_INJECT)], input=asked, text=True, capture_output=True, timeout=120
    )
    if done.returncode and ("unshare" in done.stderr or "veth" in done.stderr):
        pytest.skip(f"no namespace with a veth pair: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    answer: list[list[bool]] = json.loads(done.stdout)
    return answer


def _datagram(one: Packet, number: int) -> bytes:
    """The packet as bytes, with its number as identification or flow label."""
    if one.protocol in PORTED:
        body = struct.pack("!HH", one.source_port, one.selector)
        if one.protocol == 6:
            body += struct.pack("!IIBBHHH", 1, 0, 0x50, one.tcp_flags, 1024, 0, 0)
        else:
            body += struct.pack("!HH", 8, 0) + bytes(8)
    elif one.protocol in (1, 58):
        body = struct.pack("!HHHH", one.selector, 22, 0, 0)
    elif one.protocol == 51:
        body = struct.pack("!BBHII", 6, 4, 22, 1, 1) + bytes(12) + struct.pack("!HH", 22, 22) + bytes(16)
    else:
        body = struct.pack("!HHHH", 0, 22, 0, 0) + bytes(8)
    if one.family == 6:
        head = struct.pack("!IHBB", 6 << 28 | number, len(body), one.protocol, _TTL)
        return head + one.source.to_bytes(16) + one.destination.to_bytes(16) + body
    ends = one.source.to_bytes(4) + one.destination.to_bytes(4)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number, 0, _TTL, one.protocol, 0)
    total = sum(struct.unpack("!10H", head + ends))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xFFFF) + ends + body


def _accepts(program: Program, one: Packet) -> bool:
    first = one.selector if one.protocol in (1, 58) else 0x0604 if one.protocol == 51 else 0
    facts = {"ttl": _TTL, "mark": 0, "other port": 22, "other sport": first}
    assumed = {text: truth(text, facts) for literals in program.literals for text, _ in literals}
    return program.verdict[program.decide(point(one), assumed)] == "accept"


def _rulesets(random: Random, count: int) -> list[str]:
    """Rulesets at prerouting that say nothing of states, which a packet that is put on the wire cannot choose."""
    found: list[str] = []
    while len(found) < count:
        text = ruleset(random)
        if "hook prerouting" not in text or "ct state" in text:
            continue
        text = text.replace('"eth0"', '"v0"').replace("eth0 .", "v0 .")
        try:
            list_back(text)
        except NftError as error:
            if "namespace" in error.message:
                pytest.skip(error.message)
            continue
        found.append(text)
    return found


def test_the_kernel_passes_what_is_accepted() -> None:
    """Each packet comes through a random ruleset exactly if the program of its family accepts it."""
    random = Random(3)
    rulesets = _rulesets(random, 25)
    packets: list[Packet] = []
    while len(packets) < 150:
        one = packet(random, "prerouting")
        # What the kernel drops before any rule is no packet of this test.
        if one.family == 6 and (one.source in (0, 1) or one.destination in (0, 1) or one.source >> 120 == 0xFF):
            continue
        packets.append(replace(one, conntrack_state=ConntrackState.NEW, in_interface="v0", out_interface=""))
    passed = _through(rulesets, [_datagram(one, number) for number, one in enumerate(packets, 1)])
    accepted = 0
    for text, came in zip(rulesets, passed, strict=True):
        programs = encode(parse(list_back(text).json, "random.nft")).hooks[Hook.PREROUTING]
        for one, is_through in zip(packets, came, strict=True):
            accepted += is_through
            assert _accepts(programs[one.family], one) == is_through, f"{one} ({is_through=}) under\n{text}"
    assert 200 < accepted < 25 * 150 - 200, "both answers are common"


def test_an_authentication_header_is_the_last_one() -> None:
    """In IPv6, `meta l4proto ah` and `ip6 nexthdr ah` are one service, and what AH carries is not looked at."""
    inside = Packet(6, 0x20010DB8 << 96, 0x20010DB9 << 96, 51, in_interface="v0")
    for rule, expected in (
        ("meta l4proto ah accept", True),
        ("ip6 nexthdr ah accept", True),
        ("meta l4proto tcp accept", False),
        ("tcp dport 22 accept", False),
        ("th dport 22 accept", True),
        ("meta l4proto != ah accept", False),
    ):
        text = f"table inet t {{ chain c {{ type filter hook prerouting priority 0; policy drop; {rule}; }}; }}"
        ((came,),) = _through([text], [_datagram(inside, 1)])
        assert came is expected, rule
        programs = encode(parse(list_back(text).json, "ah.nft")).hooks[Hook.PREROUTING]
        assert _accepts(programs[6], inside) is expected, rule
