"""The firewalls of others beside a policy: what they stop and open, said as the kernel does it, from near and from afar."""

from __future__ import annotations

from functools import cache

import pytest

from firewright.analysis.neighbours import Neighbour
from firewright.analysis.running import Running
from firewright.diagnostic import Report
from firewright.live.machine import Address, Machine, Tables
from firewright.live.nft import list_back
from firewright.live.sockets import Listening
from firewright.model.packet import Family
from firewright.model.policy import Policy
from firewright.reports import Look
from firewright.reports._neighbours import neighbours_text
from firewright.space.budget import budget
from firewright.workflows.compile import compile_firewall
from firewright.workflows.live import Seen, listed
from firewright.workflows.neighbours import complaints, neighbours
from firewright.workflows.unguarded import no_firewall
from tests.language.world import DAY, edge
from tests.live.scene import ROOT, needs
from tests.live.test_machine import needs_root
from tests.workflows.neighbourhood import CASES, WEB, play

ALL = sorted(path.name for path in CASES.iterdir() if path.suffix in (".nft", ".sh"))


def _needs(*cases: str) -> None:
    needs("nsenter")
    if any(case.endswith(".sh") for case in cases):
        needs_root()
        needs("iptables-nft", "ip6tables-nft")


def test_the_page_shows_what_is_said() -> None:
    """Every line that the page about neighbours prints is one of a case's."""
    page = (ROOT / "docs/how-to/neighbours.md").read_text()
    shown = page.partition("```text\n")[2].partition("```")[0].splitlines()
    kept = {line for path in CASES.glob("*.txt") for line in path.read_text().splitlines()}
    assert len(shown) > 5
    assert [line for line in shown if line not in kept] == []


@cache
def ours() -> str:
    """The compiled policy of the cases."""
    report = Report()
    done = compile_firewall(WEB, WEB.firewalls["local"], DAY, report)
    assert done is not None, report.diagnostics
    return done.text


@pytest.mark.parametrize("case", ALL)
def test_a_neighbour_is_said_as_it_is(case: str) -> None:
    """Each maker's tables are known by name, with their hooks, and what they do to a web server's policy; near and far alike."""
    _needs(case)
    near, far = play(case, ours=ours())["said"]
    assert near == far
    said = "\n".join([*near["text"], *near["complaints"]]) + "\n"
    kept = CASES / f"{case.partition('.')[0]}.txt"
    assert said == kept.read_text()
    assert (near["first"], near["unseen"]) == ("", [])
    assert not any(one["table"] == "inet firewright" for one in near["tree"])


WEB_PORTS = tuple((address, port) for address in ("192.0.2.10", "2001:db8::10") for port in (443, 22))


@pytest.mark.parametrize(("cases", "opened"), [((), [443]), (("firewalld.nft",), [])])
def test_what_is_said_to_be_stopped_is_stopped(cases: tuple[str, ...], opened: list[int]) -> None:
    """The kernel lets a caller from outside open exactly what the policy opens and no neighbour is said to stop, in both families."""
    _needs()
    found = play(*cases, ours=ours(), calls=WEB_PORTS, listen=(443, 22))
    assert [port for _, port in found["opened"]] == opened * 2
    said = [one for one in found["said"][0]["complaints"] if one.startswith("warning[neighbour-closes]")]
    assert len(said) == len(cases)


STOPPED = "table ip other { chain forward { type filter hook forward priority -5; oifname br0 drop; }; }"


@pytest.mark.parametrize("more", ["", STOPPED])
def test_what_is_said_to_be_open_past_the_policy_is_open(more: str) -> None:
    """A published container port is reached though the policy closes the port, and said to be; not where another table stops it."""
    _needs("docker.sh")
    found = play("docker.sh", more=more, ours=ours(), calls=[("192.0.2.10", 8080), ("192.0.2.10", 22)], listen=(22,))
    published = [one for table in found["said"][0]["tree"] for one in table["publishes"]]
    if more:
        assert (found["opened"], published) == ([], [])
    else:
        assert found["opened"] == [["192.0.2.10", 8080]]
        assert [(one["service"], one["target"], one["certain"]) for one in published] == [
            ("tcp/8080", "172.18.0.2:80", True)
        ]
        assert published[0]["past_policy"]


def seen(*texts: str, forwards: tuple[Family, ...] = (), is_whole: bool = True) -> Seen:
    """A machine with an interface that has addresses of both families, a bridge, and these tables, as the nft here lists them."""
    needs()
    own = (
        Address(4, 0xC000020A, 24, "eth0"),
        Address(6, 0x20010DB8 << 96 | 0x10, 64, "eth0"),
        Address(4, 0xAC120001, 16, "br0"),
        Address(4, 0x7F000001, 8, "lo"),
    )
    tables = Tables(list_back("\n".join(texts)), unseen=() if is_whole else ("something",))
    machine = Machine("m", own, ("br0", "eth0", "lo"), ("eth0",), forwards, (), Listening(()), tables)
    report = Report()
    assert tables.listing is not None
    ruleset = listed(tables.listing, "", report, 0)
    assert ruleset is not None
    return Seen(machine, Running((ruleset,)))


