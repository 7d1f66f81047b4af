"""Any walk of several people through requests, with roles given and taken, rules changed, files broken, restarts and time."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from firewright.model.account import Grant, Role
from firewright.model.moment import ends, instant_of
from firewright.model.moment import parse as moment_from
from firewright.model.request import Request, State, Wish
from firewright.store import accounts, chain, log, requests
from firewright.store.database import Store, open_store
from firewright.store.heads import key_at, sign_head
from firewright.workflows.requests import acting, exceptions, glass, in_force, lapsing
from firewright.workflows.requests.acting import SYSTEM, Desk
from firewright.workflows.requests.refused import Refused
from tests.workflows.requests.world import APPROVALS, NOW, PEOPLE, POLICY, World, wish

GLASS = 4 * 3600
OTHER_RULES = "approve: {low: {count: 2}, medium: {count: 2, of: either}, high: {count: 3, of: either}}\n"
"""Two of anybody, of whatever zone."""
WHO = st.sampled_from(sorted(PEOPLE))
DECIDERS = st.sampled_from(["bob", "bob", "cas", "eve", "ann"])
GRANTS = st.sampled_from(
    [(), (), (Grant(Role.APPROVER),), (Grant(Role.APPROVER, "edge/tenants"),), (Grant(Role.REQUESTER),)]
)
WISHES = st.builds(
    wish,
    sources=st.sampled_from([("tenants",), ("tenants",), ("tenants",), ("198.51.100.7", "2001:db8:10::5")]),
    services=st.sampled_from([("tcp/11371",), ("tcp/11371",), ("ssh", "tcp/11371"), ("portal",), ("tcp/1688",)]),
    destinations=st.sampled_from([("internet",), ("internet",), ("office",)]),
    until=st.sampled_from(["2027-10-01", "2027-10-01", "2026-12-24", "2026-11-23T12:00", "2026-11-21"]),
    because=st.sampled_from(["keys", "a: 'b' # \"c\""]),
)


class Walk(RuleBasedStateMachine):
    """What people do, in any order; whoever may not is refused, and then nothing changed."""

    fresh: Callable[[], str]
    root: Path
    key: Ed25519PrivateKey

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        self.url = type(self).fresh()
        self.store = self._open()
        self.folder = self.root / f"case{len(list(self.root.iterdir()))}"
        self.folder.mkdir()
        os.chdir(self.folder)
        self.world = World(Path(), self.store)
        self.is_settled = False
        self.is_ticked = False

    def _open(self) -> Store:
        return self._opened.enter_context(closing(open_store(self.url)))

    def _all(self) -> tuple[Request, ...]:
        with self.store.reading() as c:
            return requests.listed(c, newest=False, limit=1000)

    def _do(self, name: str, act: object) -> None:
        """One act; a refusal leaves everything as it was."""
        before = self._all()
        try:
            with self.world.desk(name) as desk:
                act(desk)  # type: ignore[operator]
        except Refused:
            assert self._all() == before
            return
        self.is_settled = self.is_ticked = False

    @initialize(services=st.sampled_from([("portal",), ("tcp/11371",), ("rdp",)]))
    def begin(self, services: tuple[str, ...]) -> None:
        """Some things were asked for already, and one was opened without asking."""
        for name, what in (("ann", wish()), ("eve", wish(services=services, until="2027-10-01")), ("ann", wish())):
            self._do(name, lambda desk, what=what: acting.make(desk, what))
        self._do("otto", lambda desk: glass.break_glass(desk, wish(services=("ssh",))))

    @rule(name=st.sampled_from(["ann", "eve", "ann", "vera"]), what=WISHES, is_draft=st.booleans())
    def ask(self, name: str, what: Wish, is_draft: bool) -> None:
        """Somebody asks for something."""
        self._do(name, lambda desk: acting.make(desk, what, is_draft=is_draft))

    @rule(what=WISHES, seconds=st.sampled_from([None, 1, 60, 5400, 10**6]))
    def break_glass(self, what: Wish, seconds: int | None) -> None:
        """Somebody opens something without asking."""
        self._do("otto", lambda desk: glass.break_glass(desk, what, seconds))

    @rule(name=WHO, is_author=st.sampled_from([True, True, True, False]), which=st.integers(0, 5), what=WISHES,
          verb=st.sampled_from(["submit", "edit", "edit", "answer", "accept"]))  # fmt: skip
    def write(self, name: str, is_author: bool, which: int, what: Wish, verb: str) -> None:
        """Somebody, mostly the author, writes in a request."""
        number, author = self._some(which)
        who = author if is_author and verb != "answer" else name
        acts = {
            "submit": lambda desk: acting.submit(desk, number),
            "edit": lambda desk: acting.edit(desk, number, what),
            "answer": lambda desk: acting.answer(desk, number, what, "less will do"),
            "accept": lambda desk: acting.accept_answer(desk, number),
        }
        self._do(who, acts[verb])

    @rule(name=DECIDERS, which=st.integers(0, 5), is_stale=st.sampled_from([False, False, False, True]))
    def approve(self, name: str, which: int, is_stale: bool) -> None:
        """Somebody agrees to what is there, or to what was there once."""
        number, _ = self._some(which)
        self._approve(name, number, is_stale)

    @rule(which=st.integers(0, 5))
    def approve_all(self, which: int) -> None:
        """Everybody agrees to what is there."""
        number, _ = self._some(which)
        for name in ("bob", "cas", "eve"):
            self._approve(name, number, False)

    def _approve(self, name: str, number: int, is_stale: bool) -> None:
        with self.store.reading() as c:
            texts = [one.digest for one in requests.revisions(c, number)]
        digest = texts[0] if is_stale and texts else texts[-1] if texts else ""
        self._do(name, lambda desk: acting.approve(desk, number, digest))

    @rule(name=DECIDERS, which=st.integers(0, 5), verb=st.sampled_from(
        ["decline", "withdraw", "implement", "implement", "verify", "recertify", "review"]))  # fmt: skip
    def decide(self, name: str, which: int, verb: str) -> None:
        """Somebody does something else to a request."""
        number, author = self._some(which)
        who = author if verb == "withdraw" else "otto" if verb in ("implement", "verify") else name
        acts = {
            "decline": lambda desk: acting.decline(desk, number, "no"),
            "withdraw": lambda desk: acting.withdraw(desk, number),
            "implement": lambda desk: acting.implement(desk, number, {"host": "h"}),
            "verify": lambda desk: acting.verify(desk, number, {"probe": "p"}),
            "recertify": lambda desk: acting.recertify(desk, number, "still"),
            "review": lambda desk: acting.review(desk, number, "seen"),
        }
        self._do(who, acts[verb])

    @rule(name=st.sampled_from(["bob", "cas", "eve"]), grants=GRANTS, is_active=st.sampled_from([True, True, False]))
    def change_role(self, name: str, grants: tuple[Grant, ...], is_active: bool) -> None:
        """Somebody gets other roles, or may not come in."""
        self.world.account(name, grants=grants, is_active=is_active)
        self.is_ticked = False

    @rule()
    def restore_roles(self) -> None:
        """Everybody has the roles that they began with."""
        for name, grants in PEOPLE.items():
            self.world.account(name, grants=grants, is_active=True)
        self.is_ticked = False

    @rule(text=st.sampled_from([APPROVALS, OTHER_RULES, APPROVALS, "approve: ["]))
    def change_rules(self, text: str) -> None:
        """Who decides is another matter, or cannot be read."""
        self.world.write("approvals.yaml", text)
        self.is_ticked = False

    @rule(text=st.sampled_from([POLICY, POLICY, POLICY, POLICY.replace("zones:", "zonse:")]))
    def change_policy(self, text: str) -> None:
        """The policy is broken for a while, or mended."""
        self.world.write("edge.yaml", text)
        self.is_ticked = False

    @rule(hours=st.sampled_from([0.5, 0.5, 3, 20, 24 * 40]))
    def wait(self, hours: float) -> None:
        """Time goes by."""
        self.world.now += timedelta(hours=hours)
        self.is_ticked = False

    @rule()
    def restart(self) -> None:
        """The program ends, and another one begins."""
        self._opened.close()
        self._opened = ExitStack()
        self.store = self.world.store = self._open()

    @rule()
    def tick(self) -> None:
        """What time does is done, and files are put in order."""
        with self.store.writing() as c:
            desk = Desk(c, self.world.estate, SYSTEM, self.world.now)
            lapsing.expire_due(desk)
            lapsing.lapse_lost_roles(desk)
            exceptions.remind(desk)
        self.is_ticked = True
        self.settle()

    @rule()
    def settle(self) -> None:
        """Files are put in order."""
        done = exceptions.settle(self.store, self.world.estate, self.world.now)
        assert not done.troubles
        self.is_settled = True

    @invariant()
    def nobody_approves_their_own(self) -> None:
        """No approval, old or new, is its request's author's."""
        for one in self._all():
            assert one.author not in {approval.account for approval in one.approvals}

    @invariant()
    def every_change_has_one_row(self) -> None:
        """The log has as many rows about a request as it had changes."""
        with self.store.reading() as c:
            for one in self._all():
                assert len(log.rows(c, about=f"request {one.number}", limit=1000)) == one.version - 1

    @invariant()
    def break_glass_ends_in_time(self) -> None:
        """What was opened without asking ends within its limit, whatever was done to it."""
        for one in self._all():
            if one.is_break_glass:
                end = instant_of(ends(moment_from(one.wish.until)), "UTC")
                assert one.made.timestamp() < end <= one.made.timestamp() + GLASS

    @invariant()
    def what_may_be_applied_is_approved(self) -> None:
        """Whatever may be applied was agreed to as it is by enough people who may still decide; after a tick all of the approved."""
        with self.store.reading() as c:
            desk = Desk(c, self.world.estate, SYSTEM, self.world.now)
            rules = desk.estate.rules
            for one in self._all():
                if one.state is not State.APPROVED or one.is_break_glass:
                    continue
                may = not in_force.standing_reason(desk, one)
                if may:
                    assert len(_deciders(c, one, rules is not None and "owners" in _text())) >= 1
                    assert all(approval.digest == one.digest for approval in one.standing)
                if self.is_ticked and "edge" in desk.estate.policies and not rules.is_broken:
                    assert may, one
                    givers = {approval.account for approval in one.standing}
                    assert givers == _deciders(c, one, "owners" in _text())

    @precondition(lambda self: self.is_settled)
    @invariant()
    def files_are_as_the_requests_say(self) -> None:
        """The folder has the text of each request in force, to the byte, and of others only those that have ended."""
        there = {path.as_posix(): path.read_bytes().decode() for path in Path("exceptions").glob("*")}
        for one in self._all():
            found = there.pop(one.path, None)
            if one.state.has_exception:
                assert found == one.text
            else:
                assert found is None or (one.state is State.EXPIRED and found == one.text)
        assert not there
        if not self.world.estate.report.has_errors():
            ruled = {rule.at.path for policy in self.world.estate.policies.values() for rule in policy.rules}
            assert ruled >= {one.path for one in self._all() if one.state.has_exception}

    def teardown(self) -> None:
        """At the end the log is one chain."""
        with self.store.reading() as c:
            head = sign_head(self.key, log.head(c), NOW)
            assert chain.verify(log.stream(c), [head], self.key.public_key()).is_intact
        self._opened.close()

    def _some(self, which: int) -> tuple[int, str]:
        found = self._all()
        if not found:
            return 10**6, "ann"
        one = found[-1 - which % len(found)]
        return one.number, one.author


def _text() -> str:
    return Path("approvals.yaml").read_text()


def _deciders(c: object, one: Request, has_owners: bool) -> set[str]:
    """Those whose agreement to this text counts now, by a reading of its own: approvers of an end, named where owners are."""
    zones = {"tenants", "office"} & {*one.wish.sources, *one.wish.destinations}
    zones |= {"tenants"} if {"198.51.100.7", "2001:db8:10::5"} & set(one.wish.sources) else set()
    zones |= {"internet"} if not {"office"} & set(one.wish.destinations) else set()
    owners = {"tenants": {"bob", "eve"}, "office": {"cas", "eve"}} if has_owners else {}
    found = set()
    for approval in one.approvals:
        account = accounts.find(c, approval.account)  # type: ignore[arg-type]
        if approval.voided or approval.digest != one.digest or account is None or not account.is_active:
            continue
        for zone in zones:
            held = any(
                grant.role is Role.APPROVER and grant.scope in ("*", "edge", f"edge/{zone}") for grant in account.grants
            )
            if held and (zone not in owners or account.name in owners[zone]):
                found.add(account.name)
    return found - {one.author}


def test_any_walk_keeps_what_was_promised(fresh: Callable[[], str], tmp_path: Path) -> None:
    """Whatever people do in whatever order: nobody decides about their own, files and log follow, nothing unapproved may be applied."""
    root = tmp_path / "cases"
    root.mkdir()
    here = Path.cwd()
    machine = type("Walked", (Walk,), {"fresh": staticmethod(fresh), "root": root, "key": key_at(tmp_path / "key")})
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=int(os.environ.get("FIREWRIGHT_WALKS", "6")), stateful_step_count=40, deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
    finally:
        os.chdir(here)
