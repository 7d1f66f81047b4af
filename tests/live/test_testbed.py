"""A testbed: packets through a real kernel, in namespaces of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from firewright.analysis.ground import Ground, Interface
from firewright.analysis.states import STRAYS, first_state
from firewright.live import _child
from firewright.live.packets import wire
from firewright.live.testbed import CannotLoad, Seen, Sent, Testbed, TestbedError
from firewright.model.address import UNICAST
from firewright.model.packet import FAMILIES, ICMP, ICMPV6, PORTED, TCP, UDP, ConntrackState, Family, Packet
from firewright.workflows.rehearse import counters
from tests.live.benches import GROUND, INSIDE, OUTSIDE, needs_testbed

RULES = """table inet tried {
chain forward { type filter hook forward priority filter; policy drop;
tcp dport 80 accept
tcp dport 81 reject with tcp reset
udp dport 81 reject with icmpx port-unreachable
meta l4proto { esp, sctp, icmp, icmpv6 } accept
ip protocol ah accept
ip6 nexthdr ah accept
}
chain input { type filter hook input priority filter; policy drop;
iifname "lo" accept
tcp dport 22 accept
tcp dport 23 reject with tcp reset
}
chain output { type filter hook output priority filter; policy drop;
oifname "lo" accept
meta mark 0 ct state related accept
ct state established accept
tcp dport 443 accept
udp dport 444 reject with icmpx port-unreachable
}
}
"""


@pytest.fixture(scope="module", params=[False, True], ids=["as it is", "without any right"])
def bed(request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """A testbed with two interfaces, made with this user's rights, and made in a user namespace."""
    needs_testbed()
    with Testbed(GROUND, True if request.param else None) as made:
        yield made


