"""The policies of the current folder with their exceptions and the rules of approval, read at one moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePath
from secrets import token_hex

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.model.approval_rules import ApprovalRules
from firewright.model.moment import present
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import adding
from firewright.readers.policy_yaml.approvals import FILE, load_approvals
from firewright.readers.policy_yaml.exceptions import claimed_by
from firewright.source import Source, Span, UnreadableSource, read
from firewright.workflows.selection import Saying, Wanted, select, silent, sources_of

EXCEPTIONS = "exceptions"
"""The folder beside a policy in which its exceptions lie."""
BROKEN = ApprovalRules(is_required=True, is_broken=True)
"""The rules of a file that cannot be read: nobody may decide."""
_MISSPELT = "approvals.yml"
_WATCHED = (".yaml", ".yml", ".lock")
_MOST_FILES = 5000
_TRIES = 3
"""So often is read anew what somebody wrote to meanwhile."""


@dataclass(frozen=True, slots=True)
class Estate:
    """What the current folder says: policies by name, and the rules of approval; `report` has what is wrong with the rest.

    `digest` changes with every byte of what was read; `wanted` is how it was read, and knows each policy's day. `prints` are the
    hashes of the files. `broken` are the files of the policies that cannot be read, `why` the first error of each, which may stand in
    another file: one of its exceptions.
    """

    wanted: Wanted
    policies: Mapping[str, Policy]
    rules: ApprovalRules
    digest: str
    report: Report = field(compare=False)
    broken: tuple[str, ...] = ()
    prints: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    why: Mapping[str, Diagnostic] = field(default_factory=dict, compare=False, repr=False)
    _ends: dict[str, frozenset[date]] = field(default_factory=dict, compare=False, repr=False)
    """When rules of each policy end, looked up once: every page asks for the day."""

    def day_of(self, policy: Policy) -> date:
        """The day, or the instant since which nothing changed, on which a policy is asked."""
        if self.wanted.day is not None or self.policies.get(policy.name) is not policy:
            return self.wanted.day_of(policy)
        ends = self._ends.get(policy.name)
        if ends is None:
            ends = frozenset(rule.until for rule in policy.rules if rule.is_on and rule.until is not None)
            self._ends[policy.name] = ends
        return present(self.wanted.now, ends, policy.timezone)

    @property
    def is_whole(self) -> bool:
        """Whether every policy and the rules of approval could be read."""
        return not self.broken and not self.report.has_errors()

    def at(self, now: datetime) -> Estate:
        """The same files, asked at another moment."""
        return replace(self, wanted=replace(self.wanted, now=now))


def read_estate(
    now: datetime, folder: Path | None = None, saying: Saying = silent, known: Estate | None = None
) -> Estate:
    """Everything that the current folder says; a policy that is broken is left out, and named in `broken`.

    Paths are as people know them: relative to the current folder, which `folder` names where it is known otherwise. Where no more
    than exceptions changed since the estate `known` was read, only these are read: the same, a hundred times sooner.
    """
    wanted = Wanted(folder or Path(), now)
    prints = _prints(wanted.folder)
    for _ in range(_TRIES):
        quick = _with_changes(known, wanted, prints) if known is not None else None
        found = quick if quick is not None else _read_all(wanted, prints, saying)
        after = _prints(wanted.folder)
        if after == prints:
            return found
        prints = after
    # somebody writes on and on: what was read is of no state that has a name, and is not taken for one
    return replace(found, digest=_digest({**prints, "": token_hex(16)}))


def _read_all(wanted: Wanted, prints: Mapping[str, str], saying: Saying) -> Estate:
    report = Report()
    rules = _rules(wanted.folder, report)
    found = Report()
    policies = select(wanted, found, saying)
    broken: dict[str, Diagnostic] = {}
    if policies is None:
        policies = tuple(_one_by_one(wanted, report, broken, saying))
    else:
        _tell(report, found)
    named: dict[str, Policy] = {}
    for policy in policies:
        if policy.name in named:
            other = named[policy.name]
            message, way_out = f"two policies are called {policy.name}", f"the other one is {other.path}: rename one"
            report.error("two-policies", message, policy.at, way_out)
            broken[policy.path] = report.diagnostics[-1]
        else:
            named[policy.name] = policy
    return Estate(wanted, named, rules, _digest(prints), report, tuple(broken), prints, broken)


# --- what changed ---------------------------------------------------------------------------------------------------


def _with_changes(known: Estate, wanted: Wanted, prints: Mapping[str, str]) -> Estate | None:
    """The estate with exceptions that were added, changed or taken away, or None where more is to be read."""
    changed = [name for name in {**known.prints, **prints} if known.prints.get(name) != prints.get(name)]
    said = {one.at.path for one in known.report.diagnostics}
    if known.wanted.folder != wanted.folder or not known.prints or not known.is_whole or said & {*changed, ""}:
        return None
    policies, sources = dict(known.policies), dict(known.report.sources)
    for name in sorted(changed, key=lambda name: (name in prints, name)):
        policy = _owner(policies.values(), name, wanted.folder, name in prints)
        after = None
        if policy is not None and name in prints:
            sources[name] = Source(name, _text(wanted.folder / name))
            after = adding.with_exception(policy, sources[name], folder=wanted.folder)
        elif policy is not None:
            sources.pop(name, None)
            after = adding.without_exception(policy, name)
        if policy is None or after is None:
            return None
        policies[policy.name] = after
    report = Report(list(known.report.diagnostics), sources)
    return Estate(wanted, policies, known.rules, _digest(prints), report, (), prints)


def _owner(policies: Iterable[Policy], name: str, folder: Path, is_there: bool) -> Policy | None:
    """The one policy that an exception in a file is or was of; None for other files, and where it may be of several."""
    real = Path(os.path.realpath(folder / name))
    if PurePath(name).parent.name != EXCEPTIONS or real != Path(os.path.realpath(folder), name):
        return None
    every = tuple(policies)
    was = [policy for policy in every if name in policy.paths]
    claimed = claimed_by(_text(folder / name)) if is_there else None
    now = [policy for policy in every if policy.name == claimed]
    mine = (was or now) if is_there else was
    if len(mine) != 1 or (is_there and now != mine):
        return None
    others = [one for policy in every for one in policy.authorities() if one is not mine[0]]
    # of a policy that others are behind, or that shares files with others, only reading all can tell
    is_shared = any(one.name == claimed or name in one.paths or _uses(one) for one in others)
    return None if is_shared or _uses(mine[0]) else mine[0]


def _uses(policy: Policy) -> bool:
    return len(policy.paths) > 1 + len(adding.exceptions_of(policy))


def _prints(folder: Path) -> dict[str, str]:
    """The hash (SHA-256) of each file's text; of what cannot be read, of why."""
    return {name: sha256(_text(folder / name).encode()).hexdigest() for name in stamped_files(folder)}


