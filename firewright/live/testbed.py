"""A testbed: a firewall in a network namespace of its own, with a wire at each interface, that packets are sent through.

It is another process: when that ends, by whatever cause, the kernel takes the namespaces away. Nothing of the machine's own
network is touched, and where user namespaces are allowed no right is needed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any

from firewright.analysis.ground import Ground
from firewright.diagnostic import harmless
from firewright.live import _child
from firewright.live._nft_errors import no_namespaces
from firewright.live._probe import (
    ARRIVED,
    DELIVERED,
    ICMP_ANSWER,
    INTO,
    PROBE,
    REFUSED,
    RESET,
    SEEN,
    TWICE,
    UNSENT,
    WRONG_ANSWER,
)
from firewright.model.packet import FAMILIES, Family

__all__ = ["INTO", "CannotLoad", "Seen", "Sent", "Testbed", "TestbedError", "TrackedFlow"]

_NAME = re.compile(r"[A-Za-z0-9_.+@-]{1,15}")
_SECONDS_TO_END = 5.0


class TestbedError(Exception):
    """Why nothing can be tried out here: `message` says what, `help` a way out."""

    __test__ = False

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message, self.help = message, help


class CannotLoad(TestbedError):
    """A ruleset that the kernel or nft refuses."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet to be sent: the interface by which it enters (0: the firewall itself) and is led out (0: none), from 1 on."""

    enter: int
    leave: int
    whole: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of a packet.

    `arrived` is the interface it came out by, 0 where it did not; `answer` "", "reset", or "icmp" with its type and code;
    `where` is the interface the answer came out by, 0 where the firewall got it itself.
    """

    arrived: int = 0
    is_delivered: bool = False
    is_refused: bool = False
    is_unsent: bool = False
    is_twice: bool = False
    answer: str = ""
    type: int = 0
    code: int = 0
    where: int = 0
    is_answer_right: bool = True


@dataclass(frozen=True, slots=True)
class TrackedFlow:
    """A flow that connection tracking knows, by its first packet; ports are 0 where it has none."""

    family: Family
    source: int
    destination: int
    protocol: int
    source_port: int
    port: int
    seconds: int
    helper: str


class Testbed:
    """The firewall of a ground, to be used in a `with`. Raises TestbedError where it cannot be had.

    `in_user_namespace` says whether it is made without any right; by default only where this process is not root.
    """

    __test__ = False

    def __init__(self, ground: Ground, in_user_namespace: bool | None = None) -> None:
        for program, package in (("nft", "nftables"), ("ip", "iproute2")):
            if not _child.find(program):
                raise TestbedError(f"{program} is not installed", f"apt-get install {package}")
        for one in ground.interfaces:
            if not _NAME.fullmatch(one.name) or one.name in (".", "..", "lo"):
                raise TestbedError(f"no interface can be made with the name {harmless(one.name, 40)!r}")
        self.ground, self.again = ground, 0
        self._user_namespace = in_user_namespace
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Testbed:
        asked = self._user_namespace
        try:
            try:
                self._start(os.geteuid() != 0 if asked is None else asked)
            except _Refused as refused:
                if asked is not None or os.geteuid() != 0 or refused.step != "namespace":
                    raise
                self._start(user_namespace=True)
            self._ask("build", _layout(self.ground))
        except _Refused as refused:
            self.close()
            raise _error(refused) from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and with it every namespace it had."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        # It has nothing to put in order, and its own way out takes a fifth of a second.
        process.kill()
        process.wait(_SECONDS_TO_END)
        if process.stdout is not None:
            process.stdout.close()

    def load(self, text: str) -> None:
        """Let the firewall have this ruleset, and none beside it; tracked flows stay. Raises CannotLoad."""
        try:
            self._ask("load", text)
        except _Refused as refused:
            raise _error(refused) from None

    def listing(self) -> str:
        """The firewall's ruleset, with its counters, as `nft -j list ruleset` has it."""
        return str(self._checked("listing")["listing"])

    def flush(self) -> None:
        """End every tracked flow."""
        self._checked("flush")

    def shorten(self, seconds: int) -> None:
        """Give every tracked flow only so many seconds from now."""
        self._checked("shorten", seconds)

    def flows(self) -> tuple[TrackedFlow, ...]:
        """Every tracked flow."""
        return tuple(
            TrackedFlow(family, int(source, 16), int(destination, 16), protocol, source_port, port, seconds, helper)
            for family, source, destination, protocol, source_port, port, seconds, helper in self._checked("flows")[
                "flows"
            ]
        )

    def send(self, packets: Sequence[Sent]) -> list[Seen]:
        """What becomes of each packet, in their order. A lost capture is never taken for a drop: such packets are sent again.

        Packets of one call have different numbers (`packets.wire`), as many as NUMBERS.
        """
        return next(self.send_each([packets]))

    def send_each(self, batches: Iterable[Sequence[Sent]]) -> Iterator[list[Seen]]:
        """What `send` says of each batch, in order. The next batch is made while one is under way."""
        is_under_way = False
        for packets in batches:
            done = self._sent() if is_under_way else None
            self._post("send", blob=_blob(packets))
            is_under_way = True
            if done is not None:
                yield _all_seen(done)
        if is_under_way:
            yield _all_seen(self._sent())

    def _sent(self) -> bytes:
        try:
            answer, out = self._answer()
        except _Refused as refused:
            raise _error(refused) from None
        self.again = int(answer["again"])
        return out

    def exchange(self, packets: Sequence[Sent]) -> list[tuple[int, bytes]]:
        """Everything that came out after sending these: the interface, and the packet from its IP header on."""
        try:
            _, out = self._ask("exchange", blob=_blob(packets))
        except _Refused as refused:
            raise _error(refused) from None
        found, at = [], 0
        while at < len(out):
            number, _, length = PROBE.unpack_from(out, at)
            at += PROBE.size
            found.append((number, out[at : at + length]))
            at += length
        return found

    def _checked(self, verb: str, *given: object) -> Mapping[str, Any]:
        try:
            return self._ask(verb, *given)[0]
        except _Refused as refused:
            raise _error(refused) from None

    def _start(self, user_namespace: bool) -> None:
        self.close()
        path = os.pathsep.join(folder or "." for folder in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from firewright.live._bench import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": _child.path(), "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": path},
            start_new_session=True,
        )
        self._ask("start", user_namespace)

    def _ask(self, verb: str, *given: object, blob: bytes = b"") -> tuple[Mapping[str, Any], bytes]:
        self._post(verb, *given, blob=blob)
        return self._answer()

    def _post(self, verb: str, *given: object, blob: bytes = b"") -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise TestbedError("the testbed is closed")
        # Where the other side has ended there is no answer to read either, which says it.
        with suppress(OSError):
            process.stdin.write(json.dumps({"verb": verb, "given": given, "bytes": len(blob)}).encode() + b"\n" + blob)
            process.stdin.flush()

    def _answer(self) -> tuple[Mapping[str, Any], bytes]:
        process = self._process
        if process is None or process.stdout is None:
            raise TestbedError("the testbed is closed")
        line = process.stdout.readline()
        if not line:
            raise TestbedError("the process in the namespaces ended by itself", "is the machine out of memory?")
        answer = json.loads(line)
        if "refused" in answer:
            raise _Refused(answer["refused"], answer["said"])
        return answer, process.stdout.read(answer["bytes"])


