"""A file's ruleset, whatever its format, as far as rules are taken out of it: a rulebook, and the text without some rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Protocol

from firewright.analysis.rulebook import Key, Rulebook, Thing
from firewright.diagnostic import Report, harmless
from firewright.live import nft
from firewright.readers.iptables import parse as parse_saved
from firewright.readers.nftables import Listing, UnreadableListing
from firewright.readers.nftables import parse as parse_listing
from firewright.source import Source, Span, UnreadableSource, read
from firewright.space.budget import Undecided
from firewright.workflows.loaded import loaded
from firewright.workflows.rulebooks import iptables, nft_json, nft_text, nftables
from firewright.workflows.selection import Saying, silent

_SAVED = re.compile(r"^\*(?:filter|nat|mangle|raw|security)\s*$", re.MULTILINE)
"""A line that begins a table in what iptables-save prints, and nothing in nftables."""


class CannotEdit(Exception):
    """A text out of which nothing can be taken; the text of the exception says why."""


class Specimen(Protocol):
    """A ruleset that was read, out of which rules can be taken."""

    @property
    def source(self) -> Source:
        """The text."""
        ...

    @property
    def book(self) -> Rulebook:
        """Its rules."""
        ...

    @property
    def places(self) -> Mapping[Key, Span]:
        """Where rules stand in the text, as far as that is known."""
        ...

    def without(self, gone: Collection[Key]) -> Rulebook:
        """The rulebook as it is without some rules; the others keep their numbers."""
        ...

    def unused(self, gone: Collection[Key]) -> tuple[Thing, ...]:
        """The objects that no rule names once some rules are gone."""
        ...

    def edited(self, gone: Collection[Key], things: Collection[Thing]) -> tuple[str, str]:
        """The text without some rules, chains and objects, and what is to be said of how it was made. Raises CannotEdit.

        The text is read again: it is the same ruleset in everything else.
        """
        ...


def specimen_in(given: Source | str, report: Report, saying: Saying = silent) -> Specimen | None:
    """The ruleset in a text or a file, or None after saying in the report why there is none."""
    try:
        source = read(given) if isinstance(given, str) else given
        report.know(source)
        if _SAVED.search(source.text):
            return Saved(source, report)
        if source.text.lstrip().startswith("{"):
            return Listed(source, source.text, "")
        saying("loading it into a namespace of its own")
        listing = loaded(source, report)
        return None if listing is None else Written(source, listing)
    except UnreadableSource as error:
        report.error("unreadable", str(error))
    except UnreadableListing as error:
        report.add(error.diagnostic)
    except Undecided as error:
        report.error("undecided", f"the ruleset was not decided: {harmless(str(error))}")
    return None


class Saved:
    """What iptables-save printed."""

    def __init__(self, source: Source, report: Report) -> None:
        self.source = source
        self.dump = parse_saved(source.text, source.path)
        for one in self.dump.diagnostics:
            report.add(one)
        self.book = iptables.rulebook(self.dump)
        self.places = {key: fact.line.at for key, fact in self.book.facts.items()}

    def without(self, gone: Collection[Key]) -> Rulebook:
        """The rulebook as it is without some rules."""
        return iptables.rulebook(iptables.without(self.dump, gone))

    def unused(self, gone: Collection[Key]) -> tuple[Thing, ...]:
        """None: what a dump names beside its chains stands elsewhere."""
        return ()

    def edited(self, gone: Collection[Key], things: Collection[Thing]) -> tuple[str, str]:
        """The text without the lines of the rules and of the chains. Raises CannotEdit."""
        chains = {(one.table, one.name) for one in things if one.kind == "chain"}
        if self.dump.replaced or any(table.strays for table in self.dump.tables):
            raise CannotEdit("it has tables that come twice, or lines that cannot be read")
        lines = {self.places[key].line for key in gone}
        for table in self.dump.tables:
            lines |= {one.line.at.line for one in table.chains.values() if (one.line.table, one.name) in chains}
        rows = self.source.text.split("\n")
        text = "\n".join(row for number, row in enumerate(rows, 1) if number not in lines)
        again = parse_saved(text, self.source.path)
        if iptables.words(again) != iptables.words(self.dump, gone, chains):
            raise CannotEdit("its lines are not one rule each")
        return text, ""


class Listed:
    """What `nft -j list ruleset` printed."""

    def __init__(self, source: Source, listed_json: str, listed_text: str) -> None:
        self.source, self.json = source, listed_json
        self.listing: Listing = parse_listing(listed_json, source.path, listed_text)
        self.book = nftables.rulebook(self.listing, listed_json)
        self.places: Mapping[Key, Span] = {}

    def without(self, gone: Collection[Key]) -> Rulebook:
        """The rulebook as it is without some rules."""
        return nftables.rulebook(nftables.without(self.listing, gone), self.json)

    def unused(self, gone: Collection[Key]) -> tuple[Thing, ...]:
        """The objects that no rule names once some rules are gone."""
        return nftables.unused(nft_json.without(self.json, gone, ()), self.source.path)

    def edited(self, gone: Collection[Key], things: Collection[Thing]) -> tuple[str, str]:
        """The same JSON without those objects. Raises CannotEdit."""
        text = nft_json.without(self.json, gone, things)
        self.compare(parse_listing(text, self.source.path), gone, things)
        return text, ""

    def compare(self, again: Listing, gone: Collection[Key], things: Collection[Thing]) -> None:
        """Make sure that a listing is this one without some rules and objects. Raises CannotEdit."""
        if nftables.content(again, (), ()) != nftables.content(self.listing, gone, things):
            raise CannotEdit("what nft makes of the shorter text is not what was meant")


class Written(Listed):
    """A text for `nft -f`, as nft lists it."""

    def __init__(self, source: Source, listing: nft.Listing) -> None:
        super().__init__(source, listing.json, listing.text)
        self.listed = listing.text
        self._why = ""
        self._found = nft_text.Places()
        try:
            self._found = nft_text.places(source.text)
        except nft_text.NotFollowed as error:
            self._why = str(error)
        self.places = {} if self._why else self._lines()

    def edited(self, gone: Collection[Key], things: Collection[Thing]) -> tuple[str, str]:
        """The text without what goes; where that cannot be found in it, nft's own listing without it. Raises CannotEdit."""
        why = self._why
        if not why:
            try:
                return self._cut(self.source.text, self._found, gone, things), ""
            except (CannotEdit, KeyError, IndexError):
                why = "its rules do not stand in it as nft lists them"
        bare = nftables.without_handles(self.listed)
        try:
            text = self._cut(bare, nft_text.places(bare), gone, things)
        except (nft_text.NotFollowed, KeyError, IndexError) as error:
            raise CannotEdit(f"{why}, and nft's own listing cannot be edited: {harmless(str(error))}") from None
        return text, f"nft's own listing is written, for the file cannot be edited: {why}"

    def _cut(self, text: str, found: nft_text.Places, gone: Collection[Key], things: Collection[Thing]) -> str:
        stretches = [found.rules[table, chain][number - 1] for table, chain, number in gone]
        for one in things:
            is_chain = one.kind == "chain"
            stretches += found.chains[one.table, one.name] if is_chain else found.things[one.kind, one.table, one.name]
        shorter = nft_text.without(text, stretches)
        inner = Report()
        listing = loaded(Source(self.source.path, shorter), inner)
        if listing is None:
            raise CannotEdit(inner.diagnostics[0].message)
        self.compare(parse_listing(listing.json, self.source.path, listing.text), gone, things)
        return shorter

    def _lines(self) -> Mapping[Key, Span]:
        """The line of each rule, of the chains that have as many in the text as nft lists."""
        count: dict[tuple[str, str], int] = {}
        for table, chain, _ in self.book.facts:
            count[table, chain] = count.get((table, chain), 0) + 1
        out = {}
        ends = [0]
        for line in self.source.text.split("\n"):
            ends.append(ends[-1] + len(line) + 1)
        for place, stretches in self._found.rules.items():
            if len(stretches) == count.get(place):
                for number, (start, end) in enumerate(stretches, 1):
                    out[*place, number] = nftables.span(self.source.path, ends, start, end)
        return out
