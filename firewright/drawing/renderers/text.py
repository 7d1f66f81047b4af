"""Plain text: the outline of a picture, for a terminal and for whoever cannot see the picture."""

from __future__ import annotations

from typing import assert_never

from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.scene import Scene


def plain_text(outline: Outline) -> str:
    """The outline in lines of plain text; a table is told row by row."""
    return "\n\n".join(_block(block) for block in outline.blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(words, level):
            return f"{words}\n{('=' if level == 1 else '-') * len(words)}"
        case Paragraph(words):
            return words
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Table():
            return "\n".join(_rows(block))
        case _:
            assert_never(block)


def _rows(table: Table) -> list[str]:
    lines = []
    for row in table.rows:
        lines.append(", ".join(row[0]))
        for head, cell in zip(table.head[1:], row[1:], strict=True):
            lines.append(f"  {head}: {'; '.join(cell) if cell else 'none'}")
    return lines


def render(scene: Scene) -> bytes:
    """The picture's outline as plain text in UTF-8."""
    return plain_text(scene.outline).encode()


RENDERER = render
