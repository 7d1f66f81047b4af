"""Logging in with a provider: the whole way with a real one on loopback, and each lie that it or somebody between could tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from fastapi import FastAPI
from joserfc.jwk import ECKey

from firewright.model.account import Grant, Role
from firewright.store import accounts, log
from firewright.store.accounts import Account
from firewright.store.database import Store
from firewright.web.app import application, store_of
from firewright.web.oidc import Provider as Asked
from firewright.web.oidc import _hashed, _part
from firewright.web.settings import BadSettings, Oidc, Settings
from tests.web.conftest import Client
from tests.web.provider import CALLBACK, CLIENT, SECRET, Provider, by_secret, unsigned

GRANTS = {"net": (Grant(Role.OPERATOR),), "all": (Grant(Role.VIEWER),), "other": (Grant(Role.ADMIN),)}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that knows Olga, who is in two groups."""
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def app_with(settings: Settings, provider: Provider) -> Iterator[Callable[..., FastAPI]]:
    """An application that asks this provider."""
    made: list[FastAPI] = []

    def build(**changes: Any) -> FastAPI:
        usual = {"makes_accounts": True, "grants": GRANTS}
        made.append(application(replace(settings, oidc=Oidc(provider.issuer, CLIENT, SECRET, **{**usual, **changes}))))
        return made[-1]

    yield build
    for app in made:
        store_of(app).close()


def _begin(client: Client, next: str = "/account") -> str:
    answer = client.get("/login/oidc", params={"next": next})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def _log_in(client: Client, provider: Provider) -> Any:
    return client.get(provider.log_in(_begin(client)).removeprefix("http://testserver"))


def _kept(app: FastAPI) -> dict[str, Account]:
    store: Store = store_of(app)
    with store.reading() as c:
        return {one.name: one for one in accounts.listed(c)}


