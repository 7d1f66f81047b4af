"""Logging in by password and by link, and what ends a session; tries are few."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher
from argon2.profiles import RFC_9106_LOW_MEMORY
from fastapi import FastAPI

from firewright.model.account import Actor, Grant, Role
from firewright.store import accounts, log, sessions
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.web.login import OF_ACCOUNT, OF_BOTH, OF_ORIGIN
from firewright.workflows import passwords
from firewright.workflows.invitations import LASTS, invite, invite_first
from tests.web.conftest import Client

PASSWORD = "correct horse battery"
NEW = "another staple and horse"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def people(store: Store) -> Store:
    """A store with somebody who has a password, one who was disabled, and one without a password."""
    kept = passwords.hashed(PASSWORD)
    with store.writing() as c:
        accounts.add(c, Account("vera", "Vera", kept, (Grant(Role.VIEWER),)))
        accounts.add(c, Account("gone", "Gone", kept, (Grant(Role.VIEWER),), is_active=False))
        accounts.add(c, Account("guest", "Guest"))
    return store


@pytest.fixture
def clock() -> Iterator[Any]:
    """The time, which the test moves."""
    with time_machine.travel(START, tick=False) as moved:
        yield moved


def _try(client: Client, name: str = "vera", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/login", data={"name": name, "password": password, "csrf": client.form_token(), **more})


def test_a_password_lets_in_and_leads_where_somebody_wanted_to_go(people: Store, client: Client) -> None:
    """The page that was asked for comes after the login, with a session whose cookie no script reads and no site sends."""
    sent = client.get("/account?x=1")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login?next=%2Faccount%3Fx%3D1")
    answer = _try(client, "VERA", next="/account?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account?x=1")
    cookie = next(one for one in answer.headers.get_list("Set-Cookie") if one.startswith("firewright-session="))
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    page = client.get("/account")
    assert page.status_code == 200 and "Vera" in page.text and page.headers["Cache-Control"] == "no-store"
    assert client.get("/login?next=/account").headers["Location"] == "/account"


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
        "/%0d%0a\nx",
        "\\/evil.example",
    ],
)
def test_the_way_on_never_leaves_the_site(people: Store, client: Client, next: str) -> None:
    """Whatever stands in `next`, a login leads to a page of this site."""
    assert _try(client, next=next).headers["Location"] == "/"
    assert client.get("/login", params={"next": next}).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("vera", "wrong"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
        ("guest", PASSWORD),
        ("guest", ""),
        ("", ""),
        ("a\0b", "x"),
    ],
)
def test_whatever_is_wrong_is_told_the_same(people: Store, client: Client, name: str, password: str) -> None:
    """A wrong password, an unknown name, a disabled account and one without a password all get one answer and no session."""
    answer = _try(client, name, password)
    assert answer.status_code == 401 and "The name or the password is wrong." in answer.text
    assert "firewright-session" not in client.cookies and client.get("/account").status_code == 303


def test_a_field_that_is_too_long_gets_the_form_again(people: Store, client: Client) -> None:
    """However long a name is, it is a wrong one: the form comes again, and no page of errors in its place."""
    answer = _try(client, "x" * 5000, PASSWORD)
    assert answer.status_code == 401 and 'action="/login"' in answer.text
    assert _try(client, "vera", "x" * 5000).status_code == 401


def test_an_unknown_name_takes_as_much_work_as_a_known_one(
    people: Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow hash is reckoned for names that nobody has, too, so the time tells nothing."""
    reckoned: list[str] = []

    def noted(password: str, kept: str) -> bool:
        reckoned.append(kept)
        return False

    monkeypatch.setattr("firewright.web.login.fits", noted)
    _try(client, "vera", "wrong"), _try(client, "nobody", "wrong"), _try(client, "guest", "wrong")
    assert len(reckoned) == 3 and reckoned[0].startswith("$argon2id$") and reckoned[1:] == ["", ""]


