"""What pages show while the files change: never a mixture, never for long, and at once where it is quickly reckoned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import httpx
import pytest
from fastapi import FastAPI

from firewright.web import estate as states
from firewright.web.estate import Estates, Once, memory_key
from firewright.workflows.requests.estate import Estate

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = "policy: edge\nzones:\n  a: 192.0.2.0/24\nfirewalls:\n  core: {between: [internet, a]}\nrules:\n"
RULE = "  - {from: internet, to: a, allow: https}\n"


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A folder with one policy of one rule."""
    (tmp_path / "edge.yaml").write_text(TEXT + RULE)
    return tmp_path


def rules(estate: Estate) -> int:
    """How many rules its policy has."""
    return len(estate.policies["edge"].rules)


def more(folder: Path) -> None:
    """One rule more."""
    path = folder / "edge.yaml"
    path.write_text(path.read_text() + RULE.replace("https", f"tcp/{path.stat().st_size}"))


def test_a_small_folder_is_shown_as_it_is(policies: Path) -> None:
    """Where little is to be reckoned, the first who asks after a change sees it."""
    estates = Estates(policies)
    for count in (1, 2, 3):
        assert rules(estates.settled(NOW)) == count == rules(estates.at(NOW))
        more(policies)


def test_a_large_one_is_shown_as_it_was_until_it_is_reckoned(policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it takes long, everybody sees the state before as a whole, acts see the new one, and later everybody does."""
    monkeypatch.setattr(states, "_SOON", -1.0)
    monkeypatch.setattr(states, "_REST", 0)
    go_on, is_done = Event(), Event()
    seen: list[int] = []

    def slowly(estate: Estate) -> int:
        if rules(estate) > 1:
            assert go_on.wait(30)
        seen.append(rules(estate))
        return rules(estate)

    estates = Estates(policies)
    estates.make_ahead("slow", slowly)
    assert rules(estates.settled(NOW)) == 1
    forget = estates.views.forget_but

    def forgetting(digest: str) -> None:
        forget(digest)
        is_done.set()

    monkeypatch.setattr(estates.views, "forget_but", forgetting)
    more(policies)
    assert [rules(estates.settled(NOW)) for _ in range(5)] == [1] * 5
    assert rules(estates.at(NOW)) == 2 and seen == [1]
    go_on.set()
    assert is_done.wait(30)
    now = estates.settled(NOW)
    assert rules(now) == 2 and seen == [1, 2]
    assert estates.memory.get(memory_key(now, "slow"), lambda: 0) == 2


def test_what_is_of_another_state_is_forgotten() -> None:
    """Results of former states are not kept, so that memory does not grow with changes."""
    kept = Once()
    for digest in ("old", "new"):
        kept.get((digest, (), "a"), lambda: 1)
    kept.forget_but("new")
    assert kept.get(("new", (), "a"), lambda: 2) == 1
    assert kept.get(("old", (), "a"), lambda: 3) == 3


def test_what_cannot_be_made_ahead_stops_nothing(policies: Path) -> None:
    """A failure of what is made ahead is whoever's who asks for it; the state is shown all the same."""
    estates = Estates(policies)
    estates.make_ahead("broken", lambda estate: rules(estate) // 0)
    estates.settled(NOW)
    more(policies)
    assert rules(estates.settled(NOW)) == 2


def test_a_page_says_that_it_shows_what_was(
    client_of: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of the state before says so and since when, and one of the present says nothing."""
    client = client_of("viewer")
    assert "being reckoned" not in client.get("/zones").text
    monkeypatch.setattr(Estates, "settled", lambda self, now: self.at(now - timedelta(hours=3)))
    page = client.get("/zones")
    assert page.status_code == 200 and "being reckoned" in page.text


@pytest.mark.parametrize("path", ["/zones?zone=nothing-{}", "/ports/tcp/{}"])
def test_what_somebody_asks_for_pushes_out_nothing_dear(
    app: FastAPI, client_of: Callable[..., httpx.Client], path: str
) -> None:
    """However many words and ports are asked for, what took long to reckon for all is kept."""
    client, estates = client_of("viewer"), app.state.running.estates
    assert client.get("/zones").status_code == 200
    dear = set(estates.memory._made)
    estates.memory._kept = len(dear)
    for number in range(1, 6):
        assert client.get(path.format(number)).status_code == 200
    assert dear and dear <= set(estates.memory._made)


def test_readers_see_at_once_what_is_put_in_place(policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However lately the files were looked at, a reader sees a policy that was written into, and an exception put in place or removed."""
    monkeypatch.setattr(states, "_LOOKED", 1e9)
    estates = Estates(policies)
    assert rules(estates.at(NOW, is_exact=False)) == 1
    more(policies)
    assert rules(estates.at(NOW, is_exact=False)) == 2
    (policies / "exceptions").mkdir()
    exception = policies / "exceptions" / "one.yaml"
    exception.write_text(
        "policy: edge\nrules:\n  - {from: a, to: internet, allow: tcp/9, because: x, owner: y, until: 2030-01-01}\n"
    )
    assert rules(estates.at(NOW, is_exact=False)) == 3
    exception.unlink()
    assert rules(estates.at(NOW, is_exact=False)) == 2


def test_what_is_written_into_an_exception_is_seen_soon_by_readers_and_at_once_by_acts(
    policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody writes into changes no folder: acts look at it, readers when the last look is long enough ago."""
    monkeypatch.setattr(states, "_LOOKED", 1e9)
    (policies / "exceptions").mkdir()
    exception = policies / "exceptions" / "one.yaml"
    text = "policy: edge\nrules:\n  - {from: a, to: internet, allow: tcp/9, because: x, owner: y, until: 2030-01-01}\n"
    exception.write_text(text)
    estates = Estates(policies)
    assert rules(estates.at(NOW, is_exact=False)) == 2
    exception.write_text(text + text.splitlines()[-1].replace("tcp/9", "tcp/10") + "\n")
    assert rules(estates.at(NOW, is_exact=False)) == 2
    assert rules(estates.at(NOW)) == 3
    monkeypatch.setattr(states, "_LOOKED", -1.0)
    assert rules(estates.at(NOW, is_exact=False)) == 3


def test_a_large_state_is_shown_a_while_however_often_files_change(
    policies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a state that took long the next is begun when it has been shown three times as long, so that pages have the processor."""
    monkeypatch.setattr(states, "_SOON", -1.0)
    monkeypatch.setattr(states, "_REST", 1e9)
    estates = Estates(policies)
    estates.settled(NOW)
    more(policies)
    assert rules(estates.settled(NOW)) == rules(estates.settled(NOW)) == 1
    assert rules(estates.at(NOW)) == 2
