"""What managed hosts said of themselves: which generation runs, whether the kernel still means it, and how long ago that was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from firewright.diagnostic import harmless
from firewright.model.account import Actor, Role
from firewright.reports._drift import moment
from firewright.store import snapshots
from firewright.store.snapshots import Snapshot

KIND = "host"
LARGEST = 1_000_000
"""Characters of the longest report of a host."""
QUIET = timedelta(hours=24)
"""A host that was not heard of for longer is said to be silent."""
COUNTERS = "host counters"
"""What the rules of a host counted when it was last heard of."""
_KINDS = ("status", "drift")
_MOST = 500


class BadReport(ValueError):
    """A text that is no report of a host; the text says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a host, as it said itself."""

    severity: str
    name: str
    message: str
    witness: str
    help: str


@dataclass(frozen=True, slots=True)
class HostState:
    """A host as it was last heard of: what runs since when, whether it drifted, and what was wrong with it.

    `drift` is "none", "drifted" or "not known"; `age` are seconds since it was heard of, `is_quiet` whether that is too long.
    """

    name: str
    policy: str
    firewall: str
    generation: str
    state: str
    loaded: str
    mode: str
    drift: str
    witness: str
    should: str
    does: str
    seen: datetime
    age: int
    is_quiet: bool
    problems: tuple[Problem, ...]
    boot: str = ""
    ends: tuple[str, ...] = ()

    @property
    def tone(self) -> str:
        """The colour of how it stands."""
        if self.drift == "drifted" or any(one.severity == "error" for one in self.problems):
            return "denied"
        if self.is_quiet or self.drift == "not known" or self.problems:
            return "request"
        return "permitted"

    @property
    def word(self) -> str:
        """How it stands, in a word."""
        if self.drift == "drifted":
            return "drifted"
        if self.is_quiet:
            return "not heard of"
        if any(one.severity == "error" for one in self.problems):
            return "in error"
        return "as it should be" if self.tone == "permitted" else "worth a look"

    @property
    def text(self) -> str:
        """Everything that a search looks through."""
        said = (one.message for one in self.problems)
        return " ".join((self.name, self.policy, self.firewall, self.state, self.word, self.mode, *said))


def accept(text: str) -> Mapping[str, Any]:
    """What `firewright status --format json` or `drift --format json` prints, looked at before it is kept. Raises BadReport."""
    if len(text) > LARGEST:
        raise BadReport(f"{len(text):,} characters; the longest report has {LARGEST:,}")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        raise BadReport("it is no JSON") from None
    if not isinstance(tree, dict) or tree.get("kind") not in _KINDS:
        raise BadReport("it is not what `firewright status --format json` or `drift --format json` prints")
    if not isinstance(tree.get("time"), int) or not isinstance(tree.get("policy"), str):
        raise BadReport("it does not say when it was made, and of which policy")
    _state("host", tree, datetime.now(UTC), datetime.now(UTC))
    return tree


def keep(c: Connection, name: str, text: str, now: datetime) -> bool:
    """Keep what a host said of itself; whether it is not what it said last. Raises BadReport, UnfitText."""
    tree = accept(text)
    steady = {key: value for key, value in tree.items() if key not in ("time", "uptime", "counters", "window")}
    digest = sha256(json.dumps(steady, sort_keys=True).encode()).hexdigest()
    if tree["kind"] == "status":
        _keep_counters(c, name, tree, now)
    return snapshots.put(c, f"{KIND} {tree['kind']}", name, digest, text, now)


def _keep_counters(c: Connection, name: str, tree: Mapping[str, Any], now: datetime) -> None:
    """Keep what its rules counted, only as it is now."""
    counted = [
        {"file": _text(one, "file"), "packets": one["packets"]}
        for one in _items(tree.get("counters"))
        if isinstance(one.get("packets"), int) and _text(one, "file") and not one.get("let_pass")
    ]
    body = json.dumps({"policy": _text(tree, "policy"), "counters": counted})
    snapshots.put(c, COUNTERS, name, sha256(body.encode()).hexdigest(), body, now)
    snapshots.prune(c, COUNTERS, name, 1)


def hits(c: Connection) -> Mapping[str, Mapping[str, int]]:
    """Packets that the hosts' rules let in, by policy and by file as comments name it; only of policies that a host was heard of."""
    found: dict[str, Counter[str]] = {}
    for one in snapshots.listed(c, COUNTERS):
        tree = _tree(one)
        counts = found.setdefault(_text(tree, "policy"), Counter())
        for counted in _items(tree.get("counters")):
            packets = counted.get("packets")
            counts[_text(counted, "file")] += packets if isinstance(packets, int) else 0
    return found


