"""Any walk through the states, in the store and in memory side by side."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from firewright.model.request import Act, Approval, Request, State, acts_of, next_state
from firewright.store import log, requests
from firewright.store.chain import verify
from firewright.store.database import Store, open_store
from firewright.store.heads import key_at, sign_head
from tests.store.made import NOW, entry, later, request, wish


class Walk(RuleBasedStateMachine):
    """Requests in the store beside a model of them: a mapping from numbers to values, and a list of what was logged."""

    numbers: Bundle[int] = Bundle("numbers")
    store: Store
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[int, Request] = {}
        self.old: dict[int, Request] = {}
        self.kept_revisions: dict[int, int] = {}
        with self.store.reading() as c:
            self.logged = log.head(c).number
            self.before = len(requests.listed(c, limit=1000))
        self.acts = 0

    @rule(target=numbers, ticket=st.text("abc", max_size=5))
    def ask(self, ticket: str) -> int:
        """A new request, and its row of the log, in one transaction."""
        with self.store.writing() as c:
            kept = requests.add(c, request(wish=wish(ticket=ticket)))
            log.append(c, entry(kept.number))
        self.acts += 1
        self.model[kept.number] = kept
        self.kept_revisions[kept.number] = 1
        return kept.number

    @rule(number=numbers, act=st.sampled_from(Act), who=st.sampled_from(["bob", "cas"]))
    def act(self, number: int, act: Act, who: str) -> None:
        """An act that the state permits is kept with its row; one that it does not permit changes nothing."""
        with self.store.writing() as c:
            found = requests.find(c, number)
            assert found == self.model[number]
            state = next_state(found.state, act)
            assert (state is not None) == (act in acts_of(found.state))
            if state is None:
                return
            changed = _acted(found, act, state, who, self.acts)
            assert requests.put(c, changed, found.version)
            log.append(c, entry(number, act=act.value))
        self.acts += 1
        self.kept_revisions[number] += act is Act.EDIT
        self.old[number], self.model[number] = self.model[number], changed

    @rule(number=numbers)
    def act_late(self, number: int) -> None:
        """Who read the request before the last change is told so, and changes nothing."""
        if number in self.old:
            stale = self.old[number]
            with self.store.writing() as c:
                assert not requests.put(c, replace(stale, version=stale.version + 1, said="late"), stale.version)

    @rule(number=numbers)
    def fail(self, number: int) -> None:
        """What goes wrong in the middle leaves neither the change nor its row."""
        found = self.model[number]
        with pytest.raises(KeyError), self.store.writing() as c:
            assert requests.put(c, replace(found, version=found.version + 1, state=State.VERIFIED), found.version)
            log.append(c, entry(number))
            raise KeyError

    @invariant()
    def is_as_modelled(self) -> None:
        """The store has exactly the requests of the model, in their states, and a row of the log for each act."""
        with self.store.reading() as c:
            found = {one.number: one for one in requests.listed(c, limit=1000) if one.number in self.model}
            assert found == self.model
            for state in State:
                expected = sorted((n for n, one in self.model.items() if one.state is state), reverse=True)
                listed = requests.listed(c, states=[state], limit=1000)
                assert [one.number for one in listed if one.number in self.model] == expected
            assert log.head(c).number == self.logged + self.acts

    def teardown(self) -> None:
        """At the end each revision is there, and the log is one chain."""
        key = key_at(self.folder / "key")
        with self.store.reading() as c:
            head = sign_head(key, log.head(c), NOW)
            assert verify(log.stream(c), [head], key.public_key()).is_intact
            for number, count in self.kept_revisions.items():
                assert len(requests.revisions(c, number)) == count


def _acted(found: Request, act: Act, state: State, who: str, nth: int) -> Request:
    """A request after an act, as who decides would change it."""
    changed = replace(found, version=found.version + 1, state=state, changed=later(minutes=nth))
    if act is Act.EDIT:
        voided = tuple(replace(one, voided=one.voided or "edited") for one in found.approvals)
        return replace(changed, revision=found.revision + 1, text=f"text {nth}", approvals=voided)
    if act in (Act.AGREE, Act.APPROVE):
        approval = Approval(who, "tenants", found.digest, later(minutes=nth), "fine")
        return replace(changed, approvals=(*found.approvals, approval))
    if act is Act.LAPSE:
        return replace(changed, approvals=tuple(replace(one, voided="role lost") for one in found.approvals))
    if act is Act.ANSWER:
        return replace(changed, answer=wish(sources=("office",)))
    return changed


def test_any_walk_is_the_same_in_the_store_and_in_memory(ready: str, tmp_path: Path) -> None:
    """After any acts, in any order, late ones and failing ones too, the store is as a mapping in memory would be."""
    with ExitStack() as stack:
        opened = stack.enter_context(closing(open_store(ready)))
        machine = type("Walked", (Walk,), {"store": opened, "folder": tmp_path})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=6,
                stateful_step_count=16,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
            ),
        )
        with opened.reading() as c:
            assert log.head(c).number
