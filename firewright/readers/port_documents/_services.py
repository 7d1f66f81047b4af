"""The cell of ports and the cell of a protocol become transports: exactly, within bounds, or not at all and why."""

from __future__ import annotations

from firewright.diagnostic import harmless
from firewright.model.interval import Ranges, canonical
from firewright.model.packet import FAMILIES
from firewright.model.protocol import PORTED_NAMES
from firewright.model.transport import EVERY_SELECTOR, Transport, words
from firewright.readers.port_documents._cell import PortCell, PortSpan, span_transports, span_words
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._said import (
    PORTED_WORDS,
    UNSAID,
    NotUnderstood,
    Ports,
    Protocols,
    commonly,
    every_transport,
    exact,
    limited_pieces,
    portless_transports,
    services_of,
    union_of,
)
from firewright.readers.port_documents._wording import (
    ANY,
    NOTHING,
    OVER,
    Kind,
    folded,
    protocol_like,
)


def said_protocols(text: str, lexicon: Lexicon) -> Protocols:
    """What a cell of a protocol column says: `TCP/UDP`, `TCP(HTTP)`, `HTTPS`, `ICMP`, `any`, `17`. Raises NotUnderstood."""
    plain = folded(text)
    if plain in NOTHING:
        return Protocols()
    if plain in ANY or plain in ("ip", "ipv4", "ipv4/ipv6"):
        if plain == "ipv4":
            raise NotUnderstood("unknown-protocol", "IPv4 is a family of addresses, and no protocol with ports")
        return Protocols(is_any=True, whole=every_transport())
    found: dict[int, None] = {}
    whole: list[Transport] = []
    names: list[str] = []
    is_either = is_any = False
    rest: list[str] = []
    for piece in limited_pieces(plain):
        if rest and piece.kind is not Kind.NAME:
            _name_protocols(" ".join(rest), lexicon, found, names)
            rest = []
        if piece.kind is Kind.PROTOCOL:
            found[PORTED_NAMES[piece.text]] = None
        elif piece.kind is Kind.PORTLESS:
            whole.extend(portless_transports(piece.text))
        elif piece.kind is Kind.NAME:
            rest.append(piece.text)
        elif piece.kind is Kind.OR:
            is_either = True
        elif piece.kind is Kind.ANY:
            is_any = True
        elif piece.kind is Kind.NUMBER:
            _numbered(piece.text, found, whole)
        elif piece.kind not in (Kind.JOIN, Kind.SLASH, Kind.OPEN, Kind.CLOSE, Kind.NUMBERED):
            raise NotUnderstood("unknown-protocol", f"{harmless(text, 60)!r} is not understood as a protocol")
    if rest:
        _name_protocols(" ".join(rest), lexicon, found, names)
    if is_any and not found and not whole:
        return Protocols(is_any=True, whole=every_transport())
    if is_any:
        raise NotUnderstood("unknown-protocol", f"{harmless(text, 60)!r} says any protocol and one by name")
    return Protocols(tuple(sorted(found)), is_either and len(found) > 1, union_of(whole), False, tuple(names))


def _numbered(digits: str, found: dict[int, None], whole: list[Transport]) -> None:
    number = int(digits[:6])
    if number > 255:
        raise NotUnderstood("unknown-protocol", f"protocol {digits[:20]} does not exist", "protocols run from 0 to 255")
    if number in PORTED_WORDS:
        found[number] = None
    else:
        whole.append(Transport(FAMILIES, number))


def _name_protocols(name: str, lexicon: Lexicon, found: dict[int, None], names: list[str]) -> None:
    """The protocols under a service that stands where a protocol is wanted: HTTPS is TCP."""
    if name in OVER:
        found[PORTED_NAMES[OVER[name]]] = None
        return
    rows = lexicon.by_word(name)
    numbers = {transport.protocol for row in rows for transport in row.transports}
    if rows and len(rows) == 1 and numbers <= set(PORTED_WORDS):
        names.append(name)
        found.update(dict.fromkeys(sorted(numbers)))
        return
    near = protocol_like(name)
    raise NotUnderstood(
        "unknown-protocol",
        f"{harmless(name, 60)!r} is no protocol",
        f"did it mean {near.upper()}?" if near else "write TCP or UDP, or the name of a service of the catalog",
    )


