"""Files of exceptions as the requests say: after any interruption, beside others, with git and without, and what is somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Any

import pytest

from firewright.live import exception_files
from firewright.live.exception_files import NotWritten
from firewright.model.account import Actor, Grant, Role
from firewright.model.request import State
from firewright.store import log
from firewright.workflows.requests import acting, exceptions, gate, lapsing
from firewright.workflows.requests.acting import SYSTEM, Desk
from tests.workflows.requests.world import World, wish


def _settle(world: World) -> exceptions.Settled:
    return exceptions.settle(world.store, world.estate, world.now)


def _approved(world: World, **changed: Any) -> Path:
    number = world.ask(**changed).number
    return Path(world.approve(number).path)


def _git(*words: str) -> str:
    if which("git") is None:
        pytest.skip("git is not installed")
    own = ("-c", "user.name=Someone", "-c", "user.email=someone@example.net")
    return subprocess.run(("git", *own, *words), capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(world: World) -> World:
    """The estate, in a git repository whose hooks refuse everything, with a change that somebody has not committed."""
    _git("init", "--quiet")
    _git("add", ".")
    _git("commit", "--quiet", "-m", "Begin")
    for hook in ("pre-commit", "commit-msg", "prepare-commit-msg"):
        path = Path(".git/hooks", hook)
        path.write_text("#!/bin/sh\ntouch hook-ran\nexit 1\n")
        path.chmod(0o755)
    Path("notes.txt").write_text("somebody's own\n")
    _git("add", "notes.txt")
    return world


def test_files_come_and_go(world: World) -> None:
    """An approved request's file is there, to the byte, readable for all; one that is taken back goes; twice is once."""
    path = _approved(world)
    assert not path.exists()
    assert _settle(world) == exceptions.Settled(written=(str(path),))
    assert path.read_text() == world.find(1).text and path.stat().st_mode & 0o777 == 0o644 & ~_umask()
    assert _settle(world) == exceptions.Settled()
    with world.desk("bob") as desk:
        acting.decline(desk, 1, "the proxy does that")
    assert _settle(world).removed == (str(path),) and not path.exists()
    with world.store.reading() as c:
        rows = [row.entry for row in log.rows(c, about="exceptions")]
    assert [row.details["written"] or row.details["removed"] for row in rows] == [str(path)] * 2


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_is_gone_is_written_again(world: World) -> None:
    """The file of a request in force that somebody removed is back, for the request says that it is open."""
    path = _approved(world)
    _settle(world)
    path.unlink()
    assert _settle(world).written == (str(path),)


@pytest.mark.parametrize("kind", ["changed", "link", "dangling link", "folder"])
def test_what_is_somebody_elses_is_left_and_told_once(world: World, kind: str) -> None:
    """A file that somebody changed, or put there, is neither overwritten, followed nor removed; it is told, and may not be applied."""
    path = _approved(world)
    path.parent.mkdir()
    elsewhere = Path("elsewhere.txt")
    elsewhere.write_text("precious\n")
    if kind == "changed":
        path.write_text(world.find(1).text + "# more\n")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(Path("..") / ("elsewhere.txt" if kind == "link" else "nowhere"))
    for _ in range(3):
        done = _settle(world)
        assert len(done.troubles) == 1 and str(path) in done.troubles[0] and not done.written
    with world.desk("ann") as desk:
        acting.withdraw(desk, 1)
    assert len(_settle(world).troubles) == 1
    assert elsewhere.read_text() == "precious\n" and os.path.lexists(path) and not Path("nowhere").exists()
    with world.store.reading() as c:
        rows = log.rows(c, about="exceptions")
    assert len(rows) == 2 if kind in ("link", "dangling link", "folder") else len(rows) == 1


def test_a_changed_file_may_not_be_applied(world: World) -> None:
    """The gate says which file is not what was approved, and names a file that nobody asked for."""
    path = _approved(world)
    _settle(world)
    estate = world.estate
    with world.store.reading() as c:
        assert gate.unapproved(Desk(c, estate, SYSTEM, world.now), estate.policies.values()) == ()
    path.write_text(path.read_text().replace("tcp/11371", "any"))
    Path("exceptions/own.yaml").write_text(path.read_text().replace("request-1", "own"))
    estate = world.estate
    with world.store.reading() as c:
        found = gate.unapproved(Desk(c, estate, SYSTEM, world.now), estate.policies.values())
    assert {one.at.path for one in found} == {str(path), "exceptions/own.yaml"}
    assert all(one.severity == "error" for one in found)


