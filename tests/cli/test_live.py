"""`audit --live`, `ask --live` and `read`, each on a machine of its own with real rules and real sockets, in both families."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any

import pytest

from tests.cli.running import run
from tests.live.scene import Done, needs, play

FIREWALL = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 80 accept comment "web"
    ip saddr 10.0.0.0/8 tcp dport 22 accept
    ip6 saddr 2001:db8::/32 tcp dport 22 accept
    tcp dport 8080 limit rate 10/second accept
    udp sport 53 accept
    tcp dport 6379 accept
  }
}
"""
DOCKER = """
table ip nat {
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80
    iifname != "docker0" tcp dport 5432 dnat to 172.17.0.3:5432
    iifname != "docker0" tcp dport 6380 dnat to 172.17.0.4:6379
  }
}
table ip raw {
  chain PREROUTING {
    type filter hook prerouting priority raw; policy accept;
    ip daddr 172.17.0.0/16 iifname != "docker0" drop
  }
}
table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ip daddr 172.17.0.2 iifname != "docker0" oifname "docker0" tcp dport 80 accept
    ip daddr 172.17.0.4 iifname != "docker0" oifname "docker0" tcp dport 6379 accept
  }
}
table inet extra {
  chain input {
    type filter hook input priority 10; policy accept;
    tcp dport 23 drop
  }
}
"""
DOCKER_SETUP = (
    ("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"),
    ("ip", "link", "add", "docker0", "type", "bridge"),
    ("ip", "address", "add", "172.17.0.1/16", "dev", "docker0"),
)
AUDIT = ("audit", "--live", "--format", "json")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    """Each test is about a machine in a network namespace."""
    needs()


def exposures(done: Done) -> dict[str, dict[str, Any]]:
    """What an audit says of each service, by its words; of two families apart, by its family too."""
    found: dict[str, dict[str, Any]] = {}
    for one in done.json()["exposures"]:
        key = one["service"] if one["service"] not in found else f"{one['service']} {one['families'][0]}"
        found[key] = one
    return found


def names(done: Done) -> list[tuple[str, str]]:
    """The findings of an audit, in their order."""
    return [(one["name"], one["severity"]) for one in done.json()["findings"]]


def test_no_firewall_at_all_is_the_first_finding() -> None:
    """Without any table it is an error before all others that nothing stops a packet, of both families, with an example."""
    done = play(AUDIT, ("audit", "--live"), sockets=[("tcp", "::", 6379)])
    assert done[0].code == done[1].code == 1
    first = done[0].json()["findings"][0]
    assert (first["name"], first["severity"]) == ("no-firewall", "error")
    assert "IPv4 and IPv6" in first["message"]
    assert "192.0.2.10" in first["witness"]
    assert exposures(done[0])["tcp/6379"]["from"] == ["anywhere"]
    assert done[1].out.splitlines()[2].startswith("error[no-firewall]")


@pytest.mark.parametrize(("open_family", "closed"), [("IPv6", "ip"), ("IPv4", "ip6")])
def test_a_family_without_a_firewall_is_one_too_many(open_family: str, closed: str) -> None:
    """A firewall of one family alone leaves the other open, and that is said of that family."""
    text = f"table {closed} f {{\n chain i {{\n type filter hook input priority 0; policy drop;\n }}\n}}\n"
    (done,) = play(AUDIT, nft=text, sockets=[("tcp", "::", 22)])
    assert done.json()["findings"][0]["message"].startswith(f"no firewall for {open_family}:")
    rows = [(one["families"], one["state"]) for one in done.json()["exposures"]]
    other = "IPv4" if open_family == "IPv6" else "IPv6"
    assert rows == [([open_family], "reachable"), ([other], "hidden")]


@pytest.mark.parametrize(
    "rules",
    [
        "type filter hook input priority 0; policy accept;",
        "type filter hook input priority 0; policy accept;\n tcp dport 22 accept\n counter",
        "type filter hook output priority 0; policy drop;",
        "type filter hook input priority 0; policy accept;\n ct state invalid drop\n iif lo drop",
    ],
)
def test_rules_that_stop_nothing_new_are_no_firewall(rules: str) -> None:
    """Chains that drop no packet with which somebody outside begins a flow are not taken for a firewall."""
    (done,) = play(AUDIT, nft=f"table inet f {{\n chain i {{\n {rules}\n }}\n}}\n")
    assert ("no-firewall", "error") in names(done)
    assert done.code == 1


