"""Traffic through a firewall under load, and what became of it, counted beside the firewall's own chains.

A packet's traffic class says what it is: permitted, forbidden, or changing. A table of its own counts each class before the chains of
the firewall and behind them, on the same hooks, so that whatever is lost on the wires is lost to both counts.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from firewright.live.packets import wire
from firewright.model.packet import FAMILIES, UDP, Packet
from tests.kernel.network import MAC, Network
from tests.kernel.policies import Kinds
from tests.kernel.sender import write_frames

CLASSES = {"permitted": 8, "forbidden": 16, "changing": 24}
"""The differentiated services code point of each kind."""
_TYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}
_TABLE = "watched"


@dataclass(frozen=True)
class Count:
    """Packets of one kind and family, before the firewall's chains and behind them."""

    before: int
    behind: int


@dataclass(frozen=True)
class Load:
    """What a sending was: its packets, its seconds, and the counts by kind and family."""

    sent: int
    seconds: float
    counts: dict[tuple[str, int], Count]

    @property
    def rate(self) -> float:
        """Packets a second."""
        return self.sent / self.seconds

    def passed(self, kind: str) -> int:
        """How many of a kind came through."""
        return sum(self.counts[kind, family].behind for family in FAMILIES)

    def dropped(self, kind: str) -> int:
        """How many of a kind came to the firewall and no further."""
        return sum(self.counts[kind, family].before - self.counts[kind, family].behind for family in FAMILIES)

    def seen(self, kind: str, family: int) -> int:
        """How many of a kind came to the firewall."""
        return self.counts[kind, family].before


class Traffic:
    """Packets of three kinds from the client, to be sent in a `with` while something is done to the firewall."""

    def __init__(self, network: Network, kinds: Kinds, rate: float) -> None:
        self.network, self.rate = network, rate
        # Rehearsals, which others may run meanwhile, send on the first processor.
        self.cpu = max(os.sched_getaffinity(0))
        self._frames = _mixed(kinds)
        self._answers = [
            _frame(replace(_turned(packet), in_interface="fs"), number, 0, "s0", "fs")
            for number, packet in enumerate(kinds.permitted, 1)
            if packet.protocol == UDP and packet.out_interface
        ][::4]
        self.load: Load | None = None

    def __enter__(self) -> Traffic:
        self._folder = tempfile.TemporaryDirectory()
        self.network.server.load(_SINK)
        there, back = Path(self._folder.name, "there"), Path(self._folder.name, "back")
        write_frames(there, self._frames)
        write_frames(back, self._answers)
        self._once("c0", there)
        self._once("s0", back)
        self.network.firewall.load(_watching())
        words = ("c0", str(self.cpu), str(self.rate), str(there))
        self._sender = self.network.client.python("tests.kernel.sender", *words)
        assert self._sender.stdout is not None
        assert self._sender.stdout.readline() == b"ready\n"
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._tell()
                assert self._sender.stdout is not None
                said = json.loads(self._sender.stdout.readline())
                self._sender.wait(10)
                self.load = Load(said["sent"], said["seconds"], self._counts())
        finally:
            self._sender.kill()
            self._sender.wait()
            self._folder.cleanup()

    @property
    def done(self) -> Load:
        """What was counted, once it is over."""
        assert self.load is not None
        return self.load

    def _tell(self) -> None:
        assert self._sender.stdin is not None
        self._sender.stdin.write(b"\n")
        self._sender.stdin.flush()

    def _once(self, device: str, path: Path) -> None:
        """Send a file once; the answers to some flows make them established ones."""
        space = self.network.client if device == "c0" else self.network.server
        sender = space.python("tests.kernel.sender", device, str(self.cpu), "50000", str(path))
        out, _ = sender.communicate(b"\n\n", timeout=30)
        assert json.loads(out.splitlines()[1])["sent"] > 0

    def _counts(self) -> dict[tuple[str, int], Count]:
        found = {}
        for one in self.network.firewall.tree("counters", "table", "inet", _TABLE):
            if "counter" in one:
                found[one["counter"]["name"]] = int(one["counter"]["packets"])
        return {
            (kind, family): Count(found[f"{kind}_v{family}_before"], found[f"{kind}_v{family}_behind"])
            for kind in CLASSES
            for family in FAMILIES
        }


_SINK = """table netdev sink
delete table netdev sink
table netdev sink { chain sink { type filter hook ingress device s0 priority 0; policy drop; }; }
"""
"""What makes the server drop all that comes, before anything else is done with it."""


def _watching() -> str:
    """The table that counts, before and behind every other chain of the hooks."""
    names = [(kind, family) for kind in CLASSES for family in FAMILIES]
    counters = "".join(
        f"counter {kind}_v{family}_{where} {{ }}\n" for kind, family in names for where in ("before", "behind")
    )
    chains = "".join(
        f"chain {hook}_{where} {{ type filter hook {hook} priority {priority}; policy accept;\n"
        + "".join(
            f"{'ip' if family == 4 else 'ip6'} dscp {CLASSES[kind]} counter name {kind}_v{family}_{where}\n"
            for kind, family in names
        )
        + "}\n"
        for hook in ("forward", "input")
        for where, priority in (("before", -400), ("behind", 400))
    )
    return f"table inet {_TABLE}\ndelete table inet {_TABLE}\ntable inet {_TABLE} {{\n{counters}{chains}}}\n"


def _mixed(kinds: Kinds) -> list[bytes]:
    """Frames of all kinds in turn: of ten, five are forbidden, four permitted, one changes."""
    ways: Sequence[tuple[str, Sequence[Packet]]] = (
        *(("forbidden", kinds.forbidden),) * 5,
        *(("permitted", kinds.permitted),) * 4,
        ("changing", kinds.changing),
    )
    frames, at = [], dict.fromkeys(CLASSES, 0)
    for number in range(10 * len(kinds.forbidden) // 5):
        kind, packets = ways[number * 3 % 10]
        packet = packets[at[kind] % len(packets)]
        at[kind] += 1
        frames.append(_frame(packet, number % 65_000 + 1, CLASSES[kind], "c0", "fc"))
    return frames


def _frame(packet: Packet, number: int, code_point: int, sender: str, taker: str) -> bytes:
    ends = bytes.fromhex((MAC[taker] + MAC[sender]).replace(":", ""))
    return ends + _TYPE[packet.family] + wire(packet, number, traffic_class=code_point << 2)


def _turned(packet: Packet) -> Packet:
    return replace(
        packet,
        source=packet.destination,
        destination=packet.source,
        source_port=packet.selector,
        selector=packet.source_port,
    )