def through(family: Family, protocol: int, selector: int = 0) -> Packet:
    """A packet from the inner side to the outer."""
    port = 40_000 if protocol in PORTED else 0
    return Packet(
        family, INSIDE[family], OUTSIDE[family], protocol, selector, port, in_interface="eth1", out_interface="eth0"
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_ruleset_says_is_what_is_seen(bed: Testbed, family: Family) -> None:
    """Accepted packets arrive, dropped ones do not, rejected ones are answered: through the firewall, to it, and from it."""
    own = GROUND.interface("eth1").own(family)
    ping = (ICMP, 8 << 8) if family == 4 else (ICMPV6, 128 << 8)
    wanted = [
        (Sent(1, 0, wire(through(family, TCP, 80), 1)), Seen(arrived=2)),
        (Sent(1, 0, wire(through(family, TCP, 82), 2)), Seen()),
        (Sent(1, 0, wire(through(family, TCP, 81), 3)), Seen(answer="reset", where=1)),
        (Sent(1, 0, wire(through(family, UDP, 82), 4)), Seen()),
        *((Sent(1, 0, wire(through(family, one), 10 + one)), Seen(arrived=2)) for one in (50, 51, 132)),
        (Sent(1, 0, wire(through(family, *ping), 5)), Seen(arrived=2)),
        (Sent(1, 0, wire(Packet(family, INSIDE[family], own, TCP, 24, 40_000), 6)), Seen()),
        (Sent(1, 0, wire(Packet(family, INSIDE[family], own, TCP, 23, 40_000), 7)), Seen(answer="reset", where=1)),
        (Sent(0, 2, wire(Packet(family, own, OUTSIDE[family], TCP, 443, 40_000), 8)), Seen(arrived=2)),
        (Sent(0, 2, wire(Packet(family, own, OUTSIDE[family], TCP, 445, 40_000), 9)), Seen(is_refused=True)),
    ]
    bed.load(RULES)
    bed.flush()
    assert bed.send([sent for sent, _ in wanted]) == [seen for _, seen in wanted]


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_told_by_what_they_are(bed: Testbed, family: Family) -> None:
    """A rejected datagram is answered by destination unreachable, and what is delivered is seen whatever the machine answers."""
    own = GROUND.interface("eth1").own(family)
    bed.load(RULES)
    bed.flush()
    rejected, inside, delivered = bed.send(
        [
            Sent(1, 0, wire(through(family, UDP, 81), 1)),
            Sent(0, 2, wire(Packet(family, own, OUTSIDE[family], UDP, 444, 40_000), 2)),
            Sent(1, 0, wire(Packet(family, INSIDE[family], own, TCP, 22, 40_000), 3)),
        ]
    )
    assert (rejected.answer, rejected.type, rejected.where) == ("icmp", 3 if family == 4 else 1, 1)
    assert (inside.answer, inside.is_refused, inside.arrived) == ("icmp", True, 0)
    assert delivered.is_delivered


@pytest.mark.parametrize("family", FAMILIES)
def test_conntrack_says_of_first_packets_what_is_said_of_it(bed: Testbed, family: Family) -> None:
    """The kernel finds the same state as `first_state`, for every ICMP type, many flags, and one packet of each protocol."""
    icmp = ICMP if family == 4 else ICMPV6
    packets = [through(family, icmp, kind << 8) for kind in range(256)]
    packets += [
        Packet(family, INSIDE[family], OUTSIDE[family], TCP, 9, 40_000 + number, in_interface="eth1", tcp_flags=flags)
        for number, flags in enumerate((2, *STRAYS))
    ]
    skipped = (0, 4, 41, 43, 44, 47, 51, 59, 60, 135, 139, 140, 253, 254, TCP, icmp)
    packets += [
        through(family, protocol, 9 if protocol in PORTED else 0) for protocol in range(256) if protocol not in skipped
    ]
    states = [
        (state, f'ct state {state.name.lower()} counter accept comment "{state.name}"') for state in ConntrackState
    ]
    rules = "\n".join(text for _, text in states)
    bed.load(f"table inet states {{ chain f {{ type filter hook forward priority 0; policy accept;\n{rules}\n}}\n}}\n")
    bed.flush()
    bed.send([Sent(1, 0, wire(packet, number)) for number, packet in enumerate(packets, 1)])
    wanted = Counter(first_state(packet).name for packet in packets)
    assert {name: count for name, count in counters(bed.listing()).items() if count} == dict(wanted)


def test_many_packets_are_told_apart_and_none_is_lost(bed: Testbed) -> None:
    """Of twenty thousand packets of both families each is seen to do what its port says."""
    bed.load(RULES)
    bed.flush()
    for family in FAMILIES:
        packets = [
            Packet(family, INSIDE[family], OUTSIDE[family], TCP, 79 + number % 3, 1024 + number)
            for number in range(10_000)
        ]
        seen = bed.send([Sent(1, 0, wire(packet, number)) for number, packet in enumerate(packets, 1)])
        told = {79: Seen(), 80: Seen(arrived=2), 81: Seen(answer="reset", where=1)}
        assert seen == [told[packet.selector] for packet in packets]


def test_flows_are_seen_and_can_be_ended(bed: Testbed) -> None:
    """A flow that was let through is known with its ends and ports, lives as long as it is told, and is gone after a flush."""
    bed.load(RULES.replace("tcp dport 80 accept", "ct state new,established tcp dport 80 accept"))
    bed.flush()
    bed.send([Sent(1, 0, wire(through(6, TCP, 80), 1))])
    flow = next(one for one in bed.flows() if one.port == 80)
    assert (flow.family, flow.source, flow.destination, flow.protocol, flow.source_port) == (
        6,
        INSIDE[6],
        OUTSIDE[6],
        TCP,
        40_000,
    )
    bed.shorten(7)
    assert all(one.seconds <= 7 for one in bed.flows())
    bed.flush()
    assert not bed.flows()


def test_a_ruleset_that_nft_refuses_is_refused_with_its_words(bed: Testbed) -> None:
    """A syntax error comes back with what nft says of it, and the testbed is still good."""
    with pytest.raises(CannotLoad) as found:
        bed.load("table inet x { nonsense }")
    assert "nonsense" in found.value.message or "syntax error" in found.value.message
    bed.load(RULES)


def test_nothing_of_it_is_left_and_nothing_else_is_touched() -> None:
    """The process and its namespaces are gone afterwards, and this machine has the same interfaces as before and during it."""
    needs_testbed()
    before = _interfaces()
    with Testbed(GROUND) as made:
        process = made._process
        assert process is not None
        assert _interfaces() == before
        own = Path("/proc/self/ns/net").readlink()
        assert Path(f"/proc/{process.pid}/ns/net").readlink() != own
    assert not Path(f"/proc/{process.pid}").exists()
    assert _interfaces() == before


def _interfaces() -> list[str]:
    return sorted(path.name for path in Path("/sys/class/net").iterdir())


def test_a_testbed_whose_process_dies_says_so() -> None:
    """When the process in the namespaces is killed, the next request is an error in words and not a hang."""
    needs_testbed()
    with Testbed(GROUND) as made:
        assert made._process is not None
        made._process.kill()
        made._process.wait()
        with pytest.raises(TestbedError, match="ended by itself"):
            made.flush()


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without nft on the PATH the complaint names it, and the package that has it."""
    monkeypatch.setattr(_child, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(TestbedError, match="nft is not installed") as found:
        Testbed(GROUND)
    assert "nftables" in found.value.help


@pytest.mark.parametrize("name", ["a b", "x;y", "../x", "a" * 16, "lo", ""])
def test_a_name_that_is_no_interface_s_is_refused(name: str) -> None:
    """What a policy calls an interface never reaches ip(8) unless it can be a name."""
    needs_testbed()
    with pytest.raises(TestbedError, match="no interface can be made"):
        Testbed(Ground((Interface(name, 1, UNICAST),), is_named=True, forwards=False))
