"""The fenced blocks of a page, and what running them says: pages are executed, so that they cannot say what is not true.

A page's blocks run in a folder of their own, in order; `<!-- folder -->` begins with another. Each is empty at first, as a
reader's is: what is in it later, the page's own commands and files put there. By the word behind the fence:

    console         commands behind `$ `, each followed by exactly what it says
    yaml NAME       a file that is written into the folder
    yaml            a policy of its own, that must be right
    python          code that runs and asserts
    machine         the same, each behind `$ sudo `, on a machine of its own that lasts as long as the folder
    text, sh, yml   not run: output shown elsewhere, commands for a network, other programs' files
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.running import run
from tests.docs.machine import said_on_a_machine

ROOT = Path(__file__).parents[2]
WORDS = ("console", "machine", "yaml", "text", "sh", "yml", "json", "python")
"""What may stand behind a fence."""
GENERATED = "<!-- Written by"
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_FOLDER = "<!-- folder -->"
BROKEN = ("internal error", "Traceback (most recent call last)")
"""What a page never shows: a program that broke."""
_HEAD = re.compile(r" \| head -n (\d+)$")
_CHANGING = (
    (r"\bfrom \d{4}-\d\d-\d\d on\b", "from 2026-11-21 on"),
    (r"\b[\d,]+ packets and (?=\d+ scenes)", "8,000 packets and "),
    (r"through Linux [^\s,]+,", "through Linux 6.1,"),
    (r"(?:, [\d,]+ packets sent again)? \([\d,]+ a second\)", " (60,000 a second)"),
)
"""What is another day or another machine, and stands on a page as it was on one."""
_EXIT = '; echo "exit $?"'


@dataclass(frozen=True)
class Block:
    """A fenced block: the word and the file's name behind the fence, its text and where that begins on the page.

    `place` counts the folders of the page.
    """

    word: str
    name: str
    body: str
    start: int
    place: int


def pages() -> list[Path]:
    """Every page that people wrote, from the root of the repository."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if not path.read_text(encoding="utf-8").startswith(GENERATED)]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page, in order."""
    for fence in _FENCE.finditer(text):
        word, _, name = fence["info"].strip().partition(" ")
        yield Block(word, name, fence["body"], fence.start("body"), text.count(_FOLDER, 0, fence.start()))


def prepared(block: Block, below: Path) -> Path:
    """The folder that a block runs in; made with its first block."""
    folder = below / str(block.place)
    folder.mkdir(exist_ok=True)
    return folder


def broken(text: str) -> str:
    """The word of a block that says that the program broke; empty if it did not."""
    return next((word for word in BROKEN if word.lower() in text.lower()), "")


def commands(body: str) -> list[str]:
    """The commands of a console block; a line that ends in a backslash goes on."""
    return [line[2:] for line in body.replace("\\\n", "").split("\n") if line.startswith("$ ")]


def executed(body: str, cwd: Path, enter: Callable[[Path], None]) -> tuple[str, Path]:
    """A console block as it should be: its commands with what they say now, and the folder where they end up.

    `enter` goes into a folder.
    """
    parts = []
    for typed in re.findall(r"^\$ .*(?:(?<=\\)\n.*)*$", body, re.MULTILINE):
        said, cwd = _said(typed[2:].replace("\\\n", ""), cwd)
        enter(cwd)
        parts.append(f"{typed}\n{said}" + ("" if not said or said.endswith("\n") else "\n"))
    if _is_spaced(parts):
        parts[:-1] = [part if part.count("\n") == 1 else f"{part}\n" for part in parts[:-1]]
    return "".join(parts), cwd


def on_a_machine(found: list[Block], folder: Path, state: Path) -> list[str]:
    """The machine blocks of a folder as they should be: their commands, in order, with what they say now on one machine."""
    said = iter(said_on_a_machine([one for block in found for one in commands(block.body)], folder, state))
    return ["\n".join(f"$ {one}\n{next(said)}" for one in commands(block.body)) for block in found]


def _is_spaced(parts: list[str]) -> bool:
    """Whether commands are set apart by empty lines: where more than one of them says something long."""
    return sum(part.count("\n") > 2 for part in parts) > 1


def _said(command: str, cwd: Path) -> tuple[str, Path]:
    """What a command says on both streams, and where one is after it."""
    has_exit = command.endswith(_EXIT)
    command = command.removesuffix(_EXIT)
    head = _HEAD.search(command)
    words = shlex.split(_HEAD.sub("", command), comments=True)
    if words[0] == "cd":
        return "", cwd / words[1]
    if words[0] == "cat":
        return (cwd / words[1]).read_text(encoding="utf-8"), cwd
    assert words[0] == "firewright", f"a page cannot run {words[0]}"
    done = run(*words[1:])
    text = done.output
    for changing, shown in _CHANGING:
        text = re.sub(changing, shown, text)
    if head:
        lines = done.stdout.split("\n")
        text = "\n".join(lines[: int(head[1])]) + "\n" + done.stderr
    return text + (f"exit {done.exit_code}\n" if has_exit else ""), cwd
