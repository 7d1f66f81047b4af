"""Which policies a run is about: the files that were named, or those that lie in the folder, less what labels leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from firewright.diagnostic import Diagnostic, Report, harmless, nearest
from firewright.model.moment import exact, present
from firewright.model.policy import Firewall, Policy
from firewright.readers.policy_yaml import load
from firewright.readers.policy_yaml.loading import SETTINGS
from firewright.source import Source, UnreadableSource, read
from firewright.workflows.folder import SUFFIXES, files_of, is_policy, policies_below, real, skipped_words
from firewright.workflows.settings import Labels

FILE_LIMIT = 1000
"""Policies of one run."""

__all__ = [
    "FILE_LIMIT",
    "SUFFIXES",
    "Saying",
    "Wanted",
    "select",
    "select_firewalls",
    "silent",
    "sources_of",
    "text_of",
    "without_used",
]

Saying = Callable[[str], None]
"""Is told what a run is about to do, for whoever watches."""


def silent(step: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is about, in the current `folder`.

    `policies` are files, folders, or texts that were piped in; none is every policy in the folder.

    `options` are answers from outside: an option's yes or no, a zone's addresses.
    `day` is the day that is asked about, or a time of a day without a zone, meant on each policy's own clock; None is now, reckoned
    from `now`: in each policy's own time zone today, or the last end of one of its rules if that has passed today.
    `telling` is told, in a line, what lies in a folder and is passed over.
    """

    folder: Path
    now: datetime
    policies: tuple[str | Source, ...] = ()
    labels: Labels = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    day: date | None = None
    telling: Saying = silent

    def day_of(self, policy: Policy) -> date:
        """The day on which a policy is asked, or the time of day; what has ended by now has ended then."""
        if self.day is None:
            ends = {rule.until for rule in policy.rules if rule.is_on and rule.until is not None}
            return present(self.now, ends, policy.timezone)
        return exact(self.day, policy.timezone) if isinstance(self.day, datetime) else self.day


def select(wanted: Wanted, report: Report, saying: Saying = silent) -> tuple[Policy, ...] | None:
    """The selected policies in the order of their files, or None after saying in the report what is wrong.

    A file that another selected one uses has no say of its own. Nothing selected is an error that says what there is.
    """
    sources = list(sources_of(wanted, report))
    if report.has_errors():
        return None
    if not sources:
        _nothing(wanted, report)
        return None
    policies = _load_all(sources, wanted, report, saying)
    return None if policies is None else by_labels(without_used(policies), wanted.labels, report)


def select_firewalls(
    wanted: Wanted, report: Report, names: tuple[str, ...], saying: Saying = silent
) -> tuple[tuple[Policy, Firewall], ...] | None:
    """The firewalls of these names in the selected policies, every one if none is named; or None after saying what is wrong."""
    policies = select(wanted, report, saying)
    if policies is None:
        return None
    pairs = [(policy, firewall) for policy in policies for firewall in policy.firewalls.values()]
    known = dict.fromkeys(firewall.name for _, firewall in pairs)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            way_out = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
            report.error("unknown-firewall", f"no selected policy has a firewall {harmless(name, 60)!r}", help=way_out)
    if report.has_errors():
        return None
    return tuple((policy, firewall) for policy, firewall in pairs if not names or firewall.name in names)


def _nothing(wanted: Wanted, report: Report) -> None:
    """Say that there is no policy, and where there are some."""
    shown = "this folder" if not wanted.policies else "there"
    way_out = "name a file, or begin one with `firewright init`"
    for one in wanted.policies or ("",):
        if isinstance(one, str) and (below := policies_below(wanted.folder / one)):
            paths = [str(Path(one) / name) for name in below[:5]]
            way_out = f"there are some in {', '.join(f'{harmless(path)}/' for path in paths)}: name the folder"
    report.error("no-policy", f"no policy in {shown}", help=way_out)


def _load_all(sources: list[Source], wanted: Wanted, report: Report, saying: Saying) -> list[Policy] | None:
    """Every policy of these files, or None; a setting that no policy knows is an error, one that some knows is theirs."""
    policies, strangers = [], []
    for source in sources:
        saying(f"reading {source.path}")
        policy, unknown = _load(source, wanted, report)
        strangers.append(unknown)
        if policy is not None:
            policies.append(policy)
    everywhere = set.intersection(*(set(unknown) for unknown in strangers))
    for name in everywhere:
        report.add(strangers[0][name])
    return None if report.has_errors() or len(policies) < len(sources) else policies


