"""What the store says when it cannot: one sentence and one way out, and never a password.

A fault of the database (gone, full, corrupt, refused) becomes a StoreError; a text that no database should hold, an UnfitText.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError, DontWrapMixin
from sqlalchemy.exc import TimeoutError as PoolTimeout

from firewright.diagnostic import harmless


class StoreError(Exception):
    """The database did not do it; nothing of the transaction is kept.

    `message` is one sentence, `help` the way out. Neither holds a password.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UnfitText(DontWrapMixin, ValueError):
    """A text from a person that cannot be kept: it has a NUL, half a character, or is too long.

    `message` is one sentence that does not repeat the text, `help` the way out.
    """

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class DamagedRow(StoreError):
    """A row of the log whose fields cannot be read: somebody changed it behind the program's back."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"row {number} of the log cannot be read: {what}", "run `firewright log verify`")
        self.number = number


_SQLITE: Mapping[str, tuple[str, str]] = {
    "SQLITE_FULL": (
        "the disk that the database lies on is full",
        "free some space; nothing that was acknowledged is lost",
    ),
    "SQLITE_READONLY": (
        "the database cannot be written",
        "let the account that runs this own the database's file and its folder (SQLite writes files beside it)",
    ),
    "SQLITE_CANTOPEN": (
        "the database cannot be opened",
        "name a file in a folder that exists and that the account that runs this may write",
    ),
    "SQLITE_PERM": ("the database may not be opened", "let the account that runs this own the database's file"),
    "SQLITE_NOTADB": ("the file is not an SQLite database", "name another file, or restore this one from a backup"),
    "SQLITE_CORRUPT": (
        "the database is damaged",
        "stop everything that uses it and restore it from a backup (`sqlite3 FILE .recover` saves what can be read)",
    ),
    "SQLITE_BUSY": (
        "another program keeps the database locked",
        "end what holds it open, a backup perhaps, and try again",
    ),
    "SQLITE_LOCKED": ("another program keeps the database locked", "end what holds it open and try again"),
    "SQLITE_IOERR": ("the disk that the database lies on fails", "look into the system's log for the disk's errors"),
    "SQLITE_TOOBIG": ("a value is larger than the database takes", "shorten it"),
}
_POSTGRES: Mapping[str, tuple[str, str]] = {
    "28": ("the database refused the name or password", "correct them in FIREWRIGHT_DATABASE_URL"),
    "3D": ("the database does not exist on its server", "make it: createdb --encoding=UTF8 NAME"),
    "57014": (
        "the database took too long and was stopped",
        "try again; if it stays so, look at what else the server does",
    ),
    "57": ("the database server is going down or starting", "try again in a moment"),
    "55P03": (
        "another transaction holds what this one needs",
        "try again; end sessions that are idle in a transaction",
    ),
    "40": ("two transactions got in each other's way", "try again"),
    "53100": ("the database server's disk is full", "free some space there; nothing that was acknowledged is lost"),
    "53": ("the database server has no room for more", "try again; raise its max_connections or memory"),
    "25006": ("the database can only be read, as a standby can", "name the primary server in FIREWRIGHT_DATABASE_URL"),
    "25": ("the transaction was ended by the server", "try again"),
    "42501": ("the database's account may not do that", "let the account of FIREWRIGHT_DATABASE_URL own the database"),
    "58": ("the database server's disk fails", "look into the server's log"),
    "XX": ("the database is damaged", "stop the server and restore it from a backup"),
}
_SAID: Mapping[str, str] = {
    "password authentication failed": "28",
    "no password supplied": "28",
    "no pg_hba.conf entry": "28",
    'role "': "28",
    'database "': "3D",
    "too many": "53",
    "starting up": "57",
    "shutting down": "57",
}
"""What PostgreSQL says while connecting, where no code comes with it."""


def told(error: DBAPIError | PoolTimeout, where: str, secrets: tuple[str, ...] = ()) -> StoreError:
    """A fault of the database in words: what happened, where, and the way out.

    `where` is the database as it may be shown; `secrets` are cut out of what the driver said.
    """
    if isinstance(error, PoolTimeout):
        return StoreError(f"all connections to the database ({where}) are in use", "try again in a moment")
    said = _clean(str(error.orig), secrets)
    message, way_out = _known(error.orig, said) or (
        "the database did not take it",
        "try again; if it stays so, look into the log of the database",
    )
    return StoreError(f"{message} ({where}): {said}", way_out)


def _known(fault: BaseException | None, said: str) -> tuple[str, str] | None:
    name = getattr(fault, "sqlite_errorname", None)
    if isinstance(name, str):
        return next((words for start, words in _SQLITE.items() if name.startswith(start)), None)
    code = getattr(fault, "sqlstate", None) or ""
    if not code:
        code = next((code for words, code in _SAID.items() if words in said), "")
        if not code and type(fault).__name__ == "OperationalError":
            return (
                "the database server cannot be reached",
                "start it, and check host and port in FIREWRIGHT_DATABASE_URL",
            )
    return next((_POSTGRES[start] for start in (code, code[:2]) if start in _POSTGRES), None)


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    """The first line of what a driver said, fit for a log, without secrets."""
    line = text.strip().partition("\n")[0]
    for secret in secrets:
        line = line.replace(secret, "***") if secret else line
    return harmless(line, 300)