def test_an_old_text_is_replaced_and_never_left(world: World) -> None:
    """After an edit that was approved before anybody put files in order, the old text gives way to the new one."""
    path = _approved(world)
    _settle(world)
    with world.desk("ann") as desk:
        acting.edit(desk, 1, wish(services=("portal",)))
    world.approve(1)
    assert _settle(world) == exceptions.Settled(written=(str(path),))
    assert "portal" in path.read_text()
    with world.desk("ann") as desk:
        acting.edit(desk, 1, wish(until="2026-11-22"))
    world.now += timedelta(days=2)
    with world.store.writing() as c:
        lapsing.expire_due(Desk(c, world.estate, SYSTEM, world.now))
    assert _settle(world).removed == (str(path),), "the text that is there is not the one that has ended"


def test_what_has_ended_stays_until_it_is_tidied(world: World) -> None:
    """The file of an exception whose end is past opens nothing; it goes when somebody tidies, with a row in the log."""
    path = _approved(world, until="2026-11-22")
    _settle(world)
    operator = Actor("otto")
    assert exceptions.tidy(world.store, world.estate, operator, world.now) == ()
    world.now += timedelta(days=2)
    with world.store.writing() as c:
        lapsing.expire_due(Desk(c, world.estate, SYSTEM, world.now))
    assert _settle(world) == exceptions.Settled() and path.exists()
    assert exceptions.tidy(world.store, world.estate, operator, world.now) == (str(path),)
    assert not path.exists()
    with world.store.reading() as c:
        assert log.rows(c, act="exceptions.tidy")[0].entry.who == "otto"


def test_each_change_is_a_commit_of_its_own(repository: World) -> None:
    """A commit holds the one file, by whoever decided; no hook runs, and nothing that somebody else prepared goes with it."""
    world = repository
    path = _approved(world)
    other = _approved(world, services=("portal",))
    done = _settle(world)
    assert len(done.commits) == 2 and not done.troubles
    assert _git("show", "--name-status", "--format=%an|%s", done.commits[0]).split("\n\n") == [
        "bob|Open tenants -> internet tcp/11371 until 2026-12-24 (request 1)", f"A\t{path}"]  # fmt: skip
    assert world.find(1).digest in _git("show", "-s", "--format=%B", done.commits[0])
    with world.desk("ann") as desk:
        acting.withdraw(desk, 1)
    done = _settle(world)
    assert _git("show", "--name-status", "--format=%an", done.commits[0]).split("\n\n") == ["bob", f"D\t{path}"]
    with world.desk("ann") as desk:
        acting.withdraw(desk, 2)
    assert (_settle(world).removed == (str(other),) and not Path("exceptions").exists()) or not any(
        Path("exceptions").iterdir()
    )
    assert _git("status", "--porcelain") == "A  notes.txt" and not Path("hook-ran").exists()


@pytest.mark.parametrize("step", ["written", "removed", "folder gone"])
def test_what_was_interrupted_before_its_commit_is_committed_by_the_next(repository: World, step: str) -> None:
    """A program that was killed between a file and its commit leaves nothing that the next run does not finish."""
    world = repository
    path = _approved(world)
    if step == "written":
        exception_files.write(path, world.find(1).text)
    else:
        _settle(world)
        with world.desk("ann") as desk:
            acting.withdraw(desk, 1)
        path.unlink()
        if step == "folder gone":
            path.parent.rmdir()
    assert len(_settle(world).commits) == 1
    assert _git("status", "--porcelain") == "A  notes.txt" and _settle(world) == exceptions.Settled()


def test_a_killed_writer_leaves_no_half_file(world: World) -> None:
    """What a writer that was killed left beside the file is no exception, and is swept away by the next one."""
    path = _approved(world)
    path.parent.mkdir()
    left = path.with_name(f".{path.name}.0123456789ab.unfinished")
    left.write_text("policy: ed")
    assert not world.estate.report.has_errors()
    _settle(world)
    assert not left.exists() and path.exists()


def test_git_that_refuses_is_told_and_tried_again(repository: World) -> None:
    """Where git is busy or refuses, the file is there, the trouble is told, and a later run commits it."""
    world = repository
    path = _approved(world)
    lock = Path(".git/index.lock")
    lock.write_text("")
    done = _settle(world)
    assert done.written == (str(path),) and not done.commits and "git" in done.troubles[0]
    lock.unlink()
    assert len(_settle(world).commits) == 1


