"""Who talks to whom: cells of sources and destinations become names of zones; what is not named becomes a question."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from unicodedata import normalize

from firewright.diagnostic import harmless
from firewright.model.address import UNICAST, AddressSet, BadPrefix
from firewright.model.packet import Family
from firewright.model.policy import BUILT_IN_ZONES
from firewright.readers.port_documents._context import Context
from firewright.readers.port_documents._document import DocumentZone
from firewright.readers.port_documents._said import NotUnderstood
from firewright.readers.port_documents._wording import NOTHING, folded, vocabulary
from firewright.source import Span

ANY_ZONE, INTERNET, INTERNAL = "any", "internet", "internal-network"
NAME_LIMIT = 48
"""Characters of a zone's name."""
END_LIMIT = 64
"""Ends that one cell names."""

_ANYBODY = vocabulary(
    """any|all|*|any source|any destination|anywhere|everywhere|everyone|anyone|any host|any hosts|any ip|any address
    |any ip address|all hosts|all ips|all addresses|any/any|0.0.0.0/0, ::/0|::/0, 0.0.0.0/0|0.0.0.0/0 and ::/0|any network
    |all networks|any ipv4/ipv6|world""",
    "|",
)
_INTERNET = vocabulary(
    "internet|public internet|internet (any)|www|the web|wan/internet|any internet host|internet hosts", "|"
)
_INTERNAL = re.compile(
    r"(?:internal|intranet|internal (?:network|networks|hosts|nodes|servers|systems|lan|ips?|addresses))$"
)
_SELF = frozenset(
    ("self", "itself", "same", "same host", "same node", "same machine", "this host", "local", "localhost")
)
_ARTICLE = re.compile(r"^(?:the|your|our|an?)\s+")
_TAIL = re.compile(r"\s+(?:ips?|ip address(?:es)?|address(?:es)?)$")
_NAMED = re.compile(r"^(?P<name>[^()]*[^\s()])\s*\((?P<in>[^()]+)\)$")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_HOSTS = re.compile(r"^[a-z0-9*-]+(?:\.[a-z0-9-]+)+$")
_SEPARATORS = re.compile(r"[,;\n]|\s\|\s")


