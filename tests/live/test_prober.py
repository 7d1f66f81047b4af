"""Probing machines that really answer, by packets of our own and by connections, over IPv4 and IPv6."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.live import probed
from tests.live.probed import BEHIND_V4, BEHIND_V6, V4, V6
from tests.live.scene import needs

FIREWALL = """table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 1000-1999 drop
		tcp dport 2000-2001 reject with icmpx admin-prohibited
		tcp dport 2002 reject with icmpx port-unreachable
		tcp dport 3000-3999 reject with tcp reset
		udp dport { 123, 2000 } drop
		udp dport 161 reject with icmpx port-unreachable
		udp dport 162 reject with icmpx admin-prohibited
		meta l4proto ah drop
	}
}
"""
SERVICES = (
    ("tcp", 22, ""),
    ("tcp", 1022, ""),
    ("tcp", 8080, ""),
    ("udp", 53, "echo"),
    ("udp", 69, "elsewhere"),
    ("udp", 514, "silent"),
)
UNLIMITED = {"net/ipv4/icmp_ratelimit": "0", "net/ipv6/icmp/ratelimit": "0"}
MIXED = ("--tcp", "1-4000,8080", "--udp", "50-53,69,123,161-162,514,2000", "--service", "ping,esp,ah")
PROBE = ("-m", "firewright", "probe", "--format", "json")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    needs("nsenter", "setpriv")


def seen(tree: Any, address: str) -> dict[str, str]:
    """What was seen of an address: its services by state, and how."""
    (found,) = [one for one in tree["addresses"] if one["address"] == address]
    rows: dict[str, str] = {}
    for row in found["seen"]:
        key = f"{row['state']} {row['how']}".strip()
        rows[key] = row["services"]
    return rows


@cache
def mixed(is_raw: bool) -> Any:
    """What a probe of the mixed firewall says, with root's rights or with none."""
    (done,) = probed.play(
        (*PROBE, V4, V6, *MIXED), nft=FIREWALL, services=SERVICES, sysctls=UNLIMITED, without_rights=not is_raw
    )
    assert done.code == 0, done.err
    return done.json()


@pytest.mark.parametrize(("address", "own"), [(V4, "icmp"), (V6, "icmp")])
def test_every_state_is_told_from_packets_of_our_own(address: str, own: str) -> None:
    """Open, reset, refused by ICMP (and of which kind), and hidden are told apart, over both families and every protocol."""
    rows = seen(mixed(is_raw=True), address)
    assert mixed(is_raw=True)["raw"]
    prohibited = "closed ICMP communication prohibited by an administrator" if address == V4 else (
        "closed ICMP prohibited by an administrator"
    )  # fmt: skip
    protocol = "closed ICMP protocol unreachable" if address == V4 else "closed ICMP unrecognised next header"
    assert rows == {
        "open": f"tcp/22, tcp/8080, udp/53, udp/69, {own}/echo-request",
        "closed reset": "tcp/1-21, tcp/23-999, tcp/2003-4000",
        prohibited: "tcp/2000-2001, udp/162",
        "closed ICMP port unreachable": "tcp/2002, udp/50-52, udp/161",
        protocol: "protocol/esp",
        "hidden": "tcp/1000-1999, udp/123, udp/514, udp/2000, protocol/ah",
    }


@pytest.mark.parametrize("address", [V4, V6])
def test_without_rights_what_cannot_be_told_is_not_said(address: str) -> None:
    """By connections the states are the same; a reset and an ICMP error are one, and what needs root is undetermined."""
    tree = mixed(is_raw=False)
    assert not tree["raw"]
    rows = seen(tree, address)
    assert rows["open"] == "tcp/22, tcp/8080, udp/53, udp/69"
    assert rows["closed reset or icmp"] == "tcp/1-21, tcp/23-999, tcp/2002-4000"
    assert rows["closed ICMP error, says the host or the path"] == "tcp/2000-2001"
    assert rows["closed ICMP port unreachable"] == "udp/50-52, udp/161"
    assert rows["hidden"] == "tcp/1000-1999, udp/123, udp/514, udp/2000"
    assert rows["undetermined not sent: it needs root"] == "icmp/echo-request, protocol/esp, protocol/ah"