def test_an_ignored_folder_is_committed_all_the_same(repository: World) -> None:
    """Exceptions are part of the history, whatever an ignore file says of other things."""
    world = repository
    Path(".gitignore").write_text("exceptions/\n*.yaml\n")
    _approved(world)
    assert len(_settle(world).commits) == 1 and _settle(world) == exceptions.Settled()


def test_another_repository_of_the_environment_is_left_alone(
    repository: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called from within somebody's hook, commits go to the folder's own repository."""
    world = repository
    _approved(world)
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    done = _settle(world)
    assert len(done.commits) == 1 and not done.troubles


@pytest.mark.parametrize("account", ["Ann <x@y>", "a\nb", "-m", "--author=x", "é漢", '"', ""])
def test_whoever_decided_cannot_forge_a_commit(repository: World, account: str) -> None:
    """An account's name is one person in a commit, whatever signs it has."""
    path = Path("exceptions/request-1.yaml")
    exception_files.write(path, "policy: edge\n")
    assert exception_files.commit(path, "-m\nOpen", account)
    author = _git("show", "-s", "--format=%an <%ae>")
    assert author.count("<") == author.count(">") == 1 and author.endswith("@firewright.invalid>")


def test_odd_names_are_names(repository: World) -> None:
    """A path with signs that git gives a meaning to is this path and no other."""
    folder = Path("sites: [a]*", "exceptions")
    for name in ("request-1.yaml", "request-11.yaml"):
        exception_files.write(folder / name, "policy: edge\n")
    assert exception_files.uncommitted(folder) == {"request-1.yaml", "request-11.yaml"}
    commit = exception_files.commit(folder / "request-1.yaml", "Open", "bob")
    assert _git("show", "--name-only", "--format=", "-z", commit).rstrip("\0") == str(folder / "request-1.yaml")
    assert exception_files.uncommitted(folder) == {"request-11.yaml"}


def test_without_a_repository_nothing_is_committed(world: World) -> None:
    """Where there is no repository files are written all the same; what git refuses is told, not passed over."""
    path = _approved(world)
    assert (
        exception_files.uncommitted(Path()) == frozenset() and exception_files.commit(Path("edge.yaml"), "m", "a") == ""
    )
    assert _settle(world).written == (str(path),)
    Path(".git").mkdir()
    Path(".git/HEAD").write_text("nonsense\n")
    assert exception_files.uncommitted(Path()) == frozenset()


def test_a_repository_of_another_account_is_told(world: World) -> None:
    """git that does not trust the folder's owner is a trouble: approved files would never be committed, and nobody would know."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    _git("init", "--quiet")
    for path in (Path(), Path(".git")):
        os.chown(path, 65534, 65534)
    path = _approved(world)
    done = _settle(world)
    assert done.written == (str(path),)
    assert any("dubious ownership" in one or "safe.directory" in one or "git" in one for one in done.troubles)


def test_a_folder_that_is_gone_is_told(world: World) -> None:
    """Where files cannot be written that is told, and what was decided stands."""
    _approved(world)
    Path("exceptions").write_text("no folder\n")
    assert "cannot be" in _settle(world).troubles[0]
    assert world.find(1).state is State.APPROVED
    with pytest.raises(NotWritten), exception_files.alone(Path("gone")):
        pass


def _in_threads(work: Callable[[], object], count: int = 6) -> None:
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [Thread(target=run) for _ in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not faults


def test_threads_settle_at_once(repository: World) -> None:
    """However many put files in order at the same time, each file is written and committed once, and nothing is in trouble."""
    world = repository
    for number in range(4):
        _approved(world, services=(f"tcp/{12000 + number}",))
    estate, found = world.estate, []
    _in_threads(lambda: found.append(exceptions.settle(world.store, estate, world.now)))
    assert not [one.troubles for one in found if one.troubles]
    assert sorted(path for one in found for path in one.written) == [
        f"exceptions/request-{n}.yaml" for n in range(1, 5)
    ]
    assert sum(len(one.commits) for one in found) == 4 and len(list(Path("exceptions").iterdir())) == 4


_OTHER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from firewright.store.database import open_store
from firewright.workflows.requests.estate import read_estate
from firewright.workflows.requests.exceptions import settle
now = datetime.fromisoformat(sys.argv[2])
store = open_store(sys.argv[1])
print("ready", flush=True)
for _ in sys.stdin:
    done = settle(store, read_estate(now, Path()), now)
    print(len(done.written), len(done.removed), len(done.commits), *done.troubles, flush=True)
"""


def test_processes_settle_at_once(repository: World, tmp_path: Path) -> None:
    """Two processes that put files in order while requests come and go agree with the requests when both are done."""
    world = repository
    words = (sys.executable, "-c", _OTHER, f"sqlite:///{tmp_path / 'store.db'}", world.now.isoformat())
    started = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                         env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}) for _ in range(2)
    ]  # fmt: skip
    try:
        for one in started:
            assert one.stdout is not None and one.stdout.readline() == "ready\n"
        said: list[str] = []
        for turn in range(3):
            number = world.ask(services=(f"tcp/{12000 + turn}",)).number
            world.approve(number)
            said += _both(started)
            if turn != 1:
                with world.desk("ann") as desk:
                    acting.withdraw(desk, number)
                said += _both(started)
    finally:
        for one in started:
            one.kill()
            one.wait()
    assert sorted(path.name for path in Path("exceptions").iterdir()) == ["request-2.yaml"]
    counts = [sum(int(line.split()[place]) for line in said) for place in range(3)]
    assert counts == [3, 2, 5] and all(len(line.split()) == 3 for line in said), said