def test_who_reaches_what_is_exact_for_each_listener() -> None:
    """Each listener is reachable from exactly whom the rules let in, in each family, by its program; or hidden, or the machine's own."""
    (done,) = play(
        AUDIT, nft=FIREWALL,
        sockets=[("tcp", "::", 80), ("tcp", "::", 22), ("tcp", "::", 8080), ("udp", "::", 5353), ("tcp", "0.0.0.0", 3306),
                 ("tcp", "127.0.0.1", 5432), ("tcp", "::1", 631), ("tcp", "2001:db8::10", 443)],
    )  # fmt: skip
    found = exposures(done)
    assert (found["tcp/80"]["state"], found["tcp/80"]["from"]) == ("reachable", ["anywhere"])
    assert found["tcp/80"]["families"] == ["IPv4", "IPv6"]
    assert found["tcp/80"]["by"] == ["inet filter input rule 3"]
    assert found["tcp/80"]["programs"][0].startswith("python")
    ssh = {one["families"][0]: one["from"] for one in done.json()["exposures"] if one["service"] == "tcp/22"}
    assert ssh == {"IPv4": ["10.0.0.0/8"], "IPv6": ["2001:db8::/32"]}
    assert (found["tcp/8080"]["state"], found["tcp/8080"]["from"], found["tcp/8080"]["possibly_from"]) == (
        "possibly", [], ["anywhere"],
    )  # fmt: skip
    assert found["udp/5353"]["from"] == ["anywhere from source port 53"]
    assert found["tcp/3306"]["state"] == "hidden"
    assert {found["tcp/5432"]["state"], found["tcp/631"]["state"]} == {"own"}
    assert (found["tcp/443"]["state"], found["tcp/443"]["families"]) == ("hidden", ["IPv6"])
    assert done.json()["whole"] is True


