"""What the nftables writer makes of small policies and of every profile, kept as files beside them.

`nftables/<case>/policy.yaml` stands beside `nftables/<case>/expected.nft`; FIREWRIGHT_UPDATE=1 rewrites what is expected, and a
review reads the difference.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import cache
from pathlib import Path

import pytest

import firewright
from firewright.analysis.validate import Proof
from firewright.diagnostic import Report
from firewright.live.nft import list_back
from firewright.model.policy import Firewall, Policy
from firewright.readers.policy_yaml.loading import load
from firewright.source import Source
from firewright.syntax.nftables import ABOUT, render
from firewright.workflows.compile import prove
from firewright.writers.nftables import lower, rule_comment
from tests.policies import DAY

KEPT = Path(__file__).parent / "nftables"
PROFILES = Path(firewright.__file__).parent / "profiles"
HAS_NFT = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
needs_nft = pytest.mark.skipif(not HAS_NFT, reason="nft is not installed")


@cache
def subjects() -> dict[str, tuple[Policy, Firewall, Path]]:
    """Every kept case and every firewall of every profile that is filled in, with the file of what is expected."""
    found = {}
    for path in sorted(KEPT.glob("*/policy.yaml")):
        report = Report()
        read = load(Source("policy.yaml", path.read_text(encoding="utf-8")), report)
        assert read is not None, (path, [one.message for one in report.diagnostics])
        (firewall,) = read.firewalls.values()
        found[path.parent.name] = (read, firewall, path.with_name("expected.nft"))
    for path in sorted(PROFILES.glob("*/*.yaml")):
        read = None if path.name == "profile.yaml" or ".test." in path.name else load(path, Report())
        if read is None or read.questions:
            continue
        for firewall in read.firewalls.values():
            name = f"{path.stem}-{firewall.name}"
            found[name] = (read, firewall, KEPT / "profiles" / f"{name}.nft")
    return found


@pytest.mark.parametrize("name", subjects())
def test_what_is_written_is_what_is_kept(name: str) -> None:
    """The text of a policy is exactly the file kept for it, and the same when it is made again."""
    policy, firewall, expected = subjects()[name]
    text = render(lower(policy, firewall, DAY, Report()))
    assert text == render(lower(policy, firewall, DAY, Report()))
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@needs_nft
@pytest.mark.parametrize("name", subjects())
def test_what_is_kept_loads_and_is_proved(name: str) -> None:
    """nft takes every kept text, and what it lists back means what the policy says."""
    policy, firewall, expected = subjects()[name]
    assert isinstance(prove(policy, firewall, DAY, expected.read_text(encoding="utf-8")), Proof)


@pytest.mark.parametrize("name", subjects())
def test_every_rule_is_found_in_the_text_or_in_the_report(name: str) -> None:
    """A rule that holds on the day is named by a comment of the ruleset, or the report says why it is not there."""
    policy, firewall, _ = subjects()[name]
    report = Report()
    text = render(lower(policy, firewall, DAY, report))
    absent = {one.at for one in report.diagnostics if one.name == "not-in-ruleset"}
    active = [rule for rule in policy.rules if rule.is_active(DAY)]
    hidden = [rule.label for rule in active if rule.at not in absent and f'"{rule_comment(rule)}"' not in text]
    assert not hidden
    assert not [rule.label for rule in policy.rules if not rule.is_active(DAY) and f'"{rule_comment(rule)}"' in text]


@pytest.mark.parametrize("name", subjects())
def test_every_base_chain_ends_in_a_verdict_of_its_own(name: str) -> None:
    """Each hook's chain ends in an explicit drop; a host has no forward chain; every other but the last ends in a verdict too."""
    policy, firewall, _ = subjects()[name]
    del policy
    text = subjects()[name][2].read_text(encoding="utf-8")
    chains = re.findall(r"^\tchain (\S+) \{\n(.*?)^\t\}$", text, re.MULTILINE | re.DOTALL)
    hooks = re.findall(r"type filter hook (\S+) priority filter; policy drop;", text)
    assert hooks == (["input", "output"] if firewall.is_host else ["input", "forward", "output"])
    about = chains.pop()
    assert about[0] == ABOUT and re.fullmatch(
        r'\t\tcomment "policy [^"]+, firewall [^"]+, from [0-9-]+ on"\n', about[1]
    )
    for chain, body in chains:
        last = re.sub(r' comment "[^"]*"$', "", body.rstrip().split("\n")[-1])
        assert re.search(r"(^|\s)(drop|accept|goto \w+|reject with icmpx port-unreachable)$", last), (chain, last)
        if chain in hooks:
            assert last.endswith("drop")


def test_a_listing_of_what_is_kept_has_no_date_in_the_text() -> None:
    """Ends of permissions are seconds since 1970 in every kept text: a date would be read in the loader's time zone."""
    texts = [expected.read_text(encoding="utf-8") for _, _, expected in subjects().values()]
    ends = [word for text in texts for word in re.findall(r"meta time (?:<|>=) (\S+)", text)]
    assert ends
    assert all(word.isdecimal() for word in ends)


@needs_nft
def test_a_listing_names_our_table_alone() -> None:
    """Loading a text twice leaves one table, ours, and what was in it before is gone."""
    text = (KEPT / "client" / "expected.nft").read_text(encoding="utf-8")
    twice = list_back(text + text).text
    assert re.findall(r"^table (.+?) \{", twice, re.MULTILINE) == ["inet firewright"]
    assert twice.count("the machine to itself") == 2
