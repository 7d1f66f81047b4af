"""Nothing that nobody approved is applied: not by another folder, another name, a host's own policy, or a file that is swapped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from firewright.source import Source, Span
from firewright.workflows.requests import gate
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.exceptions import settle
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import World

POLICY = """\
policy: web
zones: {clients: [10.1.0.0/24]}
firewalls: {local: {default: drop}}
rules:
  - {from: clients, to: local, allow: ssh, because: management}
"""
EXCEPTION = """\
policy: web
rules:
  - {name: request-9, from: internet, to: local, allow: tcp/23, because: evil, owner: me, until: 2199-12-31}
"""
APPROVALS = "approve: {low: {count: 1}}\n"
NOT_APPROVED = 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository whose root says who decides, with a policy, and one below that has an exception that nobody asked for."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "approvals.yaml").write_text(APPROVALS)
    (tmp_path / "web.yaml").write_text(POLICY)
    below = tmp_path / "sub"
    (below / "exceptions").mkdir(parents=True)
    (below / "web.yaml").write_text(POLICY)
    (below / "exceptions/request-9.yaml").write_text(EXCEPTION)
    return tmp_path


@pytest.fixture
def called(tmp_path: Path) -> Callable[..., int]:
    """What runs the program in a network of its own, and says how it ended."""
    if subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False).returncode or not shutil.which(
        "nft"
    ):
        pytest.skip("there is no unshare -Urn, or no nft")

    def run(where: Path, *words: str) -> int:
        environment = {**os.environ, "FIREWRIGHT_STATE_HOME": str(tmp_path / "state")}
        program = ["unshare", "-Urn", sys.executable, "-m", "firewright", *words]
        done = subprocess.run(program, cwd=where, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode

    return run


@pytest.mark.parametrize("name", ["web", "other"])
def test_a_policy_of_another_folder_is_held_to_the_rules_above_it(
    folder: Path, called: Callable[..., int], name: str
) -> None:
    """A policy below, called like one here or not, with an exception that nobody approved is not planned, from here or there."""
    for path in (folder / "sub").rglob("*.yaml"):
        path.write_text(path.read_text().replace("policy: web", f"policy: {name}"))
    assert called(folder, "plan", "-p", "sub/web.yaml") == NOT_APPROVED
    assert called(folder / "sub", "plan", "-p", "web.yaml") == NOT_APPROVED
    assert called(folder, "plan", "-p", str(folder / "sub/web.yaml")) == NOT_APPROVED
    assert called(folder, "plan", "-p", "web.yaml") != NOT_APPROVED


def test_a_rollout_asks_about_the_policies_that_hosts_name(folder: Path, called: Callable[..., int]) -> None:
    """A host of an inventory that names a policy with an exception that nobody approved gets nothing."""
    (folder / "fleet.yaml").write_text("hosts:\n  here: {local: yes, policy: sub/web.yaml}\n")
    assert called(folder, "rollout", "fleet.yaml", "--check", "--wait", "5") == NOT_APPROVED


@pytest.mark.parametrize("name", ["approvals.yml", "approvals.yaml"])
def test_rules_that_nobody_can_read_stop_everything(folder: Path, called: Callable[..., int], name: str) -> None:
    """Rules of approval under a name that nobody reads, or a link that leads nowhere, are not taken for none."""
    (folder / "approvals.yaml").unlink()
    if name.endswith(".yml"):
        (folder / name).write_text(APPROVALS)
    else:
        (folder / name).symlink_to("nowhere")
    shutil.move(folder / "sub/exceptions", folder / "exceptions")
    assert called(folder, "plan", "-p", "web.yaml") == NOT_APPROVED


def test_what_was_read_counts_and_not_what_lies_there_since(world: World) -> None:  # noqa: F811
    """A file that was something else when the policy was read is refused, though it is what was approved by now."""
    world.ask()
    world.approve(1)
    settle(world.store, world.estate, world.now)
    path = Path("exceptions/request-1.yaml")
    good = world.estate
    path.write_text(path.read_text().replace("tcp/11371", "any"))
    evil = world.estate
    path.write_text(good.report.sources[str(path)].text)
    with world.store.reading() as c:
        desk = Desk(c, good, SYSTEM, world.now)
        assert gate.unapproved(desk, good.policies.values(), good.report.sources) == ()
        (found,) = gate.unapproved(desk, evil.policies.values(), evil.report.sources)
        assert "not what request 1 says" in found.message
        assert gate.unapproved(desk, good.policies.values(), {}), "what nobody knows the text of is not applied"


def test_a_permission_in_the_folder_has_an_end_and_a_request(world: World) -> None:  # noqa: F811
    """A rule in the folder of exceptions that has no end, as one of a file that the policy uses, is not applied."""
    estate = world.estate
    policy = estate.policies["edge"]
    at = Span("exceptions/part.yaml", 3, 5)
    policy = replace(policy, rules=(replace(policy.rules[0], at=at, until=None),))
    with world.store.reading() as c:
        sources = {at.path: Source(at.path, "")}
        (found,) = gate.unapproved(Desk(c, estate, SYSTEM, world.now), (policy,), sources)
    assert found.at.path == at.path
