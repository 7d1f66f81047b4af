"""Suppressions: findings that somebody answers for, until a day, for a reason; in a file, or in comments of what is audited.

In a file, a YAML list of mappings with `finding`, `about` or `id`, `owner`, `until` and `reason`. In a ruleset, a comment of
its own line: `# firewright: ignore[exposed tcp/6379] until 2027-03-31 by the network team: the reason`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from firewright import document
from firewright.diagnostic import Diagnostic, Report, harmless, nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.readers.policy_yaml.values import BadValue, parse_day
from firewright.reports._fingerprint import LENGTH, fingerprint
from firewright.source import Source, Span

_KEYS = ("finding", "about", "id", "owner", "until", "reason")
_COMMENT = re.compile(r"^[ \t]*#[ \t]*firewright:[ \t]*(?P<rest>.*)$", re.MULTILINE)
_IGNORE = re.compile(
    r"ignore\[(?P<finding>[a-z][a-z-]*)[ \t]+(?P<about>[^\]\s]+)\][ \t]+until[ \t]+(?P<until>\S+)[ \t]+by[ \t]+"
    r"(?P<owner>[^:\r\n]*[^:\s])[ \t]*:[ \t]*(?P<reason>\S.*?)[ \t\r]*$"
)
_ID = re.compile(rf"[0-9a-f]{{{LENGTH}}}")
_EXAMPLE = "# firewright: ignore[exposed tcp/6379] until 2027-03-31 by the network team: why it is so"
_TRIM = "()[]:;,."


@dataclass(frozen=True, slots=True)
class Suppression:
    """A finding of one kind that fails nothing until a day's end: the one of an `id`, else those whose sentence has the word `about`."""

    finding: str
    about: str
    id: str
    owner: str
    reason: str
    until: date
    at: Span = field(compare=False)
    is_inside: bool = False

    def covers(self, one: Diagnostic) -> bool:
        """Whether it is about a finding, expired or not."""
        if one.name != self.finding:
            return False
        if self.id:
            return fingerprint(one) == self.id
        return self.about in (word.strip(_TRIM) for word in one.message.split())


def suppressions_in(source: Source, kinds: tuple[str, ...], report: Report) -> tuple[Suppression, ...]:
    """The suppressions of a file, of findings of these kinds; each that is wrong is an error in the report, and left out."""
    report.know(source)
    tree = document.parse(source, report)
    if tree is None or tree.root is None:
        return ()
    if not isinstance(tree.root, Sequence):
        _wrong(report, "a file of suppressions is a list", tree.root.at, "begin each with `- finding: …`")
        return ()
    found = (_suppression(item, kinds, report) for item in tree.root.items)
    return tuple(one for one in found if one is not None)


def inline_suppressions(source: Source, kinds: tuple[str, ...], report: Report) -> tuple[Suppression, ...]:
    """The suppressions in comments of a ruleset's text, each of a line of its own; each that is wrong is an error in the report."""
    return tuple(_inline(source, kinds, report))


def _inline(source: Source, kinds: tuple[str, ...], report: Report) -> Iterator[Suppression]:
    for match in _COMMENT.finditer(source.text):
        line = source.text.count("\n", 0, match.start("rest")) + 1
        column = match.start("rest") - source.text.rfind("\n", 0, match.start("rest"))
        at = Span(source.path, line, column, max(1, len(match["rest"].rstrip())))
        said = _IGNORE.match(match["rest"])
        if said is None:
            _wrong(
                report, "a comment to firewright that suppresses nothing: what, until when, by whom, why", at, _EXAMPLE
            )
            continue
        words = {key: harmless(said[key], 300) for key in ("finding", "about", "owner", "until", "reason")}
        one = _made(words, {}, kinds, at, report, is_inside=True)
        if one is not None:
            yield one


def _suppression(item: Node, kinds: tuple[str, ...], report: Report) -> Suppression | None:
    if not isinstance(item, Mapping):
        _wrong(report, "a suppression is a mapping", item.at, "begin it with `- finding: …`")
        return None
    words: dict[str, str] = {}
    places: dict[str, Span] = {}
    is_right = True
    for key, value in item.entries:
        if key.text not in _KEYS:
            near = nearest(key.text, _KEYS)
            way_out = f"did you mean {near}?" if near else f"there are: {', '.join(_KEYS)}"
            _wrong(report, f"a suppression has no key {harmless(key.text, 40)!r}", key.at, way_out)
            is_right = False
        elif not isinstance(value, Scalar):
            _wrong(report, f"{key.text} is one text", value.at)
            is_right = False
        else:
            words[key.text] = harmless(" ".join(value.text.split()), 300)
            places[key.text] = value.at
    return _made(words, places, kinds, item.at, report) if is_right else None


def _made(
    words: dict[str, str],
    places: dict[str, Span],
    kinds: tuple[str, ...],
    at: Span,
    report: Report,
    *,
    is_inside: bool = False,
) -> Suppression | None:
    """The suppression that some words make; None after saying in the report what is missing or wrong."""
    missing = [key for key in ("finding", "owner", "until", "reason") if not words.get(key)]
    if missing:
        _wrong(
            report, f"a suppression without {' and '.join(missing)}", at, "say who answers for it, until when, and why"
        )
        return None
    about, number, kind = words.get("about", ""), words.get("id", ""), words["finding"]
    if bool(about) == bool(number) or (number and not _ID.fullmatch(number)) or len(about.split()) > 1:
        way_out = f"about: a word of its sentence, as tcp/6379; or id: the {LENGTH} digits that --format json shows"
        _wrong(report, "a suppression is about one word, or one finding by its id", places.get("id", at), way_out)
        return None
    if kind not in kinds:
        near = nearest(kind, kinds)
        way_out = f"did you mean {near}?" if near else f"these can be: {', '.join(kinds)}"
        _wrong(report, f"findings called {kind} cannot be suppressed", places.get("finding", at), way_out)
        return None
    try:
        until = parse_day(words["until"])
    except BadValue as bad:
        _wrong(report, f"until: {bad.message}", places.get("until", at), bad.help)
        return None
    return Suppression(kind, about, number, words["owner"], words["reason"], until, at, is_inside)


def _wrong(report: Report, message: str, at: Span, help: str = "") -> None:
    report.error("bad-suppression", message, at, help)
