"""The forms of the database: up, down, up again; the same as the tables; and who is turned away."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from firewright.store import log, requests
from firewright.store.database import Store
from firewright.store.errors import StoreError
from firewright.store.revisions import KNOWN, NEWEST
from firewright.store.tables import METADATA, VERSION_TABLE
from tests.store.made import entry, request


def _difference(store: Store) -> list[object]:
    """What the database has that the tables do not say, and the other way round."""
    with store.reading() as c:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(c, opts=options), METADATA))


def test_the_steps_lead_up_and_down_and_up_again(empty: Store) -> None:
    """Every step can be taken in both directions, and the whole way back leaves no table and no function behind."""
    for _ in range(2):
        assert empty.revision() == ""
        for revision in KNOWN:
            empty.migrate(revision)
            assert empty.revision() == revision
        assert not _difference(empty)
        with empty.writing() as c:
            requests.add(c, request())
            log.append(c, entry())
        for revision in (*reversed(KNOWN[:-1]), ""):
            empty.migrate(revision)
            assert empty.revision() == revision
        with empty._transaction(is_writing=False) as c:
            assert set(inspect(c).get_table_names()) <= {VERSION_TABLE}
            if c.dialect.name == "postgresql":
                assert c.scalar(text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")) == 0


def test_what_an_older_form_held_stays(empty: Store) -> None:
    """A step up keeps what is there, and the log is still its chain."""
    empty.migrate()
    with empty.writing() as c:
        kept = requests.add(c, request())
        row = log.append(c, entry())
    empty.migrate(KNOWN[0])
    empty.migrate()
    with empty.reading() as c:
        assert requests.find(c, kept.number) == kept
        assert log.rows(c) == (row,)


def test_migrating_twice_changes_nothing(empty: Store) -> None:
    """A database of the newest form is left as it is."""
    empty.migrate()
    empty.migrate()
    assert empty.revision() == NEWEST
    assert not _difference(empty)


def test_the_tables_and_the_steps_are_told_apart(store: Store) -> None:
    """The comparison is no empty one: a column and an index more are seen."""
    with store._transaction(is_writing=True) as c:
        c.execute(text("ALTER TABLE settings ADD COLUMN further INTEGER"))
        c.execute(text("CREATE INDEX stray ON settings (value)"))
    assert len(_difference(store)) == 2


def test_an_empty_database_is_not_worked_with(empty: Store) -> None:
    """Who reads or writes before there are tables is told how to set it up."""
    with pytest.raises(StoreError) as told, empty.reading():
        pass
    assert "is empty" in told.value.message
    with pytest.raises(StoreError), empty.writing():
        pass


def test_an_older_database_is_told_to_migrate(empty: Store) -> None:
    """An older form is not worked with; the way out is a backup and a migration."""
    empty.migrate(KNOWN[0])
    with pytest.raises(StoreError) as told, empty.writing():
        pass
    assert KNOWN[0] in told.value.message and NEWEST in told.value.message
    assert "backup" in told.value.help and "--migrate" in told.value.help
    empty.migrate()
    with empty.writing() as c:
        assert requests.add(c, request()).number == 1


def test_a_newer_database_is_refused_and_left_alone(store: Store) -> None:
    """A form that this version does not know is neither used nor migrated; the way out is the newer version or the backup."""
    with store._transaction(is_writing=True) as c:
        c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    for attempt in (store.reading, store.writing):
        with pytest.raises(StoreError) as told, attempt():
            pass
        assert "newer" in told.value.message and "backup" in told.value.help
    with pytest.raises(StoreError, match="newer"):
        store.migrate()
    assert store.revision() == "9999"


def test_another_programs_tables_are_left_alone(empty: Store) -> None:
    """A database with a table of one of our names and no revision belongs to somebody else."""
    with empty._transaction(is_writing=True) as c:
        c.execute(text("CREATE TABLE accounts (money INTEGER)"))
    with pytest.raises(StoreError, match="another program"):
        empty.migrate()
    with empty._transaction(is_writing=False) as c:
        assert inspect(c).get_table_names() == ["accounts"]


def test_a_step_that_fails_leaves_nothing_behind(empty: Store) -> None:
    """All steps are one transaction: where the second cannot be taken, the first is not there either."""
    with empty._transaction(is_writing=True) as c:
        c.execute(text("CREATE TABLE stray (number INTEGER)"))
        c.execute(text("CREATE INDEX ix_outbox_state_due ON stray (number)"))
    with pytest.raises(StoreError):
        empty.migrate()
    assert empty.revision() == ""
    with empty._transaction(is_writing=False) as c:
        assert set(inspect(c).get_table_names()) <= {"stray", VERSION_TABLE}