def test_every_port_has_its_state() -> None:
    """Of all 65,535 TCP ports each has exactly the state that the firewall and the services give it."""
    (done,) = probed.play(
        (*PROBE, V6, "--all"),
        nft="""table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 10000-29999 drop
		tcp dport { 7, 40000-40009 } reject with icmpx port-unreachable
	}
}
""",
        services=SERVICES,
        sysctls=UNLIMITED,
    )
    assert seen(done.json(), V6) == {
        "open": "tcp/22, tcp/1022, tcp/8080",
        "closed reset": "tcp/1-6, tcp/8-21, tcp/23-1021, tcp/1023-8079, tcp/8081-9999, tcp/30000-39999, tcp/40010-65535",
        "closed ICMP port unreachable": "tcp/7, tcp/40000-40009",
        "hidden": "tcp/10000-29999",
    }


RATIONED = """table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp dport 1-3 reject with icmpx port-unreachable
		tcp dport 100-5000 drop
		udp dport 100-102 drop
		udp dport 200-299 reject with icmpx port-unreachable
	}
}
"""


def test_rationed_errors_hide_nothing() -> None:
    """Where a host rations its ICMP errors, what it drops is hidden all the same, and what it refuses is never called so."""
    limited = {"net/ipv4/icmp_ratelimit": "1000", "net/ipv6/icmp/ratelimit": "1000"}
    few, many = probed.play(
        (*PROBE, V4, V6, "--tcp", "1-6000"),
        (*PROBE, V4, V6, "--udp", "53,100-102,200-299", "--patience", "2.5"),
        nft=RATIONED,
        services=SERVICES,
        sysctls=limited,
    )
    for address in (V4, V6):
        rows = seen(few.json(), address)
        assert rows["hidden"] == "tcp/100-5000"
        assert rows["closed ICMP port unreachable"] == "tcp/1-3"
        rows = seen(many.json(), address)
        assert "hidden" not in rows
        assert rows["open"] == "udp/53"
        refused = rows["closed ICMP port unreachable"].split(", ")
        assert all(one.startswith("udp/2") for one in refused)
        assert "udp/100-102" in rows["undetermined its ICMP errors are rationed"]


def test_each_who_refuses_has_a_ration_of_its_own() -> None:
    """A host that is free with its errors does not vouch for a router before it that rations them: nothing refused is called hidden."""
    forward = """table inet tried {
	chain forward {
		type filter hook forward priority filter; policy accept;
		udp dport 300-399 reject with icmpx admin-prohibited
	}
}
"""
    behind = """table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		udp dport 100-102 drop
	}
}
"""
    (done,) = probed.play(
        (*PROBE, BEHIND_V4, "--udp", "53,90-110,300-399", "--patience", "3"),
        nft=forward, behind_nft=behind, services=SERVICES, sysctls={"net/ipv4/icmp_ratelimit": "1000"},
        behind_sysctls=UNLIMITED,
    )  # fmt: skip
    rows = seen(done.json(), BEHIND_V4)
    assert rows["open"] == "udp/53"
    assert rows["closed ICMP port unreachable"] == "udp/90-99, udp/103-110"
    assert "hidden" not in rows
    (refused,) = [services for how, services in rows.items() if how.endswith("says 192.0.2.2")]
    assert all(one.startswith("udp/3") for one in refused.split(", "))
    assert rows["undetermined its ICMP errors are rationed"].startswith("udp/100-102, ")


def test_lost_answers_are_asked_for_again() -> None:
    """Where a limit on the way lets only some answers through, ports that are closed are not called hidden."""
    shaped = """table inet tried {
	chain output {
		type filter hook output priority filter; policy accept;
		tcp flags & rst == rst limit rate over 500/second burst 200 packets drop
	}
}
"""
    (done,) = probed.play((*PROBE, V4, "--tcp", "1-1500", "--rate", "20000"), nft=shaped, services=SERVICES)
    rows = seen(done.json(), V4)
    assert rows["open"] == "tcp/22, tcp/1022"
    assert "hidden" not in rows


