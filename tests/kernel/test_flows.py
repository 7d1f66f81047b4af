"""What becomes of open flows when the ruleset under them is replaced, ended, or made anew."""

from __future__ import annotations

import pytest

from firewright.model.packet import FAMILIES, Family
from tests.kernel.flows import talk
from tests.kernel.managed import Managed
from tests.kernel.network import Network, needs_network
from tests.kernel.policies import Made, compiled, made, policy_text

SESSIONS = 4 * 3600
"""Seconds that the policy gives to connections of the inside to the outside."""
DEFAULT = 432_000
"""Seconds that the kernel gives to an established connection by itself."""


def with_sessions(hours: int) -> Made:
    """The first generation with other sessions, and one more port."""
    return compiled(
        policy_text(1).replace("[https,", "[https, tcp/5443,").replace("sessions: 4h", f"sessions: {hours}h")
    )


def without_https() -> Made:
    """The first generation without what opens port 443."""
    return compiled(policy_text(1).replace("allow: [https, udp/5000-5999], sessions: 4h", "allow: udp/5000-5999"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_live_flow_keeps_its_timeout_when_the_ruleset_is_replaced(
    network: Network, host: Managed, family: Family
) -> None:
    """A connection of four hours still has them after an apply, and each packet after it gives them anew."""
    host.keep(made(1).text)
    with talk(network, family, 443) as one:
        assert one.goes_on()
        assert SESSIONS - 60 < one.seconds() <= SESSIONS
        host.keep(made(2).text)
        assert one.goes_on()
        assert SESSIONS - 60 < one.seconds() <= SESSIONS


def test_a_table_made_anew_takes_the_timeout_from_live_flows(network: Network, host: Managed) -> None:
    """The writer's text loaded by itself deletes the table: the connection goes on with the kernel's five days."""
    host.keep(made(1).text)
    with talk(network, 4, 443) as one:
        assert one.goes_on()
        network.firewall.load(made(2).text)
        assert one.goes_on()
        assert DEFAULT - 60 < one.seconds() <= DEFAULT


@pytest.mark.parametrize("family", FAMILIES)
def test_another_timeout_is_another_object(network: Network, host: Managed, family: Family) -> None:
    """After an apply with other sessions a new connection has the new ones, and one that was open keeps its own."""
    host.keep(with_sessions(4).text)
    with talk(network, family, 443) as old:
        assert old.goes_on()
        host.keep(with_sessions(1).text)
        with talk(network, family, 5443) as new:
            assert new.goes_on()
            assert 3600 - 60 < new.seconds() <= 3600
        assert old.goes_on()
        assert SESSIONS - 60 < old.seconds() <= SESSIONS


def test_an_object_that_is_added_again_keeps_its_value(network: Network, host: Managed) -> None:
    """nft says nothing against a timeout with another value, and the kernel leaves the old one: so a name has its value in it."""
    said = "table inet other { ct timeout long { protocol tcp; l3proto ip; policy = { established : %s }; }; }\n"
    network.firewall.load(said % 3600)
    network.firewall.load(said % 7200)
    listed = network.firewall.listed("table", "inet", "other")
    assert "established : 3600" in listed or "established : 1h" in listed
    assert "_14400_v4" in made(1).text


@pytest.mark.parametrize("family", FAMILIES)
def test_what_closes_does_not_end_open_flows_and_the_host_does(network: Network, host: Managed, family: Family) -> None:
    """After an apply that closes a port its open connection goes on, until the host is told to end it; its neighbour stays open."""
    needs_network("conntrack")
    host.keep(made(1).text)
    with talk(network, family, 443) as closed, talk(network, family, 21) as open_:
        assert closed.goes_on()
        assert open_.goes_on()
        host.keep(without_https().text)
        assert closed.goes_on()
        ended = host.host.call("end_flows", texts={"flows": closed.record()})
        assert ended.line("ended") == "1"
        assert closed.flow() is None
        assert not closed.goes_on()
        assert open_.goes_on()


def test_the_kernels_own_timeouts_are_the_ones_that_are_counted_on(network: Network) -> None:
    """UDP 30 and 120 s, anything else 600 s, an established connection five days, as a new namespace has them."""
    folder = "/proc/sys/net/netfilter/nf_conntrack_"
    names = ("udp_timeout", "udp_timeout_stream", "generic_timeout", "tcp_timeout_established")
    found = network.firewall.run("cat", *(folder + name for name in names)).split()
    assert list(map(int, found)) == [30, 120, 600, DEFAULT]