def test_passwords_are_kept_as_rfc_9106_recommends() -> None:
    """Outside of tests it is argon2id with 64 MiB, three passes and four lanes, and an unknown name's hash is one of those."""
    real = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
    assert (real.memory_cost, real.time_cost, real.parallelism, real.type.name) == (65536, 3, 4, "ID")
    script = "from firewright.workflows import passwords as p; print(p.hashed('some words here'), p._nobodys())"
    told = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True, timeout=60).stdout
    assert [one[:30] for one in told.split()] == ["$argon2id$v=19$m=65536,t=3,p=4"] * 2


@pytest.mark.parametrize("name", ["vera", "nobody"])
def test_tries_for_one_name_are_few_wherever_they_come_from(
    people: Store, app: FastAPI, monkeypatch: pytest.MonkeyPatch, clock: Any, name: str
) -> None:
    """After a hundred failures from many places the right password does not help either, for a while; unknown names lock alike."""
    monkeypatch.setattr("firewright.web.login.fits", lambda password, kept: password == PASSWORD and bool(kept))
    for number in range(OF_ACCOUNT.count):
        from_elsewhere = Client(app, client=(f"192.0.2.{number}", 1))
        assert _try(from_elsewhere, name, "wrong").status_code == 401
    client = Client(app, client=("198.51.100.1", 1))
    answer = _try(client, name)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) == OF_ACCOUNT.window.total_seconds() + 1
    assert "too many tries" in answer.text
    clock.shift(OF_ACCOUNT.window)
    assert _try(client, name).status_code == (303 if name == "vera" else 401)


@pytest.mark.parametrize("name", ["vera", "nobody"])
def test_tries_for_one_name_from_one_place_lock_out_that_place_only(
    people: Store, app: FastAPI, monkeypatch: pytest.MonkeyPatch, clock: Any, name: str
) -> None:
    """After ten failures from one address the right password does not help there; its owner still gets in from elsewhere."""
    monkeypatch.setattr("firewright.web.login.fits", lambda password, kept: password == PASSWORD and bool(kept))
    for number in range(OF_BOTH.count):
        assert _try(Client(app, client=(f"2001:db8::{number:x}", 1)), name, "wrong").status_code == 401
    locked = Client(app, client=("2001:db8::ffff", 1))
    assert _try(locked, name).status_code == 429
    is_in = 303 if name == "vera" else 401
    assert _try(Client(app, client=("192.0.2.7", 1)), name).status_code == is_in
    clock.shift(OF_BOTH.window)
    assert _try(locked, name).status_code == is_in


