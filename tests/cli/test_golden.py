"""What people read, kept as files: `golden/<case>/command` beside `golden/<case>/expected`, over the bundled profiles.

The first line of a command names the profile in whose copy it runs (`-` is an empty folder), each further line is a command.
One behind a name and a `$`, as in `anna$ requests --waiting`, is typed by that person of `PEOPLE`, all of whom share a database.
What else lies in the folder of a case is put beside the profile's files. It is always the moment `NOW`.
FIREWRIGHT_UPDATE=1 rewrites what is expected; a review reads the difference.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
import time_machine

from firewright.cli import _desk
from firewright.cli.main import COMMANDS
from firewright.model.account import Grant, Role
from tests.cli.running import TRACEBACK, profile, run

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/command"))
NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
PEOPLE = {
    "tom": (Grant(Role.REQUESTER, "internet-ports-regions-1-2"),),
    "anna": (Grant(Role.APPROVER),),
    "bert": (Grant(Role.APPROVER), Grant(Role.REQUESTER)),
    "otto": (Grant(Role.OPERATOR),),
    "vera": (Grant(Role.VIEWER, "tenant-a-edge/tenant-a"),),
}
_TYPED = re.compile(r"(?:(?P<who>[a-z]+)\$ )?(?P<words>.+)")
ELSEWHERE = {
    "compile": "tests/cli/test_compile.py",
    "schema": "tests/cli/test_start.py",
    "apply": "tests/cli/test_apply.py",
    "confirm": "tests/cli/test_apply.py",
    "rollback": "tests/cli/test_apply.py",
    "plan": "tests/cli/test_apply.py",
    "cuts": "tests/workflows/test_cuts.py",
    "drift": "tests/cli/test_host.py",
    "generations": "tests/cli/test_host.py",
    "metrics": "tests/cli/test_host.py",
    "status": "tests/cli/test_host.py",
    "probe": "tests/cli/test_probe.py",
    "rehearse": "tests/workflows/test_rehearse.py",
    "rollout": "tests/cli/test_rollout.py",
    "completion": "tests/cli/test_commands.py",
    "help": "tests/cli/test_impatient.py",
    "man": "tests/cli/test_commands.py",
}
"""Commands whose words hang on a machine, or are made of all commands, and where they are tested."""


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the database, which is not the one of the policies."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def clock() -> Iterator[None]:
    """A clock that stands."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_said_is_what_is_kept(case: Path, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command says exactly what is kept beside it, on both streams, and ends with the kept exit code."""
    name, *commands = (case / "command").read_text().strip().split("\n")
    folder = tmp_path if name == "-" else profile(name, tmp_path / name)
    copytree(case, folder, ignore=ignore_patterns("command", "expected"), dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    tokens = _tokens(state) if any("$ " in command for command in commands) else {}
    said = "".join(_said(command, state, tokens, is_alone=len(commands) == 1) for command in commands)
    assert TRACEBACK not in said
    assert "internal error" not in said
    expected = case / "expected"
    if os.environ.get("FIREWRIGHT_UPDATE") == "1":
        expected.write_text(said)
    assert said == expected.read_text()


def _said(command: str, state: Path, tokens: Mapping[str, str], *, is_alone: bool) -> str:
    """What a command says, headed by itself where it is one of several; this machine is called `desk`."""
    typed = _TYPED.fullmatch(command)
    assert typed, command
    environment = {_desk.STATE: str(state)}
    if typed["who"]:
        environment[_desk.TOKEN] = tokens[typed["who"]]
    done = run(*shlex.split(typed["words"]), environment=environment)
    head = "" if is_alone else f"{typed['who'] or ''}$ firewright {typed['words']}\n"
    said = f"{head}{done.stdout}--- standard error\n{done.stderr}--- exit code {done.exit_code}\n"
    for real, shown in (
        (str(state), "STATE"),
        (os.uname().nodename, "desk"),
        (f"system:{_desk.user_here()}", "system:user"),
    ):
        said = re.sub(rf"(?<![\w.-]){re.escape(real)}(?![\w.-])", shown, said)
    return re.sub(r"(?m)^  hash: [0-9a-f]{64}$", "  hash: (of this row, where it was typed too)", said)


def _tokens(state: Path) -> dict[str, str]:
    """The people, with a token of each."""
    from firewright.store import accounts, tokens
    from firewright.store.database import open_store, sqlite_url

    store = open_store(sqlite_url(state / "firewright.db"))
    store.migrate()
    found = {}
    with store.writing() as c:
        for name, grants in PEOPLE.items():
            assert accounts.add(c, accounts.Account(name, name.title(), grants=grants))
            found[name] = tokens.make(c, name, "golden", grants, NOW, NOW + timedelta(days=1))[0]
    store.close()
    return found


def _called() -> set[str]:
    """The first word of every command that is kept."""
    lines = [line for case in CASES for line in (case / "command").read_text().strip().split("\n")[1:]]
    return {shlex.split(found["words"])[0] for line in lines if (found := _TYPED.fullmatch(line))}


def test_every_command_has_kept_cases_or_a_test_of_its_own() -> None:
    """Each command that people read has kept cases, so that none changes unseen; the others name the file that tests them."""
    root = GOLDEN.parents[2]
    assert {name for name in COMMANDS.names() if name != "main"} == _called() | set(ELSEWHERE)
    assert not _called() & set(ELSEWHERE)
    for name, path in ELSEWHERE.items():
        assert re.search(rf"\b{name}\b", (root / path).read_text(encoding="utf-8")), (name, path)


def test_everybody_in_the_cases_is_used() -> None:
    """No person of `PEOPLE` stands there for nothing."""
    typed = "\n".join((case / "command").read_text() for case in CASES)
    assert all(f"\n{name}$ " in typed for name in PEOPLE)
