"""`audit --live` on a machine of its own: back doors, programs that nobody knows, doors without anybody, containers, what is new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firewright.catalog.programs import back_door_at, back_doors, programs
from firewright.catalog.services import catalog
from firewright.model.interval import size
from tests.cli.test_live import DOCKER, DOCKER_SETUP
from tests.live.scene import Done, needs, play

RULES = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport { 80, 8443, 31337, 12345 } accept
    ip saddr 10.0.0.0/8 tcp dport 5900 accept
  }
}
"""
LIVE = ("audit", "--live", "--format", "json")


@pytest.fixture(autouse=True)
def _namespaces() -> None:
    """Each test is about a machine in a network namespace."""
    needs()


def told(done: Done, name: str) -> list[dict[str, Any]]:
    """The findings of a kind."""
    return [one for one in done.json()["findings"] if one["name"] == name]


def test_ports_of_back_doors_and_programs_that_nobody_knows_are_said() -> None:
    """A listener at a port well known from back doors is an error where others reach it, and python serves nothing commonly."""
    (done,) = play(LIVE, nft=RULES, sockets=[("tcp", "0.0.0.0", 12345), ("tcp", "127.0.0.1", 27374), ("tcp", "::", 80)])
    doors = {one["message"].split()[0]: one for one in told(done, "backdoor-port")}
    assert {name: one["severity"] for name, one in doors.items()} == {"tcp/12345": "error", "tcp/27374": "warning"}
    assert "NetBus" in doors["tcp/12345"]["message"]
    assert doors["tcp/12345"]["help"]
    held = [one["message"].split()[0] for one in told(done, "unknown-program")]
    assert "tcp/80" in held
    assert "tcp/27374" not in held


def test_what_is_let_in_for_nobody_is_said_by_family() -> None:
    """A port that rules open and no program has, in the families of which that is so, with the catalog's warning."""
    (done,) = play(LIVE, nft=RULES, sockets=[("tcp", "0.0.0.0", 80), ("tcp", "127.0.0.1", 8443)])
    said = [one["message"] for one in told(done, "nobody-listens")]
    assert any(message.startswith("tcp/8443") and "IPv4 and IPv6" in message for message in said)
    assert any(message.startswith("tcp/5900") and "by IPv4," in message for message in said)
    assert any(message.startswith("tcp/80 ") and "by IPv6," in message for message in said)
    assert all(one["severity"] == "note" for one in told(done, "nobody-listens"))


def test_a_published_port_is_forwarded_past_the_input_chain() -> None:
    """Where rules of the input chain close what containers publish it is a warning that it is open all the same."""
    (done,) = play(LIVE, nft=RULES + DOCKER, setup=DOCKER_SETUP)
    past = {one["message"].split()[0]: one for one in told(done, "past-input")}
    assert past["tcp/6380"]["severity"] == "warning"
    assert "172.17.0.4:6379" in past["tcp/6380"]["message"]
    assert "tcp/5432" not in past


def test_what_is_new_since_the_last_time_is_a_finding(tmp_path: Path) -> None:
    """The first time is a note, the same again is nothing; then a listener more is a warning, and one less a note."""
    state = str(tmp_path / "state.json")
    again = ("audit", "--live", "--state", state, "--format", "json")
    first, second = play(again, again, nft=RULES, sockets=[("tcp", "0.0.0.0", 80)])
    assert [one["severity"] for one in told(first, "new-listener")] == ["note"]
    assert not told(second, "new-listener")
    assert json.loads(Path(state).read_text())["kind"] == "audit-state"
    (third,) = play(again, nft=RULES, sockets=[("tcp", "0.0.0.0", 8443)])
    (new,) = told(third, "new-listener")
    assert (new["severity"], third.code) == ("warning", 1)
    assert new["message"].startswith("tcp/8443 (python")
    assert [one["message"].split()[0] for one in told(third, "listener-gone")] == ["tcp/80"]
    wider = RULES.replace("ip saddr 10.0.0.0/8 tcp dport 5900", "tcp dport 5900")
    narrow, wide = (play(again, nft=rules, sockets=[("tcp", "0.0.0.0", 5900)])[0] for rules in (RULES, wider))
    assert told(narrow, "new-listener")
    assert ["is reached by others" in one["message"] for one in told(wide, "new-listener")] == [True]