def test_tries_from_one_place_are_few_whatever_the_name(
    people: Store, app: FastAPI, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    """One address, or all of one /64, may fail so often; another place still gets in, and so does the place itself later."""
    monkeypatch.setattr("firewright.web.login.fits", lambda password, kept: password == PASSWORD and bool(kept))
    for number in range(OF_ORIGIN.count):
        neighbour = Client(app, client=(f"2001:db8::{number:x}", 1))
        assert _try(neighbour, f"name-{number}", "wrong").status_code == 401
    assert _try(Client(app, client=("2001:db8::ffff", 1))).status_code == 429
    assert _try(Client(app, client=("2001:db8:0:1::1", 1))).status_code == 303
    clock.shift(OF_ORIGIN.window + timedelta(seconds=1))
    assert _try(Client(app, client=("2001:db8::ffff", 1))).status_code == 303


def test_a_form_from_elsewhere_logs_nobody_in(people: Store, client: Client, app: FastAPI) -> None:
    """Without the cookie that its page gave, or with another, the form is refused: nobody is logged in as somebody else."""
    token = client.form_token()
    for browser, sent in ((Client(app), token), (client, "another"), (client, "")):
        answer = browser.post("/login", data={"name": "vera", "password": PASSWORD, "csrf": sent})
        assert answer.status_code == 403 and "was not sent from its page" in answer.text


def test_each_login_is_another_session(people: Store, client: Client) -> None:
    """A session's cookie from before the login is worth nothing after it, so nobody can plant one."""
    _try(client)
    first = client.cookies["firewright-session"]
    client.post("/logout", headers={"X-CSRF-Token": _csrf(client)})
    client.cookies.set("firewright-session", first)
    assert client.get("/account").status_code == 303
    client.cookies.clear()
    _try(client)
    assert client.cookies["firewright-session"] != first


def test_a_second_login_ends_the_first_session_of_the_browser(people: Store, client: Client) -> None:
    """Whoever logs in again in the same browser leaves no session behind."""
    token = client.form_token()
    _try(client)
    client.cookies.set("firewright-begin", token)
    client.post("/login", data={"name": "vera", "password": PASSWORD, "csrf": token})
    with people.reading() as c:
        assert len(sessions.listed(c, "vera", datetime.now(UTC))) == 1


def test_logging_out_ends_the_session_on_the_server(people: Store, client: Client) -> None:
    """A copy of the cookie opens nothing after the logout, and the page says that it is over."""
    _try(client)
    copied = client.cookies["firewright-session"]
    answer = client.post("/logout", headers={"X-CSRF-Token": _csrf(client)})
    assert answer.headers["Location"] == "/login" and "firewright-session" not in client.cookies
    assert "You are logged out." in client.get("/login").text
    assert "You are logged out." not in client.get("/login").text
    client.cookies.set("firewright-session", copied)
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize(("used", "is_in"), [(True, True), (False, False)])
def test_a_session_that_is_not_used_ends(people: Store, client: Client, clock: Any, used: bool, is_in: bool) -> None:
    """Two hours without a request end it; a request in between keeps it."""
    _try(client)
    clock.shift(timedelta(hours=1, minutes=30))
    if used:
        assert client.get("/account").status_code == 200
    clock.shift(timedelta(hours=1))
    assert (client.get("/account").status_code == 200) is is_in


def test_a_session_ends_after_half_a_day_however_much_it_is_used(people: Store, client: Client, clock: Any) -> None:
    """Twelve hours are the most."""
    _try(client)
    for _ in range(11):
        clock.shift(timedelta(hours=1))
        assert client.get("/account").status_code == 200
    clock.shift(timedelta(hours=1))
    assert client.get("/account").status_code == 303


def test_a_new_password_ends_all_other_sessions(people: Store, app: FastAPI) -> None:
    """Whoever had the old password is out; the browser that changed it goes on, in a session of its own."""
    here, elsewhere = Client(app), Client(app)
    _try(here), _try(elsewhere)
    before = here.cookies["firewright-session"]
    fields = {"current": PASSWORD, "password": NEW, "again": NEW, "csrf": _csrf(here)}
    assert here.post("/account/password", data=fields).headers["Location"] == "/account"
    assert here.get("/account").status_code == 200 and here.cookies["firewright-session"] != before
    assert elsewhere.get("/account").status_code == 303
    assert _try(Client(app)).status_code == 401 and _try(Client(app), password=NEW).status_code == 303


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current": "wrong"}, "this is not your password"),
        ({"password": "short", "again": "short"}, "12 characters"),
        ({"password": "my name is vera, hello", "again": "my name is vera, hello"}, "the account&#39;s name in it"),
        ({"password": "aaaaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaaaa"}, "not always the same ones"),
        ({"again": "another"}, "this is not the same"),
    ],
)
def test_a_bad_new_password_changes_nothing(people: Store, client: Client, change: dict[str, str], said: str) -> None:
    """What is wrong is told at its field, and the old password stays."""
    _try(client)
    fields = {"current": PASSWORD, "password": NEW, "again": NEW, "csrf": _csrf(client), **change}
    answer = client.post("/account/password", data=fields)
    assert answer.status_code == 422 and said in answer.text
    with people.reading() as c:
        kept = accounts.find(c, "vera")
    assert kept is not None and passwords.fits(PASSWORD, kept.password_hash)


def test_an_old_hash_is_made_anew_when_its_password_is_known(people: Store, client: Client) -> None:
    """A hash of other costs is replaced at the next login, and the password still fits."""
    weak = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    with people.writing() as c:
        accounts.put(c, Account("vera", "Vera", weak, (Grant(Role.VIEWER),)))
    assert _try(client).status_code == 303
    with people.reading() as c:
        kept = accounts.find(c, "vera")
    assert kept is not None and "m=8,t=1,p=1" in kept.password_hash and passwords.fits(PASSWORD, kept.password_hash)


