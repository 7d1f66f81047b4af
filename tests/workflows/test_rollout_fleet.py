"""What each host of an inventory gets: chosen by file, label and firewall, compiled and proved once for all that get the same."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from firewright.diagnostic import Report
from firewright.live.host import Local, Ssh
from firewright.workflows.fleet import Fleet, Reaching, fleet_of, inventory_of
from firewright.workflows.selection import Wanted
from tests.live.scene import needs

HOST = """
policy: {name}
labels: {{role: {name}}}
options: {{wide: no}}
zones: {{admins: [10.77.0.0/16]}}
rules:
  - {{from: admins, to: local, require: ssh, because: us}}
  - {{from: any, to: local, allow: {open}, because: it, when: wide}}
"""
EDGE = """
policy: edge
zones: {inside: [10.77.0.0/16], beyond: [10.78.0.0/16]}
firewalls:
  north: {between: [internet, inside]}
  south: {between: [inside, beyond]}
rules:
  - {from: inside, to: local, require: ssh, because: us}
"""
INVENTORY = """
identity: keys/fleet
user: admin
hosts:
  web[01:20]: {labels: {role: web}}
  db1: {policy: ../db.yaml, ssh: root@10.0.0.7, port: 2222, identity: ~/.ssh/db}
  north: {policy: ../edge.yaml, firewall: north}
  here: {policy: ../web.yaml, local: yes}
"""


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """Policies for hosts that name none, in a folder with an inventory below it."""
    needs()
    (tmp_path / "web.yaml").write_text(HOST.format(name="web", open="https"))
    (tmp_path / "db.yaml").write_text(HOST.format(name="db", open="postgresql"))
    (tmp_path / "edge.yaml").write_text(EDGE)
    (tmp_path / "estate").mkdir()
    (tmp_path / "estate" / "fleet.yaml").write_text(INVENTORY)
    return Wanted(tmp_path, datetime.now(timezone.utc), ("web.yaml", "db.yaml"), options={"wide": "yes"})  # noqa: UP017


def fleet(wanted: Wanted, told: list[str]) -> Fleet:
    """What all hosts of the inventory get."""
    report = Report()
    inventory = inventory_of(wanted.folder, "estate/fleet.yaml", report)
    assert inventory is not None, report.diagnostics
    reaching = Reaching("config", "key", "nobody", {"FIREWRIGHT_STATE": "/run/state"})
    found = fleet_of(inventory, inventory.names(), wanted, report, told.append, reaching)
    assert found is not None, report.diagnostics
    return found


def test_what_many_hosts_get_is_compiled_once(wanted: Wanted) -> None:
    """Twenty-three hosts with three policies are three compilations and proofs, whoever names the policy, and how."""
    told: list[str] = []
    found = fleet(wanted, told)
    assert len(found.given) == 23
    assert len([step for step in told if step.startswith("compiling and proving")]) == 3
    assert {one.pair for one in found.given.values()} == {
        ("web.yaml", "local"), ("db.yaml", "local"), ("edge.yaml", "north"),
    }  # fmt: skip
    assert found.given["web07"].prepared is found.given["here"].prepared


def test_a_host_is_reached_as_the_inventory_says(wanted: Wanted) -> None:
    """A host's own words go before those of the command line; a relative key lies beside the inventory."""
    given = fleet(wanted, []).given
    folders = {"FIREWRIGHT_STATE": "/run/state"}
    assert given["web07"].host == Ssh("web07", "config", "estate/keys/fleet", 0, "admin", folders)
    assert given["db1"].host == Ssh("10.0.0.7", "config", "~/.ssh/db", 2222, "root", folders)
    assert given["here"].host == Local(folders)


def test_a_digest_changes_with_whatever_a_host_gets(wanted: Wanted) -> None:
    """The inventory, each policy file and each ruleset have a digest: an answer from outside changes the ruleset's alone."""
    before = fleet(wanted, []).digests
    assert set(before) == {
        "the inventory estate/fleet.yaml", "the policy file web.yaml", "the policy file db.yaml",
        "the policy file edge.yaml", "the ruleset of local of web.yaml", "the ruleset of local of db.yaml",
        "the ruleset of north of edge.yaml",
    }  # fmt: skip
    narrow = Wanted(wanted.folder, wanted.now, wanted.policies, options={"wide": "no"})
    after = fleet(narrow, []).digests
    assert {name for name in before if before[name] != after[name]} == {
        "the ruleset of local of web.yaml", "the ruleset of local of db.yaml",
    }  # fmt: skip
