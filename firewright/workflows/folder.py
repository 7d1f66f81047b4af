"""Which files of a folder are policies: those that are laid out like one, however they are spelt; nothing is passed over unsaid."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from firewright import document
from firewright.diagnostic import Report, harmless
from firewright.document import Mapping
from firewright.readers.policy_yaml.exceptions import FOLDER as EXCEPTIONS
from firewright.source import Source, UnreadableSource, read
from firewright.workflows.settings import PROJECT_FILE

SUFFIXES = (".yaml", ".yml")
TEST_SUFFIX = ".test"
LOOK_LIMIT = 200
"""Files and folders below that are looked at to say where policies are."""
_NAMED_LIMIT = 5
_PLAIN = re.compile(r"^(?:rules|\"rules\"|'rules')[ \t]*:(?:\s|$)", re.MULTILINE)
"""What only a policy begins a line with: then nothing needs to be parsed to know."""
_TELLING = ("behind", "fill-in", "firewalls", "policy", "rules", "zones")
"""The keys that tell a policy from the files of other tools, which have services, options and labels too."""
_WORD = re.compile(r"""[\s{?"'-]*([A-Za-z-]+)["']?\s*(?::|$)""")
_CLOSE = 0.8
"""How alike two words are (Ratcliff and Obershelp) of which one is taken for the other misspelt: one letter in five."""


def is_policy(source: Source) -> bool:
    """Whether a text is laid out as a policy: its root has a key that only a policy has, if need be a misspelt one. O(size).

    What is no YAML is one if a line of its outermost level begins with such a key: then its fault is worth to be told.
    """
    if _PLAIN.search(source.text):
        return True
    tree = document.parse(source, Report())
    if tree is None:
        return any(_is_key(word) for word in _outermost_words(source.text))
    return isinstance(tree.root, Mapping) and any(_is_key(key.text) for key, _ in tree.root.entries)


def _is_key(word: str) -> bool:
    return bool(get_close_matches(word.strip().lower()[:40], _TELLING, n=1, cutoff=_CLOSE))


def _outermost_words(text: str) -> Iterator[str]:
    """The words that begin the lines that are indented least; a line ends where YAML says, not where editors do."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "%", "---\n"))]
    least = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    for line in lines:
        if len(line) - len(line.lstrip()) == least and (found := _WORD.match(line)):
            yield found[1]


def files_of(folder: Path, named: str, report: Report) -> Iterator[str]:
    """The files of a folder that may be policies, sorted, by the paths that people know them by: no tests, no settings.

    A link that leads nowhere is one of them, so that it is complained of; those that editors leave are not.
    """
    try:
        found = sorted(path for path in (folder / named).iterdir() if path.suffix in SUFFIXES)
    except OSError as error:
        report.error("unreadable", f"{harmless(named or '.')} cannot be read: {(error.strerror or 'unknown').lower()}")
        return
    for path in found:
        is_other = Path(path.stem).suffix == TEST_SUFFIX or path.name == PROJECT_FILE or path.name.startswith(".#")
        if not is_other and (path.is_file() or (path.is_symlink() and not path.is_dir())):
            yield str(Path(named) / path.name)


def skipped_words(paths: list[str]) -> str:
    """That files were passed over, in one line."""
    more = len(paths) - _NAMED_LIMIT
    names = ", ".join(harmless(path) for path in paths[:_NAMED_LIMIT]) + (f" and {more} more" if more > 0 else "")
    return f"skipped, as {'it has' if len(paths) == 1 else 'they have'} no key of a policy: {names}"


def policies_below(folder: Path) -> list[str]:
    """The folders right below that hold policies, not those of exceptions, sorted, as far as LOOK_LIMIT files show it."""
    found = []
    try:
        entries = islice(folder.iterdir(), LOOK_LIMIT)
        below = sorted(path for path in entries if path.is_dir() and path.name[0] != "." and path.name != EXCEPTIONS)
    except OSError:
        return []
    left = LOOK_LIMIT
    for path in below:
        paths = list(islice(files_of(path, "", Report()), left))
        left -= len(paths)
        if any(_is_readable_policy(path / one) for one in paths):
            found.append(path.name)
    return found


def _is_readable_policy(path: Path) -> bool:
    try:
        return is_policy(read(path))
    except UnreadableSource:
        return False


def real(path: Path) -> Path:
    """The place behind all links, of a loop of links its own name: never an error."""
    return Path(os.path.realpath(path))
