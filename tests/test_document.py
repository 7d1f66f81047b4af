"""YAML as a tree in which every value knows its place."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.document import Mapping, Node, Scalar, Sequence, collection_paused, parse, walk
from firewright.source import Source


def tree(text: str) -> Node:
    """The root of a text that is right."""
    report = Report()
    found = parse(Source("a.yaml", text), report)
    assert found is not None, report.diagnostics
    assert found.root is not None
    return found.root


def plain(node: Node) -> object:
    """A tree as strings, lists and dicts."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}


def test_scalars_are_not_guessed_at() -> None:
    """What YAML 1.1 reads as a number, a truth or a time is the text that stands there."""
    for text in ("22:22", "no", "010", "1e3", "0x1F", "2027-03-31", "~", "1_000", "on", ".5"):
        assert plain(tree(f"a: {text}\n")) == {"a": text}


def test_places_are_those_of_an_editor() -> None:
    """Line and column count from one, in characters, also behind characters of several bytes."""
    root = tree('é: {ü: "straße", b: [c]}\n')
    assert isinstance(root, Mapping)
    scalars = {node.text: node.at[1:] for node in walk(root) if isinstance(node, Scalar)}
    assert scalars == {"straße": (1, 8, 8), "c": (1, 22, 1)}
    assert root.entries[0][0].at[1:] == (1, 1, 1)


def test_a_scalar_of_several_lines_has_the_place_of_its_first() -> None:
    """Where a value ends on another line its width is one."""
    root = tree("a: >-\n  one\n  two\nb: c\n")
    assert isinstance(root, Mapping)
    assert [(value.text, value.at[1:]) for _, value in root.entries if isinstance(value, Scalar)] == [
        ("one two", (1, 4, 1)),
        ("c", (4, 4, 1)),
    ]


def test_comments_right_behind_plain_values_are_kept() -> None:
    """A comment behind a plain value is found, on its last line; one behind quotes, or inside them, is not one of these."""
    text = 'a: ticket #12\nb: "x" # no\nc: one\n  two # three\nd: "a # b"\ne: [f] # no\ng: http://x#y\n'
    found = parse(Source("a.yaml", text), Report())
    assert found is not None
    assert isinstance(found.root, Mapping)
    behind = {key.text: found.comment_behind(value) for key, value in found.root.entries if isinstance(value, Scalar)}
    assert behind == {"a": "#12", "b": "", "c": "# three", "d": "", "g": ""}


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("a: &x b\n", "yaml-feature", (1, 4)),
        ("a: *x\n", "yaml-feature", (1, 4)),
        ("a: !!int 1\n", "yaml-feature", (1, 4)),
        ("a: 1\na: 2\n", "duplicate-key", (2, 1)),
        ("? [a]\n: b\n", "bad-key", (1, 3)),
        ("a: [::/0]\n", "unquoted-ipv6", (1, 5)),
        ("a: b\n---\nc: d\n", "yaml-syntax", (2, 1)),
        ("a:\n\tb: c\n", "yaml-syntax", (2, 1)),
        ("a: 'b\n", "yaml-syntax", (1, 4)),
        ("é: [x, \x01]\n", "control-character", (1, 8)),
    ],
)
def test_what_is_refused_has_a_name_and_a_place(text: str, name: str, place: tuple[int, int]) -> None:
    """Each thing that is not read gives one error, at its place, with a way out."""
    report = Report()
    assert parse(Source("a.yaml", text), report) is None
    (said,) = report.diagnostics
    assert (said.name, said.at[1:3]) == (name, place)
    assert said.help


def test_all_duplicate_keys_are_said_at_once() -> None:
    """Two keys that stand twice are two errors, each with the place of the first."""
    report = Report()
    assert parse(Source("a.yaml", "a: 1\nb: 2\na: 3\nb: 4\n"), report) is None
    assert [(said.at.line, said.notes[0].at.line) for said in report.sorted()] == [(3, 1), (4, 2)]


def test_an_empty_text_has_no_root() -> None:
    """Nothing but comments is a document without a root, not an error."""
    for text in ("", "# comment\n", "---\n"):
        found = parse(Source("a.yaml", text), Report())
        assert found is not None
        assert found.root is None


def test_the_collector_is_left_as_it_was() -> None:
    """Pausing the garbage collector ends with the block, also within another pause, also after an error."""
    assert gc.isenabled()
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    with pytest.raises(ValueError, match="x"), collection_paused():
        raise ValueError("x")
    assert gc.isenabled()


def test_a_tree_is_freed_without_the_collector() -> None:
    """Trees have no circles: when the last name is gone, so are they."""
    with collection_paused():
        before = len(gc.get_objects())
        for _ in range(20):
            tree("a: [b, {c: d}]\n" * 1)
        assert len(gc.get_objects()) < before + 200


_KEYS = st.text("abcé", min_size=1, max_size=4)
_VALUES = st.recursive(
    st.text("ab: #'\"\\é-[]{},&*!|>%@\n", max_size=8),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=12,
)


def flow(value: object) -> str:
    """A value in brackets and double quotes."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    assert isinstance(value, dict)
    return f"{{{', '.join(f'{flow(key)}: {flow(inner)}' for key, inner in value.items())}}}"


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4))
def test_what_is_written_is_read(value: dict[str, object]) -> None:
    """Law: a tree that is written down is read back as it was."""
    assert plain(tree(flow(value))) == value
