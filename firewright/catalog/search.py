"""What a person types into `explain`, answered: a port, a range, a name, a product, a misspelt word.

The answer says what commonly is there, never what is: only a look at the machine can tell that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from firewright.catalog.iana import PortRegistry, RegistryEntry, port_registry
from firewright.catalog.icmp import IcmpRow, icmp_rows
from firewright.catalog.protocols import ProtocolRow, protocols
from firewright.catalog.row import ServiceRow
from firewright.catalog.services import Catalog
from firewright.diagnostic import harmless
from firewright.model.interval import Ranges, canonical, intersection
from firewright.model.packet import ICMP, ICMPV6, PORTED
from firewright.model.protocol import PORTED_NAMES, PROTOCOL_NUMBERS
from firewright.model.transport import TRANSPORT_WORDS, BadTransport, is_transport, parse_transport, words

QUERY_LIMIT = 120
"""Characters of the longest question."""
REGISTRY_LIMIT = 40
"""Registry entries that are listed; `left_off` counts the rest."""
HEADLINE_LIMIT = 3
"""Rows that the one-line answer names."""
PROTOCOL_LIMIT = 8
"""A set of more protocols than this is not told protocol by protocol."""
SUGGESTION_LIMIT = 5
"""Names that are offered when nothing was found."""
SPOKEN = 2
"""A bare port is said as tcp and udp, the first two; all protocols with ports are searched."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question; whatever does not apply is empty.

    `transports` is what was asked about, in the words of a policy; `commonly` are the curated rows, the nearest first;
    `registered` what IANA's registry says, `left_off` how many entries more; `together` rows that belong with
    the nearest; `problem` and `help` say why the question has no answer, and `suggestions` what it may have meant; `meant` is the known
    phrase that several words most likely are, misspelt.
    """

    query: str
    transports: str = ""
    commonly: tuple[ServiceRow, ...] = ()
    registered: tuple[RegistryEntry, ...] = ()
    left_off: int = 0
    protocols: tuple[ProtocolRow, ...] = ()
    icmp: tuple[IcmpRow, ...] = ()
    together: tuple[ServiceRow, ...] = ()
    suggestions: tuple[str, ...] = ()
    problem: str = ""
    help: str = ""
    meant: str = ""

    def is_empty(self) -> bool:
        """Whether nothing at all is known of what was asked."""
        return not (self.commonly or self.registered or self.protocols or self.icmp)

    def headline(self) -> str:
        """The answer in one line, which says *commonly* and never *is*."""
        if self.problem:
            return self.problem
        if len(self.commonly) == 1:
            return f"{self.transports}: commonly {self.commonly[0].title}"
        if self.commonly:
            more = len(self.commonly) - HEADLINE_LIMIT
            named = " or ".join(row.name for row in self.commonly[:HEADLINE_LIMIT])
            return f"{self.transports}: commonly {named}{f' or {more} more' if more > 0 else ''}"
        if registered := [entry.name for entry in self.registered if entry.name]:
            return f"{self.transports}: registered as {', '.join(dict.fromkeys(registered))}"
        if self.icmp or self.protocols:
            return f"{self.transports}: {(self.icmp or self.protocols)[0].title}"
        return f"{self.transports}: nothing is commonly there, and nobody registered it"


def find(query: str, catalog: Catalog, registry: PortRegistry | None = None) -> Finding:
    """Answer a question: `445`, `tcp/445`, `445/tcp`, `6000-6063`, `smb`, `Samba`, `esp`, `icmp/echo-request`, `sbm`.

    Never raises, whatever the text. O(rows + registry) for a name, O(rows + log registry) for a port.
    """
    shown = harmless(query.strip(), QUERY_LIMIT)
    if len(query) > QUERY_LIMIT:
        return Finding(shown, problem=f"a question of {len(query):,} characters", help="ask for a port or a name")
    text = " ".join(query.casefold().split())
    known = port_registry() if registry is None else registry
    if not text:
        return Finding(shown, problem="no question", help="ask for a port or a name: 445, tcp/445, smb")
    if text in TRANSPORT_WORDS:
        return _of_transport(shown, text, catalog, known)
    if rows := catalog.by_word(text):
        return _of_rows(shown, rows, catalog, known, text)
    if asked := _port_question(text):
        return _of_transport(shown, asked, catalog, known)
    if entries := known.named(text):
        ranges = canonical(pair for entry in entries for pair in _services(entry))
        return _answer(shown, ranges, catalog.by_services(ranges), entries, catalog)
    if text in PROTOCOL_NUMBERS:
        return _of_transport(shown, f"protocol/{text}", catalog, known)
    if is_transport(text):
        return _of_transport(shown, text, catalog, known)
    if rows := _of_subject(text, catalog):
        return _of_rows(shown, rows, catalog, known, text)
    return _nothing(shown, text, catalog, known)


_BETWEEN = re.compile("-and-|-at-")
"""What stands between the subjects of a theme."""
_PHRASE_CLOSE = 0.75
"""How alike a phrase of several words and a known one are of which one is taken for the other misspelt."""
_PORT = r"(?P<ports>[0-9]+(?:-[0-9]+)?)"
_WORD = rf"(?P<word>{'|'.join(PORTED_NAMES)})"
_SHAPES = (
    re.compile(rf"(?:ports? ?|:)?{_PORT}"),
    re.compile(rf"{_WORD} ?[/: ] ?(?:port )?{_PORT}"),
    re.compile(rf"(?:port )?{_PORT} ?[/: ] ?{_WORD}"),
)
_TO = re.compile(r"(?<=[0-9]) ?(?:-|–|:|\.\.| to ) ?(?=[0-9])")


def _port_question(text: str) -> str:
    """A question for ports as `tcp/443` or `443`, or an empty text if it is none."""
    plain = _TO.sub("-", text)
    for shape in _SHAPES:
        if found := shape.fullmatch(plain):
            word = found.groupdict().get("word")
            return f"{word}/{found['ports']}" if word else found["ports"]
    return ""


def _of_transport(shown: str, text: str, catalog: Catalog, registry: PortRegistry) -> Finding:
    """The answer for ports or for a transport; a bare port is searched in every protocol that has ports."""
    bare = text[0].isdigit()
    asked = [f"{word}/{text}" for word in PORTED_NAMES] if bare else [text]
    try:
        parsed = [transport for one in asked for transport in parse_transport(one)]
    except BadTransport as bad:
        return Finding(shown, problem=bad.message, help=bad.help.replace("tcp/", "") if bare else bad.help)
    ranges = canonical(pair for transport in parsed for pair in transport.services())
    said = ", ".join(asked[:SPOKEN]) if bare else words(ranges)
    rows = catalog.by_services(ranges)
    if "-" in text:
        rows = tuple(sorted(rows, key=lambda row: (_first_selector(row, ranges), row.name)))
    return _answer(shown, ranges, rows, _registered(ranges, registry), catalog, said)


def _first_selector(row: ServiceRow, ranges: Ranges) -> int:
    """The lowest port (or type) of a row inside the ranges: a range is answered in order of ports."""
    both = canonical(pair for transport in row.transports for pair in transport.services())
    return min(low & 0xFFFF for low, _ in intersection(both, ranges))


def _of_rows(shown: str, rows: tuple[ServiceRow, ...], catalog: Catalog, registry: PortRegistry, text: str) -> Finding:
    ranges = canonical(pair for row in rows for transport in row.transports for pair in transport.services())
    entries = dict.fromkeys((*registry.named(text), *_registered(ranges, registry)))
    return _answer(shown, ranges, rows, entries, catalog)


def _answer(
    shown: str,
    ranges: Ranges,
    rows: tuple[ServiceRow, ...],
    entries: Iterable[RegistryEntry],
    catalog: Catalog,
    said: str = "",
) -> Finding:
    listed = tuple(entries)
    together = (catalog.service(name) for row in rows[:1] for name in row.together)
    return Finding(
        query=shown,
        transports=said or words(ranges),
        commonly=rows,
        registered=listed[:REGISTRY_LIMIT],
        left_off=max(0, len(listed) - REGISTRY_LIMIT),
        protocols=tuple(_protocols(ranges)),
        icmp=tuple(_icmp(ranges)),
        together=tuple(row for row in together if row is not None and row not in rows),
    )


def _registered(ranges: Ranges, registry: PortRegistry) -> Iterator[RegistryEntry]:
    """The registry's entries inside a set of services, each once, in order of protocols and ports."""
    seen: set[RegistryEntry] = set()
    for protocol in PORTED:
        for low, high in intersection(ranges, ((protocol << 16, protocol << 16 | 0xFFFF),)):
            for entry in registry.within(low & 0xFFFF, high & 0xFFFF, protocol):
                if entry not in seen:
                    seen.add(entry)
                    yield entry


