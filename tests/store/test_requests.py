"""Requests are kept whole, changed by one at a time, and found by whoever may see them."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from firewright.model.account import Actor, Grant, Role
from firewright.model.request import Approval, Request, State, Wish
from firewright.store import requests
from firewright.store.database import Store, open_store
from firewright.store.errors import StoreError, UnfitText
from tests.store.made import NOW, later, request, wish

SOME = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
"""Any Unicode that can be kept."""


def _wishes() -> st.SearchStrategy[Wish]:
    names = st.lists(WORDS, max_size=3).map(tuple)
    return st.builds(Wish, WORDS, names, names, names, WORDS, WORDS, WORDS, WORDS, names)


def _requests() -> st.SearchStrategy[Request]:
    moments = st.datetimes().map(lambda naive: naive.replace(tzinfo=NOW.tzinfo))
    approvals = st.lists(st.builds(Approval, WORDS, WORDS, WORDS, moments, WORDS, WORDS), max_size=3).map(tuple)
    return st.builds(
        Request,
        number=st.just(0),
        state=st.sampled_from(State),
        author=WORDS,
        wish=_wishes(),
        text=WORDS,
        path=WORDS,
        severity=WORDS,
        made=moments,
        changed=moments,
        version=st.integers(1, 2**31 - 1),
        revision=st.integers(1, 2**31 - 1),
        approvals=approvals,
        answer=st.none() | _wishes(),
        said=WORDS,
        review=WORDS,
        is_break_glass=st.booleans(),
        is_reviewed=st.booleans(),
        is_confirmed=st.booleans(),
    )


@SOME
@given(request=_requests())
def test_a_request_comes_back_as_it_was_kept(store: Store, request: Request) -> None:
    """Every field of a request, whatever Unicode it holds, is found again: by its number, and in the list."""
    with store.writing() as c:
        kept = requests.add(c, request)
    assert replace(kept, number=0) == request
    with store.reading() as c:
        assert requests.find(c, kept.number) == kept
        assert requests.listed(c, limit=1) == (kept,)


def test_every_field_differs_from_its_default() -> None:
    """The law above tries every field that a request has: none was added that it does not make."""
    made = {"number", "state", "author", "wish", "text", "path", "severity", "made", "changed", "version", "revision"}
    made |= {"approvals", "answer", "said", "review", "is_break_glass", "is_reviewed", "is_confirmed"}
    assert {field.name for field in fields(Request)} == made


def test_numbers_count_from_one(store: Store) -> None:
    """Numbers have no gap, also after a transaction that was taken back."""
    with store.writing() as c:
        assert requests.add(c, request()).number == 1
    with pytest.raises(KeyError), store.writing() as c:
        assert requests.add(c, request()).number == 2
        raise KeyError
    with store.writing() as c:
        assert requests.find(c, 2) is None
        assert requests.add(c, request()).number == 2


def test_of_those_who_read_the_same_version_one_keeps_theirs(store: Store) -> None:
    """Eight who change the same version at once: exactly one is told that it is kept, and it is that one's change."""
    with store.writing() as c:
        first = requests.add(c, request())

    def change(nth: int) -> bool:
        with store.writing() as c:
            return requests.put(c, replace(first, version=2, said=str(nth)), 1)

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(change, range(8)))
    assert kept.count(True) == 1
    with store.reading() as c:
        assert requests.find(c, 1) == replace(first, version=2, said=str(kept.index(True)))


def test_stores_of_their_own_do_not_both_win(ready: str) -> None:
    """The same holds for those who opened the database each for themselves."""
    stores = [open_store(ready) for _ in range(4)]
    with stores[0].writing() as c:
        first = requests.add(c, request())

    def change(store: Store) -> bool:
        with store.reading() as c:
            assert requests.find(c, 1) is not None
        with store.writing() as c:
            return requests.put(c, replace(first, version=2), 1)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(change, stores)).count(True) == 1
    for store in stores:
        store.close()


def test_a_version_is_followed_by_the_next(store: Store) -> None:
    """A change that does not count its version, or is of a request that is not there, is not kept."""
    with store.writing() as c:
        first = requests.add(c, request())
        with pytest.raises(ValueError, match="version 1 is followed by 2"):
            requests.put(c, first, 1)
        assert not requests.put(c, replace(first, number=9, version=2), 1)
        assert not requests.put(c, replace(first, version=3), 2)
        assert requests.find(c, 1) == first


