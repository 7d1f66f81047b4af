"""Rules by interface as rules of zones: equal for all packets whose addresses come by their own interface, and open to nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis.homes import BadHomes, Home, Homes, named_interfaces, stand_ins
from firewright.analysis.passage import OPENERS
from firewright.analysis.subject import Subject
from firewright.analysis.wire import REAL
from firewright.diagnostic import Report
from firewright.model.address import AddressSet
from firewright.model.packet import FAMILIES, TCP, ConntrackState, Family
from firewright.source import Source
from firewright.space.axis import HOST, interface
from firewright.space.bounds import surely
from firewright.space.box import Box, box
from firewright.workflows.interfaces import homes_in
from firewright.workflows.migration import Migration, migrated
from tests.workflows.subjects import subject

LAN, DMZ = "10.0.0.0/16", "192.0.2.0/24"
SIX = {LAN: "2001:db8:1::/48", DMZ: "2001:db8:2::/64"}
KNOWN = ("eth1=10.0.0.0/16,2001:db8:1::/48", "eth2=192.0.2.0/24 2001:db8:2::/64", "eth0=internet")
HOMES = Homes.of([Home("eth1", AddressSet.of(LAN, SIX[LAN])), Home("eth2", AddressSet.of(DMZ, SIX[DMZ]))], ["eth0"])
NEW = ((int(ConntrackState.NEW), int(ConntrackState.NEW)),)


def made(text: str, *interfaces: str) -> Migration:
    """A ruleset as a policy."""
    report = Report()
    found = migrated(Source("old.rules", text), report, interfaces=interfaces)
    assert found is not None, report.diagnostics
    return found


def chains(*rules: str) -> str:
    """A dump of IPv4 with these rules."""
    lines = ["*filter", ":INPUT DROP [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"]
    return "\n".join([*lines, *(f"-A {rule}" for rule in rules), "COMMIT", ""])


def arriving(family: Family) -> Iterator[tuple[tuple[tuple[int, int], ...], AddressSet]]:
    """Each interface with what comes by it; of other addresses and interfaces nothing is claimed."""
    for home in HOMES.homes:
        yield interface(home.interface), home.addresses
    yield interface("eth0"), HOMES.rest


def openings(family: Family) -> Iterator[Box]:
    """The first segments of TCP whose addresses come and go by their own interfaces, and those of and to the machine."""
    host = ((HOST, AddressSet.of("0.0.0.0/0", "::/0") & HOMES.rest),)
    for came, source in (*arriving(family), *host):
        for went, destination in (*arriving(family), *host):
            one = box(
                family, in_interface=came, out_interface=went, source=source.ranges(family),
                destination=destination.ranges(family), conntrack_state=NEW,
                service=((TCP << 16, TCP << 16 | 65535),), tcp_flags=OPENERS,
            )  # fmt: skip
            if one is not None and not came == went == HOST:
                yield one


def assert_alike(old: Subject, new: Subject) -> None:
    """The same openings pass and the same are answered."""
    for family in old.families:
        for one in openings(family):
            for word in ("accept", "reject"):
                ours, theirs = surely(new.programs, word), surely(old.programs, word)
                assert (ours - theirs).witness({family: one}) is None, word
                assert (theirs - ours).witness({family: one}) is None, word


def assert_opens_nothing(old: Subject, new: Subject) -> None:
    """By no interface and from no address does the policy let in, or through, a segment that the ruleset surely stops."""
    for family in FAMILIES:
        for out in (HOST, REAL):
            one = box(
                family,
                in_interface=REAL,
                out_interface=out,
                conntrack_state=NEW,
                service=((TCP << 16, TCP << 16 | 65535),),
            )
            assert one is not None
            assert (new.possibly - old.possibly).witness({family: one}) is None


ROUTER = chains(
    "INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT",
    "INPUT -s 10.0.5.0/24 -p tcp -m tcp --dport 443 -j ACCEPT",
    "FORWARD -i eth1 -o eth0 -j ACCEPT",
    "FORWARD -i eth0 -o eth2 -d 192.0.2.10/32 -p tcp -m tcp --dport 443 -j ACCEPT",
    "FORWARD -i eth2 -o eth1 -j REJECT",
)


def test_what_is_behind_interfaces_makes_rules_of_addresses() -> None:
    """Each interface is a zone with its name, in the firewall's list, and what is taken for granted stands above the policy."""
    found = made(ROUTER, "eth1=10.0.0.0/16", "eth2=192.0.2.0/24", "eth0=internet")
    assert found.is_equal
    lines = [line.partition("   #")[0].strip() for line in found.policy.text.splitlines()]
    for line in (
        "- {from: eth1, to: local, allow: ssh}",
        "- {from: eth1, to: internet, allow: any}",
        "- {from: eth2, to: eth1, otherwise: reject}",
        "- {from: internet, to: host-192-0-2-10, allow: tcp/443}",
        'eth1: ["10.0.0.0/16"]',
        'internet: ["eth0"]',
        'net-10-0-5-0-24: ["eth1"]',
        "# taken for granted: addresses come by their own interface only "
        "(eth1: 10.0.0.0/16; eth2: 192.0.2.0/24; eth0: every other address)",
    ):
        assert line in lines, line
    old, new = subject(ROUTER), subject(found.policy.text, "new.yaml")
    assert_alike(old, new)
    assert_opens_nothing(old, new)


