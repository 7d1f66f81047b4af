"""What a wish would mean, against the specification: one packet at a time, before and after."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firewright.analysis.decide import decide
from firewright.diagnostic import Report
from firewright.model.decision import Outcome
from firewright.model.packet import TCP, UDP, Packet
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load
from firewright.reports import CheckedRequest
from firewright.source import Source
from firewright.workflows.requests.checking import check_wish
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.world import POLICY, World, wish

ADDRESSES = {
    "tenants": ("198.51.100.0", "198.51.100.255", "2001:db8:10::1"),
    "office": ("192.0.2.9", "2001:db8:20:ffff::1"),
    "internet": ("203.0.113.7", "8.8.8.8", "2001:db8:99::1"),
}
SERVICES = {
    "https": ((TCP, 443),), "tcp/1688": ((TCP, 1688),), "smb": ((TCP, 445),), "portal": ((TCP, 8443),),
    "tcp/11371": ((TCP, 11371),), "udp/500-502": ((UDP, 500), (UDP, 502)), "ssh": ((TCP, 22),),
}  # fmt: skip
ELSEWHERE = ((TCP, 11370), (UDP, 11371), (TCP, 8444), (UDP, 499))
ZONES = st.lists(st.sampled_from(sorted(ADDRESSES)), min_size=1, max_size=2, unique=True).map(tuple)


def _packets(sources: tuple[str, ...], destinations: tuple[str, ...], services: object) -> list[Packet]:
    """Packets between addresses of zones, of the families that both have."""
    found = []
    for one, other in product(sources, destinations):
        if one == other:
            continue  # no packet between two of the same zone passes this firewall
        for source, destination in product(ADDRESSES[one], ADDRESSES[other]):
            first, second = ip_address(source), ip_address(destination)
            if first.version == second.version:
                found += [
                    Packet(
                        first.version,
                        int(first),
                        int(second),
                        protocol,
                        port,
                        50000,
                        in_interface="a",
                        out_interface="b",
                    )
                    for protocol, port in services  # type: ignore[attr-defined]
                ]
    return found


def _outcome(policy: Policy, packet: Packet, world: World) -> Outcome:
    (firewall,) = policy.firewalls.values()
    return decide(policy, firewall, packet, world.estate.day_of(policy)).outcome


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(sources=ZONES, destinations=ZONES, services=st.lists(st.sampled_from(sorted(SERVICES)), min_size=1, max_size=3, unique=True),
       does_override=st.booleans())  # fmt: skip
def test_a_verdict_is_what_packets_say(
    world: World, sources: tuple[str, ...], destinations: tuple[str, ...], services: list[str], does_override: bool
) -> None:
    """Permitted is what lets every packet pass now, denied what a ban stops, open what would pass after; nothing else changes."""
    overrides = ("no-smb",) if does_override and "smb" in services and "tenants" in destinations else ()
    try:
        checked = check_wish(
            world.estate,
            wish(sources=sources, destinations=destinations, services=tuple(services), overrides=overrides),
            world.now,
        )
    except Refused as refused:
        assert refused.status == 422
        return
    report = Report()
    before, after = load("edge.yaml", report), load("edge.yaml", report, also=(Source(checked.path, checked.text),))
    assert before is not None and after is not None
    asked = _packets(sources, destinations, [pair for name in services for pair in SERVICES[name]])
    was = {packet: _outcome(before, packet, world) for packet in asked}
    now = {packet: _outcome(after, packet, world) for packet in asked}
    stopped = [one for one in asked if was[one] is Outcome.DENIED and not overrides]
    assert bool(stopped) == (checked.verdict == "denied")
    newly = [one for one in asked if now[one].is_open and not was[one].is_open]
    if checked.verdict == "permitted":
        assert all(one.is_open for one in was.values())
    if checked.verdict in ("open", "partly"):
        assert newly and all(one.is_open for one in now.values())
        # what stays within a zone passes no firewall here, and needs no permission
        is_any_open = any(one.is_open for one in was.values()) or bool(set(sources) & set(destinations))
        assert is_any_open == (checked.verdict == "partly")
    assert {family for family, _ in checked.opening.sources or ()} == {one.family for one in newly}
    for packet in _packets(sources, destinations, ELSEWHERE) + _packets(("internet",), ("office",), ((TCP, 9),)):
        assert _outcome(before, packet, world) is _outcome(after, packet, world)


def _checked(world: World, **changed: object) -> CheckedRequest:
    return check_wish(world.estate, wish(**changed), world.now)


def test_what_is_opened_is_counted(world: World) -> None:
    """How many addresses of either family may open it, and to how many, is exact; the internet is told from a zone."""
    checked = _checked(world, sources=("office",), destinations=("tenants",))
    assert checked.opening.sources == ((4, 256), (6, 2**80)) and checked.opening.destinations == ((4, 256), (6, 2**80))
    assert not checked.opening.is_worldwide and checked.firewalls == ("core",)
    wide = _checked(world, sources=("internet",), destinations=("office",), services=("rdp",))
    assert wide.opening.is_worldwide and wide.severity == "high" and any("rdp" in why for why in wide.why_severe)


def test_a_permission_names_its_line(world: World) -> None:
    """What is permitted already is told by the line that permits it, at its firewall."""
    (found,) = _checked(world, services=("tcp/1688",)).permitted
    assert (found.at.path, found.at.line, found.firewall, found.because) == (
        "edge.yaml",
        8,
        "core",
        "the published list",
    )


def test_a_ban_names_its_reason_and_its_alternative(world: World) -> None:
    """What is denied says by which ban, why, and what to do instead."""
    checked = _checked(world, sources=("internet",), destinations=("tenants",), services=("smb",))
    assert checked.verdict == "denied" and {one.rule for one in checked.denied} == {"no-smb"}
    assert "VPN" in checked.alternative and "445" in checked.denied[0].witness


def test_another_exception_counts_as_open(world: World) -> None:
    """What an exception in force permits is permitted already, but for the request that it is of."""
    number = world.ask().number
    (world.folder / "exceptions").mkdir()
    (world.folder / world.approve(number).path).write_text(world.find(number).text)
    assert _checked(world).verdict == "permitted"
    assert check_wish(world.estate, wish(), world.now, number).verdict == "open"


@pytest.mark.parametrize(
    ("changed", "name"),
    [({"sources": ("tenant",)}, "unknown-zone"), ({"policy": "egde"}, "unknown-policy"), ({"services": ("nonsense",)}, "bad-request"),
     ({"because": " "}, "missing"), ({"owner": ""}, "missing"), ({"sources": ()}, "missing"), ({"because": "x" * 2001}, "too-long"),
     ({"services": tuple(f"tcp/{n}" for n in range(1, 60))}, "too-long"), ({"until": "2028-12-24"}, "too-long"),
     ({"until": "2026-11-20"}, "past"), ({"until": "2026-11-21T18:30"}, "past"), ({"because": "a\x07"}, "bad-text"),
     ({"overrides": ("nothing",)}, "bad-request")],
)  # fmt: skip
def test_what_means_nothing_is_refused(world: World, changed: dict[str, object], name: str) -> None:
    """What cannot be asked for is refused with what is wrong and a way out, before anything is reckoned."""
    with pytest.raises(Refused) as refused:
        _checked(world, **changed)
    assert (refused.value.name, refused.value.status) == (name, 422) and refused.value.help


def test_all_mistakes_are_told_at_once(world: World) -> None:
    """Whoever asks learns of every part that is wrong, and a single one keeps its own name."""
    with pytest.raises(Refused) as refused:
        _checked(world, sources=(), destinations=("nowhere",), because="", until="2020-01-01")
    assert set(refused.value.fields) == {"sources", "destinations", "because", "until"}
    with pytest.raises(Refused) as refused:
        _checked(world, because="")
    assert (refused.value.name, set(refused.value.fields)) == ("missing", {"because"})


@pytest.mark.parametrize(
    ("word", "name"),
    [("127.0.0.1", "no-zone"), ("::1", "no-zone"), ("198.51.100.0/23", "straddles"), ("0.0.0.0/0", "straddles")],
)
def test_an_address_of_no_zone_has_no_parts(world: World, word: str, name: str) -> None:
    """A single address that is in no zone is said to be in none; only what lies in several can be asked for in parts."""
    with pytest.raises(Refused) as refused:
        _checked(world, sources=(word,))
    assert refused.value.name == name and ("several" in refused.value.message) is (name == "straddles")


def test_a_source_of_a_family_that_nothing_has_at_the_other_end_is_told(world: World) -> None:
    """An IPv6 address beside an IPv4 one, with only IPv4 at the other end, is refused: it is not left out without a word."""
    with pytest.raises(Refused, match="2001:db8:10::7 has no address of its family"):
        _checked(world, sources=("198.51.100.16/28", "2001:db8:10::7"), destinations=("192.0.2.20",))
    both = ("192.0.2.20", "2001:db8:20::1")
    assert _checked(world, sources=("198.51.100.16/28", "2001:db8:10::7"), destinations=both).verdict == "open"


def test_other_files_give_other_answers(world: World) -> None:
    """What was reckoned is forgotten with the files that it was reckoned from."""
    assert _checked(world).verdict == "open"
    world.write("edge.yaml", POLICY.replace("tcp/1688]", "tcp/1688, tcp/11371]"))
    assert _checked(world).verdict == "permitted"
    world.write("edge.yaml", POLICY)
    assert _checked(world).verdict == "open"