def test_from_where_others_came_is_for_those_who_run_things(
    people: Store, app: FastAPI, client_of: Callable[..., Client]
) -> None:
    """A viewer of everything reads when others logged in, not from which address; an operator and an admin read that too."""
    assert _try(Client(app, client=("203.0.113.77", 1))).status_code == 303
    for role, is_told in (("viewer", False), ("approver", False), ("operator", True), ("admin", True)):
        client = client_of(role)
        for path in ("/log", "/log?format=csv", "/api/v1/log"):
            text = client.get(path).text
            assert "login" in text and ("203.0.113.77" in text) is is_told, (role, path)


def test_logins_are_in_the_log_and_no_password_is(people: Store, client: Client) -> None:
    """Who came, failed and went is in the log with the place; what was typed as a name that nobody has is not."""
    _try(client, "vera", "wrong guess one"), _try(client, "hunter2hunter2", "x"), _try(client)
    client.post("/logout", headers={"X-CSRF-Token": _csrf(client)})
    with people.reading() as c:
        rows = [(row.entry.who, row.entry.act, row.entry.about, row.entry.origin) for row in log.rows(c)]
        text = str(log.rows(c))
    place = "testclient"
    assert rows == [
        ("nobody", "login.fail", "account vera", place),
        ("vera", "login", "account vera", place),
        ("vera", "logout", "account vera", place),
    ]
    assert "guess" not in text and "hunter2" not in text and PASSWORD not in text


def _invited(store: Store, name: str, now: datetime) -> str:
    with store.writing() as c:
        return invite(c, Actor("ada"), name, now)


def test_a_link_lets_its_holder_choose_a_password_once(people: Store, client: Client, app: FastAPI) -> None:
    """The link opens a form, the password is set, its holder is in, and the link is worth nothing more."""
    link = _invited(people, "guest", datetime.now(UTC))
    fields = {"link": link, "password": NEW, "again": NEW, "csrf": client.form_token(f"/invitation?link={link}")}
    assert client.post("/invitation", data=fields).headers["Location"] == "/"
    assert "you are logged in" in client.get("/account").text
    assert client.get(f"/invitation?link={link}").status_code == 404
    again = Client(app)
    assert again.post("/invitation", data={**fields, "csrf": again.form_token()}).status_code == 404
    assert _try(Client(app), "guest", NEW).status_code == 303


def test_a_newer_link_voids_the_older_and_time_voids_all(people: Store, client: Client, clock: Any) -> None:
    """One link of an account is good, for three days."""
    older, newer = _invited(people, "guest", START), _invited(people, "guest", START)
    assert client.get(f"/invitation?link={older}").status_code == 404
    assert client.get(f"/invitation?link={newer}").status_code == 200
    clock.shift(LASTS)
    assert client.get(f"/invitation?link={newer}").status_code == 404


def test_links_cannot_be_guessed_for_long(client: Client) -> None:
    """After fifty that are none, an address is told to wait."""
    answers = [client.get(f"/invitation?link=guess{number}").status_code for number in range(OF_ORIGIN.count + 1)]
    assert set(answers[:-1]) == {404} and answers[-1] == 429


def test_the_first_account_is_an_admin_and_there_is_one_first(store: Store, client: Client, app: FastAPI) -> None:
    """The link for the first account makes an admin, once; with an account there it makes nothing, nor is another made."""
    with store.writing() as c:
        link = invite_first(c, datetime.now(UTC))
    assert link is not None and "There is no account yet" in client.get("/login").text
    rival = Client(app)
    rivals = rival.form_token(f"/invitation?link={link}")
    fields = {
        "link": link,
        "name": "ada",
        "password": NEW,
        "again": NEW,
        "csrf": client.form_token(f"/invitation?link={link}"),
    }
    assert client.post("/invitation", data=fields).status_code == 303
    assert rival.post("/invitation", data={**fields, "name": "eve", "csrf": rivals}).status_code == 404
    with store.writing() as c:
        assert invite_first(c, datetime.now(UTC)) is None
        assert accounts.listed(c) == (accounts.find(c, "ada"),)
        made = accounts.find(c, "ada")
    assert made is not None and made.grants == (Grant(Role.ADMIN),)


@pytest.fixture
def admin(client_of: Callable[..., Client]) -> Client:
    """A browser of an admin called ada."""
    return client_of("admin", name="ada")


