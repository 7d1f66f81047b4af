"""Accounts, sessions, tokens and attempts: found by who they belong to, and none of their secrets in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from firewright.model.account import Grant, Role
from firewright.store import accounts, attempts, sessions, tokens
from firewright.store.accounts import Account
from firewright.store.attempts import Limit
from firewright.store.database import Store
from firewright.store.errors import StoreError, UnfitText
from firewright.store.tables import METADATA
from tests.store.made import NOW, later

ANN = Account(
    "ann", "Ann Árnason", "$argon2id$secret", (Grant(Role.APPROVER, "edge/tenants"), Grant(Role.VIEWER)), ("net", "ops")
)


@pytest.fixture
def peopled(store: Store) -> Store:
    """A store with ann and bob."""
    with store.writing() as c:
        assert accounts.add(c, ANN)
        assert accounts.add(c, Account("bob"))
    return store


def everything(store: Store) -> str:
    """All texts of all tables."""
    with store.reading() as c:
        return repr([tuple(row) for table in METADATA.sorted_tables for row in c.execute(select(table))])


def test_an_account_is_found_by_what_is_typed(peopled: Store) -> None:
    """A name is found in any case and width, as it was kept; what is kept is all of it."""
    with peopled.reading() as c:
        for typed in ("ann", "ANN", "Ａnn"):
            assert accounts.find(c, typed) == ANN
        assert accounts.find(c, "anna") is None
        assert [one.name for one in accounts.listed(c)] == ["ann", "bob"]
        assert [one.name for one in accounts.listed(c, after="ann", limit=1)] == ["bob"]
        assert not accounts.is_empty(c)
    assert "argon2" not in repr(ANN)


def test_no_two_accounts_look_alike(peopled: Store) -> None:
    """A name that differs only in case, width or composition is taken, so nobody approves under a twin of their name."""
    with peopled.writing() as c:
        for twin in ("Ann", "ANN", "ａnn"):
            assert not accounts.add(c, Account(twin))
        assert accounts.add(c, Account("Jörg"))
        assert not accounts.add(c, Account("jo\u0308rg"))
        assert accounts.find(c, "JO\u0308RG") == Account("Jörg")


@pytest.mark.parametrize("name", ["", " ", "a b", "a\u200bb", "a\u202eb", "a\nb", "a\0b", "x" * 601, "\ud800"])
def test_a_name_that_misleads_is_refused(store: Store, name: str) -> None:
    """A name with blanks, with signs that do not show, or too long, is no account's, to add or to look for."""
    with pytest.raises(UnfitText), store.writing() as c:
        accounts.add(c, Account(name))
    with pytest.raises(UnfitText), store.reading() as c:
        accounts.find(c, name)


