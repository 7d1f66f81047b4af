"""The rows of a table become entries: each understood, bounded or refused, none left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewright.diagnostic import harmless
from firewright.model.packet import FAMILIES
from firewright.model.policy import Verb
from firewright.readers.port_documents._columns import Columns, Role, columns_of, head_of, is_further_head
from firewright.readers.port_documents._context import Context
from firewright.readers.port_documents._document import DocumentNote, Entry, Requirement, State
from firewright.readers.port_documents._ends import Zones
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._page import Grid, Row
from firewright.readers.port_documents._said import NotUnderstood, Ports, Protocols, union_of
from firewright.readers.port_documents._services import said_ports, said_protocols, source_ports, with_source_ports
from firewright.readers.port_documents._wording import ANY, NOTHING, folded
from firewright.source import Span

_ACTIONS = {
    "allow": Verb.ALLOW, "accept": Verb.ALLOW, "permit": Verb.ALLOW, "pass": Verb.ALLOW, "allowed": Verb.ALLOW, "yes": Verb.ALLOW,
    "permitted": Verb.ALLOW, "open": Verb.ALLOW, "deny": Verb.DENY, "drop": Verb.DENY, "block": Verb.DENY, "discard": Verb.DENY,
    "denied": Verb.DENY, "blocked": Verb.DENY, "no": Verb.DENY, "reject": Verb.REJECT, "refuse": Verb.REJECT, "rejected": Verb.REJECT,
}  # fmt: skip
_DIRECTIONS = {
    "in": "in", "inbound": "in", "incoming": "in", "ingress": "in", "i": "in", "←": "in", "<-": "in", "<=": "in", "input": "in",
    "out": "out", "outbound": "out", "outgoing": "out", "egress": "out", "o": "out", "→": "out", "->": "out", "=>": "out",
    "output": "out", "both": "both", "bidirectional": "both", "bi-directional": "both", "in/out": "both", "i/o": "both",
    "inout": "both", "↔": "both", "<->": "both", "⇔": "both", "in & out": "both", "in and out": "both", "two-way": "both",
    "inbound/outbound": "both", "inbound & outbound": "both", "inbound and outbound": "both", "in, out": "both", "⇄": "both",
}  # fmt: skip
_OFF = frozenset(("no", "false", "0", "disabled", "off", "inactive", "n"))
_ON = frozenset(("yes", "true", "1", "enabled", "on", "active", "y"))
_ALWAYS = frozenset(("always", "yes", "required", "mandatory"))
_ARROWS = ("<->", "↔", "⇔", "⇄", "->", "→", "=>", "⇒", "<-", "←", "<=", "⇐")
"""The longest first, so that a part of one is not taken for another."""

Pair = tuple[tuple[str, ...], tuple[str, ...]]
"""Sources and destinations."""


@dataclass(slots=True)
class Tables:
    """Reads tables into entries; zones and notes that they give are collected."""

    lexicon: Lexicon
    zones: Zones
    notes: list[DocumentNote]
    has_actions: bool = False

    def entries(self, grid: Grid, context: Context) -> Iterator[Entry]:
        """An entry for each row of a table that is not empty, its head and its titles. O(cells)."""
        if grid.caption:
            context = context.under(grid.caption, grid.at)
        found = head_of(grid)
        if found is None:
            yield from (_without_head(row) for row in grid.rows if _said(row))
            return
        begin, columns = found
        if not grid.heads:
            for row in grid.rows[: begin - 1]:
                # a single cell over the head is the table's title; more cells are a row that no heading explains
                if sum(bool(cell.text) for cell in row.cells) == 1 or _is_title(row):
                    context = context.under(_said(row), row.at)
                elif _said(row):
                    yield _without_head(row)
        self._note_columns(columns, grid)
        for row in grid.rows[begin:]:
            if not _said(row):
                continue
            if is_further_head(row):
                columns = columns_of((row,))
                self._note_columns(columns, grid)
            elif _is_title(row):
                context = context.under(row.cells[0].text, row.at)
            else:
                yield self.entry(row, columns, context)

    def _note_columns(self, columns: Columns, grid: Grid) -> None:
        if columns.unread and not columns.trouble:
            named = ", ".join(harmless(text, 40) for text in columns.unread)
            self.notes.append(DocumentNote("unread-columns", f"columns that are not read: {named}", (grid.at,)))

    def entry(self, row: Row, columns: Columns, context: Context) -> Entry:
        """What one row says."""
        try:
            if context.trouble:
                raise NotUnderstood("no-action", context.trouble)
            if any("~~" in cell.text for cell in row.cells):
                raise NotUnderstood("struck-out", "something in the row is struck through")
            if columns.trouble:
                raise NotUnderstood("no-port-column", columns.trouble)
            if len(row.cells) > len(columns.roles) and any(cell.text for cell in row.cells[len(columns.roles) :]):
                raise NotUnderstood("ragged", "the row has more cells than the table has headings")
            enabled = folded(columns.text(row, Role.ENABLED))
            if enabled in _OFF:
                return Entry(_said(row), row.at, State.UNDERSTOOD, name="disabled", why="the row is switched off")
            if enabled and enabled not in _ON:
                raise NotUnderstood("not-understood", f"is {harmless(enabled, 40)!r} switched on?")
            verb = self._verb(row, columns, context)
        except NotUnderstood as refused:
            return _refused(row, refused)
        try:
            return self._read(row, columns, context, verb)
        except NotUnderstood as refused:
            return replace(_refused(row, refused), verb=verb)

    def _read(self, row: Row, columns: Columns, context: Context, verb: Verb) -> Entry:
        said: list[tuple[Ports, tuple[Pair, ...]]] = []
        for role in (Role.INBOUND, Role.OUTBOUND):
            text = columns.text(row, role)
            if columns.has(role) and folded(text) not in NOTHING:
                side = _turned(context, "in" if role is Role.INBOUND else "out")
                said.append((self._ports(text, row, columns, context), self._pairs(row, columns, side)))
        if not columns.has(Role.INBOUND, Role.OUTBOUND):
            said.append((self._all_ports(row, columns, context), self._pairs(row, columns, context)))
        if not said:
            raise NotUnderstood("no-port", "neither inbound nor outbound ports are said")
        condition = columns.text(row, Role.CONDITION)
        is_conditional = folded(condition) not in NOTHING | ANY | _ALWAYS
        requirements = []
        bound = next((ports for ports, _ in said if ports.name), None)
        for ports, pairs in said:
            surely = () if is_conditional else ports.surely
            for sources, destinations in pairs:
                self._check_families(sources, destinations, ports)
                requirements.append(Requirement(verb, sources, destinations, surely, ports.possibly, row.at))
        if is_conditional:
            why = f"it holds on a condition: {harmless(condition, 80)!r}"
            return Entry(_said(row), row.at, State.BOUNDED, tuple(requirements), "condition", why, verb=verb)
        if bound is not None:
            return Entry(
                _said(row), row.at, State.BOUNDED, tuple(requirements), bound.name, bound.why, bound.help, verb
            )
        return Entry(_said(row), row.at, State.UNDERSTOOD, tuple(requirements), verb=verb)

    def _check_families(self, sources: tuple[str, ...], destinations: tuple[str, ...], ports: Ports) -> None:
        """Refuse what no packet of either family fits: from IPv4 to IPv6 nothing passes. Raises NotUnderstood."""
        for family in FAMILIES:
            if any(family in one.families for one in ports.possibly) and all(
                any(self.zones.has_family(name, family) for name in side) for side in (sources, destinations)
            ):
                return
        raise NotUnderstood("no-family", "no packet fits the row: its ends and its service are not of one family")

    def _verb(self, row: Row, columns: Columns, context: Context) -> Verb:
        if not columns.has(Role.ACTION):
            return context.verb or Verb.REQUIRE
        text = folded(columns.text(row, Role.ACTION))
        if text not in _ACTIONS:
            shown = f"{harmless(text, 40)!r} is no action" if text else "the row has no action"
            raise NotUnderstood("no-action", shown, "write allow, deny or reject")
        self.has_actions = True
        return _ACTIONS[text]

    def _all_ports(self, row: Row, columns: Columns, context: Context) -> Ports:
        """The ports of a row whose columns of ports do not say a direction."""
        parts = []
        for role, number in ((Role.TCP, 6), (Role.UDP, 17)):
            text = columns.text(row, role)
            if columns.has(role) and folded(text) not in NOTHING:
                parts.append(said_ports(text, Protocols((number,)), "", self.lexicon))
        if columns.has(Role.PORT):
            text = columns.text(row, Role.PORT)
            if not parts or folded(text) not in NOTHING:
                parts.append(self._ports(text, row, columns, context))
        elif columns.has(Role.TCP, Role.UDP):
            if not parts:
                raise NotUnderstood(
                    "no-port", "the row has neither a TCP nor a UDP port", self._suggestion(row, columns)
                )
        elif not parts:
            parts.append(self._service(row, columns, context))
        if len(parts) == 1:
            return parts[0]
        bounded = next((one for one in parts if one.name), Ports((), ()))
        surely = union_of(one for part in parts for one in part.surely)
        possibly = union_of(one for part in parts for one in part.possibly)
        return Ports(surely, possibly, bounded.name, bounded.why, bounded.help)

    def _suggestion(self, row: Row, columns: Columns) -> str:
        found = self.lexicon.suggested(self._called(row, columns))
        return f"commonly {found}" if found else ""

    def _called(self, row: Row, columns: Columns) -> str:
        """What the row calls the service: the first line of its service, else of what it is about."""
        text = columns.text(row, Role.SERVICE) or columns.text(row, Role.SUBJECT)
        return text.partition("\n")[0]

    def _ports(self, text: str, row: Row, columns: Columns, context: Context) -> Ports:
        """The ports of one cell with the protocol of the row, else of the headings."""
        said = columns.text(row, Role.PROTOCOL)
        protocols = said_protocols(said, self.lexicon) if folded(said) not in NOTHING else context.protocols
        ports = said_ports(text, protocols, self._called(row, columns), self.lexicon)
        if columns.has(Role.SOURCE_PORT):
            ports = with_source_ports(ports, source_ports(columns.text(row, Role.SOURCE_PORT), self.lexicon))
        return ports

    def _service(self, row: Row, columns: Columns, context: Context) -> Ports:
        """The ports of a row that only names a service, or only a protocol with ports in its cell."""
        text = columns.text(row, Role.SERVICE)
        said = columns.text(row, Role.PROTOCOL)
        named = [cell.text for cell in columns.cells(row, Role.SERVICE) if cell.text]
        if len(named) > 1:
            # of a rule's name and its service, the column that is called service counts
            picked = [
                c
                for c, h in zip(row.cells, columns.headings, strict=False)
                if "service" in folded(h) or "application" in folded(h)
            ]
            text = picked[0].text if len(picked) == 1 else text
        if not text and said:
            return said_ports(said, Protocols(), "", self.lexicon)
        protocols = said_protocols(said, self.lexicon) if folded(said) not in NOTHING else context.protocols
        if protocols.whole and not protocols.is_any and not protocols.numbers:
            return said_ports("", protocols, text, self.lexicon)
        return said_ports(text, protocols, text, self.lexicon)

    def _pairs(self, row: Row, columns: Columns, context: Context) -> tuple[Pair, ...]:
        """From whom to whom, as far as the row, its headings and the sentence above say; what they do not is a question."""
        said = folded(columns.text(row, Role.DIRECTION)).replace("\n", " ") if columns.has(Role.DIRECTION) else ""
        if said in NOTHING:
            direction = ""
        elif said in _DIRECTIONS:
            direction = _DIRECTIONS[said]
        else:
            raise NotUnderstood(
                "no-direction", f"{harmless(said, 40)!r} is no direction", "write inbound, outbound or both"
            )
        if columns.has(Role.FLOW):
            return self._flow(columns.text(row, Role.FLOW), row.at, context)
        seen = "in" if direction == "both" else direction
        here = _turned(context, seen) if seen else context
        way = seen or context.direction
        sources, destinations = self._one_side(row, columns, here, way, is_own=bool(seen))
        if direction == "both" and sources != destinations:
            return (sources, destinations), (destinations, sources)
        if columns.has(Role.SOURCE) and columns.has(Role.DESTINATION) and said in ("←", "<-", "<=", "⇐"):
            return ((destinations, sources),)
        return ((sources, destinations),)

    def _flow(self, text: str, at: Span, context: Context) -> tuple[Pair, ...]:
        """A cell such as `web server -> database`."""
        for arrow in _ARROWS:
            left, found, right = text.partition(arrow)
            if found:
                if any(mark in right for mark in _ARROWS):
                    break
                ends = self.zones.ends(left.strip(), at, context), self.zones.ends(right.strip(), at, context)
                if arrow in _ARROWS[:4] and ends[0] != ends[1]:
                    return ends, (ends[1], ends[0])
                return (ends if arrow in _ARROWS[:8] else (ends[1], ends[0]),)
        raise NotUnderstood("no-direction", f"{harmless(text, 60)!r} does not say from whom to whom")

    def _one_side(self, row: Row, columns: Columns, context: Context, direction: str, *, is_own: bool) -> Pair:
        """Sources and destinations of a row; direction is in, out, both or empty, and the row's own where `is_own`.

        Rows of one table that go in and out have one end in common, which nobody names: whom others reach, and who sends.
        """
        peer = self._cell(row, columns, Role.PEER, context) or self._cell(row, columns, Role.USED_BY, context)
        sources = self._cell(row, columns, Role.SOURCE, context)
        destinations = self._cell(row, columns, Role.DESTINATION, context)
        subject = self._cell(row, columns, Role.SUBJECT, context)
        if peer and not sources and not destinations:
            if not direction and columns.has(Role.PEER):
                raise NotUnderstood("no-direction", "the row has one end, and does not say which")
            sources, destinations = ((), peer) if direction == "out" else (peer, ())
        if direction == "out":
            sides = ("destination", "target") if is_own and not context.subject else ("source", "destination")
            sources = sources or subject or self._named(context.source, sides[0], context, row.at)
            return sources, destinations or self._named(context.destination, sides[1], context, row.at)
        destinations = destinations or subject or self._named(context.destination, "destination", context, row.at)
        return sources or self._named(context.source, "source", context, row.at), destinations

    def _named(self, said: str, side: str, context: Context, at: Span) -> tuple[str, ...]:
        """The end that the headings name, else what the section is about, else a question."""
        if said:
            return self.zones.ends(said, context.at, context)
        own = "source" if context.direction == "out" else "destination"
        if side == own and context.subject and context.direction:
            return (self.zones.subject(context, context.at),)
        return (self.zones.question(side, context, at),)

    def _cell(self, row: Row, columns: Columns, role: Role, context: Context) -> tuple[str, ...]:
        texts = [cell.text for cell in columns.cells(row, role) if folded(cell.text) not in NOTHING]
        if not texts:
            return ()
        return self.zones.ends(_together(texts), row.at, context, is_broad=role is not Role.USED_BY)


def _together(texts: list[str]) -> str:
    """Several cells about one end: a name, and its addresses in brackets behind it."""
    unique = list(dict.fromkeys(texts))
    if len(unique) == 1:
        return unique[0]
    return f"{unique[0]} ({', '.join(' '.join(text.split()) for text in unique[1:])})"


def _turned(context: Context, direction: str) -> Context:
    """The context with a row's own direction: ends that headings name for the other one do not hold."""
    if context.direction == direction:
        return context
    return replace(context, direction=direction, source="", destination="")


def _said(row: Row) -> str:
    """The row in one line, empty where it is; what a merged cell puts into several places, once."""
    kept = [cell.text for place, cell in enumerate(row.cells) if not (cell.is_repeated and place)]
    return " | ".join(" ".join(text.split()) for text in kept).rstrip(" |") if any(kept) else ""


def _is_title(row: Row) -> bool:
    """Whether one merged cell is the whole row: a heading inside the table."""
    return (
        len(row.cells) > 1
        and all(cell.is_repeated for cell in row.cells[1:])
        and len({cell.text for cell in row.cells}) == 1
    )


def _without_head(row: Row) -> Entry:
    why = "no headings over the row say which column holds the ports"
    return _refused(
        row, NotUnderstood("no-head", why, "give the table a first row such as Source, Destination, Protocol, Port")
    )


def _refused(row: Row, refused: NotUnderstood) -> Entry:
    return Entry(_said(row), row.at, State.REFUSED, name=refused.name, why=str(refused), help=refused.help)