def found_in(*texts: str, forwards: tuple[Family, ...] = (), beside: Policy = WEB) -> tuple[Neighbour, ...]:
    """The neighbours in these tables beside a policy."""
    (firewall,) = beside.firewalls.values()
    return neighbours(seen(*texts, forwards=forwards), beside, firewall, DAY)


def said_of(*texts: str, forwards: tuple[Family, ...] = (), is_whole: bool = True) -> list[tuple[str, str]]:
    """The names and severities of what is said of these tables beside the policy of a web server."""
    firewall, one = WEB.firewalls["local"], seen(*texts, forwards=forwards, is_whole=is_whole)
    return [(said.severity.value, said.name) for said in complaints(neighbours(one, WEB, firewall, DAY), one, firewall)]


def test_a_machine_without_neighbours_has_nothing_said_of_them() -> None:
    """Our own table is no neighbour, and where there is no other nothing is printed."""
    assert found_in(ours()) == ()
    assert neighbours_text((), Look()) == []
    assert said_of(ours()) == []


INPUT = "type filter hook input priority 0; policy accept;"


def test_a_limit_may_stop_and_a_set_that_packets_fill_may_stop() -> None:
    """What is stopped only where a limit is reached or an element was put into a set is said as possible, and never fails."""
    rate = f"table inet a {{ chain c {{ {INPUT} tcp dport 443 limit rate over 9/second drop; }}; }}"
    filled = f"""table inet b {{ set s {{ type ipv4_addr; flags dynamic; }}
        chain c {{ {INPUT} tcp dport 443 ip saddr @s drop; ct state new add @s {{ ip saddr }}; }}; }}"""
    for text in (rate, filled):
        (one,) = found_in(text)
        assert [(cut.what, cut.is_certain, cut.is_usual) for cut in one.cuts][:1] == [("flows", False, False)]
        assert all("tcp/443" in flow for cut in one.cuts for flow in cut.flows)
        assert {severity for severity, _ in said_of(text)} == {"note"}


def test_a_mark_that_another_table_sets_is_not_known_by_itself() -> None:
    """A table that stops marked packets may stop what another one marks, though by itself no packet has the mark."""
    marking = "table inet a { chain c { type filter hook input priority -5; tcp dport 443 meta mark set 7; }; }"
    dropping = f"table inet b {{ chain c {{ {INPUT} meta mark 7 tcp dport 443 drop; }}; }}"
    first, second = found_in(marking, dropping)
    assert first.cuts == ()
    assert [(cut.what, cut.is_certain) for cut in second.cuts if cut.what == "flows"] == [("flows", False)]


def test_packets_of_open_flows_are_missed_where_only_their_beginning_passes() -> None:
    """A table that lets new packets in and no later ones stops what the policy opens, though each flow can begin."""
    (one,) = found_in(f"table inet a {{ chain c {{ {INPUT} iif lo accept; ct state established drop; }}; }}")
    assert {(cut.what, cut.is_certain) for cut in one.cuts} == {("established", True)}
    flows = [flow for cut in one.cuts for flow in cut.flows]
    assert any("-> local tcp/443" in flow for flow in flows)
    assert any("from source port" in flow for flow in flows)


def test_the_machines_talk_with_itself_is_missed_where_a_table_forgets_it() -> None:
    """A closed table without a rule for loopback stops it, and that is said."""
    (one,) = found_in(
        "table inet a { chain c { type filter hook input priority 0; policy drop; iifname != lo accept; }; }"
    )
    assert [cut.what for cut in one.cuts] == ["loopback"]
    assert ("warning", "neighbour-closes") in said_of(
        "table inet a { chain c { type filter hook input priority 0; policy drop; iifname != lo accept; }; }"
    )


def test_a_dormant_table_stops_nothing() -> None:
    """A table that is switched off is listed as such, with nothing that it would do."""
    (one,) = found_in("table inet a { flags dormant; chain c { type filter hook input priority 0; policy drop; }; }")
    assert one.is_dormant
    assert one.is_harmless
    assert "dormant" in neighbours_text((one,), Look())[1]


FRAMES = 'table netdev a {{ chain c {{ type filter hook ingress device "eth0" priority 0; policy {}; counter; }}; }}'


@pytest.mark.parametrize(("policy", "said"), [("drop", [("warning", "neighbour-unjudged")]), ("accept", [])])
def test_a_table_that_sees_frames_may_stop_anything_if_it_drops(policy: str, said: list[tuple[str, str]]) -> None:
    """Frames are not judged here: a table that can drop them is said to be unjudged, one that only counts is not."""
    assert said_of(FRAMES.format(policy)) == said


PUBLISHED = """table ip nat {{ chain pre {{ type nat hook prerouting priority -100;
    fib daddr type local tcp dport {outer} dnat to {inner}; }}; }}"""


