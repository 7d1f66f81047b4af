"""What pages mention in passing is there: commands and options that are not run, versions, sources of data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import firewright
from firewright.catalog.table import DATA
from tests.docs.blocks import ROOT, blocks, pages
from tools.docs.commands import command_names, options_of

_CALL = re.compile(r"(?:^|(?<!\binet)[`(\s])firewright ([a-z]+)\b([^`\n|;#]*)")
_OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-zA-Z])(?![\w-])")


def mentions() -> Iterator[tuple[str, str, str]]:
    """Each call of the program on a page or in a script: where, the command, and what stands behind it."""
    scripts = [ROOT / "scripts" / "demo", *sorted((ROOT / ".ci").iterdir())]
    for path in (*pages(), ROOT / "CHANGELOG.md", *scripts):
        text = path.read_text(encoding="utf-8")
        code = [block.body for block in blocks(text) if block.word != "python"] + re.findall(r"`([^`\n]+)`", text)
        for piece in code if path.suffix == ".md" else [text]:
            for command, rest in _CALL.findall(piece):
                yield path.relative_to(ROOT).as_posix(), command, rest


CALLS = list(mentions())


def test_commands_that_are_mentioned_exist() -> None:
    """Every `firewright WORD` in code on a page is a command."""
    assert not {(where, command) for where, command, _ in CALLS if command not in command_names()}
    assert len(CALLS) > 60


@pytest.mark.parametrize("name", command_names())
def test_options_that_are_mentioned_exist(name: str) -> None:
    """Every option behind a command on a page is one of that command's."""
    known = {word for option in options_of(name) for word in option.opts}
    used = {(where, word) for where, command, rest in CALLS if command == name for word in _OPTION.findall(rest)}
    assert not {(where, word) for where, word in used if word not in known}


def test_the_version_is_one() -> None:
    """The newest version of the changelog, the package's and the program's are the same."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([0-9.]+)\] - \d{4}-\d{2}-\d{2}$", changes, re.MULTILINE)[0] == firewright.__version__
    assert f'version = "{firewright.__version__}"' in project


def test_every_command_is_in_the_changelog() -> None:
    """Whatever can be called was announced."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert not [name for name in command_names() if f"`firewright {name}`" not in changes]


def test_every_table_of_data_has_its_source_in_the_notice() -> None:
    """NOTICE names each file of the catalog's data, or the folder that holds it."""
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for path in DATA.iterdir():
        assert (f"{path.name}/*" if path.is_dir() else path.name) in notice


def test_every_dependency_is_in_the_notice() -> None:
    """NOTICE names each package that is installed beside Firewright."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8").lower()
    listed = project.partition("\ndependencies = [")[2].partition("]")[0]
    names = re.findall(r'"([A-Za-z0-9.-]+)', listed)
    assert names
    assert not [name for name in names if name not in notice]
