"""In which order the hosts of a fleet are changed: which of them, who first and alone, and how many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from firewright.diagnostic import Report, harmless, nearest

Batches = tuple[tuple[str, ...], ...]
"""Names of hosts; a batch begins when the one before it has come to a good end."""
EVERYBODY = "all"
"""The pattern that every host fits."""


def batches(hosts: Sequence[str], canaries: Sequence[str], size: int) -> Batches:
    """The canaries alone, then the others in their order, `size` at a time; every host stands in it once. O(hosts).

    Law: test_every_host_stands_in_one_batch
    """
    first = tuple(dict.fromkeys(canaries))
    others = tuple(name for name in dict.fromkeys(hosts) if name not in set(first))
    step = max(1, size)
    rest = tuple(others[start : start + step] for start in range(0, len(others), step))
    return (first, *rest) if first else rest


def size_of(batch: str, count: int) -> int:
    """How many hosts `10` or `20%` are, of so many: a share is rounded down, and is at least one.

    ValueError where it is neither a number above 0 nor a share from 1% to 100%.
    """
    number = batch.removesuffix("%")
    if not (number.isascii() and number.isdecimal() and int(number) > 0 and len(number) < 7):
        raise ValueError(batch)
    if not batch.endswith("%"):
        return int(number)
    if int(number) > 100:
        raise ValueError(batch)
    return max(1, count * int(number) // 100)


def canaries_of(canary: str, hosts: Sequence[str], report: Report) -> tuple[str, ...]:
    """The hosts that go first: the one of that name, or the first so many; none after saying what is wrong."""
    if canary in hosts:
        return (canary,)
    if canary.isascii() and canary.isdecimal() and len(canary) < 7:
        return tuple(hosts[: int(canary)])
    near = nearest(canary, hosts)
    way_out = f"did you mean {near}?" if near else "name a host of this rollout, or how many go first"
    report.error("unknown-host", f"the canary {harmless(canary, 60)!r} is none of the hosts", help=way_out)
    return ()


def limited(
    hosts: Sequence[str], groups: Mapping[str, Sequence[str]], patterns: Sequence[str], report: Report
) -> tuple[str, ...]:
    """The hosts that some patterns leave, in their order: names of hosts and groups with * and ?, and !NAME for all but those.

    Patterns by commas are patterns too. None of them is every host. A pattern that fits nobody is an error.
    """
    words = [word.strip() for pattern in patterns for word in pattern.split(",") if word.strip()]
    wanted: set[str] = set()
    left_out: set[str] = set()
    for word in words:
        bare = word.removeprefix("!")
        found = _fitting(bare, hosts, groups)
        if not found:
            near = nearest(bare, (*hosts, *groups))
            way_out = f"did you mean {near}?" if near else _there(hosts, groups)
            report.error("unknown-host", f"no host or group fits {harmless(bare, 60)!r}", help=way_out)
        (left_out if bare != word else wanted).update(found)
    if all(word.startswith("!") for word in words):
        wanted.update(hosts)
    wanted -= left_out
    kept = tuple(name for name in hosts if name in wanted)
    if not kept and not report.has_errors():
        report.error("unknown-host", "--limit leaves no host", help=_there(hosts, groups))
    return kept


def _fitting(pattern: str, hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> set[str]:
    if pattern == EVERYBODY:
        return set(hosts)
    found = {name for name in hosts if fnmatchcase(name, pattern)}
    return found.union(*(members for name, members in groups.items() if fnmatchcase(name, pattern)))


def _there(hosts: Sequence[str], groups: Mapping[str, Sequence[str]]) -> str:
    names = [*groups, *hosts]
    return "there are: " + ", ".join(harmless(name, 60) for name in names[:8]) + (", …" if len(names) > 8 else "")
