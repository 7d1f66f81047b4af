"""Telling hidden from refused on hosts that ration their ICMP errors.

A host that rations them (Linux: one a second for each caller, six at once, net.ipv4.icmp_ratelimit; RFC 1812, section 4.3.2.8) lets
refused services look hidden. So what is silent beside services that are refused by ICMP is called hidden only after tests: the silent
ones, and behind them at once two packets that are known to be refused. Where both are answered and no silent one was, there was
an answer to be had while they arrived, and nobody gave it: in so short a time no ration grows by two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from firewright.analysis.observed import Answered
from firewright.live.prober.rounds import Rounds

RATIONED = "its ICMP errors are rationed"
_QUIET = 2.2
"""Seconds without a packet after a test without a result: Linux has two answers to give again."""
_NONE = 0.02
_TESTS = 2
"""Tests that a service must pass to be called hidden."""
_WINDOW, _FASTEST = 0.25, 64_000
"""Seconds within which the packets of a test are sent, and how many a second surely can be."""
_SPREAD = 0.8
"""Seconds over which they are sent where some answer: a second's ration is had by whoever calls all the time."""
_DRIPS, _HOPE = 8, 4
"""A host is given up where so many times in a row some answered, and the rest would take so many times the patience that is left."""


@dataclass(slots=True)
class _Host:
    """A target about which ICMP errors came: for each who sent some an item that it refuses, the silent ones, the tests that each passed.

    `is_asked` says whether the refused ones are sent behind the silent ones; it costs answers that those could have had.
    `is_quick` says whether the last test was sent in so short a time that it counts, `drips` how many times in a row some answered.
    """

    known: dict[str, int] = field(default_factory=dict)
    is_asked: bool = True
    is_quick: bool = True
    drips: int = 0
    silent: list[int] = field(default_factory=list)
    passed: dict[int, int] = field(default_factory=dict)

    def control(self) -> list[int]:
        """What is sent behind the silent ones: of each who refuses twice."""
        return [*self.known.values(), *self.known.values()]


def settle(rounds: Rounds, patience: float) -> None:
    """Find out which silent items of such hosts are hidden, within some seconds; `rounds.why` then has the others."""
    hosts = _hosts(rounds)
    for host in hosts:
        rounds.why.update(dict.fromkeys(host.silent, RATIONED))
        host.is_asked = host.silent[0] % rounds.targets not in rounds.rationed
    deadline = time.monotonic() + patience
    pause = _NONE
    while hosts and time.monotonic() + pause < deadline:
        begun = time.monotonic()
        rounds.pause(pause)
        rounds.fresh = {}
        was_asked = [host.is_asked for host in hosts]
        tried = _send(hosts, rounds)
        rounds.wait(sum(map(len, tried)) + sum(len(host.known) for host in hosts if host.is_asked))
        answered = [_judge(host, items, rounds) for host, items in zip(hosts, tried, strict=True)]
        pause = _NONE if any(answered) or not all(was_asked) else _QUIET
        took, left = time.monotonic() - begun, deadline - time.monotonic()
        is_over = [
            not host.silent or (host.drips >= _DRIPS and len(host.silent) / count * took > _HOPE * left)
            for host, count in zip(hosts, answered, strict=True)
        ]
        hosts = [] if all(is_over) else [host for host in hosts if host.silent]


def _hosts(rounds: Rounds) -> list[_Host]:
    """The targets that refused something by an ICMP error and are silent about other things."""
    hosts: dict[int, _Host] = {}
    for number, one in enumerate(rounds.found):
        if one is not None and one.answered is Answered.ICMP and not one.problem:
            hosts.setdefault(number % rounds.targets, _Host()).known.setdefault(one.sender, number)
    for number, one in enumerate(rounds.found if hosts else ()):
        host = hosts.get(number % rounds.targets)
        if host is not None and one is None and number not in rounds.why:
            host.silent.append(number)
    return [host for host in hosts.values() if host.silent]


def _send(hosts: list[_Host], rounds: Rounds) -> list[list[int]]:
    """Send silent items of each host: where refused ones are asked, at once and those behind them, else spread over a while."""
    tried = []
    spread: list[int] = []
    for host in hosts:
        rate = min(rounds.rate, _FASTEST)
        items = host.silent[: max(1, int(rate * (_WINDOW if host.is_asked else _SPREAD)))]
        if host.is_asked:
            begun = time.monotonic()
            rounds.send([*items, *host.control()], rounds.rate)
            host.is_quick = time.monotonic() - begun <= 2 * _WINDOW
        else:
            spread += items
        tried.append(items)
    if spread:
        rounds.send(spread, min(rounds.rate, len(spread) / _SPREAD))
    return tried


def _judge(host: _Host, tried: list[int], rounds: Rounds) -> int:
    """How many silent items were answered; -1 where none was and those that were tried passed a test."""
    silent = [number for number in tried if rounds.found[number] is None]
    answered = len(tried) - len(silent)
    for number in set(tried) - set(silent):
        if rounds.why.get(number) == RATIONED:
            del rounds.why[number]
    host.silent = host.silent[len(tried) :] + silent[::-1]  # who came first in a test comes last in the next
    has_rest = all(rounds.fresh.get(number, 0) >= 2 for number in host.known.values())
    is_passed = host.is_asked and host.is_quick and not answered and has_rest
    host.is_asked = not answered
    host.drips = host.drips + 1 if answered else 0
    if not is_passed:
        return answered
    for number in silent:
        host.passed[number] = host.passed.get(number, 0) + 1
        if host.passed[number] >= _TESTS:
            rounds.why.pop(number, None)
    host.silent = [number for number in host.silent if host.passed.get(number, 0) < _TESTS]
    return -1
