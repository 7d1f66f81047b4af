"""Pages of requests, exceptions and the log: what each person sees and may do, and what a stale or foreign form does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text as text_of

from firewright.model.account import Grant, Role
from firewright.model.request import Request
from firewright.store import requests, tokens
from firewright.store.database import Store
from firewright.workflows.requests import checking
from tests.web.conftest import Client
from tests.workflows.requests.world import APPROVALS, POLICY

Made = Callable[..., Client]
UNTIL = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()


@pytest.fixture(autouse=True)
def small(folder: Path) -> Iterator[None]:
    """A small policy in the place of the provider's, and who decides about it."""
    for path in folder.glob("*.yaml"):
        path.unlink()
    (folder / "edge.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "approvals.yaml").write_text(APPROVALS.replace("bob, eve", "bob, eve, approver-all"), encoding="utf-8")
    yield
    checking._KEPT.clear()


def form(**changed: Any) -> dict[str, Any]:
    """What a tenant fills in."""
    plain = {"policy": "edge", "sources": "tenants", "destinations": "internet", "services": "tcp/11371", "until": UNTIL,
             "because": "keys are fetched", "owner": "ann", "act": "submit"}  # fmt: skip
    return {**plain, **changed}


@pytest.fixture
def ann(client_of: Made) -> Client:
    """A tenant who asks."""
    return client_of(None, name="ann", grants=(Grant(Role.REQUESTER, "edge/tenants"),))


@pytest.fixture
def bob(client_of: Made) -> Client:
    """Who answers for the tenants' zone."""
    return client_of(None, name="bob", grants=(Grant(Role.APPROVER, "edge/tenants"),))


def look(store: Store, number: int = 1) -> Request:
    """A request as it is kept."""
    with store.reading() as c:
        found = requests.find(c, number)
    assert found is not None
    return found


def decide(client: Client, store: Store, verb: str, number: int = 1, **changed: Any) -> Any:
    """Send the form of a decision as the page has it."""
    found = look(store, number)
    plain = {"digest": found.digest, "version": found.version, "because": "as agreed"}
    return client.post(f"/requests/{number}/{verb}", data={**plain, **changed})


def test_a_request_goes_its_way(ann: Client, bob: Client, client_of: Made, store: Store, folder: Path) -> None:
    """Asked, waiting for who decides, approved, its file there; the operator says that it runs; each page says what it is."""
    answer = ann.post("/requests", data=form())
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests/1")
    assert "Request 1 is submitted." in ann.get("/requests/1").text
    assert "to be decided" in ann.get("/requests/1").text and "Approve exactly this" not in ann.get("/requests/1").text
    assert (
        "/requests/1" in bob.get("/requests?box=waiting").text
        and "/requests/1" not in ann.get("/requests?box=waiting").text
    )
    assert decide(bob, store, "approve").status_code == 303
    assert "Request 1 is approved." in bob.get("/requests/1").text
    assert (folder / "exceptions/request-1.yaml").read_text() == look(store).text
    operator = client_of(None, name="otto", grants=(Grant(Role.OPERATOR, "edge"),))
    assert decide(operator, store, "implement").status_code == 303 and look(store).state == "implemented"
    assert "exceptions/request-1.yaml" in ann.get("/exceptions").text
    assert decide(bob, store, "recertify").status_code == 303
    assert decide(ann, store, "withdraw").status_code == 303 and not list((folder / "exceptions").iterdir())
    history = re.findall(r'<span class="strong">([a-z-]+)</span> by', ann.get("/requests/1").text)
    assert history == ["submit", "approve", "implement", "recertify", "withdraw"]


def test_no_change_and_no_way_are_said_at_once(ann: Client, client_of: Made) -> None:
    """What is permitted is said by its line, what is denied with its reason; neither becomes a request."""
    for act in ("check", "submit"):
        text = ann.post("/requests", data=form(services="tcp/1688", act=act)).text
        assert "o change is necessary" in text and "edge.yaml:8" in text
        assert act == "submit" or "the published list" in text
    both = client_of(Role.REQUESTER)
    denied = both.post("/requests", data=form(sources="internet", destinations="tenants", services="smb"))
    assert denied.status_code == 409 and "over a VPN only" in denied.text and "no-smb" in denied.text
    assert "No requests yet" in ann.get("/requests").text


def test_checking_keeps_nothing_and_needs_no_reason(ann: Client, bob: Client, store: Store) -> None:
    """What it would mean can be asked before the reason is written, by who asks and by who decides; nothing is kept."""
    for client in (ann, bob):
        part = client.post(
            "/requests/check", data=form(because="", owner="", act="check"), headers={"HX-Request": "true"}
        ).text
        assert "closed now, and to be decided" in part and "<html" not in part
    assert "keys are" not in ann.post("/requests/check", data=form(sources="office", destinations="internet")).text
    assert "may not ask" in ann.post("/requests/check", data=form(sources="office", destinations="internet")).text
    with store.reading() as c:
        assert not requests.listed(c)
    assert "Why is missing." in ann.post("/requests", data=form(because="")).text


def test_every_mistake_is_told_at_its_field(ann: Client, store: Store) -> None:
    """All that is wrong with a form is said at once by the names that the form has, each at its field, and the first has the focus."""
    wrong = form(sources="", destinations="nowhere", services="", because="", owner="", until="2020-01-01")
    answer = ann.post("/requests", data=wrong)
    assert answer.status_code == 422
    box = answer.text.split('id="check"')[1].split("</section>")[0]
    labels = re.findall(r'<span class="strong">([A-Za-z]+):</span>', box)
    assert sorted(labels) == ["From", "Owner", "Services", "To", "Until", "Why"]
    assert set(re.findall(r'id="(\w+)-error"', answer.text)) == {
        "sources", "destinations", "services", "because", "owner", "until",
    }  # fmt: skip
    focused = re.findall(r"<(?:input|textarea)[^>]*autofocus", answer.text)
    assert len(focused) == 1 and 'id="sources"' in focused[0]
    sent = {"policy": "edge", "from": [], "to": ["nowhere"], "services": ["ssh"], "because": "x", "until": "2020-01-01"}
    told = ann.post("/api/v1/requests", json=sent, headers=_token(store))
    assert told.status_code == 422 and sorted(told.json()["fields"]) == ["from", "to", "until"]
    assert "office" not in told.text


def test_suggestions_are_of_the_policy_that_was_chosen(ann: Client, client_of: Made) -> None:
    """When another policy is chosen the fields suggest its zones; nothing is told of one that somebody may not ask about."""
    assert 'value="tenants"' in ann.get("/requests/suggestions?policy=edge").text
    other = client_of(Role.REQUESTER, "elsewhere")
    assert "option" not in other.get("/requests/suggestions?policy=edge").text


def test_forms_open_for_what_can_be_done_only(ann: Client, bob: Client, client_of: Made, store: Store) -> None:
    """The form of a change is its author's, and neither it nor that of a proposal opens for what was withdrawn."""
    ann.post("/requests", data=form())
    assert ann.get("/requests/1/edit").status_code == 200 and bob.get("/requests/1/answer").status_code == 200
    assert 'name="policy" value="edge"' in bob.get("/requests/1/answer").text
    assert "<select" not in bob.get("/requests/1/answer").text.split("<form")[-1]
    assert client_of(Role.REQUESTER).get("/requests/1/edit").status_code == 403
    answer = bob.post("/requests/1/answer", data=form(act="answer", because="enough"))
    assert answer.status_code == 422 and "all that was asked for" in answer.text
    changed = ann.post("/requests/1/edit", data=form(act="submit", services="tcp/11372", version=look(store).version))
    assert changed.status_code == 303 and "approvals" not in ann.get("/requests/1").text.split('role="status"')[1][:200]
    ann.post("/requests/1/withdraw", data={"version": look(store).version})
    assert ann.get("/requests/1/edit").status_code == 409 and bob.get("/requests/1/answer").status_code == 409


def _token(store: Store) -> dict[str, str]:
    """Headers with a token of ann's."""
    with store.writing() as c:
        secret, _ = tokens.make(c, "ann", "test", (Grant(Role.REQUESTER, "edge/tenants"),), datetime.now(UTC))
    return {"Authorization": f"Bearer {secret}"}


def test_a_draft_is_its_authors(ann: Client, bob: Client, store: Store) -> None:
    """A draft can be changed and submitted by its author alone, and waits for nobody."""
    assert ann.post("/requests", data=form(act="draft")).status_code == 303
    assert "Nothing waits for you" in bob.get("/requests?box=waiting").text
    assert decide(bob, store, "submit").status_code == 403
    version = look(store).version
    assert ann.post("/requests/1/edit", data=form(services="portal", act="save", version=version)).status_code == 303
    assert look(store).wish.services == ("portal",) and look(store).state == "draft"
    assert decide(ann, store, "submit").status_code == 303 and look(store).state == "submitted"


def test_what_was_looked_at_is_what_is_approved(ann: Client, bob: Client, store: Store, folder: Path) -> None:
    """A page from before an edit approves nothing, with the old digest or the new one, and says to look again."""
    ann.post("/requests", data=form())
    old = look(store)
    ann.post("/requests/1/edit", data=form(services="tcp/11371, ssh", act="save", version=old.version))
    for changed in ({"digest": old.digest}, {"version": old.version}, {"digest": ""}):
        answer = decide(bob, store, "approve", **changed)
        assert answer.status_code == 412 and "look at it again" in answer.text.lower(), changed
    assert look(store).state == "submitted" and not (folder / "exceptions").exists()


def test_what_an_edit_changed_is_shown(ann: Client, client_of: Made) -> None:
    """The page of a request has each field that an edit changed with what it was, for its author and who sees the policy whole."""
    ann.post("/requests", data=form())
    assert "Edits" not in ann.get("/requests/1").text
    assert ann.post("/requests/1/edit", data=form(number=1, services="tcp/11372", act="save")).status_code == 303
    shown = ann.get("/requests/1").text
    assert 'services: <del class="quiet">tcp/11371</del> → <ins>tcp/11372</ins>' in shown
    assert "<ins>tcp/11372</ins>" in client_of("viewer").get("/requests/1").text
    tenant = client_of(None, name="carl", grants=(Grant(Role.VIEWER, "edge/tenants"),)).get("/requests/1")
    assert tenant.status_code == 200 and "<ins>" not in tenant.text


def test_small_pieces_are_shown_as_their_sum(client_of: Made) -> None:
    """Beside the form, over the API and on the page stands the severity of the sum; numbers of others' are not told."""
    dan = client_of(None, name="dan", grants=(Grant(Role.REQUESTER),))
    *first, last = ("20.0.0.0/10", "20.64.0.0/10", "20.128.0.0/10", "20.192.0.0/10")
    asked = {"destinations": "tenants", "services": "rdp"}
    for source in first:
        assert dan.post("/requests", data=form(sources=source, **asked)).status_code == 303
    whole = form(sources=last, **asked, act="check")
    assert "together with requests 1, 2, 3" in dan.post("/requests/check", data=whole).text
    body = {
        "policy": "edge",
        "from": [last],
        "to": ["tenants"],
        "services": ["rdp"],
        "because": "x",
        "owner": "ann",
        "until": UNTIL,
    }
    checked = dan.post("/api/v1/check", json=body).json()
    assert checked["severity"] == "high" and any("together with requests 1, 2, 3" in one for one in checked["why"])
    ann = client_of(None, name="ann", grants=(Grant(Role.REQUESTER, "edge/tenants"),))
    told = ann.post("/api/v1/check", json=body).json()
    assert told["severity"] == "high" and told["why"] and "together" not in str(told["why"])


def test_less_is_proposed_and_taken(ann: Client, bob: Client, store: Store) -> None:
    """An approver who may not ask can look at what less would mean, propose it, and its author takes it."""
    ann.post("/requests", data=form(services="tcp/11371, ssh"))
    page = bob.get("/requests/1/answer")
    assert page.status_code == 200 and "Propose less than request 1" in page.text
    less = form(number=1, version=look(store).version, because="ssh goes through the bastion")
    assert "to be decided" in bob.post("/requests/check", data={**less, "act": "check"}).text
    more = bob.post("/requests/1/answer", data={**less, "services": "tcp/11371, tcp/1", "act": "answer"})
    assert more.status_code == 422 and "not less" in more.text
    assert bob.post("/requests/1/answer", data={**less, "act": "answer"}).status_code == 303
    shown = ann.get("/requests/1").text
    assert "Proposed instead" in shown and "ssh goes through the bastion" in shown
    assert decide(ann, store, "accept").status_code == 303
    found = look(store)
    assert found.wish.services == ("tcp/11371",) and found.wish.because == "keys are fetched" and not found.answer


def test_another_tenants_requests_are_not_there(ann: Client, client_of: Made, store: Store, folder: Path) -> None:
    """Who holds no role for its zones finds no request, no exception, no row, no count of it, and cannot tell it from none."""
    ann.post("/requests", data=form(destinations="office", because="a secret of ours"))
    decide(client_of(Role.APPROVER), store, "approve")
    assert (folder / "exceptions/request-1.yaml").is_file()
    other = client_of(None, name="mel", grants=tuple(Grant(role, "edge/internet") for role in Role))
    missing = other.get("/requests/999")
    shown = other.get("/requests/1")
    assert shown.status_code == missing.status_code == 404
    strip = re.compile(r"<code[^>]*>.*?</code>|\d+")
    assert strip.sub("", shown.text) == strip.sub("", missing.text)
    for verb in ("edit", "answer"):
        assert other.get(f"/requests/1/{verb}").status_code == 404
        assert other.post(f"/requests/1/{verb}", data=form(act="save")).status_code == 404
    for verb in ("approve", "decline", "withdraw", "recertify", "review", "implement", "submit", "accept"):
        assert decide(other, store, verb).status_code == 404, verb
    assert (
        other.post("/requests/check", data=form(number=1, sources="internet", destinations="internet")).status_code
        == 200
    )
    for path in ("/requests", "/requests?q=secret", "/requests?format=csv", "/exceptions", "/exceptions?format=csv", "/log",
                 "/log?about=request+1", "/log?format=csv", "/log?q=secret", "/"):  # fmt: skip
        text = other.get(path).text
        assert "secret of ours" not in text and "request-1" not in text and "/requests/1" not in text, path
    viewer = client_of(Role.VIEWER)
    assert "secret of ours" in viewer.get("/requests").text and "request-1" in viewer.get("/exceptions").text


def test_nobody_decides_about_their_own_on_the_page(client_of: Made, store: Store) -> None:
    """With every role one still sees no button to approve one's own request, and is refused where one sends the form."""
    every = client_of(None, name="eve", grants=tuple(Grant(role) for role in Role))
    every.post("/requests", data=form())
    assert (
        "Approve exactly this" not in every.get("/requests/1").text
        and "Nothing waits" in every.get("/requests?box=waiting").text
    )
    for verb in ("approve", "decline"):
        assert decide(every, store, verb).status_code == 403
    assert look(store).state == "submitted"


def test_opened_without_asking_is_loud(client_of: Made, bob: Client, store: Store, folder: Path) -> None:
    """Whoever sees it is told, who decides is asked to look at it, also after its end, until one did."""
    from firewright.workflows.requests import glass, lapsing
    from tests.workflows.requests.world import World, wish

    world = World(folder, store, datetime.now(UTC).replace(microsecond=0))
    client_of(None, name="otto", grants=(Grant(Role.OPERATOR, "edge"),))
    with world.desk("otto") as desk:
        glass.break_glass(desk, wish(), 3600)
    for state in ("approved", "expired"):
        shown = bob.get("/requests/1").text
        assert "opened without asking" in shown and "I have looked at it" in shown and state in shown
        assert "/requests/1" in bob.get("/requests?box=waiting").text
        world.now += timedelta(hours=5)
        with world.desk("otto") as desk:
            lapsing.expire_due(desk)
    assert decide(bob, store, "review").status_code == 303
    assert (
        "opened without asking" not in bob.get("/requests/1").text
        and "Nothing waits" in bob.get("/requests?box=waiting").text
    )


def test_lists_are_files_that_spreadsheets_do_not_run(ann: Client, client_of: Made) -> None:
    """CSV has a row for each request, and no cell that begins a formula."""
    ann.post("/requests", data=form(because="=HYPERLINK(1)", ticket="@cmd", owner="+1"))
    rows = list(csv.reader(io.StringIO(client_of(Role.VIEWER).get("/requests?format=csv").text)))
    assert len(rows) == 2 and not [cell for cell in rows[1] if cell[:1] in "=@+-" and cell]
    assert any("HYPERLINK" in cell for cell in rows[1])


@pytest.mark.parametrize("query", [
    "box=nonsense", "state=nonsense", "after=99999", "q=%00", "policy=none", "q=" + "x" * 200, "format=xml", "q=%F0%9F%94%A5",
])  # fmt: skip
def test_odd_queries_are_answered(ann: Client, query: str) -> None:
    """Whatever stands in the address is answered with a page or with what is wrong with it."""
    assert ann.get(f"/requests?{query}").status_code in (200, 422)


def test_the_log_says_who_and_is_checked(ann: Client, bob: Client, client_of: Made, store: Store) -> None:
    """Each act is a row with who, what and why; it is narrowed, is a file, and is found whole."""
    ann.post("/requests", data=form())
    decide(bob, store, "approve", because="as agreed in CHG-7")
    viewer = client_of(Role.VIEWER)
    text = viewer.get("/log?about=request+1").text
    assert "request.submit" in text and "request.approve" in text and "as agreed in CHG-7" in text
    assert "request.submit" not in viewer.get("/log?act=request.approve").text
    assert "request.approve" in viewer.get("/log?format=csv").text
    assert "Every row is as it was written" in viewer.get("/log/verify").text
    with store.writing() as c:
        c.execute(text_of("UPDATE requests SET state = 'verified'"))
    whole, part = viewer.get("/log/verify").text, ann.get("/log/verify").text
    assert "What the log tells of was changed outside of it" in whole and "is verified, and row" in whole
    assert "1 request was changed outside of the log" in part and "is verified" not in part
    told = {one: client_of(Role.VIEWER).get("/api/v1/log/verify").json()[one] for one in ("tampering", "is_intact")}
    assert told == {"tampering": "request", "is_intact": False}


def test_a_tenants_exception_by_its_address_is_its_own(client_of: Made, store: Store, folder: Path) -> None:
    """An exception that names addresses of a zone is shown to who holds a role for this zone."""
    tenant = client_of(None, name="ann", grants=(Grant(Role.REQUESTER, "edge/tenants"),))
    assert tenant.post("/requests", data=form(sources="198.51.100.7")).status_code == 303
    decide(client_of(Role.APPROVER), store, "approve")
    assert "198.51.100.7" in tenant.get("/exceptions").text
    other = client_of(None, name="mel", grants=(Grant(Role.REQUESTER, "edge/office"),))
    assert "198.51.100.7" not in other.get("/exceptions").text