def test_every_revision_is_kept(store: Store) -> None:
    """What was asked for before an edit can be read after it; a change of state alone adds none."""
    with store.writing() as c:
        first = requests.add(c, request())
        edited = replace(
            first, version=2, revision=2, wish=wish(services=("tcp/22",)), text="two", changed=later(hours=1)
        )
        assert requests.put(c, edited, 1)
        submitted = replace(edited, version=3, state=State.SUBMITTED, changed=later(hours=2))
        assert requests.put(c, submitted, 2)
        extended = replace(submitted, version=4, text="three", changed=later(hours=3))
        assert requests.put(c, extended, 3)
    with store.reading() as c:
        found = requests.revisions(c, 1)
    assert [(one.revision, one.version, one.at) for one in found] == [
        (1, 1, NOW),
        (2, 2, later(hours=1)),
        (2, 4, later(hours=3)),
    ]
    assert [one.digest for one in found] == [one.digest for one in (first, edited, extended)]
    assert [one.wish for one in found] == [first.wish, edited.wish, edited.wish]


@pytest.mark.parametrize("bad", ["a\0b", "half \ud800", "x" * 100_001, "ü" * 50_001])
def test_a_text_that_cannot_be_kept_is_refused(store: Store, bad: str) -> None:
    """A NUL, half a character and more than 100 kB are refused with a way out that does not repeat the text, and nothing is kept."""
    with store.writing() as c:
        first = requests.add(c, request())
    changes: list[dict[str, Any]] = [
        {"said": bad},
        {"text": bad},
        {"wish": wish(because=bad)},
        {"wish": wish(services=("tcp/1", bad))},
    ]
    for changed in [*changes, {"answer": wish(because=bad)}, {"approvals": (Approval("bob", "", "d", NOW, bad),)}]:
        with pytest.raises(UnfitText) as told, store.writing() as c:
            requests.put(c, replace(first, version=2, **changed), 1)
        assert told.value.help and bad not in told.value.message
    with store.reading() as c:
        assert requests.find(c, 1) == first
        with pytest.raises(UnfitText):
            requests.listed(c, text=bad)


def test_a_long_text_is_kept_whole(store: Store) -> None:
    """Just under 100 kB are kept, whatever an index of the database could not hold."""
    full = request(text="ü" * 50_000, wish=wish(because="x" * 100_000, sources=("y" * 600,)))
    with store.writing() as c:
        kept = requests.add(c, full)
    with store.reading() as c:
        assert requests.find(c, kept.number) == kept
        assert requests.listed(c, text="x" * 64) == (kept,)


def test_reading_changes_nothing(store: Store) -> None:
    """A transaction for reading cannot write, whatever is tried in it."""
    with pytest.raises(StoreError), store.reading() as c:
        requests.add(c, request())
    with pytest.raises(StoreError), store.reading() as c:
        c.execute(text("DELETE FROM requests"))
    with store.reading() as c:
        assert requests.listed(c) == ()


# Finding.

POLICIES, AUTHORS, PLACES = ("edge", "main", "lab"), ("ann", "bob", "cas"), ("tenants", "office", "internet", "vpn")


@pytest.fixture
def many(store: Store) -> tuple[Store, tuple[Request, ...]]:
    """A store with sixty requests that differ in all that one can look for."""
    kept = []
    with store.writing() as c:
        for nth in range(60):
            asked = wish(
                policy=POLICIES[nth % 3],
                sources=(PLACES[nth % 4],),
                destinations=(PLACES[nth * 7 % 4], "192.0.2.7"),
                ticket=f"T-{nth}",
                services=(f"tcp/{nth % 5}",),
            )
            state = list(State)[nth * 5 % 8]
            kept.append(requests.add(c, request(wish=asked, author=AUTHORS[nth * 11 % 3], state=state)))
    return store, tuple(kept)


def _zones(one: Request) -> set[str]:
    return {*one.wish.sources, *one.wish.destinations}


def _subsets(values: Collection[str], most: int = 2) -> list[tuple[str, ...]]:
    return [chosen for size in range(most + 1) for chosen in combinations(values, size)]


