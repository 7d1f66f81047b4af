"""The three suites with small counts; `scripts/kernel-suite` runs them in full."""

from __future__ import annotations

import pytest

from firewright.model.packet import FAMILIES
from tests.kernel.confirming import VICTIMS, confirming
from tests.kernel.killing import killing
from tests.kernel.network import needs_network
from tests.kernel.replacing import (
    Replace,
    Replaced,
    apply_and_confirm,
    in_two_commands,
    replacing,
    replacing_large,
    transaction,
)
from tests.kernel.traffic import CLASSES

RATE = 150_000
"""Packets a second that are sent at most, so that others who use the machine get their share."""


def is_worth_something(found: Replaced) -> bool:
    """Whether packets of every kind and family came to the firewall, and each ruleset had its turn while they did."""
    came = all(found.load.seen(kind, family) > 100 for kind in CLASSES for family in FAMILIES)
    return came and found.load.passed("changing") > 0 and found.load.dropped("changing") > 0


@pytest.mark.parametrize(("replace", "count"), [(apply_and_confirm, 4), (transaction, 10)])
def test_nothing_leaks_and_nothing_is_lost_while_a_ruleset_is_replaced(replace: Replace, count: int) -> None:
    """Under load no packet that both policies forbid passes, and none that both permit is dropped, in either family."""
    needs_network()
    found = replacing(count, RATE, replace)
    assert is_worth_something(found)
    assert (found.leaked, found.lost) == (0, 0)


@pytest.mark.parametrize("is_ban", [True, False], ids=["banned", "permitted"])
def test_a_large_set_holds_while_it_is_replaced(is_ban: bool) -> None:
    """Thousands of addresses, banned or permitted, stay so while their ruleset is replaced under load."""
    needs_network()
    found = replacing_large(6, RATE, transaction, 8_000, is_ban)
    assert is_worth_something(found)
    assert (found.leaked, found.lost) == (0, 0)


def test_the_counting_sees_what_leaks() -> None:
    """A table that is deleted and then loaded lets forbidden packets through, and the counts say so."""
    needs_network()
    found = replacing(4, RATE, in_two_commands)
    assert is_worth_something(found)
    assert found.leaked > 0


def test_a_kill_at_any_moment_leaves_one_ruleset_and_the_host_finds_back() -> None:
    """However an apply or a confirmation is killed, the kernel has a whole ruleset, and in the end the confirmed one."""
    needs_network()
    found = killing(3)
    assert found.wrong == []
    assert sum(found.kills.values()) >= 3


def test_what_nobody_confirms_is_taken_back_and_what_is_confirmed_is_kept() -> None:
    """Whether tool, terminal or connection is killed: without a confirmation the old ruleset comes back, with one the new one stays."""
    needs_network("ssh", "ssh-keygen", "sshd")
    found = confirming(3)
    assert found.wrong == []
    assert {victim for victim, _ in found.trials} == set(VICTIMS)
    assert sum(found.trials.values()) == 3
