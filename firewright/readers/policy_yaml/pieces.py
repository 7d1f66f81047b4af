"""A YAML text as pieces that know which characters they are made of, and its comments: what a printer needs to lose nothing."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEADER_COMMENT = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\r\n]*)")


class Comment(NamedTuple):
    """A comment from its `#` on: where it begins, and whether nothing but spaces is before it on its line."""

    start: int
    line: int
    column: int
    text: str
    is_alone: bool


@dataclass(slots=True, eq=False)
class Piece:
    """A value with the characters `start` to `end` of the text. `style` is YAML's mark of a scalar; `is_flow` is [] or {}.

    A mapping has pairs, a list has items, a scalar has its text.
    """

    start: int
    end: int
    line: int
    column: int
    last_line: int
    text: str = ""
    style: str = ""
    is_flow: bool = False
    items: list[Piece] | None = None
    pairs: list[tuple[Piece, Piece]] | None = None
    _parts: list[Piece] = field(default_factory=list)

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value."""
        return self.items is None and self.pairs is None

    @property
    def is_block_scalar(self) -> bool:
        """Whether it is a text after | or >."""
        return self.style in ("|", ">")


def pieces_of(text: str) -> Piece:
    """The tree of a text that `document.parse` has read without complaint and that says something."""
    stack: list[Piece] = []
    root: Piece | None = None
    next_event = _LOADER(text).get_event
    while (event := next_event()) is not None:
        if isinstance(event, yaml.ScalarEvent):
            done = _scalar(event, text)
        elif isinstance(event, yaml.CollectionStartEvent):
            stack.append(_collection(event))
            continue
        elif isinstance(event, yaml.CollectionEndEvent):
            done = stack.pop()
            _close(done, event)
        else:
            continue
        if stack:
            stack[-1]._parts.append(done)
        else:
            root = done
    if root is None:
        raise ValueError("the text says nothing")
    return root


def _scalar(event: Any, text: str) -> Piece:
    start, end = event.start_mark, event.end_mark
    piece = Piece(start.index, end.index, start.line, start.column, end.line, event.value, event.style or "")
    if piece.is_block_scalar:
        piece.end = start.index + len(text[start.index : end.index].rstrip())
        piece.last_line = start.line + text.count("\n", start.index, piece.end)
    return piece


def _collection(event: Any) -> Piece:
    mark = event.start_mark
    piece = Piece(mark.index, mark.index, mark.line, mark.column, mark.line, is_flow=bool(event.flow_style))
    if isinstance(event, yaml.SequenceStartEvent):
        piece.items = []
    else:
        piece.pairs = []
    return piece


def _close(piece: Piece, event: Any) -> None:
    parts = piece._parts
    if piece.items is not None:
        piece.items.extend(parts)
    elif piece.pairs is not None:
        piece.pairs.extend(zip(parts[::2], parts[1::2], strict=True))
    if piece.is_flow:
        piece.end, piece.last_line = event.end_mark.index, event.end_mark.line
    elif parts:
        # the end that YAML reports of a block lies behind the comments that follow it
        piece.end, piece.last_line = max((part.end, part.last_line) for part in parts)


def scalars_of(piece: Piece) -> list[Piece]:
    """All scalars of a tree, keys too, in the order of the text."""
    found: list[Piece] = []
    todo = [piece]
    while todo:
        one = todo.pop()
        if one.is_scalar:
            found.append(one)
        todo.extend(one._parts)
    return sorted(found, key=lambda one: one.start)


def comments_of(text: str, root: Piece) -> list[Comment]:
    """All comments of a text, in its order."""
    scalars = scalars_of(root)
    starts = [one.start for one in scalars]
    found = []
    offset = 0
    for number, line in enumerate(text.split("\n")):
        for match in re.finditer(r"(?:^|(?<=[ \t]))#", line):
            at = offset + match.start()
            around = scalars[k] if (k := bisect_right(starts, at) - 1) >= 0 else None
            if around is not None and at < around.end and not _is_in_header(text, around, at):
                continue
            is_alone = not line[: match.start()].strip()
            found.append(Comment(at, number, match.start(), line[match.start() :].rstrip(), is_alone))
            break
        offset += len(line) + 1
    return found


def _is_in_header(text: str, scalar: Piece, at: int) -> bool:
    """Whether a comment stands behind the | or > of a block."""
    header = _HEADER_COMMENT.match(text, scalar.start) if scalar.is_block_scalar else None
    return header is not None and header.start(1) == at
