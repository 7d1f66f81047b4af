"""What can be wrong with a host while it is changed: its disk, others who change it too, its watchdog, its clock."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.story.machines import Done, Host, Machines, program, surroundings, until

_STATE = "/var/lib/firewright"


def _apply(machines: Machines, name: str, *words: str) -> Done:
    return machines.firewright("apply", "web1", "-p", f"{name}.yaml", *words)


def _keep(machines: Machines, name: str) -> str:
    """Apply a policy and confirm it over a connection of its own; how the host lists its rules then."""
    done = _apply(machines, name, "--confirm")
    assert done.code == 0, done.said
    return machines.host.listed()


def _is_watched(host: Host) -> bool:
    return "host.sh watch" in host.run("ps", "-ef")


@pytest.mark.parametrize(
    ("options", "filled", "name", "said"),
    [
        ("size=64k", "64k", "no-space", "No space left on device"),
        ("size=256k", "200k", "no-space", "No space left on device"),
        ("ro", "", "no-state", "Read-only file system"),
    ],
    ids=["full", "full after a while", "read-only"],
)
def test_a_host_that_cannot_store_a_generation_loads_none(
    machines: Machines, options: str, filled: str, name: str, said: str
) -> None:
    """A full disk, one that is full halfway, and a read-only one are told apart, before anything is loaded."""
    host = machines.host
    before = host.listed()
    host.sh(f"mkdir -p {_STATE}; mount -t tmpfs -o {options},mode=700 none {_STATE}")
    if filled:
        host.sh(f"head -c {filled} /dev/zero >{_STATE}/filled || true")
    done = _apply(machines, "web")
    assert (done.code, done.out, host.listed()) == (2, "", before)
    assert done.err.startswith(f"error[{name}]: web1: ")
    assert said in done.err
    assert done.err.count("\n") == 2, "nothing else is said"
    assert not _is_watched(host)
    host.sh(f"umount {_STATE}; rmdir {_STATE}; rmdir /var/lib")
    assert _apply(machines, "web", "--confirm").code == 0, "where there is no folder at all, it is made"


def test_of_two_applies_at_once_one_wins_and_the_other_is_told(machines: Machines) -> None:
    """Exactly one policy is loaded, whole; the other apply says who is at work, or what waits, and changes nothing."""
    host = machines.host
    names = ("web", "more")
    running = [
        subprocess.Popen(
            [*machines.admin.before, *program(host.folder), "apply", "web1", "-p", f"{name}.yaml"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=surroundings({"FIREWRIGHT_SSH_CONFIG": str(host.config)}),
        )
        for name in names
    ]  # fmt: skip
    said = [one.communicate(timeout=60)[0] for one in running]
    codes = [one.returncode for one in running]
    assert sorted(code == 0 for code in codes) == [False, True], said
    winner = codes.index(0)
    assert any(f"[{name}]" in said[1 - winner] for name in ("busy", "pending", "changed")), said[1 - winner]
    assert ("9000" in host.listed("table", "inet", "firewright")) == (names[winner] == "more")
    assert host.stored("generations/1/state") == "applied"
    assert not (host.state / "generations" / "2").exists()


def test_what_waits_stops_another_apply(machines: Machines) -> None:
    """While a generation waits no other is loaded, by force neither; a return to an old one is told the same."""
    host = machines.host
    assert _apply(machines, "web").code == 0
    waiting = host.listed()
    for words in ((), ("--force",)):
        done = _apply(machines, "more", *words)
        assert done.code == 1
        assert "error[pending]: generation 1 waits to be confirmed, " in done.out
        assert "firewright confirm keeps it, firewright rollback takes it back" in done.out
    back = machines.firewright("rollback", "web1", "--to", "1")
    assert back.code == 2
    assert "error[pending]" in back.err
    other = machines.firewright("confirm", "web1", "--generation", "7")
    assert other.code == 2
    assert "error[other-pending]: web1: generation 1 waits to be confirmed, not 7" in other.err
    assert host.listed() == waiting
    assert machines.firewright("rollback", "web1").code == 0
    nothing = machines.firewright("rollback", "web1")
    assert nothing.code == 2
    assert "error[nothing-pending]: web1: nothing waits to be confirmed" in nothing.err


def test_a_dead_watchdog_is_noticed(machines: Machines) -> None:
    """Where the watchdog was killed status says so, and whoever confirms is told that the old ruleset is back instead."""
    host = machines.host
    before = _keep(machines, "web")
    assert _apply(machines, "more").code == 0
    host.sh('read -r number rest </var/lib/firewright/pending/watch; kill -9 "$number"')
    status = machines.firewright("status", "web1")
    assert status.code == 1
    assert "error[watchdog-dead]" in status.out
    late = machines.firewright("confirm", "web1")
    assert late.code == 2
    assert "error[nothing-pending]: web1: generation 2 was taken back: its watchdog was dead" in late.err
    assert host.listed() == before


def test_a_clock_that_jumps_moves_no_deadline(machines: Machines) -> None:
    """A clock set a year ahead and back again while a generation waits: it is taken back after its seconds of running time."""
    host = machines.host
    before = _keep(machines, "web")
    jump = host.folder / "jump"
    jump.write_text("0")
    host.equip(
        instead={
            "date": f'[ "$*" != +%s ] || exec echo $(($($FULL/bin/date +%s) + $(cat {jump}))); exec $FULL/bin/date "$@"'
        }
    )
    assert _apply(machines, "more", "--wait", "5").code == 0
    began = time.monotonic()
    loaded = host.listed()
    for seconds in (31_536_000, -31_536_000):
        jump.write_text(str(seconds))
        time.sleep(0.6)
        assert host.listed() == loaded, "no jump takes it back"
    jump.write_text("31536000")
    assert until(lambda: not host.is_pending)
    assert time.monotonic() - began > 3.0
    assert host.listed() == before
    assert host.stored("generations/2/state") == "rolled back: nobody confirmed it in 5 s"


def test_the_ends_of_permissions_follow_the_clock(machines: Machines) -> None:
    """When the host's clock passes the end of a permission its open flows end, though it was set, and only they."""
    host = machines.host
    jump = host.folder / "jump"
    jump.write_text("0")
    machines.policy("ending.yaml", (host.folder / "web.yaml").read_text().replace(
        "rules:\n", "rules:\n  - {from: any, to: local, allow: tcp/9000, until: 2099-12-31, because: a migration}\n"
    ))  # fmt: skip
    # A minute passes in a second: the timer sleeps no longer than that, so that it sees a clock that was set.
    host.equip(instead={
        "date": f'[ "$*" != +%s ] || exec echo $(($($FULL/bin/date +%s) + $(cat {jump}))); exec $FULL/bin/date "$@"',
        "sleep": '[ "$1" -le 1 ] 2>/dev/null || set -- 0.2; exec $FULL/bin/sleep "$@"',
    })  # fmt: skip
    _keep(machines, "ending")
    held = [
        machines.third.talk("hold", address, port) for address in ("10.30.0.1", "fd30::1") for port in ("9000", "80")
    ]

    def tracked(port: int) -> int:
        found = [
            host.try_run("conntrack", "-L", "-f", family, "-p", "tcp", "--dport", str(port))
            for family in ("ipv4", "ipv6")
        ]
        return sum(one.out.count("ESTABLISHED") for one in found)

    assert until(lambda: (tracked(9000), tracked(80)) == (2, 2), 5)
    jump.write_text(str(74 * 365 * 86_400))
    assert until(lambda: tracked(9000) == 0), host.stored("journal")
    assert tracked(80) == 2
    assert len(held) == 4
    assert " ended " in host.stored("journal")