NEIGHBOURS = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    meta l4proto ipv6-icmp accept
    ip saddr 192.0.2.64/26 tcp dport { 80, 81 } accept
    ip6 saddr 2001:db8::64 tcp dport 81 accept
    tcp dport 82 accept
  }
}
table inet later {
  chain input {
    type filter hook input priority 5; policy accept;
    tcp dport 82 ip saddr != 192.0.2.70 drop
  }
}
"""


def ports_in(flow: str) -> set[int]:
    """The TCP ports of a flow in words."""
    pairs = re.findall(r"tcp/([0-9]+)(?:-([0-9]+))?", flow)
    return {port for low, high in pairs for port in range(int(low), int(high or low) + 1)}


def test_what_is_said_of_neighbours_is_what_they_meet() -> None:
    """For every address that calls and every port that listens, the answer of `ask --live` is what a real connection meets."""
    four, six, ports = ("192.0.2.70", "192.0.2.130"), ("2001:db8::64", "2001:db8::65"), (80, 81, 82, 83)
    calls = [(one, "192.0.2.10", port) for one in four for port in ports]
    calls += [(one, "2001:db8::10", port) for one in six for port in ports]
    questions = [f"{source} -> local {','.join(f'tcp/{port}' for port in ports)}" for source in (*four, *six)]
    *asked, met = play(
        *(("ask", "--live", question, "--format", "json") for question in questions), nft=NEIGHBOURS, calls=calls,
        links={"up0": ("192.0.2.10/24", "2001:db8::10/64")}, sockets=[("tcp", "::", port) for port in ports],
    )  # fmt: skip
    said = set()
    for source, done in zip((*four, *six), asked, strict=True):
        for part in done.json()["answers"][0]["parts"]:
            if part["verdict"] == "accept":
                said |= {(source, port) for flow in part["flows"] for port in ports_in(flow)}
    assert said == {(source, port) for source, _, port in json.loads(met.out)}
    assert 0 < len(said) < len(calls)


def test_what_must_never_be_on_the_internet_is_an_error() -> None:
    """A database that the internet reaches fails the audit; the same behind the firewall, or on loopback, does not."""
    outside, hidden, own = (
        play(AUDIT, nft=FIREWALL, sockets=[one])[0]
        for one in (("tcp", "::", 6379), ("tcp", "::", 5432), ("tcp", "127.0.0.1", 6379))
    )
    assert ("exposed", "error") in names(outside)
    assert outside.code == 1
    assert ("exposed", "error") not in names(hidden)
    assert ("exposed", "error") not in names(own)
    assert (hidden.code, own.code) == (0, 0)


def test_every_table_on_the_hook_counts() -> None:
    """What one table accepts and another drops is hidden, and the rule that drops it is named."""
    (done,) = play(AUDIT, nft=DOCKER, setup=DOCKER_SETUP, sockets=[("tcp", "::", 22), ("tcp", "::", 23)])
    found = exposures(done)
    assert found["tcp/23"]["state"] == found["tcp/23 IPv6"]["state"] == "hidden"
    assert found["tcp/23 IPv6"]["by"] == ["inet extra input rule 1"]
    assert set(found["tcp/23"]["by"]) == {"inet extra input rule 1", "ip raw PREROUTING rule 1"}
    assert found["tcp/22"]["state"] == "reachable"


def test_what_containers_publish_is_judged_where_it_goes() -> None:
    """A published port is reachable if the forward chains let its changed packets through, whatever the chains before it say of those."""
    (done,) = play(AUDIT, nft=DOCKER, setup=DOCKER_SETUP)
    found = exposures(done)
    assert (found["tcp/8080"]["state"], found["tcp/8080"]["from"]) == ("reachable", ["anywhere"])
    assert found["tcp/8080"]["address"] == "any address, goes on to 172.17.0.2:80"
    assert found["tcp/8080"]["by"] == ["ip filter FORWARD rule 2"]
    assert found["tcp/5432"]["state"] == "hidden"
    exposed = [one["message"] for one in done.json()["findings"] if one["name"] == "exposed"]
    assert len(exposed) == 1
    assert exposed[0].startswith("tcp/6380")


def test_a_published_port_of_a_machine_that_forwards_nothing_is_reached_by_nobody() -> None:
    """Destination NAT to another host is without effect where the kernel does not forward."""
    (done,) = play(AUDIT, nft=DOCKER, setup=DOCKER_SETUP[1:])
    assert exposures(done)["tcp/8080"]["state"] == "own"


@pytest.mark.parametrize("backend", ["nft", "legacy"])
def test_what_docker_writes_by_iptables_is_judged_with_all_else(backend: str) -> None:
    """Tables of iptables, by either machinery, and a table of nft beside them: every one counts, for what is published too."""
    if shutil.which(f"iptables-{backend}") is None:
        pytest.skip(f"iptables-{backend} is not installed")
    four, six = f"iptables-{backend}", f"ip6tables-{backend}"
    words = (
        f"{four} -P FORWARD DROP", f"{four} -t nat -N DOCKER", f"{four} -N DOCKER",
        f"{four} -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        f"{four} -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
        f"{four} -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        f"{four} -A FORWARD -o docker0 -j DOCKER",
        f"{four} -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
        f"{four} -A INPUT -p tcp -m multiport --dports 22,25 -j ACCEPT", f"{four} -A INPUT -i up0 -j REJECT",
        f"{six} -A INPUT -p tcp -m tcp --dport 22 -j DROP",
    )  # fmt: skip
    beside = "table inet extra {\n chain i {\n type filter hook input priority 5\n tcp dport 25 drop\n }\n}\n"
    audit, asked = play(
        AUDIT, ("ask", "--live", "internet -> local tcp/22", "--format", "json"), nft=beside,
        setup=[*DOCKER_SETUP, *(one.split() for one in words)], sockets=[("tcp", "::", 22), ("tcp", "::", 25)],
    )  # fmt: skip
    assert audit.json()["whole"] is True
    found = {(one["service"], *one["families"]): one for one in audit.json()["exposures"]}
    assert found["tcp/22", "IPv4"]["from"] == ["anywhere"]
    assert found["tcp/22", "IPv6"]["state"] == "hidden"
    assert found["tcp/25", "IPv4", "IPv6"]["state"] == "hidden"
    assert (found["tcp/8080", "IPv4"]["state"], found["tcp/8080", "IPv4"]["from"]) == ("reachable", ["anywhere"])
    assert "DOCKER rule 1" in found["tcp/8080", "IPv4"]["by"][0]
    verdicts = {(part["verdict"], part["flows"][0].rpartition("(")[2]) for part in asked.json()["answers"][0]["parts"]}
    assert verdicts == {("accept", "IPv4 only)"), ("drop", "IPv6 only)")}
    assert "NAT" in asked.json()["notes"][0]


def test_what_publishes_in_another_way_is_not_called_hidden() -> None:
    """Destination NAT that is not followed, by a map, is a warning, and nothing is said of what is behind."""
    text = """table ip nat {
  chain p {
    type nat hook prerouting priority dstnat; policy accept;
    dnat to tcp dport map { 80 : 172.17.0.2, 443 : 172.17.0.3 }
  }
}
table inet f {
  chain i {
    type filter hook input priority 0; policy drop;
  }
}
"""
    (done,) = play(AUDIT, nft=text, setup=DOCKER_SETUP)
    assert names(done) == [("not-understood", "warning")]
    assert done.code == 1
    assert not done.json()["exposures"]


def test_what_cannot_be_seen_is_never_called_safe() -> None:
    """Without rights the sockets are listed, no firewall is claimed, and the audit ends with 2; so does the question."""
    (done,) = play(
        ("audit", "--live", "--format", "json"), nft=FIREWALL, sockets=[("tcp", "::", 22)], without_rights=True
    )
    assert done.code == 2
    assert done.json()["whole"] is False
    assert done.json()["passed"] is False
    assert exposures(done)["tcp/22"]["state"] == "unseen"
    assert names(done)[0] == ("not-seen", "error")
    (asked,) = play(("ask", "--live", "internet -> local tcp/22"), nft=FIREWALL, without_rights=True)
    assert asked.code == 2
    assert "not seen" in asked.err
    assert not asked.out


QUESTIONS = {
    "internet -> local tcp/80": ["accept"],
    "internet -> local tcp/22": ["drop"],
    "10.1.2.3 -> local tcp/22": ["accept"],
    "2001:db8::7 -> local tcp/22": ["accept"],
    "10.0.0.0/7 -> local tcp/22": ["accept", "drop"],
    "local -> internet any": ["accept"],
    "internet -> 192.0.2.99 tcp/80": ["accept"],
    "local -> local tcp/3306": ["accept"],
}


def test_a_question_is_answered_by_the_running_rules() -> None:
    """The parts of an answer are what the rules decide, each for certain, in the direction and the families that are asked."""
    answered = play(*(("ask", "--live", question, "--format", "json") for question in QUESTIONS), nft=FIREWALL)
    for done, (question, verdicts) in zip(answered, QUESTIONS.items(), strict=True):
        assert done.code == 0, done.err
        parts = done.json()["answers"][0]["parts"]
        assert [part["verdict"] for part in parts] == verdicts, question
        assert all(part["certain"] for part in parts), question


def test_an_answer_names_the_rule_and_says_what_is_only_possible() -> None:
    """Text has the flows, what becomes of them, and the rule in nft's words; a limit makes it possible, not certain."""
    web, limited, both = play(
        ("ask", "--live", "internet -> local tcp/80", "-w"), ("ask", "--live", "internet -> local tcp/8080"),
        ("ask", "--live", "internet <-> local tcp/22"), nft=FIREWALL,
    )  # fmt: skip
    assert web.out.splitlines()[0] == "internet -> local tcp/80: open"
    assert 'inet filter input rule 3  tcp dport 80 accept comment "web"' in web.out
    assert "example: tcp" in web.out
    assert "possibly" in limited.out
    assert "local -> internet tcp/22: open" in both.out


