"""Decisions of the language that are about a machine to which a policy is applied: held by the machine, in a namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from tests.live.scene import ROOT, Done, needs

POLICY = """policy: machine
zones:
  admins: [10.77.0.0/24, "fd77::/64"]
firewalls:
  local: {{default: drop}}
rules:
  - {{from: admins, to: local, require: ssh}}
  - {{from: any, to: local, allow: http}}
{more}"""
NETWORK = (
    ("ip", "link", "set", "lo", "up"),
    ("ip", "link", "add", "up0", "type", "veth", "peer", "name", "peer0"),
    ("ip", "address", "add", "10.77.0.2/24", "dev", "up0"),
    ("ip", "address", "add", "fd77::2/64", "dev", "up0", "nodad"),
    ("ip", "link", "set", "up0", "up"),
    ("ip", "link", "set", "peer0", "up"),
)
_PLAY = """
import json, subprocess, sys
done = []
for words in json.loads(sys.argv[1]):
    ran = subprocess.run(words, capture_output=True, text=True)
    done.append((ran.returncode, ran.stdout, ran.stderr))
print(json.dumps(done))
"""


def machine(folder: Path, *commands: tuple[str, ...]) -> list[Done]:
    """What became of each command on a machine of its own; those that begin with `firewright` are the program's."""
    needs("conntrack")
    state = {f"FIREWRIGHT_{name}": str(folder / name.lower()) for name in ("STATE", "RUN", "ROOT")}
    words = [
        [sys.executable, "-m", *one] if one[0] == "firewright" else list(one) for one in (*NETWORK, *commands)
    ]  # fmt: skip
    ran = subprocess.run(
        ["unshare", "-Urn", sys.executable, "-c", _PLAY, json.dumps(words)],
        capture_output=True, text=True, cwd=ROOT, timeout=120, env={**os.environ, **state},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    done = [Done(*one) for one in json.loads(ran.stdout)]
    assert not [
        one.err for one, word in zip(done, words, strict=True) if one.code and word[0] in ("ip", "conntrack", "nft")
    ]
    return done[len(NETWORK) :]


def written(folder: Path, more: str = "", name: str = "machine.yaml") -> str:
    """A policy with some more rules, as a file."""
    path = folder / name
    path.write_text(POLICY.format(more=more))
    return str(path)


def flow(source: str, destination: str, port: int) -> tuple[str, ...]:
    """The command that has an open flow tracked."""
    ends = ("-s", source, "-d", destination, "--sport", "40000", "--dport", str(port))
    return ("conntrack", "-I", "-p", "tcp", *ends, "--state", "ESTABLISHED", "-t", "3600")


TRACKED = (("conntrack", "-L", "-f", "ipv4"), ("conntrack", "-L", "-f", "ipv6"))


def test_decision_18_documentation_addresses_stop_an_apply(tmp_path: Path) -> None:
    """An address of examples in a zone is an error of plan and apply with its place, and no table is loaded."""
    path = tmp_path / "machine.yaml"
    path.write_text(POLICY.format(more="").replace("10.77.0.0/24", "192.0.2.0/24"))
    plan, apply, tables = machine(
        tmp_path, ("firewright", "plan", "-p", str(path)), ("firewright", "apply", "-p", str(path)), ("nft", "list", "tables")
    )  # fmt: skip
    for done in (plan, apply):
        assert done.code == 2
        assert "error[documentation-address]" in done.err and "machine.yaml:3" in done.err
    assert tables.out == ""


def test_decision_20_what_closes_ends_the_flows_inside_it(tmp_path: Path) -> None:
    """A confirm ends the open flows, of both families, that could not begin any more, and no other."""
    open_ = written(tmp_path, "  - {from: any, to: local, allow: tcp/8080}\n", "open.yaml")
    closed = written(tmp_path, "", "closed.yaml")
    flows = [flow(*one, port) for one in (("10.78.0.9", "10.77.0.2"), ("fd78::9", "fd77::2")) for port in (80, 8080)]
    *_, planned, applied, before4, before6, confirmed, after4, after6 = machine(
        tmp_path,
        ("firewright", "apply", "-p", open_, "--confirm"),
        *flows,
        ("firewright", "plan", "-p", closed, "--format", "json"),
        ("firewright", "apply", "-p", closed),
        *TRACKED,
        ("firewright", "confirm"),
        *TRACKED,
    )
    assert sorted(planned.json()["cut"]) == [
        "tcp 10.78.0.9:40000 -> 10.77.0.2:8080",
        "tcp [fd78::9]:40000 -> [fd77::2]:8080",
    ]
    assert applied.code == confirmed.code == 0
    assert "dport=8080" in before4.out and "dport=8080" in before6.out
    assert "ended 2 open flows" in confirmed.out
    for done in (after4, after6):
        assert "dport=8080" not in done.out and "dport=80 " in done.out


def test_decision_33_without_a_way_in_nothing_is_applied(tmp_path: Path) -> None:
    """A firewall without a lasting `require` into the machine is refused, and no table is loaded."""
    path = tmp_path / "machine.yaml"
    path.write_text(POLICY.format(more="").replace("require: ssh", "allow: ssh"))
    apply, tables = machine(tmp_path, ("firewright", "apply", "-p", str(path)), ("nft", "list", "tables"))
    assert apply.code == 1
    assert "error[no-management]" in apply.out
    assert tables.out == ""


def test_decision_34_a_timer_ends_the_flows_of_what_ended(tmp_path: Path) -> None:
    """When the instant of a permission's end comes, the timer on the machine ends its flows of both families, and no other."""
    day = (date.today() + timedelta(days=3)).isoformat()
    path = written(tmp_path, f"  - {{from: admins, to: local, allow: tcp/8080, until: {day}}}\n")
    flows = [flow(*one, port) for one in (("10.77.0.9", "10.77.0.2"), ("fd77::9", "fd77::2")) for port in (80, 8080)]
    ends = tmp_path / "state" / "generations" / "1" / "ends"
    soon = f"import re; p = {str(ends)!r}; t = open(p).read(); open(p, 'w').write(re.sub('(?m)^[0-9]+', {str(int(time.time()))!r}, t))"
    *_, before4, before6, _, _, after4, after6 = machine(
        tmp_path,
        ("firewright", "apply", "-p", path, "--confirm"),
        *flows,
        *TRACKED,
        (sys.executable, "-c", soon),
        # The timer as it is begun at each boot.
        ("sh", str(tmp_path / "state" / "host.sh"), "ends"),
        *TRACKED,
    )
    for done in (before4, before6):
        assert "dport=8080" in done.out
    for done in (after4, after6):
        assert "dport=8080" not in done.out and "dport=80 " in done.out


def test_decision_38_drift_is_the_kernel_against_what_was_confirmed(tmp_path: Path) -> None:
    """A rule that somebody adds to our table is drift, with a packet; one in a table of their own is none."""
    path = written(tmp_path)
    base = "{ type filter hook input priority 10; policy accept; }"
    _, none, _, _, still, _, found = machine(
        tmp_path,
        ("firewright", "apply", "-p", path, "--confirm"),
        ("firewright", "drift"),
        ("nft", "add table inet theirs"),
        ("nft", f"add chain inet theirs input {base}; add rule inet theirs input tcp dport 80 drop"),
        ("firewright", "drift"),
        ("nft", "insert rule inet firewright input tcp dport 9999 accept"),
        ("firewright", "drift"),
    )
    assert none.code == still.code == 0
    assert found.code == 1
    assert "tcp dport 9999 accept" in found.out and ":9999" in found.out


_FOR_A_WHILE = """
import sys, time
until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 20))
rule = "{from: admins, to: local, allow: tcp/8080, because: moving, owner: me, until: " + until + "}"
open(sys.argv[1], "w").write("policy: machine\\nrules:\\n  - " + rule + "\\n")
print(until)
"""
_PAST = """
import subprocess, time
until = time.monotonic() + 60
while time.monotonic() < until:
    listed = [subprocess.run(["conntrack", "-L", "-f", one], capture_output=True, text=True) for one in ("ipv4", "ipv6")]
    if not any("dport=8080" in one.stdout for one in listed):
        break
    time.sleep(0.2)
"""


def test_decision_34_an_exception_ends_at_its_time_on_the_machine(tmp_path: Path) -> None:
    """At the time of day the timer ends the flows of both families, and the next plan and check say that the permission is over."""
    path = written(tmp_path)
    exception = tmp_path / "exceptions" / "EX-1.yaml"
    exception.parent.mkdir()
    flows = [flow(*one, port) for one in (("10.77.0.9", "10.77.0.2"), ("fd77::9", "fd77::2")) for port in (80, 8080)]
    planning = ("firewright", "plan", "-p", path, "--format", "json")
    until, applied, *_, before4, before6, _, after4, after6, plan, checked, drift = machine(
        tmp_path,
        (sys.executable, "-c", _FOR_A_WHILE, str(exception)),
        ("firewright", "apply", "-p", path, "--confirm"),
        *flows,
        *TRACKED,
        (sys.executable, "-c", _PAST),
        *TRACKED,
        planning,
        ("firewright", "check", path),
        ("firewright", "drift"),
    )
    end = until.out.strip().removesuffix(":00")
    assert applied.code == 0, applied.err
    assert f"until   {until.out.strip().replace('T', ' ')} UTC: allow: tcp/8080" in applied.out
    for done in (before4, before6):
        assert "dport=8080" in done.out, "the machine was too slow to apply before the end"
    for done in (after4, after6):
        assert "dport=8080" not in done.out and "dport=80 " in done.out
    planned = plan.json()
    assert (planned["day"], planned["equal"]) == (end, True)
    assert [one["flows"] for one in planned["ended"]] == ["allow: tcp/8080"]
    assert f"allow: tcp/8080 ended at {end} and opens nothing" in checked.out
    assert "no drift" in drift.out
