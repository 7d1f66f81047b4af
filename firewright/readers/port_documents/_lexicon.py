"""The catalog as readers of documents ask it: names and ports by what people call them, suggestions up to a bound."""

from __future__ import annotations

from dataclasses import dataclass, field

from firewright.catalog.row import ServiceRow
from firewright.catalog.search import find
from firewright.catalog.services import Catalog
from firewright.readers.port_documents._wording import folded

SUGGESTION_LIMIT = 120
"""Different names of one document for which the catalog is searched: each costs up to 40 ms."""


@dataclass(slots=True)
class Lexicon:
    """A catalog, and what it suggested already."""

    catalog: Catalog
    _suggested: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)

    def by_word(self, word: str) -> tuple[ServiceRow, ...]:
        """The rows that a word names, by name or alias. O(1)."""
        return self.catalog.by_word(word)

    def service(self, name: str) -> ServiceRow | None:
        """The row of exactly this name."""
        return self.catalog.service(name)

    def by_port(self, protocol: int, port: int) -> tuple[ServiceRow, ...]:
        """The rows that hold a port of a protocol, the narrowest first. O(rows)."""
        return self.catalog.by_port(protocol, port)

    def is_known(self, name: str) -> bool:
        """Whether the catalog has a row for what people call a thing: by its name, an alias, or the words of its title."""
        if self.by_word(" ".join(name.casefold().split())):
            return True
        return bool(self.suggested(name)) and bool(find(name[:80], self.catalog).commonly)

    def suggested(self, name: str, besides: tuple[int, ...] = ()) -> str:
        """The ports that the catalog, else IANA's registry, has for what people call a thing: `tcp/5432 (postgresql)`.

        `besides` are ports that are spoken of as others. Empty where nothing is near, or too much was asked already. O(rows).
        """
        plain = " ".join(folded(name).split())[:80].strip(" .:-")
        key = plain, besides
        if plain and key not in self._suggested and len(self._suggested) < SUGGESTION_LIMIT:
            self._suggested[key] = self._search(plain, besides)
        return self._suggested.get(key, "")

    def _search(self, plain: str, besides: tuple[int, ...]) -> str:
        found = find(plain, self.catalog)
        near = (self.catalog.service(name) for name in found.suggestions)
        rows = found.commonly or tuple(row for row in near if row is not None)[:1]
        others = (self.catalog.service(name) for row in rows for name in row.together if plain in name)
        named = plain.replace(" ", "-")
        for row in sorted((*rows, *(row for row in others if row is not None)), key=lambda row: row.name != named):
            if not any(low in besides for one in row.transports for low, _ in one.selectors):
                return f"{row.words()} ({row.name})"
        listed = [entry for entry in found.registered if entry.low not in besides and entry.name][:2]
        return "" if rows else ", ".join(dict.fromkeys(f"{entry.words()} ({entry.name})" for entry in listed))