def test_a_question_to_a_machine_takes_no_policy_and_no_other_day(tmp_path: object) -> None:
    """What makes no sense of a running machine is a usage error, and so is a zone that it does not have."""
    assert run("ask", "--live", "internet -> local", "policy.yaml").exit_code == 2
    assert run("ask", "--live", "internet -> local", "--at", "2027-01-01").exit_code == 2
    (done,) = play(("ask", "--live", "office -> local tcp/22"), nft=FIREWALL)
    assert done.code == 2
    assert "office" in done.err


def test_a_file_is_audited_without_a_machine() -> None:
    """A ruleset alone says what it lets in, and what of that must never be on the internet; one that stops nothing is no firewall."""
    read = run("audit", "-", stdin=FIREWALL)
    assert read.exit_code == 1
    assert "  any -> local tcp/80, tcp/6379" in read.stdout
    assert "  possibly any -> local tcp/8080" in read.stdout
    assert "error[exposed]: tcp/6379" in read.stdout
    assert "tcp/80 is" not in read.stdout
    empty = run("audit", "-", stdin="table inet t {\n}\n")
    assert "no firewall for IPv4 and IPv6" in empty.stdout
    assert empty.exit_code == 1


def test_audit_needs_a_machine_or_a_file() -> None:
    """Neither and both are usage errors."""
    assert run("audit").exit_code == 2
    assert run("audit", "--live", "x.nft").exit_code == 2
    assert run("audit", "/nonexistent.nft").exit_code == 2


def test_every_rule_of_a_file_is_accounted_for() -> None:
    """The rules are those understood, those bounded and those refused; every one is listed with its number, or counted."""
    done = run("read", "-", "--format", "json", stdin=FIREWALL)
    assert done.exit_code == 0, done.stderr
    tree = json.loads(done.stdout)
    counts = tree["counts"]
    assert counts == {"rules": 8, "understood": 7, "bounded": 1, "refused": 0}
    assert [one["number"] for one in tree["rules"]] == list(range(1, 9))
    assert [one["number"] for one in tree["rules"] if one["state"] == "bounded"] == [6]
    short = json.loads(run("read", "-", "--summary", "--format", "json", stdin=FIREWALL).stdout)
    assert [one["number"] for one in short["rules"]] == [6]
    assert short["passes"] == tree["passes"]


