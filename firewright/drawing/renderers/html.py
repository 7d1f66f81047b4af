"""HTML: one page to be published as it stands, the picture and all its words, without scripts and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import assert_never

from firewright.drawing.outline import Block, Bullets, Heading, Outline, Paragraph, Table
from firewright.drawing.renderers.svg import svg
from firewright.drawing.scene import Scene

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b2430; --quiet: #52606d; --line: #cbd3dc; }
@media (prefers-color-scheme: dark) { :root { --paper: #171d26; --ink: #e6ebf1; --quiet: #a3afbd; --line: #3a4757; } }
body { margin: 0 auto; max-width: 1360px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 28px; line-height: 36px; } h2 { font-size: 20px; margin-top: 32px; } h3 { font-size: 16px; margin-top: 24px; }
h1 + p { color: var(--quiet); }
figure { margin: 24px 0; overflow-x: auto; background: #fff; border: 1px solid var(--line); border-radius: 12px; }
svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; } caption { text-align: left; }
th, td { padding: 8px 12px; border: 1px solid var(--line); text-align: left; vertical-align: top; }
p, li, td, th { overflow-wrap: anywhere; }
"""


def html(scene: Scene) -> str:
    """The page: the title, who says it, the picture, then everything that it shows in words."""
    outline = scene.outline
    head, rest = _head(outline)
    picture = svg(scene).partition("\n")[2].rstrip("\n")
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(outline.title)}</title>",
            f"<style>{_STYLE}</style></head>",
            "<body>",
            *map(_block, head),
            f"<figure>{picture}</figure>",
            *map(_block, rest),
            "</body>",
            "</html>",
            "",
        )
    )


def _head(outline: Outline) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """The title and the sentence under it, and what follows."""
    count = next((k for k, block in enumerate(outline.blocks) if not isinstance(block, (Heading, Paragraph))), 0)
    kept = min(count, 2)
    return outline.blocks[:kept], outline.blocks[kept:]


def _block(block: Block) -> str:
    match block:
        case Heading(words, level):
            return f"<h{min(level, 6)}>{escape(words)}</h{min(level, 6)}>"
        case Paragraph(words):
            return f"<p>{escape(words)}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        case Table(head, rows):
            heads = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
            return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(map(_row, rows))}</tbody></table></div>'
        case _:
            assert_never(block)


def _row(cells: tuple[tuple[str, ...], ...]) -> str:
    first, *rest = cells
    return f'<tr><th scope="row">{_cell(first)}</th>{"".join(f"<td>{_cell(cell)}</td>" for cell in rest)}</tr>'


def _cell(entries: Iterable[str]) -> str:
    return "<br>".join(map(escape, entries)) or "—"


def render(scene: Scene) -> bytes:
    """The page in UTF-8."""
    return html(scene).encode("utf-8", "replace")


RENDERER = render