def _text(path: Path) -> str:
    try:
        # a pipe in the folder would keep whoever reads it waiting for ever
        return read(path).text if path.is_file() else "no file"
    except UnreadableSource as error:
        return f"\0{error}"


def _one_by_one(wanted: Wanted, report: Report, broken: dict[str, Diagnostic], saying: Saying) -> Iterator[Policy]:
    """The policies that can be read, each by itself; what is wrong with the others is in the report, and the first of it in `broken`."""
    for source in sources_of(wanted, Report()):
        found = Report()
        alone = select(replace(wanted, policies=(source.path,)), found, saying)
        _tell(report, found)
        if alone is None:
            said = (one for one in found.sorted() if one.severity is Severity.ERROR)
            broken[source.path] = next(
                said, Diagnostic("unreadable", Severity.ERROR, "it is no policy", Span(source.path, 1, 1))
            )
        else:
            yield from alone


def _tell(report: Report, found: Report) -> None:
    report.sources.update(found.sources)
    for said in found.diagnostics:
        report.add(said)


def _rules(folder: Path, report: Report) -> ApprovalRules:
    """What `approvals.yaml` says; the usual rules where there is none, and nobody may decide where it cannot be read."""
    if os.path.lexists(folder / _MISSPELT):
        report.error("misspelt-approvals", f"{_MISSPELT} is read by nobody", Span(_MISSPELT, 1, 1), f"call it {FILE}")
        return BROKEN
    if not os.path.lexists(folder / FILE):
        return ApprovalRules()
    try:
        source = Source(FILE, read(folder / FILE).text)
    except UnreadableSource as error:
        report.error("unreadable", str(error))
        return BROKEN
    report.know(source)
    return load_approvals(source, report) or BROKEN


def _digest(prints: Mapping[str, str]) -> str:
    whole = sha256()
    for part in (part for pair in sorted(prints.items()) for part in pair):
        data = part.encode()
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def way_to_rules(policy: str) -> str:
    """What to do where the rules of approval that a policy was under are gone."""
    named = harmless(policy, 60)
    return f"put {FILE} back; or an admin says so: firewright exceptions --without-rules {named} --because WHY"


def stamped_files(folder: Path) -> tuple[str, ...]:
    """The files that policies can be made of, below a folder and in its `exceptions`, sorted, by their paths."""
    return tuple(name for name, _ in _entries(folder))


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What tells cheaply whether anything was written since: each file with its time and size. 1 ms for 200 files."""
    return tuple((name, *_stat(entry)) for name, entry in _entries(folder))


def _entries(folder: Path) -> list[tuple[str, os.DirEntry[str]]]:
    """The files in a folder, in the folders in it, and in their `exceptions`, by their paths from it, sorted; not too many."""
    found = list(islice(_below(folder, "", 2), _MOST_FILES + 1))
    return sorted(found, key=lambda pair: pair[0])


def _below(folder: str | Path, prefix: str, levels: int) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError:
        return
    for entry in listed:
        name = f"{prefix}{entry.name}"
        if entry.name.endswith(_WATCHED) and not entry.name.startswith(".#"):
            yield name, entry
        elif (levels > 1 or (levels == 1 and entry.name == EXCEPTIONS)) and entry.is_dir():
            yield from _below(entry.path, f"{name}/", levels - 1)


def _stat(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        found = entry.stat()
    except OSError:
        return 0, -1
    return found.st_mtime_ns, found.st_size
