"""A smaller ruleset or policy that does the same, as a difference of texts, as Markdown and as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from firewright.diagnostic import harmless
from firewright.reports._anomalies import PlacedRule, rule_tree
from firewright.reports._findings_text import place, several
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.source import Source


@dataclass(frozen=True, slots=True)
class Gone:
    """A rule, a chain or an object that is left out, and why it can be."""

    rule: PlacedRule
    why: str


@dataclass(frozen=True, slots=True)
class Tidied:
    """A ruleset's or a policy's text, and a smaller one that does the same with every packet: proved, or there is none.

    `gone` is what is left out, `stays` what decides nothing and must stay nevertheless, with the reason. `note` says how the
    text was made, where that needs saying. `scope` are the packets, and of a policy the days, for which it is proved.
    """

    path: str
    before: str
    after: str
    rules: int
    gone: tuple[Gone, ...]
    stays: tuple[Gone, ...]
    sources: Mapping[str, Source]
    note: str = ""
    scope: str = "with every packet of IPv4 and IPv6 in every state"
    is_policy: bool = False

    @property
    def is_smaller(self) -> bool:
        """Whether anything is left out."""
        return bool(self.gone)


def tidied_text(tidied: Tidied, look: Look) -> str:
    """The difference of the two texts; what stays if much is wanted; one line of what was proved."""
    paint = Paint(look.is_coloured)
    lines = list(_difference(tidied, paint))
    for one in tidied.gone if look.is_verbose else ():
        lines.append(f"{_where(one.rule, paint)}: left out: {harmless(one.why)}")
    for one in tidied.stays if look.is_verbose else ():
        lines.append(f"{_where(one.rule, paint)}: stays: {harmless(one.why)}")
    if tidied.note:
        lines.append(f"note: {harmless(tidied.note)}")
    lines.append(f"{paint('open', 'proved')}: {summary(tidied)}" if tidied.is_smaller else summary(tidied))
    return "\n".join(lines) + "\n"


def summary(tidied: Tidied) -> str:
    """How much is left out, in one sentence."""
    path = harmless(tidied.path)
    if not tidied.is_smaller:
        return f"{path}: nothing can be left out of {several(tidied.rules, 'rule')}"
    rules = sum(bool(one.rule.text) for one in tidied.gone)
    objects = len(tidied.gone) - rules
    rest = f" and {several(objects, 'definition' if tidied.is_policy else 'object')}" if objects else ""
    what = "means the same" if tidied.is_policy else "does the same"
    return f"{path} {what} without {rules:,} of {several(tidied.rules, 'rule')}{rest}, {harmless(tidied.scope)}"


def _difference(tidied: Tidied, paint: Paint) -> Iterator[str]:
    before, after = tidied.before.splitlines(), tidied.after.splitlines()
    for line in unified_diff(before, after, tidied.path, f"{tidied.path} (tidied)", lineterm="", n=2):
        style = {"-": "closed", "+": "open", "@": "faint"}.get(line[:1], "")
        shown = harmless(line.expandtabs(4), 2000)
        yield paint(style, shown) if style else shown


def _where(rule: PlacedRule, paint: Paint) -> str:
    shown = harmless(rule.place)
    return f"{paint('place', place(rule.at))}: {shown}" if rule.at.line else paint("place", shown)


def tidied_markdown(tidied: Tidied, look: Look) -> str:
    """A heading, and a table of what is left out."""
    lines = [f"## {plain(summary(tidied))}", ""]
    for title, some in (("left out", tidied.gone), ("stays", tidied.stays)):
        if some:
            rows = (
                (plain(one.rule.place), code(one.rule.text) if one.rule.text else "", plain(one.why)) for one in some
            )
            lines += [*table((title, "words", "why"), rows), ""]
    if tidied.note:
        lines.append(f"{plain(tidied.note)}.")
    return "\n".join(lines).rstrip() + "\n"


def tidied_tree(tidied: Tidied) -> dict[str, Any]:
    """The same as mappings and lists, with the whole smaller text."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "tidied",
        "file": tidied.path,
        "of": "policy" if tidied.is_policy else "ruleset",
        "rules": tidied.rules,
        "proved": True,
        "scope": tidied.scope,
        "gone": [{**rule_tree(one.rule), "why": one.why} for one in tidied.gone],
        "stays": [{**rule_tree(one.rule), "why": one.why} for one in tidied.stays],
        "note": tidied.note,
        "text": tidied.after,
    }