def test_a_state_that_is_none_is_refused_and_kept(tmp_path: Path) -> None:
    """A file that is no state is left as it is, and the run ends with 2."""
    state = tmp_path / "state.json"
    state.write_text("{}")
    (done,) = play(("audit", "--live", "--state", str(state)), nft=RULES)
    assert done.code == 2
    assert "bad-state" in done.err
    assert state.read_text() == "{}"


def test_nothing_softens_that_there_is_no_firewall(tmp_path: Path) -> None:
    """It comes first with a policy, a baseline and a state as well, and the run ends with 1."""
    known = str(tmp_path / "known.json")
    policy = tmp_path / "shop.yaml"
    policy.write_text(
        "policy: shop\nfirewalls:\n  local: {default: drop}\nrules:\n  - {from: any, to: local, require: ssh}\n"
    )
    write = ("audit", "--live", "--write-baseline", known, "--format", "json")
    read = ("audit", "--live", "--baseline", known, "-p", str(policy), "--format", "json")
    written, done = play(write, read, sockets=[("tcp", "::", 22)])
    assert (written.code, done.code) == (1, 1)
    assert written.json()["findings"][0]["name"] == done.json()["findings"][0]["name"] == "no-firewall"
    assert any(one["severity"] == "error" for one in told(done, "violation"))


def test_a_machine_is_held_against_its_policy(tmp_path: Path) -> None:
    """What every table on the hook lets pass together is compared: a second table that closes a required port blocks it, by name."""
    policy = tmp_path / "shop.yaml"
    policy.write_text(
        "policy: shop\nfirewalls:\n  local: {default: drop}\nrules:\n  - {from: any, to: local, require: http}\n"
    )
    second = "table inet extra {\n chain late { type filter hook input priority 10; tcp dport 80 drop; }\n}\n"
    (done,) = play((*LIVE, "-p", str(policy)), nft=RULES + second)
    (blocked,) = [one for one in told(done, "blocked") if one["severity"] == "error"]
    assert "tcp/80" in blocked["message"]
    assert any("inet extra late" in note["text"] for note in blocked["notes"])


def test_a_socket_that_the_policy_does_not_permit_contradicts_it(tmp_path: Path) -> None:
    """What listens and is let in against the policy is named with its program; one on loopback, or hidden as it is to be, is not."""
    policy = tmp_path / "shop.yaml"
    policy.write_text("policy: shop\nrules:\n  - {from: any, to: local, require: http}\n")
    sockets = [("tcp", "0.0.0.0", 12345), ("tcp", "127.0.0.1", 8443), ("tcp", "::", 80), ("tcp", "::", 9000)]
    (done,) = play((*LIVE, "-p", str(policy)), nft=RULES, sockets=sockets)
    (open_,) = told(done, "contradicted")
    assert open_["severity"] == "error" and open_["message"].startswith("tcp/12345 at any address, held by ")
    assert open_["message"].endswith("listens: it is open to internet, and the policy says drop (IPv4 only)")
    second = "table inet extra {\n chain late { type filter hook input priority 10; tcp dport 80 drop; }\n}\n"
    (done,) = play((*LIVE, "-p", str(policy)), nft=RULES + second, sockets=sockets)
    assert {one["message"].split()[0]: one["severity"] for one in told(done, "contradicted")} == {
        "tcp/12345": "error",
        "tcp/80": "warning",
    }


def test_the_tables_of_programs_and_back_doors_are_sound() -> None:
    """Programs serve what the catalog has, under names as long as the kernel keeps them; each back door has a port and a source."""
    known = {*catalog().names()}
    assert {service for services in programs().values() for service in services} <= known
    assert all(0 < len(name) <= 15 for name in programs())
    assert all(size(door.services) >= 1 and door.title and door.source for door in back_doors())
    found = back_door_at(((17 << 16 | 31337, 17 << 16 | 31337),))
    assert found is not None
    assert found.title == "Back Orifice"
    assert back_door_at(((6 << 16 | 443, 6 << 16 | 443),)) is None
