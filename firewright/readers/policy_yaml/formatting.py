"""The one way to write a policy: keys in the grammar's order, two spaces a level, long prose folded, IPv6 in quotes.

Every comment is kept, beside what it stood beside, and every value is kept to the letter. The text is printed from its
own tokens, not dumped from values, so that what needs no change is not changed: columns of lines side by side, quotes,
short lists in brackets. Where nothing is in a column, one space is behind a comma or colon; at least two are before a
comment.
What comes out is read again before it is given away: if a value, a comment or a second formatting differs, nothing is.
"""

from __future__ import annotations

from collections import Counter

from firewright import document
from firewright.diagnostic import Report
from firewright.document import Node, Scalar, Sequence
from firewright.readers.policy_yaml.assertions import SUFFIX
from firewright.readers.policy_yaml.grammar import POLICY, TESTS
from firewright.readers.policy_yaml.layout import print_layout
from firewright.readers.policy_yaml.pieces import comments_of, pieces_of
from firewright.readers.policy_yaml.shape import Record
from firewright.source import Source, Span

_MOST_ROUNDS = 4
"""Printings after which a text stays as it is: what is reordered may be in a column no more."""


def format_text(source: Source, report: Report) -> str | None:
    """The text of a policy, or of its tests, as it should be written; None after saying in the report why not.

    Law: reading what comes out gives what reading what went in gives, with the same comments, and formatting it again
    changes nothing. Only YAML is looked at; a policy with unknown names can be formatted. O(n log n).
    """
    tree = document.parse(source, report)
    if tree is None:
        return None
    if tree.root is None:
        return "\n".join(line.rstrip() for line in source.text.split("\n")).strip("\n") + "\n"
    record = TESTS if source.path.endswith(SUFFIX) else POLICY
    once = _settled(source.text, record)
    again = Report()
    after = document.parse(Source(source.path, once), again)
    is_kept = after is not None and after.root is not None and meaning(after.root) == meaning(tree.root)
    if is_kept and _comments(once) == _comments(source.text) and _printed(once, record) == once:
        return once
    way_out = "format it by hand; nothing was changed"
    report.error(
        "cannot-format", "this text cannot be written otherwise without loss", Span(source.path, 1, 1), way_out
    )
    return None


def meaning(node: Node) -> object:
    """What a tree says, without places and without the order of keys."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [meaning(item) for item in node.items]
    return {key.text: meaning(value) for key, value in node.entries}


def _settled(text: str, record: Record) -> str:
    """The printed text, printed again where what was aligned with each other is no longer side by side."""
    for _ in range(_MOST_ROUNDS):
        before, text = text, _printed(text, record)
        if text == before:
            break
    return text


def _printed(text: str, record: Record) -> str:
    return print_layout(text, pieces_of(text), record)


def _comments(text: str) -> Counter[str]:
    return Counter(comment.text for comment in comments_of(text, pieces_of(text)))
