"""People's own assertions about a policy, in `NAME.test.yaml` beside it: read, placed, resolved; never about nothing.

Whether they hold is for the analysis to say. What is checked here: names, and that each asks about at least one packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import cast

from firewright import document
from firewright.catalog.services import Catalog, catalog
from firewright.diagnostic import Report, harmless
from firewright.document import Scalar, collection_paused
from firewright.model.address import AddressSet, BadPrefix, parse_prefix
from firewright.model.interval import difference, union
from firewright.model.moment import exact
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Policy, Term, Zone
from firewright.model.transport import EVERY_SELECTOR, EVERY_SERVICE, service_ranges
from firewright.readers.policy_yaml.complaint import Complaints, TooManyErrors
from firewright.readers.policy_yaml.files import Files, Reading, real_path
from firewright.readers.policy_yaml.given import Given
from firewright.readers.policy_yaml.grammar import TESTS
from firewright.readers.policy_yaml.loading import load_given
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.reading import Reader
from firewright.readers.policy_yaml.services import Lexicon, Meaning, ServiceWords
from firewright.readers.policy_yaml.stated import ServiceWord, Stated
from firewright.readers.policy_yaml.zones import complain_of_zone
from firewright.source import NOWHERE, Source, Span, UnreadableSource, read

SUFFIX = ".test.yaml"
"""How the name of a file of tests ends."""


class Expectation(StrEnum):
    """What every packet of a question meets: `closed` is open to nobody, whether banned, to be asked for, or unmentioned.

    allowed: by allow or require, and by no ban; required: by require; requested: closed, and may be asked for; denied and
    rejected: by a rule that says so.
    """

    ALLOWED = "allowed"
    REQUIRED = "required"
    REQUESTED = "requested"
    DENIED = "denied"
    REJECTED = "rejected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class End:
    """One side of a question: a zone, or addresses as written. Never empty."""

    word: str
    addresses: AddressSet
    zone: Zone | None = None
    at: Span = field(compare=False, default=NOWHERE)


@dataclass(frozen=True, slots=True)
class Assertion:
    """From any of these ends to any of those, by any of `terms` and none of `excepted`, every packet meets `expect`.

    `day` is the day, or the time in the policy's time zone, on which it is asked; None for today.
    """

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    terms: tuple[Term, ...]
    expect: Expectation
    excepted: tuple[Term, ...] = ()
    because: str = ""
    name: str = ""
    day: date | None = None
    at: Span = field(compare=False, default=NOWHERE)

    @property
    def label(self) -> str:
        """Its name, or the question in words."""
        ends = [", ".join(end.word for end in side) for side in (self.sources, self.destinations)]
        left_out = f" except {', '.join(term.word for term in self.excepted)}" if self.excepted else ""
        return self.name or f"{ends[0]} -> {ends[1]} {', '.join(term.word for term in self.terms)}{left_out}"


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """The assertions of one file, and the policy that they are about, with the values that the file gives it."""

    path: str
    policy: Policy
    assertions: tuple[Assertion, ...]


def load(
    path_or_source: Path | str | Source,
    report: Report,
    *,
    services: Catalog | None = None,
    reading: Reading = read,
    folder: Path = Path(),
) -> PolicyTests | None:
    """The tests of a file with their policy, or None after saying in the report what is wrong with either.

    Paths are relative to `folder`.
    """
    complaints = Complaints(report)
    try:
        source = path_or_source if isinstance(path_or_source, Source) else reading(folder / path_or_source)
        with collection_paused():
            tests = _Tests(source, services or catalog(), complaints, reading, folder).read()
    except UnreadableSource as error:
        complaints.error("unreadable-file", harmless(str(error)), NOWHERE, "name a file of tests")
        return None
    except TooManyErrors:
        return None
    return tests if not complaints.errors else None


class _Tests:
    """Reads one file of tests."""

    def __init__(
        self, source: Source, services: Catalog, complaints: Complaints, reading: Reading, folder: Path
    ) -> None:
        self.folder = folder
        self.source, self.catalog, self.complaints, self.reading = source, services, complaints, reading
        self.error = complaints.error

    def read(self) -> PolicyTests | None:
        tree = document.parse(self.source, self.complaints.report)
        if tree is None or tree.root is None:
            if tree is not None:
                self._no_tests(Span(self.source.path, 1, 1))
            self.complaints.errors += 1
            return None
        stated = Reader(tree, self.complaints).record(tree.root, TESTS, "tests")
        if stated is None:
            return None
        if "tests" not in stated.keys:
            self._no_tests(stated.at)
        policy = self._policy(stated)
        if policy is None:
            return None
        resolver = _Resolver(policy, self.catalog, self.complaints)
        assertions = tuple(one for test in stated.records("tests") if (one := resolver.assertion(test)) is not None)
        return PolicyTests(self.source.path, policy, assertions)

    def _no_tests(self, at: Span) -> None:
        self.error("no-tests", "the file has no tests", at, "write tests: with a list behind it")

    def _policy(self, stated: Stated) -> Policy | None:
        files = Files(self.source, self.complaints, self.reading, self.folder)
        word = stated.word("policy")
        if word is None:
            if "policy" in stated.keys:
                return None
            name = real_path(self.source.path, self.folder).name
            if not name.endswith(SUFFIX):
                self.error("no-policy", "nobody says which policy is tested", stated.at, "add policy: its file")
                return None
            word = Scalar(name.removesuffix(SUFFIX) + ".yaml", *stated.at)
        target = files.locate(word, self.source)
        source = files.read(word, self.source, target) if target is not None else None
        if source is None:
            return None
        entries = [(name, value) for name, value in stated.table("fill-in") if value is not None]
        # the value of an option is read already; only its word is handed on
        entries += [
            (name, (Scalar("yes" if value.value else "no", *value.at),))
            for name, value in stated.table("set")
            if value is not None
        ]
        before = self.complaints.errors
        policy = load_given(source, (), Given(entries, self.complaints), self.catalog, self.reading, folder=self.folder)
        return policy if self.complaints.errors == before else None


class _Resolver:
    """Looks up the names of assertions in their policy."""

    def __init__(self, policy: Policy, services: Catalog, complaints: Complaints) -> None:
        self.policy, self.complaints, self.error = policy, complaints, complaints.error
        self.lexicon = Lexicon(Names[ServiceWords]("service"), services, True, complaints)
        for name, service in policy.services.items():
            self.lexicon.known[name] = Meaning(service.term.transports, service.term.names)

    def assertion(self, test: Stated) -> Assertion | None:
        """One assertion, or None after complaining."""
        missing = [key for key in ("from", "to", "service", "expect") if key not in test.keys]
        if missing and not test.has_strangers:
            self.error("unfinished-test", f"the test has no {' and no '.join(missing)}", test.at, _EXAMPLE)
        sources, destinations = self._ends(test, "from"), self._ends(test, "to")
        terms = self._terms(test, "service")
        excepted = self._terms(test, "except") if "except" in test.keys else ()
        expect = test.word("expect")
        if missing or expect is None or not (sources and destinations and terms) or excepted is None:
            return None
        self._check_for_packets(sources, destinations, terms, excepted, test)
        return Assertion(
            sources, destinations, terms, Expectation(expect.text), excepted,
            test.prose("because"), test.text("name"), self._day(test), test.at,
        )  # fmt: skip

    def _day(self, test: Stated) -> date | None:
        day = test.day("at")
        return exact(day, self.policy.timezone) if isinstance(day, datetime) else day

    def _terms(self, test: Stated, key: str) -> tuple[Term, ...] | None:
        entries = cast("tuple[ServiceWord, ...]", test.values.get(key, ()))
        terms = self.lexicon.terms(entries)
        return terms if terms and len(terms) == len(entries) else None

    def _ends(self, test: Stated, key: str) -> tuple[End, ...] | None:
        words = test.words(key)
        ends = [end for word in words if (end := self._end(word)) is not None]
        return tuple(ends) if len(ends) == len(words) else None

    def _end(self, word: Scalar) -> End | None:
        zone = self.policy.zones.get(word.text)
        if zone is not None:
            if not zone.is_filled:
                way_out = f"add fill-in: {{{zone.name}: …}} to the tests, or test the policy that fills it in"
                self.error("unfilled-zone", f"the zone {zone.name} is not filled in", word.at, way_out)
                return None
            if not zone.addresses:
                way_out = "the policy's zones hold every address"
                self.error("empty-question", f"the zone {zone.name} has no address", word.at, way_out)
                return None
            return End(word.text, zone.addresses, zone, word.at)
        if not any(character in word.text for character in ".:/"):
            complain_of_zone(word, self.policy.zones, self.complaints)
            return None
        try:
            parse_prefix(word.text)
        except BadPrefix as bad:
            way_out = harmless(bad.help) or "write a zone, a prefix or an address, as in 192.0.2.10"
            self.error("bad-prefix", harmless(str(bad)), word.at, way_out)
            return None
        return End(word.text, AddressSet.of(word.text), None, word.at)

    def _check_for_packets(
        self, sources: tuple[End, ...], destinations: tuple[End, ...], terms: tuple[Term, ...],
        excepted: tuple[Term, ...], test: Stated,
    ) -> None:  # fmt: skip
        """A test that asks about no packet would always hold: it is an error."""
        carried = [family for family in FAMILIES if _holds(sources, family) and _holds(destinations, family)]
        if not carried:
            message, key = "no packet goes from an IPv4 address to an IPv6 address", "to"
        elif any(_is_left(terms, excepted, family) for family in carried):
            return
        else:
            message, key = "the services that are asked about have no packet between these ends", "service"
        self.error(
            "empty-question", message, test.keys[key].at, "ask about something; this would hold whatever the policy"
        )


_EXAMPLE = "write {from: internet, to: tenants, service: smb, expect: denied}"


def _holds(ends: tuple[End, ...], family: Family) -> bool:
    return any(end.addresses.ranges(family) for end in ends)


def _is_left(terms: tuple[Term, ...], excepted: tuple[Term, ...], family: Family) -> bool:
    """Whether a service is left of the terms in a family. An exception with source ports leaves the others."""
    if any(term.is_any for term in excepted):
        return False
    out = service_ranges([one for term in excepted for one in term.transports], family)
    left_out = out.get(EVERY_SELECTOR, ())
    if any(term.is_any for term in terms):
        return bool(difference(EVERY_SERVICE, left_out))
    asked = service_ranges([one for term in terms for one in term.transports], family)
    return any(difference(services, union(left_out, out.get(ports, ()))) for ports, services in asked.items())
