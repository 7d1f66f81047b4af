"""The log takes rows at its end, gives none back, and shows whatever was done to it behind the program's back."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from firewright.store import log
from firewright.store.chain import Tampering, Verdict, verify
from firewright.store.database import Store
from firewright.store.errors import StoreError, UnfitText
from firewright.store.heads import SignedHead, key_at, sign_head
from firewright.store.log import Entry, Head
from tests.store.made import NOW, entry, later
from tests.store.tampering import Intruder


def fill(store: Store, count: int) -> None:
    """So many rows more."""
    with store.writing() as c:
        for _ in range(count):
            nth = log.head(c).number + 1
            log.append(c, entry(nth, at=later(minutes=nth)))


def head_of(store: Store, folder: Path) -> SignedHead:
    """The log's end now, signed."""
    with store.reading() as c:
        return sign_head(key_at(folder / "key"), log.head(c), NOW)


def judged(store: Store, folder: Path, *heads: SignedHead) -> Verdict:
    """What the log is worth beside these heads."""
    with store.reading() as c:
        return verify(log.stream(c), heads, key_at(folder / "key").public_key())


def test_rows_are_a_chain_from_the_start(store: Store) -> None:
    """Each row has the next number and the digest of the one before; the first has that of nothing."""
    with store.writing() as c:
        assert log.head(c) == Head(0, "0" * 64)
    fill(store, 5)
    with store.reading() as c:
        found = log.rows(c)
        assert tuple(log.stream(c)) == found
        assert log.head(c) == Head(5, found[-1].digest)
    assert [row.number for row in found] == [1, 2, 3, 4, 5]
    assert [row.previous for row in found] == ["0" * 64, *(row.digest for row in found[:-1])]
    assert found[2].entry == entry(3, at=later(minutes=3))


def test_a_digest_is_what_the_documentation_says(store: Store) -> None:
    """The digest of a row, made by hand: lengths of eight bytes before each part, details by name."""
    with store.writing() as c:
        row = log.append(c, entry(7))
    parts = ["firewright-log-1", "1", "0" * 64, "ann", "submit", "request/7", "2001:db8::7", "web", "why"]
    parts += ["2026-11-21T18:30:00.000250Z", "a", "ü", "zone", "tenants"]
    whole = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    assert row.digest == sha256(whole).hexdigest()


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entry=st.builds(
        Entry,
        *[WORDS] * 6,
        st.dictionaries(WORDS, WORDS, max_size=4),
        st.datetimes().map(lambda at: at.replace(tzinfo=NOW.tzinfo)),
    )
)
def test_whatever_is_logged_is_found_and_verified(store: Store, tmp_path: Path, entry: Entry) -> None:
    """Any Unicode, any time and any details are read back as they were, and both ways to hash them agree."""
    with store.writing() as c:
        row = log.append(c, entry)
    with store.reading() as c:
        assert log.rows(c, after=row.number - 1) == (row,)
    assert row.entry == entry
    assert judged(store, tmp_path, head_of(store, tmp_path)).is_intact


def test_neighbouring_fields_are_told_apart(store: Store) -> None:
    """What ends one field and begins the next cannot be moved between them: the digests differ."""
    with store.writing() as c:
        rows = []
        for changed in (
            entry(who="a", act="bc"),
            entry(who="ab", act="c"),
            entry(details={"x": "y"}),
            entry(details={"xy": ""}),
        ):
            with c.begin_nested() as place:
                rows.append(log.append(c, changed))
                place.rollback()
    assert len({row.digest for row in rows}) == 4 and {row.number for row in rows} == {1}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET because = 'nothing' WHERE number = 2",
        "UPDATE log SET number = 9 WHERE number = 3",
        "DELETE FROM log",
        "DELETE FROM log WHERE number = 3",
        "INSERT INTO log SELECT 9, who, act, about, origin, way, because, details, at, 'x', digest FROM log WHERE number = 1",
        "INSERT INTO log SELECT 4, who, act, about, origin, way, because, details, at, 'x', digest FROM log WHERE number = 1",
        "INSERT INTO log SELECT 0, who, act, about, origin, way, because, details, at, 'x', digest FROM log WHERE number = 1",
    ],
)
def test_the_database_itself_refuses_changes(store: Store, statement: str) -> None:
    """No statement changes or removes a row, or puts one elsewhere than after the last, whoever sends it."""
    fill(store, 3)
    with store.reading() as c:
        before = log.rows(c)
    with pytest.raises(StoreError, match="append-only"), store.writing() as c:
        c.execute(text(statement))
    with store.reading() as c:
        assert log.rows(c) == before


