"""Every endpoint against every role, from the routes themselves; and that none is forgotten."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI

from firewright.model.account import Actor, Grant, Role
from firewright.web.access import ROLE_KEY, SAFE, Needs, Public, Undeclared, Viewer, declare, declared, holds, needs
from firewright.web.app import application, routers, store_of
from firewright.web.settings import Settings
from tests.web.conftest import BASE, Client, browser_of, with_policies

TENANT = "tenant-a-edge/tenant-a"
PERSONAS: dict[str, tuple[Grant, ...] | None] = {
    "anonymous": None,
    "nobody-in-particular": (),
    **{str(role): (Grant(role),) for role in Role},
    **{f"tenant-{role}": (Grant(role, TENANT),) for role in Role},
}
_FILLED = {"number": "1", "name": "nobody-here", "policy": "tenant-a-edge"}


def _address(path: str) -> str:
    """A path with something in each of its places."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: _FILLED.get(found[1], "x"), path)


def _routes() -> Iterator[tuple[str, str]]:
    app = FastAPI()
    for router in routers():
        app.include_router(router)
    yield from ((method, path) for method, path, _ in declared(app) if method != "HEAD")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """One application for all endpoints, so that what pages reckon is reckoned once; each request has a session of its own."""
    place, before = tmp_path_factory.mktemp("shared"), Path.cwd()
    (place / "state").mkdir()
    folder = with_policies(place / "policies")
    os.chdir(folder)
    app = application(Settings(folder, "", place / "state", BASE))
    yield app
    store_of(app).close()
    os.chdir(before)


@pytest.mark.parametrize("method_and_path", sorted(_routes()), ids=" ".join)
def test_each_endpoint_refuses_each_role_that_may_not(shared: FastAPI, method_and_path: tuple[str, str]) -> None:
    """Whoever lacks the role that a route declares is refused for that; whoever has it never is, and no answer is a fault."""
    method, path = method_and_path
    wanted = {(method, path): call for method, path, call in declared(shared)}[method, path]
    for name, grants in PERSONAS.items():
        client = Client(shared) if grants is None else browser_of(shared, name, grants)
        answer = client.request(method, _address(path), data={} if method not in SAFE else None)
        told = (method, path, name, answer.status_code)
        if isinstance(wanted, Public):
            assert answer.status_code != 500, told
        elif grants is None:
            assert _is_sent_away(answer, method, path), told
        elif holds(Actor(name, grants), wanted.role, wanted.is_everywhere):
            assert not _is_refused(answer) and answer.status_code not in (401, 500), told
        else:
            assert _is_refused(answer), told


def _is_sent_away(answer: Any, method: str, path: str) -> bool:
    """Programs are told 401 and how to say who they are; people are sent to the login, and a form of theirs is refused."""
    if path.startswith("/api/"):
        return bool(answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"))
    if method in SAFE:
        return bool(answer.status_code == 303 and answer.headers["Location"].startswith("/login?next=%2F"))
    return bool(answer.status_code == 401)


def _is_refused(answer: Any) -> bool:
    if answer.status_code != 403:
        return False
    is_json = answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()["type"].endswith(":not-allowed") if is_json else "his needs the role" in answer.text


def test_every_route_says_in_its_openapi_who_may_use_it(app: FastAPI) -> None:
    """Each route names a role, `account` or `public`; what changes something is public only where it lets people in."""
    words = {(method, path): call.word for method, path, call in declared(app)}
    assert set(words.values()) <= {"public", "account", *map(str, Role)}
    assert {word for (_, path), word in words.items() if path.startswith("/admin")} == {"admin"}
    assert {path for (method, path), word in words.items() if word == "public" and method not in SAFE} == {
        "/login",
        "/invitation",
    }


def test_a_role_is_in_the_routes_documentation() -> None:
    """What a route needs is written where programs read it."""
    router = APIRouter()

    @router.get("/one")
    def one(actor: Annotated[Actor, needs(Role.OPERATOR)]) -> None: ...

    declare(router.routes)
    assert [route.openapi_extra for route in router.routes] == [{ROLE_KEY: "operator"}]  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["none", "two", "mounted"])
def test_a_route_that_does_not_say_who_may_use_it_stops_the_start(how: str) -> None:
    """No role, two roles, or something that cannot say: the application does not begin."""
    router = APIRouter()
    if how == "none":
        router.add_api_route("/open", lambda: None)
    elif how == "two":

        @router.get("/two", dependencies=[needs(Role.ADMIN)])
        def two(actor: Viewer) -> None: ...

    else:
        router.mount("/below", FastAPI())
    with pytest.raises(Undeclared):
        declare(router.routes)


def test_the_real_start_looks_at_every_route(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An application with one more router, which says nothing, is refused."""
    extra = APIRouter()
    extra.add_api_route("/forgotten", lambda: None)
    monkeypatch.setattr("firewright.web.app.routers", lambda: iter((*routers(), extra)))
    with pytest.raises(Undeclared, match="/forgotten says of nobody"):
        application(settings)


def test_a_role_for_one_zone_counts_for_pages_and_not_for_everything() -> None:
    """A tenant's requester may open a page for requesters, and nothing that needs the role everywhere."""
    tenant = Actor("tom", (Grant(Role.REQUESTER, TENANT),))
    assert holds(tenant, Role.REQUESTER) and holds(tenant, Role.VIEWER) and holds(tenant, None)
    assert not holds(tenant, Role.APPROVER) and not holds(tenant, Role.REQUESTER, everywhere=True)
    assert not holds(Actor("admin", (Grant(Role.ADMIN),)), Role.APPROVER)


def test_a_form_without_its_token_is_refused(app: FastAPI, client_of: Any) -> None:
    """Every unsafe endpoint refuses a session's request without the token, or with another's, whatever its role."""
    grants = tuple(Grant(role) for role in Role)
    client, other = client_of(None, name="all", grants=grants), client_of(None, name="other", grants=grants)
    unsafe = [(method, path) for method, path, call in declared(app) if method not in SAFE and isinstance(call, Needs)]
    assert unsafe
    for token in ("", other.csrf, "x" * len(other.csrf)):
        client.csrf = token
        for method, path in unsafe:
            answer = client.request(method, _address(path), data={"csrf": token})
            assert answer.status_code == 403, (method, path)
            assert "not sent from a page of yours" in answer.text, (method, path)


def test_the_tests_clients_are_apart(client_of: Any) -> None:
    """Two clients of the tests are two sessions, so that what holds for one was not given by the other."""
    one, other = client_of("viewer"), client_of("admin")
    assert one.csrf != other.csrf
    assert one.get("/admin/accounts").status_code == 403 and other.get("/admin/accounts").status_code == 200


def test_the_store_of_an_application_is_its_own(app: FastAPI, settings: Settings) -> None:
    """The state lies in the folder that the settings name, for its owner alone."""
    file = settings.state_folder / "firewright.db"
    assert str(file) in store_of(app).shown and file.stat().st_mode & 0o077 == 0