@dataclass(slots=True)
class Zones:
    """The zones of one document, by name; a name written twice is one zone, whatever its case and punctuation."""

    path: str
    known: dict[str, DocumentZone] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    by_addresses: dict[AddressSet, str] = field(default_factory=dict)

    def ends(self, text: str, at: Span, context: Context, is_broad: bool = True) -> tuple[str, ...]:
        """The zones that a cell names. Raises NotUnderstood.

        `any` is what the document writes as any; under a heading that speaks of what is inside it is only what is inside.
        Where not `is_broad`, "all" is no such word: it is all of something that is not said.
        """
        found: dict[str, None] = {}
        whole = folded(text).replace("\n", ", ")
        if whole in _ANYBODY:
            return (self._anybody(text, at, context, is_broad),)
        for part in self._parts(text):
            found[self._end(part, at, context, is_broad)] = None
        if not found:
            raise NotUnderstood("no-end", "an end of the flow is not said")
        if len(found) > END_LIMIT:
            raise NotUnderstood("too-long", f"more than {END_LIMIT} ends in one cell")
        return tuple(found)

    def has_family(self, name: str, family: Family) -> bool:
        """Whether a zone may hold addresses of a family: what the document does not say may be anything."""
        addresses = self.known[name].addresses if name in self.known else None
        return addresses is None or bool(addresses.ranges(family))

    def question(self, side: str, context: Context, at: Span) -> str:
        """The zone of a side that the document does not name: never any, always a question."""
        section = context.title or "the document"
        stem = slug(context.subject or section) or "document"
        around = f"{section}: {context.above}" if context.above else section
        question = f"{_WHO[side]} The document does not say ({harmless(around, 200)})"
        return self._add(f"{stem[: NAME_LIMIT - 12].strip('-')}-{side}", "", at, question)

    def subject(self, context: Context, at: Span) -> str:
        """The zone of what a section is about, by its heading."""
        name = slug(context.subject or context.title)
        if not name:
            return self.question("subject", context, at)
        said = context.subject or context.title
        return self._add(name, said, at, f"Which addresses are {harmless(said, 80)!r}?")

    def _parts(self, text: str) -> list[str]:
        """The names in a cell, apart at commas outside brackets, at lines, and at `and` between host names."""
        parts: list[str] = []
        depth, start = 0, 0
        for place, character in enumerate(text):
            depth += (character in "([") - (character in ")]")
            if depth <= 0 and _SEPARATORS.match(text, place):
                parts.append(text[start:place])
                start = place + 1
        parts.append(text[start:])
        split: list[str] = []
        for part in parts:
            words = re.split(r"\s+and\s+|\s*&\s*", part.strip())
            is_hosts = len(words) > 1 and all(_HOSTS.match(word.casefold()) or _addresses(word) for word in words)
            split += words if is_hosts else [part.strip()]
        return [part for part in split if part]

    def _end(self, text: str, at: Span, context: Context, is_broad: bool) -> str:
        plain = folded(text)
        bare = _ARTICLE.sub("", plain)
        if bare in NOTHING:
            raise NotUnderstood("no-end", f"{harmless(text, 60)!r} names nobody")
        if bare in _ANYBODY:
            return self._anybody(text, at, context, is_broad)
        if bare in _INTERNET:
            return INTERNET
        if _INTERNAL.match(bare):
            return self._internal(text, at)
        if bare in _SELF:
            return self.subject(context, at)
        if (addresses := _addresses(plain)) is not None:
            return self._of_addresses("", addresses, text, at)
        if (found := _NAMED.match(plain)) and (addresses := _addresses(found["in"])) is not None:
            return self._of_addresses(found["name"], addresses, text, at)
        if found and (addresses := _addresses(found["name"])) is not None:
            return self._of_addresses(found["in"], addresses, text, at)
        name = slug(_TAIL.sub("", bare))
        if not name:
            raise NotUnderstood("no-end", f"{harmless(text, 60)!r} is no name")
        return self._add(name, text, at, f"Which addresses are {harmless(text, 100)!r}?")

    def _anybody(self, text: str, at: Span, context: Context, is_broad: bool) -> str:
        if not is_broad:
            name = slug(context.subject or context.title) or "document"
            return self._add(
                f"{name[: NAME_LIMIT - 8]}-clients",
                text,
                at,
                f"Who is {harmless(text, 40)!r}? The document does not say",
            )
        if context.is_mixed:
            why = "any stands under a heading that speaks of inside and of outside"
            raise NotUnderstood("any-inside", why, "write who is meant")
        return self._internal(text, at) if context.is_internal else ANY_ZONE

    def _internal(self, text: str, at: Span) -> str:
        return self._add(INTERNAL, text, at, "Which addresses are inside? What the document calls internal")

    def _of_addresses(self, name: str, addresses: AddressSet, text: str, at: Span) -> str:
        if not addresses & UNICAST:
            raise NotUnderstood(
                "no-end", f"{harmless(text, 60)!r} holds no unicast address", "write multicast by its own name"
            )
        kept = addresses & UNICAST
        if kept in self.by_addresses:
            return self.by_addresses[kept]
        wanted = slug(name) or slug(f"net {text}")
        if addresses == AddressSet.of("0.0.0.0/0"):
            wanted = "any-ipv4"
        elif addresses == AddressSet.of("::/0"):
            wanted = "any-ipv6"
        chosen = self._add(wanted, text, at, "", kept)
        self.by_addresses[kept] = chosen
        return chosen

    def _add(self, name: str, said: str, at: Span, question: str, addresses: AddressSet | None = None) -> str:
        """The zone of this name; a name that is taken, by the language or by other addresses, gets a number behind it."""
        key = name if addresses is None else f"{name} {addresses}"
        if key not in self.chosen:
            stem = _cut(f"{name}-zone" if name in BUILT_IN_ZONES or name == "none" else name) or "zone"
            chosen, number = stem, 1
            while chosen in self.known:
                number += 1
                chosen = f"{stem}-{number}"
            self.chosen[key] = chosen
            self.known[chosen] = DocumentZone(chosen, said, at, question, addresses)
        return self.chosen[key]


_WHO = {
    "source": "From where?",
    "destination": "To where?",
    "target": "To where from there?",
    "subject": "Which addresses are meant?",
}


def slug(text: str) -> str:
    """A text as a name of a policy has to be: lower case and hyphens; as it is where it has no letter of ASCII."""
    folded_text = re.sub(r"\((e?s)\)", r"\1", folded(text))
    plain = normalize("NFKD", folded_text).encode("ascii", "ignore").decode()
    return _NOT_SLUG.sub("-", plain).strip("-") or folded_text


def _cut(name: str) -> str:
    """At most NAME_LIMIT characters of a name, cut at a hyphen; empty where nothing of it can stand in a policy."""
    plain = _NOT_SLUG.sub("-", name).strip("-")
    return (
        plain if len(plain) <= NAME_LIMIT else (plain[:NAME_LIMIT].rpartition("-")[0] or plain[:NAME_LIMIT]).strip("-")
    )


def _addresses(text: str) -> AddressSet | None:
    """The addresses that a text is made of, None where it has another word."""
    words = [word for word in re.split(r"[\s,;]+", text.strip()) if word and word != "and"]
    if not words or not all(re.fullmatch(r"[0-9a-fA-F.:/-]+", word) and ("." in word or ":" in word) for word in words):
        return None
    try:
        return AddressSet.of(*words)
    except BadPrefix as bad:
        if all(re.match(r"[0-9]+\.[0-9]+\.|[0-9a-fA-F:]*::", word) for word in words):
            raise NotUnderstood("bad-address", harmless(str(bad)), bad.help) from None
        return None
