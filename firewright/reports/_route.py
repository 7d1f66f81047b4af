"""What rulesets answer to a question, as text, as Markdown and as a tree: each part with the rule at every firewall, and its replies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._findings_text import place
from firewright.reports._lines import columns, folded
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree
from firewright.source import NOWHERE, Span

DOES = {"accept": "lets through", "drop": "drops", "reject": "refuses"}
OUTCOMES = {"accept": "open", "drop": "closed, silently", "reject": "closed, callers are told"}
_UNCUT = 10_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What one firewall does: accept, drop or reject, surely or not, and by which rule; `place` is empty where none judges.

    `depends` are the rules on whose reading it hangs where it is not certain.
    """

    firewall: str
    verdict: str
    is_certain: bool
    place: str
    rule: str
    at: Span = NOWHERE
    depends: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it does, in words."""
        does = DOES.get(self.verdict, self.verdict)
        return does if self.is_certain else f"possibly {does}"


@dataclass(frozen=True, slots=True)
class Returned:
    """What becomes of answers that the same rules decide, the firewalls in the order in which they meet them."""

    flows: tuple[str, ...]
    judged: tuple[Judged, ...]
    is_stateful: bool
    is_untracked: bool
    witness: str

    @property
    def is_open(self) -> bool:
        """Whether they come through."""
        return all(one.verdict == "accept" for one in self.judged)

    @property
    def words(self) -> str:
        """What becomes of them, in words."""
        of_what = "untracked replies" if self.is_untracked else "replies"
        if self.is_open:
            sure = "" if all(one.is_certain for one in self.judged) else "possibly "
            how = ", as replies to a known flow" if self.is_stateful else ", whatever connection tracking knows of them"
            return f"{of_what} {sure}come through{'' if self.is_untracked else how}"
        stop = next(one for one in self.judged if one.verdict != "accept")
        return f"{of_what} are stopped by {stop.firewall}"


@dataclass(frozen=True, slots=True)
class RoutePart:
    """Packets of a question that the same rules decide at every firewall, with one of them as `witness`."""

    flows: tuple[str, ...]
    is_open: bool
    is_certain: bool
    verdict: str
    stopped_by: str
    judged: tuple[Judged, ...]
    replies: tuple[Returned, ...]
    witness: str
    rewrites: tuple[tuple[str, str, str, str], ...] = ()
    """At which firewall they are given another destination: its name, where they go, the rule's place, and its words."""

    @property
    def words(self) -> str:
        """What becomes of them on the whole way, in words."""
        said = OUTCOMES.get(self.verdict, self.verdict)
        by = f", by {self.stopped_by}" if self.stopped_by and len(self.judged) > 1 else ""
        return f"{said}{by}" if self.is_certain else f"possibly {said}{by}"


@dataclass(frozen=True, slots=True)
class RouteAnswers:
    """What firewalls in series do with the packets of each question; `notes` are what the answer leaves out.

    `undecided` is what the budget did not suffice for, in sentences.
    """

    firewalls: tuple[tuple[str, str], ...]
    answers: tuple[tuple[str, tuple[RoutePart, ...]], ...]
    notes: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def route_text(answers: RouteAnswers, look: Look) -> str:
    """Each part of each question: the flows and what becomes of them, the rule at each firewall, the replies."""
    paint = Paint(look.is_coloured)
    blocks = []
    for question, parts in answers.answers:
        rows = [paint("title", _safe(question))] if len(answers.answers) > 1 else []
        for part in parts:
            rows += _part(part, look, paint)
        if not parts:
            nothing = "no packet is asked about: the two ends share no address family"
            rows.append("nothing of it was decided" if answers.undecided else nothing)
        blocks.append("\n".join(rows))
    text = "\n\n".join(blocks)
    notes = "".join(f"\n{paint('faint', f'note: {_safe(note)}')}" for note in answers.notes)
    rest = "".join(f"\n{paint('asked', 'not decided')}: {_safe(one)}" for one in answers.undecided)
    return f"{text}{notes}{rest}\n"