def test_each_databases_own_ways_are_refused_too(store: Store) -> None:
    """SQLite's INSERT OR REPLACE, which removes rows silently, and PostgreSQL's TRUNCATE and replication role are no way round."""
    fill(store, 3)
    if store.shown.startswith("SQLite"):
        attempts = [
            "INSERT OR REPLACE INTO log SELECT * FROM log WHERE number = 2",
            "UPDATE OR REPLACE log SET number = 1 WHERE number = 2",
        ]
    else:
        attempts = ["TRUNCATE log", "SET LOCAL session_replication_role = replica; DELETE FROM log"]
    for attempt in attempts:
        with pytest.raises(StoreError, match="append-only"), store.writing() as c:
            c.execute(text(attempt))
    with store.reading() as c:
        assert log.head(c).number == 3


def test_filters_find_what_they_say(store: Store) -> None:
    """Rows are found by person, act, subject and text, a page at a time, from either end."""
    with store.writing() as c:
        for nth in range(1, 21):
            who, act = ("ann", "submit") if nth % 2 else ("bob", "approve")
            log.append(c, entry(nth, who=who, act=act, because=f"Since {nth}%", details={"rule": f"R_{nth}"}))
    with store.reading() as c:

        def numbers(**wanted: object) -> list[int]:
            return [row.number for row in log.rows(c, **wanted)]  # type: ignore[arg-type] # Chosen by name.

        assert numbers(who="bob", limit=3) == [2, 4, 6]
        assert numbers(who="bob", after=6, limit=2) == [8, 10]
        assert numbers(newest=True, limit=2) == [20, 19]
        assert numbers(newest=True, after=19, limit=2) == [18, 17]
        assert numbers(about="request/7") == [7]
        assert numbers(act="approve", who="ann") == []
        assert numbers(text="since 3%") == [3]
        assert numbers(text="r_1", newest=True, limit=3) == [19, 18, 17]
        assert numbers(text="_") == list(range(1, 21))
        assert numbers(text="%%") == []


@pytest.mark.parametrize("bad", ["a\0b", "half \udc00", "x" * 100_001])
def test_what_cannot_be_kept_is_refused(store: Store, bad: str) -> None:
    """A NUL, half a character and too long a text are refused in every field, and in the details' names and texts."""
    fields: list[dict[str, Any]] = [{name: bad} for name in ("who", "act", "about", "origin", "way", "because")]
    for changed in [*fields, {"details": {bad: ""}}, {"details": {"": bad}}]:
        with pytest.raises(UnfitText), store.writing() as c:
            log.append(c, entry(**changed))
    with pytest.raises(ValueError, match="time zone"), store.writing() as c:
        log.append(c, entry(at=NOW.replace(tzinfo=None)))
    with store.reading() as c:
        assert log.head(c) == Head()


# Tampering.


def _say(store: Store, *seconds: int) -> None:
    """Rows that were written so many seconds after `NOW`, by what they say."""
    with store.writing() as c:
        for each in seconds:
            log.append(c, entry(log.head(c).number + 1, at=later(seconds=each)))


def test_time_that_goes_back_is_noted(store: Store, tmp_path: Path) -> None:
    """The first row that is older than the one before by more than a minute is named; a minute is not, and it is no failure."""
    _say(store, 0, 100, 40)
    assert judged(store, tmp_path).note == ""
    _say(store, 200, 139, 100, 30)
    verdict = judged(store, tmp_path)
    assert verdict.is_intact and verdict.note.startswith(
        "row 5 says 2026-11-21T18:32:19Z, row 4 before it 2026-11-21T18:33:20Z"
    )


def test_a_row_that_a_head_shows_to_be_dated_back_is_found(store: Store, tmp_path: Path) -> None:
    """A row that the head of an earlier one was signed without cannot be older than that head; within a minute it may seem so."""
    _say(store, 0, 10)
    with store.reading() as c:
        head = sign_head(key_at(tmp_path / "key"), log.head(c), later(seconds=600))
    _say(store, 540, 700)
    assert judged(store, tmp_path, head).is_intact and judged(store, tmp_path, head).note == ""
    _say(store, 539)
    verdict = judged(store, tmp_path, head)
    assert (verdict.kind, verdict.first, verdict.last, verdict.rows) == (Tampering.TIME, 5, 5, 4)
    assert "the head of row 2 was signed before it, at 2026-11-21T18:40:00Z" in verdict.message
    assert judged(store, tmp_path).is_intact and judged(store, tmp_path).note.startswith("row 5 says")


