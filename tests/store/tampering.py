"""What somebody with full access to the database does to the log: the triggers are no hindrance to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from firewright.store.database import Store

_SQLITE = ("log_no_update", "log_no_delete", "log_at_end")


class Intruder:
    """Works on the log of a store after taking its triggers away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.writing() as c:
            if c.dialect.name == "postgresql":
                c.execute(text("ALTER TABLE log DISABLE TRIGGER ALL"))
            else:
                for name in _SQLITE:
                    c.execute(text(f"DROP TRIGGER {name}"))

    def run(self, *statements: str, **values: Any) -> None:
        """Do it, and commit."""
        with self._store.writing() as c:
            for statement in statements:
                self._one(c, statement, values)

    def change(self, number: int, **fields: str) -> None:
        """Let a row say something else."""
        assigned = ", ".join(f"{name} = :{name}" for name in fields)
        self.run(f"UPDATE log SET {assigned} WHERE number = :row", row=number, **fields)

    def swap(self, one: int, other: int) -> None:
        """Let two rows have each other's number."""
        move = "UPDATE log SET number = {} WHERE number = {}"
        self.run(move.format(-1, one), move.format(one, other), move.format(other, -1))

    def remove(self, first: int, last: int, *, renumbered: bool = False) -> None:
        """Delete rows, and let those after them close the gap or not."""
        self.run(f"DELETE FROM log WHERE number BETWEEN {first} AND {last}")
        if renumbered:
            with self._store.reading() as c:
                rest = c.execute(text(f"SELECT number FROM log WHERE number > {last} ORDER BY number")).scalars().all()
            for number in rest:
                self.run(f"UPDATE log SET number = {number - (last - first + 1)} WHERE number = {number}")

    @staticmethod
    def _one(c: Connection, statement: str, values: dict[str, Any]) -> None:
        bound = text(statement)
        c.execute(bound, {name: value for name, value in values.items() if f":{name}" in statement})
