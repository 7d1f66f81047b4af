"""What goes wrong with a database is said in words with a way out, and never with a password."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

import firewright
from firewright.store import database, log, requests
from firewright.store.database import open_store, sqlite_url
from firewright.store.errors import StoreError
from tests.store.made import entry, request
from tests.store.servers import Server, missing

SECRET = "s3cr3t-Pässwort"
QUOTED = "s3cr3t-P%C3%A4sswort"
ROOT = Path(firewright.__file__).parent.parent


def assert_helpful(error: StoreError, *words: str) -> None:
    """It is one line with these words, and there is a way out."""
    assert "\n" not in error.message and error.help
    for word in words:
        assert word in error.message, error.message


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://owner:{QUOTED}@localhost:port/db",
        f"postgresql://owner:{SECRET}@twice@localhost/db",
        f"mysql://owner:{SECRET}@localhost/db",
        f"{SECRET}",
        f"://{SECRET}",
        f"sqlite:///file?password={SECRET}",
        "sqlite://",
        "sqlite:///:memory:",
        "",
    ],
)
def test_a_url_that_is_none_is_not_repeated(url: str) -> None:
    """A URL that cannot be used is refused with how it is written, and nothing of it is said."""
    with pytest.raises(StoreError) as told:
        open_store(url)
    assert_helpful(told.value)
    for part in (SECRET, QUOTED, "twice"):
        assert part not in f"{told.value.message}{told.value.help}{told.value!r}"
    assert (told.value.__cause__ is None and told.value.__suppress_context__) or told.value.__context__ is None


def test_a_password_is_in_no_repr_and_no_error() -> None:
    """Neither the store's repr, nor what it is called, nor an error of the driver has the password, wherever the URL holds it."""
    for url in (
        f"postgresql://owner:{QUOTED}@127.0.0.1:1/db",
        f"postgres://owner@127.0.0.1:1/db?password={QUOTED}",
        f"postgresql+psycopg://owner:{QUOTED}@127.0.0.1:1/{QUOTED}x?sslpassword={QUOTED}",
    ):
        store = open_store(url)
        with pytest.raises(StoreError) as told, store.reading():
            pass
        assert_helpful(told.value, "cannot be reached")
        said = f"{told.value} {told.value!r} {told.value.help}"
        assert SECRET not in said.replace(f"/{SECRET}x", "") and QUOTED not in said
        assert SECRET not in repr(store).replace(f"/{SECRET}x", "") and told.value.__suppress_context__


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Where nothing listens, on a port or a socket, the way out is to start it."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    for url in ("postgresql://owner@127.0.0.1:1/db", f"postgresql://owner@/db?host={tmp_path}"):
        with pytest.raises(StoreError) as told, open_store(url).reading():
            pass
        assert_helpful(told.value, "cannot be reached")
        assert "start it" in told.value.help


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server that wants a password."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    if why := missing():
        pytest.skip(why)
    server = Server(password=SECRET)
    yield server
    server.stop()


def test_a_wrong_password_and_a_wrong_database_are_told_apart(guarded: Server) -> None:
    """What the server refuses is said as what it is; the right password works."""
    with closing(open_store(guarded.url(password=QUOTED))) as store:
        assert store.revision() == ""
    cases = {
        guarded.url(password="wrong-one"): "refused the name or password",
        guarded.url(password=QUOTED).replace("owner:", "nobody:"): "refused the name or password",
        guarded.url("nowhere", password=QUOTED): "does not exist",
    }
    for url, words in cases.items():
        with pytest.raises(StoreError) as told, open_store(url).reading():
            pass
        assert_helpful(told.value, words)
        assert "wrong-one" not in str(told.value) and SECRET not in str(told.value)


def test_a_database_in_another_coding_is_refused(server: Server) -> None:
    """A database that cannot hold every character is not set up."""
    url = server.database(coding="LATIN1")
    with closing(open_store(url)) as store, pytest.raises(StoreError) as told:
        store.migrate()
    assert_helpful(told.value, "LATIN1")
    assert "UTF8" in told.value.help


def test_a_statement_that_takes_too_long_is_stopped(server: Server) -> None:
    """The server ends a statement over the limit, and the next one goes on."""
    with closing(open_store(server.database())) as store:
        store.migrate()
        with pytest.raises(StoreError) as told, store.writing() as c:
            c.execute(text("SET LOCAL statement_timeout = '50ms'"))
            requests.add(c, request())
            c.execute(text("SELECT pg_sleep(20)"))
        assert_helpful(told.value, "took too long")
        with store.reading() as c:
            assert c.scalar(text("SHOW statement_timeout")) == f"{database.WAIT}s"
            assert c.scalar(text("SHOW synchronous_commit")) == "on"
            assert requests.find(c, 1) is None


def test_a_commit_is_never_left_to_chance(server: Server) -> None:
    """Where the server is set to acknowledge before it has written, our transactions still wait."""
    url = server.database()
    name = url.partition("?")[0].rpartition("/")[2]
    with closing(open_store(url)) as store, store._transaction(is_writing=True) as c:
        c.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    with closing(open_store(url)) as store, store._transaction(is_writing=True) as c:
        assert c.scalar(text("SHOW synchronous_commit")) == "on"


