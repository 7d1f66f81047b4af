"""HTML as a stream of tags and texts, in one pass whatever the text: nothing in it can make reading it slow or deep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)")
_ATTRIBUTE = re.compile(r"""([A-Za-z][A-Za-z0-9_-]*)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""")
_MARK = re.compile("[>\"']")
_VALUE = re.compile("=\\s*[\"']$")
_RAW = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
"""Elements whose content is no markup (WHATWG HTML, section 13.2)."""


class Token(NamedTuple):
    """A tag (`name` in lower case, `is_end` for `</name>`) or a text, at an offset of the whole text."""

    name: str
    is_end: bool
    content: str
    offset: int

    def attribute(self, wanted: str) -> str:
        """The value of an attribute of a tag, empty where it has none."""
        found = (value for name, value in _ATTRIBUTE.findall(self.content[:4096]) if name.lower() == wanted)
        return unescape(next(found, "").strip("\"'"))


def tokens(text: str) -> Iterator[Token]:
    """The tags and texts of HTML in order; comments, declarations and what is in scripts and styles are left out. O(size)."""
    at, size = 0, len(text)
    while at < size:
        opening = text.find("<", at)
        if opening < 0:
            opening = size
        if opening > at:
            yield Token("", False, unescape(text[at:opening]), at)
        if opening == size:
            return
        named = _NAME.match(text, opening)
        if text.startswith("<!--", opening):
            at = _behind(text, "-->", opening + 4)
        elif named is None and text[opening + 1 : opening + 2] in ("!", "?", "/"):
            at = _behind(text, ">", opening)
        elif named is None:
            yield Token("", False, "<", opening)
            at = opening + 1
        else:
            end = _end_of_tag(text, named.end())
            name, is_end = named[1].lower(), text[opening + 1] == "/"
            yield Token(name, is_end, text[named.end() : end], opening)
            at = end
            if name in _RAW and not is_end:
                close = re.compile(f"</{name}", re.IGNORECASE).search(text, at)
                at = size if close is None else close.start()


def _behind(text: str, mark: str, start: int) -> int:
    """The offset behind a mark; the end where it never comes, as browsers do."""
    found = text.find(mark, start)
    return len(text) if found < 0 else found + len(mark)


def _end_of_tag(text: str, start: int) -> int:
    """The offset behind a tag's `>`; one inside a value's quotes is none. A value that is never closed takes the rest."""
    at = start
    while (found := _MARK.search(text, at)) is not None:
        at = found.end()
        if found[0] == ">":
            return at
        # a quote that begins no value is a letter like others
        if text[found.start() - 1] in "= ":
            at = _behind(text, found[0], at) if _VALUE.search(text, max(start, at - 20), at) else at
    return len(text)
