"""The reference of the language as Markdown, made from the grammar, so that it cannot say anything else than the reader."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.readers.policy_yaml.grammar import EXCEPTION, FIREWALL, POLICY, RULE, TEST, TESTS
from firewright.readers.policy_yaml.shape import (
    Name,
    Question,
    Record,
    Several,
    Shape,
    Table,
    Word,
)

SECTIONS = (
    ("A policy", POLICY),
    ("An exception", EXCEPTION),
    ("A rule", RULE),
    ("A firewall", FIREWALL),
    ("A file of tests", TESTS),
    ("A test", TEST),
)


def reference() -> str:
    """Every key of the language: a heading a record, a table a heading, a row a key."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for number, (title, record) in enumerate(SECTIONS):
        if number:
            yield ""
        yield f"## {title}"
        yield ""
        yield "| key | what it says | written as | example |"
        yield "|---|---|---|---|"
        for key in record.keys:
            must = " **Always there.**" if key.is_required else ""
            yield f"| `{key.name}` | {key.says}{must} | {in_words(key.shape)} | `{key.example}` |"


def in_words(shape: Shape) -> str:
    """A shape in words: *a zone, or a list of zones*."""
    if isinstance(shape, Several):
        one = in_words(shape.of)
        if shape.word:
            return f"a list, each {one}; or the word {shape.word}"
        if shape.least > 1:
            return f"a list of {shape.least} or more, each {one}"
        return f"{one}, or a list of them" if shape.is_loose else f"a list, each {one}"
    if isinstance(shape, Table):
        names = f"one of {', '.join(shape.words)}" if shape.words else f"name of {_a(shape.kind)}"
        return f"{{{names}: {in_words(shape.of)}}}"
    if isinstance(shape, Question):
        return f"{in_words(shape.otherwise)}; or `{{fill-in: a question}}`"
    if isinstance(shape, Word):
        return " or ".join(shape.words)
    if isinstance(shape, Name):
        return f"the name of {_a(shape.kind)}"
    if isinstance(shape, Record):
        return f"{shape.called} (below)"
    first = (type(shape).__doc__ or "").strip().rstrip(".")
    return first[0].lower() + first[1:]


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"