def test_an_untouched_log_is_intact_as_far_as_the_heads_go(store: Store, tmp_path: Path) -> None:
    """Without heads nothing is promised of the end; with one in the middle so far; with the last one for all."""
    assert judged(store, tmp_path).message == "the log is empty, and no head says that it was not"
    empty = head_of(store, tmp_path)
    fill(store, 4)
    middle = head_of(store, tmp_path)
    fill(store, 2)
    last = head_of(store, tmp_path)
    for heads, covered in (((), 0), ((empty,), 0), ((middle,), 4), ((middle, last), 6), ((last, empty, middle), 6)):
        verdict = judged(store, tmp_path, *heads)
        assert verdict.is_intact, verdict
        assert (verdict.rows, verdict.covered) == (6, covered)
    assert "no signed head" in judged(store, tmp_path).message
    assert "to row 4" in judged(store, tmp_path, middle).message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("who", "eve"),
        ("act", "approve"),
        ("about", "request/99"),
        ("origin", ""),
        ("way", "cli"),
        ("because", "why "),
        ("details", '{"a":"ü","zone":"internet"}'),
        ("details", "{}"),
        ("details", "[1]"),
        ("details", "no json"),
        ("at", "2026-11-21T18:30:00.000000Z"),
        ("at", "yesterday"),
        ("digest", "f" * 64),
        ("previous", "f" * 64),
    ],
)
def test_a_changed_field_is_found(store: Store, tmp_path: Path, field: str, value: str) -> None:
    """Whatever field of a row is changed, the row is named, also where it can no longer be read."""
    fill(store, 9)
    Intruder(store).change(5, **{field: value})
    verdict = judged(store, tmp_path)
    assert (verdict.kind, verdict.first, verdict.last) == (Tampering.EDIT, 5, 5), verdict


def test_a_row_with_a_new_hash_is_found(store: Store, tmp_path: Path) -> None:
    """A row that was made anew with its hash is named by the row behind it, which was written after another."""
    fill(store, 9)
    intruder = Intruder(store)
    _forge(store, intruder, 5, only=True)
    verdict = judged(store, tmp_path)
    assert (verdict.kind, verdict.first) == (Tampering.EDIT, 5), verdict


@pytest.mark.parametrize(
    ("first", "last", "renumbered"), [(1, 1, False), (4, 4, False), (4, 6, False), (4, 4, True), (1, 2, True)]
)
def test_a_removed_row_is_found(store: Store, tmp_path: Path, first: int, last: int, renumbered: bool) -> None:
    """Rows that are missing are named, also where those after them were numbered anew."""
    fill(store, 9)
    Intruder(store).remove(first, last, renumbered=renumbered)
    verdict = judged(store, tmp_path)
    assert (verdict.kind, verdict.first, verdict.last) == (Tampering.DELETE, first, last), verdict


@pytest.mark.parametrize(("one", "other"), [(4, 5), (1, 9), (2, 7)])
def test_rows_in_another_order_are_found(store: Store, tmp_path: Path, one: int, other: int) -> None:
    """Two rows that changed places are named."""
    fill(store, 9)
    Intruder(store).swap(one, other)
    verdict = judged(store, tmp_path)
    assert (verdict.kind, verdict.first, verdict.last) == (Tampering.REORDER, one, other), verdict


def test_a_cut_tail_is_found_against_a_head(store: Store, tmp_path: Path) -> None:
    """Rows cut off the end are named from the head that was signed of them; a head before them sees nothing, and says so."""
    fill(store, 6)
    early = head_of(store, tmp_path)
    fill(store, 3)
    late = head_of(store, tmp_path)
    Intruder(store).remove(8, 9)
    verdict = judged(store, tmp_path, early, late)
    assert (verdict.kind, verdict.first, verdict.last) == (Tampering.CUT, 8, 9), verdict
    unseen = judged(store, tmp_path, early)
    assert unseen.is_intact and unseen.covered == 6 and "to row 6" in unseen.message
    Intruder.run(_bare(store), "DELETE FROM log")
    assert judged(store, tmp_path, early).first == 1


