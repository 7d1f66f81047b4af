"""What a policy requires and tables of others stop whole: each rule and family, judged for the worse for nobody."""

from __future__ import annotations

import pytest

from firewright.workflows.blocked import blocked
from tests.language.world import DAY, policy
from tests.workflows.test_neighbours import ours, seen

WEB = policy("""
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: [http, https], name: pages, because: x}
  - {from: admins, to: local, require: ssh, name: administration, because: x}
  - {from: local, to: any, require: dns, name: names, because: x}
  - {from: admins, to: local, allow: tcp/9000, name: possible, because: x}
""")


def _table(name: str, hook: str, rules: str, policy: str = "accept") -> str:
    return (
        f"table inet {name} {{\n chain c {{\n type filter hook {hook} priority 5; policy {policy}; {rules}\n }}\n}}\n"
    )


def _stopped(*tables: str) -> set[str]:
    """The rules that tables beside ours stop, each with the family."""
    found = list(blocked(seen(ours(), *tables), WEB, WEB.firewalls["local"], DAY))
    assert all((one.name, one.severity.value) == ("neighbour-stops", "error") and one.witness for one in found)
    return {f"{one.message.split(' requires')[0].split(' that ')[1]} {one.message[-4:]}" for one in found}


@pytest.mark.parametrize(
    ("hook", "rules", "stopped"),
    [
        ("input", "tcp dport { 80, 443 } drop", {"pages IPv4", "pages IPv6"}),
        ("input", "meta nfproto ipv6 tcp dport { 80, 443 } reject", {"pages IPv6"}),
        ("input", "tcp dport 80 drop", set()),
        ("input", "tcp dport 9000 drop", set()),
        ("input", "ip saddr 10.0.0.0/24 tcp dport 22 drop", {"administration IPv4"}),
        ("input", "ip saddr 10.0.0.0/25 tcp dport 22 drop", set()),
        ("input", "ct state established accept; tcp dport 22 drop", {"administration IPv4", "administration IPv6"}),
        ("input", "ct state established drop", set()),
        ("output", "meta l4proto { tcp, udp } th dport 53 drop", {"names IPv4", "names IPv6"}),
        ("input", "tcp dport { 80, 443 } limit rate over 9/second drop", set()),
        ("input", "tcp dport { 80, 443 } meta mark 7 drop", set()),
        ("forward", "drop", set()),
    ],
)
def test_a_rule_is_blocked_only_whole(hook: str, rules: str, stopped: set[str]) -> None:
    """Only what is required, begins at or goes to the machine, and has no packet left under any reading, is blocked."""
    assert _stopped(_table("other", hook, rules)) == stopped


def test_tables_are_judged_together() -> None:
    """Two tables that each stop half of what a rule requires stop all of it; one that drops by its policy stops everything."""
    assert _stopped(_table("a", "input", "tcp dport 80 drop"), _table("b", "input", "tcp dport 443 drop")) == {
        "pages IPv4",
        "pages IPv6",
    }
    assert len(_stopped(_table("a", "input", "", "drop"))) == 4
    assert _stopped() == set()
