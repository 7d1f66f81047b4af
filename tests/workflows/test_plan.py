"""What a plan knows of a host: what runs there in words, by where a session comes, and which open flows would end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from firewright.analysis.management import parse_connection
from firewright.live.conntrack_text import tracked_in
from firewright.live.host import Reply
from firewright.live.state import state_of
from firewright.space.encode import encode_enforced
from firewright.workflows.plan import Surveyed, at_interfaces, flows_to_end, is_strange, running_words
from tests.language.world import DAY, policy
from tests.workflows.test_neighbours import ours, seen

_STRANGE = (
    "table inet firewright {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n"
)
_KNOWN = "generation=3\nstate=confirmed\npolicy=web\nfirewall=local\n"
WEB = policy("""
zones: {admins: [10.0.0.0/24, "fd00::/64"]}
rules:
  - {from: any, to: local, require: https, because: x}
  - {from: admins, to: local, require: ssh, because: x}
  - {from: local, to: any, require: dns, because: x}
""")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({}, "no ruleset of firewright"),
        ({"table": _STRANGE}, "a table of our name that somebody else made"),
        ({"table": "OURS"}, "a ruleset that no apply put there"),
        ({"table": "OURS", "confirmed": "3\n", "generations": _KNOWN}, "generation 3, web local"),
        (
            {
                "table": "OURS",
                "confirmed": "2\n",
                "pending": "number=3\nleft=9\nwatchdog=alive\n",
                "generations": _KNOWN,
            },
            "generation 3, web local, which waits to be confirmed",
        ),
    ],
)
def test_what_runs_is_said_in_words(sections: dict[str, str], words: str) -> None:
    """Nothing, something of somebody else's, something that no apply put there, or a generation by its policy."""
    told = {name: ours() if text == "OURS" else text for name, text in sections.items()}
    state = state_of(Reply(told))
    assert running_words(state) == words
    assert is_strange(state) is (sections.get("table") == _STRANGE)


def _line(source: str, port: int, destination: str, service: int, state: str = "ESTABLISHED") -> str:
    back = f"src={destination} dst={source} sport={service} dport={port} [ASSURED] mark=0 use=1"
    return f"tcp      6 300 {state} src={source} dst={destination} sport={port} dport={service} {back}\n"


_FLOWS = {
    "let in": _line("10.9.9.9", 40000, "192.0.2.10", 443),
    "closed": _line("10.9.9.9", 40000, "192.0.2.10", 9000),
    "closed6": _line("2001:db8::99", 40000, "2001:db8::10", 22),
    "managed": _line("fd00::7", 40000, "2001:db8::10", 22),
    "through": _line("10.9.9.9", 40000, "172.18.0.2", 9000),
    "turned": _line("192.0.2.10", 443, "10.9.9.9", 40000),
    "asked": _line("192.0.2.10", 40000, "10.9.9.9", 53),
}


@pytest.mark.parametrize(
    ("is_late", "ended"), [(False, {"closed", "closed6", "turned"}), (True, {"closed", "closed6"})]
)
def test_only_flows_that_could_not_begin_any_more_end(is_late: bool, ended: set[str]) -> None:
    """Flows of the machine itself that no rule permits end; what it passes on does not; one tracked late is judged by both its ends."""
    machine = seen(ours(), forwards=(4,)).machine
    programs = encode_enforced(WEB, WEB.firewalls["local"], DAY)
    tracked = {name: tracked_in(line)[0] for name, line in _FLOWS.items()}
    found = flows_to_end(tracked.values(), programs, machine, is_late)
    assert {name for name, one in tracked.items() if one in found} == ended


@pytest.mark.parametrize(
    ("words", "by", "interfaces"),
    [
        ("192.0.2.77 50000 192.0.2.10 22", "", ("eth0",)),
        ("2001:db8::77 50000 2001:db8::10 22", "", ("eth0",)),
        ("172.18.0.2 50000 172.18.0.1 22", "", ("br0",)),
        ("fe80::7%br0 50000 fe80::1%br0 22", "eth0", ("br0",)),
        ("10.9.9.9 50000 192.0.2.10 22", "", ("eth0",)),
        ("10.9.9.9 50000 172.18.0.1 22", "", ("br0", "eth0")),
        ("10.9.9.9 50000 172.18.0.1 22", "tun0", ("tun0",)),
    ],
)
def test_a_session_comes_by_an_interface(words: str, by: str, interfaces: tuple[str, ...]) -> None:
    """By the one that it names, the one towards the client, the one that the host names; else by the way out or its own address's."""
    connection = parse_connection(words)
    assert connection is not None
    surveyed = Surveyed(replace(state_of(Reply({})), client_by=by), seen(ours()), ())
    assert at_interfaces(connection, surveyed).interfaces == interfaces