def test_an_admin_makes_an_account_and_never_sees_its_password(store: Store, admin: Client, app: FastAPI) -> None:
    """The new account's holder chooses the password by a link; the admin's page shows the link once."""
    answer = admin.post("/admin/accounts", data={"name": "tom", "role": "requester", "scope": "tenant-a-edge/tenant-a"})
    link = answer.text.split("/invitation?link=")[1].split("<")[0]
    assert answer.status_code == 200 and link not in admin.get("/admin/accounts/tom").text
    new = Client(app)
    fields = {"link": link, "password": NEW, "again": NEW, "csrf": new.form_token(f"/invitation?link={link}")}
    assert new.post("/invitation", data=fields).status_code == 303
    with store.reading() as c:
        made = accounts.find(c, "tom")
    assert made is not None and made.grants == (Grant(Role.REQUESTER, "tenant-a-edge/tenant-a"),)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "empty or too long"),
        ({"name": "x" * 5000}, "empty or too long"),
        ({"name": "../x"}, "characters that are not taken"),
        ({"name": "@perimeter"}, "means something else"),
        ({"name": "\u0430nna"}, "looks like another one"),
        ({"shown": "Tom\u202e"}, "do not show"),
        ({"scope": ""}, "* is everything"),
        ({"role": "emperor"}, "choose a role"),
        ({"scope": "no-such-policy"}, "POLICY/ZONE"),
        ({"scope": "tenant-a-edge/no-such-zone"}, "POLICY/ZONE"),
        ({"role": "admin", "scope": "tenant-a-edge"}, "admins of everything"),
    ],
)
def test_a_bad_account_is_not_made(store: Store, admin: Client, change: dict[str, str], field: str) -> None:
    """What is wrong with a new account is told at its field, and nothing is made."""
    answer = admin.post("/admin/accounts", data={"name": "tom", "role": "viewer", "scope": "*", **change})
    assert answer.status_code == 422 and field in answer.text
    with store.reading() as c:
        assert [one.name for one in accounts.listed(c)] == ["ada"]


def test_a_role_for_nothing_said_is_not_one_for_everything(store: Store, admin: Client) -> None:
    """Where the field of what a role is for is empty or missing, no role is granted."""
    admin.post("/admin/accounts", data={"name": "tom", "role": "viewer", "scope": "tenant-a-edge"})
    for sent in ({"role": "viewer", "scope": ""}, {"role": "viewer"}, {"role": "viewer", "scope": "  "}):
        answer = admin.post("/admin/accounts/tom/grants", data=sent)
        assert answer.status_code == 422 and "* is everything" in answer.text
    with store.reading() as c:
        assert accounts.find(c, "tom").grants == (Grant(Role.VIEWER, "tenant-a-edge"),)  # type: ignore[union-attr]


def test_an_admin_puts_people_into_groups(store: Store, admin: Client) -> None:
    """Groups are changed on the account's page, with a row of the log; a bad one stays in the field, and nobody changes their own."""
    admin.post("/admin/accounts", data={"name": "tom", "role": "viewer", "scope": "*"})
    assert admin.post("/admin/accounts/tom/groups", data={"groups": "@perimeter, on-call"}).status_code == 303
    page = admin.get("/admin/accounts/tom").text
    assert 'value="on-call, perimeter"' in page
    refused = admin.post("/admin/accounts/tom/groups", data={"groups": "perimeter, <b>"})
    assert refused.status_code == 422 and "no name of a group" in refused.text and "&lt;b&gt;" in refused.text
    assert admin.post("/admin/accounts/ada/groups", data={"groups": "perimeter"}).status_code == 409
    with store.reading() as c:
        assert accounts.find(c, "tom").groups == ("on-call", "perimeter")  # type: ignore[union-attr]
        row = log.rows(c, act="account.group")
    assert len(row) == 1 and row[0].entry.details == {"groups": "on-call perimeter", "before": "none"}


def test_a_taken_name_is_told(admin: Client) -> None:
    """A name that looks like one that is there is refused, whatever its case."""
    assert admin.post("/admin/accounts", data={"name": "ADA", "role": "viewer", "scope": "*"}).status_code == 409


