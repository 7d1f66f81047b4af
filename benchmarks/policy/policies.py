"""Long policies, made deterministically: 200 zones of both families, rules between them, services by name and by number."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

ZONES = 200
_NAMED = ("https", "ssh", "dns", "smtp", "rdp", "mysql", "postgresql", "ntp", "imaps", "kafka", "redis")


def one_line_a_rule(lines: int) -> str:
    """A policy of so many lines with a rule on each."""
    head = _head()
    rules = (f"  - {{{', '.join(f'{key}: {value}' for key, value in rule)}}}" for rule in _rules())
    return "\n".join([*head, *(next(rules) for _ in range(lines - len(head)))]) + "\n"


def one_line_a_value(lines: int) -> str:
    """A policy of so many lines with a value on each, as people and formatters write it."""
    text = _head()
    for rule in _rules():
        block = [f"  {'-' if number == 0 else ' '} {key}: {value}" for number, (key, value) in enumerate(rule)]
        if len(text) + len(block) > lines:
            return "\n".join(text) + "\n"
        text += block
    raise AssertionError("rules never end")


def _head() -> list[str]:
    zones = [f'  zone-{i}: [10.{i // 250}.{i % 250}.0/24, "2001:db8:{i:x}::/48"]' for i in range(ZONES)]
    legs = ", ".join(f"zone-{i}" for i in range(ZONES))
    return ["policy: long", "zones:", *zones, "firewalls:", f"  core: {{between: [internet, {legs}]}}", "rules:"]


def _rules() -> Iterator[list[tuple[str, str]]]:
    random = Random(1)
    while True:
        source, destination = random.sample(range(ZONES), 2)
        verb = random.choice(["allow"] * 6 + ["require", "deny"])
        ends = [("from", f"zone-{source}"), ("to", f"zone-{destination}")]
        if verb == "deny":
            yield [
                *ends,
                ("deny", f"udp/{random.randint(20_000, 30_000)}"),
                ("because", f"asked by team {random.randint(1, 90)}"),
            ]
            continue
        service = random.choice(_NAMED) if random.random() < 0.6 else f"tcp/{random.randint(1024, 65_000)}"
        number = random.randint(20_000, 30_000) if verb == "require" else random.randint(1, 1000)
        yield [*ends, (verb, f"[{service}, tcp/{number}]"), ("because", f"needed by team {random.randint(1, 90)}")]