@pytest.mark.parametrize(
    "name",
    [
        "../x", "a/../b", ".", "<b>", "-x", "@perimeter", "firewright", "Firewright", "nobody", "system", "system-root",
        "\u0430nna", "\u0430\u0440\u0435", "x²", "ｔom", "e\u0301va", "x" * 101, "a+b", "tom:x",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_another_or_means_something_is_taken_by_nobody(store: Store, name: str) -> None:
    """Names are letters of one script, digits and -_.@ inside; none is one of the log's own, a group's, or a twin in other letters."""
    with pytest.raises(UnfitText), store.writing() as c:
        accounts.add(c, Account(name))
    with store.reading() as c:
        assert accounts.is_empty(c)


@pytest.mark.parametrize(
    "name", ["anna", "Éva", "tom.b-c_d", "x7", "7x", "anna@example.net", "Людмила", "山田太郎", "佐藤ひろ"]
)
def test_names_of_people_are_taken(store: Store, name: str) -> None:
    """A name in one script, whichever that is, is somebody's; what is shown of it has no signs that turn text round."""
    with store.writing() as c:
        assert accounts.add(c, Account(name))
    with pytest.raises(UnfitText), store.writing() as c:
        accounts.add(c, Account(f"{name}2", shown=f"{name}\u202e"))


def test_an_account_is_changed_as_a_whole(peopled: Store) -> None:
    """What is put is found; an account that is not there is not made by it."""
    changed = replace(ANN, is_active=False, grants=(), groups=(), subject="https://id.example#7", shown="")
    with peopled.writing() as c:
        assert accounts.put(c, changed)
        assert not accounts.put(c, Account("eve"))
        assert accounts.find(c, "ann") == changed
        assert accounts.of_subject(c, "https://id.example#7") == changed
        assert accounts.of_subject(c, "") is None
        assert accounts.find(c, "eve") is None


def test_a_subject_belongs_to_one_account(peopled: Store) -> None:
    """Nobody gets another's subject, by being added or by being changed; without one there may be many."""
    with peopled.writing() as c:
        assert accounts.add(c, Account("cas", subject="s"))
        assert not accounts.add(c, Account("dan", subject="s"))
        assert not accounts.put(c, Account("bob", subject="s"))
        assert accounts.put(c, Account("cas", subject="s", shown="Cas"))
        assert accounts.add(c, Account("eve"))


def test_a_session_is_known_by_its_secret_only(peopled: Store) -> None:
    """Who has the secret has the session until it is over or unused; neither secret nor CSRF token is in the database."""
    with peopled.writing() as c:
        secret, session = sessions.start(c, "Ann", NOW, later(hours=8), "::1", "Browser " + "x" * 500)
        assert sessions.find(c, secret, NOW) == replace(session, account="ann")
        assert len(session.agent) == 200
        assert sessions.find(c, secret + "x", NOW) is None
        assert sessions.find(c, session.id, NOW) is None
        assert sessions.find(c, secret, later(hours=8)) is None
        assert sessions.find(c, secret, later(hours=1), idle=timedelta(minutes=30)) is None
        sessions.touch(c, secret, later(minutes=45))
        assert sessions.find(c, secret, later(hours=1), idle=timedelta(minutes=30)) is not None
    said = everything(peopled)
    assert session.id in said and secret not in said and session.csrf not in said
    assert len({secret, session.csrf, session.id}) == 3 and len(secret) == 43
    assert session.csrf not in repr(session)


def test_sessions_end(peopled: Store) -> None:
    """One ends, all end but one, all end; nobody ends another's; one of an account that is not active opens nothing."""
    with peopled.writing() as c:
        kept = [sessions.start(c, "ann", NOW, later(hours=nth)) for nth in range(1, 5)]
        secret, other = sessions.start(c, "bob", NOW, later(hours=1))
        assert not sessions.end(c, "ann", other.id)
        assert sessions.end(c, "ann", kept[0][1].id)
        assert sessions.end_all(c, "ann", but=kept[1][1].id) == 2
        assert [one.id for one in sessions.listed(c, "ann", NOW)] == [kept[1][1].id]
        assert not sessions.listed(c, "ann", NOW)[0].csrf
        assert accounts.put(c, Account("bob", is_active=False))
        assert sessions.find(c, secret, NOW) is None
        assert sessions.sweep(c, later(hours=1)) == 1
        assert sessions.end_all(c, "ann") == 1


def test_a_session_needs_an_account(store: Store) -> None:
    """Nobody who is not there logs in."""
    with pytest.raises(StoreError), store.writing() as c:
        sessions.start(c, "eve", NOW, later(hours=1))


def test_a_token_is_shown_once(peopled: Store) -> None:
    """A token opens what it was made for until its end; the database does not have it."""
    scopes = (Grant(Role.VIEWER, "edge"), Grant(Role.OPERATOR))
    with peopled.writing() as c:
        secret, token = tokens.make(c, "ANN", "the pipeline", scopes, NOW, later(days=1))
        forever, second = tokens.make(c, "ann", "old", (), NOW)
        assert tokens.find(c, secret, NOW) == replace(token, account="ann")
        assert tokens.find(c, secret, later(days=1)) is None
        assert tokens.find(c, secret[:-1], NOW) is None
        assert not token.is_valid(later(days=1)) and token.is_valid(NOW)
        tokens.touch(c, second.number, later(minutes=1))
        found = tokens.find(c, forever, later(days=10_000))
        assert found is not None and found.used == later(minutes=1)
    assert secret not in everything(peopled) and secret.startswith("fw_")


def test_tokens_end(peopled: Store) -> None:
    """An ended token opens nothing and stays in the list; nobody ends another's; a disabled account's open nothing."""
    with peopled.writing() as c:
        made = [tokens.make(c, "ann", str(nth), (), NOW) for nth in range(3)]
        secret, _ = tokens.make(c, "bob", "b", (), NOW)
        assert not tokens.end(c, "bob", 1, NOW)
        assert tokens.end(c, "ann", 1, NOW) and not tokens.end(c, "ann", 1, NOW)
        assert tokens.find(c, made[0][0], NOW) is None
        assert tokens.end_all(c, "ann", NOW) == 2
        assert [one.number for one in tokens.listed(c, "ann")] == [3, 2, 1]
        assert not any(one.is_valid(NOW) for one in tokens.listed(c, "ann"))
        assert accounts.put(c, Account("bob", is_active=False))
        assert tokens.find(c, secret, NOW) is None
        assert tokens.make(c, "ann", "next", (), NOW)[1].number == 5


def test_a_window_lets_so_many_through(store: Store) -> None:
    """Within any window there are no more than the limit; one refused is not counted; room comes back one by one."""
    limit, key = Limit(3, timedelta(minutes=10)), attempts.by_account("ann")
    with store.writing() as c:
        for minute in (0, 0, 4):
            assert attempts.take(c, key, limit, later(minutes=minute)) is None
        for _ in range(5):
            assert attempts.take(c, key, limit, later(minutes=5)) == later(minutes=10)
        assert attempts.blocked_until(c, key, limit, later(minutes=10)) is None
        assert attempts.take(c, key, limit, later(minutes=10)) is None
        assert attempts.take(c, key, limit, later(minutes=10)) is None
        assert attempts.take(c, key, limit, later(minutes=11)) == later(minutes=14)
        assert attempts.take(c, attempts.by_account("bob"), limit, later(minutes=11)) is None
        attempts.clear(c, key)
        assert attempts.take(c, key, limit, later(minutes=11)) is None
        assert attempts.sweep(c, later(minutes=11)) == 0
        assert attempts.sweep(c, later(minutes=12)) == 2
        assert attempts.take(c, key, Limit(0, timedelta(minutes=1)), NOW) == later(minutes=1)


def test_attempts_do_not_keep_what_was_typed(store: Store, tmp_path: Path) -> None:
    """A password typed in place of the name is not in the database; names alike and addresses of one network count together."""
    with store.writing() as c:
        attempts.take(c, attempts.by_account("Correct Horse"), Limit(3, timedelta(minutes=1)), NOW)
    assert "horse" not in everything(store).lower()
    assert attempts.by_account("Ann") == attempts.by_account("ａNN") != attempts.by_account("anna")
    assert attempts.by_origin("2001:db8:0:1::7") == attempts.by_origin("2001:db8:0:1:ffff::1")
    assert attempts.by_origin("2001:db8:0:1::7") != attempts.by_origin("2001:db8:0:2::7")
    assert attempts.by_origin("::ffff:192.0.2.1") == attempts.by_origin("192.0.2.1") != attempts.by_origin("192.0.2.2")
    assert attempts.by_origin("unix\udc00") != attempts.by_origin("")
    assert attempts.by_origin("::1", "api") != attempts.by_origin("::1")