def test_a_disabled_account_is_out_at_once_with_its_tokens(
    admin: Client, client_of: Any, token_of: Any, client: Client
) -> None:
    """Its sessions and tokens are worth nothing from that moment, and stay so when it is enabled again."""
    vera, headers = client_of("viewer", name="vera"), token_of("viewer", name="vera")
    assert vera.get("/account").status_code == 200 and client.get("/metrics", headers=headers).status_code == 200
    for is_active in ("false", "true"):
        assert admin.post("/admin/accounts/vera/active", data={"is_active": is_active}).status_code == 303
        assert vera.get("/account").status_code == 303 and client.get("/metrics", headers=headers).status_code == 401


def test_an_admin_changes_roles_of_others_and_not_their_own(store: Store, admin: Client, client_of: Any) -> None:
    """Granting and taking away counts from the next request on; one's own roles, and the last admin's, stay."""
    vera = client_of("viewer", name="vera")
    assert vera.get("/admin/accounts").status_code == 403
    assert admin.post("/admin/accounts/vera/grants", data={"role": "admin", "scope": "*"}).status_code == 303
    assert vera.get("/admin/accounts").status_code == 200
    assert admin.post("/admin/accounts/ada/grants", data={"role": "approver", "scope": "*"}).status_code == 409
    assert admin.post("/admin/accounts/ada/active", data={"is_active": "false"}).status_code == 409
    assert admin.post("/admin/accounts/vera/grants/drop", data={"grant": "admin *"}).status_code == 303
    assert vera.get("/admin/accounts").status_code == 403
    assert admin.post("/admin/accounts/nobody/active", data={"is_active": "false"}).status_code == 404
    with store.reading() as c:
        acts = [(row.entry.who, row.entry.act, row.entry.about) for row in log.rows(c)]
    assert acts == [("ada", "account.grant", "account vera")] * 2


def test_a_token_is_shown_once_does_what_it_may_and_ends(
    store: Store, client_of: Any, client: Client, clock: Any
) -> None:
    """It opens what its scope and its account allow, until its day, or until it is ended."""
    grants = (Grant(Role.VIEWER), Grant(Role.OPERATOR))
    owner = client_of(None, name="otto", grants=grants)
    fields = {"label": "nightly", "days": "30", "scope": "viewer *"}
    secret = owner.post("/account/tokens", data=fields).text.split('class="secret">')[1].split("<")[0]
    assert secret.startswith("fw_") and secret not in owner.get("/account").text
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/metrics", headers=headers).status_code == 200
    assert client.get("/account", headers=headers).status_code == 303  # pages are for sessions
    clock.shift(timedelta(days=30))
    assert client.get("/metrics", headers=headers).status_code == 401
    clock.shift(timedelta(days=-30))
    assert owner.post("/account/tokens/1/end").status_code == 303
    assert client.get("/metrics", headers=headers).status_code == 401


def test_nobody_ends_the_token_of_another(client_of: Any, token_of: Any, client: Client) -> None:
    """A number that is another's token is one that is not there."""
    headers = token_of("viewer", name="vera")
    assert client_of("admin", name="eve").post("/account/tokens/1/end").status_code == 404
    assert client.get("/metrics", headers=headers).status_code == 200


@pytest.mark.parametrize("change", [{"label": ""}, {"days": "9999"}, {"scope": "admin *"}, {"scope": ""}])
def test_a_bad_token_is_not_made(client_of: Any, change: dict[str, str]) -> None:
    """A token without a purpose, without an end that is offered, or for roles that one has not, is not made."""
    owner = client_of("viewer", name="vera")
    answer = owner.post("/account/tokens", data={"label": "x", "days": "30", "scope": "viewer *", **change})
    assert answer.status_code == 422 and "fw_" not in answer.text


def test_other_sessions_are_ended_from_the_account(people: Store, app: FastAPI) -> None:
    """Logging out everywhere else leaves this browser in."""
    here, elsewhere = Client(app), Client(app)
    _try(here), _try(elsewhere)
    assert here.post("/account/sessions/end", data={"csrf": _csrf(here)}).status_code == 303
    assert here.get("/account").status_code == 200 and elsewhere.get("/account").status_code == 303


def _csrf(client: Client) -> str:
    return client.form_token("/account")