def hosts(c: Connection, now: datetime, actor: Actor) -> tuple[HostState, ...]:
    """The hosts that somebody may see, by name: those of policies that they see whole, and all for those who see everything.

    What a host said last of its state and of its drift is told together.
    """
    found: dict[str, list[Snapshot]] = {}
    for kind in _KINDS:
        for one in snapshots.listed(c, f"{KIND} {kind}"):
            found.setdefault(one.name, []).append(one)
    states = (_joined(name, said, now) for name, said in sorted(found.items()))
    return tuple(one for one in states if _is_seen(one, actor))


def history(c: Connection, name: str, now: datetime, actor: Actor) -> tuple[HostState, ...]:
    """How one host was, the last first; empty where it is not known, or not to be seen."""
    found = [one for kind in _KINDS for one in snapshots.history(c, f"{KIND} {kind}", name, limit=50)]
    found.sort(key=lambda one: one.seen, reverse=True)
    states = (_state(name, _tree(one), one.seen, now) for one in found)
    return tuple(one for one in states if _is_seen(one, actor))


def _is_seen(one: HostState, actor: Actor) -> bool:
    return actor.is_everywhere(Role.VIEWER) or (bool(one.policy) and actor.is_allowed(Role.VIEWER, one.policy))


def _joined(name: str, said: Iterable[Snapshot], now: datetime) -> HostState:
    """What was said last, with the drift of the other report where that is the later one."""
    ordered = sorted(said, key=lambda one: one.seen)
    trees = [_tree(one) for one in ordered]
    whole: dict[str, Any] = {}
    for tree in trees:
        is_drift = tree.get("kind") == "drift"
        whole |= {"drift": tree, "time": tree.get("time")} if is_drift and whole else tree
    return _state(name, whole, ordered[-1].seen, now)


def _tree(one: Snapshot) -> dict[str, Any]:
    tree = json.loads(one.body)
    return tree if isinstance(tree, dict) else {}


def _state(name: str, tree: Mapping[str, Any], seen: datetime, now: datetime) -> HostState:
    """A report in words; whatever is not as it should be in it is left empty."""
    drift = tree if tree.get("kind") == "drift" else _mapping(tree.get("drift"))
    gap = _mapping(drift.get("difference"))
    age = max(0, int((now - seen).total_seconds()))
    number = tree.get("generation")
    return HostState(
        harmless(name, 200),
        _text(tree, "policy"),
        _text(tree, "firewall"),
        str(number) if isinstance(number, int) else "",
        _text(tree, "state"),
        _moment(tree.get("loaded")),
        _text(tree, "mode"),
        "not known" if "drifted" not in drift else "drifted" if drift["drifted"] else "none",
        _text(gap, "witness"),
        _side(gap.get("should")),
        _side(gap.get("does")),
        seen,
        age,
        age > QUIET.total_seconds(),
        tuple(_problem(one) for one in _items(tree.get("findings"))),
        _text(tree, "boot"),
        tuple(f"{_moment(one.get('instant'))}: {_text(one, 'rule')}" for one in _items(tree.get("ends"))),
    )


def _problem(one: Mapping[str, Any]) -> Problem:
    keys = ("severity", "name", "message", "witness", "help")
    return Problem(*(_text(one, key) for key in keys))


def _side(value: object) -> str:
    side = _mapping(value)
    return " ".join(filter(None, (_text(side, "verdict"), _text(side, "place"), _text(side, "rule"))))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Mapping[str, Any]]:
    return [_mapping(one) for one in value[:_MOST]] if isinstance(value, list) else []


def _text(tree: Mapping[str, Any], key: str) -> str:
    value = tree.get(key)
    return harmless(value, 1000) if isinstance(value, str) else ""


def _moment(value: object) -> str:
    return moment(value) if isinstance(value, int) and 0 < value < 2**35 else ""


CSV_HEAD = ("host", "policy", "firewall", "generation", "state", "drift", "mode", "heard of", "stands", "problems")


def csv_row(one: HostState) -> tuple[str, ...]:
    """The row of a table of hosts."""
    return (
        one.name, one.policy, one.firewall, one.generation, one.state, one.drift, one.mode,
        one.seen.isoformat(timespec="seconds"), one.word, "; ".join(problem.message for problem in one.problems),
    )  # fmt: skip
