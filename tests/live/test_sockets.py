"""What listens here is found with its address, families and program, by netlink and by /proc alike."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address

import pytest

from firewright.live import _netlink, sockets
from firewright.live.sockets import Listener, Program, listening
from firewright.model.packet import TCP, UDP
from tests.live.scene import ROOT

V6ONLY = 1


def _open(stack: ExitStack, kind: int, address: str, *, is_v6_only: bool = False, device: str = "") -> int:
    """A socket that listens at an address, and its port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = stack.enter_context(socket.socket(family, kind))
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(is_v6_only))
    if device:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    one.bind((address, 0))
    if kind == socket.SOCK_STREAM:
        one.listen()
    return int(one.getsockname()[1])


@pytest.fixture(params=["netlink", "/proc"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the kernel is asked: by netlink, or by /proc/net where it has no module for that."""
    if request.param == "/proc":

        def without(*_: object) -> Iterator[bytes]:
            raise FileNotFoundError(2, "no such module")

        monkeypatch.setattr(_netlink, "dump", without)
    return str(request.param)


def _found(port: int) -> set[tuple[int, int, str]]:
    """Protocol, family and address of whatever listens at a port in this process."""
    own = [one for one in listening().listeners if one.port == port and os.getpid() in [p.pid for p in one.programs]]
    kinds = {4: socket.AF_INET, 6: socket.AF_INET6}
    return {
        (one.protocol, one.family, socket.inet_ntop(kinds[one.family], one.address.to_bytes(4 if one.family == 4 else 16)))
        for one in own
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        (socket.SOCK_STREAM, "0.0.0.0", {(TCP, 4, "0.0.0.0")}),
        (socket.SOCK_STREAM, "127.0.0.1", {(TCP, 4, "127.0.0.1")}),
        (socket.SOCK_STREAM, "::", {(TCP, 4, "0.0.0.0"), (TCP, 6, "::")}),
        (socket.SOCK_STREAM, "::1", {(TCP, 6, "::1")}),
        (socket.SOCK_STREAM, "::ffff:127.0.0.1", {(TCP, 4, "127.0.0.1")}),
        (socket.SOCK_DGRAM, "0.0.0.0", {(UDP, 4, "0.0.0.0")}),
        (socket.SOCK_DGRAM, "::", {(UDP, 4, "0.0.0.0"), (UDP, 6, "::")}),
    ],
)
def test_a_socket_is_found_in_each_family_that_it_serves(
    kind: int, address: str, expected: set[tuple[int, int, str]], way: str
) -> None:
    """A socket stands once for each family that it serves: one of IPv6 for IPv4 too, unless told otherwise."""
    with ExitStack() as stack:
        assert _found(_open(stack, kind, address)) == expected


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_of_ipv6_only_does_not_serve_ipv4(kind: int) -> None:
    """A socket that is told to be of IPv6 only is found in IPv6 alone."""
    with ExitStack() as stack:
        port = _open(stack, kind, "::", is_v6_only=True)
        assert _found(port) == {(TCP if kind == socket.SOCK_STREAM else UDP, 6, "::")}


def test_a_connection_is_no_listener() -> None:
    """The two ends of an open connection take packets of each other only, and are left out; so is a bound socket that only calls."""
    with ExitStack() as stack:
        port = _open(stack, socket.SOCK_STREAM, "127.0.0.1")
        caller = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.connect(("127.0.0.1", port))
        ports = {one.port for one in listening().listeners}
        assert port in ports
        assert caller.getsockname()[1] not in ports
        assert udp.getsockname()[1] not in {one.port for one in listening().listeners if one.protocol == UDP}


def test_the_program_behind_a_socket_is_named() -> None:
    """A listener has the name and number of every process that holds it, a child that inherited it too."""
    with ExitStack() as stack:
        one = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        one.set_inheritable(True)
        child = stack.enter_context(subprocess.Popen(["sleep", "60"], pass_fds=[one.fileno()]))
        try:
            found = next(each for each in listening().listeners if each.port == one.getsockname()[1])
        finally:
            child.kill()
        assert Program("sleep", child.pid) in found.programs
        assert os.getpid() in {program.pid for program in found.programs}


def test_only_loopback_and_the_loopback_interface_are_private() -> None:
    """What is bound to loopback, in either family or by its interface, is the machine's own; nothing else is."""
    private = [
        Listener(TCP, 1, 4, 0x7F000001),
        Listener(TCP, 1, 6, 1),
        Listener(TCP, 1, 4, 0, "lo"),
        Listener(TCP, 1, 4, 0x7F0A0001),
    ]
    public = [Listener(TCP, 1, 4, 0), Listener(TCP, 1, 6, 0), Listener(TCP, 1, 6, int(ip_address("fe80::1")), "eth0")]
    assert all(one.is_private for one in private)
    assert not any(one.is_private for one in public)


def test_the_interface_that_a_socket_is_bound_to_is_named() -> None:
    """A socket that takes packets of one interface only says which."""
    with ExitStack() as stack:
        port = _open(stack, socket.SOCK_STREAM, "0.0.0.0", device="lo")
        assert {one.interface for one in listening().listeners if one.port == port} == {"lo"}


def test_a_raw_socket_gets_every_packet_of_its_protocol() -> None:
    """A raw socket is found under its protocol, without a port, in its own family."""
    try:
        one = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 99)
    except PermissionError:
        pytest.skip("only root opens raw sockets")
    with one:
        found = [each for each in listening().listeners if each.protocol == 99]
    assert [(each.family, each.is_raw) for each in found] == [(6, True)]


def test_what_other_users_run_is_said_to_be_unseen() -> None:
    """Who may not look into a process is told that a program is unknown, and still finds its socket."""
    if os.geteuid():
        pytest.skip("it takes root to become somebody else")
    code = (
        "import sys\nfrom firewright.live.sockets import listening\nfound = listening()\n"
        "print([one.programs for one in found.listeners if one.port == int(sys.argv[1])], found.unseen)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as one:
        words = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", code]
        done = subprocess.run([*words, str(one.getsockname()[1])], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("[()]"), done.stderr
    assert "root sees them" in done.stdout


def test_a_kernel_that_answers_no_netlink_and_has_no_proc_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither way works nothing is called quiet: what was not read is named."""

    def forbidden(*_: object) -> Iterator[sockets._Socket]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sockets, "_dumped", forbidden)
    monkeypatch.setattr(sockets, "_in_proc", forbidden)
    found = listening()
    assert not found.listeners
    assert any("/proc/net/tcp6 cannot be read" in said for said in found.unseen)