def test_without_addresses_the_rules_are_left_out_and_say_how() -> None:
    """As long as nobody says what is behind an interface no rule of it is written, and each is told with the way out."""
    text = made(ROUTER).policy.text
    assert text.count("(--interfaces NAME=ADDRESSES says which)") == 4
    assert "eth1" not in "".join(line.partition("#")[0] for line in text.splitlines())
    partly = made(ROUTER, "eth1=10.0.0.0/16")
    assert not partly.is_equal and "{from: eth1, to: local, allow: ssh}" in partly.policy.text
    assert partly.policy.text.count("# no rule:") == 3


LISTED = """table inet fw {
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "eth1" tcp dport 22 accept
    iifname "eth2" ip saddr 192.0.2.10 tcp dport 80 accept
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
    iifname "eth1" oifname { "eth0", "eth2" } accept
    meta nfproto ipv6 iifname "eth2" oifname "eth0" tcp dport 443 accept
  }
}
"""


def test_both_families_behind_an_interface_are_one_zone() -> None:
    """What a rule says of an interface in both families is one rule of one zone; what it says in one is of that family's part."""
    found = made(LISTED, *KNOWN)
    assert found.is_equal
    old, new = subject(LISTED), subject(found.policy.text, "new.yaml")
    assert_alike(old, new)
    assert_opens_nothing(old, new)
    lines = [line.partition("   #")[0].strip() for line in found.policy.text.splitlines()]
    for line in (
        'eth1: ["10.0.0.0/16", "2001:db8:1::/48"]',
        "- {from: eth1, to: local, allow: ssh}",
        "- {from: host-192-0-2-10, to: local, allow: http}",
        "- {from: eth2-ipv6, to: internet, allow: tcp/443}",
    ):
        assert lines.count(line) == 1, line
    asked = made(LISTED, "eth0=internet", "ask").policy.text
    assert 'eth1: {fill-in: "which addresses are behind eth1?"}' in asked
    assert 'eth2-ipv6: {fill-in: "which IPv6 addresses are behind eth2?"}' in asked


def test_a_rule_whose_addresses_are_elsewhere_is_told() -> None:
    """A rule that asks for an interface and for addresses behind another one lets nothing pass that is genuine: it is named."""
    found = made(chains("INPUT -i eth2 -s 10.0.5.0/24 -p tcp -m tcp --dport 22 -j ACCEPT"), *KNOWN)
    assert not found.is_equal
    assert (
        "#   the addresses that it names are behind another interface than it asks for"
        in found.policy.text.splitlines()
    )


def test_a_question_is_asked_and_its_answer_makes_the_policy_equal() -> None:
    """`ask` writes a question for each interface that rules name; the policy with answers in their place is the ruleset again."""
    rules = chains(
        "INPUT -i eth1 -p tcp -m tcp --dport 22 -j ACCEPT", "FORWARD -i eth2 -o eth0 -p tcp -m tcp --dport 80 -j ACCEPT"
    )
    found = made(rules, "eth0=internet", "ask")
    assert not found.is_equal
    questions = [line for line in found.policy.text.splitlines() if "fill-in" in line]
    assert [line.strip() for line in questions] == [
        'eth1: {fill-in: "which IPv4 addresses are behind eth1?"}',
        'eth2: {fill-in: "which IPv4 addresses are behind eth2?"}',
    ]
    answered = found.policy.text
    for question, answer in zip(questions, (f"  eth1: {LAN}", f"  eth2: {DMZ}"), strict=True):
        answered = answered.replace(question, answer)
    old, new = subject(rules), subject(answered, "new.yaml")
    assert_alike(old, new)
    assert_opens_nothing(old, new)