def _both(started: list[subprocess.Popen[str]]) -> list[str]:
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    return [one.stdout.readline() for one in started if one.stdout is not None]


@pytest.mark.parametrize("is_there", [False, True])
def test_nothing_is_read_or_written_behind_a_link(world: World, tmp_path: Path, is_there: bool) -> None:
    """Where `exceptions` is a link nothing is written, removed or swept behind it, that is said, and no policy is read with it."""
    number = world.ask().number
    other = tmp_path / "other"
    other.mkdir()
    strange = other / ".request-9.yaml.abc.unfinished"
    strange.write_text("x")
    world.approve(number)
    if is_there:
        (other / "request-1.yaml").write_text(world.find(number).text)
        with world.desk("ann") as desk:
            acting.withdraw(desk, number)
    Path("exceptions").symlink_to(other, target_is_directory=True)
    kept = sorted(path.name for path in other.iterdir())
    done = _settle(world)
    assert not done.written and not done.removed and "is a link" in done.troubles[0], done
    assert sorted(path.name for path in other.iterdir()) == kept
    estate = world.estate
    assert "edge.yaml" in estate.broken
    assert any("is a link" in one.message for one in estate.report.diagnostics)


def test_an_exception_is_no_link_to_one(world: World) -> None:
    """A link in the folder is refused when policies are read, wherever it leads inside the repository."""
    world.approve(world.ask().number)
    _settle(world)
    path = Path("exceptions/request-1.yaml")
    path.rename("kept.txt")
    path.symlink_to("../kept.txt")
    estate = world.estate
    assert "edge.yaml" in estate.broken and any("is a link" in one.message for one in estate.report.diagnostics)


def _killed(act: Callable[[], object]) -> None:
    """Do something in a process that dies where `os._exit` is called, and not later."""
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9, "it came further than meant"


def _die(*given: object) -> None:
    os._exit(9)


def test_whoever_is_killed_amid_settling_leaves_a_trace(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written or removed by a process that was killed before it could tell is in the log after the next run."""
    number = world.ask().number
    world.approve(number)
    path = Path("exceptions/request-1.yaml")
    for act, word in (("written", path.exists), ("removed", lambda: not path.exists())):
        if act == "removed":
            with world.desk("ann") as desk:
                acting.withdraw(desk, number)
        with monkeypatch.context() as patch:
            patch.setattr(exceptions, "_say", _die)
            _killed(lambda: _settle(world))
        assert word(), "it was done, and could not be told"
        _settle(world)
        _settle(world)
        with world.store.reading() as c:
            told = [row.entry.details[act] for row in log.rows(c, act="exceptions.settle")]
        assert [one for one in told if one] == [str(path)], "once, and not more often"


def test_whoever_is_killed_amid_tidying_has_said_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of an exception that has ended goes without a row of the log, which is there first."""
    number = world.ask(until="2026-11-22").number
    world.approve(number)
    _settle(world)
    world.now += timedelta(days=3)
    with world.desk("cas") as desk:
        lapsing.expire_due(desk)
    operator = Actor("otto", (Grant(Role.OPERATOR, "edge"),))
    with monkeypatch.context() as patch:
        patch.setattr(exception_files, "commit", _die)
        _killed(lambda: exceptions.tidy(world.store, world.estate, operator, world.now))
    assert not Path("exceptions/request-1.yaml").exists()
    with world.store.reading() as c:
        (row,) = log.rows(c, act="exceptions.tidy")
    assert row.entry.details == {"removed": "exceptions/request-1.yaml"}
