"""Where a testbed can be had: the real thing, or a test that says why it is skipped."""

from __future__ import annotations

from functools import cache
from ipaddress import ip_address

import pytest

from firewright.analysis.ground import Ground, Interface
from firewright.live.testbed import Testbed, TestbedError
from firewright.model.address import UNICAST, AddressSet

INNER = AddressSet.of("10.1.0.0/16", "2001:db8:1::/48")
GROUND = Ground(
    (Interface("eth1", 1, INNER, "inner"), Interface("eth0", 2, UNICAST - INNER, "outer")), is_named=True, forwards=True
)
INSIDE = {4: int(ip_address("10.1.2.3")), 6: int(ip_address("2001:db8:1::5"))}
OUTSIDE = {4: int(ip_address("9.9.9.9")), 6: int(ip_address("2620:fe::9"))}


@cache
def obstacle() -> str:
    """Why no testbed can be had here, or an empty text."""
    try:
        with Testbed(GROUND):
            return ""
    except TestbedError as error:
        return error.message


def needs_testbed() -> None:
    """Skip a test where no testbed can be had, and say why."""
    if why := obstacle():
        pytest.skip(f"no testbed: {why}")