def _load(source: Source, wanted: Wanted, report: Report) -> tuple[Policy | None, dict[str, Diagnostic]]:
    """The policy of a file with the settings that it knows, and what it says of those that it does not."""
    own, options, folder = Report(), wanted.options, wanted.folder
    policy = load(source, own, settings=options, folder=folder)
    unknown = {name: said for said in own.diagnostics for name in options if _is_stranger(said, name, own)}
    if unknown:
        own = Report()
        policy = load(
            source, own, settings={name: text for name, text in options.items() if name not in unknown}, folder=folder
        )
    report.sources.update(own.sources)
    for said in own.diagnostics:
        report.add(said)
    return policy, unknown


def _is_stranger(said: Diagnostic, name: str, report: Report) -> bool:
    """Whether a complaint is that a setting from outside names nothing in a policy."""
    if said.name != "unknown-option" or said.at.path != SETTINGS:
        return False
    return report.sources[SETTINGS].line(said.at.line).partition("=")[0] == name


def sources_of(wanted: Wanted, report: Report) -> Iterator[Source]:
    """The texts of the policies that a run is about, each once."""
    seen: set[Path] = set()
    skipped: list[str] = []
    for one in wanted.policies or ("",):
        if isinstance(one, Source):
            yield one
            continue
        for path in _files(wanted.folder, one, report):
            place = real(wanted.folder / path)
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > FILE_LIMIT:
                report.error("too-many", f"more than {FILE_LIMIT:,} policies", help="name the ones that are meant")
                return
            source = text_of(wanted.folder, path, report)
            if source is not None and (one == path or is_policy(source)):
                yield source
            elif source is not None:
                skipped.append(path)
    if skipped:
        wanted.telling(skipped_words(skipped))


def text_of(folder: Path, path: str, report: Report) -> Source | None:
    """The text of a file of the folder under the path that people know it by, or None after saying what is wrong."""
    try:
        return Source(path, read(folder / path).text)
    except UnreadableSource as error:
        way_out = "" if (folder / path).exists() else _near_files(folder, path)
        report.error("unreadable", harmless(str(error).replace(f"{folder}/", "")), help=way_out)
        return None


def _files(folder: Path, named: str, report: Report) -> Iterator[str]:
    """The file itself, or the files of a folder that may be policies, sorted."""
    if named and not (folder / named).is_dir():
        yield named
    else:
        yield from files_of(folder, named, report)


def _near_files(folder: Path, path: str) -> str:
    parent = (folder / path).parent
    try:
        names = [one.name for one in parent.iterdir()][:FILE_LIMIT]
    except OSError:
        return ""
    near = nearest(Path(path).name, [one for one in names if Path(one).suffix in SUFFIXES and one != Path(path).name])
    return f"did you mean {Path(path).parent / near}?" if near else ""


def without_used(policies: list[Policy]) -> tuple[Policy, ...]:
    """The policies that no other one uses."""
    kept = []
    for policy in policies:
        mine = real(Path(policy.path))
        used = any(
            other is not policy and mine in {real(Path(path)) for path in other.paths} and other.path != policy.path
            for other in policies
        )
        if not used:
            kept.append(policy)
    return tuple(kept)


def by_labels(policies: tuple[Policy, ...], labels: Labels, report: Report) -> tuple[Policy, ...] | None:
    """The policies that have all these labels, with any of a key's values; an error that says what there is if none has."""
    kept = tuple(
        policy
        for policy in policies
        if all(set(values) & set(policy.labels.get(key, ())) for key, values in labels.items())
    )
    if kept or not policies:
        return kept
    wanted = ", ".join(f"{key}={value}" for key, values in labels.items() for value in values)
    there = sorted(
        {f"{key}={value}" for policy in policies for key, values in policy.labels.items() for value in values}
    )
    near = nearest(wanted, there) if len(labels) == 1 else ""
    known = f"the labels are {', '.join(there)}" if there else "the policies have no labels"
    report.error(
        "no-policy", f"no policy has {harmless(wanted, 200)}", help=f"did you mean {near}? {known}" if near else known
    )
    return None
