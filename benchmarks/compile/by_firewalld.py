"""firewalld: one policy from the near zone to the far zone with a rich rule for each pair and port, loaded by its own library."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

from benchmarks.compile.clauses import Clause, clauses, is_internet, prefixes
from benchmarks.compile.contestant import Step, Unable
from benchmarks.dataplane.traffic import DAY, IN, OUT
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy

_SYSTEM_PYTHON = "/usr/bin/python3"
"""firewalld belongs to the system, so it is imported by the system's interpreter."""
_WORDS = {4: "ipv4", 6: "ipv6"}
_ZONE = '<zone target="DROP"><interface name="{}"/></zone>\n'
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Configurations that are still to be read; they go when the process ends."""


def make(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """The configuration in a folder of its own, and the command that loads it."""
    try:
        found = subprocess.run([_SYSTEM_PYTHON, "-c", "import firewall, nftables"], capture_output=True, check=False)
    except OSError as why:
        raise Unable("there is no system Python") from why
    if found.returncode:
        raise Unable("firewalld is not installed")
    _FOLDERS.append(tempfile.TemporaryDirectory())
    folder = Path(_FOLDERS[-1].name)
    for name, text in _files(policy):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = Path(__file__).with_name("firewalld_apply.py")
    return (Step((_SYSTEM_PYTHON, "-B", str(script), str(folder)), ""),)


def _files(policy: Policy) -> Iterator[tuple[str, str]]:
    found = clauses(policy, DAY)
    yield "firewalld.conf", "DefaultZone=drop\nFirewallBackend=nftables\nIPv6_rpfilter=no\nLogDenied=off\n"
    yield f"zones/{IN}.xml", _ZONE.format(IN)
    yield f"zones/{OUT}.xml", _ZONE.format(OUT)
    internet = next((one.source for one in found if is_internet(one.source)), None)
    if internet is not None:
        for family in FAMILIES:
            kind = '<option name="family" value="inet6"/>' if family == 6 else ""
            entries = "".join(f"<entry>{prefix}</entry>" for prefix in prefixes(internet)[family])
            yield f"ipsets/internet{family}.xml", f'<ipset type="hash:net">{kind}{entries}</ipset>\n'
    rules = "\n".join(dict.fromkeys(rule for one in found for family in one.families for rule in _rules(one, family)))
    ends = f'<ingress-zone name="{IN}"/><egress-zone name="{OUT}"/>'
    yield "policies/contest.xml", f'<policy target="DROP">{ends}\n{rules}\n</policy>\n'


def _rules(one: Clause, family: Family) -> Iterator[str]:
    sources = [f"address={quoteattr(prefix)}" for prefix in prefixes(one.source)[family]]
    if is_internet(one.source):
        sources = [f'ipset="internet{family}"']
    for source in sources:
        for destination in prefixes(one.destination)[family]:
            for low, high in one.ports:
                port = str(low) if low == high else f"{low}-{high}"
                yield (
                    f'<rule family="{_WORDS[family]}"><source {source}/><destination address="{destination}"/>'
                    f'<port port="{port}" protocol="{one.protocol}"/><{one.verdict}/></rule>'
                )
