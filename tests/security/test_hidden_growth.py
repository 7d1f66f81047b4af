"""What an exception opens is its own, whatever else opens the same packets: growth is not hidden behind anything."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete

from firewright.model.account import Grant, Role
from firewright.model.request import State
from firewright.readers.policy_yaml.adding import without_exception
from firewright.store import log, requests
from firewright.store.tables import OPENINGS
from firewright.workflows.requests import gate, meaning
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.growth import tell
from firewright.workflows.requests.refused import Refused
from tests.security.test_binding import TENANTS, _approved, _refused
from tests.workflows.requests.conftest import store, world  # noqa: F401 - fixtures
from tests.workflows.requests.world import APPROVALS, POLICY, World

GROWN = 'tenants: [198.51.100.0/24, 203.0.113.0/24, "2001:db8:10::/48"]'
BAN = "  - {name: no-smb"
BEHIND = POLICY.replace(BAN, f"  - {{from: any, to: tenants, allow: smb, because: behind a ban}}\n{BAN}")
TWICE = POLICY.replace(BAN, f"  - {{name: no-files, from: office, to: any, deny: smb, because: twice}}\n{BAN}")


def _with_guests(policy: str) -> str:
    guests = policy.replace("  office:", "  guests: [203.0.113.0/24]\n  office:")
    return guests.replace("[internet, ", "[internet, guests, ")


@pytest.fixture(autouse=True)
def asking(world: World) -> None:  # noqa: F811
    """Ann may ask for everything."""
    world.account("ann", grants=(Grant(Role.REQUESTER),))


def test_growth_is_not_hidden_behind_another_exception(world: World) -> None:  # noqa: F811
    """An exception that grew is told though another one, that ends sooner, opens the same packets today."""
    world.write("edge.yaml", _with_guests(POLICY))
    _approved(world, ("cas", "eve"), sources=("203.0.113.0/24",), until="2026-11-23", owner="cas")
    _approved(world)
    world.write("edge.yaml", POLICY.replace(TENANTS, GROWN))
    assert any("request 2" in one and "opens more" in one for one in _refused(world))


def test_growth_over_a_ban_is_seen_where_the_policy_permits_behind_it(world: World) -> None:  # noqa: F811
    """An exception that passes a ban opens what the policy permits behind it, and that is its opening."""
    world.write("edge.yaml", BEHIND)
    wished = {"sources": ("office",), "destinations": ("tenants",), "services": ("smb",), "overrides": ("no-smb",)}
    _approved(world, ("cas", "eve"), **wished)
    world.write("edge.yaml", BEHIND.replace("office: [192.0.2.0/24,", "office: [192.0.2.0/24, 203.0.113.0/24,"))
    assert "opens more" in _refused(world)[0] and "203.0.113." in _refused(world)[0]


def test_what_two_exceptions_open_together_is_both_ones(world: World) -> None:  # noqa: F811
    """Two bans over the same packets, each passed by another exception: what neither opens alone is agreed to as well."""
    world.write("edge.yaml", TWICE)
    text = [
        f"policy: edge\nrules:\n  - {{name: r{number}, from: {source}, to: tenants, allow: smb, because: b, owner: o, "
        f"until: 2026-12-24, overrides: [{ban}]}}\n"
        for number, source, ban in ((1, "office", "no-smb"), (2, "192.0.2.0/28", "no-files"))
    ]
    (world.folder / "exceptions").mkdir()
    for number, one in enumerate(text, 1):
        world.write(f"exceptions/r{number}.yaml", one)
    estate = world.estate
    policy = estate.policies["edge"]
    opens = meaning.opened_by_each(policy, estate.day_of(policy))
    for number, path in enumerate(("exceptions/r1.yaml", "exceptions/r2.yaml"), 1):
        assert {flow.source for change in opens[path] for flow in change.flows} == {((0xC0000200, 0xC000020F),)}
        found = meaning.opened_by_one(policy, path, text[number - 1], estate.day_of(policy))
        assert meaning.written(found, 0) == meaning.written(opens[path], 0)
    small = without_exception(policy, "exceptions/r2.yaml")
    assert small is not None
    assert meaning.opened_by_each(small, estate.day_of(policy)) == {"exceptions/r1.yaml": ()}, "alone it opens nothing"


def test_severity_is_not_hidden_behind_another_exception(world: World) -> None:  # noqa: F811
    """What another exception shows the internet today does not make a longer one of the same packets harmless."""
    shown: dict[str, Any] = {"sources": ("internet",), "destinations": ("office",)}
    _approved(world, ("cas", "eve", "bob"), **shown, services=("rdp",), until="2026-11-23", owner="cas")
    world.account("otto", grants=(Grant(Role.REQUESTER),))
    asked = world.ask("otto", **shown, services=("rdp", "tcp/11371"), owner="otto")
    assert asked.severity == "high"


def _block_list(policy: str, many: int, more: str = "") -> str:
    ranges = ", ".join(f'"2001:db8:{n % 0xFFF + 0x1000:x}:{n // 0xFFF * 2:x}::/64"' for n in range(many))
    zones = policy.replace("  office:", f"  many: [{more}{ranges}]\n  office:")
    return zones.replace("[internet, ", "[internet, many, ")


def test_what_is_long_is_kept_whole(world: World) -> None:  # noqa: F811
    """What an exception of a zone with 16,000 ranges opens is kept, so that its growth is seen."""
    world.write("edge.yaml", _block_list(POLICY, 16_000))
    wished = {"sources": ("many",), "destinations": ("office",), "services": ("tcp/2222",)}
    number = _approved(world, ("cas", "eve"), **wished).number
    with world.store.reading() as c:
        assert 1_000 < len(requests.openings(c, (number,))[number]) < 1_000_000
    world.write("edge.yaml", _block_list(POLICY, 16_000, '203.0.113.0/24, "2001:db8:5000::/36", '))
    assert "opens more" in _refused(world)[0]


def test_what_is_too_long_to_keep_is_not_approved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Where nobody could tell later what it opened, nobody approves it, and is told to ask for less."""
    monkeypatch.setattr(meaning, "_LONGEST", 100)
    world.ask()
    with pytest.raises(Refused, match="too much to be kept") as refused:
        world.approve(1)
    assert refused.value.status == 422 and "ask for less" in refused.value.help
    assert world.find(1).approvals == ()


