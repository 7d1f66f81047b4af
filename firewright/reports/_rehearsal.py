"""What became of a rehearsal, as text, as Markdown and as a tree: a line for each way, a block for each thing that differs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from firewright.diagnostic import harmless
from firewright.model.moment import iso
from firewright.reports._findings_text import place, several
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Differing, Look, Played, Rehearsal, Rehearsed
from firewright.reports._tree import place_tree

MOST_SHOWN = 20
"""Differences that are shown of one firewall where not all are asked for."""


def rehearsal_text(rehearsal: Rehearsal, look: Look) -> str:
    """Each firewall: what differs, scenes, ways if much is wanted, and one line of what came of it."""
    paint = Paint(look.is_coloured)
    return "\n".join(line for one in rehearsal.rehearsed for line in _text(one, look, paint)) + "\n"


def _text(one: Rehearsed, look: Look, paint: Paint) -> Iterator[str]:
    shown = one.differing if look.is_verbose else one.differing[:MOST_SHOWN]
    for differing in shown:
        yield from _differing(differing, paint)
    if len(shown) < len(one.differing):
        yield f"and {len(one.differing) - len(shown)} more: --verbose shows them"
    for scene in one.scenes:
        if look.is_verbose or not scene.holds:
            yield f"{paint('open' if scene.holds else 'error', scene_words(scene))}"
    if look.is_verbose or one.differing:
        width = max((len(_way(way.source, way.destination)) for way in one.ways), default=0)
        for way in one.ways:
            agreed = "all as the policy says" if way.agreed == way.sent else f"{way.agreed} as the policy says"
            yield f"  {_way(way.source, way.destination):{width}}  {way.sent:7,} packets, {agreed}"
    if look.is_verbose:
        for reason, count in one.uncarried.items():
            yield f"  not sent: {several(count, 'packet')}: {reason}"
    yield f"{paint('open' if one.passed else 'error', state_words(one))}: {summary_words(one)}"


def _differing(one: Differing, paint: Paint) -> Iterator[str]:
    where = f"{paint('place', place(one.at))}: " if one.at.path else ""
    yield f"{where}{paint('error', 'differs')}: {harmless(one.packet)} should be {harmless(one.expected)}, and is {harmless(one.found)}"
    if one.said:
        yield f"  by       {harmless(one.said)}"


def _way(source: str, destination: str) -> str:
    return f"{harmless(source, 40)} -> {harmless(destination, 40)}"


def scene_words(scene: Played) -> str:
    """What became of a scene in one sentence."""
    if scene.holds:
        return f"{harmless(scene.name)}: as the policy says"
    said = harmless(scene.why)
    return f"{harmless(scene.name)}: {said}" if scene.is_played else f"not rehearsed: {harmless(scene.name)}: {said}"


def state_words(one: Rehearsed) -> str:
    """Passed, failed, or passed as far as it went."""
    if one.failures or not one.sent:
        return "failed"
    return f"not all rehearsed ({len(one.unplayed)} left out)" if one.unplayed else "passed"


def summary_words(one: Rehearsed) -> str:
    """How much was sent and what came of it, in one line."""
    wrong = f", {one.failures} otherwise" if one.failures else ", all as the policy says"
    again = f", {several(one.again, 'packet')} sent again" if one.again else ""
    played = sum(scene.is_played for scene in one.scenes)
    return (
        f"{harmless(one.firewall)} of {harmless(one.policy)}: {several(one.sent, 'packet')} and {several(played, 'scene')}"
        f" through Linux {harmless(one.kernel)}{wrong}{again} ({one.rate:,} a second)"
    )


def rehearsal_markdown(rehearsal: Rehearsal, look: Look) -> str:
    """A heading for each firewall, a table of its ways, of what differs, and of its scenes."""
    lines: list[str] = []
    for one in rehearsal.rehearsed:
        lines += [f"## Rehearsal of {plain(one.firewall)}: {state_words(one)}", "", f"{plain(summary_words(one))}.", ""]
        ways = ((plain(way.source), plain(way.destination), str(way.sent), str(way.agreed)) for way in one.ways)
        lines += [*table(("from", "to", "packets", "as the policy says"), ways), ""]
        if one.differing:
            rows = (
                (
                    code(this.packet),
                    plain(this.expected),
                    plain(this.found),
                    code(place(this.at)) if this.at.path else "",
                )
                for this in one.differing
            )
            lines += [*table(("packet", "should be", "is", "place"), rows), ""]
        if one.scenes:
            lines += [*(f"- {plain(scene_words(scene))}" for scene in one.scenes), ""]
    return "\n".join(lines).rstrip() + "\n"


def rehearsal_tree(rehearsal: Rehearsal) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "rehearsal",
        "passed": rehearsal.passed,
        "firewalls": [_tree(one) for one in rehearsal.rehearsed],
    }


def _tree(one: Rehearsed) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "file": one.path,
        "firewall": one.firewall,
        "day": iso(one.day),
        "kernel": one.kernel,
        "passed": one.passed,
        "packets": one.sent,
        "packets_per_second": one.rate,
        "sent_again": one.again,
        "ways": [
            {"from": way.source, "to": way.destination, "packets": way.sent, "agreed": way.agreed} for way in one.ways
        ],
        "differing": [
            {
                "packet": this.packet,
                "expected": this.expected,
                "found": this.found,
                "rule": this.said,
                "at": place_tree(this.at),
            }
            for this in one.differing
        ],
        "scenes": [
            {"name": scene.name, "played": scene.is_played, "holds": scene.holds, "why": scene.why}
            for scene in one.scenes
        ],
        "uncarried": dict(one.uncarried),
    }
