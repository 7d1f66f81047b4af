"""Two subjects of any kind side by side, as text, as Markdown and as a tree: what opens and closes, and which rules cause it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import harmless
from firewright.reports._findings_text import place, several
from firewright.reports._lines import columns, folded
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import flow_tree, place_tree
from firewright.source import NOWHERE, Span

if TYPE_CHECKING:
    from firewright.analysis.words import FlowWords

SORTS = (
    ("opens", "may open", "what the first stops and the second lets through", "open"),
    ("closes", "may close", "what the first lets through and the second stops", "closed"),
    ("answers", "may answer", "what the first stops silently and the second refuses with an answer", "asked"),
    ("hides", "may hide", "what the first refuses with an answer and the second stops silently", "asked"),
)
"""The ways in which a packet notices that two subjects differ, in the order of their weight."""
DOES = {"accept": "lets through", "drop": "drops", "reject": "refuses"}
MOST_FLOWS, MOST_CHANGES, MOST_UNKNOWN = 8, 24, 4
"""So many flows of a change, changes of a sort, and rules that a decision depends on, are told; the rest is counted."""
_UNCUT = 10_000


@dataclass(frozen=True, slots=True)
class Decider:
    """What one side does with the example: the word, where its rule stands, the rule, and what on the way is not understood."""

    word: str
    place: str
    rule: str
    at: Span = NOWHERE
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differs:
    """Packets that the sides decide differently; without `flows` these are too many to be told.

    `sort` is a word of SORTS; `pairs` counts the pairs of rules behind the flows.
    """

    sort: str
    is_certain: bool
    flows: tuple[FlowWords, ...]
    example: str
    before: Decider
    after: Decider
    pairs: int = 1


@dataclass(frozen=True, slots=True)
class Contrasted:
    """Every difference between two subjects; `kinds` are what they were read from, `what` says which packets were compared.

    `uncompared` says of what nothing is proved, in sentences; `notes` on what the answer rests; `undecided` what the budget
    did not suffice for.
    """

    before: str
    after: str
    kinds: tuple[str, str]
    what: str
    families: tuple[int, ...]
    changes: tuple[Differs, ...]
    is_equivalent: bool
    uncompared: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    undecided: tuple[str, ...] = ()

    def of(self, sort: str, *, is_certain: bool) -> tuple[Differs, ...]:
        """The changes of a sort that are certain, or those that hang on what is not understood."""
        return tuple(one for one in self.changes if one.sort == sort and one.is_certain is is_certain)


def contrast_text(found: Contrasted, look: Look) -> str:
    """Every difference under its sort, the certain ones first; or that there is none, which is proved."""
    paint = Paint(look.is_coloured)
    blocks = []
    for sort, perhaps, says, style in SORTS:
        for word, is_certain in ((sort, True), (perhaps, False)):
            changes = found.of(sort, is_certain=is_certain)
            if changes:
                said = says if is_certain else f"{says} where a condition is so that no header tells"
                rows = [paint(style, word) + paint("faint", f"  {said}")]
                shown = changes if look.is_verbose else changes[:MOST_CHANGES]
                rows += [row for change in shown for row in _change(change, found, look, paint)]
                if len(shown) < len(changes):
                    rows.append(paint("faint", f"  and {len(changes) - len(shown)} more; -v shows all"))
                blocks.append("\n".join(rows))
    notes = [paint("faint", f"note: {_safe(one)}") for one in found.notes]
    tail = [f"{paint('asked', 'not compared')}: {_safe(one)}" for one in found.uncompared]
    tail += [f"{paint('asked', 'not decided')}: {_safe(one)}" for one in found.undecided]
    name = paint("title", _safe(f"{found.before} -> {found.after}"))
    blocks.append("\n".join([*notes, *tail, f"{name}: {contrast_words(found)}"]))
    return "\n\n".join(blocks) + "\n"


def contrast_words(found: Contrasted) -> str:
    """The outcome in one line."""
    families = " and ".join(f"IPv{family}" for family in found.families)
    if found.undecided and not found.changes:
        return "not decided"
    if not found.changes:
        proved = f"equivalent, proved for {found.what} of {families}" if found.families else "nothing is compared"
        return proved if found.is_equivalent or not found.families else f"{proved} alone"
    counts = [
        (word, len(found.of(sort, is_certain=is_certain)))
        for sort, perhaps, _, _ in SORTS
        for word, is_certain in ((sort, True), (perhaps, False))
    ]
    counted = ", ".join(f"{number} {word}" for word, number in counts if number)
    return f"different: {counted}{', and not all was decided' if found.undecided else ''}"


def _change(change: Differs, found: Contrasted, look: Look, paint: Paint) -> Iterator[str]:
    shown = change.flows if look.is_verbose else change.flows[:MOST_FLOWS]
    for flow in shown:
        words = _safe(str(flow))
        if len(found.families) == 1:
            words = words.removesuffix(f" (IPv{found.families[0]} only)")
        rows = folded(words, look.width - 2, look.width - 4) if look.is_cut else [words]
        yield f"  {rows[0]}"
        yield from (f"    {row}" for row in rows[1:])
    if len(shown) < len(change.flows):
        yield paint("faint", f"  and {several(len(change.flows) - len(shown), 'flow')} more; -v shows all")
    if not change.flows:
        yield "  too many flows to be told; the example is one packet of them"
    for side, one in (("before", change.before), ("after", change.after)):
        yield from _decider(side, one, look, paint)
    yield f"    example {harmless(change.example)}"
    if change.pairs > 1:
        yield paint("faint", f"    and {several(change.pairs - 1, 'pair')} of rules more; --rule shows each")


def _decider(side: str, one: Decider, look: Look, paint: Paint) -> Iterator[str]:
    style = "open" if one.word == "accept" else "closed"
    where = place(one.at) if one.at.path else ""
    head = f"    {side:7} {paint(style, DOES.get(one.word, one.word))}  "
    said = ": ".join(filter(None, (_safe(one.place), _safe(one.rule))))
    used = 12 + columns(DOES.get(one.word, one.word)) + 2
    line = "  ".join(filter(None, (where, said)))
    rows = folded(line, look.width - used, look.width - 12) if look.is_cut else [line]
    yield f"{head}{rows[0]}".rstrip()
    yield from (" " * 12 + row for row in rows[1:])
    unknown = one.unknown if look.is_verbose else one.unknown[:MOST_UNKNOWN]
    for text in unknown:
        yield f"            {paint('asked', 'depends on')}  {_safe(text)}"
    if len(unknown) < len(one.unknown):
        yield paint("faint", f"            and {several(len(one.unknown) - len(unknown), 'rule')} more; -v shows all")


def _safe(text: str) -> str:
    return harmless(text, _UNCUT)


def contrast_markdown(found: Contrasted, look: Look) -> str:
    """A heading for each sort of difference, a table row for each change."""
    lines = [f"## {plain(found.before)} → {plain(found.after)}", "", f"{plain(contrast_words(found))}.", ""]
    for sort, perhaps, says, _ in SORTS:
        for word, is_certain in ((sort, True), (perhaps, False)):
            changes = found.of(sort, is_certain=is_certain)
            if changes:
                rows = (
                    (
                        "<br>".join(code(str(flow)) for flow in change.flows) or "too many to be told",
                        _decider_cell(change.before),
                        _decider_cell(change.after),
                        code(change.example),
                    )
                    for change in changes
                )
                lines += [f"### {word.capitalize()}: {says}", ""]
                lines += [*table(("flows", "before", "after", "example"), rows), ""]
    rest = [f"not compared: {one}" for one in found.uncompared]
    rest += [*(f"not decided: {one}" for one in found.undecided), *found.notes]
    lines += [f"- {plain(one)}" for one in rest]
    return "\n".join(lines).rstrip() + "\n"


def _decider_cell(one: Decider) -> str:
    said = [DOES.get(one.word, one.word), plain(one.place)]
    said += [code(one.rule)] if one.rule else []
    said += [f"({code(place(one.at))})"] if one.at.path else []
    unknown = "".join(f"<br>depends on {code(text)}" for text in one.unknown[:MOST_UNKNOWN])
    if len(one.unknown) > MOST_UNKNOWN:
        unknown += f"<br>and on {several(len(one.unknown) - MOST_UNKNOWN, 'rule')} more"
    return " ".join(filter(None, said)) + unknown


def contrast_tree(found: Contrasted) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "comparison",
        "before": {"name": found.before, "kind": found.kinds[0]},
        "after": {"name": found.after, "kind": found.kinds[1]},
        "compared": {"packets": found.what, "families": [f"IPv{family}" for family in found.families]},
        "equivalent": found.is_equivalent,
        **{sort: [_tree(one) for one in found.changes if one.sort == sort] for sort, *_ in SORTS},
        "not_compared": list(found.uncompared),
        "not_decided": list(found.undecided),
        "notes": list(found.notes),
    }


def _tree(one: Differs) -> dict[str, Any]:
    return {
        "certain": one.is_certain,
        "flows": [flow_tree(flow) for flow in one.flows],
        "witness": one.example,
        "rule_pairs": one.pairs,
        "before": _decider_tree(one.before),
        "after": _decider_tree(one.after),
    }


def _decider_tree(one: Decider) -> dict[str, Any]:
    return {
        "verdict": one.word,
        "place": one.place or None,
        "rule": one.rule or None,
        "at": place_tree(one.at),
        "depends_on": list(one.unknown),
    }