def test_whoever_the_provider_knows_is_in(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """The account is made with the roles of its groups and no others, the page that was wanted comes, and the log says how."""
    app = app_with(label="Example ID")
    client = Client(app)
    assert "Log in with Example ID" in client.get("/login").text
    answer = _log_in(client, provider)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert "Olga" in client.get("/account").text
    olga = _kept(app)["olga"]
    assert olga.grants == (Grant(Role.OPERATOR), Grant(Role.VIEWER)) and olga.groups == ("all", "net")
    assert olga.subject == f"{provider.issuer}|4711" and not olga.password_hash
    with store_of(app).reading() as c:
        rows = [(row.entry.act, row.entry.about, dict(row.entry.details).get("by")) for row in log.rows(c)]
    assert rows == [("account.add", "account olga", None), ("login", "account olga", provider.issuer)]


@pytest.mark.parametrize(
    ("claim", "told"), [("preferred_username", "@perimeter"), ("preferred_username", "a/b"), ("name", "Olga\u202e")]
)
def test_nobody_becomes_another_by_what_the_provider_calls_them(
    provider: Provider, app_with: Callable[..., FastAPI], claim: str, told: str
) -> None:
    """A name as of a group, one that fits into no address, and one with signs that hide are refused on a page that says why."""
    app = app_with()
    provider.claims = {**provider.claims, claim: told}
    answer = _log_in(Client(app), provider)
    assert answer.status_code == 403 and "The provider calls you" in answer.text and not _kept(app)
    assert "\u202e" not in answer.text


def test_roles_follow_the_groups_at_each_login(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """A group that somebody left takes its roles along, under whatever name the provider knows them now; it is the same account."""
    app = app_with()
    _log_in(Client(app), provider)
    provider.claims = {**provider.claims, "groups": ["all"], "preferred_username": "olga.renamed"}
    assert _log_in(Client(app), provider).status_code == 303
    assert list(_kept(app)) == ["olga"] and _kept(app)["olga"].grants == (Grant(Role.VIEWER),)


def test_roles_given_here_stay_where_groups_give_none(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """Without roles of groups, admins grant them here, and a login changes none."""
    app = app_with(grants={})
    _log_in(Client(app), provider)
    assert _kept(app)["olga"].grants == ()
    with store_of(app).writing() as c:
        accounts.put(c, replace(_kept(app)["olga"], grants=(Grant(Role.APPROVER),)))
    _log_in(Client(app), provider)
    assert _kept(app)["olga"].grants == (Grant(Role.APPROVER),)


def test_groups_are_asked_for_where_the_token_does_not_name_them(
    provider: Provider, app_with: Callable[..., FastAPI]
) -> None:
    """The endpoint for more is asked, and believed only about the same person."""
    del provider.claims["groups"]
    provider.more = {"groups": ["net"], "preferred_username": "somebody-else"}
    app = app_with()
    _log_in(Client(app), provider)
    assert _kept(app)["olga"].groups == ("net",) and "/userinfo" in provider.asked
    provider.more = {"sub": "another", "groups": ["other"]}
    _log_in(Client(app), provider)
    assert _kept(app)["olga"].groups == ()


def test_a_name_of_somebody_here_is_not_taken_over(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """An account with a password is not the provider's person of the same name, however it is spelt."""
    app = app_with()
    with store_of(app).writing() as c:
        accounts.add(c, Account("Olga", password_hash="x", grants=(Grant(Role.ADMIN),)))
    client = Client(app)
    answer = _log_in(client, provider)
    assert answer.status_code == 403 and "not tied to the provider" in answer.text
    assert client.get("/account").status_code == 303 and _kept(app)["Olga"].subject == ""


def test_nobody_gets_an_account_where_none_are_to_be_made(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """A person of the provider without an account is told to ask for one; a disabled account stays out."""
    app = app_with(makes_accounts=False)
    assert "ask an admin" in _log_in(Client(app), provider).text.lower() and _kept(app) == {}
    with store_of(app).writing() as c:
        accounts.add(c, Account("olga", subject=f"{provider.issuer}|4711", is_active=False))
    client = Client(app)
    assert _log_in(client, provider).status_code == 403 and client.get("/account").status_code == 303


LIES: dict[str, Callable[[Provider, dict[str, Any]], str]] = {
    "another nonce": lambda provider, claims: provider.sign({**claims, "nonce": "x"}),
    "no nonce": lambda provider, claims: provider.sign({name: one for name, one in claims.items() if name != "nonce"}),
    "another program": lambda provider, claims: provider.sign({**claims, "aud": "other"}),
    "several programs": lambda provider, claims: provider.sign({**claims, "aud": [CLIENT, "other"]}),
    "another issuer": lambda provider, claims: provider.sign({**claims, "iss": "https://evil.example"}),
    "over": lambda provider, claims: provider.sign({**claims, "exp": claims["iat"] - 3600}),
    "no end": lambda provider, claims: provider.sign({name: one for name, one in claims.items() if name != "exp"}),
    "nobody": lambda provider, claims: provider.sign({name: one for name, one in claims.items() if name != "sub"}),
    "no signature": lambda _, claims: unsigned(claims),
    "the client's secret": lambda _, claims: by_secret(claims),
    "another key": lambda provider, claims: provider.sign(claims, ECKey.generate_key("P-256")),
    "no token": lambda _, __: "nothing",
    "no name": lambda provider, claims: provider.sign({**claims, "preferred_username": " "}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_lets_nobody_in(provider: Provider, app_with: Callable[..., FastAPI], lie: str) -> None:
    """Whatever is wrong with an ID token, there is no session and no account."""
    provider.lie = lambda claims: LIES[lie](provider, claims)
    app = app_with()
    client = Client(app)
    assert _log_in(client, provider).status_code == 403
    assert "firewright-session" not in client.cookies and _kept(app) == {}


@pytest.mark.parametrize("change", ["state", "code", "iss", "no state", "no code", "error"])
def test_an_answer_that_was_changed_on_the_way_is_refused(
    provider: Provider, app_with: Callable[..., FastAPI], change: str
) -> None:
    """Another state, another code, another provider's answer, and a refusal of the provider: nobody is in."""
    client = Client(app_with())
    way = provider.log_in(_begin(client)).removeprefix("http://testserver")
    if change.startswith("no "):
        way = way.replace(f"{change[3:]}=", "other=")
    elif change == "error":
        way = way.replace("code=", "error=access_denied&error_description=%3Cb%3Eno%1b&other=")
    else:
        way = way.replace(f"{change}=", f"{change}=x")
    answer = client.get(way)
    assert answer.status_code == 403 and "firewright-session" not in client.cookies and "<b>" not in answer.text


def test_an_answer_is_good_in_the_browser_that_began_and_once(
    provider: Provider, app_with: Callable[..., FastAPI]
) -> None:
    """Another browser that is sent the same address is refused, and so is the same browser a second time."""
    app = app_with()
    mine, other = Client(app), Client(app)
    way = provider.log_in(_begin(mine)).removeprefix("http://testserver")
    _begin(other)
    assert other.get(way).status_code == 403 and "firewright-session" not in other.cookies
    assert mine.get(way).status_code == 303
    assert mine.get(way).status_code == 403


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_the_way_on_stays_here(provider: Provider, app_with: Callable[..., FastAPI], next: str) -> None:
    """Where a login leads is a page of this site, also by this way."""
    client = Client(app_with())
    way = provider.log_in(_begin(client, next)).removeprefix("http://testserver")
    assert client.get(way).headers["Location"] == "/"


def test_new_keys_of_the_provider_are_fetched(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """A token signed with a key that is new is checked against the keys that the provider has now."""
    app = app_with()
    _log_in(Client(app), provider)
    provider.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
    assert _log_in(Client(app), provider).status_code == 303


def test_what_the_provider_says_of_itself_is_asked_for_again_after_an_hour(
    provider: Provider, app_with: Callable[..., FastAPI]
) -> None:
    """Within the hour it is not asked again."""
    app = app_with()
    question = "/.well-known/openid-configuration"
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        _log_in(Client(app), provider), _log_in(Client(app), provider)
        assert provider.asked.count(question) == 1
        clock.shift(timedelta(hours=1, seconds=1))
        _log_in(Client(app), provider)
        assert provider.asked.count(question) == 2


def test_a_provider_that_is_gone_or_is_another_is_told(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """The login page still stands, and the way in by the provider says what is wrong."""
    provider.document = {"issuer": "https://evil.example"}
    client = Client(app_with())
    assert client.get("/login/oidc").status_code == 503
    provider.close()
    answer = client.get("/login/oidc")
    assert answer.status_code == 503 and "does not answer" in answer.text and client.get("/login").status_code == 200


def test_without_a_provider_there_is_no_way_in_by_one(client: Client) -> None:
    """Both addresses say so, and the login page shows no link."""
    assert client.get("/login/oidc").status_code == 404 and client.get("/login/oidc/done").status_code == 404
    assert "oidc" not in client.get("/login").text


@pytest.mark.parametrize("issuer", ["http://id.example.net", "ldap://x", "id.example.net"])
def test_a_provider_without_tls_is_refused(issuer: str) -> None:
    """Keys that come over the network as they are could be anybody's; only this machine is asked without TLS."""
    with pytest.raises(BadSettings, match="without TLS"):
        Asked(Oidc(issuer, CLIENT), "https://here.example")
    for here in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://id.example.net"):
        Asked(Oidc(here, CLIENT), "https://here.example")


def test_a_browser_that_began_nothing_is_not_logged_in(provider: Provider, app_with: Callable[..., FastAPI]) -> None:
    """An address that somebody made as if a browser without a cookie had begun logs nobody in as that somebody."""
    asked = {
        "response_type": "code", "client_id": CLIENT, "redirect_uri": CALLBACK, "scope": "openid",
        "state": _part("", "state"), "nonce": _part("", "nonce"), "code_challenge_method": "S256",
        "code_challenge": _hashed(_part("", "verifier")),
    }  # fmt: skip
    way = provider.log_in(f"{provider.issuer}/authorize?{urlencode(asked)}").removeprefix("http://testserver")
    client = Client(app_with())
    assert client.get(way).status_code == 403 and "firewright-session" not in client.cookies
