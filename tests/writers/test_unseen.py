"""What changes the fate of packets without standing in the programs of a listing is refused, though every program is right."""

from __future__ import annotations

import shutil

import pytest

from firewright.syntax.nftables import render
from tests.writers.test_faults import EDGE, lowered, refusal

pytestmark = pytest.mark.skipif(
    shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin:/bin") is None, reason="nft is not installed"
)

_FIRST = 'iifname "lo" counter accept'
_SET = "table inet other {{\n set s {{ type ipv4_addr; {} }}\n}}"
BESIDE = {
    "a chain of NAT that drops": "type nat hook prerouting priority dstnat; policy drop; counter drop",
    "a chain of NAT that translates": "type nat hook prerouting priority dstnat; policy drop; dnat ip to 192.0.2.7; drop",
    "packets that connection tracking must not see": (
        "type filter hook prerouting priority raw; policy drop; udp dport 53 notrack; meta mark 0-4294967295 accept; drop"
    ),
    "a chain at a device": "type filter hook ingress device lo priority 0; policy drop; counter drop",
    "a chain that chooses routes": "type route hook output priority mangle; policy drop; counter drop",
}
INSTEAD = {
    "a mark": (_FIRST, f"meta mark set 7; {_FIRST}"),
    "another destination": (_FIRST, f"ip daddr set 192.0.2.7; {_FIRST}"),
    "a mark of the flow": (_FIRST, f"ct mark set 7; {_FIRST}"),
    "a helper on every port": ('tcp dport 21 ct helper set "ftp_helper"', 'ct helper set "ftp_helper"'),
    "a helper on another port": ('tcp dport 21 ct helper set "ftp_helper"', 'tcp dport 80 ct helper set "ftp_helper"'),
    "another helper": ('type "ftp" protocol tcp', 'type "pptp" protocol tcp'),
    "a frame's type, which nft does not list": ("\t\tip saddr 127.0.0.0/8", "\t\tether type ip ip saddr 127.0.0.0/8"),
    "addresses that fade": ("flags constant,interval", "flags interval,timeout; timeout 1h"),
}


@pytest.fixture(scope="module")
def text() -> str:
    """A ruleset that is right."""
    return render(lowered(EDGE))


def refused(faulty: str) -> bool:
    """Whether nft takes a text, and the proof does not."""
    report = refusal(EDGE, faulty)
    return report is not None and [one.name for one in report.diagnostics if one.severity == "error"] == ["miscompiled"]


@pytest.mark.parametrize("what", sorted(BESIDE))
def test_what_is_not_in_the_programs_is_refused(what: str, text: str) -> None:
    """A chain beside the right ones is not written, wherever nft takes it."""
    faulty = f"{text}\ntable inet other {{\n chain c {{\n{BESIDE[what]}\n}}\n}}\n"
    assert refusal(EDGE, text) is None
    assert refused(faulty)


@pytest.mark.parametrize("what", sorted(INSTEAD))
def test_an_effect_that_no_program_says_is_refused(what: str, text: str) -> None:
    """Statements that write to packets, or give a flow a helper that is not its own, are not written."""
    old, new = INSTEAD[what]
    faulty = text.replace(old, new)
    assert faulty != text
    assert refused(faulty)


@pytest.mark.parametrize("held", ["flags timeout; elements = { 10.0.0.1 timeout 1h };", "timeout 1h;"])
def test_a_set_that_does_not_stay_is_refused(held: str, text: str) -> None:
    """Elements that go by themselves change a ruleset at an instant that no rule names."""
    assert refused(f"{text}\n{_SET.format(held)}\n")


@pytest.mark.parametrize(
    "time",
    [
        "== 1800000000",
        "> 1800000000 meta time < 1800000001",
        "<= 1800000000 meta time >= 1800000000",
        "{ 1800000000, 1900000000-1900000001 }",
        "& 0xffffffff00000000 == 1800000000",
        "== 4611686019",
        "== 17000000001",
        "> 18446744073",
        "< 1",
    ],
)
def test_no_instant_is_left_out(time: str, text: str) -> None:
    """A ruleset that opens for a single nanosecond, or between two seconds, or some hundred years ahead, is not written."""
    assert refused(text.replace(_FIRST, f"meta time {time} accept\n\t\t{_FIRST}"))
