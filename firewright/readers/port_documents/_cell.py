"""The pieces of one cell of ports, read from left to right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firewright.diagnostic import harmless
from firewright.model.packet import FAMILIES
from firewright.model.protocol import PORTED_NAMES
from firewright.model.transport import Transport
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._said import (
    PORTED_WORDS,
    UNSAID,
    NotUnderstood,
    Protocols,
    commonly,
    limited_pieces,
    portless_transports,
    service_named,
)
from firewright.readers.port_documents._wording import (
    OVER,
    Kind,
    Piece,
    protocol_like,
)


@dataclass(slots=True)
class PortSpan:
    """Ports from `low` to `high`, and the protocols that are said of them; None where the row's own hold."""

    low: int
    high: int
    protocols: tuple[int, ...] | None = None
    is_either: bool = False


class PortCell:
    """The pieces of one cell of ports, read from left to right.

    A protocol before ports holds for all that follow it (`TCP 80,443 UDP 53`), one behind a port for that port only (`8301(UDP)`).
    """

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self.text, self.lexicon = text, lexicon
        self.pieces = limited_pieces(text)
        self.at = 0
        self.spans: list[PortSpan] = []
        self.whole: list[Transport] = []
        self.names: list[str] = []
        self.is_conditional = self.is_either = False
        self.leads: tuple[int, ...] | None = None
        self.leads_either = False

    def read(self) -> None:
        """Read all pieces. Raises NotUnderstood."""
        kinds = [piece.kind for piece in self.pieces]
        if Kind.NEGATION in kinds:
            raise NotUnderstood(
                "not-understood", f"{harmless(self.text, 80)!r} says what is left out, not what is meant"
            )
        self.is_conditional = Kind.CONDITION in kinds
        self.pieces = [piece for piece in self.pieces if piece.kind is not Kind.CONDITION]
        self._refuse_stray_names()
        while self.at < len(self.pieces):
            self._step()

    def _refuse_stray_names(self) -> None:
        """A name that stands among numbers and has none beside it could ask for ports of its own: never left out unseen."""
        numbers = {piece.text for piece in self.pieces if piece.kind is Kind.NUMBER}
        if not numbers:
            return
        part: list[Piece] = []
        for piece in (*self.pieces, Piece(Kind.JOIN, ",")):
            if piece.kind is not Kind.JOIN:
                part.append(piece)
                continue
            names = [one.text for one in part if one.kind is Kind.NAME]
            if names and not any(one.kind is Kind.NUMBER for one in part):
                rows = self.lexicon.by_word(" ".join(names))
                own = {str(end) for row in rows for one in row.transports for pair in one.selectors for end in pair}
                if not own or not own <= numbers:
                    shown = harmless(" ".join(names), 40)
                    raise NotUnderstood(
                        "not-understood", f"{shown!r} has no port of its own in {harmless(self.text, 80)!r}"
                    )
            part = []

    def loose(self, protocols: Protocols) -> list[Transport]:
        """The ports with what protocols there are, for a suggestion only."""
        return [
            one for span in self.spans for one in span_transports(span, span.protocols or protocols.numbers or UNSAID)
        ]

    def _peek(self, ahead: int = 0) -> Kind | None:
        where = self.at + ahead
        return self.pieces[where].kind if 0 <= where < len(self.pieces) else None

    def _step(self) -> None:
        kind = self._peek()
        if kind is Kind.NUMBER:
            self._number()
        elif kind in (Kind.ABOVE, Kind.BELOW):
            self._half()
        elif kind is Kind.PROTOCOL:
            self._protocol()
        elif kind is Kind.PORTLESS:
            self._portless()
        elif kind is Kind.NUMBERED:
            self._numbered()
        elif kind is Kind.ANY:
            self._any()
        elif kind is Kind.NAME:
            self._name()
        elif kind is Kind.OR:
            self.is_either, self.at = True, self.at + 1
        elif kind is Kind.RANGE and not (
            self._peek(-1) is None or self._peek(1) is None or self._peek(-1) is Kind.NUMBER
        ):
            self.at += 1  # HTTP - 80: a dash between a name and its ports
        elif kind is Kind.RANGE and self._peek(-1) is Kind.NUMBER and self._peek(1) is Kind.NAME:
            self.at += 1  # 80 - HTTP
        elif kind is Kind.RANGE:
            raise NotUnderstood("half-range", f"{harmless(self.text, 80)!r} is half a range")
        elif kind is Kind.COLON and self._peek(-1) not in (Kind.PROTOCOL, Kind.NAME):
            raise self._strange()
        else:
            self.at += 1

    def _strange(self) -> NotUnderstood:
        return NotUnderstood("not-understood", f"{harmless(self.text, 120)!r} is not understood as ports")

    def _port(self) -> int:
        digits = self.pieces[self.at].text
        self.at += 1
        if len(digits) > 1 and digits[0] == "0":
            raise NotUnderstood(
                "bad-port", f"{harmless(digits, 20)} begins with a zero", "write numbers of ports without marks in them"
            )
        if len(digits) > 5 or int(digits) > 0xFFFF:
            raise NotUnderstood("bad-port", f"port {harmless(digits, 20)} does not exist", "ports run from 0 to 65535")
        return int(digits)

    def _number(self) -> None:
        if self._peek(-1) is Kind.OPEN and self._peek(-2) is Kind.NUMBER:
            raise NotUnderstood("not-understood", f"a number in brackets behind a port: {harmless(self.text, 80)!r}")
        low = high = self._port()
        if self._peek() in (Kind.RANGE, Kind.COLON) and self._peek(1) is Kind.NUMBER:
            self.at += 1
            high = self._port()
        elif self._peek() is Kind.RANGE and self._peek(1) is None:
            raise NotUnderstood("half-range", f"{low}- is half a range", f"write {low}-65535 if that is meant")
        elif self._peek() is Kind.JOIN and self.pieces[self.at].text == "+" and self._peek(1) is not Kind.NUMBER:
            self.at, high = self.at + 1, 0xFFFF
        if low > high:
            raise NotUnderstood("bad-port", f"range upside down: {low}-{high}", f"write {high}-{low}")
        self.spans.append(PortSpan(low, high, self.leads, self.leads_either))

    def _half(self) -> None:
        mark = self.pieces[self.at].text
        self.at += 1
        if self._peek() is not Kind.NUMBER:
            raise self._strange()
        port = self._port()
        low, high = {">": (port + 1, 0xFFFF), "<": (0, port - 1)}.get(
            mark, (port, 0xFFFF) if mark in (">=", "≥") else (0, port)
        )
        if low > high or high > 0xFFFF or low > 0xFFFF:
            raise NotUnderstood("bad-port", f"no port is {mark} {port}")
        self.spans.append(PortSpan(low, high, self.leads, self.leads_either))

    def _protocol(self) -> None:
        """A protocol, or several in a row: of the port before them, or of those behind them."""
        before, start = self._peek(-1), self.at
        found = [PORTED_NAMES[self.pieces[self.at].text]]
        is_either = False
        self.at += 1
        while self._peek() in (Kind.SLASH, Kind.JOIN, Kind.OR) and self._peek(1) is Kind.PROTOCOL:
            if self._peek() is Kind.JOIN and self.pieces[self.at].text == "\n":
                break
            if self._peek(2) in (Kind.NUMBER, Kind.COLON) and self._peek() is Kind.JOIN and self.spans:
                break
            is_either = is_either or self._peek() is Kind.OR
            found.append(PORTED_NAMES[self.pieces[self.at + 1].text])
            self.at += 2
        protocols = tuple(dict.fromkeys(found))
        is_attached = before in (Kind.NUMBER, Kind.OPEN, Kind.SLASH) and bool(self.spans) and start > 0
        leads_first = self.pieces[0].kind is Kind.PROTOCOL
        behind = self._peek() if self._peek() not in (Kind.SLASH, Kind.COLON, Kind.RANGE) else self._peek(1)
        if is_attached and (
            before is Kind.OPEN or not leads_first or behind not in (Kind.NUMBER, Kind.ABOVE, Kind.ANY)
        ):
            self.spans[-1].protocols, self.spans[-1].is_either = protocols, is_either
        elif behind in (Kind.NUMBER, Kind.ABOVE, Kind.BELOW, Kind.ANY, Kind.NAME, Kind.OPEN):
            self.leads, self.leads_either = protocols, is_either
        elif self.spans:
            raise NotUnderstood(
                "not-understood", f"of which ports is {self.pieces[start].text} in {harmless(self.text, 80)!r}?"
            )
        else:
            said = "/".join(PORTED_WORDS[number] for number in protocols)
            raise NotUnderstood("no-port", f"{said} without a port", "write its ports, or any")

    def _portless(self) -> None:
        word = self.pieces[self.at].text
        self.at += 1
        if self._peek() is Kind.NUMBER:
            raise NotUnderstood("not-understood", f"{word} has no ports, and a number behind it is not understood")
        self.whole.extend(portless_transports(word))

    def _numbered(self) -> None:
        """`protocol 4` is a protocol by its number, and no port; without a number the word says nothing."""
        self.at += 1 + (self._peek(1) is Kind.COLON)
        if self._peek() is not Kind.NUMBER:
            return
        digits = self.pieces[self.at].text
        number = int(digits[:6])
        self.at += 1
        if number > 255 or number in PORTED_WORDS or self.leads is not None:
            raise NotUnderstood(
                "not-understood", f"protocol {harmless(digits, 20)} in {harmless(self.text, 80)!r} is not understood"
            )
        self.whole.append(Transport(FAMILIES, number))

    def _any(self) -> None:
        self.at += 1
        if self.leads is None and not self.spans:
            raise self._strange()
        if self.leads is None:
            raise self._strange()
        self.spans.append(PortSpan(0, 0xFFFF, self.leads, self.leads_either))

    def _name(self) -> None:
        """A service of the lexicon, the longest run of words that is one; it names ports, or explains those that stand here."""
        run = 1
        while self._peek(run) is Kind.NAME:
            run += 1
        for count in range(min(run, 5), 0, -1):
            name = " ".join(piece.text for piece in self.pieces[self.at : self.at + count])
            if self.lexicon.by_word(name) or name in OVER:
                self.at += count
                self.names.append(name)
                if not self._has_numbers() and name not in OVER:
                    self.whole.extend(service_named(name, self.lexicon))
                return
        word = self.pieces[self.at].text
        near = protocol_like(word) if len(word) < 8 else ""
        if near:
            raise NotUnderstood(
                "unknown-protocol", f"{harmless(word, 40)!r} is no protocol", f"did it mean {near.upper()}?"
            )
        raise NotUnderstood(
            "not-understood", f"{harmless(self.text, 120)!r} is not understood: {harmless(word, 40)!r} is no word of ports",
            commonly(self.lexicon.suggested(self.text)),
        )  # fmt: skip

    def _has_numbers(self) -> bool:
        return any(piece.kind is Kind.NUMBER for piece in self.pieces)


def span_transports(span: PortSpan, protocols: Iterable[int]) -> list[Transport]:
    """The transports of these ports in some protocols."""
    return [Transport(FAMILIES, number, ((span.low, span.high),)) for number in protocols]


def span_words(span: PortSpan) -> str:
    """The ports as a policy writes them: `80`, `80-90`."""
    return str(span.low) if span.low == span.high else f"{span.low}-{span.high}"