def said_ports(text: str, protocols: Protocols, names: str, lexicon: Lexicon) -> Ports:
    """What a cell of ports says, where the row says these protocols and calls the service so. Raises NotUnderstood.

    `names` is the text of the row's service or description, which tells the protocol where nothing else does: a service of
    the catalog that has just these ports, or has them in one protocol only. O(length + rows of the lexicon).
    """
    plain = folded(text)
    if plain in NOTHING:
        return _without_ports(text, protocols, names, lexicon)
    if plain in ANY:
        return _any_port(protocols)
    parsed = PortCell(plain, lexicon)
    try:
        parsed.read()
    except NotUnderstood:
        if not parsed.is_conditional:
            raise
    if parsed.is_conditional:
        suggestion = words(services_of(parsed.loose(protocols))) if parsed.spans else lexicon.suggested(names)
        raise NotUnderstood("depends", f"it depends: {harmless(text, 120)!r}", commonly(suggestion))
    if not parsed.spans and not parsed.whole:
        raise NotUnderstood("no-port", f"{harmless(text, 80)!r} has no port", commonly(lexicon.suggested(names)))
    return _bounded(parsed, protocols, names, lexicon)


def _bounded(parsed: PortCell, protocols: Protocols, names: str, lexicon: Lexicon) -> Ports:
    """The transports of a parsed cell, with the row's protocols where it says none itself."""
    whole = _narrowed(parsed.whole, protocols)
    surely, possibly = list(whole), list(whole)
    unsaid: list[PortSpan] = []
    is_either = parsed.is_either
    for span in parsed.spans:
        own = _own_protocols(span, protocols)
        if own is None:
            named = _by_name(span, (*parsed.names, names), lexicon)
            if len(named) == 1:
                surely += span_transports(span, named)
            else:
                unsaid.append(span)
            possibly += span_transports(span, named or UNSAID)
            continue
        possibly += span_transports(span, own)
        if span.is_either if span.protocols is not None else protocols.is_either:
            is_either = True
        else:
            surely += span_transports(span, own)
    everything = union_of(possibly)
    if unsaid:
        said = ", ".join(map(span_words, unsaid))
        known = dict.fromkeys(_by_port(span, lexicon) for span in unsaid)
        help_ = commonly(", ".join(one for one in known if one))
        why = f"the protocol of {said} is not said{', and not which of them is meant' if parsed.is_either else ''}"
        return Ports(() if parsed.is_either else union_of(surely), everything, "no-protocol", why, help_)
    if parsed.is_either:
        return Ports((), everything, "either", "one of several ports is meant, and not said which")
    if is_either:
        return Ports(union_of(surely), everything, "either", "one of several protocols is meant, and not said which")
    return Ports(union_of(surely), everything)


def _narrowed(whole: list[Transport], protocols: Protocols) -> list[Transport]:
    """What a cell says by names, as far as the row's protocols have it: DNS in a row of TCP is tcp/53. Raises NotUnderstood."""
    if not protocols.is_said or protocols.is_any:
        return whole
    numbers = {*protocols.numbers, *(one.protocol for one in protocols.whole)}
    kept = [one for one in whole if one.protocol in numbers]
    if whole and not kept:
        raise NotUnderstood("contradicts", f"{words(services_of(whole))} is not of the protocol that the row says")
    return kept


