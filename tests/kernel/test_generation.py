"""The number by which the kernel counts the transactions of a namespace: what tells cheaply that anything changed."""

from __future__ import annotations

from tests.kernel.managed import Managed
from tests.kernel.network import Network
from tests.kernel.policies import made


def test_the_number_goes_up_with_each_change_and_with_nothing_else(network: Network, host: Managed) -> None:
    """An apply raises it, whoever else changes a table raises it, and looking, dry runs and other namespaces do not."""
    host.keep(made(1).text)
    before = network.firewall.generation()
    host.listed()
    host.space.run("nft", "-c", "-f", "-", given=made(2).text)
    network.client.load("table inet other { chain one { }; }\n")
    assert network.firewall.generation() == before
    host.apply(made(2).text)
    applied = network.firewall.generation()
    assert applied > before
    host.host.call("rollback", "any", "a test")
    taken_back = network.firewall.generation()
    assert taken_back > applied
    network.firewall.load("table inet other { chain one { }; }\n")
    assert network.firewall.generation() > taken_back
