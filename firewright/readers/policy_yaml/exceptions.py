"""The exceptions of a policy: files in the folder `exceptions` beside it, each with permissions that end.

A file says of which policy it is one, and what is wrong with it is an error of that policy alone: of one that is no YAML the first
line that names a policy says so. What does not say it, or cannot be read at all, is an error of every policy beside the folder: nobody
can tell whose it is. An exception has permissions and nothing else, and each of them has an end, a reason and an owner.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePath

from firewright import document
from firewright.diagnostic import Report, harmless
from firewright.document import Mapping, Scalar
from firewright.readers.policy_yaml.complaint import quoted
from firewright.readers.policy_yaml.files import Files, Part, Parts, real_path
from firewright.readers.policy_yaml.grammar import EXCEPTION
from firewright.readers.policy_yaml.reading import Reader
from firewright.readers.policy_yaml.stated import Stated
from firewright.readers.policy_yaml.values import NAME, mended_name
from firewright.source import NOWHERE, Source, Span, UnreadableSource

FOLDER = "exceptions"
"""The name of the folder."""
EXCEPTION_LIMIT = 1000
"""Files of exceptions beside the policies of one folder."""
LENGTH_LIMIT = 50_000
"""Characters of an exception."""
_ENTRY_LIMIT = 10 * EXCEPTION_LIMIT
_SUFFIXES = (".yaml", ".yml")
_NAMING = re.compile(r"""policy:[ \t]+(?P<quote>["']?)(?P<name>[^\s"'#]+)(?P=quote)[ \t]*(?:[ \t]#.*)?""")
"""A line that names a policy, in a text that is no YAML."""
_EXAMPLES = {
    "until": "add until: its last day or its end, as in until: 2027-03-31 or until: 2027-03-31T18:30",
    "because": "add because: why it is permitted",
    "owner": "add owner: who answers for it",
}


def is_exception(source: Source, folder: Path = Path()) -> bool:
    """Whether a text is an exception by its place, relative to a folder, and its keys, so that it is no policy. O(size)."""
    if source.path == "-" or real_path(source.path, folder).parent.name != FOLDER:
        return False
    tree = document.parse(source, Report())
    if tree is None or tree.root is None:
        return True
    return isinstance(tree.root, Mapping) and all(key.text in EXCEPTION.by_name for key, _ in tree.root.entries)


def complain_of_exception(source: Source, files: Files) -> None:
    """Say of an exception that is taken for a policy what it is, and which file to ask instead."""
    files.complaints.report.know(source)
    claimed = claimed_by(source.text)
    folder = files.real(source.path).parent.parent
    whose = [path.name for path in _beside(folder) if claimed and _name_in(path, files) == claimed]
    above = os.path.normpath(PurePath(source.path).parent / os.pardir)
    way_out = f"ask about {harmless(str(PurePath(above, whose[0])))}, which has it" if whose else "ask about its policy"
    said = f"an exception of the policy {claimed}" if claimed else "an exception"
    files.complaints.error("exception-alone", f"this is {said}, and no policy", Span(source.path, 1, 1), way_out)


class Exceptions:
    """Finds the exceptions of the policies of one load; `given` are texts that go before the files of their place, or beside them."""

    def __init__(self, files: Files, given: Iterable[Source] = ()) -> None:
        self.files, self.complaints, self.error = files, files.complaints, files.complaints.error
        self.given = {files.real(one.path): one for one in given}
        self._taken: set[Path] = set()

    def complain_of_rest(self) -> None:
        """Say of each given text that is no exception of a policy of this load that it is none."""
        for real, one in self.given.items():
            if real not in self._taken:
                message = "this is no exception of the policy that is asked about"
                way_out = f"put it into {FOLDER} beside its policy, and write policy: its name"
                self.error("stray-exception", message, Span(one.path, 1, 1), way_out)

    def of(self, parts: Parts) -> Iterator[Part]:
        """Those that name a file of the policy in its own folder, sorted by their files; what is wrong is said."""
        main = parts.files[0]
        if main.path == "-":
            return
        known = {part.real for part in parts.files}
        names = {_name_of(part) for part in parts.files if part.real.parent == main.real.parent}
        strangers = []
        for source in self._sources(main):
            real = self.files.real(source.path)
            if real in known:
                continue
            claimed = claimed_by(source.text)
            if claimed is None or claimed in names:
                self._taken.add(real)
            if claimed is not None and claimed not in names:
                strangers.append((source, claimed))
            elif len(source.text) > LENGTH_LIMIT:
                message = (
                    f"{harmless(source.path)} is longer than {LENGTH_LIMIT:,} characters, the most of an exception"
                )
                self.error("too-large", message, Span(source.path, 1, 1), "write one exception a file")
            elif claimed is None:
                self._complain_of_nobody(source)
            elif (part := self.part(source, real)) is not None:
                known.add(real)
                yield part
        if strangers:
            self._say_strays(strangers, main)

    def _sources(self, main: Part) -> Iterator[Source]:
        folder = main.real.parent / FOLDER
        shown = os.path.normpath(PurePath(main.path).parent / FOLDER)
        given = {path: one for path, one in self.given.items() if path.parent == folder}
        paths = {Path(os.path.realpath(path)): path for path in self._paths(folder, shown)}
        for real in sorted({*paths, *given}, key=lambda one: one.name if one in given else paths[one].name):
            if real in given:
                yield given[real]
                continue
            name = str(PurePath(shown, paths[real].name))
            if not real.is_relative_to(self.files.root):
                way_out = "a policy is made of files of one repository; copy the file into it"
                self.error("foreign-file", f"{harmless(name)} is a link out of it", main.stated.at, way_out)
                continue
            if paths[real].is_symlink():
                way_out = "write the file itself: what was approved is one file, and not what a link leads to"
                self.error("unreadable-file", f"{harmless(name)} is a link", main.stated.at, way_out)
                continue
            try:
                text = self.files.reading(real).text
            except UnreadableSource as error:
                message = harmless(str(error).replace(str(real), name))
                self.error("unreadable-file", message, NOWHERE, "mend the exception's file, or take it away")
                continue
            yield Source(name, text)

    def _paths(self, folder: Path, shown: str) -> list[Path]:
        """The files of the folder that exceptions are written in, sorted; none after saying why they cannot be told."""
        try:
            if folder.is_symlink():
                message = f"{harmless(shown)} is a link, and what lies behind it is nobody's exception"
                self.error("unreadable-file", message, NOWHERE, "make it a folder, and put the files into it")
                return []
            if not os.path.lexists(folder) or (folder.exists() and not folder.is_dir()):
                return []
            entries = sorted(islice(folder.iterdir(), _ENTRY_LIMIT + 1))
            found = [path for path in entries if path.suffix in _SUFFIXES and not path.name.startswith(".#")]
            nested = [path for path in entries if path.is_dir()]
        except OSError as error:
            message = f"{harmless(shown)} cannot be read: {(error.strerror or 'unknown').lower()}"
            self.error("unreadable-file", message, NOWHERE, "nobody can tell what is permitted there")
            return []
        if len(found) > EXCEPTION_LIMIT or len(entries) > _ENTRY_LIMIT:
            message = f"more than {EXCEPTION_LIMIT:,} exceptions in {harmless(shown)}"
            self.error("too-large", message, NOWHERE, "delete those that have ended")
            return []
        for path in [path for path in found if path.exists() and not path.is_file() and path not in nested]:
            message = f"{harmless(str(PurePath(shown, path.name)))} is no file that could be read"
            self.error("unreadable-file", message, NOWHERE, "take it away")
            found.remove(path)
        for path in nested:
            message = f"{harmless(str(PurePath(shown, path.name)))} is a folder, and is not looked into"
            self.complaints.warning("stray-exception", message, NOWHERE, f"put exceptions right into {harmless(shown)}")
        return [path for path in found if path not in nested]

    def _stated(self, source: Source) -> tuple[document.Document, Stated] | None:
        """What a file says, or None after complaining."""
        tree = document.parse(source, self.complaints.report)
        if tree is None:
            self.complaints.errors += 1
            return None
        if tree.root is None:
            way_out = "write policy: the name of the policy, or delete the file"
            self.error("unfinished-exception", "the exception's file is empty", Span(source.path, 1, 1), way_out)
            return None
        stated = Reader(tree, self.complaints).record(tree.root, EXCEPTION, FOLDER)
        return None if stated is None else (tree, stated)

    def _complain_of_nobody(self, source: Source) -> None:
        before = self.complaints.errors
        found = self._stated(source)
        if found is not None and self.complaints.errors == before:
            way_out = "add policy: the name of the policy that it is an exception of"
            self.error("unfinished-exception", "the exception names no policy", found[1].at, way_out)

    def part(self, source: Source, real: Path) -> Part | None:
        """What one file says, or None after complaining."""
        found = self._stated(source)
        if found is None:
            return None
        tree, stated = found
        if "rules" not in stated.keys and not stated.has_strangers:
            self.error("unfinished-exception", "the exception has no rule", stated.at, "add rules: with a permission")
        for rule in stated.records("rules"):
            rule.takes_addresses = True
            self._finish(rule, stated)
        return Part(tree, stated, real)

    def _finish(self, rule: Stated, stated: Stated) -> None:
        """Give a rule the owner of its file if it has none, and say what is missing then."""
        if "owner" not in rule.keys and "owner" in stated.keys:
            rule.keys["owner"] = stated.keys["owner"]
            rule.values.update({"owner": stated.values["owner"]} if "owner" in stated.values else {})
        for key, way_out in _EXAMPLES.items():
            if key not in rule.keys and not rule.has_strangers:
                self.error("unfinished-exception", f"the exception has no {key}", rule.at, way_out)

    def _say_strays(self, strangers: list[tuple[Source, str]], main: Part) -> None:
        """Warn of exceptions of policies that are not there."""
        known = {_name_in(path, self.files) for path in _beside(main.real.parent)} | {_name_of(main)}
        for source, claimed in strangers:
            if claimed in known:
                continue
            tree = document.parse(source, self.complaints.report)
            entries = tree.root.entries if tree is not None and isinstance(tree.root, Mapping) else ()
            at = next((value.at for key, value in entries if key.text == "policy"), Span(source.path, 1, 1))
            listed = f"the policies are {', '.join(sorted(known)[:5])}"
            way_out = self.complaints.did_you_mean(claimed, known, listed)
            message = f"no policy beside it is called {quoted(claimed)}, so the exception opens nothing"
            self.complaints.warning("stray-exception", message, at, way_out)


def _beside(folder: Path) -> list[Path]:
    """The files of a folder that may be policies, as many as there may be."""
    try:
        entries = sorted(islice(folder.iterdir(), _ENTRY_LIMIT))
    except OSError:
        return []
    return [path for path in entries if path.suffix in _SUFFIXES and path.is_file()][:EXCEPTION_LIMIT]


def _name_in(path: Path, files: Files) -> str:
    """The name of the policy in a file; the file's own where it cannot be read."""
    try:
        text = files.reading(path).text
    except UnreadableSource:
        text = ""
    return claimed_by(text) or mended_name(path.stem) or "policy"


def _name_of(part: Part) -> str:
    """The name of the policy in a file, as `Policy.name` has it."""
    return part.stated.text("policy") or mended_name(PurePath(part.path).stem) or "policy"


def claimed_by(text: str) -> str | None:
    """The name behind `policy` in a text, if there is one that can be a name."""
    return _claimed_in(text) if len(text) > LENGTH_LIMIT else _claimed_before(text)


@lru_cache(maxsize=EXCEPTION_LIMIT)
def _claimed_before(text: str) -> str | None:
    # every policy of a folder asks the same of each exception
    return _claimed_in(text)


def _claimed_in(text: str) -> str | None:
    tree = document.parse(Source("", text), Report())
    if tree is None:
        return _named_in(text)
    if not isinstance(tree.root, Mapping):
        return None
    named = next((value for key, value in tree.root.entries if key.text == "policy"), None)
    return named.text if isinstance(named, Scalar) and NAME.fullmatch(named.text) else None


def _named_in(text: str) -> str | None:
    """The name behind `policy` in a text that is no YAML, if one line alone gives one."""
    found = [match for line in text.splitlines() if (match := _NAMING.fullmatch(line))]
    return found[0]["name"] if len(found) == 1 and NAME.fullmatch(found[0]["name"]) else None
