"""Chains that see frames, at devices and of bridges: what they may drop is in the bounds of the ruleset, and in nothing else."""

from __future__ import annotations

import pytest

from firewright.diagnostic import Report
from firewright.model.packet import FAMILIES
from firewright.readers.nftables import encode, parse
from firewright.source import Source
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.bounds import possibly, surely
from firewright.space.box import box
from firewright.space.packetset import PacketSet
from firewright.space.ruleset import Ruleset, machine
from firewright.workflows.loaded import loaded
from tests.corpus.folders import needs_nft

INPUT = "table inet fw {\nchain input {\ntype filter hook input priority 0; policy drop;\ntcp dport { 22, 80 } accept\n}\n}\n"


def read(text: str) -> Ruleset:
    """A text as it is understood."""
    needs_nft()
    report = Report()
    listing = loaded(Source("x.nft", text), report)
    assert listing is not None, report.diagnostics
    return encode(parse(listing.json, "x.nft", listing.text))


def frames(family: str, hook: str, rules: str, policy: str = "accept") -> str:
    """A ruleset with a chain of frames before what it lets in."""
    device = 'device "lo" ' if hook in ("ingress", "egress") else ""
    chain = f"chain c {{\ntype filter hook {hook} {device}priority -200; policy {policy};\n{rules}\n}}\n"
    return f"table {family} f {{\nchain more {{\ntcp dport 22 drop\n}}\n{chain}}}\n{INPUT}"


def coming(service: int) -> PacketSet:
    """TCP to a port of the machine, by an interface."""
    return PacketSet.of(
        {
            family: [box(family, service=((service, service),), in_interface=ANY_INTERFACE, out_interface=HOST)]
            for family in FAMILIES
        }
    )


SSH, WEB = coming(6 << 16 | 22), coming(6 << 16 | 80)


@pytest.mark.parametrize(
    "where", [("netdev", "ingress"), ("inet", "ingress"), ("bridge", "prerouting"), ("bridge", "input")]
)
@pytest.mark.parametrize(
    "rules", ["tcp dport 22 drop", "jump more", "tcp dport vmap { 22 : drop, 23 : accept }", "tcp dport 22 goto more"]
)
def test_what_a_frame_rule_may_drop_is_possibly_and_not_surely_let_in(where: tuple[str, str], rules: str) -> None:
    """Where a rule on frames may drop SSH, it is let in possibly and not surely; the rule is bounded and its chain is said."""
    ruleset = read(frames(*where, rules))
    programs = machine(ruleset)
    assert possibly(programs, "accept") >= SSH
    assert (SSH & surely(programs, "accept")).witness() is None
    assert [line.chain for line in ruleset.bounded] == ["c"] or [line.chain for line in ruleset.bounded] == [
        "more",
        "c",
    ]
    assert any("sees frames" in one.message for one in ruleset.diagnostics)
    if rules != "jump more":
        assert surely(programs, "accept") >= WEB


def test_a_policy_that_drops_frames_leaves_nothing_sure() -> None:
    """Behind a device whose policy is to drop, nothing that comes by an interface is surely let in; what was closed stays closed."""
    programs = machine(read(frames("netdev", "ingress", "ip saddr 192.0.2.1 accept", "drop")))
    assert (surely(programs, "accept") & (SSH | WEB)).witness() is None
    assert possibly(programs, "accept") >= (SSH | WEB)
    assert (possibly(programs, "accept") & coming(6 << 16 | 23)).witness() is None


def test_frames_that_are_only_counted_change_nothing() -> None:
    """A chain of frames that can drop nothing leaves every hook as it is without it."""
    alone = read(INPUT)
    beside = read(frames("netdev", "ingress", "udp dport 53 counter\ntcp dport 1 accept"))
    assert set(beside.hooks) == set(alone.hooks)
    for hook, programs in alone.hooks.items():
        for family in FAMILIES:
            assert programs[family].box == beside.hooks[hook][family].box


def test_what_leaves_by_a_device_is_bounded_too() -> None:
    """A drop at egress bounds what the machine sends by an interface, not what it receives."""
    programs = machine(read(frames("netdev", "egress", "tcp dport 22 drop")))
    sent = PacketSet.of(
        {
            family: [
                box(family, service=((6 << 16 | 22, 6 << 16 | 22),), in_interface=HOST, out_interface=ANY_INTERFACE)
            ]
            for family in FAMILIES
        }
    )
    assert sent <= possibly(programs, "accept")
    assert (sent & surely(programs, "accept")).witness() is None
    assert surely(programs, "accept") >= SSH
