"""A confirmation keeps what waits and says what else it did; without what it needs it says that."""

from __future__ import annotations

from tests.live.scene import needs
from tests.workflows.steward import needs_host, play

_TEXT = """policy: web
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: admins, to: local, require: ssh, because: administration}
  - {from: local, to: any, require: dns, because: names}
%s"""
_APPLY = ("firewright", "apply", "-p", "HERE/web.yaml")


def test_a_confirmation_is_kept_for_the_next_boot() -> None:
    """It is the confirmed one, with its smallest ruleset beside it and a way to be loaded; confirmed once more it is nothing new."""
    needs_host()
    *_, confirmed, number, small, kept, again = play(
        ("write", "web.yaml", _TEXT % ""),
        _APPLY,
        ("firewright", "confirm", "--generation", "1"),
        ("read", "state/confirmed"),
        ("read", "state/minimal.nft"),
        ("read", "state/generations/1/minimal.nft"),
        ("firewright", "confirm"),
    )
    assert confirmed.code == 0, confirmed.err
    said = confirmed.out.splitlines()
    assert said[0] == "this machine: confirmed generation 1"
    assert said[1].startswith("  loaded at boot by ") and said[1].endswith("/etc/local.d/firewright.start")
    assert said[2] == "  no open flow is inside what closed"
    assert (number.out, small.out) == ("1\n", kept.out)
    assert again.code == 2
    assert "nothing waits to be confirmed; generation 1: confirmed" in again.err


def test_flows_inside_what_closed_end_with_the_confirmation() -> None:
    """Flows of the machine itself that its new policy does not permit are ended, and counted; before, they are not."""
    needs_host()
    needs("conntrack")
    rules = "  - {from: local, to: any, require: udp/9999, because: until now}\n"
    *_, plan, _applied, confirmed, after = play(
        ("write", "web.yaml", _TEXT % rules),
        (*_APPLY, "--confirm"),
        ("send", 9999, 3),
        ("write", "web.yaml", _TEXT % ""),
        ("firewright", "plan", "-p", "HERE/web.yaml", "--format", "json"),
        _APPLY,
        ("firewright", "confirm"),
        ("firewright", "plan", "-p", "HERE/web.yaml", "--format", "json"),
    )
    (flow,) = plan.json()["cut"]
    assert flow.startswith("udp 10.0.0.1:") and flow.endswith(" -> 10.0.0.9:9999")
    assert "ended 1 open flow inside what closed" in confirmed.out
    assert after.json()["cut"] == []


def test_a_rollback_says_what_is_there_now() -> None:
    """Taken back to nothing, or to the generation before: it is told which."""
    needs_host()
    done = play(
        ("write", "web.yaml", _TEXT % ""),
        _APPLY,
        ("firewright", "rollback"),
        (*_APPLY, "--confirm"),
        _APPLY,
        ("firewright", "rollback"),
    )
    assert (
        done[2].out == "this machine: rolled back generation 1\n  no table of ours was there before, and none is now\n"
    )
    assert done[5].out == "this machine: rolled back generation 3\n  the ruleset from before is back\n"
