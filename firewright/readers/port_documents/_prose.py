"""Sentences about ports: none becomes a rule, each that names a port is refused by name; time-outs are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from firewright.diagnostic import harmless
from firewright.readers.port_documents._context import Context
from firewright.readers.port_documents._document import Entry, SaidTimeout, State
from firewright.readers.port_documents._lexicon import Lexicon
from firewright.readers.port_documents._page import Paragraph
from firewright.source import Span

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]?[A-Z0-9])|\n")
_PORTS = re.compile(
    r"\b(?P<before>tcp|udp|sctp)[ /:-]{1,3}(?:ports? )?(?P<one>[0-9]{1,5})\b|\b(?P<two>[0-9]{1,5}) ?[/(] ?(?P<behind>tcp|udp|sctp)\b"
    r"|\bports? (?P<bare>[0-9]{1,5})\b",
    re.IGNORECASE,
)
_ANY_TO_ANY = re.compile(r"\bany[- ](?:to|2)[- ]any\b", re.IGNORECASE)
_CONDITIONAL = re.compile(
    r"\b(?:depend(?:s|ing)?|if|might|may|optional(?:ly)?|when|unless|in case|can be)\b", re.IGNORECASE
)
_TIMEOUT = re.compile(
    r"\b(?:(?P<protocol>tcp|udp)\b[^.;]{0,40}?)?\b(?:time-?out|idle time|keep-?alive|session (?:time|duration))\b(?P<between>[^;]{0,60}?)"
    r"(?<![0-9.,'])(?P<number>[0-9][0-9.,' \u2019]{0,12}) ?(?P<unit>seconds?|secs?|s|minutes?|mins?|hours?|hrs?|h|days?)\b",
    re.IGNORECASE,
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_GROUPED = re.compile(r"[0-9]{1,3}(?:[.,' \u2019][0-9]{3})+")
_ENDS = re.compile(
    r"^(?:the )?(?P<source>[^.;:,]{2,80}?)(?: will)? (?:needs?|must|has|have|requires?)(?: to)?(?: be able)?(?: to)? "
    r"(?:connect|access|reach|have access|get access)(?: to)?(?: the)? (?P<destination>[^.,;:]{2,60})$",
    re.IGNORECASE,
)
_NOBODY = ("you", "we", "they", "it", "this", "that", "these", "those", "which", "also", "and")
_NAMED = re.compile(r"^(?:(?P<numbers>[0-9]{1,5}(?:, ?[0-9]{1,5})*)\n)?(?P<name>[^.\n!?:;,]{2,40})\.(?=\s)")
_ABOUT_PORTS = re.compile(r"\bports?\b|\bprotocol\b", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\b(?:see|same story as)(?: also)?(?: for)? ports? ([0-9]{1,5}(?:(?:,| and|, and) [0-9]{1,5})*)", re.IGNORECASE
)
LONGEST = 30 * 86400
"""Seconds of the longest time-out that is believed."""


@dataclass(slots=True)
class Prose:
    """Reads paragraphs; the time-outs that they say are collected, each once."""

    lexicon: Lexicon
    timeouts: list[SaidTimeout] = field(default_factory=list)

    def entries(self, paragraph: Paragraph, context: Context) -> Iterator[Entry]:
        """A refusal for each service that a paragraph describes, else for each of its sentences that has a port."""
        self._timeouts(paragraph)
        if (described := self._description(paragraph)) is not None:
            yield described
            return
        line = paragraph.at.line
        for sentence in _sentences(paragraph.text):
            ports = list(dict.fromkeys(_words(found) for found in _PORTS.finditer(sentence)))
            at = Span(paragraph.at.path, line, paragraph.at.column)
            if ports:
                name, why = "prose", "a sentence is not read as a rule"
                if _CONDITIONAL.search(sentence):
                    name, why = "depends", "a sentence that says a condition is not read as a rule"
                yield Entry(
                    _one_line(sentence), at, State.REFUSED, name=name, why=why, help=f"it speaks of {', '.join(ports)}"
                )
            elif _ANY_TO_ANY.search(sentence):
                why = "a sentence is not read as a rule"
                yield Entry(
                    _one_line(sentence), at, State.REFUSED, name="prose", why=why, help="it speaks of any to any"
                )

    def with_ends(self, context: Context, above: list[Paragraph]) -> Context:
        """The context of a table or list with the ends that the prose right before it names, where headings name none."""
        for paragraph in reversed(above):
            for sentence in reversed(list(_sentences(paragraph.text))):
                found = _ENDS.match(sentence.rstrip(".!: "))
                if found and found["source"].casefold() not in _NOBODY:
                    source = re.sub(r"\s+and\s+(?:the )?", ", ", found["source"].strip())
                    destination = context.destination or found["destination"].strip()
                    context = replace(context, source=context.source or source, destination=destination)
                    break
        return context.beneath(_one_line(above[-1].text)) if above else context

    def _description(self, paragraph: Paragraph) -> Entry | None:
        """A paragraph that describes one service by its name, as lists of well-known ports do."""
        text = paragraph.text
        numbers = ""
        if found := _NAMED.match(text):
            name, numbers = found["name"].strip(), found["numbers"] or ""
        else:
            name = self._known_words(text)
        if not name or len(name.split()) > 4 or _PORTS.search(name) or _ABOUT_PORTS.search(name):
            return None
        if not (_ABOUT_PORTS.search(text) or self.lexicon.is_known(name)):
            return None
        elsewhere = tuple(
            int(digits) for found in _ELSEWHERE.finditer(text) for digits in re.findall("[0-9]+", found[1])
        )
        said = " ".join(part for part in (numbers, name) if part)
        if numbers:
            suggested = [self._of_port(int(digits)) for digits in re.findall("[0-9]+", numbers)]
            return Entry(said, paragraph.at, State.REFUSED, name="no-protocol", why="the description says no protocol",
                         help=f"commonly {', '.join(one for one in suggested if one)}")  # fmt: skip
        suggestion = self.lexicon.suggested(name, elsewhere)
        return Entry(said, paragraph.at, State.REFUSED, name="no-port", why="the description has no number",
                     help=f"commonly {suggestion}" if suggestion else "")  # fmt: skip

    def _known_words(self, text: str) -> str:
        """The first words of a paragraph that are a service of the catalog, before a word that begins a sentence."""
        words = text.split()[:4]
        for count in (3, 2, 1):
            name = " ".join(words[:count])
            if len(words) > count and words[count][:1].isupper() and self.lexicon.by_word(name.casefold()):
                return name
        return ""

    def _of_port(self, port: int) -> str:
        for word, number in (("tcp", 6), ("udp", 17)):
            if port <= 0xFFFF and (rows := self.lexicon.by_port(number, port)):
                return f"{word}/{port} ({rows[0].name})"
        return ""

    def _timeouts(self, paragraph: Paragraph) -> None:
        for found in _TIMEOUT.finditer(paragraph.text):
            seconds = _seconds(found["number"].strip(), found["unit"].casefold())
            if seconds is not None and 0 < seconds <= LONGEST:
                kind = "udp-replied" if (found["protocol"] or "").casefold() == "udp" else "tcp-established"
                self.timeouts.append(SaidTimeout(kind, seconds, _one_line(found[0]), paragraph.at))


def _seconds(number: str, unit: str) -> int | None:
    """Seconds of a number as people write it: groups of three digits behind a mark are thousands, whatever the mark."""
    number = number.rstrip(".,' \u2019")
    if _GROUPED.fullmatch(number):
        value = float(re.sub(r"[^0-9]", "", number))
    elif re.fullmatch(r"[0-9]+(?:[.,][0-9]+)?", number):
        value = float(number.replace(",", "."))
    else:
        return None
    whole = value * _UNITS[unit[0]]
    return int(whole) if whole == int(whole) else None


def _sentences(text: str) -> Iterator[str]:
    yield from (one for one in (part.strip() for part in _SENTENCE.split(text)) if one)


def _words(found: re.Match[str]) -> str:
    """A port that a sentence names, in the words of a policy where it says the protocol."""
    protocol = found["before"] or found["behind"]
    port = found["one"] or found["two"] or found["bare"]
    return f"{protocol.lower()}/{int(port)}" if protocol else f"port {int(port)}"


def _one_line(text: str) -> str:
    return harmless(" ".join(text.split()), 240)
