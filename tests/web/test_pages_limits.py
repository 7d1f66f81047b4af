"""What strangers send is read in a process that can take neither time nor memory from the server, and says so where it would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import BoundedSemaphore, Timer

import pytest

from firewright.live.limited import Limits, Overrun, call
from firewright.model.account import Grant, Role
from firewright.source import Source
from firewright.web.problem import Problem
from firewright.web.routes import compare_uploads
from firewright.web.views.comparing import result
from firewright.workflows.compare_apart import compare_apart
from tests.web.conftest import Client

NOW = datetime(2026, 11, 21, tzinfo=UTC)
POLICY = "policy: p\nzones: {z: [10.0.0.0/8]}\nfirewalls: {e: {between: [internet, z]}}\nrules:\n"


@pytest.mark.parametrize(
    ("function", "told", "limits", "name", "words"),
    [
        ("time:sleep", 30, Limits(1), "too-large", "it takes longer than 1 s"),
        ("builtins:bytearray", 2**31, Limits(20, 2**29), "too-large", "it needs more than 512 MiB of memory"),
        ("builtins:int", "no number", Limits(20), "unreadable", "it ended with exit code 1"),
        ("builtins:set", [1], Limits(20), "unreadable", "it ended with exit code 1"),
        ("os:_exit", 0, Limits(20), "unreadable", "it gave no answer that can be understood"),
        ("os:_exit", 5, Limits(20), "unreadable", "it ended with exit code 5"),
        ("signal:raise_signal", 9, Limits(20), "too-large", "more memory than there is"),
        ("signal:raise_signal", 25, Limits(20), "too-large", "more comes out of it than is read"),
        ("signal:raise_signal", 11, Limits(20), "unreadable", "it ended with signal 11"),
    ],
)
def test_a_child_that_does_not_answer_is_said(
    function: str, told: object, limits: Limits, name: str, words: str
) -> None:
    """However a child ends without an answer, it is one sentence, and nothing of it reaches the server."""
    with pytest.raises(Overrun, match=words) as found:
        call(function, told, limits)
    assert found.value.name == name


def test_a_child_answers_from_an_empty_folder() -> None:
    """A child's answer is its function's, it stands in a folder in which nothing lies, and it sees nothing of our environment."""
    assert call("builtins:len", [1, 2, 3], Limits(20)) == 3
    assert call("os:listdir", ".", Limits(20)) == []
    assert call("os:getenv", "HOME", Limits(20)) is None


def test_a_comparison_that_takes_too_much_is_no_comparison() -> None:
    """What cannot be compared in time is said to be so with a way out, and is neither equivalent nor different."""
    rules = "".join(f"  - {{from: internet, to: z, allow: tcp/{number}}}\n" for number in range(1, 40_000))
    found = compare_apart(Source("a.yaml", POLICY + rules), Source("b.yaml", POLICY + rules), NOW, Limits(1))
    shown = result(found)
    assert found.tree is None and (shown.outcome, shown.tone) == ("not known", "denied")
    assert shown.complaints[0].message == "the comparison was given up: it takes longer than 1 s"
    assert "firewright compare" in shown.complaints[0].help


def test_nobody_waits_for_his_turn_in_a_thread_that_makes_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where as many are compared as may be, another one is told to come back before one of these ends."""
    slots = BoundedSemaphore(1)
    slots.acquire()
    monkeypatch.setattr(compare_uploads, "_AT_ONCE", slots)
    ending = Timer(3, slots.release)
    ending.start()
    try:
        with pytest.raises(Problem, match="others are comparing"):
            compare_uploads.compared(Source("a.yaml", POLICY), Source("b.yaml", POLICY), NOW)
    finally:
        ending.cancel()


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**63, 10**40])
def test_a_number_that_no_request_has_is_not_found(client_of: Callable[..., Client], number: int) -> None:
    """However large a number is, its request, its form and each act on it are not there, and no list breaks at it."""
    client = client_of(None, name="ann", grants=tuple(Grant(role) for role in Role))
    for path in (f"/requests/{number}", f"/requests/{number}/edit", f"/requests/{number}/answer"):
        assert client.get(path).status_code == 404
    for act in ("approve", "implement", "submit", "edit", "withdraw"):
        assert client.post(f"/requests/{number}/{act}", data={"act": "save"}).status_code in (404, 422)
    assert client.post(f"/account/tokens/{number}/end").status_code == 404
    for path in ("/log", "/requests", "/exceptions"):
        assert client.get(f"{path}?after={number}").status_code in (200, 422)


def test_names_of_uploads_are_no_paths() -> None:
    """An upload is called by the last part of its name alone, whatever signs stand in it."""
    one = Source("../../etc/<b>x\u202e.yaml", f"{POLICY}  - {{from: internet, to: z, allow: https}}\n")
    found = compare_apart(one, Source("", one.text), NOW)
    assert found.tree is not None or found.diagnostics
    shown = result(found)
    assert shown.before in ("before-b-x-.yaml", "") and "/" not in shown.before and shown.after in ("after", "")
