"""The policies of the current folder with their exceptions and the rules of approval, read at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path

from firewright.diagnostic import Report
from firewright.model.approval_rules import ApprovalRules
from firewright.model.policy import Policy
from firewright.readers.policy_yaml.approvals import FILE, load_approvals
from firewright.source import Source, UnreadableSource, read
from firewright.workflows.selection import Saying, Wanted, select, silent, sources_of

EXCEPTIONS = "exceptions"
"""The folder beside a policy in which its exceptions lie."""
BROKEN = ApprovalRules(is_required=True, is_broken=True)
"""The rules of a file that cannot be read: nobody may decide."""
_WATCHED = (".yaml", ".yml", ".lock")
_MOST_FILES = 5000


@dataclass(frozen=True, slots=True)
class Estate:
    """What the current folder says: policies by name, and the rules of approval; `report` has what is wrong with the rest.

    `digest` changes with every byte of what was read; `wanted` is how it was read, and knows each policy's day.
    """

    wanted: Wanted
    policies: Mapping[str, Policy]
    rules: ApprovalRules
    digest: str
    report: Report = field(compare=False)
    broken: tuple[str, ...] = ()

    def day_of(self, policy: Policy) -> date:
        """The day, or the instant since which nothing changed, on which a policy is asked."""
        return self.wanted.day_of(policy)

    @property
    def is_whole(self) -> bool:
        """Whether every policy and the rules of approval could be read."""
        return not self.broken and not self.report.has_errors()

    def at(self, now: datetime) -> Estate:
        """The same files, asked at another moment."""
        return replace(self, wanted=replace(self.wanted, now=now))


def read_estate(now: datetime, folder: Path | None = None, saying: Saying = silent) -> Estate:
    """Everything that the current folder says; a policy that is broken is left out, and named in `broken`.

    Paths are as people know them: relative to the current folder, which `folder` names where it is known otherwise.
    """
    report = Report()
    wanted = Wanted(folder or Path(), now)
    rules = _rules(wanted.folder, report)
    found = Report()
    policies = select(wanted, found, saying)
    broken: list[str] = []
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
            broken.append(policy.path)
        else:
            named[policy.name] = policy
    return Estate(wanted, named, rules, _digest(report, named.values(), wanted.folder), report, tuple(broken))


def _one_by_one(wanted: Wanted, report: Report, broken: list[str], saying: Saying) -> Iterator[Policy]:
    """The policies that can be read, each by itself; what is wrong with the others is in the report."""
    for source in sources_of(wanted, Report()):
        found = Report()
        alone = select(replace(wanted, policies=(source.path,)), found, saying)
        _tell(report, found)
        if alone is None:
            broken.append(source.path)
        else:
            yield from alone


def _tell(report: Report, found: Report) -> None:
    report.sources.update(found.sources)
    for said in found.diagnostics:
        report.add(said)


def _rules(folder: Path, report: Report) -> ApprovalRules:
    """What `approvals.yaml` says; the usual rules where there is none, and nobody may decide where it cannot be read."""
    if not (folder / FILE).exists():
        return ApprovalRules()
    try:
        source = Source(FILE, read(folder / FILE).text)
    except UnreadableSource as error:
        report.error("unreadable", str(error))
        return BROKEN
    report.know(source)
    return load_approvals(source, report) or BROKEN


def _digest(report: Report, policies: object, folder: Path) -> str:
    whole = sha256()
    for name in stamped_files(folder):
        try:
            text = read(folder / name).text
        except UnreadableSource as error:
            text = str(error)
        for part in (name, text):
            data = part.encode()
            whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def stamped_files(folder: Path) -> tuple[str, ...]:
    """The files that policies can be made of, below a folder and in its `exceptions`, sorted, by their paths."""
    found = []
    for pattern in ("*", f"{EXCEPTIONS}/*", "*/*", f"*/{EXCEPTIONS}/*"):
        for path in folder.glob(pattern):
            if path.suffix in _WATCHED and not path.name.startswith("."):
                found.append(path.relative_to(folder).as_posix())
                if len(found) > _MOST_FILES:
                    return tuple(sorted(set(found)))
    return tuple(sorted(set(found)))


def stamp(folder: Path, stat: Callable[[Path], tuple[int, int]] | None = None) -> tuple[tuple[str, int, int], ...]:
    """What tells cheaply whether anything was written since: each file with its time and size."""
    look = stat or _stat
    return tuple((name, *look(folder / name)) for name in stamped_files(folder))


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, -1
    return found.st_mtime_ns, found.st_size
