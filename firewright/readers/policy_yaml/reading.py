"""Tree to statements: every node is held against its shape in the grammar; what does not fit is said and left out.

Names are not looked up here. What a record says is a `Stated`: its values by key, and which keys were there but broken,
so that nobody complains a second time about them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar, cast

from firewright.diagnostic import harmless
from firewright.document import Document, Node, Scalar, Sequence, walk
from firewright.document import Mapping as MappingNode
from firewright.model.protocol import PORTED_NAMES
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.grammar import QUESTION
from firewright.readers.policy_yaml.shape import (
    Day,
    Duration,
    Endpoint,
    Key,
    Moment,
    Name,
    Path,
    Question,
    Record,
    ServiceEntry,
    Several,
    Shape,
    Table,
    Text,
    Word,
    YesNo,
    ZoneEntry,
)
from firewright.readers.policy_yaml.stated import Asked, Entries, FromPorts, ServiceWord, Stated
from firewright.readers.policy_yaml.values import (
    INTERFACE,
    NAME,
    RULE_NAME,
    BadValue,
    mended_name,
    parse_day,
    parse_duration,
    parse_moment,
    parse_yes_no,
)
from firewright.source import Located

T = TypeVar("T")


_MOST_LISTED = 8
"""Keys that an error lists where none of them is near."""
_PROSE = ("because", "about", "ticket", "fill-in")
"""Where a comment right behind a text is more likely its end, cut off by mistake."""


class Reader:
    """Reads one document by the grammar."""

    def __init__(self, document: Document, complaints: Complaints) -> None:
        self.document, self.complaints, self.is_in_list = document, complaints, False
        self.error = complaints.error

    def read(self, node: Node, shape: Shape, place: str) -> Any:
        """What the node says, or None after complaining. `place` is its key, for the message."""
        return _BY_SHAPE[type(shape)](self, node, shape, place)

    def record(self, node: Node, shape: Record, place: str) -> Stated | None:
        """What a mapping of known keys says."""
        if type(node) is not MappingNode:
            first = ", ".join(key.name for key in shape.keys[:3])
            self._misfit(node, f"{shape.called} is written as key: value", f"{shape.called} begins with a key: {first}")
            return None
        stated = Stated(node.at)
        keys, values, known = stated.keys, stated.values, shape.by_name
        found: Key | None = None
        for place_of, (key, value) in enumerate(node.entries):
            name, before = key.text, found
            found = known.get(name)
            if found is None:
                if before is not None and type(before.shape) is Text and _is_empty(value):
                    self._comma_in_text(before.name, key)
                elif before is not None and type(before.shape) is Several and self._is_cut_off(key, value):
                    self._comma_in_list(node, place_of)
                elif before is not None or not (stated.has_strangers and _is_empty(value)):
                    self._unknown_key(key, shape)
                stated.has_strangers = True
                continue
            keys[name] = key
            read = _BY_SHAPE[type(found.shape)](self, value, found.shape, name)
            if read is not None:
                values[name] = read
        return stated

    def _unknown_key(self, key: Scalar, shape: Record) -> None:
        synonym = dict(shape.synonyms).get(key.text)
        known = shape.by_name
        listed = f"its keys are {_listed(tuple(known))}"
        way_out = dict(shape.elsewhere).get(key.text, "")
        if not way_out:
            way_out = f"did you mean {synonym}?" if synonym else self.complaints.did_you_mean(key.text, known, listed)
        self.error("unknown-key", f"{shape.called} has no key {quoted(key)}", key.at, way_out)

    def _comma_in_text(self, place: str, key: Scalar) -> None:
        message = f"inside {{ }} a comma ends the text of {place}; {quoted(key)} is taken for a key"
        self.error(
            "comma-in-text", message, key.at, f'put the whole text in quotes: {place}: "…, {harmless(key.text, 40)}"'
        )

    def _is_cut_off(self, key: Scalar, value: Node) -> bool:
        """Whether a key without a value and without a colon stands in braces: it was meant as one more value."""
        line = self.document.source.line(key.line)
        return _is_empty(value) and not line[key.column - 1 + key.width :].lstrip().startswith(":")

    def _comma_in_list(self, node: MappingNode, place: int) -> None:
        """Say that several values need brackets, and how these are written in them."""
        (known, first), (key, _) = node.entries[place - 1], node.entries[place]
        words = [first.text] if isinstance(first, Scalar) else [one.text for one in walk(first) if type(one) is Scalar]
        protocol = words[-1].partition("/")[0] if words and "/" in words[-1] else ""
        for word, value in node.entries[place:]:
            if not self._is_cut_off(word, value):
                break
            is_port = protocol and word.text.replace("-", "").isdecimal()
            words.append(f"{protocol}/{word.text}" if is_port else word.text)
        name = harmless(known.text, 40)
        message = f"inside {{ }} a comma ends the value of {name}; {quoted(key)} is taken for a key"
        way_out = f"put several in brackets: {name}: [{', '.join(harmless(word, 40) for word in words[:6])}]"
        self.error("comma-in-list", message, key.at, way_out)

    def _misfit(self, node: Node, message: str, way_out: str = "") -> None:
        self.error("wrong-shape", message, node.at, way_out)

    def _one_word(self, node: Node, shape: Shape, place: str) -> Scalar | None:
        """One value that is neither a list nor a mapping, nor empty."""
        if type(node) is not Scalar:
            what = "a list" if isinstance(node, Sequence) else "a mapping"
            shown = harmless(place, 60)
            if self.is_in_list:
                self._misfit(node, f"{what} within the list of {shown}", "write one list of words: [one, another]")
            else:
                self._misfit(node, f"{shown} is one value, not {what}", f"write {shown}: value")
        elif not node.text.strip() or (node.is_plain and node.text in ("~", "null")):
            way_out = "write a value, or leave the key out"
            if comment := self.document.comment_behind(node):
                way_out = f"text after # is a comment; if {quoted(comment, 40)} is the value, put it in quotes"
            self.error("no-value", f"nothing stands behind {harmless(place, 60)}", node.at, way_out)
        else:
            return node
        return None

    def _text(self, node: Node, shape: Shape, place: str) -> Scalar | None:
        scalar = self._one_word(node, shape, place)
        if scalar is not None and place in _PROSE and (comment := self.document.comment_behind(scalar)):
            self.complaints.warning(
                "comment-behind-reason",
                f"{place} ends before {quoted(comment, 40)}, which is a comment",
                scalar.at,
                "put the whole text in quotes if it belongs to it, else move the comment to a line of its own",
            )
        return scalar

    def _name(self, node: Node, shape: Name, place: str) -> Scalar | None:
        scalar = self._one_word(node, shape, place)
        if scalar is None or shape.kind not in ("policy", "rule", "interface"):
            return scalar
        return scalar if place == "overrides" or self.is_name(scalar, shape.kind) else None

    def is_name(self, scalar: Scalar, kind: str) -> bool:
        """Whether a word can be a name of that kind; else it is said, with the name mended."""
        text = scalar.text
        if kind == "interface":
            if INTERFACE.fullmatch(text):
                return True
            way_out = "write its name as the system shows it, at most 15 characters; eth* is every name that begins so"
        elif (RULE_NAME if kind == "rule" else NAME).fullmatch(text):
            return True
        else:
            mended = mended_name(text)
            said = "letters, digits, hyphens" if kind == "rule" else "lower-case letters, digits, hyphens"
            way_out = f"write {mended}" if mended else f"a name is made of {said}"
        self.error("bad-name", f"{quoted(scalar)} cannot be the name of {_article(kind)}", scalar.at, way_out)
        return False

    def _word(self, node: Node, shape: Word, place: str) -> Scalar | None:
        scalar = self._one_word(node, shape, place)
        if scalar is None or scalar.text in shape.words:
            return scalar
        listed = f"write {' or '.join(shape.words)}"
        way_out = self.complaints.did_you_mean(scalar.text, shape.words, listed)
        self.error("bad-word", f"{place} cannot be {quoted(scalar)}", scalar.at, way_out)
        return None

    def _yes_no(self, node: Node, shape: Shape, place: str) -> Located[bool] | None:
        return self._parsed(node, shape, place, parse_yes_no)

    def _day(self, node: Node, shape: Shape, place: str) -> Located[date] | None:
        return self._parsed(node, shape, place, parse_day)

    def _moment(self, node: Node, shape: Shape, place: str) -> Located[date] | None:
        return self._parsed(node, shape, place, parse_moment)

    def _duration(self, node: Node, shape: Shape, place: str) -> Located[int] | None:
        return self._parsed(node, shape, place, parse_duration)

    def _parsed(self, node: Node, shape: Shape, place: str, parse: Callable[[str], T]) -> Located[T] | None:
        scalar = self._one_word(node, shape, place)
        if scalar is None:
            return None
        try:
            return Located(parse(scalar.text), scalar.at)
        except BadValue as bad:
            self.error(bad.name, bad.message, scalar.at, bad.help)
            return None

    def _several(self, node: Node, shape: Several, place: str) -> tuple[Any, ...] | None:
        if shape.word and type(node) is Scalar:
            if node.text == shape.word:
                return ()
            self._no_list(node, shape, place)
            return None
        if type(node) is not Sequence:
            if not shape.is_loose or shape.least > 1:
                self._no_list(node, shape, place)
                return None
            one = self.read(node, shape.of, place)
            return None if one is None else (one,)
        if not node.items:
            self._empty(node, shape, place)
            return None
        read = _BY_SHAPE[type(shape.of)]
        of = shape.of
        if type(of) is Record:
            return tuple([item for part in node.items if (item := read(self, part, of, place)) is not None])
        self.is_in_list = True
        items = [item for part in node.items if (item := read(self, part, of, place)) is not None]
        self.is_in_list = False
        if len(items) < len(node.items):
            return tuple(items) or None
        if len(items) < shape.least:
            self._no_list(node, shape, place)
            return None
        self._said_twice(items, place)
        return tuple(items)

    def _said_twice(self, items: list[Any], place: str) -> None:
        if len(items) > 1 and type(items[0]) is Scalar:
            texts = [item.text for item in items if type(item) is Scalar]
            if len(set(texts)) < len(texts):
                twice = next(item for k, item in enumerate(items) if type(item) is Scalar and item.text in texts[:k])
                self.complaints.warning("said-twice", f"{quoted(twice)} stands twice in {place}", twice.at, "keep one")

    def _no_list(self, node: Node, shape: Several, place: str) -> None:
        if shape.word:
            way_out = f"write {place}: {shape.word}, or a list with - before each of them"
            self.error("no-rules", f"{place} is a list, or the word {shape.word}", node.at, way_out)
        elif shape.least > 1:
            self.error("too-few", f"{place} needs {shape.least} or more", node.at, f"write {place}: [one, another]")
        else:
            self._misfit(node, f"{place} is a list", f"write {place}: [one, another]")

    def _empty(self, node: Node, shape: Several, place: str) -> None:
        name, way_out = "empty-list", "name at least one, or leave it out"
        message = f"the list of {harmless(place, 60)} is empty"
        if shape.word:
            name, way_out = "no-rules", f"write {place}: {shape.word} if nothing is to be open"
        elif type(shape.of) is ZoneEntry:
            message = f"{harmless(place, 60)} has no addresses"
            name, way_out = "empty-zone", "write its prefixes, or {fill-in: a question} if whoever installs knows them"
        elif type(shape.of) is ServiceEntry:
            message = f"{harmless(place, 60)} names no service"
            name, way_out = "empty-service", "name at least one service; an empty list would say nothing"
        self.error(name, message, node.at, way_out)

    def _table(self, node: Node, shape: Table, place: str) -> Entries[Any] | None:
        if type(node) is not MappingNode:
            self._misfit(node, f"{place} is written as name: value", f"write {place}: {{name: value}}")
            return None
        kind, of = shape.kind, shape.of
        is_definition = kind in ("zone", "service", "option", "firewall", "label") and place not in ("set", "fill-in")
        read = []
        for key, value in node.entries:
            if shape.words and key.text not in shape.words:
                way_out = self.complaints.did_you_mean(key.text, shape.words, f"they are {', '.join(shape.words)}")
                self.error(f"unknown-{kind}", f"there is no {kind} {quoted(key)}", key.at, way_out)
                continue
            if is_definition and not self.is_name(key, kind):
                continue
            read.append((key, self.read(value, of, key.text)))
        return tuple(read)

    def _question(self, node: Node, shape: Question, place: str) -> Asked | tuple[Any, ...] | None:
        if type(node) is not MappingNode:
            return cast("tuple[Any, ...] | None", self.read(node, shape.otherwise, place))
        stated = self.record(node, QUESTION, place)
        question = stated.word("fill-in") if stated else None
        if stated is not None and "fill-in" not in stated.keys and not stated.has_strangers:
            self.error("no-question", f"{harmless(place, 60)} has no question", node.at, "write {fill-in: what to ask}")
        return Asked(question) if question is not None else None

    def _service(self, node: Node, shape: Shape, place: str) -> ServiceWord | None:
        if isinstance(node, Scalar):
            return self._one_word(node, shape, place)
        if isinstance(node, Sequence):
            self._misfit(node, "a list within a list of services", "write one list: [one, another]")
            return None
        return self._from_ports(node)

    def _from_ports(self, node: MappingNode) -> FromPorts | None:
        protocol: Scalar | None = None
        lists: dict[str, tuple[Scalar, ...] | None] = {}
        way_out = "write {udp: any, source-port: 53}"
        for key, value in node.entries:
            if key.text in PORTED_NAMES and protocol is None:
                protocol = key
            elif key.text != "source-port":
                known = (*PORTED_NAMES, "source-port")
                near = self.complaints.did_you_mean(key.text, known, way_out) if protocol is None else way_out
                self.error("unknown-key", f"a service with source ports has no key {quoted(key)}", key.at, near)
                return None
            lists[key.text] = self._several(value, Several(Name("port")), key.text)
        if protocol is None or "source-port" not in lists:
            missing = "source-port" if protocol else "protocol"
            self.error("wrong-shape", f"a service written as a mapping without a {missing}", node.at, way_out)
            return None
        ports, source_ports = lists[protocol.text], lists["source-port"]
        return FromPorts(protocol, ports, source_ports, node.at) if ports and source_ports else None


def _is_empty(node: Node) -> bool:
    return type(node) is Scalar and node.text == "" and node.is_plain


def _listed(known: tuple[str, ...]) -> str:
    """The keys of a record, the first ones where they are many."""
    if len(known) <= _MOST_LISTED:
        return ", ".join(known)
    return f"{', '.join(known[:_MOST_LISTED])} and {len(known) - _MOST_LISTED} more"


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


# on the class, not on its instances: bound methods in a table would tie each reader and its tree into a circle
_BY_SHAPE: Mapping[type, Callable[[Reader, Node, Any, str], Any]] = {
    Text: Reader._text, Name: Reader._name, Word: Reader._word, YesNo: Reader._yes_no, Day: Reader._day,
    Moment: Reader._moment, Duration: Reader._duration, Path: Reader._one_word, ZoneEntry: Reader._one_word,
    Endpoint: Reader._one_word, ServiceEntry: Reader._service,
    Several: Reader._several, Table: Reader._table, Question: Reader._question, Record: Reader.record,
}  # fmt: skip
