"""What a table's text means, and the exact comparison of two: every packet of both families, in every state, at every instant to come.

Order, counters, comments, the names of sets and how rules are cut have no meaning and are no difference. What no verdict says
has: how long flows are remembered, which helper reads them, what is logged, and whatever else a rule does beside deciding.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import pairwise

from firewright.analysis.difference import first_disagreement
from firewright.analysis.running import openings
from firewright.analysis.validate import real
from firewright.diagnostic import harmless
from firewright.live.apart import plain
from firewright.live.listing import NotAListing, tables_in
from firewright.live.nft import NftError, list_back
from firewright.model.address import UNICAST
from firewright.model.interval import Ranges
from firewright.model.moment import Instant
from firewright.model.packet import FAMILIES, Family, Packet
from firewright.readers.nftables import Listing, UnreadableListing, encode, parse
from firewright.space.axis import ANY_INTERFACE, HOST, point
from firewright.space.box import box, meet_box
from firewright.space.budget import Undecided
from firewright.space.program import Program
from firewright.space.ruleset import Line, Ruleset, machine
from firewright.workflows.beside import Bare, bare, effects, treatment
from firewright.workflows.beside import deeds as beside_deeds
from firewright.workflows.targets import NEW

_REPLACING = re.compile(r"table (inet \w+)\ndelete table \1\n")
"""How a text begins that takes the place of what is there."""
_FLAGS = re.compile(r"^(table (\S+ \S+) \{[^\n]*\n)[ \t]*flags ([^\n]*)\n", re.MULTILINE)
"""The flags of a table: nft 1.0.6 lists them in JSON as whatever stands in memory that it has given back (measured)."""
_OBJECT = re.compile(r"^\tct (timeout|helper) (\S+) \{[^\n]*\n(.*?)^\t\}", re.MULTILINE | re.DOTALL)
_RECORDED = re.compile(
    r"(^\tset \S+ \{\n(?:\t\t(?!elements)[^\n]*\n)*?\t\tflags [^\n]*\bdynamic\b[^\n]*\n(?:\t\t(?!elements)[^\n]*\n)*?)"
    r"\t\telements = \{[^{}]*\}\n",
    re.MULTILINE,
)
"""What packets put into sets: it means nothing, and there can be much of it."""


class Unjudged(Exception):
    """A text whose meaning is not known: `name` is the complaint's, `help` a way out."""

    def __init__(self, name: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.name, self.message, self.help = name, message, help


@dataclass(frozen=True, slots=True)
class Deed:
    """What one of two texts does with a packet: the word, where its deciding rule stands, in which words, with which comment."""

    word: str
    place: str
    rule: str
    comment: str = ""


_DONE = {"accept": "let through", "drop": "dropped", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two texts mean something else, at an instant: a packet, and what each does with it.

    `carried` is what the packet has beside the axes, in nft's words. Where they decide alike, and differ in something that is
    no decision, `packet` is None, and the two deeds hold what only one of them has.
    """

    packet: Packet | None
    carried: tuple[str, ...]
    instant: Instant
    before: Deed
    after: Deed

    @property
    def witness(self) -> str:
        """The packet in words, with what it carries; empty where there is none."""
        return "" if self.packet is None else " with ".join((str(self.packet), *self.carried[:3]))

    def __str__(self) -> str:
        when = f"{datetime.fromtimestamp(int(self.instant), timezone.utc):%Y-%m-%d %H:%M:%S} UTC"  # noqa: UP017 - shorter
        if self.packet is None:
            return f"from {when}: {self.before.rule or self.after.rule}"
        return f"from {when} on {self.witness} is {_DONE[self.before.word]}, and would be {_DONE[self.after.word]}"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A text as nft understood it: its tables, and the objects of connection tracking that its rules name, in words.

    One that no rule names means nothing: it stays where a table is replaced, for the flows that have it.
    """

    listing: Listing
    objects: tuple[str, ...]

    def ruleset(self, instant: Instant | None, families: Collection[Family] = FAMILIES) -> Ruleset:
        """Its rules as they are at an instant (seconds since 1970). Raises Unjudged."""
        try:
            found = encode(self.listing, instant, families)
        except Undecided as error:
            raise _undecided(error) from None
        if lost := next((one for one in found.diagnostics if one.name == "chains-not-followed"), None):
            raise Unjudged(lost.name, lost.message, lost.help)
        return found

    def programs(self, instant: Instant | None, families: Collection[Family] = FAMILIES) -> Mapping[Family, Program]:
        """What it does with every packet at an instant. Raises Unjudged."""
        return machine(self.ruleset(instant, families), families)


def meaning_of(text: str, path: str = "the table") -> Meaning:
    """What nft makes of a table's text, loaded into a namespace of its own. An empty text is a machine without a firewall.

    The text may come from another machine: nothing but tables is taken. Raises Unjudged. Time as `list_back`.
    """
    bare = plain(_REPLACING.sub("", text, count=1))
    if not bare.strip():
        return Meaning(Listing(path, ()), ())
    try:
        tables_in(bare)
        listed = list_back(_RECORDED.sub(r"\1", _FLAGS.sub(r"\1", bare)), path)
        listing = parse(listed.json, path, listed.text)
        named = {part.text for part in effects(listing.tables)}
        objects = sorted(
            " ".join(" ".join(found).split())
            for found in _OBJECT.findall(listed.text)
            if f"ct {found[0]} {found[1]}" in named
        )
        off = {title for _, title, flags in _FLAGS.findall(bare) if "dormant" in flags}
        tables = tuple(replace(one, is_dormant=one.title in off) for one in listing.tables)
        return Meaning(replace(listing, tables=tables), tuple(objects))
    except NotAListing as error:
        raise Unjudged("not-a-listing", f"{path}: {harmless(str(error))}", "look at it by hand") from None
    except NftError as error:
        raise Unjudged("not-proved", f"{path}: {error.message}", error.help) from None
    except UnreadableListing as error:
        raise Unjudged(error.diagnostic.name, f"{path}: {error.diagnostic.message}", error.diagnostic.help) from None


def programs_of(text: str, instant: Instant | None = None) -> Mapping[Family, Program]:
    """What a table's text does with every packet of both families, alone on a machine, at an instant (seconds since 1970).

    Without an instant what compares the time is a literal. An empty text accepts everything. Raises Unjudged.
    """
    return meaning_of(text).programs(instant)


def first_difference(before: str, after: str, now: Instant) -> Difference | None:
    """The first packet that two texts treat differently, from an instant on for ever; None where there is none, proved.

    Raises Unjudged. O(steps x stretches of time) where they differ only a little, as `first_disagreement`.
    """
    return difference(meaning_of(before), meaning_of(after), now)


def difference(before: Meaning, after: Meaning, now: Instant) -> Difference | None:
    """As `first_difference`, of texts that nft has understood."""
    first, second = bare(before.listing, before.objects), bare(after.listing, after.objects)
    if first == second:
        return None
    for instant in _moments(before, after, now):
        for family in FAMILIES:
            found = _decided(before, after, instant, family)
            if found is not None:
                return found
    return _beside(first, second, now)


def _moments(before: Meaning, after: Meaning, now: Instant) -> Iterator[Instant]:
    """An instant in each stretch of time, from now on, in which neither text changes by itself. Raises Unjudged."""
    changes = sorted({float(one) for side in (before, after) for one in side.ruleset(now).instants})
    seen: set[tuple[int, int]] = set()
    ordered = sorted({now, *(one for one in changes if one > now)})
    for here, there in pairwise((*ordered, ordered[-1] + 1)):
        for instant in (here, (here + there) / 2):
            stretch = bisect_left(changes, instant), bisect_right(changes, instant)
            if stretch not in seen:
                seen.add(stretch)
                yield instant


def _decided(before: Meaning, after: Meaning, instant: Instant, family: Family) -> Difference | None:
    """A packet of a family that the texts decide or treat differently at an instant."""
    first, second = (side.programs(instant, (family,))[family] for side in (before, after))
    found = _disagreement(first, second, before, after, instant)
    if found is None and (_treats(before) or _treats(after)):
        first, second = _treating(first, before), _treating(second, after)
        found = _disagreement(first, second, before, after, instant)
    return found


def _disagreement(
    first: Program, second: Program, before: Meaning, after: Meaning, instant: Instant
) -> Difference | None:
    if _content(first) == _content(second):
        return None
    try:
        found = first_disagreement(first, second, real(first.family))
    except Undecided as error:
        raise _undecided(error) from None
    if found is None:
        return None
    packet, literals = _telling(first, second) or found
    carried = tuple(sorted(text for text, holds in literals.items() if holds))
    deeds = []
    for program, meaning in ((first, before), (second, after)):
        step = program.decide(point(packet), literals)
        deeds.append(deed(str(program.verdict[step]), program.origin[step], meaning))
    return Difference(packet, carried, instant, *deeds)


def _telling(first: Program, second: Program) -> tuple[Packet, dict[str, bool]] | None:
    """A packet that people understand at once, where there is one: it begins a flow from outside, or out of the machine."""
    unicast = UNICAST.ranges(first.family)
    ways: tuple[tuple[Ranges, Ranges], ...] = (
        (ANY_INTERFACE, HOST),
        (ANY_INTERFACE, ANY_INTERFACE),
        (HOST, ANY_INTERFACE),
    )
    for inward, outward in ways:
        whole = box(
            first.family,
            in_interface=inward,
            out_interface=outward,
            source=unicast,
            destination=unicast,
            conntrack_state=NEW,
        )
        within = whole and meet_box(whole, real(first.family), first.family)
        for opening in openings(first.family, within) if within else ():
            with suppress(Undecided):
                if found := first_disagreement(first, second, opening):
                    return found
    return None


def deed(word: str, origin: object, meaning: Meaning) -> Deed:
    """What a text does with a packet that a step of its programs decides with a word; `origin` is the step's."""
    if not isinstance(origin, Line):
        return Deed(word, "no table of ours" if not meaning.listing.tables else "no base chain", "")
    return Deed(word, origin.place, origin.text, origin.comment or _comment_of(origin, meaning))


def _comment_of(line: Line, meaning: Meaning) -> str:
    """What the chain of a rule is about, where the rule itself has no comment."""
    for table in meaning.listing.tables:
        chain = table.chains.get(line.chain)
        if chain is not None and harmless(table.title) == line.table:
            return next((rule.comment for rule in chain.rules if rule.comment), "")
    return ""


def _content(program: Program) -> tuple[object, ...]:
    return program.box, program.verdict, program.literals


def _undecided(error: Undecided) -> Unjudged:
    return Unjudged("undecided", harmless(str(error)), "split the policy, or narrow the rules that overlap most")


def _treats(meaning: Meaning) -> bool:
    return bool(meaning.objects)


def _treating(program: Program, meaning: Meaning) -> Program:
    """The same program, in which a verdict also says what its chain does to the flow: its timeout, its helper."""
    treatments = {
        (harmless(table.title), harmless(name)): said
        for table in meaning.listing.tables
        for name, chain in table.chains.items()
        if (said := treatment(chain))
    }
    out = Program(program.family)
    for step, verdict in enumerate(program.verdict):
        origin = program.origin[step]
        said = treatments.get((origin.table, origin.chain), "") if isinstance(origin, Line) else ""
        word = f"{verdict}{said}" if verdict == "accept" else verdict if isinstance(verdict, str) else None
        out.add(program.box[step], word, origin, program.literals[step])
        if isinstance(verdict, int):
            out.skip(step, verdict)
    return out.seal()


def _beside(first: Bare, second: Bare, now: Instant) -> Difference | None:
    """What one text does beside deciding that the other does not."""
    before, after = Counter(beside_deeds(first)), Counter(beside_deeds(second))
    lost, gained = sorted((before - after).elements()), sorted((after - before).elements())
    if not lost and not gained:
        return None
    deeds = [Deed("", *(found[0][:2] if found else ("", ""))) for found in (lost, gained)]
    return Difference(None, (), now, *deeds)