class _Refused(Exception):
    """What the inside said it could not do."""

    def __init__(self, step: str, said: str) -> None:
        super().__init__(said)
        self.step, self.said = step, said


def _error(refused: _Refused) -> TestbedError:
    said = harmless(refused.said, 300)
    if refused.step == "namespace":
        found = no_namespaces(refused.said)
        return TestbedError(found.message, found.help)
    if refused.step == "missing":
        return TestbedError(f"{said} is not installed")
    if refused.step == "load":
        return CannotLoad(f"the ruleset cannot be loaded: {said}", "the kernel may lack what the ruleset needs")
    if refused.step == "sysctl":
        return TestbedError(f"a setting cannot be made in the namespace: {said}", "is /proc/sys mounted read-only?")
    if refused.step == "lost":
        return TestbedError("the kernel lost captures, however slowly packets were sent", "is the machine overloaded?")
    if refused.step == "time":
        return TestbedError(f"a step took too long: {said}", "is the machine overloaded?")
    return TestbedError(f"{refused.step}: {said}")


def _layout(ground: Ground) -> dict[str, Any]:
    return {
        "legs": [
            {
                "name": one.name,
                "own4": f"{ip_address(one.own(4))}/32",
                "own6": f"{ip_address(one.own(6))}/128",
                "via4": str(ip_address(one.neighbour(4))),
                "via6": str(ip_address(one.neighbour(6))),
                "own": [one.own(family).to_bytes(4 if family == 4 else 16, "big").hex() for family in FAMILIES],
                "prefixes": list(one.behind.prefixes()),
            }
            for one in ground.interfaces
        ]
    }


def _blob(packets: Sequence[Sent]) -> bytes:
    return b"".join(PROBE.pack(one.enter, one.leave, len(one.whole)) + one.whole for one in packets)


def _all_seen(out: bytes) -> list[Seen]:
    return [_seen(*values) for values in SEEN.iter_unpack(out)]


_ANSWERS = {0: "", RESET: "reset", ICMP_ANSWER: "icmp"}


@cache
def _seen(flags: int, arrived: int, answer: int, kind: int, code: int, where: int, _: int) -> Seen:
    return Seen(
        arrived if flags & ARRIVED else 0,
        bool(flags & DELIVERED),
        bool(flags & REFUSED),
        bool(flags & UNSENT),
        bool(flags & TWICE),
        _ANSWERS[answer],
        kind,
        code,
        where,
        not flags & WRONG_ANSWER,
    )
