"""The steps between the forms of the database, and in which of them one is. Alembic is only imported where steps are made."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select

from firewright.store.errors import StoreError
from firewright.store.tables import METADATA, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"
KNOWN = tuple(sorted(path.stem.removeprefix("r") for path in (MIGRATIONS / "versions").glob("r[0-9]*.py")))
"""Every form of the database that this version knows, oldest first: the names of the steps' files."""
NEWEST = KNOWN[-1]

_VERSIONS = Table(VERSION_TABLE, MetaData(), Column("version_num", Text))


def revision(connection: Connection) -> str:
    """The form that the database is in: empty for a database without tables of this program.

    Raises StoreError where tables with the same names belong to something else.
    """
    names = set(inspect(connection).get_table_names())
    if VERSION_TABLE in names:
        return connection.execute(select(_VERSIONS.c.version_num)).scalar() or ""
    if foreign := sorted(names & set(METADATA.tables)):
        raise StoreError(
            f"the database has tables of another program ({', '.join(foreign)})",
            "use a database of its own for Firewright",
        )
    return ""


def expect_newest(found: str) -> None:
    """Let a database of this version's form pass; StoreError with the way out for an empty, an older and a newer one."""
    if found == NEWEST:
        return
    if not found:
        raise StoreError("the database is empty", "run `firewright serve`, which sets it up")
    if found in KNOWN:
        raise StoreError(
            f"the database is of an older version (form {found}; this version needs {NEWEST})",
            "make a backup (docs/how-to/serve.md: Back up and restore), then run `firewright serve --migrate`",
        )
    raise StoreError(
        f"the database is of a newer version (form {found}; this version knows {NEWEST})",
        "run the newer version of Firewright, or restore the backup that was made before it was installed",
    )


def step(connection: Connection, to: str) -> None:
    """Take the database up or down to a form, inside the connection's transaction; `""` is a database without tables.

    Going down drops what only the newer form can hold.
    """
    from alembic import command
    from alembic.config import Config

    if (found := revision(connection)) and found not in KNOWN:
        expect_newest(found)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if not to:
        command.downgrade(config, "base")
    elif found and KNOWN.index(to) < KNOWN.index(found):
        command.downgrade(config, to)
    else:
        command.upgrade(config, to)
