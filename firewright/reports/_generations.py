"""The generations that a host keeps: their list, one of them as text, two compared by meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._drift import Gap, Side, deed_words, gap_lines, gap_markdown, gap_tree, moment
from firewright.reports._findings_text import several
from firewright.reports._lines import columns, cut, pad, visible
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look

_KINDS = {
    "opens": ("open", "what was stopped and is let through now"),
    "closes": ("closed", "what was let through and is stopped now"),
    "answers": ("asked", "what was stopped silently and is told so now"),
    "hides": ("asked", "what was told that it is stopped and is not now"),
}
_HEAD = ("number", "state", "policy", "firewall", "made", "by")


@dataclass(frozen=True, slots=True)
class Kept:
    """A generation of the list. `made` is in seconds since 1970, 0 where unknown; `is_running` says that it should be loaded.

    `has_boot_way` says whether something loads at boot what is confirmed on its host.
    """

    number: int
    state: str
    policy: str
    firewall: str
    made: int
    by: str
    mode: str
    is_running: bool
    is_confirmed: bool
    has_boot_way: bool = True


@dataclass(frozen=True, slots=True)
class Generations:
    """Those that a host keeps, the newest last."""

    host: str
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True)
class GenerationText:
    """The ruleset of one generation, as it was stored."""

    host: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Flows that begin, and to which the second generation does otherwise than the first: in words, with one packet and both lines.

    `kind` is opens, closes, answers or hides.
    """

    kind: str
    flows: tuple[str, ...]
    witness: str
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class GenerationsCompared:
    """Two generations of a host: no `gap` says that they are equivalent, proved for every packet from `instant` on.

    Else `instant` is the first at which they differ, `moved` are the flows that do so then.
    """

    host: str
    before: int
    after: int
    instant: int
    moved: tuple[Moved, ...] = ()
    gap: Gap | None = None


def generations_text(result: Generations, look: Look) -> str:
    """A line for each."""
    paint = Paint(look.is_coloured)
    if not result.kept:
        return f"{harmless(result.host, 80)}: nothing was ever applied\n"
    rows = [_HEAD, *(_cells(one) for one in result.kept)]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        text = "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        text = cut(text, look.width) if look.is_cut else text
        lines.append(
            paint("faint", text) if not number else paint("bold", text) if result.kept[number - 1].is_running else text
        )
    return "\n".join(lines) + "\n"


def state_words(one: Kept) -> str:
    """What became of it, and whether it runs."""
    if one.is_running and not one.is_confirmed:
        return "waits to be confirmed"
    if one.is_confirmed and one.is_running:
        return "confirmed, loaded at boot" if one.has_boot_way else "confirmed, nothing loads it at boot"
    if one.is_confirmed:
        return "confirmed, comes back unless the next is confirmed"
    return "confirmed once" if one.state == "confirmed" else harmless(one.state, 200) or "unknown"


def _cells(one: Kept) -> tuple[str, ...]:
    audit = " (audit)" if one.mode == "audit" else ""
    return (
        str(one.number),
        state_words(one),
        harmless(one.policy, 60),
        f"{harmless(one.firewall, 60)}{audit}",
        moment(one.made) if one.made else "",
        harmless(one.by, 60),
    )


def generations_markdown(result: Generations, look: Look) -> str:
    """A table."""
    rows = (tuple(plain(cell) for cell in _cells(one)) for one in result.kept)
    return "\n".join((f"## Generations of {plain(result.host, 80)}", "", *table(_HEAD, rows))) + "\n"


def generations_tree(result: Generations) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generations",
        "host": result.host,
        "generations": [
            {
                "number": one.number,
                "state": one.state,
                "policy": one.policy,
                "firewall": one.firewall,
                "made": one.made,
                "by": one.by,
                "mode": one.mode,
                "running": one.is_running,
                "confirmed": one.is_confirmed,
            }
            for one in result.kept
        ],
    }


def generation_text(result: GenerationText, look: Look) -> str:
    """The ruleset itself, so that nft could load it; but what a terminal would obey is shown."""
    return "\t".join(visible(part) for part in result.text.split("\t"))


def generation_tree(result: GenerationText) -> dict[str, Any]:
    """The same as a mapping."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generation",
        "host": result.host,
        "number": result.number,
        "text": result.text,
    }


def _summary(result: GenerationsCompared) -> str:
    names = f"{harmless(result.host, 80)}: generation {result.before} -> {result.after}"
    if result.gap is None:
        return f"{names}: equivalent, proved for every packet of IPv4 and IPv6, from now on"
    counts = [(kind, sum(one.kind == kind for one in result.moved)) for kind in _KINDS]
    said = ", ".join(f"{number} {kind}" for kind, number in counts if number)
    return f"{names}: different{f': {said}' if said else '; flows that begin are treated alike'}"


def compared_text(result: GenerationsCompared, look: Look) -> str:
    """Every difference in flows, with an example and both lines; or that there is none, which is proved."""
    paint = Paint(look.is_coloured)
    blocks = []
    for kind, (style, says) in _KINDS.items():
        lines = [line for one in result.moved if one.kind == kind for line in _moved(one, look, paint)]
        if lines:
            blocks.append("\n".join((paint(style, kind) + paint("faint", f"  {says}"), *lines)))
    if result.gap is not None and not result.moved:
        blocks.append("\n".join(("what differs", *gap_lines(result.gap, paint))))
    blocks.append(_summary(result))
    if result.gap is not None and result.gap.instant == result.instant:
        blocks[-1] += f"\n  at {moment(result.instant)}"
    return "\n\n".join(blocks) + "\n"


def _moved(one: Moved, look: Look, paint: Paint) -> Iterator[str]:
    most = len(one.flows) if look.is_verbose or not look.is_cut else 8
    yield from (f"  {harmless(flow)}" for flow in one.flows[:most])
    if len(one.flows) > most:
        yield f"  and {several(len(one.flows) - most, 'flow')} more: --verbose shows them"
    for title, side in (("before", one.before), ("after", one.after)):
        said = f"  {harmless(side.comment)}" if side.comment else ""
        yield f"    {title:7} {deed_words(side)}, by {paint('place', harmless(side.place))}{said}"
    yield f"    {'example':7} {harmless(one.witness)}"


def compared_markdown(result: GenerationsCompared, look: Look) -> str:
    """A heading, and a table of what differs."""
    lines = [f"## {plain(_summary(result))}", ""]
    if result.moved:
        rows = (
            (
                one.kind,
                "<br>".join(map(plain, one.flows)),
                plain(f"{deed_words(one.before)}, by {one.before.place}"),
                plain(f"{deed_words(one.after)}, by {one.after.place}"),
                code(one.witness),
            )
            for one in result.moved
        )
        lines += table(("what", "flows", "before", "after", "example"), rows)
    elif result.gap is not None:
        lines += gap_markdown(result.gap)
    return "\n".join(lines).rstrip() + "\n"


def compared_tree(result: GenerationsCompared) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "generations-compared",
        "host": result.host,
        "before": result.before,
        "after": result.after,
        "equivalent": result.gap is None,
        "instant": result.instant,
        "changes": [
            {
                "kind": one.kind,
                "flows": list(one.flows),
                "witness": one.witness,
                "before": {
                    "verdict": one.before.word,
                    "place": one.before.place,
                    "comment": one.before.comment or None,
                },
                "after": {"verdict": one.after.word, "place": one.after.place, "comment": one.after.comment or None},
            }
            for one in result.moved
        ],
        "difference": None if result.gap is None else gap_tree(result.gap),
    }
