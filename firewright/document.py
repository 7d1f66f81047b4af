"""A YAML text as a tree in which every value knows its place: strings, lists and mappings, nothing else.

YAML 1.2's plain scalars are not guessed at here: `22:22`, `no` and `010` are the texts that somebody wrote, and the reader
of a document decides what they mean. Tags, anchors and aliases are refused, so that no text can grow when it is read.
Read by events, not by composed nodes: linear, not recursive, and four times faster.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from collections.abc import Mapping as Pairs
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from firewright.diagnostic import Note, Report, harmless
from firewright.source import Source, Span

DEPTH_LIMIT = 24
"""Levels of lists and mappings within each other."""
SCALAR_LIMIT = 4096
"""Characters of the longest single value."""
NODE_LIMIT = 1_000_000
"""Values, lists and mappings in one text."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""Control characters, line separators and the invisible ones that reorder text (Unicode TR 36)."""
_STRANGE_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""Line ends that YAML knows and editors do not show: lines would be counted otherwise than people count them."""


class Scalar(NamedTuple):
    """One value as it was written; `is_plain` is false inside quotes or a block. `width` is 1 where it spans lines."""

    text: str
    path: str
    line: int
    column: int
    width: int = 1
    is_plain: bool = True

    @property
    def at(self) -> Span:
        """Its place."""
        return Span(self.path, self.line, self.column, self.width)


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    at: Span


class Mapping(NamedTuple):
    """Keys and values in the order of the text; a key stands once."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: Span


Node = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Document:
    """A source with its tree; `root` is None where the text is empty.

    `comments` are those that begin right behind a plain value, on its last line, by line and column of the value.
    """

    source: Source
    root: Node | None
    comments: Pairs[tuple[int, int], str] = field(default_factory=dict)

    def comment_behind(self, scalar: Scalar) -> str:
        """The comment that begins right after a plain value (`because: ticket #12`), or an empty text."""
        return self.comments.get((scalar.line, scalar.column), "")


class _Refused(Exception):
    """The text is not a document that is read; the complaint is in the report."""


