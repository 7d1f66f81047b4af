"""What people write into a policy reaches nft only as harmless words, and nothing empty can be said at all."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import date

import pytest

from firewright.diagnostic import Report
from firewright.live.nft import list_back
from firewright.model.policy import Policy
from firewright.writers.nftables import WRITER, lower
from tests.language.world import edge, machine
from tests.policies import DAY

HAS_NFT = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
NASTY = (
    'x"; accept comment "y',
    "a\nadd rule inet firewright input accept",
    "esc\x1b[2J\x07",
    "$(reboot)`id`",
    "\\",
    "‮evil",
    "accept",
    "*" * 400,
    "ü" * 200,
)


def written(found: Policy, report: Report | None = None) -> str:
    """The text of a policy's only firewall."""
    (firewall,) = found.firewalls.values()
    return WRITER.emit(found, firewall, DAY, report or Report()).text


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.skipif(not HAS_NFT, reason="nft is not installed")
def test_words_of_people_add_nothing(text: str) -> None:
    """Names of policies, firewalls, zones and rules, and reasons, change no rule: nft lists as many as for plain words."""
    plain = edge(
        "from: internet, to: inside, allow: https, log: yes, name: web", "from: inside, to: internet, allow: any"
    )
    (firewall,) = plain.firewalls.values()
    rules = tuple(replace(rule, name=text, because=text, owner=text) for rule in plain.rules)
    zones = {name: replace(zone, name=text) if name == "inside" else zone for name, zone in plain.zones.items()}
    nasty = replace(plain, name=text, rules=rules, zones=zones, firewalls={text: replace(firewall, name=text)})
    given = written(nasty)
    assert given.isascii()
    assert all(character.isprintable() or character in "\n\t" for character in given)
    listed, expected = (list_back(one).text for one in (given, written(plain)))
    for word in ("accept", "drop", "chain", "hook", "goto"):
        assert sum(word in line.split('"')[0].split() for line in listed.split("\n")) == sum(
            word in line.split('"')[0].split() for line in expected.split("\n")
        )


def test_every_name_is_fit_and_given_once() -> None:
    """Chains that rules of the same words lead to have names of their own, short and no word of nft's."""
    same = [f"from: internet, to: inside, allow: tcp/{port}, name: drop" for port in (1,)]
    many = [
        f"from: internet, to: inside, allow: [{', '.join(f'tcp/{n}' for n in range(p, p + 40))}]" for p in (100, 300)
    ]
    found = edge(*same, *many)
    (firewall,) = found.firewalls.values()
    names = [chain.name for chain in lower(found, firewall, DAY, Report()).chains]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 120
    assert "drop" not in names
    assert "drop_" in names


def test_a_firewall_without_a_required_way_in_is_told_so() -> None:
    """Where no rule requires a service of the machine itself, the report warns; where one does, it does not."""
    for rule, expected in (
        ("from: internet, to: inside, allow: https", 1),
        ("from: inside, to: local, require: ssh", 0),
    ):
        report = Report()
        written(edge(rule), report)
        assert [one.name for one in report.diagnostics].count("no-management") == expected


def test_what_nftables_cannot_time_is_said() -> None:
    """Timeouts of ICMP and of other protocols, and sessions of a rule without TCP and UDP, are warnings with a way out."""
    found = edge("from: internet, to: inside, allow: protocol/esp, sessions: 1h", "from: any, to: inside, allow: https")
    (firewall,) = found.firewalls.values()
    timed = replace(firewall, timeouts={"icmp": 10, "generic": 20, "tcp-close": 5})
    report = Report()
    text = WRITER.emit(found, timed, DAY, report).text
    said = [one for one in report.diagnostics if one.name in ("timeout-not-said", "sessions-not-said")]
    assert sorted(one.name for one in said) == ["sessions-not-said", "timeout-not-said", "timeout-not-said"]
    assert all(one.help for one in said)
    assert "ct timeout tcp_close_5_v4" in text
    assert "ct timeout tcp_close_5_v6" in text


def test_an_end_beyond_the_clock_is_an_error() -> None:
    """A permission that ends after what nft can count is not written, and the report says so; nothing is opened for ever."""
    found = machine("from: internet, to: local, allow: ssh")
    late = replace(found, rules=tuple(replace(rule, until=date(9999, 12, 31)) for rule in found.rules))
    report = Report()
    text = written(late, report)
    assert [one.name for one in report.diagnostics if one.severity == "error"] == ["end-not-said"]
    assert "dport 22" not in text


def test_a_long_policy_has_few_sets() -> None:
    """The kernel walks through all sets for each that it makes, so their number does not grow with the rules."""
    rules = [
        f"from: internet, to: inside, allow: [tcp/{n}, udp/{n}, tcp/{n + 20}-{n + 25}]" for n in range(1000, 2000, 3)
    ]
    text = written(edge(*rules))
    assert text.count("{ ") < 60 + 2 * text.count("chain ") / 3
    assert text.count("vmap") < 20