def test_a_fork_is_found_against_a_head(store: Store, tmp_path: Path) -> None:
    """Rows made anew from one on, with all their hashes, are one chain; the head behind shows it, between it and the one before."""
    heads = []
    for _ in range(3):
        fill(store, 3)
        heads.append(head_of(store, tmp_path))
    _forge(store, Intruder(store), 5)
    assert judged(store, tmp_path).is_intact
    assert judged(store, tmp_path, heads[0]).is_intact
    verdict = judged(store, tmp_path, *heads)
    assert (verdict.kind, verdict.first, verdict.last) == (Tampering.FORK, 4, 6), verdict
    assert judged(store, tmp_path, heads[2]).last == 9


def test_a_tail_that_grew_again_is_found(store: Store, tmp_path: Path) -> None:
    """A tail cut off and written once more, through the program itself, is a fork."""
    fill(store, 9)
    head = head_of(store, tmp_path)
    Intruder(store).remove(8, 9)
    with store.writing() as c:
        for _ in range(4):
            log.append(c, entry(because="something else"))
    verdict = judged(store, tmp_path, head)
    assert (verdict.kind, verdict.last) == (Tampering.FORK, 9), verdict


def test_a_forged_head_is_found(store: Store, tmp_path: Path) -> None:
    """A head that another key signed, or that was changed after it was signed, does not count and is named."""
    fill(store, 4)
    head = head_of(store, tmp_path)
    fill(store, 4)
    other = sign_head(key_at(tmp_path / "other"), Head(4, head.digest), NOW)
    wrong = [
        other,
        replace(head, number=3),
        replace(head, digest="0" * 64),
        replace(head, at=head.at[:-2] + "1Z"),
        replace(head, signature="zz"),
    ]
    for forged in wrong:
        verdict = judged(store, tmp_path, forged)
        assert (verdict.kind, verdict.first) == (Tampering.HEAD, forged.number), verdict
        assert verdict.covered == 0
    assert judged(store, tmp_path, head, other).covered == 4


def test_two_heads_of_one_row_that_differ_are_a_fork(store: Store, tmp_path: Path) -> None:
    """Where the key signed two ends of the same number, the log was forked, whichever of them it has now."""
    fill(store, 4)
    head = head_of(store, tmp_path)
    twin = sign_head(key_at(tmp_path / "key"), Head(4, "a" * 64), NOW)
    assert judged(store, tmp_path, head, twin).kind is Tampering.FORK


def test_a_fault_far_before_the_end_is_named_quickly(store: Store, tmp_path: Path) -> None:
    """The stream is not read to its end after a fault, nor kept in memory."""
    fill(store, 30)
    with store.reading() as c:
        rows = list(log.stream(c))
    read = 0

    def endless() -> object:
        nonlocal read
        for number in range(1, 50_000):
            read += 1
            yield replace(rows[(number - 1) % 30], number=number)

    verdict = verify(endless(), [], key_at(tmp_path / "key").public_key())  # type: ignore[arg-type] # It counts, too.
    assert verdict.first == 31 and not verdict.is_intact
    assert read < 5000
    assert len(list(islice(rows, 30))) == 30


def _bare(store: Store) -> Intruder:
    """An intruder for whom the triggers are gone already."""
    intruder = Intruder.__new__(Intruder)
    intruder._store = store
    return intruder


def _forge(store: Store, intruder: Intruder, first: int, only: bool = False) -> None:
    """Rewrite the reasons of rows from one on (or of it alone), each with a digest that is right for it."""
    with store.reading() as c:
        rows = list(log.stream(c))
    previous = rows[first - 2].digest
    for row in rows[first - 1 : first if only else None]:
        one = row.entry
        parts = [log.LABEL, str(row.number), previous, one.who, one.act, one.about, one.origin, one.way, "forged"]
        parts.append(one.at.isoformat(timespec="microseconds").replace("+00:00", "Z"))
        parts += [part for pair in sorted(one.details.items()) for part in pair]
        digest = sha256(b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)).hexdigest()
        intruder.change(
            row.number, because="forged", previous=previous, digest=digest, details=json.dumps(dict(one.details))
        )
        previous = digest