def test_a_port_that_is_published_past_the_policy_is_told_from_one_within_it() -> None:
    """Where the policy opens the callers' port to as many, publishing it opens nothing past the policy; else it does."""
    (within,) = found_in(PUBLISHED.format(outer=443, inner="172.18.0.2:80"), forwards=(4,))
    (past,) = found_in(PUBLISHED.format(outer=22, inner="172.18.0.2:22"), forwards=(4,))
    assert [(one.service, one.flows) for one in within.openings] == [("tcp/443", ())]
    (opening,) = past.openings
    assert opening.flows == ("internet -> local tcp/22 by eth0 (IPv4 only)",)
    assert opening.is_certain
    assert "policy opens that port" in "\n".join(neighbours_text((within,), Look()))


def test_what_is_published_and_not_passed_on_is_not_open() -> None:
    """Without forwarding nobody reaches what a table publishes for another host; behind the machine itself its policy judges."""
    (unforwarded,) = found_in(PUBLISHED.format(outer=22, inner="172.18.0.2:22"))
    (own,) = found_in(PUBLISHED.format(outer=23, inner="192.0.2.10:443"), forwards=(4,))
    assert (unforwarded.openings, own.openings) == ((), ())
    assert ("note", "foreign-nat") in said_of(PUBLISHED.format(outer=23, inner="192.0.2.10:443"))


def test_what_was_not_wholly_seen_opens_nothing_for_sure() -> None:
    """Where a table is unseen it may stop what another publishes, so that is only possible."""
    one = seen(PUBLISHED.format(outer=22, inner="172.18.0.2:22"), forwards=(4,), is_whole=False)
    (neighbour,) = neighbours(one, WEB, WEB.firewalls["local"], DAY)
    assert [opening.is_certain for opening in neighbour.openings] == [False]


def test_nat_that_is_not_followed_is_said() -> None:
    """A port published by a map of addresses is a warning: who gets through is not known."""
    text = "table ip nat { chain pre { type nat hook prerouting priority -100; dnat to tcp dport map { 80 : 172.18.0.2 }; }; }"
    (one,) = found_in(text, forwards=(4,))
    assert len(one.unfollowed) == 1
    assert ("warning", "neighbour-opens") in said_of(text, forwards=(4,))


def test_a_machine_that_forwards_and_where_nobody_decides_what_is_said() -> None:
    """With forwarding on the tables that decide it are named for each family; that there are none is a warning."""
    decides = "table ip a { chain c { type filter hook forward priority 0; policy drop; }; }"
    assert said_of(decides, forwards=(4,)) == [("note", "forwarding")]
    assert said_of(decides, forwards=(4, 6)) == [("note", "forwarding"), ("warning", "forwarding")]
    assert said_of(decides, forwards=(6,), is_whole=False) == []
    assert said_of(decides) == []


def test_a_network_firewall_is_asked_about_what_it_forwards() -> None:
    """Beside a policy between networks, a neighbour that hooks forward stops what that policy lets through."""
    guarding = edge("from: internet, to: inside, allow: https")
    text = "table inet a { chain c { type filter hook forward priority 0; tcp dport 443 drop; }; }"
    (one,) = found_in(text, forwards=(4, 6), beside=guarding)
    assert [flow for cut in one.cuts for flow in cut.flows if cut.what == "flows"] == ["internet -> inside tcp/443"]
    assert one.forwards == (4, 6)


def test_a_ruleset_that_is_too_much_is_said_to_be_undecided() -> None:
    """What is not decided within the budget leaves a neighbour that is not judged, never one that does nothing."""
    one = seen(f"table inet a {{ chain c {{ {INPUT} tcp dport 443 drop; }}; }}")
    with budget(nodes=1, cells=1, diagram=0):
        (neighbour,) = neighbours(one, WEB, WEB.firewalls["local"], DAY)
    assert neighbour.unjudged
    assert not neighbour.is_harmless


def _input(rule: str, family: str = "inet") -> str:
    return f"table {family} a {{ chain c {{ {INPUT} {rule}; }}; }}"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ((), "no firewall for IPv4 and IPv6: nothing stops"),
        ((_input("tcp dport 1 accept"),), "no firewall for IPv4 and IPv6: nothing stops"),
        ((_input("tcp dport 1 drop", "ip"),), "no firewall for IPv6: nothing stops"),
        ((_input("limit rate over 9/second drop"),), "no firewall for IPv4 and IPv6: nothing that is understood stops"),
    ],
)
def test_that_there_is_no_firewall_is_said_of_a_machine_that_lets_everything_in(
    texts: tuple[str, ...], said: str
) -> None:
    """No base chain and chains that accept all are the same, in each family by itself; what may stop something is one."""
    first = no_firewall(seen(*texts))
    assert first is not None
    assert first.message.startswith(said)
    assert (first.name, first.severity.value) == ("no-firewall", "error")


def test_a_machine_with_our_table_has_a_firewall() -> None:
    """The compiled policy is enough; a machine whose rulesets were not seen is not said to have none."""
    assert no_firewall(seen(ours())) is None
    assert no_firewall(Seen(seen().machine, None)) is None
