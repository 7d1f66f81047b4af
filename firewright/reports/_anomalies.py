"""Rules that could go, and pairs of which the order matters, as text, Markdown and a tree: each with its place and its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from firewright.diagnostic import Diagnostic, harmless
from firewright.reports._findings_text import place, several
from firewright.reports._markup import code, plain, table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.reports._tree import place_tree
from firewright.source import NOWHERE, Source, Span

PAIRS = ("generalised", "correlated")
"""What is said of two rules, and is no fault of either."""
FINDINGS = ("shadowed-rule", "needless-rule", "unreachable-rule", "unused-object")
"""The names under which an audit tells oddities; a large ruleset has hundreds of each."""
MOST_FINDINGS = 5
"""Of each of those so many are shown where not all are asked for."""
MOST_PAIRS = 20
"""Pairs that are shown where not all are asked for."""
_LONGEST = 300
_MORE = {True: "more of which the order matters", False: "more of a ban and a permission"}


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule: where it stands in its ruleset, in its own words, and in the file if that is known."""

    place: str
    text: str
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something to say of a rule, a chain or an object.

    `kind` is "shadowed", "redundant", "behind-final", "impossible", "unreachable", "ended", "generalised", "correlated", "unused",
    or "undecided" with `why`. `by` are the rules that cause it, the fewest that do if `is_fewest`; `differs` says that one of them
    decides otherwise. `stays` says why a redundant rule cannot go. `witness` is a packet.
    """

    kind: str
    rule: PlacedRule
    by: tuple[PlacedRule, ...] = ()
    differs: bool = False
    is_fewest: bool = True
    stays: str = ""
    witness: str = ""
    why: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether something could be better: pairs are as people mean them, mostly, and what stays, stays."""
        return self.kind not in PAIRS and not self.stays


@dataclass(frozen=True, slots=True)
class Anomalies:
    """Every oddity of a ruleset or a policy, in the order of its rules, then pairs, then unused objects.

    `not_judged` rules are in chains that are not judged (NAT, devices, bridges); `pairs_left` overlaps of rules were not
    looked at, since there are so many. `is_ordered` is whether the order of rules decides: in a policy it does not.
    """

    path: str
    rules: int
    not_judged: int
    oddities: tuple[Oddity, ...]
    pairs_left: int
    sources: Mapping[str, Source]
    is_ordered: bool = True

    @property
    def findings(self) -> tuple[Oddity, ...]:
        """Those that could be better."""
        return tuple(one for one in self.oddities if one.is_finding)

    def counted(self) -> Mapping[str, int]:
        """How many there are of each kind."""
        return Counter(one.kind for one in self.oddities)


def anomalies_text(found: Anomalies, look: Look) -> str:
    """A line of counts, then each rule with what is to be said of it, under it the rules that cause it."""
    paint = Paint(look.is_coloured)
    lines = [f"{paint('title', harmless(found.path))}: {counts(found)}"]
    for one in _shown(found, look):
        lines += _text(one, paint, is_ordered=found.is_ordered)
    hidden = sum(one.kind in PAIRS for one in found.oddities) - (0 if look.is_verbose else MOST_PAIRS)
    if hidden > 0 and not look.is_verbose:
        lines.append(paint("faint", f"and {several(hidden, 'pair')} {_MORE[found.is_ordered]}; -v shows all"))
    if found.pairs_left:
        lines.append(f"{several(found.pairs_left, 'overlap')} of rules not looked at: there are so many")
    return "\n".join(lines) + "\n"


def counts(found: Anomalies) -> str:
    """`120 rules: 3 shadowed, 1 redundant`."""
    said = ", ".join(f"{number:,} {kind}" for kind, number in found.counted().items()) or "nothing odd"
    unjudged = f" ({found.not_judged:,} not judged)" if found.not_judged else ""
    return f"{several(found.rules, 'rule')}{unjudged}: {said}"


def _shown(found: Anomalies, look: Look) -> Iterator[Oddity]:
    pairs = 0
    for one in found.oddities:
        pairs += one.kind in PAIRS
        if one.kind not in PAIRS or look.is_verbose or pairs <= MOST_PAIRS:
            yield one


def _text(one: Oddity, paint: Paint, *, is_ordered: bool) -> Iterator[str]:
    style = "warning" if one.is_finding else "note"
    yield f"{_where(one.rule, paint)}: {paint(style, sentence(one, is_ordered=is_ordered))}"
    if one.rule.text:
        yield f"      {harmless(one.rule.text, _LONGEST)}"
    for rule in one.by:
        yield f"  by  {_where(rule, paint)}{f': {harmless(rule.text, _LONGEST)}' if rule.text else ''}"
    if one.witness:
        yield f"  packet  {harmless(one.witness)}"


