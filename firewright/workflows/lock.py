"""Lock files: what each catalog name that a policy uses stood for when somebody accepted it, one file beside each policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from firewright import document
from firewright.audits.catalog_lock import expansions
from firewright.diagnostic import Report, harmless
from firewright.document import Scalar
from firewright.model.policy import Policy
from firewright.source import Source, Span
from firewright.workflows.selection import Wanted, select, text_of

SUFFIX = ".lock"
_HEAD = """\
# What the catalog's names stand for in {policy}, as somebody accepted it.
# Written by `firewright lock`; `firewright check` says when the catalog means something else.
"""


@dataclass(frozen=True, slots=True)
class LockFile:
    """The text of one policy's lock file and where it belongs; `changed` are the names that are not as they were."""

    path: Path
    text: str
    names: int
    changed: tuple[str, ...]
    is_there: bool


def lock_path(policy: Policy) -> Path:
    """Where the lock file of a policy lies: beside it, its suffix replaced."""
    return Path(policy.path).with_suffix(SUFFIX)


def lock(wanted: Wanted, report: Report) -> tuple[LockFile, ...] | None:
    """The lock files of the selected policies as they should be now, or None after saying in the report what is wrong."""
    policies = select(wanted, report)
    if policies is None:
        return None
    files = []
    for policy in policies:
        if policy.path == "-":
            report.error("no-place", "what is piped in has no place for a lock file", help="name the policy's file")
            continue
        before = read_lock(policy, wanted.folder, Report())
        was = before or {}
        now = expansions(policy)
        changed = tuple(name for name in sorted({*was, *now}) if was.get(name) != now.get(name))
        files.append(LockFile(lock_path(policy), lock_text(policy, now), len(now), changed, before is not None))
    return None if report.has_errors() else tuple(files)


def lock_text(policy: Policy, names: Mapping[str, str]) -> str:
    """A lock file: a sorted mapping of names to transports; the same names give the same bytes."""
    lines = "".join(f'{name}: "{transports}"\n' for name, transports in sorted(names.items()))
    return _HEAD.format(policy=policy.name) + (lines or "{}\n")


def read_lock(policy: Policy, folder: Path, report: Report) -> dict[str, str] | None:
    """The accepted transports of each name, or None where there is no lock file or a complaint about it is in the report."""
    path = lock_path(policy)
    if policy.path == "-" or not (folder / path).exists():
        return None
    source = text_of(folder, str(path), report)
    return None if source is None else parse_lock(source, report)


def parse_lock(source: Source, report: Report) -> dict[str, str] | None:
    """The names and transports in a lock file, or None after saying in the report what is wrong."""
    tree = document.parse(source, report)
    if tree is None:
        return None
    way_out = "write it anew: firewright lock"
    if tree.root is None or not isinstance(tree.root, document.Mapping):
        at = Span(source.path, 1, 1) if tree.root is None else tree.root.at
        report.error("bad-lock", f"{harmless(source.path)} is no lock file", at, way_out)
        return None
    found = {}
    for key, value in tree.root.entries:
        if not isinstance(value, Scalar):
            report.error("bad-lock", f"{harmless(key.text, 60)} has no transports", value.at, way_out)
            return None
        found[key.text] = value.text
    return found
