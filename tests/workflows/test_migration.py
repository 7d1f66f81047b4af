"""A ruleset as a policy: the two are compared here by packet sets of their own, apart from what the text says of itself."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis import wording
from firewright.analysis.homes import Homes
from firewright.analysis.passage import OPENERS
from firewright.analysis.proposal import Proposed
from firewright.analysis.subject import Subject
from firewright.analysis.wire import REAL
from firewright.diagnostic import Report
from firewright.model.address import UNICAST
from firewright.model.packet import FAMILIES, TCP, ConntrackState
from firewright.source import Source, read
from firewright.space.axis import HOST
from firewright.space.bounds import surely
from firewright.space.box import box
from firewright.space.budget import budget
from firewright.space.packetset import Within
from firewright.workflows import migration
from firewright.workflows.migration import Migration, migrated
from tests.corpus.folders import corpus
from tests.workflows.subjects import LISTED, SAVED, SAVED_SIX, subject

NEW = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)
WAYS = {"input": (REAL, HOST), "output": (HOST, REAL), "forward": (REAL, REAL)}


def tcp(way: str) -> Within:
    """Openings of TCP between machines on a way: nothing a machine needs for itself is among them."""
    came, went = WAYS[way]
    found = {}
    for family in FAMILIES:
        ranges = UNICAST.ranges(family)
        one = box(
            family, in_interface=came, out_interface=went, source=ranges, destination=ranges, conntrack_state=NEW,
            service=((TCP << 16, TCP << 16 | 65535),), tcp_flags=OPENERS,
        )  # fmt: skip
        assert one is not None
        found[family] = one
    return found


def made(text: str) -> tuple[Migration, Subject, Subject]:
    """A ruleset as a policy, and the subjects that both texts are when they are read anew."""
    report = Report()
    found = migrated(Source("old.rules", text), report)
    assert found is not None, report.diagnostics
    return found, subject(text), subject(found.policy.text, "new.yaml")


def assert_alike(old: Subject, new: Subject) -> None:
    """The same TCP openings pass, and the same are answered, on every way, in the families that the old one describes."""
    for way in WAYS:
        within = {family: one for family, one in tcp(way).items() if family in old.families}
        for word in ("accept", "reject"):
            ours, theirs = surely(new.programs, word), surely(old.programs, word)
            assert (ours - theirs).witness(within) is None, (way, word)
            assert (theirs - ours).witness(within) is None, (way, word)


def test_both_families_become_one_policy() -> None:
    """What both families say is one rule; a family's own addresses are zones of their own; the text says that it is proved."""
    found, old, new = made(LISTED)
    assert found.is_equal
    assert_alike(old, new)
    assert "proved to decide every packet that begins a flow of IPv4 and IPv6 alike" in found.policy.text
    assert "{from: any, to: local, allow: tcp/443}" in found.policy.text
    assert "{from: net-10-0-0-0-8, to: local, allow: ssh}" in found.policy.text
    assert 'net-fd00-8: ["fd00::/8"]' in found.policy.text


def test_a_dump_of_one_family_opens_nothing_in_the_other() -> None:
    """Of a family that the text says nothing of no new flow enters, and the text says so; two dumps speak of both."""
    found, old, new = made(SAVED)
    assert found.is_equal
    assert_alike(old, new)
    for way in WAYS:
        assert new.possibly.witness({6: tcp(way)[6]}) is None
    assert "IPv6: the text says nothing of it, so no rule opens it" in found.policy.text
    both, old, new = made(SAVED + SAVED_SIX)
    assert both.is_equal
    assert_alike(old, new)


