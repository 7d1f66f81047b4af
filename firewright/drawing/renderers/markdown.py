"""Markdown (GitHub's tables): the outline of a picture, ready to be published beside it or instead of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.scene import Scene

_SPECIAL = re.compile(r"([\\`*_{}\[\]<#|~!&$@])|(?<=[A-Za-z])(:)(?=//)|(?<=www)(\.)")
_MARK = re.compile(r"^(\s*)(\d+)([.)])|^(\s*)([-+=>])")


def escaped(text: str) -> str:
    """The text so that Markdown and HTML show it as it is: no link, no tag, no table cell begins in it."""
    return _MARK.sub(_marked, _SPECIAL.sub(r"\\\g<0>", text))


def _marked(found: re.Match[str]) -> str:
    if found[2] is not None:
        return f"{found[1]}{found[2]}\\{found[3]}"
    return f"{found[4]}\\{found[5]}"


def markdown(outline: Outline) -> str:
    """The outline in Markdown."""
    return "\n\n".join(_block(block) for block in outline.blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(words, level):
            return f"{'#' * level} {escaped(words)}"
        case Paragraph(words):
            return escaped(words)
        case Bullets(items):
            return "\n".join(f"- {escaped(item)}" for item in items)
        case Table(head, rows):
            lines = [_row((name,) for name in head), "|" + " --- |" * len(head), *map(_row, rows)]
            return "\n".join(lines)
        case _:
            assert_never(block)


def _row(cells: Iterable[Iterable[str]]) -> str:
    return "| " + " | ".join("<br>".join(map(escaped, cell)) or "—" for cell in cells) + " |"


def render(scene: Scene) -> bytes:
    """The picture's outline as Markdown in UTF-8."""
    return markdown(scene.outline).encode()


RENDERER = render
