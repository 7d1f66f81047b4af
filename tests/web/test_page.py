"""The frame of pages: paths that stay here, numbers and moments as people read them, the header's entries, the estate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from firewright.model.account import Actor, Grant, Role
from firewright.web.app import environment
from firewright.web.estate import Estates, Once
from firewright.web.nav import Nav, entries, is_current, shown
from firewright.web.page import count, day, moment, plural, safe_path
from tests.web.conftest import Client

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SLYLY = st.text(st.sampled_from("/\\.:@?#%\t\n\r aé\u2028javscript"), max_size=12)


@given(st.one_of(SLYLY, st.text(max_size=12), SLYLY.map("/".__add__), SLYLY.map("https:".__add__)))
def test_a_safe_path_stays_on_the_site(asked: str) -> None:
    """Law: whatever is asked for, the path that is used leads to the same host, as Python and as browsers read URLs."""
    path = safe_path(asked)
    as_browsers = "".join(one for one in path if one not in "\t\n\r").replace("\\", "/").strip()
    for read in (path, as_browsers):
        assert urlsplit(urljoin("https://here.example/x", read)).netloc == "here.example"
    assert path.startswith("/") and path.isprintable()


@pytest.mark.parametrize("path", ["/", "/requests/7", "/ask?from=a&to=b#there", "/a//b", "/ports/tcp%2F443"])
def test_a_path_of_ours_is_kept(path: str) -> None:
    """What leads to a page of ours is not changed."""
    assert safe_path(path) == path


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"), (999, "999"), (1000, "1\u202f000"), (2**32, "4\u202f294\u202f967\u202f296"), (10**15 - 1, "\u202f".join(["999"] * 5)),
        (10**15, "1.0×10¹⁵"), (2**64, "1.8×10¹⁹"), (2**128, "3.4×10³⁸"),
    ],
)  # fmt: skip
def test_numbers_are_said_as_people_read_them(number: int, said: str) -> None:
    """Groups of three that do not break, and powers of ten where nobody counts digits."""
    assert count(number) == said


def test_moments_and_nouns() -> None:
    """A moment is in UTC with its exact time for programs, a day a day, nothing is `never`, and one is not many."""
    at = datetime(2026, 11, 21, 19, 30, tzinfo=timezone(timedelta(hours=1)))
    assert moment(at) == '<time datetime="2026-11-21T18:30:00+00:00">2026-11-21 18:30 UTC</time>'
    assert (moment(None), day(None, "not yet")) == ("never", "not yet")
    assert day(date(2027, 3, 31)) == '<time datetime="2027-03-31">2027-03-31</time>'
    assert (plural(1, "rule"), plural(2, "rule"), plural(0, "policy", "policies")) == (
        "1 rule",
        "2 rules",
        "0 policies",
    )


def test_a_template_that_asks_for_what_nobody_passed_is_a_fault() -> None:
    """A name that is missing is never an empty place on a page."""
    with pytest.raises(UndefinedError):
        environment().from_string("{{ missing }}").render()


def test_every_template_can_be_read() -> None:
    """No template is broken, none refers to a file that is not there."""
    made = environment()
    for name in made.list_templates():
        made.get_template(name)


def test_the_header_shows_what_somebody_may_open(client_of: Any, client: Client) -> None:
    """Each entry leads to a page that its reader gets, the current one is marked, and nobody sees none."""
    assert "<nav" not in client.get("/login").text
    found = entries()
    assert len({one.order for one in found}) == len(found) and len({one.path for one in found}) == len(found)
    viewer = client_of("viewer")
    for entry in shown(found, Actor("vera", (Grant(Role.VIEWER),))):
        answer = viewer.get(entry.path)
        assert answer.status_code == 200, entry
        marked = f'<a href="{entry.path}" aria-current="page">{entry.label}</a>'
        assert answer.text.count(marked) == 2, entry  # once for wide screens, once for narrow ones


def test_an_entry_is_current_for_what_lies_under_it() -> None:
    """A page below an entry marks it; one that only begins alike does not, and the overview is itself alone."""
    ports = Nav(1, "Ports", "/ports")
    assert is_current(ports, "/ports") and is_current(ports, "/ports/tcp") and not is_current(ports, "/portsmouth")
    assert not is_current(Nav(0, "Overview", "/"), "/ports")


def test_something_is_reckoned_once_however_many_ask() -> None:
    """Eight threads at the same time get the same value, which was made once; a failure reaches all and is not kept."""
    made: list[int] = []
    kept, start = Once(), Barrier(8)

    def ask(_: int) -> object:
        start.wait()
        return kept.get("key", lambda: made.append(1) or object())  # type: ignore[func-returns-value]

    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(ask, range(8)))
    assert len(values) == 1 and len(made) == 1
    with pytest.raises(ZeroDivisionError):
        kept.get("other", lambda: 1 // 0)
    assert kept.get("other", lambda: 7) == 7


def test_what_is_unused_for_longest_is_forgotten() -> None:
    """No more than so many values are kept, and those that were asked for last stay."""
    kept, made = Once(2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, lambda key=key: made.append(key))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


def test_policies_are_read_again_when_a_file_changes(folder: Path) -> None:
    """The same value as long as nothing is written, another after that, and broken policies are named, not a fault."""
    estates = Estates(folder)
    before = estates.at(NOW)
    assert estates.at(NOW).digest == before.digest and estates.at(NOW).policies is before.policies
    assert "tenant-a-edge" in before.policies
    path = folder / "tenant-edge.yaml"
    path.write_text(path.read_text().replace("because: the public service", "because: what all may see"))
    after = estates.at(NOW)
    assert after.digest != before.digest and "tenant-a-edge" in after.policies
    path.write_text("policy: tenant-a-edge\nrules: [")
    assert "tenant-a-edge" not in estates.at(NOW).policies and estates.at(NOW).broken == ("tenant-edge.yaml",)


def test_the_day_is_the_one_of_the_question_not_of_the_reading(folder: Path) -> None:
    """Policies that were read yesterday are asked about today."""
    estates = Estates(folder)
    later = NOW + timedelta(days=40)
    policy = estates.at(NOW).policies["tenant-a-edge"]
    assert estates.at(NOW).day_of(policy) == date(2026, 11, 21)
    assert estates.at(later).day_of(policy) == date(2026, 12, 31)