GRANTS = (
    Grant(Role.VIEWER),
    Grant(Role.APPROVER, "main"),
    Grant(Role.REQUESTER, "edge/tenants"),
    Grant(Role.REQUESTER, "lab/vpn"),
    Grant(Role.VIEWER, "lab/office"),
)
ACTORS = st.none() | st.builds(
    Actor,
    st.sampled_from([*AUTHORS, "eve"]),
    st.sampled_from([set(), *map(set, combinations(GRANTS, 2)), set(GRANTS[1:])]).map(tuple),
)


@settings(SOME, max_examples=150)
@given(
    states=st.sets(st.sampled_from(State), max_size=8),
    policies=st.sampled_from(_subsets(POLICIES)),
    author=st.sampled_from(["", *AUTHORS, "eve"]),
    zone=st.sampled_from(["", *PLACES, "192.0.2.7"]),
    words=st.sampled_from(["", "tcp/3", "T-1", "TENANTS 2026", "shop vpn", "nothing", "192.0.2", "!"]),
    actor=ACTORS,
    limit=st.integers(1, 70),
    after=st.integers(0, 62),
    newest=st.booleans(),
)
def test_a_page_is_what_a_look_at_each_request_finds(
    many: tuple[Store, tuple[Request, ...]],
    states: set[State],
    policies: tuple[str, ...],
    author: str,
    zone: str,
    words: str,
    actor: Actor | None,
    limit: int,
    after: int,
    newest: bool,
) -> None:
    """Whatever is combined, a page has exactly those requests that pass when each is looked at, in order, from where it begins."""
    store, kept = many

    def passes(one: Request) -> bool:
        is_seen = actor is None or one.author == actor.account or actor.sees(one.wish.policy, _zones(one))
        is_beyond = not after or (one.number < after if newest else one.number > after)
        named = (not policies or one.wish.policy in policies) and author in ("", one.author)
        return (
            is_seen
            and is_beyond
            and named
            and (not states or one.state in states)
            and (not zone or zone in _zones(one))
            and _has(one, words)
        )

    expected = sorted(filter(passes, kept), key=lambda one: one.number, reverse=newest)[:limit]
    with store.reading() as c:
        found = requests.listed(
            c,
            states=states,
            policies=policies,
            author=author,
            text=words,
            zone=zone,
            after=after,
            limit=limit,
            newest=newest,
            seen_by=actor,
        )
    assert found == tuple(expected)


def _has(one: Request, asked: str) -> bool:
    """Whether every word begins one of the request's, told apart by what such a word is rather than through an index."""
    if asked == "!":
        return False
    asked_of = one.wish
    texts = [asked_of.policy, asked_of.because, asked_of.owner, asked_of.ticket, asked_of.until, one.author, one.path]
    texts += [*asked_of.sources, *asked_of.destinations, *asked_of.services, str(one.number)]
    pieces = [piece.lower() for text in texts for word in text.split() for piece in (word, *_split(word))]
    return all(any(piece.startswith(word.lower()) for piece in pieces) for word in asked.split())


def _split(word: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in word).split()


@settings(SOME, max_examples=20)
@given(actor=ACTORS)
def test_counts_are_of_what_may_be_seen(many: tuple[Store, tuple[Request, ...]], actor: Actor | None) -> None:
    """The number in each state is that of the requests in the list."""
    store, kept = many
    with store.reading() as c:
        counted = requests.counts(c, actor)
        seen = requests.listed(c, seen_by=actor, limit=1000)
    assert counted == {state: sum(one.state is state for one in seen) for state in State}
    assert len(kept) == 60


def test_a_search_follows_an_edit(store: Store) -> None:
    """Words and zones of before an edit find the request no more, those of after it do."""
    with store.writing() as c:
        first = requests.add(c, request(), zones=["office"])
        assert requests.put(c, replace(first, version=2, wish=wish(ticket="NEW-7", sources=("vpn",))), 1, zones=["lab"])
        for zone, is_found in {"office": 0, "tenants": 0, "vpn": 1, "lab": 1, "internet": 1}.items():
            assert len(requests.listed(c, zone=zone)) == is_found
        assert len(requests.listed(c, text="new-7")) == 1
        assert not requests.listed(c, text="tenants")