def _own_protocols(span: PortSpan, protocols: Protocols) -> tuple[int, ...] | None:
    """The protocols that the cell says of a port, else those of the row; None where neither says any. Raises NotUnderstood."""
    own = span.protocols
    if own is None:
        if protocols.whole and not protocols.is_any and not protocols.numbers:
            raise NotUnderstood(
                "contradicts", f"{words(services_of(protocols.whole))} has no ports, and the row names some"
            )
        return tuple(PORTED_WORDS) if protocols.is_any else protocols.numbers or None
    if protocols.numbers and not set(own) <= set(protocols.numbers):
        said = "/".join(PORTED_WORDS[number] for number in own)
        mine = "/".join(PORTED_WORDS[number] for number in protocols.numbers)
        raise NotUnderstood("contradicts", f"the port is of {said}, and the row is of {mine}")
    return own


def _without_ports(text: str, protocols: Protocols, names: str, lexicon: Lexicon) -> Ports:
    """No port: enough for a protocol that has none, and for nothing else."""
    if protocols.whole and not protocols.numbers and not protocols.is_any:
        return exact(protocols.whole)
    shown = f"{harmless(text, 40)!r} is no port" if text.strip() else "no port is said"
    raise NotUnderstood("no-port", shown, commonly(lexicon.suggested(names)))


def _any_port(protocols: Protocols) -> Ports:
    if protocols.names:
        named = harmless(", ".join(protocols.names), 60)
        raise NotUnderstood("contradicts", f"{named} has ports of its own, and the row says any port")
    if not protocols.is_said:
        return exact(every_transport())
    known = [*protocols.whole, *(Transport(FAMILIES, number) for number in protocols.numbers)]
    if protocols.is_either:
        return Ports((), union_of(known), "either", "one of several protocols is meant, and not said which")
    return exact(known)


def _by_port(span: PortSpan, lexicon: Lexicon) -> str:
    found = [
        f"{PORTED_WORDS[number]}/{span_words(span)} ({rows[0].name})"
        for number in UNSAID
        if (rows := lexicon.by_port(number, span.low))
    ]
    return ", ".join(found)


def _by_name(span: PortSpan, names: tuple[str, ...], lexicon: Lexicon) -> tuple[int, ...]:
    """The protocols of a port by what the row calls the service: those in which the catalog's row has just this port."""
    for name in names:
        rows = lexicon.by_word(" ".join(folded(name).split())) if name else ()
        if len(rows) != 1:
            continue
        transports = [one for one in rows[0].transports if one.protocol in PORTED_WORDS]
        just = [one.protocol for one in transports if (span.low, span.high) in one.selectors]
        if just or len({one.protocol for one in transports}) == 1:
            return tuple(dict.fromkeys(just or (transports[0].protocol,)))
    return ()


def with_source_ports(ports: Ports, source: Ranges) -> Ports:
    """The same with these source ports, in protocols that have ports. Raises NotUnderstood where one has none."""
    if source == EVERY_SELECTOR:
        return ports
    if any(one.protocol not in PORTED_WORDS for one in ports.possibly):
        raise NotUnderstood("contradicts", "the row names source ports of a protocol that has none")

    def narrowed(transports: tuple[Transport, ...]) -> tuple[Transport, ...]:
        return tuple(Transport(one.families, one.protocol, one.selectors, source) for one in transports)

    return Ports(narrowed(ports.surely), narrowed(ports.possibly), ports.name, ports.why, ports.help)


def source_ports(text: str, lexicon: Lexicon) -> Ranges:
    """What a cell of source ports says; empty and any are every port. Raises NotUnderstood."""
    plain = folded(text)
    if (
        plain in NOTHING
        or plain in ANY
        or plain in ("dynamic", "ephemeral", "random", "high", "high ports", "ephemeral ports")
    ):
        return EVERY_SELECTOR
    cell = PortCell(plain, lexicon)
    cell.read()
    if cell.is_conditional or cell.is_either or cell.whole or not cell.spans:
        raise NotUnderstood("not-understood", f"source port {harmless(text, 60)!r} is not understood")
    return canonical((span.low, span.high) for span in cell.spans)
