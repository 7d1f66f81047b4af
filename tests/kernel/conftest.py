"""One network and one managed host for the tests of a file, which set the ruleset that they need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.managed import Managed
from tests.kernel.network import Network, needs_network


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """A client, a firewall and a server."""
    needs_network()
    with Network() as made:
        yield made


@pytest.fixture
def host(network: Network) -> Iterator[Managed]:
    """The firewall as a managed host that nobody has managed yet; afterwards it has no rules and no flows."""
    with Managed(network.firewall) as made:
        yield made
    network.firewall.load("flush ruleset\n")
    network.firewall.try_run("conntrack", "-F")