def _services(entry: RegistryEntry) -> Ranges:
    return canonical(
        (PORTED_NAMES[word] << 16 | entry.low, PORTED_NAMES[word] << 16 | entry.high) for word in entry.protocols
    )


def _protocols(ranges: Ranges) -> Iterator[ProtocolRow]:
    """What the protocols of the set are that have no ports, in order of numbers; nothing where they are many."""
    touched = {number for low, high in ranges for number in range(low >> 16, (high >> 16) + 1)} - {*PORTED}
    if len(touched) <= PROTOCOL_LIMIT:
        yield from (row for row in protocols() if any(row.low <= number <= row.high for number in touched))


def _icmp(ranges: Ranges) -> Iterator[IcmpRow]:
    """The types and codes that the set names exactly or holds, where it does not hold the whole of ICMP."""
    for row in icmp_rows():
        base = (ICMP if row.family == 4 else ICMPV6) << 16
        whole = ((base, base | 0xFFFF),)
        low = base | row.type << 8 | (row.code or 0)
        high = low if row.code is not None else low | 255
        if (inside := intersection(ranges, whole)) != whole and intersection(inside, ((low, high),)):
            yield row


def _of_subject(text: str, catalog: Catalog) -> tuple[ServiceRow, ...]:
    """The rows whose titles speak of several words, then those of the theme that is called so.

    `vpn` is a part of `vpn-and-tunnels`; `file sharing` is a theme, and in the titles of rows of others.
    """
    asked = text.replace(" ", "-")
    spoken = [row for row in catalog.rows.values() if " " in text and _speaks_of(row, text)]
    themed = [row for row in catalog.rows.values() if {asked, f"{asked}s"} & {*_BETWEEN.split(row.theme)}]
    return tuple(dict.fromkeys((*spoken, *themed)))


