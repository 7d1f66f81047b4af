"""What other programs get: answers once, events at least once, and how things were before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from firewright.store import idempotency, log, outbox, settings, snapshots
from firewright.store.database import Store
from firewright.store.errors import StoreError, UnfitText
from firewright.store.idempotency import Answer
from firewright.store.outbox import Fate
from tests.store.made import NOW, entry, later


def test_an_answer_is_kept_for_a_day(store: Store) -> None:
    """The same key gives the same answer for a day, to its account alone, and is free again after it."""
    answer = Answer("hash", 201, '{"number": 7}', {"ETag": '"1"', "Location": "/requests/7"})
    with store.writing() as c:
        idempotency.keep(c, "ann", "k", answer, NOW)
        assert idempotency.find(c, "ann", "k", later(hours=23)) == answer
        assert idempotency.find(c, "bob", "k", NOW) is None
        assert idempotency.find(c, "ann", "k", later(hours=24)) is None
        idempotency.keep(c, "ann", "k", replace(answer, status=200), later(hours=24))
        assert idempotency.sweep(c, later(hours=47)) == 0
        assert idempotency.sweep(c, later(hours=48)) == 1
    assert "number" not in repr(answer)


def test_an_act_and_its_answer_are_kept_together(store: Store) -> None:
    """Of several who send the same request at once one does it; the others get its answer."""

    def send(nth: int) -> str:
        with store.writing() as c:
            if before := idempotency.find(c, "ann", "k", NOW):
                return before.body
            row = log.append(c, entry(nth))
            idempotency.keep(c, "ann", "k", Answer("h", 201, str(row.entry.about)), NOW)
            return row.entry.about

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(send, range(6)))) == 1
    with store.reading() as c:
        assert log.head(c).number == 1


def test_a_key_in_use_is_not_taken_over(store: Store) -> None:
    """An answer that was given is not replaced, and what was done beside the attempt is not kept."""
    with store.writing() as c:
        idempotency.keep(c, "ann", "k", Answer("h", 201, "one"), NOW)
    with pytest.raises(StoreError), store.writing() as c:
        log.append(c, entry())
        idempotency.keep(c, "ann", "k", Answer("h", 201, "two"), NOW)
    with store.reading() as c:
        found = idempotency.find(c, "ann", "k", NOW)
        assert found is not None and found.body == "one"
        assert log.head(c).number == 0


@pytest.fixture
def hooked(store: Store) -> Store:
    """A store with three endpoints: for all, for approvals, for what concerns the policy edge."""
    with store.writing() as c:
        outbox.add_endpoint(c, "https://a.example/", "ann", NOW)
        outbox.add_endpoint(c, "https://b.example/", "ann", NOW, events=["approved"])
        outbox.add_endpoint(c, "https://c.example/", "bob", NOW, policies=["edge"])
    return store


def numbers(store: Store, at: datetime) -> list[int]:
    """The endpoints of the events that are lent at an instant."""
    with store.writing() as c:
        return [one.endpoint for one in outbox.due(c, at)]


def test_an_event_goes_to_who_asked_for_it(hooked: Store) -> None:
    """Endpoints get the kinds and policies that they asked for; one that is not active gets nothing new and keeps what waits."""
    with hooked.writing() as c:
        assert outbox.queue(c, "approved", "{}", NOW, "main") == 2
        assert outbox.queue(c, "declined", "{}", NOW, "edge") == 2
        assert outbox.queue(c, "approved", "{}", NOW, "edge") == 3
        third = outbox.find_endpoint(c, 3)
        assert third is not None and outbox.put_endpoint(c, replace(third, is_active=False))
        assert outbox.queue(c, "declined", "{}", NOW, "edge") == 1
    assert numbers(hooked, NOW) == [1, 2, 1, 1, 2, 1]
    with hooked.writing() as c:
        assert outbox.put_endpoint(c, third)
    assert numbers(hooked, NOW) == [3, 3]


def test_an_event_that_is_not_kept_is_not_sent(hooked: Store) -> None:
    """An event belongs to its act: taken back with it."""
    with pytest.raises(KeyError), hooked.writing() as c:
        outbox.queue(c, "approved", "{}", NOW)
        raise KeyError
    assert numbers(hooked, NOW) == []


def test_an_event_is_lent_to_one_at_a_time(hooked: Store) -> None:
    """Of several senders each event goes to one; one whose sender died is lent again when the loan is over."""
    with hooked.writing() as c:
        for nth in range(30):
            outbox.queue(c, "declined", str(nth), later(seconds=nth))

    def lend(_: int) -> list[int]:
        with hooked.writing() as c:
            return [one.number for one in outbox.due(c, later(minutes=1), limit=10)]

    with ThreadPoolExecutor(4) as pool:
        lent = list(pool.map(lend, range(4)))
    assert sorted(number for some in lent for number in some) == list(range(1, 31))
    with hooked.writing() as c:
        outbox.sent(c, 1)
        assert not outbox.due(c, later(minutes=2))
        assert len(outbox.due(c, later(minutes=3), limit=100)) == 29


def test_a_failure_is_tried_again_and_given_up(hooked: Store) -> None:
    """Each failure doubles the wait, up to six hours; after fifteen the event is given up, and can be sent by hand."""
    waits, at = [], NOW
    with hooked.writing() as c:
        outbox.queue(c, "declined", "body", NOW)
        for tries in range(1, outbox.TRIES + 1):
            (delivery,) = outbox.due(c, at)
            assert delivery.tries == tries - 1 and delivery.body == "body" and "body" not in repr(delivery)
            fate = outbox.failed(c, delivery.number, at, "503\x1b[2J")
            (told,) = outbox.deliveries(c, 1)
            assert told.fate is fate and told.said == "503\\u001b[2J"
            if told.due is not None:
                waits.append(told.due - at)
                at = told.due
        assert fate is Fate.GIVEN_UP and not outbox.due(c, later(days=99))
        assert outbox.failed(c, 99, at, "") is None
        assert outbox.again(c, delivery.number, at) and len(outbox.due(c, at)) == 1
        assert not outbox.again(c, 99, at)
    assert waits[:3] == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert waits[-1] == timedelta(hours=6) and len(waits) == outbox.TRIES - 1


def test_a_webhooks_secret_is_only_for_who_signs(hooked: Store) -> None:
    """The secret comes at the beginning and from `secret_of`, and is in no listing, whatever is looked at."""
    with hooked.writing() as c:
        secret, endpoint = outbox.add_endpoint(c, "https://d.example/", "ann", NOW)
        assert outbox.secret_of(c, endpoint.number) == secret and outbox.secret_of(c, 99) == ""
        outbox.queue(c, "declined", "{}", NOW)
        shown = repr((outbox.endpoints(c), outbox.deliveries(c, 4), outbox.due(c, NOW), endpoint))
        assert secret not in shown and len(secret) > 43
        assert outbox.put_endpoint(c, replace(endpoint, url="https://e.example/"))
        assert outbox.secret_of(c, endpoint.number) == secret


def test_a_removed_endpoint_is_gone_and_its_number_with_it(hooked: Store) -> None:
    """What was on its way is forgotten with its secret; no later endpoint has its number."""
    with hooked.writing() as c:
        outbox.queue(c, "approved", "{}", NOW, "edge")
        assert outbox.remove_endpoint(c, 3) and not outbox.remove_endpoint(c, 3)
        assert outbox.find_endpoint(c, 3) is None and not outbox.secret_of(c, 3)
        assert {one.endpoint for one in outbox.due(c, NOW)} == {1, 2}
        assert outbox.add_endpoint(c, "https://d.example/", "ann", NOW)[1].number == 4
        assert not outbox.put_endpoint(c, replace(outbox.endpoints(c)[0], number=3))


def test_old_events_are_swept(hooked: Store) -> None:
    """What is no longer on its way goes after a while, and numbers are not used again."""
    with hooked.writing() as c:
        for _ in range(3):
            outbox.queue(c, "declined", "{}", NOW)
        for number in (1, 3):
            outbox.sent(c, number)
        assert outbox.sweep(c, NOW) == 0
        assert outbox.sweep(c, later(days=1)) == 1
        outbox.queue(c, "declined", "{}", NOW)
        assert [one.number for one in outbox.deliveries(c, 1)] == [4, 3, 2]
        assert [one.number for one in outbox.deliveries(c, 1, before=4, limit=1)] == [3]


def test_settings_are_by_name(store: Store) -> None:
    """A setting is what was put last, or the default; anything that is text can be one."""
    with store.writing() as c:
        assert settings.get(c, "a", "none") == "none"
        settings.put(c, "a", "")
        assert settings.get(c, "a", "none") == ""
        settings.put(c, "a", "ü" * 100_000)
        assert settings.get(c, "a") == "ü" * 100_000
        settings.forget(c, "a")
        assert settings.get(c, "a") == ""
        with pytest.raises(UnfitText):
            settings.put(c, "a", "\0")


def test_a_snapshot_is_kept_where_it_differs(store: Store) -> None:
    """The same again only moves when it was seen; what was before can be found by its time."""
    with store.writing() as c:
        said = [(0, "one"), (1, "one"), (2, "two"), (3, "one")]
        kept = [snapshots.put(c, "open", "edge", body, body * 2, later(hours=hour)) for hour, body in said]
        assert kept == [True, False, True, True]
        assert snapshots.put(c, "host", "edge", "x", "y", NOW)
        found = snapshots.history(c, "open", "edge")
        assert [(one.digest, one.at, one.seen) for one in found] == [
            ("one", later(hours=3), later(hours=3)),
            ("two", later(hours=2), later(hours=2)),
            ("one", NOW, later(hours=1)),
        ]
        assert snapshots.latest(c, "open", "edge") == found[0]
        assert snapshots.latest(c, "open", "edge", before=later(hours=2.5)) == found[1]
        assert snapshots.latest(c, "open", "edge", before=later(hours=-1)) is None
        assert snapshots.latest(c, "open", "main") is None
        assert snapshots.prune(c, "open", "edge", 2) == 1
        assert snapshots.history(c, "open", "edge", limit=9) == found[:2]


def test_the_last_snapshots_are_listed_by_name(store: Store) -> None:
    """Of everything of a kind the last one, a page at a time."""
    with store.writing() as c:
        for nth in range(10):
            snapshots.put(c, "host", f"h{nth % 5}", str(nth), "", later(hours=nth))
        assert [(one.name, one.digest) for one in snapshots.listed(c, "host", limit=3)] == [
            ("h0", "5"),
            ("h1", "6"),
            ("h2", "7"),
        ]
        assert [one.name for one in snapshots.listed(c, "host", after="h2")] == ["h3", "h4"]
        assert snapshots.listed(c, "open") == ()
