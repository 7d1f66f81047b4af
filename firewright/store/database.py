"""One database, SQLite or PostgreSQL, opened: a transaction to read in, and one to write in, one writer at a time.

Whoever writes has the database for itself (BEGIN IMMEDIATE in SQLite, an advisory lock in PostgreSQL), so what it read before it
decides is still so when it writes, and the log has one order. What was committed survives a kill and a power cut (`synchronous=FULL`;
`synchronous_commit` is never off).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, RLock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from firewright.store.errors import StoreError, told
from firewright.store.revisions import NEWEST, expect_newest, revision, step

WAIT = 30
"""Seconds that a statement may take, and that a writer waits for its turn."""
_TURN = 0x66775F6C6F67
"""The advisory lock of PostgreSQL that writers take, one after the other."""
_EXTRA = 'pip install "firewright[postgres]"'


class Store:
    """A database that is open: what requests, accounts and the log are kept in. Safe to use from several threads.

    A process that forks may go on with it; `close` gives its connections back. Its `repr` has no password.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self._reader = _sqlite(url, is_reader=True) if self._is_sqlite else _postgres(url)
        self._writer = _sqlite(url, is_reader=False) if self._is_sqlite else self._reader
        self._process = os.getpid()
        self._turn: Any = Lock()
        self._forking = RLock()
        self._is_checked = False

    def __repr__(self) -> str:
        return f"Store({self.shown!r})"

    @property
    def shown(self) -> str:
        """What the database may be called before everybody: no password, no account, no options."""
        if self._is_sqlite:
            return f"SQLite {self._url.database}"
        where = f"{self._url.host or ''}{f':{self._url.port}' if self._url.port else ''}/{self._url.database or ''}"
        return f"PostgreSQL {where}"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees the database as it is at its start and can change nothing.

        Raises StoreError where the database fails or is not of this version's form.
        """
        self._check()
        with self._transaction(is_writing=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that may change things, alone: kept as a whole at the end, or nothing of it after an exception.

        What the caller raises passes; faults of the database become StoreError. Keep it short, everybody else waits.
        """
        self._check()
        with self._transaction(is_writing=True) as connection:
            yield connection

    def revision(self) -> str:
        """The form that the database is in (`revisions.KNOWN`); empty for one without tables."""
        with self._transaction(is_writing=False) as connection:
            return revision(connection)

    def migrate(self, to: str = NEWEST) -> None:
        """Bring the database to a form: all steps in one transaction, or none. Down to `""` drops everything.

        Raises StoreError for a database of a newer version, and for a PostgreSQL database that is not in UTF-8.
        """
        with self._transaction(is_writing=True) as connection:
            if not self._is_sqlite and (coding := connection.scalar(text("SHOW server_encoding"))) != "UTF8":
                raise StoreError(f"the database is in {coding}", "make one in UTF-8: createdb --encoding=UTF8 NAME")
            step(connection, to)
        self._is_checked = False

    def close(self) -> None:
        """Give all connections back."""
        self._reader.dispose()
        self._writer.dispose()

    def _check(self) -> None:
        """Let nobody work with a database of another form: asked once, for it takes a migration to change."""
        if not self._is_checked:
            expect_newest(self.revision())
            self._is_checked = True

    @contextmanager
    def _transaction(self, is_writing: bool) -> Iterator[Connection]:
        self._after_fork()
        try:
            if self._is_sqlite and is_writing:
                with self._my_turn(), self._writer.begin() as connection:
                    yield connection
            elif self._is_sqlite:
                with self._reader.begin() as connection:
                    yield connection
            elif is_writing:
                with self._writer.begin() as connection:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
                    yield connection
            else:
                snapshot = self._reader.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with snapshot.begin() as connection:
                    yield connection
        except (DBAPIError, PoolTimeout) as error:
            raise told(error, self.shown, self._secrets()) from None

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """In one process writers queue here: SQLite's own waiting sleeps and lets others overtake."""
        if not self._turn.acquire(timeout=WAIT):
            raise StoreError(f"another writer keeps the database busy ({self.shown})", "try again in a moment")
        try:
            yield
        finally:
            self._turn.release()

    def _after_fork(self) -> None:
        """Leave the connections to the process that made them: SQLite's locks and PostgreSQL's sockets are not inherited."""
        if self._process == os.getpid():
            return
        with self._forking:
            if self._process != os.getpid():
                self._reader.dispose(close=False)
                self._writer.dispose(close=False)
                self._turn, self._process = Lock(), os.getpid()

    def _secrets(self) -> tuple[str, ...]:
        named = (value for name, value in self._url.query.items() if "pass" in name.lower() and isinstance(value, str))
        return tuple(secret for secret in (self._url.password, *named) if secret)


def open_store(url: str) -> Store:
    """The database with a URL: `sqlite:///FILE` or `postgresql://NAME:PASSWORD@HOST/DATABASE`; nothing is asked of it yet.

    A file of SQLite is made where there is none, for its owner alone (mode 0600). Raises StoreError, which never repeats the URL.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        _private(Path(parsed.database or ""))
    try:
        return Store(parsed)
    except (ImportError, NoSuchModuleError):
        raise StoreError("PostgreSQL needs the driver psycopg", _EXTRA) from None
    except (SQLAlchemyError, TypeError, ValueError):
        raise StoreError(
            "the database's URL has options that it does not know", "leave out what follows the `?`"
        ) from None


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite database in a file, whatever characters its name has."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string(hide_password=False)


def _parsed(url: str) -> URL:
    """A URL in its parts, with our driver; StoreError that tells nothing of it, for a password may be anywhere in it."""
    form = "write sqlite:////FOLDER/FILE or postgresql://NAME:PASSWORD@HOST/DATABASE, the password percent-encoded"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("the database's URL cannot be read", form) from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database == ":memory:" or parsed.query:
            raise StoreError("an SQLite database needs a file, and takes no options", form)
        return parsed.set(drivername="sqlite+pysqlite")
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        if "@" in (parsed.host or ""):
            raise StoreError("the database's URL has more than one @", "percent-encode the password: @ is %40")
        return parsed.set(drivername="postgresql+psycopg")
    raise StoreError("the database is neither SQLite nor PostgreSQL", form)


def _private(path: Path) -> None:
    """Make the file for its owner alone, or make it so; SQLite gives the files beside it the same mode."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"the database's file {path} cannot be made or written: {error.strerror}",
            "name a file in a folder that exists and that the account that runs this may write",
        ) from None


def _sqlite(url: URL, is_reader: bool) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": WAIT, "check_same_thread": False}, max_overflow=40
    )
    pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF", "recursive_triggers=ON"]
    if is_reader:
        pragmas.append("query_only=ON")

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if is_reader else "BEGIN IMMEDIATE")

    return engine


def _postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "firewright"},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        kept = "set_config('synchronous_commit', 'on', false)"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT set_config('statement_timeout', '{WAIT}s', false), set_config('lock_timeout', '{WAIT}s', false),"
                " set_config('idle_in_transaction_session_timeout', '60s', false),"
                f" CASE current_setting('synchronous_commit') WHEN 'off' THEN {kept} WHEN 'local' THEN {kept} END"
            )
        connection.commit()

    return engine
