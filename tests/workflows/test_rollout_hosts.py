"""A rollout over three real hosts, each a namespace with an sshd, a firewall and a state of its own, and a machine that manages them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from firewright.live._namespace import die_with_parent
from tests.kernel.managed import until
from tests.kernel.network import ROOT, Namespace, needs_network

POLICY = """
policy: web
zones: {{admins: [10.77.0.0/16, "fd77::/16"]}}
rules:
  - {{from: admins, to: local, require: ssh, because: whoever manages it}}
  - {{from: any, to: local, allow: {open}, because: what it is there for}}
  - {{from: local, to: any, allow: [dns, ntp], because: names and the time}}
"""
INVENTORY = """
policy: web.yaml
user: root
batch: 1
hosts:
  one: {ssh: 10.77.1.2}
  two: {ssh: "fd77:2::2"}
  three: {ssh: 10.77.3.2}
"""
_SERVER = """Port 22
HostKey {folder}/key
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
"""
_CLIENT = """IdentityFile {folder}/user
IdentitiesOnly yes
UserKnownHostsFile {folder}/known
"""
# A stranger that resets new connections to sshd as long as our table is there: the load goes well, the confirmation does not.
_STRANGER = """
table inet stranger { chain input { type filter hook input priority -5; tcp dport 22 ct state new reject with tcp reset; }
}
"""
_WHILE_OURS = """
until nft list table inet firewright >/dev/null 2>&1; do sleep 0.05; done
printf '%s' "$0" | nft -f -
while nft list table inet firewright >/dev/null 2>&1; do sleep 0.05; done
nft delete table inet stranger
"""


YESTERDAY = (datetime.now(timezone.utc) - timedelta(days=1)).date().isoformat()  # noqa: UP017 - as in the program
AT_ONCE = ("--batch", "3", "--canary", "0")
"""All hosts in one batch."""


@dataclass
class Estate:
    """A machine that manages, the hosts, and a folder with an inventory, a policy and what ssh needs."""

    folder: Path
    manager: Namespace
    hosts: dict[str, Namespace]

    def _command(self, *words: str) -> tuple[list[str], dict[str, str]]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIREWRIGHT_", "SSH_"))}
        own = {
            "FIREWRIGHT_STATE": "/run/state", "FIREWRIGHT_RUN": "/run/lock-and-pid", "FIREWRIGHT_ROOT": "/run/root",
            "FIREWRIGHT_SSH_CONFIG": str(self.folder / "config"), "PYTHONPATH": str(ROOT), "COLUMNS": "140",
        }  # fmt: skip
        command = [*self.manager.before, sys.executable, "-m", "firewright", "rollout", "fleet.yaml", *words]
        return command, {**kept, **own}

    def rollout_of(self, inventory: str, *words: str) -> subprocess.Popen[str]:
        """Begin the command with another inventory, for results as JSON."""
        command, own = self._command("--format", "json", *words)
        command[command.index("fleet.yaml")] = inventory
        return subprocess.Popen(
            command, cwd=self.folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def rollout(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command on the machine that manages."""
        command, own = self._command(*words)
        return subprocess.run(
            command, cwd=self.folder, env=own, capture_output=True, text=True, timeout=200, check=False
        )

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Begin the command on the machine that manages."""
        command, own = self._command(*words)
        return subprocess.Popen(
            command, cwd=self.folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def has_begun(self, host: str, state: str) -> bool:
        """Whether a state file says that a host was begun."""
        file = self.folder / state
        return file.exists() and f'{{"host": "{host}", "kind": "begun"}}' in file.read_text()

    def locked(self) -> bool:
        """Whether a run, or one of its workers, still holds the inventory."""
        with (self.folder / "fleet.yaml").open() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def kill_all(self) -> None:
        """Kill -9 whatever works in the folder: the run and its workers, in whatever session they are."""
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (path / "cwd").readlink() == self.folder and b"rollout" in (path / "cmdline").read_bytes():
                    os.kill(int(path.name), signal.SIGKILL)

    def results(self, *words: str) -> tuple[int, dict[str, Any]]:
        """How it ended, and what became of each host."""
        done = self.rollout("--format", "json", *words)
        assert done.stdout, done.stderr
        print(done.stderr)
        return done.returncode, {one["host"]: one for one in json.loads(done.stdout)["hosts"]}

    def table(self, host: str) -> str:
        """A host's table; empty where there is none."""
        done = self.hosts[host].try_run("nft", "-s", "list", "table", "inet", "firewright")
        return done.stdout if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """Three hosts with their sshd; nothing of this machine's own network, keys or state is touched."""
    needs_network("ssh", "sshd", "ssh-keygen")
    folder = tmp_path_factory.mktemp("estate")
    names = ("one", "two", "three")
    spaces = [Namespace() for _ in range(len(names) + 1)]
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for key in ("key", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        (folder / "server").write_text(_SERVER.format(folder=folder))
        (folder / "config").write_text(_CLIENT.format(folder=folder))
        public = (folder / "key.pub").read_text()
        (folder / "known").write_text("".join(f"10.77.{n}.2,fd77:{n}::2 {public}" for n in range(1, 4)))
        (folder / "fleet.yaml").write_text(INVENTORY)
        manager, *hosts = spaces
        for space in spaces:
            space.run("ip", "link", "set", "lo", "up")
        for number, host in enumerate(hosts, 1):
            _connect(manager, host, number)
            servers.append(_serve(host, folder, number))
        yield Estate(folder, manager, dict(zip(names, hosts, strict=True)))
    finally:
        for server in servers:
            server.kill()
            server.wait()
        for space in spaces:
            for number in space.processes():
                subprocess.run(["kill", "-9", str(number)], check=False)
            space.close()


def _connect(manager: Namespace, host: Namespace, number: int) -> None:
    near = f"m{number}"
    manager.run("ip", "link", "add", near, "type", "veth", "peer", "name", "h0", "netns", str(host.pid))
    for space, device, end in ((manager, near, 1), (host, "h0", 2)):
        space.run("ip", "link", "set", device, "up")
        space.run("ip", "address", "add", f"10.77.{number}.{end}/24", "dev", device)
        space.run("ip", "address", "add", f"fd77:{number}::{end}/64", "dev", device, "nodad")


def _serve(host: Namespace, folder: Path, number: int) -> subprocess.Popen[bytes]:
    log = folder / f"log{number}"
    prepared = 'mount -t tmpfs none /run && mkdir -p -m 755 /run/sshd /run/root/etc/local.d && exec "$0" -D -e -f "$1"'
    words = ("unshare", "-m", "sh", "-c", prepared, shutil.which("sshd") or "sshd", str(folder / "server"))
    server = subprocess.Popen(
        [*host.before, *words], stdin=subprocess.DEVNULL, stderr=log.open("wb"), preexec_fn=die_with_parent
    )
    assert until(lambda: "listening on ::" in log.read_text()), log.read_text()
    return server


def test_a_fleet_is_changed_stopped_and_gone_on_with(estate: Estate) -> None:
    """A plan changes nobody; a host that is rolled back stops the rest; --resume does what is left; what runs already is left alone."""
    (estate.folder / "web.yaml").write_text(POLICY.format(open="https"))
    code, hosts = estate.results("--check", *AT_ONCE)
    assert (code, {one["result"] for one in hosts.values()}) == (0, {"would change"})
    assert not any(estate.table(name) for name in hosts)

    stranger = subprocess.Popen([*estate.hosts["two"].before, "sh", "-c", _WHILE_OURS, _STRANGER])
    try:
        code, hosts = estate.results("--wait", "25", "--at", YESTERDAY)
    finally:
        stranger.kill()
        stranger.wait()
    assert {name: one["result"] for name, one in hosts.items()} == {
        "one": "confirmed", "two": "rolled back", "three": "not begun",
    }  # fmt: skip
    assert code == 3
    assert "tcp dport 443" in estate.table("one") or "https" in estate.table("one")
    assert not estate.table("two")
    assert not estate.table("three")
    before = estate.table("one")

    code, hosts = estate.results("--resume")
    assert (code, {one["result"] for one in hosts.values()}) == (0, {"confirmed"})
    assert [hosts[name]["generation"] for name in ("one", "two", "three")] == [1, 2, 1]
    assert estate.table("one") == before

    estate.hosts["three"].run(*["nft", "insert", "rule", "inet", "firewright", "input", "tcp", "dport", "23", "reject"])
    code, hosts = estate.results(*AT_ONCE)
    assert (code, [one["result"] for one in hosts.values()]) == (0, ["unchanged", "unchanged", "confirmed"])
    assert "dport 23" not in estate.table("three")

    (estate.folder / "web.yaml").write_text(POLICY.format(open="[https, http]"))
    done = estate.rollout("--resume")
    assert done.returncode == 2
    assert "error[run-differs]" in done.stderr
    assert "changed: the policy file web.yaml" in done.stderr
    assert estate.table("one") == before

    cut = "policy: web\nzones: {admins: [10.99.0.0/16]}\nrules:\n  - {from: admins, to: local, require: ssh, because: us}\n"
    (estate.folder / "web.yaml").write_text(cut)
    code, hosts = estate.results()
    assert (code, hosts["one"]["result"], hosts["two"]["result"]) == (1, "not changed", "not begun")
    assert "management-cut" in {said["name"] for said in hosts["one"]["diagnostics"]}
    assert estate.table("one") == before


def test_a_probe_that_contradicts_the_policy_takes_the_load_back(estate: Estate) -> None:
    """A host whose answers are as the policy says is confirmed; one where something else hides a service is rolled back."""
    (estate.folder / "web.yaml").write_text(POLICY.format(open="[https, tcp/8443]"))
    hidden = "table inet hides { chain input { type filter hook input priority -7; tcp dport 8443 drop;\n}\n}\n"
    estate.hosts["two"].load(hidden)
    try:
        code, hosts = estate.results("--probe", "--wait", "60", "--limit", "one,two", *AT_ONCE)
    finally:
        estate.hosts["two"].run("nft", "delete", "table", "inet", "hides")
    assert (code, hosts["one"]["result"], hosts["two"]["result"]) == (3, "confirmed", "rolled back")
    assert "8443" in hosts["two"]["why"]
    assert "contradicted" in {said["name"] for said in hosts["two"]["diagnostics"]}
    assert "8443" in estate.table("one")
    assert "8443" not in estate.table("two")


def test_whoever_stops_a_run_leaves_no_host_half_changed(estate: Estate) -> None:
    """After Ctrl-C the host that runs is confirmed, the others are not begun, and the run says how to go on."""
    (estate.folder / "web.yaml").write_text(POLICY.format(open="[https, tcp/8444]"))
    run = estate.begin("--batch", "3", "--canary", "0", "--workers", "1", "--state", "stopped.jsonl")
    assert until(lambda: estate.has_begun("one", "stopped.jsonl"), 60)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=100)
    assert run.returncode == 130
    assert "stopping: nothing more is begun" in err
    assert "one    1      confirmed" in out
    assert "interrupted: 3 hosts of fleet.yaml: 1 confirmed, 2 not begun" in out
    assert "rollout fleet.yaml --state stopped.jsonl --resume goes on" in out
    assert "8444" in estate.table("one")
    assert "8444" not in estate.table("two")
    assert not estate.locked()