PORTS = ("22", "80:90", "0:65535")
WORDS = st.one_of(
    st.builds(
        "INPUT {}{}".format,
        st.sampled_from(("", "-i eth0 ", "-i eth1 ", "-i eth2 ", "! -i eth1 ")),
        st.sampled_from(("", "-s 10.0.5.0/24 ")),
    ),
    st.builds(
        "FORWARD {}{}{}".format,
        st.sampled_from(("", "-i eth0 ", "-i eth1 ", "! -i eth0 ")),
        st.sampled_from(("", "-o eth0 ", "-o eth2 ", "! -o eth1 ")),
        st.sampled_from(("", "-d 192.0.2.10/32 ", "-s 10.0.0.0/16 ")),
    ),
    st.builds("OUTPUT {}".format, st.sampled_from(("", "-o eth0 ", "-o eth1 "))),
)
RULES = st.lists(
    st.builds(
        "{}-p tcp --dport {} -j {}".format,
        WORDS.map(str),
        st.sampled_from(PORTS),
        st.sampled_from(("ACCEPT", "DROP", "REJECT")),
    ),
    max_size=5,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, st.booleans())
def test_any_rules_by_interface_are_told_exactly(rules: list[str], is_second: bool) -> None:
    """Law: rules by interface and address, in any order, are equal to the policy for packets that come by their own interface."""
    text = chains(*rules)
    text += text.replace("10.0.5.0/24", "2001:db8:1:5::/64").replace("10.0.0.0/16", SIX[LAN]).replace(
        "192.0.2.10/32", "2001:db8:2::10/128") if is_second else ""  # fmt: skip
    if is_second:
        four, six = text[: len(chains(*rules))], text[len(chains(*rules)) :]
        text = f"# Generated by iptables-save v1.8.9 on Sat\n{four}# Generated by ip6tables-save v1.8.9 on Sat\n{six}"
    found = made(text, *KNOWN)
    old, new = subject(text), subject(found.policy.text, "new.yaml")
    assert_alike(old, new)
    assert_opens_nothing(old, new)
    is_astray = "behind another interface than it asks for" in found.policy.text
    assert is_second or found.is_equal is not is_astray, found.policy.text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("eth1=10.0.0.0/8", "eth2=10.1.0.0/16"), "10.1.0.0/16 is behind eth1 and eth2"),
        (("eth1=10.0.0.0/8", "eth*=192.0.2.0/24"), "eth1 and eth* are the same interface"),
        (("eth1=169.254.0.0/16",), "behind eth1 is no address"),
        (("eth1=ten",), "says nothing"),
        (("eth1",), "behind eth1 is no address"),
        (("a-name-of-no-interface=10.0.0.0/8",), "no interface can be called"),
        (tuple(f"eth{n}=10.{n}.0.0/16" for n in range(9)), "9 interfaces, more than 8"),
    ],
)
def test_what_contradicts_itself_is_refused(words: tuple[str, ...], why: str) -> None:
    """Overlapping addresses, the same interface twice, none at all, or too many: an error says which, and nothing is proposed."""
    report = Report()
    assert migrated(Source("old.rules", ROUTER), report, interfaces=words) is None
    (said,) = report.diagnostics
    assert said.name == "bad-setting" and why in said.message


def test_the_interfaces_that_rules_name_are_found() -> None:
    """By name, by the beginning of names and by what is left out; `lo` is the machine itself."""
    rules = chains("INPUT -i lo -j ACCEPT", "INPUT ! -i wg0 -j DROP", "FORWARD -i eth+ -o ppp0 -j ACCEPT")
    programs = tuple(subject(rules).programs.values())
    assert named_interfaces(programs) == ("eth*", "ppp0", "wg0")
    assert homes_in(("ask",), subject(rules), Report()) is not None


def test_what_stands_in_for_an_answer_is_like_every_other_address() -> None:
    """No rule begins or ends inside it, so it is decided as what no rule names; where there is none left, that is said."""
    rules = chains("INPUT -s 198.18.0.7/32 -j ACCEPT", "INPUT -s 198.18.2.0/24 -j DROP")
    programs = tuple(subject(rules).programs.values())
    found = stand_ins(programs, 2, (4,))
    assert [one.prefixes() for one in found] == [("198.18.1.0/24",), ("198.18.3.0/24",)]
    with pytest.raises(BadHomes):
        stand_ins(programs, 300, (4,))
