"""What the paragraphs of a Word document say, as people see them: without deletions, field codes and hidden text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from firewright.readers.port_documents._parcel import Node

_UNSEEN = frozenset(
    [
        "del",
        "moveFrom",
        "instrText",
        "delText",
        "rPr",
        "pPr",
        "sdtPr",
        "sdtEndPr",
        "fldData",
        "annotationRef",
        "Fallback",
        "tbl",
        "txbxContent",
        "tblPr",
    ]
)
"""Elements that show nothing in a paragraph; text boxes and tables in it are blocks of their own."""
_CONTROL = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}


@dataclass(frozen=True, slots=True)
class Styles:
    """What the names of paragraph styles stand for: levels of headings from 1, depths of list items from 0, captions."""

    headings: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    captions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, root: Node) -> Styles:
        """The styles in a part `styles.xml`; a style has what the one it is based on has. O(styles x their chain)."""
        by_id = {one.get("styleId"): one for one in root.elements("style") if one.get("type") == "paragraph"}
        headings, items, captions = dict[str, int](), dict[str, int](), set[str]()
        for name in by_id:
            for one in _chain(name, by_id):
                title = _value(one, "name").lower()
                level = _value(one, "pPr", "outlineLvl")
                numbered = one.first("pPr", "numPr")
                if title.startswith("heading ") and title[8:9].isdecimal():
                    headings.setdefault(name, int(title[8]))
                elif title == "title":
                    headings.setdefault(name, 1)
                elif title == "caption":
                    captions.add(name)
                elif level.isdecimal() and int(level) < 9:
                    headings.setdefault(name, int(level) + 1)
                elif numbered is not None:
                    items.setdefault(name, _depth(numbered))
        return cls(headings, items, frozenset(captions))

    def heading(self, paragraph: Node) -> int:
        """The level of a heading, 0 of what is none."""
        own = _value(paragraph, "pPr", "outlineLvl")
        if own.isdecimal() and int(own) < 9:
            return int(own) + 1
        return self.headings.get(_value(paragraph, "pPr", "pStyle"), 0)

    def item(self, paragraph: Node) -> int | None:
        """The depth of a list's item, None of what is none."""
        numbered = paragraph.first("pPr", "numPr")
        if numbered is not None:
            # number 0 takes a paragraph out of the list that its style has (ECMA-376 part 1, 17.9.18)
            return None if _value(numbered, "numId") == "0" else _depth(numbered)
        return self.items.get(_value(paragraph, "pPr", "pStyle"))

    def is_caption(self, paragraph: Node) -> bool:
        """Whether it is the caption of what is beside it."""
        return _value(paragraph, "pPr", "pStyle") in self.captions


def said(paragraph: Node, notes: set[str]) -> str:
    """The text of a paragraph: struck through as `~~text~~`, raised or lowered and references to notes as `[^text]`."""
    parts: list[str] = []
    for run in _runs(paragraph):
        look = run.first("rPr")
        if look is not None and (_is_on(look.first("vanish")) or _is_on(look.first("webHidden"))):
            notes.add("hidden text is left out")
            continue
        text = "".join(_pieces(run))
        if text.strip() and look is not None:
            if _value(look, "vertAlign") in ("superscript", "subscript") and not text.startswith("[^"):
                text = f"[^{text.strip()}]"
            if _is_on(look.first("strike")) or _is_on(look.first("dstrike")):
                text = f"~~{text}~~"
        parts.append(text)
    if next(paragraph.walk("del", "moveFrom", "ins", "moveTo"), None) is not None:
        notes.add("it has tracked changes: it is read as if they were accepted")
    return "".join(parts).replace("~~~~", "")


def _runs(node: Node) -> Iterator[Node]:
    """The runs of a paragraph, those in links, fields and content controls too."""
    for child in node.elements():
        if child.name == "r":
            yield child
        elif child.name not in _UNSEEN:
            yield from _runs(child)


def _pieces(node: Node) -> Iterator[str]:
    for child in node.elements():
        if child.name == "t":
            yield "".join(text for text in child.children if isinstance(text, str))
        elif child.name in _CONTROL:
            yield _CONTROL[child.name]
        elif child.name in ("footnoteReference", "endnoteReference"):
            yield f"[^{child.get('id')}]"
        elif child.name == "sym":
            yield "\ufffd"
        elif child.name not in _UNSEEN:
            yield from _pieces(child)


def _chain(name: str, by_id: dict[str, Node]) -> Iterator[Node]:
    """A style and those it is based on; a circle ends where it closes."""
    seen: set[str] = set()
    while name in by_id and name not in seen:
        seen.add(name)
        yield by_id[name]
        name = _value(by_id[name], "basedOn")


def _value(node: Node, *path: str) -> str:
    found = node.first(*path)
    return found.get("val") if found is not None else ""


def _depth(numbered: Node) -> int:
    level = _value(numbered, "ilvl")
    return int(level) if level.isdecimal() and len(level) == 1 else 0


def _is_on(switch: Node | None) -> bool:
    return switch is not None and switch.get("val", "1") not in ("0", "false", "off")
