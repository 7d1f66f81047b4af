"""The whole story on real machines: plan, apply over ssh, see it from a third machine, confirm over a new connection, and the way back."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.story.machines import Machines, program, surroundings, until

_OUTSIDE = ("10.30.0.1", "fd30::1")


def _keep(machines: Machines, name: str) -> str:
    """Apply a policy and confirm it over a connection of its own; how the host lists its rules then."""
    done = machines.firewright("apply", "web1", "-p", f"{name}.yaml", "--confirm")
    assert done.code == 0, done.said
    return machines.host.listed()


def _asks(held: subprocess.Popen[str]) -> str:
    """Whether a question over a connection that is kept open is answered."""
    assert held.stdin is not None and held.stdout is not None
    held.stdin.write("\n")
    held.stdin.flush()
    return held.stdout.readline().strip()


def _opens(machines: Machines, address: str, port: int) -> bool:
    """Whether the third machine gets a TCP connection."""
    tried = f"import socket; socket.create_connection(('{address}', {port}), 0.6)"
    return machines.third.try_run("python3", "-c", tried).code == 0


def _lost(counted: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """The kinds of the container's traffic of which anything was lost, or nothing was sent."""
    return {kind: pair for kind, pair in counted.items() if pair[0] != pair[1] or not pair[0]}


def test_a_policy_goes_to_a_host_and_stays(machines: Machines) -> None:
    """Planned, applied over ssh, seen from a third machine, confirmed over a new connection; only the flows in what closed end."""
    host = machines.host
    before = host.listed()
    with machines.traffic() as counted:
        held = [machines.third.talk("hold", address, "9000") for address in _OUTSIDE]
        allowed = [machines.third.talk("hold", address, "80") for address in _OUTSIDE]

        planned = machines.firewright("plan", "web1", "-p", "web.yaml", "--format", "json")
        plan = json.loads(planned.out)
        assert (planned.code, plan["refused"], host.listed()) == (0, False, before), planned.said
        assert {one["table"] for one in plan["neighbours"]} == {"ip publisher", "ip6 publisher"}
        assert {one["rule"] for one in plan["stays"]} >= {"require: http, https", "require: ssh, ping"}
        cut = [flow.rpartition(" -> ") for flow in plan["cut"]]
        assert sorted(one[2] for one in cut) == ["10.30.0.1:9000", "[fd30::1]:9000"], plan["cut"]

        applied = machines.firewright("apply", "web1", "-p", "web.yaml")
        assert applied.code == 0, applied.said
        assert "proved: what runs is what the policy says" in applied.out
        assert [_asks(one) for one in held + allowed] == ["answered"] * 4, "open flows outlive an apply"
        ports = ("--tcp", "22,80,443,9000", "-p", "web.yaml", "--format", "json")
        probed = machines.firewright("probe", *_OUTSIDE, *ports, on=machines.third)
        assert probed.code == 0, probed.said
        judged = json.loads(probed.out)["judged"]
        assert {one["agreement"] for one in judged} == {"confirmed"}
        seen = {(one["address"], service): one["state"] for one in judged for service in one["services"].split(", ")}
        wanted = {"tcp/22": "hidden", "tcp/80": "open", "tcp/443": "closed", "tcp/9000": "hidden"}
        assert seen == {(address, name): state for address in _OUTSIDE for name, state in wanted.items()}

        confirmed = machines.firewright("confirm", "web1")
        assert confirmed.code == 0, confirmed.said
        assert "ended 2 open flows inside what closed" in confirmed.out
        assert [_asks(one) for one in held] == ["silent"] * 2
        assert [_asks(one) for one in allowed] == ["answered"] * 2

        drift, status = (machines.firewright(verb, "web1") for verb in ("drift", "status"))
        assert (drift.code, status.code) == (0, 0), drift.said + status.said
        assert "no drift" in drift.out
        assert "generation 1, confirmed: policy web, firewall local" in status.out
        again = json.loads(machines.firewright("plan", "web1", "-p", "web.yaml", "--format", "json").out)
        assert (again["equal"], again["cut"]) == (True, [])
    assert not _lost(counted)
    assert host.listed().startswith(before), "tables of others are as they were"


