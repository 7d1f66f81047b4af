"""Prints the pieces of a text: the layout of a policy as people should find it everywhere."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from itertools import accumulate

import yaml

from firewright.model.address import BadPrefix, parse_prefix
from firewright.readers.policy_yaml.grammar import QUESTION
from firewright.readers.policy_yaml.pieces import Comment, Piece, comments_of
from firewright.readers.policy_yaml.shape import Question, Record, Several, Shape, Table, Text

LINE_LIMIT = 132
"""Characters of the longest line that a list or mapping in brackets may take; a longer one is written in lines."""
PROSE_LIMIT = 100
"""Characters of the longest line of prose; longer prose is folded."""


@dataclass(slots=True, eq=False)
class _Entry:
    """A key with its value, or an item of a list, that begins a line of its own; with the comments that go with it."""

    value: Piece
    key: Piece | None
    start: int
    line: int
    column: int
    shape: Shape | None
    is_flow: bool = False
    first_line: int = 0
    before: list[str] = field(default_factory=list)
    tail: list[Comment] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    inner: list[_Entry] | None = None


def print_layout(text: str, root: Piece, record: Record) -> str:
    """The text of a tree, its keys in the order of the record."""
    return _Printer(text, root, record).print()


class _Printer:
    """Prints one text: entries first, then their comments, then lines."""

    def __init__(self, text: str, root: Piece, record: Record) -> None:
        self.text, self.root, self.record = text, root, record
        self.lines = text.split("\n")
        self.starts = list(accumulate((len(line) + 1 for line in self.lines), initial=0))
        self.comments = comments_of(text, root)
        self.commented = {comment.line for comment in self.comments}
        self.comment_columns = {comment.line: comment.column for comment in self.comments}
        self.value_columns, self.flow_columns = _columns(root)
        self.order: list[_Entry] = []
        self.header: list[str] = []
        self.footer: list[str] = []

    def print(self) -> str:
        if self.root.is_scalar or (self.root.is_flow and self._fits(self.root, 0, self.record)):
            out = [self._inline(self.root, self.record)] if not self.root.is_block_scalar else [self._slice(self.root)]
            above = [one.text for one in self.comments if one.start < self.root.start]
            below = [one.text for one in self.comments if one.start > self.root.start]
            return "\n".join((*above, *out, *below)) + "\n"
        entries = self._entries(self.root, self.record)
        self._place_comments()
        body = self._block(entries, 0, self.root.items is not None, self.record)
        while body and not body[0]:
            body.pop(0)
        if self.header and self.header[-1] and self.order and self._is_blank_before(self.order[0].line):
            self.header.append("")
        return "\n".join((*self.header, *body, *self.footer)).strip("\n") + "\n"

    # entries

    def _entries(self, piece: Piece, shape: Shape | None) -> list[_Entry]:
        """What gets lines of its own of a list or mapping, with all that is below it, in the order of the text."""
        entries: list[_Entry] = []
        if piece.pairs is not None:
            for key, value in piece.pairs:
                below = _below(shape, key.text, value)
                entry = _Entry(value, key, key.start, key.line, key.column, below, is_flow=piece.is_flow)
                entries.append(self._open(entry, below))
            return entries
        for item in piece.items or ():
            below = _below(shape, "", item)
            if piece.is_flow:
                entry = _Entry(item, None, item.start, item.line, item.column, below, is_flow=True)
            else:
                line = self._dash(item, piece.column)
                entry = _Entry(item, None, self.starts[line] + piece.column, line, piece.column, below)
            entries.append(self._open(entry, below))
        return entries

    def _dash(self, item: Piece, column: int) -> int:
        """The line of the dash before an item: its own, or one above it with nothing but comments between."""
        line = item.line
        while line > 0 and self.lines[line][column : column + 2].rstrip() != "-":
            line -= 1
        return line

    def _open(self, entry: _Entry, below: Shape | None) -> _Entry:
        entry.first_line = entry.line
        self.order.append(entry)
        value = entry.value
        if not value.is_scalar and not (value.is_flow and self._fits(value, self._room(entry), below)):
            entry.inner = self._entries(value, below)
        return entry

    def _room(self, entry: _Entry) -> int:
        """Characters before the value on its line, reckoned from its present column."""
        return entry.column + (entry.key.end - entry.key.start + 2 if entry.key is not None else 2)

    def _fits(self, piece: Piece, room: int, shape: Shape | None) -> bool:
        if any(line in self.commented for line in range(piece.line, piece.last_line)):
            return False
        if not (piece.items or piece.pairs):
            return True
        return room + len(self._inline(piece, shape)) <= LINE_LIMIT

    # comments

    def _place_comments(self) -> None:
        place = 0
        pending: list[Comment] = []
        for comment in self.comments:
            while place < len(self.order) and self.order[place].start < comment.start:
                self._put_before(self.order[place], pending)
                pending = []
                place += 1
            if place == 0:
                self.header.extend([""] if self.header and self._is_blank_before(comment.line) else [])
                self.header.append(comment.text)
            elif not comment.is_alone:
                self.order[place - 1].tail.append(comment)
            elif place < len(self.order) and comment.column <= self.order[place].column:
                pending.append(comment)
            elif place == len(self.order) and not comment.column:
                self.footer.extend([""] if self._is_blank_before(comment.line) else [])
                self.footer.append(comment.text)
            else:
                self._put_after(comment, place)
        if place < len(self.order):
            self._put_before(self.order[place], pending)
        for entry in self.order:
            if entry is not self.order[0] and not entry.is_flow and self._is_blank_before(entry.first_line):
                entry.before.insert(0, "")

    def _is_blank_before(self, line: int) -> bool:
        return line > 0 and not self.lines[line - 1].strip()

    def _put_before(self, entry: _Entry, comments: list[Comment]) -> None:
        if comments:
            entry.first_line = comments[0].line
        for number, comment in enumerate(comments):
            if number and self._is_blank_before(comment.line):
                entry.before.append("")
            entry.before.append(comment.text)
        if comments and self._is_blank_before(entry.line):
            entry.before.append("")

    def _put_after(self, comment: Comment, place: int) -> None:
        """A comment that closes a block: it stays behind the last entry of the block that it stands in."""
        for entry in reversed(self.order[:place]):
            if entry.column <= comment.column:
                if self._is_blank_before(comment.line):
                    entry.after.append("")
                entry.after.append(comment.text)
                return
        self.footer.append(comment.text)

    # lines

    def _block(self, entries: list[_Entry], indent: int, is_list: bool, shape: Shape | None) -> list[str]:
        out: list[str] = []
        for entry in entries if is_list else self._in_order(entries, shape):
            pad = " " * indent
            lines = self._item(entry, indent) if is_list else self._pair(entry, indent)
            extra = [comment.text for comment in entry.tail[1:]]
            out.extend(pad + line if line else "" for line in (*entry.before, *extra))
            out.extend(lines)
            out.extend(pad + line if line else "" for line in entry.after)
        return out

    def _in_order(self, entries: list[_Entry], shape: Shape | None) -> list[_Entry]:
        """The keys of a record in the grammar's order; names of a table stay, and what the grammar does not know is last."""
        order = _order(shape)
        return sorted(entries, key=lambda entry: order.get(entry.key.text if entry.key else "", len(order)))

    def _pair(self, entry: _Entry, indent: int) -> list[str]:
        key, value = entry.key or entry.value, entry.value
        head = " " * indent + self._slice(key) + ":"
        if entry.inner is not None:
            return [
                self._with_tail(head, entry),
                *self._block(entry.inner, indent + 2, value.items is not None, entry.shape),
            ]
        if value.is_scalar:
            return self._scalar_lines(head + self._gap(key, value), entry, indent + 2)
        return [self._with_tail(head + self._gap(key, value) + self._inline(value, entry.shape), entry)]

    def _item(self, entry: _Entry, indent: int) -> list[str]:
        head = " " * indent + "-"
        if entry.inner is None:
            if entry.value.is_scalar:
                return self._scalar_lines(head + " ", entry, indent + 2)
            return [self._with_tail(f"{head} {self._inline(entry.value, entry.shape)}", entry)]
        is_list = entry.value.items is not None
        inner = entry.inner if is_list else self._in_order(entry.inner, entry.shape)
        first = inner[0]
        # what stands above the first key stands above the dash
        above, first.before = [line for line in first.before if line], []
        if first.tail[1:]:
            above.extend(comment.text for comment in first.tail[1:])
            del first.tail[1:]
        above.extend(comment.text for comment in entry.tail)
        entry.tail = []
        entry.before.extend(above)
        lines = self._block(entry.inner, indent + 2, is_list, entry.shape)
        lines[0] = head + lines[0][indent + 1 :]
        return lines

    def _scalar_lines(self, head: str, entry: _Entry, indent: int) -> list[str]:
        value = entry.value
        if value.is_block_scalar or (isinstance(entry.shape, Text) and self._is_long(head, value)):
            header, body = _block_scalar(value.text, indent, value.style)
            if header:
                return [self._with_tail(f"{head.rstrip()} {header}", entry), *body]
        written = self._inline(value, entry.shape)
        return [self._with_tail(head + written if written else head.rstrip(), entry)]

    def _is_long(self, head: str, value: Piece) -> bool:
        return len(head) + len(self._inline(value, Text())) > PROSE_LIMIT and bool(
            re.fullmatch(r"\S+( \S+)+", value.text)
        )

    def _gap(self, key: Piece, value: Piece) -> str:
        """The spaces behind a colon: one, or those that align the value with that of the line above or below."""
        between = self.text[key.end : value.start]
        place = (key.column, value.column)
        is_aligned = place in (self.value_columns.get(key.line - 1), self.value_columns.get(key.line + 1))
        if not is_aligned or not re.fullmatch(" *: +", between) or value.start == value.end:
            return " "
        return between.lstrip(" ")[1:]

    def _with_tail(self, line: str, entry: _Entry) -> str:
        """The line with its comment two spaces behind it, or in the column that it has for itself or with a neighbour."""
        if not entry.tail:
            return line
        comment = entry.tail[0]
        beside = (self.comment_columns.get(comment.line - 1), self.comment_columns.get(comment.line + 1))
        before = self.lines[comment.line][: comment.column]
        is_placed = comment.column in beside or len(before) - len(before.rstrip()) > 2
        return line.ljust(max(comment.column if is_placed else 0, len(line) + 2)) + comment.text

    # within a line

    def _slice(self, piece: Piece) -> str:
        return self.text[piece.start : piece.end]

    def _inline(self, piece: Piece, shape: Shape | None, is_within: bool = False) -> str:
        """A value on one line: words as they stand, one space behind commas and colons, none within brackets."""
        if piece.is_scalar:
            return self._word(piece, is_within)
        if piece.items is not None:
            return f"[{', '.join(self._inline(item, _below(shape, '', item), True) for item in piece.items)}]"
        pairs = piece.pairs or []
        order = _order(shape)
        ranked = sorted(pairs, key=lambda pair: order.get(pair[0].text, len(order))) if order else pairs
        out = ""
        for key, value in ranked:
            written = self._inline(value, _below(shape, key.text, value), True)
            is_bare = not written and not self.text[key.end :].lstrip().startswith(":")
            gap = "," + self._column_gap(key) if out else ""
            out += gap + (self._slice(key) if is_bare else f"{self._slice(key)}: {written}")
        return f"{{{out}}}"

    def _column_gap(self, key: Piece) -> str:
        """The spaces behind the comma before a key: one, or those that align it with a key of the line above or below."""
        before = self.lines[key.line][: key.column]
        spaces = before[len(before.rstrip()) :]
        beside = self.flow_columns.get(key.line - 1, set()) | self.flow_columns.get(key.line + 1, set())
        return spaces if spaces and key.column in beside else " "

    def _word(self, piece: Piece, is_within: bool) -> str:
        """A scalar on one line: IPv6 in quotes, what spans lines joined, the rest as it stands."""
        if not piece.style and piece.text.count(":") > 1 and _is_prefix(piece.text):
            return f'"{piece.text}"'
        if piece.line == piece.last_line and not piece.is_block_scalar:
            return self._slice(piece)
        if not piece.style and _is_plain(piece.text):
            return piece.text
        return _quoted(piece.text)