def test_who_waits_too_long_for_their_turn_is_told(ready: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that another program keeps waiting gives up with words; nothing of it is kept."""
    monkeypatch.setattr(database, "WAIT", 1)
    with closing(open_store(ready)) as one, closing(open_store(ready)) as other:
        with one.writing() as held:
            log.append(held, entry())
            with pytest.raises(StoreError) as told, other.writing() as c:
                log.append(c, entry())
            assert_helpful(told.value)
            with other.reading() as c:
                assert log.head(c).number == 0
        with other.writing() as c:
            assert log.head(c).number == 1


# SQLite's files.


def test_a_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    """The file and those that SQLite puts beside it have mode 0600, also where the file was there with another."""
    path = tmp_path / "a ?%#ü.db"
    path.touch(mode=0o666)
    path.chmod(0o666)
    with closing(open_store(sqlite_url(path))) as store:
        store.migrate()
        with store.writing() as c:
            log.append(c, entry())
        modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"a ?%#ü.db", "a ?%#ü.db-wal"} <= set(modes)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A file in no folder, and a folder in place of a file, are refused at once."""
    for path in (tmp_path / "none" / "x.db", tmp_path):
        with pytest.raises(StoreError) as told:
            open_store(sqlite_url(path))
        assert_helpful(told.value, str(path))


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    """A text file is not written to."""
    path = tmp_path / "notes.txt"
    path.write_text("remember the milk\n" * 1000)
    with closing(open_store(sqlite_url(path))) as store, pytest.raises(StoreError) as told:
        store.migrate()
    assert_helpful(told.value, "not an SQLite database")
    assert path.read_text() == "remember the milk\n" * 1000


def test_a_damaged_database_is_said(tmp_path: Path) -> None:
    """Where pages of the file are overwritten, whoever reads them is told to restore a backup."""
    path = tmp_path / "x.db"
    with closing(open_store(sqlite_url(path))) as store:
        store.migrate()
        with store.writing() as c:
            for nth in range(300):
                log.append(c, entry(nth, because="x" * 500))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2 :] = b"\xa5" * (len(damaged) - len(damaged) // 2)
    path.write_bytes(damaged)
    with closing(open_store(sqlite_url(path))) as store:
        with pytest.raises(StoreError) as told, store.reading() as c:
            list(log.stream(c))
        assert_helpful(told.value, "damaged")
        assert "backup" in told.value.help


def test_a_cut_file_is_said(tmp_path: Path) -> None:
    """A file of which the end is missing is damaged, not empty."""
    path = tmp_path / "x.db"
    with closing(open_store(sqlite_url(path))) as store:
        store.migrate()
    os.truncate(path, 5000)
    with closing(open_store(sqlite_url(path))) as store, pytest.raises(StoreError) as told, store.reading() as c:
        log.head(c)
    assert_helpful(told.value, "damaged")


_AS_OTHER = """
import os, sys
from firewright.store.database import open_store
from firewright.store.errors import StoreError
from firewright.store import log
from tests.store.made import entry

def write(url):
    try:
        with open_store(url).writing() as c:
            log.append(c, entry())
    except StoreError as error:
        sys.exit(error.message)

write(sys.argv[1])  # What is imported late may lie where the other account cannot read.
os.setgid(65534)
os.setuid(65534)
write(sys.argv[2])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become an account that may not write there")
def test_a_folder_that_cannot_be_written_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An account that may not write the file, or may not write beside it, is told so in one line."""
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    path = folder / "x.db"
    warm = folder / "warm.db"
    for one in (path, warm):
        with closing(open_store(sqlite_url(one))) as store:
            store.migrate()
    try:
        folder.chmod(0o755)
        for mode, owner in ((0o600, 0), (0o600, 65534)):
            os.chown(path, owner, owner)
            path.chmod(mode)
            command = [sys.executable, "-c", _AS_OTHER, sqlite_url(warm), sqlite_url(path)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60)
            said = done.stderr.decode()
            assert done.returncode == 1 and said.startswith("the database") and said.count("\n") == 1, said
            assert "cannot be" in said
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)


_FULL = """
import sys
from firewright.store.database import open_store
from firewright.store.errors import StoreError
from firewright.store import log
from tests.store.made import entry
store = open_store(sys.argv[1])
store.migrate()
try:
    for nth in range(1000):
        with store.writing() as c:
            log.append(c, entry(nth, because="x" * 50_000))
        sys.stdout.write(f"{nth + 1}\\n")
        sys.stdout.flush()
except StoreError as error:
    sys.stderr.write(f"{error.message}|{error.help}\\n")
with store.reading() as c:
    sys.stdout.write(f"{sum(1 for row in log.stream(c))}\\n")
"""


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    """On a file system of four megabytes writing ends with words, all that was acknowledged is there, and reading goes on."""
    inside = f'mount -t tmpfs -o size=4m none {tmp_path} && exec "$0" -c "$1" "$2"'
    command = ["unshare", "-Urm", "sh", "-c", inside, sys.executable, _FULL, sqlite_url(tmp_path / "x.db")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no file system of one's own can be mounted here")
    assert done.returncode == 0, done.stderr
    message, _, way_out = done.stderr.partition("|")
    assert "is full" in message and "space" in way_out and "Traceback" not in done.stderr
    *_, acknowledged, there = (int(line) for line in done.stdout.split())
    assert acknowledged == there > 5