@pytest.mark.parametrize(
    ("address", "rules"),
    [
        ("10.20.0.1", ""),
        (
            "fd20::1",
            "table ip other {\n chain c {\n  type filter hook input priority 5; ct state established accept\n }\n}\n",
        ),
    ],
    ids=["nothing tracks", "only IPv4 is tracked"],
)
def test_a_host_that_tracked_no_flows_keeps_the_session(machines: Machines, address: str, rules: str) -> None:
    """The ssh connection of a first apply goes on though the kernel did not know it, after a rollback too; so do others that speak."""
    host = machines.host
    host.run("nft", "-f", "-", given=f"flush ruleset\n{rules}")
    assert _opens(machines, "10.30.0.1", 80)
    config = host.configured("web1", address)
    session = machines.admin.start("ssh", "-F", str(config), "web1", "while sleep 0.3; do echo here; done")
    assert _speaks(session)
    for words in (
        ("apply", "web1", "-p", "web.yaml"),
        ("rollback", "web1"),
        ("apply", "web1", "-p", "web.yaml", "--confirm"),
        ("apply", "web1", "-p", "less.yaml", "--confirm"),
    ):
        done = machines.firewright(*words, environment={"FIREWRIGHT_SSH_CONFIG": str(config)})
        assert done.code == 0, done.said
        assert _speaks(session), words


def _speaks(session: subprocess.Popen[str]) -> bool:
    """Whether somebody's own session, open all the while, in which the host speaks first, still says something new."""
    assert session.stdout is not None
    os.set_blocking(session.stdout.fileno(), False)
    while select.select([session.stdout], [], [], 0)[0] and os.read(session.stdout.fileno(), 65536):
        pass
    return bool(select.select([session.stdout], [], [], 8)[0]) and os.read(session.stdout.fileno(), 1) == b"h"


def test_a_policy_that_cuts_ssh_is_refused_before_the_load(machines: Machines) -> None:
    """What would cut off the connection that it comes over is refused with a witness and the line behind it; the host is as it was."""
    before = _keep(machines, "web")
    with machines.traffic() as counted:
        for words in (("plan", "web1"), ("apply", "web1"), ("apply", "web1", "--confirm")):
            done = machines.firewright(*words, "-p", "cut.yaml")
            assert done.code == 1, done.said
            assert "error[management-cut]" in done.out
            assert "example: tcp 10.20.0.2:" in done.out
            assert "-> 10.20.0.1:22" in done.out
    assert machines.host.listed() == before
    assert not machines.host.is_pending
    assert machines.host.stored("confirmed") == "1"
    assert not _lost(counted)


def test_a_policy_that_cuts_ssh_and_is_forced_is_taken_back(machines: Machines) -> None:
    """With tool, terminal and connection killed the watchdog brings the old table back byte for byte, and ssh with it."""
    host = machines.host
    before = _keep(machines, "web")
    with machines.traffic() as counted:
        terminal, inner = pty.openpty()
        tool = subprocess.Popen(
            [*machines.admin.before, *program(host.folder), "apply", "web1", "-p", "cut.yaml", "--force", "--wait", "5"],
            preexec_fn=lambda: os.login_tty(inner), cwd="/",
            env=surroundings({"FIREWRIGHT_SSH_CONFIG": str(host.config)}),
        )  # fmt: skip
        os.close(inner)
        assert until(lambda: " applied 2 " in host.stored("journal"))
        tool.kill()
        os.close(terminal)
        host.cut()
        _kill_all(machines.admin.pid, "ssh")
        tool.wait()
        cut = host.listed()
        assert cut != before
        assert 'comment "policy web, firewall local' in cut
        refused = machines.admin.try_run("ssh", "-F", str(host.config), "-o", "ConnectTimeout=1", "web1", "true")
        assert refused.code == 255, refused.said
        assert until(lambda: not host.is_pending)
    assert host.listed() == before
    assert host.stored("generations/2/state") == "rolled back: nobody confirmed it in 5 s"
    assert not _lost(counted)
    late = machines.firewright("confirm", "web1")
    assert late.code == 2
    assert "error[nothing-pending]" in late.err
    assert "rolled back: nobody confirmed it in 5 s" in late.err


