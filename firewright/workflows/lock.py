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
from firewright.source import Source, Span, UnreadableSource, read
from firewright.workflows.selection import Wanted, select, text_of

SUFFIX = ".lock"
_BEGIN = "# What the catalog's names stand for in "
_HEAD = """\
# What the catalog's names stand for in {policy}, as somebody accepted it.
# Written by `firewright lock`; `firewright check` says when the catalog means something else.
"""


@dataclass(frozen=True, slots=True)
class LockFile:
    """The text of one policy's lock file and where it belongs; `changed` are the names that are not as they were.

    `is_foreign` is whether something lies there that is no lock file of this program.
    """

    path: Path
    text: str
    names: int
    changed: tuple[str, ...]
    is_there: bool
    is_foreign: bool = False


def lock_path(policy: Policy) -> Path:
    """Where the lock file of a policy lies: beside it, `.lock` behind the whole name of its file."""
    return Path(policy.path + SUFFIX)


def lock(wanted: Wanted, report: Report, replaces: bool = False) -> tuple[LockFile, ...] | None:
    """The lock files of the selected policies as they should be now, or None after saying in the report what is wrong.

    A symbolic link is never a lock file, and what is no lock file of this program is only one to be where it `replaces`.
    """
    policies = select(wanted, report)
    if policies is None:
        return None
    files = []
    for policy in policies:
        if policy.path == "-":
            report.error("no-place", "what is piped in has no place for a lock file", help="name the policy's file")
            continue
        is_foreign = _is_foreign(wanted.folder / lock_path(policy))
        if (is_foreign and not replaces) or (wanted.folder / lock_path(policy)).is_symlink():
            _refuse(lock_path(policy), wanted.folder, report)
            continue
        before = None if is_foreign else read_lock(policy, wanted.folder, Report())
        was = before or {}
        now = expansions(policy)
        changed = tuple(name for name in sorted({*was, *now}) if was.get(name) != now.get(name))
        files.append(
            LockFile(lock_path(policy), lock_text(policy, now), len(now), changed, before is not None, is_foreign)
        )
    return None if report.has_errors() else tuple(files)


def _is_foreign(path: Path) -> bool:
    """Whether something is there that this program did not write as a lock file, or that somebody has broken since."""
    if not path.exists():
        return False
    try:
        source = read(path)
    except UnreadableSource:
        return True
    return not source.text.startswith(_BEGIN) or parse_lock(source, Report()) is None


def _refuse(path: Path, folder: Path, report: Report) -> None:
    if (folder / path).is_symlink():
        report.error(
            "bad-lock", f"{harmless(str(path))} is a symbolic link", help="put a file in its place, or nothing"
        )
    else:
        message = f"{harmless(str(path))} is there and is no lock file of this program"
        report.error("bad-lock", message, help="move it away, or --force, which keeps it as a .bak")


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
