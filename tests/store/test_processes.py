"""Several processes on one database, and what is left when they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import firewright
from firewright.store import log, requests
from firewright.store.chain import verify
from firewright.store.database import Store, open_store
from firewright.store.heads import key_at, sign_head
from tests.store.made import NOW, entry, request
from tests.store.servers import Server
from tests.store.writer import main

ROOT = Path(firewright.__file__).parent.parent


def writer(url: str, name: str, count: int, output: Path) -> subprocess.Popen[bytes]:
    """A process that writes, and notes in a file what it was told is kept."""
    command = [sys.executable, "-m", "tests.store.writer", url, name, str(count)]
    with output.open("ab") as stream:
        return subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.PIPE)


def acknowledged(output: Path) -> list[tuple[int, int, str]]:
    """Numbers of request and row, and the row's digest, of each transaction that was said to be kept; a line cut off is none."""
    lines = output.read_text().split("\n")[:-1] if output.exists() else []
    return [(int(number), int(row), digest) for number, row, digest in (line.split() for line in lines)]


def assert_kept(url: str, folder: Path, outputs: list[Path]) -> int:
    """All that was acknowledged is there, requests and rows alike, and the log is a chain; how many that were."""
    said = [one for output in outputs for one in acknowledged(output)]
    with closing(open_store(url)) as store, store.reading() as c:
        rows = {row.number: row for row in log.stream(c)}
        for number, row, digest in said:
            kept = requests.find(c, number)
            assert kept is not None and kept.version == 2
            assert rows[row].digest == digest and rows[row].entry.about == f"request/{number}"
        key = key_at(folder / "key")
        verdict = verify(log.stream(c), [sign_head(key, log.head(c), NOW)], key.public_key())
        assert verdict.is_intact, verdict.message
        assert len(rows) == sum(requests.counts(c).values())
    return len(said)


def test_several_processes_make_one_chain(ready: str, tmp_path: Path) -> None:
    """Three processes that write at once all get through, and their rows are one chain in one order."""
    outputs = [tmp_path / f"{nth}.txt" for nth in range(3)]
    writers = [writer(ready, f"w{nth}", 25, output) for nth, output in enumerate(outputs)]
    for one in writers:
        _, said = one.communicate(timeout=120)
        assert one.returncode == 0, said.decode()
    assert assert_kept(ready, tmp_path, outputs) == 75
    with closing(open_store(ready)) as store, store.reading() as c:
        assert log.head(c).number == 75


def forked(url: str, name: str, output: Path) -> int:
    """The id of a process that writes until it is killed."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
            main(url, name, 100_000)
        finally:
            os._exit(3)
    return child


def test_nothing_acknowledged_is_lost_when_writers_are_killed(ready: str, tmp_path: Path) -> None:
    """Twenty times writers are killed (SIGKILL) in the middle: all they were told is kept, the chain whole, the next go on."""
    random = Random(7)
    outputs = [tmp_path / f"{nth}.txt" for nth in range(2)]
    counted = 0
    running = [forked(ready, f"w{nth}", output) for nth, output in enumerate(outputs)]
    try:
        for nth in range(20):
            here = nth % 2
            _await_more(outputs[here], len(acknowledged(outputs[here])) + 1)
            time.sleep(random.random() / 50)
            _kill(running[here])
            if nth % 5 == 4:
                before, counted = counted, assert_kept(ready, tmp_path, outputs)
                assert counted > before
            running[here] = forked(ready, f"w{here}", outputs[here])
    finally:
        for process in running:
            _kill(process)
    assert assert_kept(ready, tmp_path, outputs) >= 20
    with closing(open_store(ready)) as store, store.writing() as c:
        last = requests.listed(c, limit=1)[0]
        assert requests.put(c, replace(last, version=3), 2)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def _await_more(output: Path, count: int) -> None:
    """Wait for a writer to have so many transactions acknowledged; give up after a minute."""
    for _ in range(6000):
        if len(acknowledged(output)) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{output.name} has not come to {count} transactions")


def test_nothing_acknowledged_is_lost_when_the_server_falls(server: Server, tmp_path: Path) -> None:
    """PostgreSQL stopped at once in the middle: writers are told, and what was acknowledged is there when it runs again."""
    url = server.database()
    with closing(open_store(url)) as store:
        store.migrate()
        output = tmp_path / "0.txt"
        one = writer(url, "w0", 100_000, output)
        _await_more(output, 5)
        server.halt()
        try:
            _, said = one.communicate(timeout=60)
        finally:
            server.start()
        assert one.returncode == 1
        assert said.decode().startswith("the database server"), said.decode()
        assert "Traceback" not in said.decode()
        assert assert_kept(url, tmp_path, [output]) >= 5
        with store.writing() as c:
            assert requests.add(c, request()).number


def test_a_child_does_not_use_its_parents_connections(store: Store) -> None:
    """A process that forks with an open store writes over connections of its own, and its parent's still serve."""
    with store.writing() as c:
        log.append(c, entry(1))
    child = os.fork()
    if child == 0:
        try:
            with store.writing() as c:
                log.append(c, entry(2))
            with store.reading() as c:
                os._exit(0 if log.head(c).number == 2 else 1)
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with store.writing() as c:
        assert log.append(c, entry(3)).number == 3
