"""The files of a policy: the first one, what it `uses`, and what it is `behind`. Nothing outside the repository is read."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from firewright import document
from firewright.diagnostic import harmless
from firewright.document import Document, Scalar
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.grammar import POLICY
from firewright.readers.policy_yaml.reading import Reader
from firewright.readers.policy_yaml.stated import Stated
from firewright.source import Source, Span, UnreadableSource

FILE_LIMIT = 50
"""Files of one policy, with all that it uses and is behind."""
RULE_LIMIT = 50_000
"""Rules of one policy, with all that it uses."""

Reading = Callable[[Path], Source]
"""How the text of a file is come by; raises UnreadableSource."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a policy as read."""

    document: Document
    stated: Stated
    real: Path

    @property
    def path(self) -> str:
        """The path that people know it by."""
        return self.document.source.path


@dataclass(slots=True)
class Parts:
    """All files of one policy, the first one first; not complete if one of them could not be read."""

    files: list[Part] = field(default_factory=list)
    is_complete: bool = True

    def rules(self, complaints: Complaints) -> list[Stated]:
        """The rules of all files, in file order; none after complaining, where there are more than RULE_LIMIT."""
        found = [rule for part in self.files for rule in part.stated.records("rules")]
        if len(found) <= RULE_LIMIT:
            return found
        message = f"{len(found):,} rules; the most of one policy is {RULE_LIMIT:,}"
        complaints.error("too-large", message, found[RULE_LIMIT].at, "split it into policies of their own")
        return []


class Files:
    """Finds and reads the files of one load; each is read once, and there are at most FILE_LIMIT.

    The paths of sources are relative to `folder`.
    """

    def __init__(self, first: Source, complaints: Complaints, reading: Reading, folder: Path = Path()) -> None:
        self.complaints, self.reading, self.folder = complaints, reading, folder
        self.root = repository_of(self.real(first.path))
        self.count = 0

    def real(self, path: str) -> Path:
        """The real place of a source."""
        return real_path(path, self.folder)

    def policy(self, first: Source, also: tuple[Source, ...] = ()) -> Parts:
        """A file, all that it uses, and further files that are merged in, with all that those use."""
        parts = Parts()
        seen: dict[Path, Scalar | None] = {}
        for source in (first, *also):
            real = self.real(source.path)
            if real not in seen:
                seen[real] = None
                self._add(source, real, parts, seen, ())
        return parts

    def _add(
        self, source: Source, real: Path, parts: Parts, seen: dict[Path, Scalar | None], above: tuple[Path, ...]
    ) -> None:
        part = self._part(source, real)
        if part is None:
            parts.is_complete = False
            return
        parts.files.append(part)
        for name in part.stated.words("uses"):
            target = self.locate(name, source)
            if target is None:
                parts.is_complete = False
            elif target == real or target in above:
                chain = " -> ".join(path.name for path in (*above, real, target))
                self.complaints.error("uses-cycle", f"files use each other in a circle: {harmless(chain)}", name.at,
                                      "take this line out, or move what both need into a third file")  # fmt: skip
            elif target not in seen:
                seen[target] = name
                used = self.read(name, source, target)
                if used is None:
                    parts.is_complete = False
                else:
                    self._add(used, target, parts, seen, (*above, real))
        if part.stated.is_broken("uses"):
            parts.is_complete = False

    def _part(self, source: Source, real: Path) -> Part | None:
        tree = document.parse(source, self.complaints.report)
        if tree is None:
            self.complaints.errors += 1
            return None
        if tree.root is None:
            at, way_out = Span(source.path, 1, 1), "write rules: none if nothing is to be open"
            self.complaints.error("no-rules", "the file is empty", at, way_out)
            return None
        stated = Reader(tree, self.complaints).record(tree.root, POLICY, "policy")
        if stated is not None and "rules" not in stated.keys:
            at, way_out = stated.at, "write rules: none if nothing is to be open"
            self.complaints.error("no-rules", "the policy has no rules", at, way_out)
        return None if stated is None else Part(tree, stated, real)

    def locate(self, name: Scalar, source: Source) -> Path | None:
        """The real place of a file that another one names, or None after saying why it is none."""
        text = name.text
        if "://" in text or text.startswith("git@"):
            message, way_out = (
                f"{quoted(name)} is an address of the network, and nothing is fetched",
                "copy the file here",
            )
        elif text.startswith(("/", "~")) or "\\" in text or re.match(r"[A-Za-z]:", text):
            message, way_out = f"{quoted(name)} is not a relative path", "write it relative to this file, with /"
        else:
            target = Path(os.path.realpath(self.real(source.path).parent / text))
            if target.is_relative_to(self.root):
                return target
            message = (
                f"{quoted(name)} leads out of {'the repository' if (self.root / '.git').exists() else 'the folder'}"
            )
            way_out = "a policy is made of files of one repository; copy the file into it"
        self.complaints.error("foreign-file", message, name.at, way_out)
        return None

    def read(self, name: Scalar, source: Source, target: Path) -> Source | None:
        """The text of a file that another one names, under the path that people would type for it."""
        self.count += 1
        if self.count >= FILE_LIMIT:
            if self.count == FILE_LIMIT:
                message = f"more than {FILE_LIMIT} files"
                self.complaints.error("too-large", message, name.at, "merge some, or split the policy")
            return None
        shown = os.path.normpath(Path("" if source.path == "-" else source.path).parent / name.text)
        try:
            text = self.reading(target).text
        except UnreadableSource as error:
            beside = sorted(target.parent.glob("*.yaml")) if target.parent.is_dir() else []
            known = [path.name for path in beside[:500] if path != self.real(source.path)]
            way_out = self.complaints.did_you_mean(target.name, known, "name a file relative to this one")
            message = harmless(str(error).replace(str(target), shown))
            self.complaints.error("unreadable-file", message, name.at, way_out)
            return None
        return Source(shown, text)


def repository_of(real: Path) -> Path:
    """The nearest folder above that is a repository, else the file's own folder."""
    for folder in real.parents:
        if (folder / ".git").exists():
            return folder
    return real.parent


def real_path(path: str, folder: Path = Path()) -> Path:
    """The real place of a source, of links in a circle their own; standard input lies in the folder."""
    return Path(os.path.realpath(folder / ("stdin.yaml" if path == "-" else path)))
