"""A folder for the web application, made deterministically: a policy of many rules and zones of both families, and who approves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

ZONES = 100
RULES = 10_000
POLICY = "estate"
UNTIL = "2027-06-30"
_NAMED = ("https", "ssh", "dns", "smtp", "rdp", "mysql", "postgresql", "ntp", "imaps", "kafka", "redis")
_DENIED = range(20_000, 30_001)
"""The ports of bans; exceptions are for others."""


def zone(number: int) -> str:
    """How a zone is called."""
    return f"zone-{number:02}"


def host(number: int, nth: int, family: int) -> str:
    """An address in a zone."""
    return f"10.{number}.0.{nth}" if family == 4 else f"2001:db8:{number:x}::{nth:x}"


def write(folder: Path, rules: int = RULES) -> None:
    """Write the policy and `approvals.yaml` into a folder."""
    names = ", ".join(map(zone, range(ZONES)))
    lines = [f"policy: {POLICY}", "owner: network", "zones:"]
    lines += [f'  {zone(i)}: [10.{i}.0.0/16, "2001:db8:{i:x}::/48"]' for i in range(ZONES)]
    lines += ["firewalls:", f"  core: {{between: [internet, {names}]}}", "rules:"]
    made = _rules()
    lines += [f"  - {{{next(made)}}}" for _ in range(rules)]
    (folder / f"{POLICY}.yaml").write_text("\n".join(lines) + "\n")
    (folder / "approvals.yaml").write_text(
        "approve:\n  low: {count: 1, of: either}\n  medium: {count: 1, of: either}\n  high: {count: 1, of: either}\n"
        "longest: 365d\nremind: [14d, 3d]\nreview: 180d\n"
    )


def _rules() -> Iterator[str]:
    """One rule in six has the internet at an end; one in eight is a ban."""
    random = Random(6)
    while True:
        source, destination = map(zone, random.sample(range(ZONES), 2))
        side = random.random()
        source, destination = ("internet" if side < 0.1 else source), ("internet" if side > 0.93 else destination)
        verb = random.choice(["allow"] * 6 + ["require", "deny"])
        if verb == "deny":
            what = f"udp/{random.choice(_DENIED)}"
        else:
            service = random.choice(_NAMED) if random.random() < 0.6 else f"tcp/{random.randint(1024, 19_999)}"
            what = f"[{service}, tcp/{random.randint(1, 1000) if verb == 'allow' else random.randint(9000, 9999)}]"
        yield f"from: {source}, to: {destination}, {verb}: {what}, because: asked for by team {random.randint(1, 90)}"