def test_a_run_that_is_killed_with_its_workers_goes_on(estate: Estate) -> None:
    """After kill -9 of everything, while a host waits to be confirmed, --resume takes that back, and does what is not done."""
    (estate.folder / "web.yaml").write_text(POLICY.format(open="[https, tcp/8445]"))
    run = estate.begin("--workers", "1", "--wait", "60")
    assert until(lambda: "8445" in estate.table("one"), 60)
    estate.kill_all()
    run.wait()
    assert "8445" in estate.table("one")
    code, hosts = estate.results("--resume", "--wait", "60")
    assert (code, {one["result"] for one in hosts.values()}) == (0, {"confirmed"})
    assert all("8445" in estate.table(name) for name in hosts)


def test_two_runs_never_take_back_what_the_other_loaded(estate: Estate) -> None:
    """Runs of two inventories that meet on a host: each is confirmed or changes nothing there, and one of both policies runs."""
    for number in (1, 2):
        (estate.folder / f"web{number}.yaml").write_text(POLICY.format(open=f"[https, tcp/900{number}]"))
        inventory = f"policy: web{number}.yaml\nuser: root\nhosts: {{one: {{ssh: 10.77.1.2}}}}\n"
        (estate.folder / f"fleet{number}.yaml").write_text(inventory)
    runs = [estate.rollout_of(f"fleet{number}.yaml") for number in (1, 2)]
    results = [json.loads(run.communicate(timeout=200)[0])["hosts"][0]["result"] for run in runs]
    assert "confirmed" in results
    assert set(results) <= {"confirmed", "not changed"}
    winners = [number for number, result in enumerate(results, 1) if result == "confirmed"]
    assert any(f"900{number}" in estate.table("one") for number in winners)


_CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as here:
        print(here.scheduler_address, flush=True)
        sys.stdin.read()
"""


def test_the_workers_of_a_dask_cluster_change_real_hosts(estate: Estate) -> None:
    """What processes of the managing machine do, the workers of a Dask cluster there do: load, prove, confirm."""
    pytest.importorskip("distributed", reason="Dask is not installed (pip install firewright[dask])")
    (estate.folder / "web.yaml").write_text(POLICY.format(open="[https, tcp/8446]"))
    (estate.folder / "cluster.py").write_text(_CLUSTER)
    cluster = subprocess.Popen(
        [*estate.manager.before, sys.executable, "cluster.py"],
        cwd=estate.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        code, hosts = estate.results("--dask", address, *AT_ONCE)
    finally:
        cluster.communicate("", timeout=30)
    assert (code, {one["result"] for one in hosts.values()}) == (0, {"confirmed"})
    assert all("8446" in estate.table(name) for name in hosts)