def chains(*rules: str, inward: str = "DROP") -> str:
    """A dump with these rules at its input."""
    lines = ["*filter", f":INPUT {inward} [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    return "\n".join([*lines, *(f"-A {rule}" for rule in rules), "COMMIT", ""])


def test_first_match_is_told_without_an_order() -> None:
    """A rule that an earlier one contradicts is split, and says so; an exception before a refusal stays an exception."""
    found, old, new = made(
        chains(
            "INPUT -s 10.1.0.0/16 -p tcp --dport 22 -j ACCEPT",
            "INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j DROP",
            "INPUT -p tcp --dport 22 -j ACCEPT",
            "INPUT -p tcp --dport 80 -j ACCEPT",
        )
    )
    assert found.is_equal
    assert_alike(old, new)
    assert found.policy.text.count("(split: rules before it take the rest)") == 1


def test_answers_are_kept() -> None:
    """What is refused with an answer is refused so, what is dropped before it is dropped, and the rest is accepted."""
    found, old, new = made(
        chains(
            "INPUT -s 10.1.0.0/16 -j DROP",
            "INPUT -p tcp --dport 80 -j ACCEPT",
            "INPUT -j REJECT --reject-with icmp-port-unreachable",
        )
    )
    assert found.is_equal
    assert_alike(old, new)
    assert "otherwise: reject" in found.policy.text
    found, old, new = made(
        chains("INPUT -p tcp --dport 23 -j DROP", "INPUT -p tcp --dport 113 -j REJECT", inward="ACCEPT")
    )
    assert found.is_equal
    assert_alike(old, new)
    assert "deny: telnet" in found.policy.text


def test_addresses_that_only_a_refusal_names_are_not_the_internet() -> None:
    """What is refused after a part of it was accepted stays closed, although no rule of the policy names it."""
    found, old, new = made(
        """table inet egress {
          chain output {
            type filter hook output priority 0; policy accept;
            tcp dport 53 accept
            ip daddr { 10.0.0.0/8, 172.16.0.0/12 } drop
            ip6 daddr fc00::/7 drop
          }
        }
        """
    )
    assert found.is_equal
    assert_alike(old, new)


LEFT = """*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -m limit --limit 5/sec -j ACCEPT
-A INPUT -m mark --mark 0x1 -j DROP
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
-A INPUT -j LOG --log-prefix "limit "
COMMIT
"""


def test_what_no_rule_says_is_told_with_its_line_and_opens_nothing() -> None:
    """NAT, logging, limits, marks and interfaces are listed; what hangs on them is closed, never opened."""
    found, old, new = made(LEFT)
    assert not found.is_equal
    text = found.policy.text
    for line, words in (
        (6, "changes addresses or ports"), (12, "no rule:"), (13, "known in bounds only"), (14, "known in bounds only"),
        (16, "not in the policy (logging)"),
    ):  # fmt: skip
        assert any(words in row and f"line {line}, " in row for row in text.splitlines()), (line, words)
    assert "the interface: a policy names the addresses behind it" in text
    assert "0 certain" not in text.splitlines()[0]
    assert "lets through what the ruleset stops:\n#   any" not in text
    for way in WAYS:
        assert (new.possibly - old.surely).witness(tcp(way)) is None


def test_a_proposal_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a rule written wider or left out, the comparison says so with a packet: it does not rest on the proposal."""

    def wider(found: Proposed, homes: Homes) -> wording.Wording:
        out = wording.worded(found, homes)
        rules = [replace(rule, services=((TCP << 16, TCP << 16 | 65535),)) for rule in out.rules[:-1]]
        return replace(out, rules=tuple(rules))

    monkeypatch.setattr(migration, "worded", wider)
    found, _, _ = made(LISTED)
    assert not found.is_equal
    for said in (
        "the policy lets through what the ruleset stops:",
        "the policy stops what the ruleset lets through:",
        "for example tcp",
    ):
        assert said in found.policy.text


PREFIXES = ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "192.0.2.0/24", "0.0.0.0/0")
RULES = st.lists(
    st.builds(
        "{} -s {} -d {} -p tcp --dport {} -j {}".format,
        st.sampled_from(("INPUT", "FORWARD", "OUTPUT")),
        st.sampled_from(PREFIXES),
        st.sampled_from(PREFIXES),
        st.sampled_from(("22", "80:90", "0:65535")),
        st.sampled_from(("ACCEPT", "DROP", "REJECT")),
    ),
    max_size=6,
)


def _sayable(rule: str) -> str:
    """The rule with the machine's own end left open, as a policy's is."""
    words = rule.split()
    if words[0] != "FORWARD":
        words[4 if words[0] == "INPUT" else 2] = "0.0.0.0/0"
    return " ".join(words)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rules=RULES, inward=st.sampled_from(("ACCEPT", "DROP")))
def test_any_order_of_rules_is_told_exactly(rules: list[str], inward: str) -> None:
    """Rulesets of addresses and ports are equal to the policy made of them, by packet sets and by what the text says."""
    found, old, new = made(chains(*map(_sayable, rules), inward=inward))
    assert_alike(old, new)
    assert found.is_equal, found.policy.text


@pytest.mark.parametrize(
    ("name", "is_equal"),
    [("examples_ferm__webserver.ferm.iptables-save", True), ("configs_srvs_ufw__server1-iptables-save", False)],
)
def test_rulesets_of_others_open_nothing_more(name: str, is_equal: bool) -> None:
    """Of real dumps the policy lets nothing in that the ruleset surely stops; where something is left it is told."""
    found, old, new = made(read(corpus("iptables-save") / name).text)
    assert found.is_equal is is_equal
    for way in WAYS:
        assert (new.possibly - old.possibly).witness(tcp(way)) is None


def crowded() -> str:
    """A dump whose input is one rule, and whose forwarding is many that cross each other."""
    random = Random(3)
    rules = [
        f"FORWARD -s 10.{random.randrange(20)}.0.0/16 -d 172.16.{random.randrange(20)}.0/24 -p tcp "
        f"--dport {random.randrange(50)}:{50 + random.randrange(50)} -j {random.choice(('ACCEPT', 'DROP'))}"
        for _ in range(60)
    ]
    return chains("INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT", *rules)


def test_what_is_too_much_work_is_named_and_the_rest_is_proved() -> None:
    """Where the budget ends on one way of packets, the others are proposed and compared all the same, and nothing is equal."""
    report = Report()
    with budget(cells=100):
        found = migrated(Source("old.rules", crowded()), report)
    assert found is not None and not found.is_equal and not report.diagnostics
    lines = found.policy.text.splitlines()
    assert lines[1].startswith("# forward not decided: the policy judges nothing that passes through: ")
    assert any("{from: net-10-0-0-0-8, to: local, allow: ssh}" in line for line in lines)
    assert "network:" not in found.policy.text
    everywhere = crowded().replace("COMMIT", "")
    for chain, end in (("INPUT", "-s"), ("OUTPUT", "-d")):
        everywhere += "".join(
            f"-A {chain} {end} 10.{n % 7}.0.0/{13 + n % 4} -p tcp --dport {n}:{40 + 3 * n} -j {('ACCEPT', 'DROP')[n % 2]}\n"
            for n in range(1, 40)
        )
    with budget(cells=3):
        assert migrated(Source("old.rules", f"{everywhere}COMMIT\n"), report) is None
    assert [one.name for one in report.diagnostics] == ["undecided"]


def test_more_classes_than_anybody_could_read_leave_out_what_passes_through() -> None:
    """A policy of hundreds of zones for forwarding is not written: that is said, and the machine's own rules are kept."""
    many = [f"FORWARD -s 10.{n // 250}.{n % 250}.0/24 -p tcp --dport {n + 1} -j ACCEPT" for n in range(450)]
    found, old, new = made(chains("INPUT -s 192.0.2.0/24 -p tcp --dport 22 -j ACCEPT", *many))
    assert not found.is_equal
    assert (
        "# forward not decided: the policy judges nothing that passes through: no policy that anybody could read"
        in found.policy.text
    )
    within = {4: tcp("input")[4]}
    assert (new.possibly - old.surely).witness(within) is (old.possibly - new.surely).witness(within) is None
