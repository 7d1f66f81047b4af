"""Answers as a person reads them: one line for each firewall on the way, with the place of the word that decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from firewright.diagnostic import harmless
from firewright.model.decision import Outcome
from firewright.model.moment import iso
from firewright.model.policy import Action
from firewright.reports._findings_text import place
from firewright.reports._lines import columns, folded
from firewright.reports._paint import Paint, outcome_style
from firewright.reports._result import Answers, Look

if TYPE_CHECKING:
    from firewright.analysis.ask import Answer, Part, Ruling

DOES = {
    Outcome.REQUIRED: "requires",
    Outcome.ALLOWED: "allows",
    Outcome.ESSENTIAL: "allows",
    Outcome.LOOPBACK: "allows",
    Outcome.UNENFORCED: "is not passed",
    Outcome.REQUESTED: "on request",
    Outcome.DENIED: "denies",
    Outcome.REJECTED: "rejects",
    Outcome.CLOSED: "closes",
    Outcome.UNOPENED: "does not open",
    Outcome.SPOOFED: "drops",
}
LEAST_REASON = 30
"""Columns that a reason gets at least beside the rest of its line; in less it stands under it."""
ASIDES = (Outcome.SPOOFED, Outcome.LOOPBACK)
"""What no policy decides: told only where much is wanted, or where nothing else is to tell."""
ASSUMPTION = "Paths are taken as symmetric: a packet passes a firewall if its ends lie on different legs of it; routing is not looked at."


def answers_text(answers: Answers, look: Look) -> str:
    """Every answer; where several policies or directions are asked, each under a heading.

    Loopback addresses from elsewhere are dropped, and loopback passes, whatever a policy says: that is told only where much
    is wanted.
    """
    paint = Paint(look.is_coloured)
    has_headings = len(answers.answers) > 1
    blocks = ["\n".join(_answer(one, look, paint, has_headings)) for one in answers.answers]
    text = "\n\n".join(blocks) if has_headings else "".join(blocks)
    if look.is_verbose:
        text += f"\n\n{ASSUMPTION}"
    return text + "\n"


def _answer(answer: Answer, look: Look, paint: Paint, has_heading: bool) -> Iterator[str]:
    if has_heading:
        name = harmless(answer.policy.name)
        yield paint("title", whole(str(answer.question))) + paint("faint", f"  ({name})")
    if not answer.parts:
        yield "no packet is asked about: the two ends share no address family"
        return
    parts = [part for part in answer.parts if look.is_verbose or part.outcome not in ASIDES] or answer.parts
    own = [part for part in parts if look.is_verbose or part.outcome is not Outcome.ESSENTIAL] or parts
    if len(parts) == 1:
        yield from _rulings(parts[0], look, paint, answer.question.term.word, "")
        return
    for part in own:
        yield from _heading(part, look, paint)
        yield from _rulings(part, look, paint, "", "  ")
    if len(own) < len(parts):
        yield from _essentials(parts, look, paint)


def _essentials(parts: Sequence[Part], look: Look, paint: Paint) -> Iterator[str]:
    """What passes because no machine can do without, by name, in one line."""
    found = (part.passing for part in parts if part.outcome is Outcome.ESSENTIAL)
    names = dict.fromkeys(ruling.decision.reason.partition(":")[0] for rulings in found for ruling in rulings)
    words = f"always passes, as essentials (-v shows them): {', '.join(filter(None, names))}"
    for number, row in enumerate(folded(words, look.width, look.width - 6) if look.is_cut else [words]):
        yield ("      " if number else "") + paint("faint", row)


def _heading(part: Part, look: Look, paint: Paint) -> Iterator[str]:
    """The flows of a part, and what becomes of them on the whole path."""
    overall = overall_words(part)
    style = outcome_style(part.is_open, part.outcome.value)
    for number, line in enumerate(part.lines):
        words = whole(str(line)) + (":" if number == 0 else "")
        rows = folded(words, look.width - (0 if number == 0 else 6), look.width - 6) if look.is_cut else [words]
        if number:
            yield f"  and {rows[0]}"
            yield from (f"      {row}" for row in rows[1:])
            continue
        *above, last = rows
        yield from (paint("title", f"{'      ' if row_number else ''}{row}") for row_number, row in enumerate(above))
        last = ("      " if above else "") + last
        tail = folded(overall, look.width - columns(last) - 1, look.width - 6) if look.is_cut else [overall]
        yield f"{paint('title', last[:-1])}: {paint(style, tail[0])}".rstrip()
        yield from (f"      {paint(style, row)}" for row in tail[1:])


def overall_words(part: Part) -> str:
    """What becomes of these packets on the whole path: open, or why not, where first, and how many firewalls more stop them."""
    outcome = part.outcome
    if outcome is Outcome.UNENFORCED:
        return "not enforced, no firewall is passed"
    if part.is_open:
        return "open, and required" if outcome is Outcome.REQUIRED else "open"
    first = part.stops[0]
    by = f" by {first.decision.firewall.name}" if len(part.passing) > 1 else ""
    is_answered = first.decision.action is Action.REJECT
    tail = ", callers are told" if is_answered else ", silently" if outcome is Outcome.CLOSED else ""
    more = len(part.stops) - 1
    rest = f"; {more} more would stop it" if more else ""
    return f"{outcome.value}{by}{tail}{rest}"


def _rulings(part: Part, look: Look, paint: Paint, service: str, indent: str) -> Iterator[str]:
    passing = part.passing
    if not passing:
        where = "no firewall stands between these, so nothing can enforce a rule about them"
        yield f"{indent}{paint('asked', 'not enforced')}  {where}"
    rows = [_row(ruling, service) for ruling in passing]
    widths = [max((columns(row[cell]) for row in rows), default=0) for cell in range(4)]
    for ruling, row in zip(passing, rows, strict=True):
        style = outcome_style(ruling.decision.outcome.is_open, ruling.decision.outcome.value)
        painted = [row[0], paint(style, row[1]), row[2], paint("place", row[3])]
        cells = [text + " " * (widths[cell] - columns(row[cell])) for cell, text in enumerate(painted) if widths[cell]]
        used = len(indent) + sum(width + 2 for width in widths if width)
        if not look.is_cut:
            yield f"{indent}{'  '.join((*cells, row[4]))}".rstrip()
        elif used + LEAST_REASON <= look.width:
            why = folded(row[4], look.width - used, look.width - used)
            yield f"{indent}{'  '.join((*cells, why[0]))}".rstrip()
            yield from (" " * used + words for words in why[1:])
        else:
            yield from _stacked(row, painted, indent, look.width)
    if look.has_witness:
        yield f"{indent}{paint('faint', 'example')}  {part.witness}"


def _stacked(row: tuple[str, ...], painted: list[str], indent: str, width: int) -> Iterator[str]:
    """A firewall's line where it does not fit: who and what, then the rest in lines of its own under it."""
    inner = f"{indent}  "
    yield f"{indent}{painted[0]}  {painted[1]}"
    if row[2]:
        yield from (inner + words for words in folded(row[2], width - len(inner), width - len(inner)))
    yield inner + painted[3]
    if row[4]:
        yield from (inner + words for words in folded(row[4], width - len(inner), width - len(inner)))


