"""Parts taken out of a policy's text: rules and definitions, whole, with their lines; what is left is to the letter as it was.

A comment on a line of its own stays; one behind what is taken out, or inside it, goes with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from firewright.readers.policy_yaml.pieces import Piece, comments_of, pieces_of
from firewright.source import Span

SECTIONS = ("zones", "services", "options")
"""Where definitions stand."""


class CannotRemove(Exception):
    """A text out of which something cannot be taken without loss; its text says why."""


class Definition(NamedTuple):
    """A definition by the key that it stands under and its name."""

    section: str
    name: str


class _Cut(NamedTuple):
    start: int
    end: int
    put: str = ""


def rule_texts(text: str) -> list[tuple[int, int, str]]:
    """The first and the last line (from 1) of each rule of a policy's own list, and its text. The text is one that was read."""
    return [(one.line + 1, one.last_line + 1, text[one.start : one.end]) for one in _rules(pieces_of(text))]


def without(text: str, verbs: Iterable[Span], definitions: Collection[Definition]) -> str:
    """A policy's text without the rules whose verbs stand at these places, and without some definitions. Raises CannotRemove.

    The text is one that was read without complaint. What it means now is for whoever asks to prove. O(size).
    """
    root = pieces_of(text)
    cuts = [*_rule_cuts(text, root, {(at.line, at.column) for at in verbs}), *_definition_cuts(text, root, definitions)]
    _keep_comments(text, root, cuts)
    for cut in sorted(cuts, reverse=True):
        text = text[: cut.start] + cut.put + text[cut.end :]
    return text


def _section(root: Piece, name: str) -> tuple[Piece, Piece] | None:
    return next((pair for pair in root.pairs or () if pair[0].text == name), None)


def _rules(root: Piece) -> list[Piece]:
    found = _section(root, "rules")
    return [] if found is None else found[1].items or []


def _rule_cuts(text: str, root: Piece, verbs: set[tuple[int, int]]) -> Iterator[_Cut]:
    rules = _rules(root)
    gone = [number for number, rule in enumerate(rules) if any(_is_at(key, verbs) for key, _ in rule.pairs or ())]
    if len(gone) < len(verbs):
        raise CannotRemove("a rule is not where it was read")
    if gone and len(gone) == len(rules):
        key, listed = _section(root, "rules") or (rules[0], rules[0])
        colon = text.index(":", key.end) + 1
        if listed.is_flow:
            yield _Cut(colon, listed.end, " none")
            return
        yield _Cut(colon, colon, " none")
    yield from _item_cuts(text, rules, gone)


def _is_at(key: Piece, places: set[tuple[int, int]]) -> bool:
    return (key.line + 1, key.column + 1) in places


def _item_cuts(text: str, items: list[Piece], gone: Iterable[int]) -> Iterator[_Cut]:
    """The items of a list: whole lines from the dash on, or the part between commas."""
    gone = list(gone)
    for number in gone:
        item = items[number]
        before = text[: item.start].rstrip(" \t\r\n")
        if before.endswith("-") and not text[text.rfind("\n", 0, len(before)) + 1 : len(before) - 1].strip():
            yield _lines(text, len(before) - 1, item.end)
        else:
            yield _between_commas(text, items, number, gone)


def _lines(text: str, start: int, end: int) -> _Cut:
    """Whole lines, from the one of one character to the one of another; what follows there is a comment at most."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    last = len(text) if last < 0 else last + 1
    rest = text[end:last].strip()
    if text[first:start].strip() or (rest and not rest.startswith("#")):
        raise CannotRemove("something else stands on its line")
    return _Cut(first, last)


def _between_commas(text: str, items: list[Piece], number: int, gone: Collection[int]) -> _Cut:
    """An item in brackets with one of the commas beside it: the one behind it if something stays there, else the one before."""
    if any(other not in gone for other in range(number + 1, len(items))):
        return _Cut(items[number].start, items[number + 1].start)
    before = items[number - 1].end
    # A comment in between is about what stays; a comma before a bracket is allowed.
    is_told = "#" in text[before : items[number].start]
    return _Cut(items[number].start if is_told else before, items[number].end)


def _definition_cuts(text: str, root: Piece, definitions: Collection[Definition]) -> Iterator[_Cut]:
    emptied = []
    for section in SECTIONS:
        found = _section(root, section)
        names = {one.name for one in definitions if one.section == section}
        if not names:
            continue
        pairs = [] if found is None else found[1].pairs or []
        gone = [number for number, (key, _) in enumerate(pairs) if key.text in names]
        if len(gone) < len(names):
            raise CannotRemove(f"a definition of {section} is not in this file")
        if found is not None and len(gone) == len(pairs):
            if found[1].is_flow or root.is_flow:
                emptied.append(section)
                continue
            yield _lines(text, found[0].start, text.index(":", found[0].end) + 1)
        if found is not None:
            yield from _pair_cuts(text, pairs, gone, is_flow=found[1].is_flow)
    outer = root.pairs or []
    whole = [number for number, (key, _) in enumerate(outer) if key.text in emptied]
    yield from _pair_cuts(text, outer, whole, is_flow=root.is_flow)


def _pair_cuts(text: str, pairs: list[tuple[Piece, Piece]], gone: list[int], *, is_flow: bool) -> Iterator[_Cut]:
    spans = [Piece(key.start, value.end, key.line, key.column, value.last_line) for key, value in pairs]
    for number in gone:
        if is_flow:
            yield _between_commas(text, spans, number, gone)
        else:
            yield _lines(text, spans[number].start, max(spans[number].end, pairs[number][0].end + 1))


def _keep_comments(text: str, root: Piece, cuts: Iterable[_Cut]) -> None:
    """CannotRemove where more than what is taken out would lose a comment: between two parts of one line's list."""
    alone = [one for one in comments_of(text, root) if one.is_alone]
    for cut in cuts:
        is_lines = cut.start == 0 or text[cut.start - 1] == "\n"
        if not is_lines and any(cut.start <= one.start < cut.end for one in alone):
            raise CannotRemove("a comment stands between what would go and what stays")
