"""What the API does: once however often it is sent, to what was looked at, by whoever may; and how it says that it does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from firewright.model.account import Grant, Role
from firewright.store import idempotency, requests, tokens
from firewright.store.database import Store
from firewright.store.errors import StoreError
from firewright.web.app import store_of
from tests.web.conftest import Client
from tests.web.described import PREFIX, described, standing, token

Headers = dict[str, str]
UNTIL = f"{datetime.now(UTC) + timedelta(days=60):%Y-%m-%d}"
WISH: dict[str, Any] = {
    "policy": "internet-ports-regions-1-2", "from": ["tenants"], "to": ["internet"], "services": ["tcp/11371"],
    "because": "OpenPGP keys of our suppliers", "until": UNTIL, "ticket": "OPS-112",
}  # fmt: skip


@pytest.fixture
def anybody(store: Store) -> Headers:
    """Headers with a token of somebody who may everything."""
    return token(store, "program-all")


@pytest.fixture
def tom(store: Store) -> Headers:
    """Headers of somebody who asks."""
    return token(store, "tom", Grant(Role.REQUESTER, WISH["policy"]))


@pytest.fixture
def anna(store: Store) -> Headers:
    """Headers of somebody who decides."""
    return token(store, "anna", Grant(Role.APPROVER))


def _ask(client: Client, headers: Headers, **more: Any) -> Any:
    return client.post(f"{PREFIX}/requests", json={**WISH, **more}, headers=headers)


def _held(answer: Any, method: str, path: str, status: int) -> Any:
    """The answer, which is as it is described, with the status that is expected."""
    assert answer.status_code == status, answer.text
    described().hold(answer, method, path)
    return answer.json() if answer.content else None


def test_a_request_is_asked_for_seen_approved_and_taken_back(client: Client, tom: Headers, anna: Headers) -> None:
    """Each act answers as it is described, moves the version on, and the next one is held against it."""
    path = f"{PREFIX}/check"
    assert _held(client.post(path, json=WISH, headers=tom), "post", path, 200)["verdict"] == "open"
    made = _ask(client, tom)
    number = _held(made, "post", f"{PREFIX}/requests", 201)["number"]
    here = f"{PREFIX}/requests/{number}"
    assert made.headers["Location"] == here
    shown = client.get(here, headers=anna)
    tree = _held(shown, "get", here, 200)
    assert tree["state"] == "submitted" and tree["check"]["verdict"] == "open" and tree["lacks"]
    tag = shown.headers["ETag"]
    assert tag.startswith(f'"{tree["version"]}.')
    approval = {"digest": tree["digest"], "because": "agreed"}
    path = f"{here}/approve"
    _held(client.post(path, json=approval, headers=anna), "post", path, 428)
    _held(client.post(path, json=approval, headers={**anna, "If-Match": '"1"'}), "post", path, 412)
    other = {**approval, "digest": "0" * 64}
    _held(client.post(path, json=other, headers={**anna, "If-Match": tag}), "post", path, 412)
    done = client.post(path, json=approval, headers={**anna, "If-Match": tag})
    assert _held(done, "post", path, 200)["version"] == tree["version"] + 1
    assert client.get(here, headers={**anna, "If-None-Match": tag}).status_code == 200
    path = f"{here}/withdraw"
    back = client.post(path, json={"because": "not needed"}, headers={**tom, "If-Match": done.headers["ETag"]})
    assert _held(back, "post", path, 200)["state"] == "withdrawn"
    acts = [row["act"] for row in client.get(f"{PREFIX}/log", headers=anna).json()["rows"]]
    assert {"request.submit", "request.withdraw"} <= set(acts)


def test_a_draft_is_edited_submitted_answered_and_accepted(client: Client, tom: Headers, anna: Headers) -> None:
    """An edit needs If-Match and changes the hash; a narrower answer is taken by the author."""
    made = _held(
        client.post(f"{PREFIX}/requests?draft=true", json=WISH, headers=tom), "post", f"{PREFIX}/requests", 201
    )
    here = f"{PREFIX}/requests/{made['number']}"
    wish = {**WISH, "services": ["tcp/11371", "tcp/11372"]}
    _held(client.put(here, json=wish, headers=tom), "put", here, 428)
    edited = _held(client.put(here, json=wish, headers={**tom, "If-Match": "*"}), "put", here, 200)
    assert edited["digest"] != made["digest"] and edited["revision"] == made["revision"] + 1
    path = f"{here}/submit"
    assert _held(client.post(path, headers=tom), "post", path, 200)["state"] == "submitted"
    path = f"{here}/answer"
    less = client.post(path, json={**WISH, "because": "one is enough"}, headers=anna)
    assert _held(less, "post", path, 200)["answer"]["services"] == ["tcp/11371"]
    path = f"{here}/accept"
    taken = _held(client.post(path, headers=tom), "post", path, 200)
    assert taken["wish"]["services"] == ["tcp/11371"] and taken["answer"] is None
    path = f"{here}/decline"
    assert _held(client.post(path, json={"because": "no"}, headers=anna), "post", path, 200)["state"] == "declined"
    _held(client.post(path, json={"because": "no"}, headers=anna), "post", path, 409)


def test_the_same_key_is_done_once_and_answered_the_same(client: Client, store: Store, tom: Headers) -> None:
    """Sent again it is the first answer, byte for byte, with Location and ETag; sent with something else it is a mistake."""
    keyed = {**tom, "Idempotency-Key": "one"}
    first, second = _ask(client, keyed), _ask(client, keyed)
    assert (first.status_code, second.status_code) == (201, 201) and first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    for name in ("Location", "ETag"):
        assert first.headers[name] == second.headers[name]
    other = _ask(client, keyed, ticket="OPS-113")
    assert other.status_code == 422 and other.json()["type"].endswith(":key-reused")
    assert client.post(f"{PREFIX}/requests?draft=true", json=WISH, headers=keyed).status_code == 422
    with store.reading() as c:
        assert len(requests.listed(c)) == 1


def test_a_key_is_its_accounts_own(client: Client, tom: Headers, anybody: Headers) -> None:
    """Two accounts may use the same key, each for its own."""
    one, other = (_ask(client, {**who, "Idempotency-Key": "one"}).json()["number"] for who in (tom, anybody))
    assert one != other


def test_what_was_refused_can_be_tried_again_under_its_key(client: Client, tom: Headers) -> None:
    """Nothing of a refusal is remembered: the same key does it once it can be done."""
    keyed = {**tom, "Idempotency-Key": "one"}
    assert _ask(client, keyed, until="2001-01-01").status_code == 422
    assert _ask(client, keyed).status_code == 201


def test_eight_at_once_under_one_key_make_one_request(app: FastAPI, store: Store, tom: Headers) -> None:
    """All get the same answer, whoever was first."""

    def one(_: int) -> Any:
        return _ask(Client(app), {**tom, "Idempotency-Key": "race"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 7
    with store.reading() as c:
        assert len(requests.listed(c)) == 1


def test_of_eight_edits_of_one_version_one_is_done(app: FastAPI, client: Client, tom: Headers) -> None:
    """The others are told that somebody was faster, and change nothing."""
    made = _ask(client, tom)
    here, tag = made.headers["Location"], made.headers["ETag"]

    def one(nth: int) -> Any:
        wish = {**WISH, "ticket": f"OPS-{nth}"}
        return Client(app).put(here, json=wish, headers={**tom, "If-Match": tag})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    done = [answer for answer in answers if answer.status_code == 200]
    assert len(done) == 1 and [answer.status_code for answer in answers if answer not in done] == [412] * 7
    now = client.get(here, headers=tom).json()
    assert now["wish"] == done[0].json()["wish"] and now["version"] == made.json()["version"] + 1


def test_an_answer_that_is_not_kept_is_not_done(client: Client, store: Store, tom: Headers, monkeypatch: Any) -> None:
    """The act and the answer under its key are one transaction: where the answer cannot be kept, nothing was done."""

    def broken(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(idempotency, "keep", broken)
    assert _ask(client, {**tom, "Idempotency-Key": "one"}).status_code == 503
    with store.reading() as c:
        assert requests.listed(c) == ()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Headers]]:
    """One application for whatever changes nothing, and headers of somebody who may everything."""
    with standing(tmp_path_factory.mktemp("shared")) as app:
        yield Client(app), token(store_of(app), "program-all")


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "slug"),
    [
        ("POST", "/requests", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "no-json"),
        ("POST", "/requests", {"content": b"a=b", "headers": {"Content-Type": "text/plain"}}, 415, "not-json"),
        ("POST", "/requests", {"data": {"policy": "x"}}, 415, "not-json"),
        ("POST", "/requests", {"json": {**WISH, "colour": "red"}}, 422, "malformed"),
        ("POST", "/requests", {"json": {**WISH, "because": "x\0y"}}, 422, "bad-text"),
        ("POST", "/requests", {"json": [1]}, 422, "malformed"),
        ("POST", "/requests", {"json": {"pad": "x" * (2 << 20)}}, 413, "too-large"),
        ("GET", "/requests/0", {}, 422, "malformed"),
        ("GET", "/requests/99", {}, 404, "no-request"),
        ("GET", "/requests?limit=501", {}, 422, "malformed"),
        ("GET", "/requests?polcy=none", {}, 422, "no-such-parameter"),
        ("GET", "/policies/none", {}, 404, "no-such-policy"),
        ("GET", "/policies/tenant-a-edge/flows/internet/none", {}, 404, "no-such-zone"),
        ("GET", "/policies/tenant-a-edge/matrix?service=nonsense", {}, 422, "bad-service"),
        ("GET", "/policies/tenant-a-edge/status.gif", {}, 422, "malformed"),
        ("GET", "/ports/no-such-thing-at-all", {}, 404, "no-such-port"),
        ("GET", "/ask?from=internet&to=nowhere", {}, 422, None),
        ("GET", "/changes?since=none", {}, 404, "no-such-state"),
        ("GET", "/hosts/none", {}, 404, "no-such-host"),
        ("GET", "/nothing", {}, 404, "not-found"),
        ("DELETE", "/requests", {}, 405, "wrong-method"),
        ("PUT", "/requests/1", {"json": WISH}, 428, "unconditional"),
        ("PUT", "/requests/1", {"json": WISH, "headers": {"If-Match": 'W/"1"'}}, 412, "changed"),
        ("POST", "/compare", {"json": {"before": {"text": "{"}, "after": {"text": "?"}}}, 422, "not-compared"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_a_problem(
    shared: tuple[Client, Headers], method: str, path: str, more: dict[str, Any], status: int, slug: str | None
) -> None:
    """The status says what kind, the body is problem+json with a slug, a sentence and its own number."""
    client, anybody = shared
    sent = {**more, "headers": {**anybody, **more.get("headers", {})}}
    answer = client.request(method, PREFIX + path, **sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["detail"] and body["instance"].startswith("urn:firewright:request:")
    assert slug is None or body["type"] == f"urn:firewright:problem:{slug}", body
    if slug == "malformed":
        assert body["fields"]
    if status == 415:
        assert answer.headers["Accept"] == "application/json"


def test_whoever_may_not_learns_nothing_of_what_they_sent(client: Client, tom: Headers) -> None:
    """Who asks is looked at first: what is wrong with the body is told to those only who may send one."""
    for body in (b"{", b"nonsense", b'{"name": 1}'):
        sent = {"Content-Type": "application/json"}
        assert client.post(f"{PREFIX}/accounts", content=body, headers=sent).status_code == 401
        assert client.post(f"{PREFIX}/accounts", content=body, headers={**tom, **sent}).status_code == 403
    assert client.get(f"{PREFIX}/accounts?x=y").status_code == 401
    assert client.get(f"{PREFIX}/accounts?x=y", headers=tom).status_code == 403


def test_pages_lead_through_the_whole_list(client: Client, anybody: Headers) -> None:
    """Following `next` gives every row once, in the order of one long page; Link says the same; the last has none."""
    for number in range(5):
        assert _ask(client, anybody, ticket=f"OPS-{number}").status_code == 201
    for path, name in (
        ("/requests", "requests"),
        ("/log", "rows"),
        ("/policies/tenant-a-edge/zones", "zones"),
        ("/accounts", "accounts"),
    ):
        whole = client.get(f"{PREFIX}{path}?limit=500", headers=anybody).json()
        found: list[Any] = []
        here = f"{PREFIX}{path}?limit=2"
        while here:
            answer = client.get(here, headers=anybody)
            tree = answer.json()
            assert len(tree[name]) <= 2
            assert answer.headers.get("Link") == (f'<{tree["next"]}>; rel="next"' if tree["next"] else None)
            found, here = [*found, *tree[name]], tree["next"]
        assert found == whole[name] and whole["next"] is None, path


def test_a_link_keeps_what_the_list_was_narrowed_to(client: Client, anybody: Headers) -> None:
    """The next page is of the same filter."""
    tree = client.get(f"{PREFIX}/policies/tenant-a-edge/zones?q=tenant&limit=1", headers=anybody).json()
    if tree["next"] is None:
        tree = client.get(f"{PREFIX}/policies/tenant-a-edge/zones?q=e&limit=1", headers=anybody).json()
    assert "q=" in tree["next"] and "limit=1" in tree["next"] and "after=1" in tree["next"]


# --- tokens and accounts ----------------------------------------------------------------------------------------------


def test_a_token_makes_no_token_that_may_more_or_lasts_longer(client: Client, store: Store) -> None:
    """Its roles are those of the token that asks or less, and it ends with that one at the latest."""
    short = token(store, "short", Grant(Role.VIEWER, "tenant-a-edge"))
    path = f"{PREFIX}/tokens"
    wide = {"name": "more", "scopes": [{"role": "viewer", "scope": "*"}], "days": 30}
    assert client.post(path, json=wide, headers=short).status_code == 422
    role = {"name": "more", "scopes": [{"role": "approver", "scope": "tenant-a-edge"}], "days": 30}
    assert client.post(path, json=role, headers=short).status_code == 422
    fits = {"name": "less", "scopes": [{"role": "viewer", "scope": "tenant-a-edge/tenant-a"}], "days": 30}
    made = _held(client.post(path, json=fits, headers=short), "post", path, 201)
    listed = _held(client.get(path, headers=short), "get", path, 200)["tokens"]
    assert listed[0]["number"] == made["number"]
    assert datetime.fromisoformat(made["expires"]) <= datetime.now(UTC) + timedelta(hours=1)
    new = {"Authorization": f"Bearer {made['secret']}"}
    told = client.get(f"{PREFIX}/me", headers=new).json()
    assert told["grants"] == [{"role": "viewer", "scope": "tenant-a-edge/tenant-a"}]
    gone = f"{path}/{made['number']}"
    _held(client.delete(gone, headers=new), "delete", gone, 204)
    assert client.get(f"{PREFIX}/me", headers=new).status_code == 401
    _held(client.delete(gone, headers=short), "delete", gone, 404)


def test_no_secret_is_kept_with_an_answer(client: Client, store: Store, anybody: Headers) -> None:
    """A token, a webhook and an invitation that are asked for twice under one key are made once, and their secret shown once."""
    asked: tuple[tuple[str, Any, str], ...] = (
        ("/tokens", {"name": "one", "scopes": [{"role": "viewer", "scope": "*"}]}, "secret"),
        ("/webhooks", {"url": "https://hooks.example.net/"}, "secret"),
        ("/accounts/program-all/invitation", None, "link"),
    )
    for nth, (path, body, name) in enumerate(asked):
        headers = {**anybody, "Idempotency-Key": f"secret-{nth}"}
        first, second = (client.post(PREFIX + path, json=body, headers=headers) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 201), first.text
        assert first.json()[name] and second.json() == {**first.json(), name: None}
        with store.reading() as c:
            kept = idempotency.find(c, "program-all", f"secret-{nth}", datetime.now(UTC))
        assert kept is not None and first.json()[name] not in kept.body


def test_an_admin_makes_grants_and_disables_accounts(client: Client, store: Store, anybody: Headers) -> None:
    """Each act is held against what was looked at; scopes that there are not are refused; an invitation leads to the page."""
    path = f"{PREFIX}/accounts"
    body = {"name": "vera", "shown": "Vera", "grants": [{"role": "viewer", "scope": "*"}]}
    made = client.post(path, json=body, headers=anybody)
    _held(made, "post", path, 201)
    _held(client.post(path, json=body, headers=anybody), "post", path, 409)
    here = f"{path}/vera"
    tag = client.get(here, headers=anybody).headers["ETag"]
    assert tag == made.headers["ETag"]
    wanted = {"grants": [{"role": "approver", "scope": "tenant-a-edge/tenant-a"}]}
    _held(client.put(f"{here}/grants", json=wanted, headers=anybody), "put", f"{here}/grants", 428)
    changed = client.put(f"{here}/grants", json=wanted, headers={**anybody, "If-Match": tag})
    assert _held(changed, "put", f"{here}/grants", 200)["grants"] == wanted["grants"]
    again = client.put(f"{here}/active", json={"is_active": False}, headers={**anybody, "If-Match": tag})
    _held(again, "put", f"{here}/active", 412)
    path = f"{here}/groups"
    grouped = client.put(path, json={"groups": ["perimeter"]}, headers={**anybody, "If-Match": changed.headers["ETag"]})
    assert _held(grouped, "put", path, 200)["groups"] == ["perimeter"]
    path = f"{PREFIX}/accounts"
    off = {**anybody, "If-Match": grouped.headers["ETag"]}
    told = _held(client.put(f"{here}/active", json={"is_active": False}, headers=off), "put", f"{here}/active", 200)
    assert told["is_active"] is False
    for scope in ("none", "tenant-a-edge/none", "tenant-a-edge/", "/"):
        bad = {"name": "other", "grants": [{"role": "viewer", "scope": scope}]}
        assert client.post(path, json=bad, headers=anybody).json()["type"].endswith(":no-such-scope")
    bad = {"name": "other", "grants": [{"role": "admin", "scope": "tenant-a-edge"}]}
    assert client.post(path, json=bad, headers=anybody).status_code == 422
    link = client.post(f"{path}/program-all/invitation", headers=anybody).json()["link"]
    assert client.get(link.removeprefix("http://testserver")).status_code == 200
    me = client.get(f"{path}/program-all", headers=anybody)
    own = {**anybody, "If-Match": me.headers["ETag"]}
    assert client.put(f"{path}/program-all/grants", json={"grants": []}, headers=own).status_code == 409


# --- hosts ------------------------------------------------------------------------------------------------------------


def _report(policy: str, **more: Any) -> dict[str, Any]:
    return {
        "schema_version": "1", "kind": "status", "time": 1795302000, "policy": policy, "firewall": "edge", "generation": 42,
        "state": "confirmed", "loaded": 1795291200, "mode": "enforcing", "findings": [], **more,
    }  # fmt: skip


def test_a_host_says_how_it_stands_by_an_operators_token(client: Client, store: Store, anybody: Headers) -> None:
    """What is sent is shown to whoever sees the policy; sent twice it is there once; others' hosts are not to be taken over."""
    own = token(store, "host-a", Grant(Role.OPERATOR, "tenant-a-edge"))
    other = token(store, "host-b", Grant(Role.OPERATOR, WISH["policy"]))
    path = f"{PREFIX}/hosts/edge-1/state"
    for _ in range(2):
        _held(client.put(path, json=_report("tenant-a-edge"), headers=own), "put", path, 204)
    here = f"{PREFIX}/hosts/edge-1"
    shown = client.get(here, headers=own)
    tree = _held(shown, "get", here, 200)
    assert tree["policy"] == "tenant-a-edge" and tree["generation"] == "42" and len(tree["history"]) == 1
    assert client.get(here, headers={**own, "If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert [one["name"] for one in client.get(f"{PREFIX}/hosts", headers=own).json()["hosts"]] == ["edge-1"]
    assert client.get(f"{PREFIX}/hosts", headers=other).json()["hosts"] == []
    assert client.get(here, headers=other).status_code == 404
    _held(client.put(path, json=_report("tenant-a-edge"), headers=other), "put", path, 403)
    _held(client.put(path, json=_report(WISH["policy"]), headers=other), "put", path, 403)
    _held(client.put(path, json=_report(""), headers=own), "put", path, 403)
    _held(client.put(path, json={"kind": "status"}, headers=own), "put", path, 422)
    _held(client.put(f"{PREFIX}/hosts/-x/state", json=_report("tenant-a-edge"), headers=own), "put", path, 422)


# --- comparison -------------------------------------------------------------------------------------------------------

OPEN = "table inet t { chain c { type filter hook forward priority 0; policy drop; tcp dport { 22, 443 } accept; }; }"
SHUT = "table inet t { chain c { type filter hook forward priority 0; policy drop; tcp dport 443 accept; }; }"


@pytest.mark.skipif(shutil.which("nft") is None, reason="nft is not installed: it reads rulesets")
def test_two_rulesets_are_compared(client: Client, anybody: Headers) -> None:
    """What closes is told with an example; the same twice is equivalent; another file is not read."""
    path = f"{PREFIX}/compare"
    sent = {"before": {"name": "a.nft", "text": OPEN}, "after": {"name": "b.nft", "text": SHUT}}
    tree = _held(client.post(path, json=sent, headers=anybody), "post", path, 200)
    assert tree["outcome"] == "different" and tree["total"] and "22" in json.dumps(tree["comparison"]["closes"])
    same = {"before": sent["before"], "after": sent["before"]}
    assert client.post(path, json=same, headers=anybody).json()["outcome"] == "equivalent"
    foreign = {"before": sent["before"], "after": {"name": "c.nft", "text": 'include "/etc/passwd"\n'}}
    answer = client.post(path, json=foreign, headers=anybody)
    assert answer.status_code == 422 and "root:" not in answer.text


def test_a_tokens_own_account_is_known_by_it(client: Client, store: Store, tom: Headers) -> None:
    """Who asks is the account of the token, with its roles and nothing else."""
    tree = client.get(f"{PREFIX}/me", headers=tom).json()
    assert tree["account"] == "tom" and tree["grants"] == [{"role": "requester", "scope": WISH["policy"]}]
    with store.reading() as c:
        assert all(one.used for one in tokens.listed(c, "tom"))
