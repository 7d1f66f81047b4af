"""`status`, `drift`, `generations` and `metrics` of another host, over ssh to a real sshd, by IPv4 and by IPv6."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from firewright.live.host import program
from tests.kernel.managed import Managed
from tests.kernel.network import Network, needs_network
from tests.kernel.sshd import Sshd
from tests.workflows.stewarded import ruleset

POLICY = """policy: gate
firewalls: {local: {}}
rules:
  - {from: any, to: local, require: ssh, because: administration}
"""
Done = subprocess.CompletedProcess[str]
Running = Callable[..., Done]


@pytest.fixture(scope="module")
def over_ssh() -> Iterator[Running]:
    """Runs a command on the client, with what it needs to come in to the firewall, where one generation is confirmed."""
    needs_network()
    if shutil.which("sshd") is None and not shutil.which("/usr/sbin/sshd"):
        pytest.skip("sshd is not installed")
    text = ruleset(POLICY)
    with Network() as network, Managed(network.firewall) as managed, Sshd(network.firewall) as sshd:
        texts = {
            "ruleset.nft": text,
            "meta": "policy=gate\nfirewall=local\n",
            "ends": "",
            "minimal.nft": text,
            "host.sh": program(),
        }
        managed.host.call("apply", "any", "60", "-", texts=texts)
        managed.host.call("confirm", "1", "-")
        settings = {**managed.folders, "FIREWRIGHT_SSH_CONFIG": str(sshd.config)}

        def ran(*words: str, nft: str = "") -> Done:
            if nft:
                network.firewall.load(nft)
            return network.client.try_run(sys.executable, "-m", "firewright", *words, environment=settings)

        yield ran


@pytest.mark.parametrize("gate", ["gate4", "gate6"])
def test_a_host_in_order_is_seen_from_elsewhere(over_ssh: Running, gate: str) -> None:
    """Everything that the host says of itself arrives, and its table is proved to mean its generation here."""
    done = over_ssh("status", gate, "--format", "json")
    tree = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tree["host"], tree["policy"], tree["generation"], tree["firewall_found"]) == (gate, "gate", 1, True)
    assert tree["drift"]["drifted"] is False and tree["findings"] == []
    ssh = next(one for one in tree["counters"] if one["line"] == 4)
    assert ssh["rule"] == "require: ssh" and ssh["packets"] >= 1
    kept = json.loads(over_ssh("generations", gate, "--format", "json").stdout)["generations"]
    assert [(one["number"], one["running"]) for one in kept] == [(1, True)]
    assert over_ssh("generations", gate, "--show", "1").stdout == ruleset(POLICY)


def test_numbers_of_another_host_carry_its_name(over_ssh: Running) -> None:
    """Each measurement of a host that is asked over ssh says which it is of."""
    done = over_ssh("metrics", "gate4")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert lines and all('{host="gate4"' in line for line in lines)


def test_drift_is_seen_from_elsewhere(over_ssh: Running) -> None:
    """A rule that somebody put in there is found here, with a packet and both lines."""
    assert over_ssh("drift", "gate4").returncode == 0
    done = over_ssh("drift", "gate6", nft="insert rule inet firewright to_local_v6 tcp dport 99 accept\n")
    assert done.returncode == 1 and "tcp dport 99 accept" in done.stdout, done.stdout + done.stderr


def test_a_key_that_is_not_known_is_said(over_ssh: Running) -> None:
    """Who may not log in learns that, and nothing is said of the host."""
    done = over_ssh("status", "gate4", "--user", "nobody")
    assert done.returncode == 2 and "error[login-refused]" in done.stderr and not done.stdout
