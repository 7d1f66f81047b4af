"""One curated service of the catalog, and how it is read from its YAML. A row is data: it is added without code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import TypeVar

from firewright import document
from firewright.diagnostic import Report, harmless, nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.model.conntrack_helper import HELPERS
from firewright.model.interval import Ranges, canonical
from firewright.model.packet import Family
from firewright.model.transport import (
    EVERY_SELECTOR,
    TRANSPORT_WORDS,
    BadTransport,
    Transport,
    parse_transport,
    service_ranges,
    words,
)
from firewright.source import NOWHERE, Source, Span

NAME = re.compile(r"(?=.{1,40}\Z)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")
"""How the name of a row is spelt: lower case, digits and single hyphens, at least one letter."""
_DATE = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?")


class Degree(StrEnum):
    """Whether a service commonly encrypts, or asks who calls: never, if it is set up so, or always."""

    NO = "no"
    OPTIONAL = "optional"
    YES = "yes"


class Visibility(StrEnum):
    """How far a service should be visible, from least to most; `internet` only if one runs the service for it."""

    NOWHERE = "nowhere"
    OWN_NETWORK = "own-network"
    VPN = "vpn"
    INTERNET = "internet"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """What is commonly behind a name: its exact transports, what it is, what goes wrong when it is open, what to do.

    `name` is the word of a policy; `aliases` are what people type into `explain`, and no policy's words. `together` are
    names of rows that belong with it. `incident` and `instead` are empty where there is none. `theme` is its file's name.
    `helper` is the conntrack helper (`model.conntrack_helper`) that a firewall needs to follow its further connections, or empty.
    """

    name: str
    title: str
    transports: tuple[Transport, ...]
    what: str
    encrypted: Degree
    authenticated: Degree
    when_open: str
    visibility: Visibility
    advice: str
    source: str
    date: str
    aliases: tuple[str, ...] = ()
    incident: str = ""
    instead: str = ""
    together: tuple[str, ...] = ()
    helper: str = ""
    theme: str = ""
    at: Span = field(compare=False, default=NOWHERE)

    def services(self, family: Family) -> Ranges:
        """Its transports in one family on the service axis; a row names no source ports."""
        return service_ranges(self.transports, family).get(EVERY_SELECTOR, ())

    def words(self) -> str:
        """Its transports in the words of a policy: `tcp/53, udp/53`."""
        return words(canonical(pair for transport in self.transports for pair in transport.services()))


def read_rows(source: Source, report: Report) -> tuple[ServiceRow, ...]:
    """The rows of one file, a YAML list; whatever is wrong is in the report with its line, and its row is left out."""
    tree = document.parse(source, report)
    if tree is None or tree.root is None:
        return ()
    if not isinstance(tree.root, Sequence):
        _complain(report, "a file of services is a list of rows", tree.root.at, "begin each row with `- name: …`")
        return ()
    theme = PurePath(source.path).stem
    return tuple(row for item in tree.root.items if (row := _row(item, theme, report)) is not None)


def _complain(report: Report, message: str, at: Span, way_out: str = "") -> None:
    report.error("bad-catalog-row", message, at, way_out)


_REQUIRED = (
    "name", "title", "transports", "what", "encrypted", "authenticated",
    "when-open", "visibility", "advice", "source", "date",
)  # fmt: skip
_OPTIONAL = ("aliases", "incident", "instead", "together", "helper")


def _row(node: Node, theme: str, report: Report) -> ServiceRow | None:
    if not isinstance(node, Mapping):
        _complain(report, "a row is a mapping", node.at, "begin it with `- name: …`")
        return None
    fields = _Fields(node, report)
    row = ServiceRow(
        name=fields.word("name", NAME, "lower-case letters, digits and single hyphens"),
        title=fields.prose("title"),
        transports=tuple(fields.transports()),
        what=fields.prose("what"),
        encrypted=fields.choice("encrypted", Degree, Degree.NO),
        authenticated=fields.choice("authenticated", Degree, Degree.NO),
        when_open=fields.prose("when-open"),
        visibility=fields.choice("visibility", Visibility, Visibility.NOWHERE),
        advice=fields.prose("advice"),
        source=fields.prose("source"),
        date=fields.word("date", _DATE, "a month, as in 2026-11"),
        aliases=tuple(scalar.text for scalar in fields.scalars("aliases")),
        incident=fields.prose("incident"),
        instead=fields.prose("instead"),
        together=tuple(scalar.text for scalar in fields.scalars("together")),
        helper=fields.helper(),
        theme=theme,
        at=fields.at,
    )
    return None if fields.failed else row


Choice = TypeVar("Choice", bound=StrEnum)


class _Fields:
    """The keys of one row, asked for one by one; remembers whether anything was wrong."""

    def __init__(self, node: Mapping, report: Report) -> None:
        self._report, self.failed = report, False
        self._entries = {key.text: value for key, value in node.entries}
        name = self._entries.get("name")
        self.at = name.at if name is not None else node.at
        meant: set[str] = set()
        for key, _ in node.entries:
            if key.text not in _REQUIRED + _OPTIONAL:
                near = nearest(key.text, _REQUIRED + _OPTIONAL)
                meant.add(near)
                way_out = f"did you mean {near}?" if near else f"the keys are {', '.join(_REQUIRED + _OPTIONAL)}"
                self._wrong(f"a row has no key {harmless(key.text, 40)!r}", key.at, way_out)
        for wanted in _REQUIRED:
            if wanted not in self._entries and wanted not in meant:
                self._wrong(f"the row says no {wanted}", self.at, f"add `{wanted}: …`")

    def _wrong(self, message: str, at: Span, way_out: str = "") -> None:
        self.failed = True
        _complain(self._report, message, at, way_out)

    def prose(self, key: str) -> str:
        """A text, its line breaks as spaces; empty only where it may be."""
        node = self._entries.get(key)
        if node is None:
            return ""
        if not isinstance(node, Scalar):
            self._wrong(f"{key} is a text", node.at, "put it in quotes, or write it as a block after >")
            return ""
        text = " ".join(node.text.split())
        if not text and key in _REQUIRED:
            self._wrong(f"{key} is empty", node.at, "say it in a sentence")
        return text

    def word(self, key: str, shape: re.Pattern[str], described: str) -> str:
        """A text of a given shape."""
        text = self.prose(key)
        if text and not shape.fullmatch(text):
            self._wrong(f"{key} is {harmless(text, 60)!r}", self._entries[key].at, f"write {described}")
        if key == "name" and text in TRANSPORT_WORDS:
            self._wrong(f"{text} is the word of a transport", self._entries[key].at, "name the service otherwise")
        return text

    def choice(self, key: str, words_: Callable[[str], Choice], otherwise: Choice) -> Choice:
        """One of a few words."""
        text = self.prose(key)
        try:
            return words_(text) if text else otherwise
        except ValueError:
            known = ", ".join(type(otherwise))
            self._wrong(f"{key} is {harmless(text, 60)!r}", self._entries[key].at, f"it is one of {known}")
            return otherwise

    def helper(self) -> str:
        """The conntrack helper that follows the service's further connections; empty where it needs none."""
        name = self.prose("helper")
        if name and name not in HELPERS:
            self._wrong(
                f"helper is {harmless(name, 60)!r}", self._entries["helper"].at, f"it is one of {', '.join(HELPERS)}"
            )
        return name

    def scalars(self, key: str) -> Iterator[Scalar]:
        """The words of a list, each once and none empty."""
        node = self._entries.get(key)
        if node is None or (isinstance(node, Scalar) and node.text == "" and node.is_plain):
            return
        if not isinstance(node, Sequence):
            self._wrong(f"{key} is a list", node.at, f"write {key}: [one, two]")
            return
        seen: set[str] = set()
        for item in node.items:
            if not isinstance(item, Scalar) or not item.text.strip():
                self._wrong(f"an entry of {key} is not a word", item.at)
            elif item.text.casefold() in seen:
                self._wrong(f"{harmless(item.text, 60)!r} stands twice in {key}", item.at, "keep one")
            else:
                seen.add(item.text.casefold())
                yield item

    def transports(self) -> Iterator[Transport]:
        """The row's transports; none is an error, and so is every packet."""
        found: list[Transport] = []
        for scalar in self.scalars("transports"):
            try:
                found.extend(parse_transport(scalar.text))
            except BadTransport as bad:
                self._wrong(bad.message, scalar.at, bad.help)
        if not found and "transports" in self._entries and not self.failed:
            self._wrong("the row has no transport", self._entries["transports"].at, "write transports: [tcp/443]")
        yield from found
