"""What people read, kept as files: `golden/<case>/command` beside `golden/<case>/expected`, over the bundled profiles.

The first line of a command names the profile in whose copy it runs (`-` is an empty folder), the second is the command.
What else lies in the folder of a case is put beside the profile's files.
FIREWRIGHT_UPDATE=1 rewrites what is expected; a review reads the difference.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.cli.running import TRACEBACK, profile, run

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/command"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_said_is_what_is_kept(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command says exactly what is kept beside it, on both streams, and ends with the kept exit code."""
    name, command = (case / "command").read_text().strip().split("\n")
    folder = tmp_path if name == "-" else profile(name, tmp_path / name)
    for path in case.iterdir():
        if path.name not in ("command", "expected"):
            (folder / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(folder)
    done = run(*shlex.split(command))
    said = f"{done.stdout}--- standard error\n{done.stderr}--- exit code {done.exit_code}\n"
    assert TRACEBACK not in said
    assert "internal error" not in said
    expected = case / "expected"
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        expected.write_text(said)
    assert said == expected.read_text()


def test_there_are_cases_of_every_command_that_answers() -> None:
    """Each of the commands that people read has kept cases, so that none of them changes unseen."""
    commands = {(case / "command").read_text().split("\n")[1].split()[0] for case in CASES}
    assert {"check", "ask", "explain", "compare", "test", "init", "fmt", "lock"} <= commands
