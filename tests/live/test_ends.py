"""A permission that ends at a time of day ends in the kernel itself, to the second, in both families; a rehearsal shows it."""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from firewright.analysis.ground import ground_of
from firewright.analysis.validate import Mismatch
from firewright.analysis.witnesses import Witness, witnesses
from firewright.diagnostic import Report
from firewright.live.rehearsal import sending
from firewright.live.testbed import Testbed
from firewright.model.moment import iso
from firewright.model.packet import FAMILIES, SYN
from firewright.model.policy import Policy
from firewright.workflows.compile import compile_firewall, prove
from firewright.workflows.rehearse import rehearse_policies
from firewright.workflows.selection import Wanted, select
from tests.live.benches import needs_testbed

ZONE = "Asia/Kathmandu"
"""An offset of hours and three quarters."""
POLICY = """policy: edge
timezone: Asia/Kathmandu
zones: {office: [192.0.2.0/24, "2001:db8:1::/64"], shop: [198.51.100.0/24, "2001:db8:2::/64"]}
firewalls: {edge: {between: [internet, office, shop]}}
rules:
  - {from: office, to: shop, allow: https, because: the pages}
"""
EXCEPTION = """policy: edge
owner: the shop
rules:
"""


def clock(instant: float) -> datetime:
    """What a clock on the policy's wall shows at an instant, to the second."""
    return datetime.fromtimestamp(math.floor(instant), ZoneInfo(ZONE)).replace(tzinfo=None)


def given(folder: Path, **ends: datetime) -> Policy:
    """The policy with exceptions for a port each that end so: `p8080=…`."""
    (folder / "edge.yaml").write_text(POLICY)
    (folder / "exceptions").mkdir(exist_ok=True)
    rules = (
        f"  - {{from: office, to: shop, allow: tcp/{port[1:]}, because: moving, until: {iso(end)}}}\n"
        for port, end in ends.items()
    )
    (folder / "exceptions" / "EX-1.yaml").write_text(EXCEPTION + "".join(rules))
    report = Report()
    found = select(Wanted(folder, datetime.now(UTC), ("edge.yaml",)), report)
    assert found is not None, report.diagnostics
    return found[0]


def opening(chosen: tuple[Witness, ...], port: int) -> list[Witness]:
    """The packets that a rule about a TCP port forwards."""
    return [
        one
        for one in chosen
        if one.packet.protocol == 6
        and one.packet.selector == port
        and one.decision.rule is not None
        and one.decision.action.value == "accept"
        and one.packet.tcp_flags == SYN
        and one.packet.in_interface
        and one.packet.out_interface
        and not (one.before or one.is_malformed)
    ]


def test_the_kernel_closes_at_the_time_of_day(tmp_path: Path) -> None:
    """What an exception lets through before its end is dropped after it, though nobody touches the ruleset; the rest goes on."""
    needs_testbed()
    policy = given(tmp_path, p8080=clock(time.time() + 86_400))
    firewall = policy.firewalls["edge"]
    day = Wanted(tmp_path, datetime.now(UTC)).day_of(policy)
    ground = ground_of(policy, firewall)
    chosen = witnesses(policy, firewall, day, ground).found
    ending, lasting = opening(chosen, 8080), opening(chosen, 443)
    assert {one.packet.family for one in ending} == {one.packet.family for one in lasting} == set(FAMILIES)
    with Testbed(ground) as bed:
        until = clock(time.time() + 8)
        end = int(until.replace(tzinfo=ZoneInfo(ZONE)).timestamp())
        policy = given(tmp_path, p8080=until)
        compiled = compile_firewall(policy, policy.firewalls["edge"], day, Report())
        assert compiled is not None and f"meta time < {end} " in compiled.text
        bed.load(compiled.text)
        sent = [sending(ground, one, number) for number, one in enumerate((*ending, *lasting), 1)]
        before, in_time = bed.send(sent), time.time() < end
        if not in_time:
            pytest.skip("this machine is too slow to compile a small policy in eight seconds")
        bed.flush()
        time.sleep(max(0.0, end - time.time()) + 0.05)
        after = bed.send(sent)
    assert all(one.arrived for one in before)
    assert [bool(one.arrived) for one in after] == [False] * len(ending) + [True] * len(lasting)


def test_a_rehearsal_shows_ends_at_times_of_today(tmp_path: Path) -> None:
    """Ends that come while a rehearsal goes on disturb none of its packets; each is seen to pass, but for two too close to tell."""
    needs_testbed()
    soon = clock(time.time() + 5)
    later = soon + timedelta(seconds=900)
    given(tmp_path, p8080=soon, p8081=later, p8082=later + timedelta(seconds=1))
    report = Report()
    found = rehearse_policies(Wanted(tmp_path, datetime.now(UTC), ("edge.yaml",)), report)
    assert found is not None, report.diagnostics
    (rehearsed,) = found.rehearsed
    assert rehearsed.differing == ()
    ends = {one.name: one for one in rehearsed.scenes if "the end" in one.name}
    for family in FAMILIES:
        for end in (soon, later):
            scene = ends[f"the end at {iso(end)} passes, IPv{family}"]
            assert scene.holds or "too slow" in scene.why, scene
        close = ends[f"the end at {iso(later + timedelta(seconds=1))} passes, IPv{family}"]
        assert not close.is_played and close.why == "another change is only 1 s before it"


@pytest.mark.parametrize("days", [-3, 40])
def test_another_day_is_rehearsed_to_its_ends(days: int, tmp_path: Path) -> None:
    """A rehearsal of a time long past, or far ahead, sees the ends after it pass as well."""
    needs_testbed()
    start = clock(time.time() + days * 86_400)
    given(tmp_path, p8080=start, p8081=start + timedelta(seconds=30), p8082=start + timedelta(seconds=90))
    report = Report()
    wanted = Wanted(tmp_path, datetime.now(UTC), ("edge.yaml",), day=start)
    found = rehearse_policies(wanted, report)
    assert found is not None, report.diagnostics
    (rehearsed,) = found.rehearsed
    assert (rehearsed.day, rehearsed.differing) == (start, ())
    names = {re.sub(r".* at (\S+) .*", r"\1", one.name) for one in rehearsed.scenes if "the end" in one.name}
    assert names == {iso(start + timedelta(seconds=30)), iso(start + timedelta(seconds=90))}
    assert all(one.holds or "too slow" in one.why for one in rehearsed.scenes)


def test_a_ruleset_that_ends_otherwise_is_refused(tmp_path: Path) -> None:
    """Where one family's rule has no end, or one a second off, the proof shows a packet of it at an instant between the two."""
    needs_testbed()
    end = int(time.time()) + 3600
    policy = given(tmp_path, p8080=clock(end))
    firewall, day = policy.firewalls["edge"], Wanted(tmp_path, datetime.now(UTC)).day_of(policy)
    compiled = compile_firewall(policy, firewall, day, Report())
    assert compiled is not None
    lines = [one for one in compiled.text.splitlines() if f"meta time < {end} " in one]
    assert len(lines) == 2
    for line, family in zip(lines, FAMILIES, strict=True):
        for wrong in ("", f"meta time < {end + 1} ", f"meta time < {end - 1} "):
            changed = line.replace(f"meta time < {end} ", wrong)
            found = prove(policy, firewall, day, compiled.text.replace(line, changed))
            assert isinstance(found, Mismatch)
            assert (found.packet.family, found.packet.selector) == (family, 8080)
            assert end - 1 <= found.instant <= end + 1