def _meant(text: str, catalog: Catalog) -> str:
    """The name, alias or theme of several words that a text most likely is, misspelt; or an empty text."""
    themes = {part.replace("-", " ") for row in catalog.rows.values() for part in _BETWEEN.split(row.theme) if part}
    near = catalog.nearest_word(text, _PHRASE_CLOSE)
    known = [theme for theme in sorted(themes) if " " in theme] + ([near] if near else [])
    return next(iter(get_close_matches(text[:60], known, n=1, cutoff=_PHRASE_CLOSE)), "")


def _nothing(shown: str, text: str, catalog: Catalog, registry: PortRegistry) -> Finding:
    """No such thing: the nearest names, then rows that speak of these words."""
    spoken = [row.name for row in catalog.rows.values() if _speaks_of(row, text)]
    close = spoken or (*catalog.nearest_names(text, SUGGESTION_LIMIT), *_official(text, registry))
    found = tuple(dict.fromkeys(close))[:SUGGESTION_LIMIT]
    way_out = f"did you mean {' or '.join(found)}?" if found else "ask for a port, a range, or a service's name"
    meant = _meant(text, catalog) if " " in text else ""
    if meant:
        way_out = f"did you mean {meant}?"
    return Finding(shown, suggestions=found, problem=f"nothing is known as {shown}", help=way_out, meant=meant)


def _official(text: str, registry: PortRegistry) -> list[str]:
    """The names of the registry that a text may have meant."""
    return get_close_matches(text[:40], [name.casefold() for name in registry.names], n=2, cutoff=0.75)


def _speaks_of(row: ServiceRow, text: str) -> bool:
    said = " ".join((row.name, row.title, *row.aliases)).casefold()
    return len(text) > 2 and all(word in said for word in text.split())
