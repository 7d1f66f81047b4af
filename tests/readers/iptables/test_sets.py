"""`ipset save` beside a dump: what `-m set` asks is exact where the set is known, and only bounded where it may change."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from shutil import which

import pytest

from firewright.model.packet import TCP, Packet
from firewright.readers.iptables import Dump, encode, parse
from firewright.space.bounds import possibly, surely
from firewright.space.ruleset import Hook
from tests.readers.iptables.test_kernel import unshared

SETS = """create friends hash:ip family inet hashsize 1024 maxelem 65536
add friends 192.0.2.7
add friends 192.0.2.9
create nets hash:net family inet6 hashsize 1024 maxelem 65536
add nets 2001:db8::/64
"""
RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT {} -j ACCEPT\nCOMMIT\n"


def bounds(dump: Dump, source: str) -> tuple[bool, bool]:
    """Whether a packet from an address is surely accepted, and whether it may be."""
    number = ip_address(source)
    one = Packet(4 if number.version == 4 else 6, int(number), 1, TCP, 22, 1000, in_interface="eth0")
    programs = encode(dump).hooks[Hook.INPUT]
    return one in surely(programs, "accept"), one in possibly(programs, "accept")


@pytest.mark.parametrize("is_behind", [False, True])
def test_a_known_set_is_exact(is_behind: bool) -> None:
    """Its addresses match, and no other, wherever the sets stand in the text, and negated the other way round."""
    for rule, expected in (("-m set --match-set friends src", True), ("-m set ! --match-set friends src", False)):
        parts = [SETS, RULES.format(rule)]
        dump = parse("".join(reversed(parts) if is_behind else parts), "x", 4)
        assert not dump.diagnostics and dump.tally == (1, 0, 0)
        assert bounds(dump, "192.0.2.9") == (expected, expected)
        assert bounds(dump, "192.0.2.8") == (not expected, not expected)


def test_a_set_of_the_other_family_is_one_of_its_own() -> None:
    """A set of IPv6 networks is exact in ip6tables."""
    dump = parse(SETS + RULES.format("-m set --match-set nets src"), "x", 6)
    assert dump.tally == (1, 0, 0)
    assert (bounds(dump, "2001:db8::5"), bounds(dump, "2001:db8:1::5")) == ((True, True), (False, False))


@pytest.mark.parametrize(
    ("sets", "rule"),
    [
        ("", "-m set --match-set friends src"),
        (SETS, "-m set --match-set friends src --return-nomatch"),
        (SETS, "-m set --match-set others src"),
        (SETS.replace("65536\nadd friends", "65536 timeout 60\nadd friends"), "-m set --match-set friends src"),
        (SETS.replace("192.0.2.9", "192.0.2.9 timeout 60"), "-m set --match-set friends src"),
        (
            SETS.replace("hash:ip", "hash:net").replace("192.0.2.9", "192.0.2.9 nomatch"),
            "-m set --match-set friends src",
        ),
        (SETS.replace("create friends hash:ip", "create friends hash:ip,port"), "-m set --match-set friends src,dst"),
        (SETS, "-m set --match-set friends src -j SET --add-set friends src\n-A INPUT -m set --match-set friends src"),
    ],
)
def test_a_set_that_is_not_known_only_bounds(sets: str, rule: str) -> None:
    """Sets that are not there, that fade, that rules fill, and those of more than addresses may hold an address or not."""
    dump = parse(sets + RULES.format(rule), "x", 4)
    assert not dump.diagnostics and dump.tally.bounded == 1
    assert bounds(dump, "192.0.2.9") == (False, True)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("add friends 192.0.2.300", "no IPv4 address"),
        ("add friends 2001:db8::1", "is an address of IPv6"),
        ("add strangers 192.0.2.1", "no set is called"),
        ("create friends hash:net", "created twice"),
        ("create x", "needs a set"),
    ],
)
def test_a_line_of_a_set_that_cannot_be_read_is_an_error(line: str, why: str) -> None:
    """It is told with its place, and a set with an element that nobody can read is known no more."""
    dump = parse(f"{SETS}{line}\n{RULES.format('-m set --match-set friends src')}", "x", 4)
    (error,) = dump.diagnostics
    assert why in error.message and error.at.line == 6
    if line.startswith("add friends"):
        assert bounds(dump, "192.0.2.8") == (False, True)


def test_elements_without_a_set_are_errors() -> None:
    """Where a text creates no set at all, a line that adds to one stands in no table."""
    (error,) = parse("add friends 192.0.2.7\n" + RULES.format("-p tcp"), "x", 4).diagnostics
    assert "stands in no table" in error.message


def test_ipset_itself_writes_what_is_read() -> None:
    """What ipset saves of a set is read as it was made."""
    if not which("ipset"):
        pytest.skip("ipset is not installed")
    script = "ipset restore && ipset save"
    done = subprocess.run([*unshared(), "sh", "-c", script], input=SETS, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no sets in this kernel: {done.stderr.strip()[:80]}")
    dump = parse(done.stdout + RULES.format("-m set --match-set friends src"), "x", 4)
    assert not dump.diagnostics and bounds(dump, "192.0.2.9") == (True, True)
