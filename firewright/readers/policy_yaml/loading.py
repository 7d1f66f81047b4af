"""From files to one policy: read, merge, resolve, in this order; all errors of all files are said in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path, PurePath
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from firewright.catalog.services import Catalog, catalog
from firewright.diagnostic import Note, Report, harmless
from firewright.document import Scalar, collection_paused
from firewright.model.policy import Option, Policy, Zone
from firewright.readers.policy_yaml.complaint import Complaints, TooManyErrors, quoted
from firewright.readers.policy_yaml.exceptions import Exceptions, complain_of_exception, is_exception
from firewright.readers.policy_yaml.files import Files, Part, Parts, Reading
from firewright.readers.policy_yaml.firewalls import resolve_firewalls
from firewright.readers.policy_yaml.given import SETTINGS, Given
from firewright.readers.policy_yaml.grammar import PROSE, WHO
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.nesting import check_nesting
from firewright.readers.policy_yaml.rules import RuleResolver
from firewright.readers.policy_yaml.services import Lexicon, ServiceWords
from firewright.readers.policy_yaml.stated import Stated
from firewright.readers.policy_yaml.values import mended_name
from firewright.readers.policy_yaml.zones import (
    Atlas,
    ZoneWords,
    built_in_zones,
    merge_answers,
    resolve_zones,
)
from firewright.source import NOWHERE, Located, Source, UnreadableSource, read

_NOT_A_PLACE = ("localtime", "posixrules", "Factory")
"""Names that mean another time zone on each machine."""

__all__ = ["SETTINGS", "Given", "load", "load_given"]


def load(
    path_or_source: Path | str | Source,
    report: Report,
    *,
    settings: Mapping[str, str] | None = None,
    also: Iterable[Path | str | Source] = (),
    services: Catalog | None = None,
    reading: Reading = read,
    with_exceptions: bool = True,
    folder: Path = Path(),
) -> Policy | None:
    """The policy of a file, with all that it uses and is behind, or None after saying in the report what is wrong.

    `settings` are values of options (`yes`, `no`) and of zones that ask (prefixes and zones, by commas or spaces); they
    go before what files say. `also` are further files that become part of the policy; one that is an exception by its place is
    held to be one, and goes before the file of that place. `services` is the catalog that names are looked up in; `reading` how
    the text of a file is come by. The exceptions beside the policy, and beside those that it is behind, are part of them, but not
    `with_exceptions` False: for a text that is not yet the policy of its place. Paths are relative to `folder`, those in
    diagnostics too.
    O(n log n) in the size of all files.
    """
    complaints = Complaints(report)
    try:
        sources = [_source(one, reading, complaints, folder) for one in (path_or_source, *also)]
        if None in sources:
            return None
        first, *more = cast("list[Source]", sources)
        known = services or catalog()
        with collection_paused():
            # nothing here keeps the trees, so that they are gone before the collector looks again
            given = Given.settings(settings or {}, complaints)
            policy = load_given(first, tuple(more), given, known, reading, with_exceptions, folder)
    except TooManyErrors:
        return None
    return policy if not complaints.errors else None


def load_given(
    first: Source,
    also: tuple[Source, ...],
    given: Given,
    services: Catalog,
    reading: Reading = read,
    with_exceptions: bool = True,
    folder: Path = Path(),
) -> Policy | None:
    """The policy of a text with values given from outside; None, or one with parts left out, where there were errors."""
    complaints = given.complaints
    files = Files(first, complaints, reading, folder)
    if with_exceptions and is_exception(first, folder):
        complain_of_exception(first, files)
        return None
    proposed = [one for one in also if with_exceptions and is_exception(one, folder)]
    exceptions = Exceptions(files, proposed) if with_exceptions else None
    merged = tuple(one for one in also if one not in proposed)
    policy = _Loader(files, services, complaints, exceptions).policy(first, merged, given, ())
    if exceptions is not None and policy is not None:
        exceptions.complain_of_rest()
    return policy


def _source(one: Path | str | Source, reading: Reading, complaints: Complaints, folder: Path) -> Source | None:
    if isinstance(one, Source):
        return one
    try:
        return Source(str(one), reading(folder / one).text)
    except UnreadableSource as error:
        complaints.error("unreadable-file", harmless(str(error)), NOWHERE, "name the file of a policy")
        return None


class _Loader:
    """Resolves the policies of one load: the one that was asked for, and those that it is behind."""

    def __init__(self, files: Files, services: Catalog, complaints: Complaints, exceptions: Exceptions | None) -> None:
        self.exceptions = exceptions
        self.files, self.catalog, self.complaints, self.error = files, services, complaints, complaints.error

    def policy(self, first: Source, also: tuple[Source, ...], given: Given, inside: tuple[Path, ...]) -> Policy | None:
        parts = self.files.policy(first, also)
        if not parts.files:
            return None
        if self.exceptions is not None:
            parts.files += list(self.exceptions.of(parts))
        behind = self._behind(parts, inside)
        atlas, zones = self._zones(parts, given, behind)
        options = self._options(parts, given)
        firewalls = Names[Stated]("firewall")
        lexicon = self._lexicon(parts)
        for part in parts.files:
            firewalls.take(part.stated.table("firewalls"), self.complaints)
        timezone = self._timezone(parts)
        resolver = RuleResolver(atlas, lexicon, options.values, options.broken, timezone, self.complaints)
        rules = resolver.all(parts.rules(self.complaints))
        if parts.is_complete:
            given.complain_of_rest(options.values, zones.defined)
        main = parts.files[0]
        return Policy(
            name=main.stated.text("policy") or mended_name(PurePath(main.path).stem) or "policy",
            path=main.path,
            zones=atlas.zones,
            services=lexicon.services,
            options=options.values,
            firewalls=resolve_firewalls(firewalls, atlas, self.complaints),
            rules=rules,
            behind=behind,
            labels=_labels(main),
            metadata=_metadata(main),
            timezone=timezone,
            paths=tuple(part.path for part in parts.files),
            at=main.stated.at,
        )

    def _behind(self, parts: Parts, inside: tuple[Path, ...]) -> Policy | None:
        named = [(part, word) for part in parts.files if (word := part.stated.word("behind")) is not None]
        if not named:
            return None
        part, word = named[0]
        target = self.files.locate(word, part.document.source)
        for other, another in named[1:]:
            if target is not None and self.files.locate(another, other.document.source) != target:
                notes = [Note("the other one is named here", word.at)]
                self.error("two-behind", "the policy is behind two others", another.at, "keep one of them", notes)
        if target is None:
            return None
        here = (*inside, *(one.real for one in parts.files))
        if target in here:
            message = f"a policy cannot be behind itself: {quoted(word)}"
            self.error("behind-cycle", message, word.at, "name the policy of the authority that is further out")
            return None
        source = self.files.read(word, part.document.source, target)
        return None if source is None else self.policy(source, (), Given((), self.complaints), here)

    def _zones(self, parts: Parts, given: Given, behind: Policy | None) -> tuple[Atlas, Names[ZoneWords]]:
        names = Names[ZoneWords]("zone")
        answers = Names[tuple[Scalar, ...]]("answer")
        for part in parts.files:
            names.take(part.stated.table("zones"), self.complaints)
            if part.stated.is_broken("zones"):
                parts.is_complete = False
        answers.take(given.answers(names), self.complaints)
        for part in parts.files:
            entries = part.stated.table("fill-in")
            answers.take([entry for entry in entries if entry[0].text not in given.used], self.complaints)
        merge_answers(names, answers, parts.is_complete, self.complaints)
        named = resolve_zones(names, parts.is_complete, self.complaints)
        borrowed = self._borrowed(parts, names, behind)
        if borrowed:
            check_nesting(
                [zone for zone in (*named.values(), *borrowed.values()) if zone.addresses], {}, self.complaints
            )
            named |= borrowed
        zones = {**named, **built_in_zones(named.values())}
        is_complete = parts.is_complete and self._is_behind_known(parts, behind)
        return Atlas(zones, names.broken, is_complete), names

    def _is_behind_known(self, parts: Parts, behind: Policy | None) -> bool:
        return behind is not None or not any("behind" in part.stated.keys for part in parts.files)

    def _borrowed(self, parts: Parts, names: Names[ZoneWords], behind: Policy | None) -> dict[str, Zone]:
        """The zones of the policy that this one is behind, as far as they are named here and not defined here."""
        if behind is None:
            return {}
        theirs = {zone.name: zone for zone in behind.named_zones if zone.name not in names.defined}
        speakers = [rule for part in parts.files for rule in part.stated.records("rules")]
        speakers += [one for part in parts.files for _, one in part.stated.table("firewalls") if one is not None]
        words = {word.text for one in speakers for key in WHO for word in one.words(key)}
        return {name: zone for name, zone in theirs.items() if name in words}

    def _options(self, parts: Parts, given: Given) -> _Options:
        names, values = Names[Located[bool]]("option"), Names[Located[bool]]("value of the option")
        for part in parts.files:
            names.take(part.stated.table("options"), self.complaints)
            if part.stated.is_broken("options"):
                parts.is_complete = False
        for part in parts.files:
            values.take(part.stated.table("set"), self.complaints)
        chosen = {name: one.value for name, one in names.defined.items() if one.value is not None}
        for name, one in values.defined.items():
            if name not in names.defined and parts.is_complete:
                way_out = self.complaints.did_you_mean(name, names.defined, "define it under options")
                self.error("unknown-option", f"there is no option {quoted(one.name)}", one.name.at, way_out)
            elif one.value is not None:
                chosen[name] = one.value
        for name in names.defined:
            if (setting := given.option(name)) is not None:
                chosen[name] = setting
        placed = {name: names.defined[name].name.at for name in names.defined}
        options = {name: Option(name, chosen[name].value, placed[name]) for name in names.defined if name in chosen}
        return _Options(options, names.broken)

    def _lexicon(self, parts: Parts) -> Lexicon:
        names = Names[ServiceWords]("service")
        for part in parts.files:
            names.take(part.stated.table("services"), self.complaints)
            if part.stated.is_broken("services"):
                parts.is_complete = False
        return Lexicon(names, self.catalog, parts.is_complete, self.complaints)

    def _timezone(self, parts: Parts) -> str:
        """The zone of all its days and times; UTC after complaining of one that is none."""
        stated = [word for part in parts.files if (word := part.stated.word("timezone")) is not None]
        is_known = True
        for word in stated:
            try:
                ZoneInfo(word.text)
                if word.text in _NOT_A_PLACE:
                    message = f"the time zone {word.text} is another one on each machine"
                    self.error("bad-timezone", message, word.at, "write it as in Europe/London, or UTC")
            except (ZoneInfoNotFoundError, ValueError, OSError):
                way_out = self.complaints.did_you_mean(
                    word.text, available_timezones(), "write it as in Europe/London, or UTC"
                )
                self.error("bad-timezone", f"there is no time zone {quoted(word)}", word.at, way_out)
                is_known = False
        for word in stated[1:]:
            if word.text != stated[0].text:
                notes = [Note("the other one is here", stated[0].at)]
                self.error("two-timezones", "days of two time zones in one policy", word.at, "keep one of them", notes)
        is_first = bool(stated) and stated[0] is parts.files[0].stated.word("timezone")
        if stated and not is_first and stated[0].text != "UTC":
            way_out = f"add timezone: {harmless(stated[0].text, 60)} to {parts.files[0].path}"
            self.error(
                "two-timezones", "days of another time zone than the policy's, which is UTC", stated[0].at, way_out
            )
        return stated[0].text if stated and is_known else "UTC"


class _Options:
    """The options with their values, and the names whose definition was complained about."""

    def __init__(self, values: dict[str, Option], broken: set[str]) -> None:
        self.values, self.broken = values, broken


def _labels(part: Part) -> dict[str, tuple[str, ...]]:
    return {
        key.text: tuple(word.text for word in value)
        for key, value in part.stated.table("labels")
        if value is not None
    }  # fmt: skip


def _metadata(part: Part) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key in PROSE:
        value = part.stated.values.get(key)
        if isinstance(value, Scalar):
            found[key] = (part.stated.prose(key),)
        elif isinstance(value, tuple):
            found[key] = tuple(" ".join(word.text.split()) for word in value)
        elif isinstance(value, Located):
            found[key] = (cast("Located[date]", value).value.isoformat(),)
    return found
