"""Opens sockets of many kinds in a namespace of its own, and prints what the kernel and each program say of them, as JSON.

Run by a test as a process of its own, under `unshare -Urn`.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator

from firewright.live.sockets import listening

WORDS = {
    "ss": (("-Htulpn",), ("-tulpn",), ("-tulpnwe",), ("-an",), ("-tulpnw",)),
    "netstat": (("-tulpnw",), ("-tulpnWw",), ("-tulpnee",), ("-anp",)),
    "busybox": (("netstat", "-tulnw"), ("netstat", "-an")),
}
"""The programs, and with which words they are called."""


def opened() -> Iterator[socket.socket]:
    """Sockets of each kind: both families, both at once, loopback, mapped addresses, one interface, raw, connected."""
    four, six, stream, datagram = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
    for family, kind, address, is_v6_only in (
        (four, stream, "0.0.0.0", None), (six, stream, "::", True), (six, stream, "::", False), (four, stream, "127.0.0.1", None),
        (six, stream, "::ffff:127.0.0.1", False), (four, datagram, "0.0.0.0", None), (six, datagram, "::", True),
        (six, datagram, "::", False), (six, datagram, "::1", None), (six, stream, "2001:db8:1234:5678:9abc:def0:1:2", None),
    ):  # fmt: skip
        one = socket.socket(family, kind)
        if is_v6_only is not None:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, is_v6_only)
        one.bind((address, 0))
        if kind == stream:
            one.listen()
        yield one
    near = socket.socket(four, datagram)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    near.bind(("0.0.0.0", 0))
    yield near
    yield socket.socket(four, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    yield socket.socket(six, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    server = socket.create_server(("127.0.0.1", 0))
    yield server
    yield socket.create_connection(server.getsockname())
    unheard = socket.socket(four, stream)
    unheard.bind(("127.0.0.1", 0))
    yield unheard


def main() -> None:
    """Print the listeners as the kernel has them, and the listings."""
    for words in (
        ("link", "set", "lo", "up"),
        ("addr", "add", "2001:db8:1234:5678:9abc:def0:1:2/128", "dev", "lo", "nodad"),
    ):
        subprocess.run(["ip", *words], check=True)
    kept = list(opened())
    truth = [(one.family, one.protocol, one.port, one.address, one.interface) for one in listening().listeners]
    listings = {}
    for program, calls in WORDS.items():
        for call in calls if shutil.which(program) else ():
            done = subprocess.run(
                [program, *call], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
            )
            listings[" ".join((program, *call))] = done.stdout
    print(json.dumps({"truth": truth, "listings": listings, "open": len(kept)}))


if __name__ == "__main__":
    main()
