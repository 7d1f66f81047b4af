"""`firewright rollout` as people call it: what stops it before any host is touched, and what it says of hosts that nobody reaches."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.running import run, spawn
from tests.live.scene import needs

POLICY = """
policy: web
zones: {admins: [10.77.0.0/16]}
rules:
  - {from: admins, to: local, require: ssh, because: us}
"""
TWO_FIREWALLS = """
policy: edge
labels: {role: edge}
zones: {inside: [10.77.0.0/16], beyond: [10.78.0.0/16]}
firewalls:
  north: {between: [internet, inside]}
  south: {between: [inside, beyond]}
rules:
  - {from: inside, to: local, require: ssh, because: us}
"""
UNREACHED = """
policy: web.yaml
hosts:
  web1: {ssh: 127.0.0.1, port: 1}
  web2: {ssh: "::1", port: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two policies, to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "web.yaml").write_text(POLICY)
    (tmp_path / "edge.yaml").write_text(TWO_FIREWALLS)
    return tmp_path


@pytest.mark.parametrize(
    ("inventory", "words", "name", "said"),
    [
        ("hosts: {a: {policy: wbe.yaml}}", (), "unreadable", "there is no policy wbe.yaml"),
        ("hosts: {a: }", (), "which-policy", "a may get web.yaml or edge.yaml"),
        ("hosts: {a: {labels: {role: db}}}", (), "which-policy", "a gets no policy"),
        ("hosts: {a: {policy: edge.yaml}}", (), "which-firewall", "a may be any of 2 firewalls of edge.yaml"),
        ("hosts: {a: {policy: edge.yaml, firewall: nort}}", (), "unknown-firewall", "did you mean north?"),
        ("hosts: {a: {labels: {role: edge}, firewall: x}}", (), "unknown-firewall", "there are: north, south"),
        ("policy: web.yaml\nhosts: {a: }", ("--batch", "0"), "bad-batch", "'0' is no size of a batch"),
        ("policy: web.yaml\nhosts: {a: }", ("--canary", "b"), "unknown-host", "the canary 'b' is none of the hosts"),
        ("policy: web.yaml\nhosts: {a: }", ("--limit", "b*"), "unknown-host", "no host or group fits 'b*'"),
        ("policy: web.yaml\nhosts: {a: }", ("--resume",), "no-run-record", "no rollout of this inventory was begun"),
        ("policy: web.yaml\nhosts: {a: }", ("--dask", "tcp://127.0.0.1:1"), "no-workers", "127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_said_before_any_host_is_touched(
    folder: Path, inventory: str, words: tuple[str, ...], name: str, said: str
) -> None:
    """An inventory or an order that leaves something open ends with 2, and no state file is begun."""
    if "--dask" in words:
        pytest.importorskip("distributed", reason="Dask is not installed (pip install firewright[dask])")
        needs()
    (folder / "fleet.yaml").write_text(inventory)
    done = run("rollout", "fleet.yaml", "-p", "web.yaml", "-p", "edge.yaml", *words)
    assert done.exit_code == 2, done.output
    assert f"error[{name}]" in done.stderr
    assert said in done.stderr
    assert not (folder / ".firewright").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resume", "--limit", "a"), "--resume goes on with the hosts and batches that it began with"),
        (("--resume", "--check"), "--resume goes on"),
        (
            ("--inventory-format", "toml"),
            "there is no inventory format 'toml'; there are: ansible-ini, ansible-yaml, firewright",
        ),
        (("--dask", "tcp://127.0.0.1:1", "--probe"), "--probe is from this machine"),
        (("--identity", "nokey"), "there is no file nokey"),
        (("--wait", "1"), "--wait"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(folder: Path, words: tuple[str, ...], said: str) -> None:
    """Options that contradict each other, or name what is not there, end with 2 and a sentence."""
    (folder / "fleet.yaml").write_text("policy: web.yaml\nhosts: {a: }\n")
    done = run("rollout", "fleet.yaml", *words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_what_ansible_would_read_beside_an_inventory_is_an_error(folder: Path) -> None:
    """Variables that Ansible finds in files beside its inventory are not passed over."""
    (folder / "hosts").write_text("web1 firewright_policy=web.yaml\n")
    (folder / "group_vars").mkdir()
    done = run("rollout", "hosts", "--check")
    assert done.exit_code == 2
    assert "error[unread-beside]: Ansible reads group_vars beside this inventory too" in done.stderr
    assert "ansible-inventory -i INVENTORY --list --yaml" in done.stderr


def test_hosts_that_nobody_reaches_are_not_changed(folder: Path) -> None:
    """A host without an sshd is not changed and stops the rest; with --check every host is looked at; each format says so."""
    if shutil.which("ssh") is None:
        pytest.skip("ssh is not installed")
    needs()
    (folder / "fleet.yaml").write_text(UNREACHED)
    done = spawn("rollout", "fleet.yaml", "--format", "json", folder=folder)
    assert done.returncode == 1
    tree = json.loads(done.stdout)
    assert [(one["host"], one["result"]) for one in tree["hosts"]] == [("web1", "not changed"), ("web2", "not begun")]
    assert tree["hosts"][0]["diagnostics"][0]["name"] == "host-unreachable"
    assert Path(tree["state_file"]).parent == folder / ".firewright" / "rollouts"
    assert b"batch 1 of 2: web1\n" in done.stderr

    done = spawn("rollout", "fleet.yaml", "--check", folder=folder)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "web2  2      not changed" in text
    assert "web2: error[host-unreachable]" in text
    assert "planned in part: 2 hosts of fleet.yaml: 2 not changed" in text

    done = spawn("rollout", "fleet.yaml", "--resume", "--format", "markdown", folder=folder)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert text.startswith("## Rollout: stopped\n")
    assert "| web2 | 2 | not begun |" in text
    assert len(list((folder / ".firewright" / "rollouts").iterdir())) == 1
