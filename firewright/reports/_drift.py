"""What runs on a host against the generation that should, as text, as Markdown and as a tree: equal, or a packet and both lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._markup import code, plain
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look

_DOES = {
    "accept": "lets it pass",
    "drop": "drops it",
    "reject": "refuses it, and says so",
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one side does with the packet: the word, the place of the deciding rule, the rule, and what its comment says.

    Where nothing is decided (`word` is empty) it is what only this side has.
    """

    word: str
    place: str
    rule: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Where two tables mean something else: a packet in words, the instant (seconds since 1970), and what each does with it.

    `witness` is empty where every packet is decided alike, and something beside the decisions differs: a timeout, a log.
    """

    witness: str
    instant: int
    wanted: Side
    found: Side


@dataclass(frozen=True, slots=True)
class Drift:
    """What a host's kernel has against the generation that should be there; no `gap` says that they are equal, proved.

    `is_pending` says that the generation waits to be confirmed; `has_table` whether a table of our name is there at all.
    `time` is the host's clock; `by` is who changed nf_tables last, where somebody watched.
    """

    host: str
    generation: int
    is_pending: bool
    policy: str
    firewall: str
    has_table: bool
    time: int
    gap: Gap | None = None
    by: str = ""


def moment(instant: int) -> str:
    """An instant as people write it."""
    return f"{datetime.fromtimestamp(instant, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"  # noqa: UP017 - shorter


def which_words(drift: Drift) -> str:
    """`generation 3 (policy web, firewall local)`; of one that nobody has confirmed that it waits."""
    said = [
        f"{name} {harmless(value, 80)}"
        for name, value in (("policy", drift.policy), ("firewall", drift.firewall))
        if value
    ]
    said += ["not confirmed yet"] if drift.is_pending else []
    about = f" ({', '.join(said)})" if said else ""
    return f"generation {drift.generation}{about}"


def outcome_words(drift: Drift) -> str:
    """What came of the comparison in one sentence."""
    if drift.gap is None:
        return (
            f"no drift: the kernel means what {which_words(drift)} says, of every packet of IPv4 and IPv6, from now on"
        )
    if not drift.has_table:
        return f"drift: the table is gone; {which_words(drift)} should be there"
    return f"drift: the kernel does not mean what {which_words(drift)} says"


def deed_words(side: Side) -> str:
    """What a side does, in words."""
    word, _, more = side.word.partition(" ")
    said = _DOES.get(word, word)
    return harmless(f"{said} {more}".strip())


def drift_text(drift: Drift, look: Look) -> str:
    """The outcome; then the packet, the instant, and both lines."""
    paint = Paint(look.is_coloured)
    rows = [f"{harmless(drift.host, 80)}: {paint('open' if drift.gap is None else 'error', outcome_words(drift))}"]
    if drift.by:
        rows.append(f"  changed by {harmless(drift.by, 80)} at {moment(drift.time)}")
    if drift.gap is not None:
        rows += gap_lines(drift.gap, paint)
    return "\n".join(rows) + "\n"


def gap_lines(gap: Gap, paint: Paint) -> Iterator[str]:
    """A difference, a line for the packet and one or two for each side."""
    if gap.witness:
        yield f"  example    {harmless(gap.witness)}"
        yield f"  at         {moment(gap.instant)}"
    for title, side in (("should", gap.wanted), ("does", gap.found)):
        if gap.witness:
            yield f"  {title:9}  {deed_words(side)}, by {paint('place', harmless(side.place))}"
        else:
            yield f"  {title:9}  {paint('place', harmless(side.place)) or 'nothing of the kind'}"
        if side.rule:
            yield f"             {harmless(side.rule)}"


def drift_markdown(drift: Drift, look: Look) -> str:
    """A heading, and the packet with both lines."""
    lines = [f"## Drift of {plain(drift.host, 80)}", "", f"{plain(outcome_words(drift))}."]
    if drift.by:
        lines += ["", f"Changed by {plain(drift.by, 80)}."]
    if drift.gap is not None:
        lines += ["", *gap_markdown(drift.gap)]
    return "\n".join(lines) + "\n"


def gap_markdown(gap: Gap) -> Iterator[str]:
    """A difference as a list."""
    if gap.witness:
        yield f"- example: {code(gap.witness)} at {moment(gap.instant)}"
    for title, side in (("should", gap.wanted), ("does", gap.found)):
        said = f"{deed_words(side)}, by " if gap.witness else ""
        yield f"- {title}: {plain(said)}{plain(side.place)}{f': {code(side.rule)}' if side.rule else ''}"


def drift_tree(drift: Drift) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {"schema_version": SCHEMA_VERSION, "kind": "drift", **drift_facts(drift)}


def drift_facts(drift: Drift) -> dict[str, Any]:
    """The same without the head."""
    return {
        "host": drift.host,
        "drifted": drift.gap is not None,
        "generation": drift.generation,
        "pending": drift.is_pending,
        "policy": drift.policy,
        "firewall": drift.firewall,
        "table": drift.has_table,
        "time": drift.time,
        "changed_by": drift.by or None,
        "difference": None if drift.gap is None else gap_tree(drift.gap),
    }


def gap_tree(gap: Gap) -> dict[str, Any]:
    """A difference as mappings."""
    return {
        "witness": gap.witness or None,
        "instant": gap.instant,
        "should": _side_tree(gap.wanted),
        "does": _side_tree(gap.found),
    }


def _side_tree(side: Side) -> dict[str, Any]:
    return {"verdict": side.word or None, "place": side.place, "rule": side.rule, "comment": side.comment or None}
