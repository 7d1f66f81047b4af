"""In which order hosts are changed: laws of the schedule, whatever the fleet."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.diagnostic import Report
from firewright.workflows.schedule import batches, canaries_of, limited, size_of

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,4}", fullmatch=True), min_size=1, max_size=40, unique=True)
HOSTS = ("web1", "web2", "web3", "db1", "db2")
GROUPS = {"web": ("web1", "web2", "web3"), "db": ("db1", "db2")}


@given(NAMES, st.data())
def test_every_host_stands_in_one_batch(hosts: list[str], data: st.DataObject) -> None:
    """Law: every host is in exactly one batch, the canaries are the first one, alone, and no other is larger than its size."""
    canaries = data.draw(st.lists(st.sampled_from(hosts), unique=True, max_size=4))
    size = data.draw(st.integers(1, 50))
    plan = batches(hosts, canaries, size)
    assert sorted(name for batch in plan for name in batch) == sorted(hosts)
    assert all(plan)
    if canaries:
        assert plan[0] == tuple(canaries)
    rest = plan[1:] if canaries else plan
    assert all(len(batch) == size for batch in rest[:-1])
    assert all(len(batch) <= size for batch in rest)
    others = [name for name in hosts if name not in canaries]
    assert [name for batch in rest for name in batch] == others


@given(st.integers(1, 5000), st.integers(1, 100))
def test_a_share_is_at_least_one_host_and_never_more_than_it_says(count: int, share: int) -> None:
    """A share of the hosts is rounded down, but never to none."""
    size = size_of(f"{share}%", count)
    assert size >= 1
    assert size == 1 or size * 100 <= share * count < (size + 1) * 100


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "ten", "1.5", "%", "٣"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """What is neither a number above 0 nor a share up to 100% is no size of a batch."""
    with pytest.raises(ValueError) as refused:
        size_of(text, 10)
    assert refused.value.args == (text,)


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), HOSTS),
        (("all",), HOSTS),
        (("web",), ("web1", "web2", "web3")),
        (("web*,!web2",), ("web1", "web3")),
        (("db", "web1"), ("web1", "db1", "db2")),
        (("!db",), ("web1", "web2", "web3")),
        (("?b1",), ("db1",)),
    ],
)
def test_patterns_leave_hosts_in_their_order(patterns: Sequence[str], left: Sequence[str]) -> None:
    """Names and groups with * and ? choose, those behind ! leave out, and the order is the inventory's."""
    report = Report()
    assert limited(HOSTS, GROUPS, patterns, report) == left
    assert not report.diagnostics


@pytest.mark.parametrize("pattern", ["wbe1", "nobody*", "!wbe1", "web1,!web1"])
def test_a_pattern_that_fits_nobody_is_an_error(pattern: str) -> None:
    """No host is left out, and none is taken, because of a misspelt name."""
    report = Report()
    limited(HOSTS, GROUPS, (pattern,), report)
    assert [one.name for one in report.diagnostics] == ["unknown-host"]
    assert report.diagnostics[0].help


def test_the_canary_is_a_host_or_the_first_so_many() -> None:
    """A canary is named, or counted; one that is none of the hosts is an error with the nearest name."""
    report = Report()
    assert canaries_of("web2", HOSTS, report) == ("web2",)
    assert canaries_of("2", HOSTS, report) == ("web1", "web2")
    assert canaries_of("0", HOSTS, report) == ()
    assert not report.diagnostics
    assert canaries_of("wbe2", HOSTS, report) == ()
    assert report.diagnostics[0].help == "did you mean web2?"