def _columns(root: Piece) -> tuple[dict[int, tuple[int, int]], dict[int, set[int]]]:
    """By line where its key in a block and that key's value begin, and where its keys in braces begin."""
    values: dict[int, tuple[int, int]] = {}
    keys: dict[int, set[int]] = {}
    todo = [root]
    while todo:
        one = todo.pop()
        todo.extend(one.items or ())
        for key, value in one.pairs or ():
            todo.append(value)
            if one.is_flow:
                keys.setdefault(key.line, set()).add(key.column)
            elif key.line == value.line and value.start < value.end:
                values[key.line] = (key.column, value.column)
    return values, keys


def _below(shape: Shape | None, key: str, value: Piece) -> Shape | None:
    """The shape of what stands under a key, or of an item."""
    found: Shape | None = None
    if isinstance(shape, Record):
        found = shape.by_name[key].shape if key in shape.by_name else None
    elif isinstance(shape, Table | Several):
        found = shape.of
    if isinstance(found, Question):
        found = QUESTION if value.pairs is not None else found.otherwise
    if isinstance(found, Several) and value.items is None:
        found = found.of
    return found


def _order(shape: Shape | None) -> dict[str, int]:
    return {key.name: number for number, key in enumerate(shape.keys)} if isinstance(shape, Record) else {}


def _is_prefix(text: str) -> bool:
    try:
        parse_prefix(text)
    except BadPrefix:
        return False
    return True


def _is_plain(text: str) -> bool:
    """Whether a text needs no quotes, even inside brackets."""
    try:
        events = [event for event in yaml.parse(f"[{text}]", yaml.SafeLoader) if isinstance(event, yaml.ScalarEvent)]
    except yaml.YAMLError:
        return False
    return len(events) == 1 and events[0].value == text and not events[0].style


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _block_scalar(text: str, indent: int, style: str) -> tuple[str, list[str]]:
    """The header and the lines of a text as a block; no header where it cannot be one."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    if not body or ends > 1 or re.search(r"[^\S\n]\n|\s\Z|\A\s", body):
        return "", []
    chomp = "" if ends else "-"
    pad = " " * indent
    if style != "|" and re.fullmatch(r"\S+(?: \S+)*", body):
        width = max(PROSE_LIMIT - indent, 20)
        wrapped = textwrap.wrap(body, width, break_long_words=False, break_on_hyphens=False)
        return f">{chomp}", [pad + line for line in wrapped]
    return f"|{chomp}", [pad + line if line else "" for line in body.split("\n")]