@contextmanager
def collection_paused() -> Iterator[None]:
    """Leave the cyclic garbage collector off inside: what is built from a text is kept and has no cycles.

    With it on, a quarter of a million small values cost two to five times as much to build. Memory stays bounded by
    NODE_LIMIT and the limits of whoever reads the tree.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def parse(source: Source, report: Report) -> Document | None:
    """The tree of a YAML text, or None after saying in the report what is wrong. O(size), iterative.

    Refused: YAML errors, more than one document, tags, anchors, aliases, duplicate keys, keys that are not words,
    depth over DEPTH_LIMIT, values over SCALAR_LIMIT characters, more than NODE_LIMIT values, control characters.
    """
    report.know(source)
    is_plain = source.text.isascii() and "\r" not in source.text
    if not is_plain and (strange := _STRANGE_LINE_END.search(source.text)):
        what = f"a line end that no editor shows (U+{ord(strange[0]):04X})"
        report.error("control-character", what, _place(source, strange.start()), "end lines with a line feed")
        return None
    builder = _Builder(source, report)
    try:
        with collection_paused():
            root = builder.build()
        return Document(source, root, builder.comments)
    except yaml.reader.ReaderError as error:
        # the C parser's position counts bytes of UTF-8, so the character is looked for here
        unfit = _UNFIT.search(source.text)
        at = _place(source, unfit.start() if unfit else min(error.position, len(source.text)))
        what = f"a control character in the text (U+{ord(unfit[0]):04X})" if unfit else "a character that YAML forbids"
        report.error("control-character", what, at, "delete it")
    except yaml.MarkedYAMLError as error:
        _friendly(error, source, report)
    except _Refused:
        pass
    return None


def _place(source: Source, offset: int) -> Span:
    """The place of a character of the text."""
    line = source.text.count("\n", 0, offset) + 1
    return Span(source.path, line, offset - (source.text.rfind("\n", 0, offset) + 1) + 1)


class _Builder:
    """Builds the tree from parser events with a stack of its own."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source, self.path, self.report, self.failed = source, source.path, report, False
        self.comments: dict[tuple[int, int], str] = {}
        self.texts: dict[str, str] = {}
        lines = source.text.split("\n") if " #" in source.text or "\t#" in source.text else []
        self.hashed = {number: line for number, line in enumerate(lines) if " #" in line or "\t#" in line}

    def refuse(self, name: str, message: str, at: Span, way_out: str) -> None:
        self.report.error(name, message, at, way_out)
        raise _Refused

    def span(self, event: Any, width: int = 1) -> Span:
        return Span(self.source.path, event.start_mark.line + 1, event.start_mark.column + 1, width)

    def build(self) -> Node | None:
        root: Node | None = None
        stack: list[tuple[bool, list[Node], Span]] = []
        parts: list[Node] = []
        documents = count = 0
        event: Any
        next_event, scalar = _LOADER(self.source.text).get_event, self.scalar
        while (event := next_event()) is not None:
            kind = type(event)
            node: Node
            if kind is yaml.ScalarEvent:
                node = scalar(event)
            elif kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
                if event.anchor is not None or event.tag is not None:
                    self.decorated(event)
                if len(stack) == DEPTH_LIMIT:
                    self.refuse("too-deep", f"more than {DEPTH_LIMIT} levels", self.span(event), "a policy needs six")
                parts = []
                stack.append((kind is yaml.MappingStartEvent, parts, self.span(event)))
                continue
            elif kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
                is_mapping, done, at = stack.pop()
                node = self.mapping(done, at) if is_mapping else Sequence(tuple(done), at)
                parts = stack[-1][1] if stack else []
            elif kind is yaml.AliasEvent:
                self.decorated(event)
                continue
            else:
                if kind is yaml.DocumentStartEvent:
                    documents += 1
                    if documents > 1:
                        self.refuse("yaml-syntax", "a second document begins", self.span(event), "one file, one policy")
                continue
            count += 1
            if count > NODE_LIMIT:
                self.refuse("too-large", f"more than {NODE_LIMIT:,} values", self.span(event), "split it into files")
            if stack:
                parts.append(node)
            elif not (isinstance(node, Scalar) and node.text == "" and node.is_plain):
                root = node
        if self.failed:
            raise _Refused
        return root

    def scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark, event.end_mark
        line, column, last = start.line, start.column, end.line
        text = self.texts.get(event.value)
        if text is None:
            text = self.texts[event.value] = event.value
            self.inspect(text, event)
        if event.anchor is not None or event.tag is not None:
            self.decorated(event)
        is_plain = not event.style
        if is_plain and last in self.hashed:
            rest = self.hashed[last][end.column :]
            if rest.lstrip().startswith("#"):
                self.comments[line + 1, column + 1] = rest.strip()
        width = end.column - column if last == line else 1
        return tuple.__new__(Scalar, (text, self.path, line + 1, column + 1, width or 1, is_plain))

    def inspect(self, text: str, event: Any) -> None:
        """Refuse what is too long or cannot be seen; once for each distinct text."""
        if len(text) > SCALAR_LIMIT:
            most = f"the longest is {SCALAR_LIMIT:,}"
            self.refuse("too-long", f"a value of {len(text):,} characters", self.span(event), most)
        if not text.isprintable() and (unfit := _UNFIT.search(text)):
            what = f"a control or invisible character (U+{ord(unfit[0]):04X}) in a value"
            self.report.error("control-character", what, self.span(event), "delete it")
            self.failed = True

    def decorated(self, event: Any) -> None:
        if type(event) is yaml.AliasEvent:
            what, way_out = (
                f"an alias (*{harmless(str(event.anchor), 40)})",
                "write the value again, or name it as a zone or service",
            )
        elif event.anchor is not None:
            what, way_out = (
                f"an anchor (&{harmless(str(event.anchor), 40)})",
                "put text that begins with & in quotes; name what is used twice",
            )
        else:
            what, way_out = f"a tag ({harmless(str(event.tag), 40)})", "put text that begins with ! in quotes"
        self.refuse("yaml-feature", f"{what} is not read", self.span(event), way_out)

    def mapping(self, parts: list[Node], at: Span) -> Mapping:
        seen: dict[str, Scalar] = {}
        entries: list[tuple[Scalar, Node]] = []
        for key, value in zip(parts[::2], parts[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.report.error("bad-key", "a key must be a word", key.at, "put text with [ or { in quotes")
                self.failed = True
            elif (first := seen.get(key.text)) is not None:
                note = Note("it stands here first", first.at)
                self.report.error(
                    "duplicate-key", f"{harmless(key.text, 60)!r} stands twice", key.at, "keep one", [note]
                )
                self.failed = True
            else:
                seen[key.text] = key
                entries.append((key, value))
        return Mapping(tuple(entries), at)


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes below it."""
    todo = [node]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, Sequence):
            todo.extend(one.items)
        elif isinstance(one, Mapping):
            todo.extend(value for _, value in one.entries)


_BEGAN = {
    "while parsing a flow mapping": "the { is here",
    "while parsing a flow sequence": "the [ is here",
    "while parsing a block mapping": "the keys above it begin here",
    "while parsing a block collection": "the list above it begins here",
    "while scanning a quoted scalar": "the quote is here",
    "while scanning a simple key": "the line is here",
}

_IPV6_BARE = re.compile(r"(?<![\w\"':])(?:[0-9a-fA-F]{0,4}:){1,7}:?[0-9a-fA-F]{0,4}(?:/\d{1,3})?")

_ADVICE = (
    ("cannot start any token", "\t", "a tab where spaces must be", "indent with spaces"),
    ("cannot start any token", "%", "a value begins with %", "put it in quotes"),
    ("cannot start any token", "@", "a value begins with @", "put it in quotes"),
    ("cannot start any token", "`", "a value begins with a backtick", "put it in quotes"),
    (
        "mapping values are not allowed",
        "",
        "a colon where no key can be",
        "put text with a colon in quotes, or mend the indentation",
    ),
    (
        "did not find expected ',' or '}'",
        "",
        "the { before this is not closed, or a comma is missing",
        "write {key: value, key: value}",
    ),
    (
        "did not find expected ',' or ']'",
        "",
        "the [ before this is not closed, or a comma is missing",
        "write [one, two]",
    ),
    ("unexpected end of stream", "", "a quote is opened and never closed", "close it"),
    (
        "could not find expected ':'",
        "",
        "a line that is neither `key: value` nor `- item`",
        "add the colon, or mend the indentation",
    ),
    (
        "did not find expected '-' indicator",
        "",
        "a line that does not line up with the list above it",
        "begin every item of a list in one column",
    ),
    (
        "did not find expected key",
        "",
        "a line that does not line up with the keys above it",
        "begin all keys of a mapping in one column",
    ),
    ("unknown escape character", "", "a backslash in double quotes that means nothing", "use single quotes"),
    (
        "did not find expected node content",
        "",
        "a value is missing here",
        "write it, or put a text with special characters in quotes",
    ),
    ("did not find expected <document start>", "", "text behind the end of the document", "mend the indentation"),
    ("control characters are not allowed", "", "a control character in the text", "delete it"),
)


def _friendly(error: yaml.MarkedYAMLError, source: Source, report: Report) -> None:
    """Say a YAML error in the words of somebody who writes policies."""
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "unreadable"
    line = mark.line + 1 if mark else 1
    column = mark.column + 1 if mark else 1
    text = source.line(line)
    notes = []
    if error.context and error.context_mark and error.context_mark.line + 1 != line:
        began = _at(source, error.context_mark)
        if "end of stream" in problem:
            report.error("yaml-syntax", "a quote is opened and never closed", began, "close it")
            return
        notes.append(Note(_BEGAN.get(error.context, f"it began {error.context}"), began))
        if "expected ',' or" in problem and " #" in (first := source.line(began.line)):
            # because: ticket #12} hides the bracket from YAML
            at = Span(source.path, began.line, first.index(" #") + 2)
            message = "a comment begins here, and hides the end of what is opened before it"
            report.error("yaml-syntax", message, at, "put text with # in quotes, or close the bracket before it", notes)
            return
    bare = _bare_ipv6(source, line)
    if bare and any(words in problem for words in ("node content", "expected ','", "mapping values", "unexpected ':'")):
        at = Span(source.path, line, bare.start() + 1, len(bare[0]))
        report.error(
            "unquoted-ipv6", "an IPv6 address without quotes", at, f'put the IPv6 address in quotes: "{bare[0]}"'
        )
        return
    if _dash_without_space(error, source, report) or _value_cut_off(Span(source.path, line, column), source, report):
        return
    for words, character, message, way_out in _ADVICE:
        if words in problem and (not character or text[column - 1 : column] == character):
            report.error("yaml-syntax", message, Span(source.path, line, column), way_out, notes)
            return
    report.error("yaml-syntax", f"not YAML: {harmless(problem, 120)}", Span(source.path, line, column), "", notes)


def _dash_without_space(error: yaml.MarkedYAMLError, source: Source, report: Report) -> bool:
    """Say that a list's dash has no space behind it: YAML takes `-https` for a word, and stumbles over what follows."""
    mark = error.context_mark
    text = source.line(mark.line + 1) if mark is not None else ""
    found = re.match(r" *-([^\s-]\S*)", text)
    if mark is None or found is None or "could not find expected ':'" not in str(error.problem):
        return False
    word = harmless(found[1], 40)
    at = Span(source.path, mark.line + 1, found.start(1), len(found[1]) + 1)
    report.error("yaml-syntax", "a dash without a space behind it begins no item of a list", at, f"write - {word}")
    return True


_CUT_COLON = re.compile(r"([\w-]+): +([^\s,:{}\[\]\"'][^,{}\[\]\"']*)$")
_CUT_QUOTE = re.compile(r"""(?:^|[\s:,\[{])(['"])((?:(?!\1).)*)\1 *$""")


def _value_cut_off(at: Span, source: Source, report: Report) -> bool:
    """Say that a colon, or a quote inside a text, ends the text sooner than whoever wrote it meant."""
    text = source.line(at.line)
    before, after = text[: at.column - 1], text[at.column - 1 :]
    if after.startswith(": ") and "{" in before and (found := _CUT_COLON.search(before)):
        whole = harmless(found[2] + re.split(r"[,{}\[\]\"']", after, maxsplit=1)[0].rstrip(), 60)
        way_out = f'put text with a colon in quotes: {harmless(found[1], 40)}: "{whole}"'
        report.error("yaml-syntax", f"a colon inside the text of {harmless(found[1], 40)}", at, way_out)
        return True
    quoted = _CUT_QUOTE.search(before)
    if quoted is None or not after or after[0] in ",:#]}":
        return False
    quote, other = quoted[1], '"' if quoted[1] == "'" else "'"
    rest = after[: after.rindex(quote)] if quote in after else ""
    whole = f"{quoted[2]}{quote}{rest}"
    way_out = f"put the whole text in quotes of the other kind: {other}…{other}"
    if rest and other not in whole and "\\" not in whole:
        way_out = f"write {other}{harmless(whole, 60)}{other}"
    message = f"the quote ends at {quote}{harmless(quoted[2], 40)}{quote}, and text follows"
    report.error("yaml-syntax", message, at, way_out)
    return True


def _bare_ipv6(source: Source, line: int) -> re.Match[str] | None:
    for found in _IPV6_BARE.finditer(source.line(line).partition(" #")[0]):
        if "::" in found[0] or found[0].count(":") >= 7:
            return found
    return None


def _at(source: Source, mark: Any) -> Span:
    return Span(source.path, mark.line + 1, mark.column + 1)