def test_what_was_not_kept_is_refused_or_told(world: World) -> None:  # noqa: F811
    """A row that says nothing fails the gate; no row at all, from before there were any, passes, and it is said what it means."""
    number = _approved(world).number
    with world.store.writing() as c:
        requests.keep_opening(c, number, "")
    assert "nobody can tell" in _refused(world)[0]
    with world.store.writing() as c:
        c.execute(delete(OPENINGS))
    estate = world.estate
    with world.store.reading() as c:
        judged = gate.judge(Desk(c, estate, SYSTEM, world.now), estate.policies.values())
    (said,) = judged.said
    assert (said.name, said.severity) == ("means-more", "warning") and "not bound to what it opened" in said.message
    tell(world.store, judged.grown, world.now)
    with world.store.reading() as c:
        assert not log.rows(c, act="exception.grown"), "nobody knows that it grew"


def test_an_approval_of_which_nobody_knows_what_it_opened_is_given_again(world: World) -> None:  # noqa: F811
    """Of two who have to agree the first agreed to what is not known any more: their approval is void."""
    world.write("approvals.yaml", APPROVALS.replace("medium: {count: 1", "medium: {count: 2"))
    world.ask()
    world.approve(1, "bob")
    with world.store.writing() as c:
        requests.keep_opening(c, 1, "")
    assert world.approve(1, "cas").state is State.SUBMITTED
    assert world.approve(1, "bob").state is State.APPROVED


def test_a_policy_whose_clock_changes_keeps_no_exception_longer(world: World) -> None:  # noqa: F811
    """An approved exception ends at the instant that was agreed to, or earlier; where it would later it is decided again."""
    world.write("edge.yaml", "timezone: Europe/Zurich\n" + POLICY)
    _approved(world)
    world.write("edge.yaml", "timezone: Pacific/Kiritimati\n" + POLICY)
    assert _refused(world) == [], "it ends earlier"
    world.write("edge.yaml", "timezone: Etc/GMT+12\n" + POLICY)
    assert "ends later" in _refused(world)[0]
    world.write("approvals.yaml", APPROVALS + "growth: tell\n")
    assert "ends later" in _refused(world)[0], "no folder decides that it is only told"