def _where(rule: PlacedRule, paint: Paint) -> str:
    shown = harmless(rule.place)
    return f"{paint('place', place(rule.at))}: {shown}" if rule.at.line else paint("place", shown)


_IN_POLICIES: Mapping[str, str] = {
    "ended": "ended: its last day is past",
    "generalised": "a special case: a permission holds all of its packets, and is denied there",
    "correlated": "a permission shares packets with it, and is denied there",
    "redundant": "redundant: without it each of its packets is decided the same",
    "unused": "unused: nothing names it",
}


def sentence(one: Oddity, *, is_ordered: bool = True) -> str:
    """What is to be said of a rule, in one sentence; of a policy's rules, where none is later, `is_ordered` is false."""
    if not is_ordered and one.kind in _IN_POLICIES:
        return _IN_POLICIES[one.kind] + (f"; it stays: {one.stays}" if one.stays else "")
    match one.kind:
        case "shadowed":
            who = "the rule takes" if len(one.by) == 1 else "these rules together take"
            other = ", and decides otherwise" if one.differs and len(one.by) == 1 else ""
            other = ", not all as it would" if one.differs and len(one.by) > 1 else other
            fewest = "" if one.is_fewest else " (fewer may do)"
            said = f"shadowed: {who} all of its packets{other}{fewest}"
        case "behind-final":
            said = "behind a final verdict: no packet comes so far" + (", and it would decide otherwise" * one.differs)
        case "impossible":
            said = "impossible: no packet that comes to its chain matches it"
        case "unreachable":
            said = "unreachable: no base chain comes here"
        case "redundant":
            said = "redundant: without it each of its packets is decided the same"
            said += f"; it stays, for {one.stays}" if one.stays else ""
        case "generalised":
            said = "a special case: a later rule holds all of its packets, and decides them otherwise"
        case "correlated":
            said = "order matters: a later rule shares packets with it, and decides them otherwise"
        case "unused":
            said = "unused: no rule names it"
        case _:
            said = f"{one.kind}: {harmless(one.why)}"
    return said


def anomalies_markdown(found: Anomalies, look: Look) -> str:
    """A heading, and a table of what is to be said."""
    lines = [f"## {plain(found.path)}: {plain(counts(found))}", ""]
    rows = (
        (
            plain(one.rule.place),
            code(one.rule.text) if one.rule.text else "",
            plain(sentence(one, is_ordered=found.is_ordered)),
            "<br>".join(f"{plain(rule.place)} {code(rule.text)}" for rule in one.by),
        )
        for one in _shown(found, look)
    )
    if found.oddities:
        lines += [*table(("rule", "words", "finding", "by"), rows), ""]
    if found.pairs_left:
        lines.append(f"{several(found.pairs_left, 'overlap')} of rules not looked at.")
    return "\n".join(lines).rstrip() + "\n"


def anomalies_tree(found: Anomalies) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "anomalies",
        "file": found.path,
        "of": "ruleset" if found.is_ordered else "policy",
        "rules": found.rules,
        "not_judged": found.not_judged,
        "counts": dict(found.counted()),
        "anomalies": [_tree(one) for one in found.oddities],
        "overlaps_left": found.pairs_left,
    }


def _tree(one: Oddity) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "rule": rule_tree(one.rule),
        "by": [rule_tree(rule) for rule in one.by],
        "is_fewest": one.is_fewest,
        "decides_otherwise": one.differs,
        "stays": one.stays,
        "packet": one.witness,
        "why": one.why,
    }


def rule_tree(rule: PlacedRule) -> dict[str, Any]:
    """A rule as a mapping."""
    return {"place": rule.place, "text": rule.text, "at": place_tree(rule.at)}


def few(said: Iterable[Diagnostic], look: Look) -> tuple[list[Diagnostic], list[str]]:
    """The findings of an audit to show, and in words how many of the crowded ones are left out: none where everything is wanted."""
    shown: list[Diagnostic] = []
    counted: Counter[str] = Counter()
    for one in said:
        counted[one.name] += one.name in FINDINGS
        if look.is_verbose or counted[one.name] <= MOST_FINDINGS:
            shown.append(one)
    left = {
        name: count - MOST_FINDINGS for name, count in counted.items() if count > MOST_FINDINGS and not look.is_verbose
    }
    return shown, [f"and {count:,} more of {name}; -v shows all" for name, count in left.items()]