def test_what_answers_for_a_host_is_named() -> None:
    """A router that refuses says so by its own address, and a reset that it forges comes over fewer hops than the host's answers."""
    forward = """table inet tried {
	chain forward {
		type filter hook forward priority filter; policy accept;
		tcp dport 23 reject with icmpx admin-prohibited
		tcp dport 25 reject with tcp reset
		tcp dport 26 drop
	}
}
"""
    (done,) = probed.play((*PROBE, BEHIND_V4, BEHIND_V6, "--tcp", "21-26"), nft=forward, services=SERVICES)
    for address, router in ((BEHIND_V4, "192.0.2.2"), (BEHIND_V6, "2001:db8::2")):
        rows = seen(done.json(), address)
        assert rows["open"] == "tcp/22"
        assert rows["closed reset"] == "tcp/21, tcp/24"
        assert rows["closed reset by something nearer than the host"] == "tcp/25"
        assert rows["hidden"] == "tcp/26"
        (who,) = [key for key in rows if key.endswith(f"says {router}")]
        assert rows[who] == "tcp/23"


def test_its_own_firewall_is_not_taken_for_the_hosts() -> None:
    """What the prober's own firewall stops is undetermined, not hidden; only of connections the kernel tells nobody, and that is said."""
    own = """table inet tried {
	chain output {
		type filter hook output priority filter; policy accept;
		tcp dport 22 drop
		udp dport 53 drop
		icmp type echo-request drop
	}
}
"""
    words = (V4, "--tcp", "22,8080", "--udp", "53,69", "--service", "ping")
    own_packets, connections = probed.play(
        (*PROBE, *words), (*PROBE, *words, "--connect", "--format", "text"), own_nft=own, services=SERVICES
    )
    rows = seen(own_packets.json(), V4)
    assert rows["open"] == "tcp/8080, udp/69"
    (why,) = [key for key in rows if key.startswith("undetermined")]
    assert "own firewall" in why
    assert rows[why] == "tcp/22, udp/53, icmp/echo-request"
    assert "  hidden        tcp/22\n" in connections.out
    assert "  undetermined  icmp/echo-request, udp/53: not sent: this machine's own firewall" in connections.out
    assert "what this machine's own firewall stops looks hidden too" in connections.out


def test_nobody_there_is_not_hidden_for_sure() -> None:
    """A probe of an address that nobody has finds nothing out and fails, and so does one to where there is no way."""
    nobody, nowhere = probed.play(
        (*PROBE, "192.0.2.77", "2001:db8::77", "--tcp", "22"), (*PROBE, "203.0.113.7", "--tcp", "22")
    )
    assert (nobody.code, nowhere.code) == (1, 1)
    assert not nobody.json()["passed"]
    assert not any(one["alive"] for one in nobody.json()["addresses"])
    assert "no way there" in nowhere.json()["addresses"][0]["why"]


def test_its_own_addresses_can_be_probed() -> None:
    """Loopback and the machine's own addresses answer as they are, over both families."""
    (done,) = probed.play((*PROBE, "127.0.0.1", "::1", "192.0.2.1", "--tcp", "1-500", "--udp", "1-80"))
    for address in ("127.0.0.1", "::1", "192.0.2.1"):
        rows = seen(done.json(), address)
        assert rows == {"closed reset": "tcp/1-500", "closed ICMP port unreachable": "udp/1-80"}


def test_an_address_of_one_link_needs_its_interface() -> None:
    """A link-local address is probed with its interface, and refused without."""
    lonely = (*PROBE, "fe80::1", "--tcp", "22")
    before = (("ip", "address", "add", "fe80::1/64", "dev", "veth0", "nodad"),)
    refused, done = probed.play(lonely, (*PROBE, "fe80::1%veth0", "--tcp", "22"), before=before)
    assert refused.code == 2
    assert "fe80::1%eth0" in refused.err
    assert seen(done.json(), "fe80::1") == {"closed reset": "tcp/22"}


def test_a_probe_keeps_to_its_rate() -> None:
    """No more packets leave in a second than were asked for: the probed machine counts them."""
    counting = """table inet tried {
	chain input {
		type filter hook input priority filter; policy accept;
		tcp flags & (syn | ack) == syn limit rate over 400/second burst 60 packets counter name over drop
	}
	counter over { }
}
"""
    counting = counting.replace("\tcounter over { }\n", "").replace(
        "\tchain input", "\tcounter over {\n\t}\n\tchain input", 1
    )
    (done,) = probed.play((*PROBE, V4, "--tcp", "1-300", "--rate", "300"), nft=counting, services=SERVICES)
    assert seen(done.json(), V4) == {"open": "tcp/22", "closed reset": "tcp/1-21, tcp/23-300"}
