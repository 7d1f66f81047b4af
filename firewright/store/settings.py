"""Small things that the program has to remember, by name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from firewright.store.tables import SETTINGS


def get(c: Connection, name: str, default: str = "") -> str:
    """What is kept under a name."""
    value = c.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == name)).scalar()
    return default if value is None else value


def put(c: Connection, name: str, value: str) -> None:
    """Keep a value under a name, in place of what was there. Raises UnfitText."""
    if c.execute(update(SETTINGS).where(SETTINGS.c.name == name).values(value=value)).rowcount == 0:
        c.execute(insert(SETTINGS).values(name=name, value=value))


def forget(c: Connection, name: str) -> None:
    """Keep nothing under a name."""
    c.execute(delete(SETTINGS).where(SETTINGS.c.name == name))
