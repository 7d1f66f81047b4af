"""Lists of ports become entries: an item is a name and its ports in any order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from firewright.diagnostic import harmless
from firewright.model.policy import Verb
from firewright.readers.port_documents._context import Context
from firewright.readers.port_documents._document import DocumentNote, Entry, Requirement, State
from firewright.readers.port_documents._ends import Zones
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._page import Bullets, Item
from firewright.readers.port_documents._said import NotUnderstood, Ports, Protocols
from firewright.readers.port_documents._services import said_ports
from firewright.readers.port_documents._wording import Kind, folded, pieces

_DIVIDED = re.compile(r"\s+[-–—=]+>?\s+|\s*:\s+|\s+[-–—]\s*|\s*\|\s*")
_BRACKETS = re.compile(r"^(?P<name>[^()]*[^()\s])\s*\((?P<in>[^()]*[0-9][^()]*)\)\s*(?P<rest>.*)$")
_PORT_LIKE = re.compile(r"\b(?:tcp|udp|sctp|icmp)\b|\b[0-9]{1,5}\b", re.IGNORECASE)


_BEHIND = re.compile(
    r"^(?P<ports>.*?[0-9][^\s]*(?:\s+(?:tcp|udp|ports?|traffic|\([^()]*\))){0,3})\s+(?P<word>to|from|for)\s+(?P<rest>[a-z*\"'].*)$",
    re.IGNORECASE,
)
"""Ports, and behind them whom they are to or from, or what they are for."""
_LEADS = re.compile(r"^(?:allow|open|permit|enable)\s+", re.IGNORECASE)


@dataclass(slots=True)
class Lists:
    """Reads lists into entries; a list of which no item is about ports is noted and is no entry."""

    lexicon: Lexicon
    zones: Zones
    notes: list[DocumentNote]

    def entries(self, bullets: Bullets, context: Context) -> Iterator[Entry]:
        """An entry for each item of a list about ports; an item over deeper ones is their heading."""
        if not self._is_about_ports(bullets, context):
            text = f"a list without ports, of {len(bullets.items)} items, is not read"
            self.notes.append(DocumentNote("other-list", text, (bullets.at,)))
            return
        stack: list[tuple[int, Context]] = [(-1, context)]
        for place, item in enumerate(bullets.items):
            while stack[-1][0] >= item.depth:
                stack.pop()
            here = stack[-1][1]
            is_over = place + 1 < len(bullets.items) and bullets.items[place + 1].depth > item.depth
            if is_over and not re.search("[0-9]", item.text):
                stack.append((item.depth, here.under(item.text, item.at)))
                continue
            yield self.entry(item, here)

    def entry(self, item: Item, context: Context) -> Entry:
        """What one item says."""
        said = harmless(" ".join(item.text.split()), 400)
        try:
            if context.trouble:
                raise NotUnderstood("no-action", context.trouble)
            if "~~" in item.text:
                raise NotUnderstood("struck-out", "something in the item is struck through")
            text = _LEADS.sub("", item.text)
            if found := _BEHIND.match(" ".join(text.split())):
                # what a port is for only describes it; whom it is to or from is an end, as its headings say one
                text = found["ports"]
                context = _with_end(context, found["word"].lower(), found["rest"], item)
            ports = self.ports(text, context.protocols)
            pair = self._ends(item, context)
        except NotUnderstood as refused:
            return Entry(said, item.at, State.REFUSED, name=refused.name, why=str(refused), help=refused.help)
        verb = context.verb or Verb.REQUIRE
        requirement = Requirement(verb, *pair, ports.surely, ports.possibly, item.at)
        if ports.name:
            return Entry(said, item.at, State.BOUNDED, (requirement,), ports.name, ports.why, ports.help, verb)
        return Entry(said, item.at, State.UNDERSTOOD, (requirement,), verb=verb)

    def ports(self, text: str, protocols: Protocols) -> Ports:
        """The ports of an item: it is ports alone, or a name and ports, of which the name may tell the protocol.

        Raises NotUnderstood: why the most likely part of it was not understood.
        """
        first: NotUnderstood | None = None
        for name, ports in _readings(text):
            try:
                return said_ports(ports, protocols, name, self.lexicon)
            except NotUnderstood as refused:
                first = first or refused
        if first is None:
            raise NotUnderstood("no-port", "the item is empty")
        raise first

    def _ends(self, item: Item, context: Context) -> tuple[tuple[str, ...], tuple[str, ...]]:
        ends = []
        for side, said in (("source", context.source), ("destination", context.destination)):
            own = "source" if context.direction == "out" else "destination"
            if said:
                ends.append(self.zones.ends(said, context.at, context))
            elif side == own and context.subject and context.direction:
                ends.append((self.zones.subject(context, context.at),))
            else:
                ends.append((self.zones.question(side, context, item.at),))
        return ends[0], ends[1]

    def _is_about_ports(self, bullets: Bullets, context: Context) -> bool:
        """Whether a list is one of ports: its headings say so, or one of its items reads as ports with a number."""
        if context.is_about_ports and any(_PORT_LIKE.search(item.text) for item in bullets.items):
            return True
        return any(self._reads(item.text, context) for item in bullets.items if _PORT_LIKE.search(item.text))

    def _reads(self, text: str, context: Context) -> bool:
        try:
            self.ports(text, context.protocols)
        except NotUnderstood:
            return bool(
                re.search(
                    r"\b(?:tcp|udp|sctp)\b[ /:-]*[0-9]|[0-9] ?[/(] ?(?:tcp|udp|sctp)\b|\bports? [0-9]",
                    text,
                    re.IGNORECASE,
                )
            )
        return True


def _with_end(context: Context, word: str, rest: str, item: Item) -> Context:
    """The context with the ends that an item names behind `to` and `from`, each up to the next such word."""
    parts = re.split(r"\s+(to|from|for|on|in|via|over|by)\s+", f" {word} {rest}", flags=re.IGNORECASE)
    for lead, said in zip(parts[1::2], parts[2::2], strict=True):
        end = re.split(r"[.;]\s", said, maxsplit=1)[0].strip(" .")
        if lead.lower() == "to":
            context = replace(context, destination=end, at=item.at)
        elif lead.lower() == "from":
            context = replace(context, source=end, at=item.at)
        else:
            break
    return context


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """The ways in which an item can be a name and ports, the likeliest first; what is called name holds no number of its own."""
    plain = " ".join(text.split())
    parts = list(_DIVIDED.finditer(plain))
    if parts:
        last, first = parts[-1], parts[0]
        yield from _if_name(plain[: last.start()], plain[last.end() :])
        yield from _if_name(plain[: first.start()], plain[first.end() :])
        yield from _if_name(plain[first.end() :], plain[: first.start()])
    if (found := _BRACKETS.match(plain)) and not re.search("[0-9]", found["rest"]):
        yield from _if_name(found["name"], found["in"])
    yield "", plain


def _if_name(name: str, ports: str) -> Iterator[tuple[str, str]]:
    """The pair, if the first is a name: it says no number and no protocol that the ports would miss."""
    kinds = {piece.kind for piece in pieces(folded(name))}
    if not kinds & {Kind.NUMBER, Kind.PROTOCOL, Kind.CONDITION, Kind.NEGATION} and any(c.isdigit() for c in ports):
        yield name.strip(), ports.strip()
