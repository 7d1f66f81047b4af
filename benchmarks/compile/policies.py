"""Policies as sites grow them, made deterministically: sites, networks in them, hosts in those, groups, services, rules between.

Both families; one firewall between the sites and the internet. Permissions cluster on few services and on hosts; one rule in
sixteen is a ban, some are requirements, some wait for approval.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from firewright.diagnostic import Report
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import load

_NAMED = ("https", "ssh", "dns", "smtp", "rdp", "mysql", "postgresql", "ntp", "imaps", "kafka", "redis")
_PART = 20_000
"""Rules that are read at once; the language takes no more than a million values in a file."""


def policy_of(rules: int, seed: int = 1) -> Policy:
    """A policy of so many rules, read from its YAML; longer ones in parts with the same zones."""
    head, lines = _Estate(rules, seed).text()
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for start in range(0, rules, _PART):
            path = Path(folder, "policy.yaml")
            path.write_text("\n".join([*head, *lines[start : start + _PART]]) + "\n")
            report = Report()
            policy = load(path, report)
            if policy is None or report.has_errors():
                raise AssertionError(f"the policy is malformed: {report.sorted()[0]}")
            parts.append(policy)
    return replace(parts[0], rules=tuple(rule for part in parts for rule in part.rules))


@dataclass(frozen=True, slots=True)
class Place:
    """A zone's name, the site that it lies in (none is the internet), and what it is written as."""

    name: str
    site: int
    words: str = ""


class _Estate:
    def __init__(self, rules: int, seed: int) -> None:
        self.random, self.rules = Random(seed), rules
        count = max(4, min(48, rules // 250))
        self.sites = [Place(f"site-{n}", n, f'10.{n + 1}.0.0/16, "2001:db8:{n + 1:x}::/48"') for n in range(count)]
        places = [(n % count, n // count) for n in range(max(2 * count, min(3_000, rules // 25)))]
        self.nets = [
            Place(f"net-{n}", site, f'10.{site + 1}.{net}.0/24, "2001:db8:{site + 1:x}:{net:x}::/64"')
            for n, (site, net) in enumerate(places)
        ]
        self.hosts: list[Place] = []
        self.groups: list[Place] = []
        for site, net in places:
            self._fill(site, net, max(4, min(12_000, rules // 5) // len(places)))

    def _fill(self, site: int, net: int, count: int) -> None:
        """The hosts of a network, some of them alone and some in one group."""
        first = len(self.hosts)
        for host in sorted(self.random.sample(range(2, 250), count)):
            words = f'10.{site + 1}.{net}.{host}, "2001:db8:{site + 1:x}:{net:x}::{host:x}"'
            self.hosts.append(Place(f"host-{len(self.hosts)}", site, words))
        members = self.hosts[first : first + self.random.choice((2, 3, 4))]
        self.groups.append(Place(f"group-{len(self.groups)}", site, ", ".join(one.name for one in members)))

    def text(self) -> tuple[list[str], list[str]]:
        """The lines before the rules, and a line for each rule."""
        zones = [*self.sites, *self.nets, *self.hosts, *self.groups]
        head = [
            "policy: estate",
            "zones:",
            *(f"  {one.name}: [{one.words}]" for one in zones),
            "firewalls:",
            f"  core: {{between: [internet, {', '.join(one.name for one in self.sites)}]}}",
            "rules:",
        ]
        return head, list(self._rules())

    def _rules(self) -> Iterator[str]:
        for number in range(self.rules):
            source, destination = self._source(), self._destination()
            while source.site == destination.site:
                destination = self._destination()
            verb = self.random.choices(("allow", "require", "request", "deny"), (88, 4, 2, 6))[0]
            words = self._banned() if verb == "deny" else f"[{', '.join(self._services())}]"
            ends = f"from: {source.name}, to: {destination.name}"
            yield f"  - {{{ends}, {verb}: {words}, name: rule-{number}, because: asked by team {number % 90}}}"

    def _banned(self) -> str:
        low = self.random.randrange(20_000, 30_000)
        return f"{self.random.choice(('tcp', 'udp'))}/{low}-{low + self.random.choice((1, 9, 99))}"

    def _services(self) -> list[str]:
        count = self.random.choice((1, 1, 1, 2, 2, 3))
        return list(
            dict.fromkeys(
                self.random.choice(_NAMED)
                if self.random.random() < 0.65
                else f"{self.random.choice(('tcp', 'tcp', 'udp'))}/{self.random.randrange(1024, 20_000)}"
                for _ in range(count)
            )
        )

    def _source(self) -> Place:
        kinds = ([Place("internet", -1)], self.sites, self.nets, self.hosts, self.groups)
        return self.random.choice(self.random.choices(kinds, (4, 4, 50, 22, 20))[0])

    def _destination(self) -> Place:
        return self.random.choice(self.random.choices((self.nets, self.hosts, self.groups), (15, 62, 23))[0])
