"""A policy as a site has it, made deterministically: four sites of networks and hosts, and rules between them, in both families."""

from __future__ import annotations

from random import Random

_SITES, _NETS, _HOSTS = 4, 3, 6
_SERVICES = ("https", "ssh", "dns", "smtp", "rdp", "mysql", "postgresql", "ntp", "imaps", "kafka", "redis", "ping")


def policy_text(rules: int, seed: int = 1) -> str:
    """The policy's YAML, a line for each rule."""
    random = Random(seed)
    zones: dict[str, str] = {}
    site_of: dict[str, int] = {}
    for site in range(_SITES):
        _add(zones, site_of, f"site-{site}", site, f'10.{site}.0.0/16, "2001:db8:{site:x}::/48"')
        for net in range(_NETS):
            within = f"2001:db8:{site:x}:{net:x}::"
            _add(zones, site_of, f"net-{site}-{net}", site, f'10.{site}.{net}.0/24, "{within}/64"')
            for host in sorted(random.sample(range(2, 250), _HOSTS)):
                _add(zones, site_of, f"host-{site}-{net}-{host}", site, f'10.{site}.{net}.{host}, "{within}{host:x}"')
    legs = ", ".join(f"site-{site}" for site in range(_SITES))
    lines = ["policy: sites", "zones:", *(f"  {name}: [{said}]" for name, said in zones.items())]
    lines += ["firewalls:", f"  core: {{between: [internet, {legs}]}}", "rules:"]
    return "\n".join([*lines, *(_rule(random, number, site_of) for number in range(rules))]) + "\n"


def _add(zones: dict[str, str], site_of: dict[str, int], name: str, site: int, said: str) -> None:
    zones[name], site_of[name] = said, site


def _rule(random: Random, number: int, site_of: dict[str, int]) -> str:
    source, destination = random.sample(sorted(site_of), 2)
    while site_of[source] == site_of[destination]:
        source, destination = random.sample(sorted(site_of), 2)
    if random.random() < 0.1:
        source = "internet"
    verb = "deny" if number % 16 == 15 else "require" if number % 16 == 7 else "allow"
    port = f"udp/{random.randint(20_000, 30_000)}" if verb == "deny" else f"tcp/{random.randint(1_024, 30_000)}"
    served = port if verb != "allow" else f"[{random.choice(_SERVICES)}, {port}]"
    return f"  - {{from: {source}, to: {destination}, {verb}: {served}, because: asked for in {number + 1}}}"
