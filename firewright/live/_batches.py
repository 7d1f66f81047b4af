"""A long nftables text as several short ones, which loaded one after the other amount to the same.

A user namespace may not enlarge the buffer by which nft sends a transaction (net.core.wmem_default, 208 KiB: some 400 rules),
so who has no rights loads a long ruleset in parts: first tables with empty chains and sets, then elements, then rules in their order.
Only in a namespace that nobody uses is that the same as loading it at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BLOCK = re.compile(r"(?P<kind>table|chain|set|map)\s+(?P<name>[^{}]*?)\s*\{(?P<body>.*)\}\s*", re.DOTALL)
_ELEMENTS = re.compile(r"elements\s*=\s*\{(?P<list>.*)\}\s*", re.DOTALL)
_ABOUT_CHAIN = ("type ", "policy ", "comment ", "flags ")
"""What a chain says of itself; everything else in it is a rule."""
_UNSPLITTABLE = re.compile(r"(?m)^\s*(?:define|redefine|undefine|include)\b|(?<!\\)\$\w")


def batches(text: str, size: int) -> tuple[str, ...] | None:
    """The texts to load one after the other, each of about `size` characters or one statement; None where it cannot be cut.

    Variables and includes reach over the whole text, so a text with them is not cut.
    """
    bare = "".join(_bare(text))
    if _UNSPLITTABLE.search(bare):
        return None
    frames: list[str] = []
    elements: list[tuple[str, str]] = []
    rules: list[tuple[str, str]] = []
    for statement in statements(bare):
        table = _BLOCK.fullmatch(statement)
        if table is not None and table["kind"] == "table":
            frames += _frames(table["name"], table["body"], elements, rules)
        elif rules or elements:
            return None  # A command behind a table may be about what is not loaded yet.
        else:
            frames.append(statement)
    return (
        *_packed(frames, size, "", "\n"),
        *(one for head, group in _grouped(elements) for one in _packed(group, size, f"{head} {{ ", " }\n", ", ")),
        *(one for head, group in _grouped(rules) for one in _packed(group, size, head, "\n}\n}\n")),
    )


def _frames(table: str, body: str, elements: list[tuple[str, str]], rules: list[tuple[str, str]]) -> Iterator[str]:
    """A table, then each thing in it without rules and elements, which are put into the lists with what stands before them."""
    inside = [(statement, _BLOCK.fullmatch(statement)) for statement in statements(body)]
    # What a table says of itself is said each time: a table that is named without its flags loses them.
    said = "\n".join(statement for statement, _ in inside if not statement.endswith("}"))
    head = f"table {table} {{\n{said}\n"
    yield f"{head}}}"
    for statement, block in inside:
        if block is None:
            if statement.endswith("}"):
                yield f"{head}{statement}\n}}"
            continue
        kept = []
        for one in statements(block["body"]):
            listed = _ELEMENTS.fullmatch(one) if block["kind"] != "chain" else None
            if listed is not None:
                into = f"add element {table} {block['name']}"
                elements += ((into, element) for element in split(listed["list"], ","))
            elif block["kind"] == "chain" and not one.startswith(_ABOUT_CHAIN):
                rules.append((f"{head}chain {block['name']} {{\n", one))
            else:
                kept.append(one)
        yield "\n".join((f"{head}{block['kind']} {block['name']} {{", *kept, "}\n}"))


def _grouped(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    for head, one in pairs:
        groups.setdefault(head, []).append(one)
    return iter(groups.items())


def _packed(parts: Iterable[str], size: int, before: str, after: str, between: str = "\n") -> Iterator[str]:
    taken: list[str] = []
    length = 0
    for part in parts:
        if taken and length + len(part) > size:
            yield f"{before}{between.join(taken)}{after}"
            taken, length = [], 0
        taken.append(part)
        length += len(part) + len(between)
    if taken:
        yield f"{before}{between.join(taken)}{after}"


def statements(text: str) -> list[str]:
    """The statements of a text without comments: they end at a newline or a semicolon outside of braces."""
    return split(text, "\n;")


def split(text: str, ends: str) -> list[str]:
    """The parts of a text between some characters, outside of braces and quotes; empty ones left out, all stripped."""
    parts, start, depth, is_quoted = [], 0, 0, False
    for place in re.finditer(rf'["{{}}\\{re.escape(ends)}]', text):
        character, at = place[0], place.start()
        if character == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character in "{}":
            depth += 1 if character == "{" else -1
        elif depth == 0 and character in ends and not (character == "\n" and text[at - 1 : at] == "\\"):
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


def _bare(text: str) -> Iterator[str]:
    """The text without its comments."""
    start, is_quoted = 0, False
    end = -1
    for place in re.finditer(r'["#\n]', text):
        character, at = place[0], place.start()
        if at < end:
            continue
        if character == '"':
            is_quoted = not is_quoted
        elif character == "\n":
            is_quoted = False
        elif not is_quoted:
            yield text[start:at]
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            start = end
    yield text[start:]
