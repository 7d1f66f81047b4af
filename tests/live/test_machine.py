"""This machine as it stands: addresses, forwarding, and every table that judges packets, by whichever program it was loaded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from firewright.live.machine import Address, Machine, Tables
from firewright.live.sockets import Listening
from tests.live.scene import ROOT, needs

LOOK = """
import json, subprocess, sys
for words in json.loads(sys.argv[1]):
    subprocess.run(words, check=True)
from firewright.live.machine import look
found = look()
listing = found.tables.listing
print(json.dumps({
    "addresses": [[a.family, a.number, a.length, a.interface] for a in found.addresses],
    "interfaces": found.interfaces, "outward": found.outward, "forwards": found.forwards,
    "routes_loopback": found.routes_loopback,
    "tables": None if listing is None else [[o["table"]["family"], o["table"]["name"]]
                                            for o in json.loads(listing.json)["nftables"] if "table" in o],
    "saved": [[s.program, s.family, s.tables, s.text] for s in found.tables.saved], "unseen": found.tables.unseen,
}))
"""
SHELL = ["sh", "-c"]


def needs_root() -> None:
    """Skip where the kernel shows the tables of iptables to root alone: an ordinary user has them said to be unseen."""
    if os.geteuid():
        pytest.skip("/proc/net/ip_tables_names and /run/xtables.lock are for root")


def look(*setup: list[str], before: list[str] | None = None) -> dict[str, Any]:
    """What is seen in a fresh network namespace after some commands; `before` is put in front of the program that looks."""
    needs()
    words = ["unshare", "-Urn", *(before or []), sys.executable, "-c", LOOK, json.dumps(setup)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_addresses_routes_and_forwarding_are_the_machines_own() -> None:
    """Addresses of both families with their interfaces, the way out, and what is passed on are as they were set."""
    found = look(
        ["ip", "link", "add", "up0", "type", "veth", "peer", "name", "down0"],
        ["ip", "link", "set", "up0", "up"],
        ["ip", "address", "add", "192.0.2.10/24", "dev", "up0"],
        ["ip", "address", "add", "2001:db8::10/64", "dev", "up0", "nodad"],
        ["ip", "route", "add", "default", "via", "192.0.2.1"],
        [*SHELL, "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"],
        [*SHELL, "echo 1 > /proc/sys/net/ipv4/conf/up0/route_localnet"],
    )
    assert [4, 0xC000020A, 24, "up0"] in found["addresses"]
    assert [6, 0x20010DB8 << 96 | 0x10, 64, "up0"] in found["addresses"]
    assert found["outward"] == ["up0"]
    assert found["forwards"] == [6]
    assert found["routes_loopback"] == ["up0"]


def test_a_machine_without_tables_is_seen_whole() -> None:
    """No table is an empty listing with nothing unseen, which is not the same as no listing."""
    needs_root()
    found = look()
    assert (found["tables"], found["saved"], found["unseen"]) == ([], [], [])


@pytest.mark.parametrize(("backend", "family"), [("nft", 4), ("nft", 6), ("legacy", 4), ("legacy", 6)])
def test_tables_of_iptables_are_read_in_its_own_words(backend: str, family: int) -> None:
    """Tables with matches that nft lists without meaning are left out of its listing and saved by iptables, each family by its own."""
    needs_root()
    program = f"{'ip' if family == 4 else 'ip6'}tables-{backend}"
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    rule = [program, "-A", "INPUT", "-m", "recent", "--name", "ssh", "--set", "-p", "tcp", "-j", "DROP"]
    try:
        found = look(["nft", "add", "table", "inet", "own"], rule)
    except AssertionError as error:
        if "No such file" not in str(error) and "does not exist" not in str(error) and "No chain" not in str(error):
            raise
        pytest.skip(f"this kernel has no table for {program}")
    assert found["tables"] == [["inet", "own"]]
    (saved,) = found["saved"]
    assert saved[:3] == [f"{program}-save", family, ["filter"]]
    assert "-A INPUT -p tcp -m recent --set --name ssh" in saved[3]
    assert found["unseen"] == []


def test_what_takes_rights_is_named_and_no_listing_is_made_of_it() -> None:
    """Without rights over the network there is no listing, and it is said what was not seen."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    found = look(before=["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", "--reuid", "0"])
    assert found["tables"] is None
    assert any("nf_tables" in said for said in found["unseen"])


def _machine(*addresses: Address) -> Machine:
    return Machine("m", addresses, ("eth0", "lo"), (), (), (), Listening(()), Tables(None))


def test_the_longest_prefix_tells_behind_which_interface_an_address_lies() -> None:
    """An address on a network of the machine's own is behind that interface, the narrowest first; any other behind none."""
    machine = _machine(
        Address(4, 0x0A000001, 8, "eth0"), Address(4, 0x0A010001, 16, "docker0"), Address(6, 0xFD << 120 | 1, 64, "eth0")
    )  # fmt: skip
    assert machine.interface_to(4, 0x0A010203) == "docker0"
    assert machine.interface_to(4, 0x0A020304) == "eth0"
    assert machine.interface_to(6, 0xFD << 120 | 7) == "eth0"
    assert machine.interface_to(4, 0x0B000001) == ""
    assert machine.interface_to(6, 0x0A010203) == ""


def test_its_own_addresses_leave_those_of_loopback_out() -> None:
    """What others may call the machine by holds no address of `lo`."""
    machine = _machine(Address(4, 0x7F000001, 8, "lo"), Address(4, 0x0A000001, 8, "eth0"))
    assert machine.own(4) == (0x0A000001,)
    assert machine.own(6) == ()