def whole(text: str) -> str:
    """A text of a policy fit for a terminal, and never cut."""
    return harmless(text, len(text))


def _row(ruling: Ruling, service: str) -> tuple[str, str, str, str, str]:
    decision = ruling.decision
    does = DOES[decision.outcome]
    return decision.firewall.name, does, whole(service), where(ruling), why_words(ruling)


def where(ruling: Ruling) -> str:
    """The place of the word that decided; the policy's file where a firewall that nobody wrote down has its default."""
    return place(ruling.at) if ruling.at.path else harmless(ruling.policy.path)


def why_words(ruling: Ruling) -> str:
    """Why a firewall decides so, in the words of the line that it read."""
    decision, rule = ruling.decision, ruling.decision.rule
    match decision.outcome:
        case Outcome.ESSENTIAL:
            return (
                f"an essential: {decision.reason}"
                if decision.reason
                else "an essential that a machine cannot do without"
            )
        case Outcome.LOOPBACK:
            return "the machine speaks to itself"
        case Outcome.SPOOFED:
            return decision.reason or "its address does not belong to that interface"
        case Outcome.CLOSED if rule is None:
            return f"no rule allows it, and the default is {decision.action.value}"
        case Outcome.UNOPENED:
            return f"it opens only what is required; {rule_words(ruling)}"
        case Outcome.CLOSED:
            return f"no rule allows it, and the answer here is {decision.action.value}"
        case _:
            return rule_words(ruling)


def rule_words(ruling: Ruling) -> str:
    """A rule as it was written with its reason, in one line: `allow: [standard, rdp]  (agreed in ticket 7)`."""
    rule = ruling.decision.rule
    if rule is None:
        return ruling.decision.reason
    because = f"  ({rule.because})" if rule.because else ""
    return whole(f"{written(ruling)}{because}")


def written(ruling: Ruling) -> str:
    """A rule as it was written, in one line, with its name and its end where it has them; empty where no rule decided."""
    rule = ruling.decision.rule
    if rule is None:
        return ""
    words = ", ".join(term.word for term in rule.terms) or "any"
    said = f"{rule.verb}: [{words}]" if len(rule.terms) > 1 else f"{rule.verb}: {words}"
    name = f"{rule.name}: " if rule.name else ""
    until = f", until {iso(rule.until)}" if rule.until else ""
    return whole(f"{name}{said}{until}")


def reason(ruling: Ruling) -> str:
    """The rule's own reason; where no rule decided, that of what did, which may be empty."""
    decision = ruling.decision
    return whole(decision.reason if decision.rule is None else decision.rule.because)
