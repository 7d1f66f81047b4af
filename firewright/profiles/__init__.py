"""Policies to start from: a folder each, with `profile.yaml` that says what it is, its policies, and tests that document them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from firewright import document
from firewright.diagnostic import Report, nearest
from firewright.document import Mapping, Scalar, Sequence
from firewright.source import read

FOLDER = Path(__file__).parent
"""Where the profiles lie."""
ABOUT = "profile.yaml"
"""The file of a profile's folder that says what it is."""


class BadProfile(Exception):
    """A profile that comes with the program does not say what it is; its text says which. An installation fault."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A policy to start from. `about` is one sentence; `main` the file to begin with, `files` all of them, itself too."""

    name: str
    title: str
    about: str
    main: Path
    files: tuple[Path, ...]

    @property
    def tests(self) -> tuple[Path, ...]:
        """The files of tests beside its policies."""
        return tuple(sorted(self.main.parent.glob("*.test.yaml")))


@lru_cache(maxsize=1)
def profiles() -> tuple[Profile, ...]:
    """Every profile, in order of names, read once. Raises BadProfile."""
    return tuple(_profile(path.parent) for path in sorted(FOLDER.glob(f"*/{ABOUT}")))


def profile(name: str) -> Profile:
    """The profile of a name. Raises LookupError, with the names there are."""
    for one in profiles():
        if one.name == name:
            return one
    names = [one.name for one in profiles()]
    close = nearest(name, names)
    raise LookupError(f"did you mean {close}?" if close else f"there are {', '.join(names)}")


def _profile(folder: Path) -> Profile:
    tree = document.parse(read(folder / ABOUT), Report())
    if tree is None or not isinstance(tree.root, Mapping):
        raise BadProfile(f"{folder.name}/{ABOUT} cannot be read")
    said = {key.text: value for key, value in tree.root.entries}
    title, about, main, files = (said.get(key) for key in ("title", "about", "main", "files"))
    if not (isinstance(title, Scalar) and isinstance(about, Scalar) and isinstance(main, Scalar)):
        raise BadProfile(f"{folder.name}/{ABOUT} has no title, about or main")
    names = (
        [item.text for item in files.items if isinstance(item, Scalar)] if isinstance(files, Sequence) else [main.text]
    )
    return Profile(folder.name, title.text, about.text, folder / main.text, tuple(folder / name for name in names))
