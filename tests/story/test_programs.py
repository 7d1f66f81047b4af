"""Hosts that have little: nft and sh are enough, whichever sh it is; what is missing beyond that is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.story.machines import Machines, needs_machines, until

_BUSYBOX = ("nft", "cksum")
"""What Debian's busybox lacks and others' have is a program of its own."""


@pytest.mark.parametrize(
    ("only", "without", "ends_flows"),
    [
        ((*_BUSYBOX, "conntrack"), (), True),
        ((), ("conntrack", "setsid", "unshare", "sha256sum", "logger", "ip", "sudo"), False),
    ],
    ids=["busybox", "without what is not needed"],
)
def test_nft_and_sh_are_enough(
    machines: Machines, only: Sequence[str], without: Sequence[str], ends_flows: bool
) -> None:
    """Plan, apply, confirm, drift and the watchdog do their work there; that open flows stay is said where conntrack is missing."""
    needs_machines("busybox")
    host = machines.host
    held = machines.third.talk("hold", "10.30.0.1", "9000")
    host.equip(only, without)
    done = machines.firewright("apply", "web1", "-p", "web.yaml")
    assert done.code == 0, done.said
    assert "proved: what runs is what the policy says" in done.out
    assert ("warning[flows-stay]" in done.out) is not ends_flows
    confirmed = machines.firewright("confirm", "web1")
    assert confirmed.code == 0, confirmed.said
    assert ("ended 1 open flow" in confirmed.out) is ends_flows
    assert held.stdin is not None and held.stdout is not None
    held.stdin.write("\n")
    held.stdin.flush()
    assert held.stdout.readline().strip() == ("silent" if ends_flows else "answered")
    assert machines.firewright("drift", "web1").code == 0

    before = host.listed()
    assert machines.firewright("apply", "web1", "-p", "more.yaml", "--wait", "5").code == 0
    assert host.listed() != before
    assert until(lambda: not host.is_pending)
    assert host.listed() == before
    assert host.stored("generations/2/state") == "rolled back: nobody confirmed it in 5 s"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("nft", "error[no-nft]: web1: nft is not installed there"),
        ("cksum", "error[no-program]: web1: cksum is not installed on the host"),
    ],
)
def test_a_host_without_what_is_needed_is_told(machines: Machines, missing: str, said: str) -> None:
    """Without nft, or without what tells that a text arrived whole, nothing is done, and what to install is said."""
    host = machines.host
    before = host.listed()
    host.equip(without=[missing])
    done = machines.firewright("apply", "web1", "-p", "web.yaml")
    assert (done.code, done.out) == (2, ""), done.said
    assert done.err.startswith(said)
    assert "  = help: " in done.err
    assert (host.listed(), host.state.exists()) == (before, False)