def test_what_may_be_due_is_found(store: Store) -> None:
    """Ends and reviews up to the day given, at any time of that day, are found; those without one, and other states, are not."""
    ends = ["2026-11-20", "2026-11-21", "2026-11-21T23:59", "2026-11-22", ""]
    with store.writing() as c:
        for end in ends:
            requests.add(c, request(wish=wish(until=end), state=State.VERIFIED, review=end))
        requests.add(c, request(wish=wish(until=ends[0]), state=State.EXPIRED))
        assert requests.numbers_due(c, states=[State.VERIFIED], until="2026-11-21") == (1, 2, 3)
        assert requests.numbers_due(c, states=[State.VERIFIED], until="2026-11-21T20:00") == (1, 2)
        assert requests.numbers_due(c, states=[State.VERIFIED], review="2026-11-22", after=2, limit=1) == (3,)
        assert requests.numbers_due(c, states=list(State), until="2026-11-20") == (1, 6)
        assert requests.numbers_due(c, states=list(State)) == ()


def test_no_page_sorts_or_scans_everything(store: Store) -> None:
    """SQLite walks an index, and for no filter reads the whole table of requests to sort it."""
    from firewright.store.found import Wanted, page

    if store.shown.startswith("PostgreSQL"):
        pytest.skip("PostgreSQL chooses by statistics, which a small table does not have")
    who = Actor("eve", (Grant(Role.VIEWER, "main"), Grant(Role.VIEWER, "edge/tenants")))
    cases = [
        Wanted(states=[State.DRAFT, State.SUBMITTED]),
        Wanted(policies=["edge", "main"]),
        Wanted(policies=["edge"], states=[State.DRAFT]),
        Wanted(author="ann"),
        Wanted(zone="vpn"),
        Wanted(seen_by=who),
        Wanted(seen_by=who, states=[State.DRAFT]),
    ]
    with store.reading() as c:
        for wanted in cases:
            query = page(c, wanted, [], after=50, limit=100, newest=True)
            compiled = query.compile(c, compile_kwargs={"literal_binds": True})
            plan = [row[-1] for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
            assert len(plan) > 1
            assert not [line for line in plan if line.startswith(("SCAN request", "SCAN places"))], plan


def test_what_an_exception_opened_is_kept_once(store: Store) -> None:
    """What was kept last of a request is found, and nothing of those of which nothing was."""
    with store.writing() as c:
        numbers = [requests.add(c, request()).number for _ in range(3)]
        for number, opens in ((numbers[0], "[1]"), (numbers[1], "[2]"), (numbers[0], "[3]")):
            requests.keep_opening(c, number, opens)
    with store.reading() as c:
        assert requests.openings(c, [*numbers, 99]) == {numbers[0]: "[3]", numbers[1]: "[2]"}
        assert requests.openings(c, ()) == {}


def test_the_pieces_of_one_author_or_owner_are_found(store: Store) -> None:
    """Of a policy's requests in some states those of an author and those of an owner, whatever the case of its letters."""
    made = (
        request(state=State.APPROVED, author="ann", wish=wish(owner="x")),
        request(state=State.SUBMITTED, author="bob", wish=wish(owner="MÜLLER")),
        request(state=State.SUBMITTED, author="bob", wish=wish(owner="y")),
        request(state=State.DECLINED, author="ann", wish=wish(owner="x")),
        request(state=State.APPROVED, author="ann", wish=wish(policy="other")),
    )
    with store.writing() as c:
        kept = [requests.add(c, one) for one in made]
    with store.reading() as c:
        found = requests.wishes_of(c, made[0].wish.policy, (State.APPROVED, State.SUBMITTED), "ann", "müller")
    assert found == {one.number: one.wish for one in kept[:2]}


def test_what_nobody_has_looked_at_is_found(store: Store) -> None:
    """What somebody opened without asking and nobody looked at since, in whatever state it is."""
    with store.writing() as c:
        for changed in (
            {"is_break_glass": True, "state": State.EXPIRED}, {"is_break_glass": True, "is_reviewed": True}, {},
            {"is_break_glass": True, "author": "bob"}, {"is_break_glass": True, "state": State.APPROVED},
        ):  # fmt: skip
            requests.add(c, request(**changed))
    with store.reading() as c:
        assert requests.unreviewed(c, "ann") == (1, 5)