@pytest.mark.parametrize("text", ["", "table inet x {\n chain left {\n  tcp dport 22 drop\n }\n}\n"])
def test_where_no_chain_guards_everything_passes_and_is_said(text: str) -> None:
    """A file without rules, or with rules that no hook asks, lets everything in, through and out."""
    shown = run("read", "-", stdin=text).stdout
    for hook in ("input", "forward", "output"):
        assert f"everything: no chain hooks {hook}" in shown


def test_what_a_hook_lets_pass_is_said_in_words() -> None:
    """Each hook's flows are in words, both families, with interfaces where they matter and what is possible apart."""
    text = FIREWALL.replace("iif lo accept", 'iif lo accept\n    iifname "eth1" tcp dport 3306 accept')
    passage, *unguarded = json.loads(run("read", "-", "--format", "json", stdin=text).stdout)["passes"]
    assert [one["surely"] for one in unguarded] == [
        ["everything: no chain hooks forward"],
        ["everything: no chain hooks output"],
    ]
    assert passage["title"].startswith("input")
    assert "any -> local tcp/3306 by eth1" in passage["surely"]
    assert "10.0.0.0/8 -> local tcp/22 (IPv4 only)" in passage["surely"]
    assert "any -> local udp from source port 53" in passage["surely"]
    assert len(passage["possibly"]) == 1
    assert passage["possibly"][0].startswith("any -> local tcp/8080 where limit rate 10")


def test_what_comes_by_every_interface_is_said_once() -> None:
    """Services that all interfaces let in are one line in both families, and what only some let in is said of those."""
    text = FIREWALL.replace(
        "iif lo accept", 'iifname "eth1" tcp dport 3306 accept\n    icmpv6 type echo-request accept'
    )
    passage, *unguarded = json.loads(run("read", "-", "--format", "json", stdin=text).stdout)["passes"]
    assert [one["surely"] for one in unguarded] == [
        ["everything: no chain hooks forward"],
        ["everything: no chain hooks output"],
    ]
    assert "any -> local tcp/80, tcp/6379, icmp/echo-request (IPv6 only)" in passage["surely"]
    assert "any -> local tcp/80, tcp/6379 (IPv4 only)" in passage["surely"]
    assert "any -> local tcp/3306 by eth1" in passage["surely"]
    assert not any("any but" in line for line in passage["surely"])


def test_a_dump_of_iptables_is_read_too() -> None:
    """What iptables-save prints is read as it is, without loading it."""
    dump = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    done = run("read", "-", stdin=dump)
    assert done.exit_code == 0, done.stderr
    assert "1 rule = 1 understood" in done.stdout
    assert "-> local tcp/22 (IPv4 only)" in done.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("table inet t {\n chain c {\n  tcp dport foo accept\n }\n}\n", ":3:13"),
        ("{]", "no JSON"),
        ("tabel", "syntax error"),
    ],
)
def test_a_file_that_cannot_be_read_is_blamed_at_its_place(text: str, says: str) -> None:
    """A malformed text ends with 2 and says where, without output."""
    done = run("read", "-", stdin=text)
    assert done.exit_code == 2
    assert says in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("form", ["sarif", "junit", "github", "markdown"])
def test_an_audit_is_shown_in_every_format_of_check(form: str) -> None:
    """A pipeline gets the findings of an audit as it gets those of a check."""
    done = run("audit", "-", "--format", form, stdin=FIREWALL)
    assert done.exit_code == 1
    assert "tcp/6379" in done.stdout


def test_a_table_with_our_name_that_no_compile_made_is_said() -> None:
    """Somebody else's table `inet firewright` is a warning and judged like any other; a compiled one is none."""
    body = "chain input { type filter hook input priority 0; policy drop; tcp dport 22 accept\n }\n"
    made = 'chain about { comment "policy shop, firewall edge, from 2026-11-21 on"; }'
    (theirs,) = play(AUDIT, nft=f"table inet firewright {{\n {body} }}\n")
    (ours,) = play(AUDIT, nft=f"table inet firewright {{\n {body}\n {made}\n }}\n")
    assert ("strange-table", "warning") in names(theirs)
    assert ("strange-table", "warning") not in names(ours)
