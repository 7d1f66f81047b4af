"""What an audit's findings are set against, shown: those that somebody answers for, and the requirements of standards."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.diagnostic import harmless
from firewright.reports._findings_text import place, several
from firewright.reports._fingerprint import fingerprint
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import Audit, Look, Mark, SetAside
from firewright.reports._tree import Tree, diagnostic_tree, place_tree


def aside_words(one: SetAside) -> str:
    """Who answers for a finding: `suppressed until 2027-03-31 by the network team: a lab`, or that a baseline knew it."""
    if one.how == "baseline":
        return "known to the baseline"
    return f"{one.how} until {one.until} by {one.owner}: {one.reason}"


def mark_words(one: Mark) -> str:
    """Whether something was found against a requirement; nothing found is no proof that it is met."""
    if not one.looks_for:
        return "not judged"
    return f"{several(len(one.against), 'finding')} against it" if one.against else "nothing found against it"


def aside_lines(audit: Audit, look: Look, paint: Paint) -> Iterator[str]:
    """A line for what each owner answers for; one for a whole baseline unless everything is wanted."""
    known = sum(one.how == "baseline" for one in audit.set_aside)
    if known and not look.is_verbose:
        yield paint("faint", f"{several(known, 'finding')} known to the baseline; -v shows all")
    for one in audit.set_aside:
        if one.how != "baseline" or look.is_verbose:
            at = f" ({place(one.at)})" if one.at.path else ""
            said = f"{one.finding.name}: {one.finding.message}, {aside_words(one)}{at}"
            yield paint("faint", harmless(f"set aside {said}", 2000))


MOST_AGAINST = 10
"""Findings that are told again below a requirement where not everything is wanted."""


def mark_lines(audit: Audit, look: Look, paint: Paint) -> Iterator[str]:
    """A line for each requirement, and what was found against it below."""
    for one in audit.marks:
        style = "closed" if one.against else "faint"
        yield f"{harmless(f'{one.standard} {one.number}', 60)}: {paint(style, mark_words(one))}  {harmless(one.title)}"
        told = one.against if look.is_verbose else one.against[:MOST_AGAINST]
        yield from (f"  {harmless(message, 2000)}" for message in told)
        if len(told) < len(one.against):
            yield paint("faint", f"  and {several(len(one.against) - len(told), 'finding')} more; -v shows all")


def triage_markdown(audit: Audit) -> Iterator[str]:
    """What is set aside, and the requirements, as tables."""
    if audit.set_aside:
        rows = (
            (code(one.finding.name), plain(one.finding.message), plain(aside_words(one))) for one in audit.set_aside
        )
        yield from ("", "### Set aside", "")
        yield from table(("finding", "what", "who answers for it"), rows)
    if audit.marks:
        yield from ("", "### Standards", "")
        marks = (
            (plain(f"{one.standard} {one.number}"), plain(one.title), plain(mark_words(one)),
             "<br>".join(map(plain, _few_against(one))))
            for one in audit.marks
        )  # fmt: skip
        yield from table(("requirement", "about", "state", "findings"), marks)


def _few_against(one: Mark) -> list[str]:
    left = len(one.against) - MOST_AGAINST
    return [*one.against[:MOST_AGAINST], *([f"and {several(left, 'finding')} more"] if left > 0 else [])]


def aside_tree(one: SetAside) -> Tree:
    """A finding that is set aside, with who answers for it."""
    return {
        **diagnostic_tree(one.finding),
        "id": fingerprint(one.finding),
        "how": one.how,
        "owner": one.owner or None,
        "reason": one.reason or None,
        "until": one.until or None,
        "set_aside_at": place_tree(one.at),
    }


def mark_tree(one: Mark) -> Tree:
    """A requirement, and what was found against it."""
    return {
        "standard": one.standard,
        "number": one.number,
        "title": one.title,
        "state": mark_words(one) if not one.against else "against",
        "looks_for": list(one.looks_for),
        "against": list(one.against),
    }
