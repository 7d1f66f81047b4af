"""The curated services: what is commonly behind a port, and how far it should be visible. A site can lay its own rows over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from types import MappingProxyType

from firewright.catalog.row import ServiceRow, read_rows
from firewright.catalog.table import DATA
from firewright.diagnostic import Diagnostic, Note, Report, Severity, harmless, nearest
from firewright.model.interval import Ranges, intersection, size, union
from firewright.source import Source, read


class BadCatalog(Exception):
    """The tables that come with the program contradict themselves; its text says where. An installation fault."""


@dataclass(frozen=True)
class Catalog:
    """Rows by name, in order of names. Equal rows are equal catalogs."""

    rows: ReadOnly[str, ServiceRow] = field(default_factory=lambda: MappingProxyType({}))

    def service(self, name: str) -> ServiceRow | None:
        """The row of exactly this name, as a policy writes it; an alias is no name."""
        return self.rows.get(name)

    def names(self) -> tuple[str, ...]:
        """Every name, sorted."""
        return tuple(self.rows)

    def nearest(self, word: str) -> str:
        """The name that a misspelt word most likely meant, by itself or by an alias; or an empty text."""
        return next(iter(self.nearest_names(word, 1)), "")

    def nearest_names(self, word: str, most: int) -> tuple[str, ...]:
        """Up to `most` names that a word may have meant, the nearest first."""
        close = get_close_matches(word.casefold()[:40], self._by_word, n=most, cutoff=0.6)
        return tuple(dict.fromkeys(row.name for near in close for row in self._by_word[near]))[:most]

    def nearest_word(self, text: str, cutoff: float) -> str:
        """The name or alias that a text is most like, if it is at least as like as `cutoff` (Ratcliff and Obershelp)."""
        return next(iter(get_close_matches(text.casefold()[:60], self._by_word, n=1, cutoff=cutoff)), "")

    def by_word(self, word: str) -> tuple[ServiceRow, ...]:
        """The rows that a word names in any case, by name or by alias: the one so named first. O(1)."""
        return self._by_word.get(" ".join(word.casefold().split()), ())

    def by_port(self, protocol: int, selector: int) -> tuple[ServiceRow, ...]:
        """The rows that hold a port (or ICMP type << 8 | code) of a protocol, those that hold least first. O(rows).

        Not an answer to what runs there: only what commonly does.
        """
        return self.by_services(((protocol << 16 | selector, protocol << 16 | selector),))

    def by_services(self, services: Ranges) -> tuple[ServiceRow, ...]:
        """The rows that hold anything of a set on the service axis, those that hold least first. O(rows); the last are remembered."""
        return self._by_services(services)

    @cached_property
    def _by_services(self) -> Callable[[Ranges], tuple[ServiceRow, ...]]:
        @lru_cache(maxsize=4096)
        def find(services: Ranges) -> tuple[ServiceRow, ...]:
            found = sorted((size(own), name) for name, own in self._reach.items() if intersection(own, services))
            return tuple(self.rows[name] for _, name in found)

        return find

    def overlay(self, sources: Iterable[Source], report: Report) -> Catalog | None:
        """This catalog with the rows of these files laid over it: a row of the same name is replaced.

        None, and the places in the report, where a row is bad or has another row's name as an alias. A `together` that
        names no row is a warning.
        """
        own = Report()
        added: dict[str, ServiceRow] = {}
        for source in sources:
            report.know(source)
            for row in read_rows(source, own):
                if row.name in added:
                    note = Note("it stands here first", added[row.name].at)
                    own.error("bad-catalog-row", f"two rows are called {row.name}", row.at, "rename one", [note])
                added.setdefault(row.name, row)
        rows = {**self.rows, **added}
        if not own.has_errors():
            _cross_check(added.values(), rows, own)
        for diagnostic in own.diagnostics:
            report.add(diagnostic)
        return None if own.has_errors() else Catalog(MappingProxyType(dict(sorted(rows.items()))))

    @cached_property
    def _by_word(self) -> ReadOnly[str, tuple[ServiceRow, ...]]:
        found: defaultdict[str, list[ServiceRow]] = defaultdict(list)
        for row in self.rows.values():
            found[row.name].append(row)
        for row in self.rows.values():
            for alias in row.aliases:
                known = found[" ".join(alias.casefold().split())]
                if row not in known:
                    known.append(row)
        return {word: tuple(rows) for word, rows in found.items()}

    @cached_property
    def _reach(self) -> ReadOnly[str, Ranges]:
        """Each row's services of both families, by its name."""
        return {name: union(row.services(4), row.services(6)) for name, row in self.rows.items()}


def _cross_check(added: Iterable[ServiceRow], rows: ReadOnly[str, ServiceRow], report: Report) -> None:
    """What new rows say of others: `together` names rows, and no alias is another row's name.

    A new row may be called like an alias of an old one: a site cannot mend the program's rows, and a name goes first.
    """
    for row in added:
        for other in row.together:
            if other not in rows or other == row.name:
                said = f"{row.name} belongs with {harmless(other, 40)!r}, which is no other row"
                near = nearest(other, rows)
                way_out = f"did you mean {near}?" if near else "leave it out"
                report.add(Diagnostic("bad-catalog-row", Severity.WARNING, said, row.at, help=way_out))
        for alias in row.aliases:
            name = alias.casefold()
            if name in rows and name != row.name:
                note = Note(f"{name} is this row", rows[name].at)
                said = f"{row.name} has the alias {harmless(alias, 40)!r}, the name of another row"
                report.error("bad-catalog-row", said, row.at, "leave the alias out", [note])


def bundled() -> list[Source]:
    """The files of rows that come with the program, in order of their names, under short paths."""
    folder = DATA / "services"
    return [Source(f"catalog/services/{path.name}", read(path).text) for path in sorted(folder.glob("*.yaml"))]


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    """The catalog that comes with the program, read once. Raises BadCatalog."""
    report = Report()
    whole = Catalog().overlay(bundled(), report)
    if whole is None:
        raise BadCatalog("\n".join(f"{said.at}: {said.message}; {said.help}" for said in report.sorted()))
    return whole