def _kill_all(number: int, name: str) -> None:
    """Kill every process of a program in the network of another."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_there = (path / "ns" / "net").readlink() == Path(f"/proc/{number}/ns/net").readlink()
            if is_there and (path / "comm").read_text().strip() == name:
                os.kill(int(path.name), signal.SIGKILL)


def test_a_reboot_before_it_is_confirmed_brings_the_confirmed_one(machines: Machines) -> None:
    """What nobody confirmed is forgotten by a reboot; before the first interface is up, the confirmed generation is loaded."""
    host = machines.host
    _keep(machines, "web")
    before = host.listed("table", "inet", "firewright")
    assert machines.firewright("apply", "web1", "-p", "more.yaml").code == 0
    assert host.listed("table", "inet", "firewright") != before
    host.power_off()
    assert host.listed() == ""
    host.boot()
    host.run("env", "IFACE=lo", "/etc/network/if-pre-up.d/firewright")
    assert host.listed() == before
    assert not host.is_pending
    assert host.stored("generations/2/state") == "rolled back: the host was started anew before it was confirmed"
    late = machines.firewright("confirm", "web1")
    assert late.code == 2
    assert "started anew before it was confirmed" in late.err
    assert machines.firewright("drift", "web1").code == 0


@pytest.mark.parametrize("how", ["a text that nft refuses", "no file"])
def test_a_confirmed_generation_that_cannot_be_loaded_leaves_management_open(machines: Machines, how: str) -> None:
    """A boot at which the confirmed generation is broken loads the minimal one and says so: ssh is open, the pages are not."""
    host = machines.host
    _keep(machines, "web")
    ruleset = host.state / "generations" / "1" / "ruleset.nft"
    host.power_off()
    if how == "no file":
        ruleset.unlink()
    else:
        ruleset.write_text("table inet firewright {\n chain input { type filter hook input priority 0; accept\n")
    host.boot()
    if how != "no file":
        host.sh("cd /var/lib/firewright/generations/1; set -- $(cksum <ruleset.nft); echo $1-$2 >sum")
    booted = host.try_run("sh", "/var/lib/firewright/host.sh", "boot")
    assert booted.code == 1
    assert booted.err.startswith("minimal: generation 1 could not be loaded: ")
    host.talk("serve", "80")
    assert not _opens(machines, "10.30.0.1", 80)
    assert not _opens(machines, "fd30::1", 22)
    status = machines.firewright("status", "web1")
    assert status.code == 1
    assert "minimal" in status.out
    assert "generation 1 could not be loaded" in status.out
    assert "journal-changed" not in status.out, "whatever nft says is one line of the journal"


def test_a_host_returns_to_a_generation(machines: Machines) -> None:
    """An earlier generation is loaded as a new one, proved to mean the same, and stays when it is confirmed."""
    host = machines.host
    _keep(machines, "web")
    second = _keep(machines, "more")
    back = machines.firewright("rollback", "web1", "--to", "1")
    assert back.code == 0, back.said
    assert "proved: what runs means what generation 1 did" in back.out
    assert machines.firewright("rollback", "web1").code == 0
    assert host.listed() == second
    assert machines.firewright("rollback", "web1", "--to", "1").code == 0
    confirmed = machines.firewright("confirm", "web1")
    assert confirmed.code == 0, confirmed.said
    assert host.stored("confirmed") == "4"
    compared = machines.firewright("generations", "web1", "--compare", "1", "4")
    assert compared.code == 0, compared.said
    assert machines.firewright("drift", "web1").code == 0


def test_a_return_that_cuts_ssh_is_refused(machines: Machines) -> None:
    """A generation that would not let this connection in again is not loaded; at the console, where nothing can be cut off, it is."""
    host = machines.host
    for name in ("cut", "web"):
        assert machines.firewright("apply", "-p", f"{name}.yaml", "--confirm", on=host).code == 0
    before = host.listed()
    done = machines.firewright("rollback", "web1", "--to", "1")
    assert done.code == 1, done.said
    assert "it would cut off the connection that it is loaded over: tcp 10.20.0.2:" in done.out
    assert (host.listed(), host.is_pending) == (before, False)
    assert machines.firewright("rollback", "--to", "1", on=host).code == 0