def _part(part: RoutePart, look: Look, paint: Paint) -> Iterator[str]:
    first, *more = part.flows
    yield f"{paint('title', _safe(first))}: {paint('open' if part.is_open else 'closed', part.words)}"
    yield from (f"  and {_safe(flow)}" for flow in more)
    for name, target, where, rule in part.rewrites:
        yield from _fold(
            f"  {_safe(name)}  sends them on to {_safe(target)} (NAT): {_safe(where)}  {_safe(rule)}", look
        )
    yield from _judged(part.judged, "  ", look, paint)
    for back in part.replies:
        if back.is_open and not look.is_verbose and len(part.replies) == 1:
            where = "; ".join(_where(one) for one in back.judged)
            yield from _fold(f"  {paint('open', back.words)}: {where}", look)
            continue
        yield f"  {paint('open' if back.is_open else 'closed', back.words)}"
        yield from (f"    {_safe(flow)}" for flow in back.flows)
        yield from _judged(back.judged, "    ", look, paint)
        if look.has_witness:
            yield f"    {paint('faint', 'example')}: {harmless(back.witness)}"
    if look.has_witness:
        yield f"  {paint('faint', 'example')}: {harmless(part.witness)}"


def _fold(text: str, look: Look) -> Iterator[str]:
    rows = folded(text, look.width, look.width - 4) if look.is_cut else [text]
    yield rows[0]
    yield from (f"    {row}" for row in rows[1:])


def _where(one: Judged) -> str:
    """The place and the words of a rule, or that no chain judges."""
    rule = f"  {_safe(one.rule)}" if one.rule else ""
    at = f"{place(one.at)} " if one.at.line else ""
    return f"{at}{_safe(one.place)}{rule}" if one.place else "no base chain judges it"


def _judged(several: Sequence[Judged], indent: str, look: Look, paint: Paint) -> Iterator[str]:
    wide = max(columns(_safe(one.firewall)) for one in several)
    does = max(columns(one.words) for one in several)
    for one in several:
        name = _safe(one.firewall)
        style = "open" if one.verdict == "accept" else "closed"
        head = (
            f"{indent}{name}{' ' * (wide - columns(name))}  {paint(style, one.words)}{' ' * (does - len(one.words))}  "
        )
        used = len(indent) + wide + does + 4
        rows = folded(_where(one), look.width - used, look.width - used) if look.is_cut else [_where(one)]
        yield f"{head}{rows[0]}"
        yield from (" " * used + row for row in rows[1:])
        yield from (f"{' ' * used}{paint('asked', 'depends on')} {_safe(text)}" for text in one.depends)


def _safe(text: str) -> str:
    return harmless(text, _UNCUT)


def route_markdown(answers: RouteAnswers, look: Look) -> str:
    """A heading for each question, a row for each part."""
    lines: list[str] = []
    for question, parts in answers.answers:
        rows = (
            (
                "<br>".join(map(code, part.flows)),
                plain(part.words),
                "<br>".join(map(_cell, part.judged)),
                "<br>".join(plain(back.words) for back in part.replies),
                code(part.witness),
            )
            for part in parts
        )
        lines += [f"## {plain(question)}", "", *table(("flows", "outcome", "rules", "replies", "example"), rows), ""]
    lines += [f"- not decided: {plain(one)}" for one in answers.undecided]
    lines += [f"- {plain(note)}" for note in answers.notes]
    return "\n".join(lines).rstrip() + "\n"


def _cell(one: Judged) -> str:
    depends = "".join(f"<br>depends on {code(text)}" for text in one.depends)
    return f"{plain(one.firewall)} {one.words}: {code(_where(one))}{depends}"


def route_tree(answers: RouteAnswers) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "ruleset-answers",
        "firewalls": [{"name": name, "file": path or None} for name, path in answers.firewalls],
        "answers": [
            {
                "question": question,
                "parts": [
                    {
                        "open": part.is_open,
                        "verdict": part.verdict,
                        "certain": part.is_certain,
                        "words": part.words,
                        "stopped_by": part.stopped_by or None,
                        "flows": list(part.flows),
                        "rewritten": [
                            {"firewall": name, "to": target, "place": where, "rule": rule}
                            for name, target, where, rule in part.rewrites
                        ],
                        "firewalls": list(map(_judged_tree, part.judged)),
                        "replies": list(map(_returned_tree, part.replies)),
                        "witness": part.witness,
                    }
                    for part in parts
                ],
            }
            for question, parts in answers.answers
        ],
        "notes": list(answers.notes),
        "not_decided": list(answers.undecided),
    }


def _judged_tree(one: Judged) -> dict[str, Any]:
    return {
        "firewall": one.firewall,
        "verdict": one.verdict,
        "certain": one.is_certain,
        "place": one.place or None,
        "rule": one.rule or None,
        "at": place_tree(one.at),
        "depends_on": list(one.depends),
    }


def _returned_tree(one: Returned) -> dict[str, Any]:
    return {
        "open": one.is_open,
        "stateful": one.is_stateful,
        "untracked": one.is_untracked,
        "words": one.words,
        "flows": list(one.flows),
        "firewalls": list(map(_judged_tree, one.judged)),
        "witness": one.witness,
    }
