"""Moments on the clocks of a time zone are the instants that those clocks show, where summer time begins and ends too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firewright.analysis.path import day_of, intervals, stretches
from firewright.model.moment import (
    begins,
    ended,
    ends,
    exact,
    instant_of,
    is_shown,
    is_shown_twice,
    iso,
    last_of,
    moment_of,
    parse,
    present,
)
from firewright.model.policy import Firewall, Rule, Verb
from tests.policies import INNER, OTHER, policy, rule, zones

CHANGES = (
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2027, 10, 31)),
    ("America/St_Johns", date(2006, 10, 29)),  # back over midnight, at 00:01
    ("America/Havana", date(2027, 3, 14)),  # midnight is skipped
    ("America/Havana", date(2027, 11, 7)),  # midnight is shown twice
    ("Asia/Beirut", date(2024, 3, 31)),
    ("Australia/Lord_Howe", date(2027, 4, 4)),  # half an hour
    ("Pacific/Apia", date(2011, 12, 30)),  # a whole day is skipped
    ("Asia/Tokyo", date(2027, 1, 1)),
    ("UTC", date(2027, 1, 1)),
)
"""Time zones and days on which their clocks change, or do not."""
_MINUTES = range(-2 * 1440, 2 * 1440 + 1)


@lru_cache
def readings(zone: str, day: date) -> tuple[tuple[int, datetime], ...]:
    """What clocks show in each minute around a day: instants, in their order, and the reading at each."""
    middle = int(datetime.combine(day, time(12), UTC).timestamp())
    found = []
    for minute in _MINUTES:
        instant = middle + 60 * minute
        found.append((instant, datetime.fromtimestamp(instant, ZoneInfo(zone)).replace(tzinfo=None)))
    return tuple(found)


@lru_cache
def first_showing(zone: str, day: date, clock: datetime) -> int:
    """The first of these instants at which the reading is that or later, looked for one by one."""
    return next(instant for instant, shown in readings(zone, day) if shown >= clock)


def times(day: date) -> st.SearchStrategy[datetime]:
    """Minutes of the day and those beside it, more often of the hours in which clocks change."""
    minutes = st.integers(-720, 2160) | st.integers(-61, 181)
    return minutes.map(lambda minute: datetime.combine(day, time()) + timedelta(minutes=minute))


def untils(day: date) -> st.SearchStrategy[date]:
    """Ends as people write them."""
    return times(day) | st.integers(-1, 0).map(lambda days: day + timedelta(days=days))


@st.composite
def settings(draw: st.DrawFn) -> tuple[str, date, list[date], int]:
    """A time zone, a day on which it may change, ends of permissions as the reader leaves them, and an instant."""
    zone, day = draw(st.sampled_from(CHANGES))
    written = draw(st.lists(untils(day), min_size=1, max_size=6))
    exactly = [last_of(one, zone) if isinstance(one, datetime) else one for one in written]
    instant = draw(st.sampled_from(readings(zone, day)[1440:-1440]))[0]
    return zone, day, exactly, instant


@given(st.sampled_from(CHANGES).flatmap(lambda pair: st.tuples(st.just(pair), times(pair[1]))))
def test_a_moment_begins_when_clocks_first_show_it_or_a_later_one(drawn: tuple[tuple[str, date], datetime]) -> None:
    """Law: the instant of a time is the first at which the clock is there or past it, whether it is shown never, once or twice."""
    (zone, day), clock = drawn
    assert instant_of(clock, zone) == first_showing(zone, day, clock)
    shown = [reading for _, reading in readings(zone, day)].count(clock)
    assert (is_shown(clock, zone), is_shown_twice(clock, zone)) == (shown > 0, shown > 1)
    moment = exact(clock, zone)
    assert instant_of(moment, zone) == instant_of(clock, zone)
    assert isinstance(moment, datetime) == (instant_of(moment, zone) != instant_of(begins(moment).date(), zone))
    assert instant_of(ends(last_of(clock, zone)), zone) == instant_of(clock, zone)


@given(settings())
def test_what_is_over_now_is_over_at_the_beginning_of_now(drawn: tuple[str, date, list[date], int]) -> None:
    """Law: a permission has a say at what `present` gives exactly if its end has not passed, to the minute and in every zone."""
    zone, day, untils, instant = drawn
    now = datetime.fromtimestamp(instant, UTC)
    moment = present(now, untils, zone)
    assert instant_of(moment, zone) <= instant
    for until in untils:
        permission = rule(1, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=until)
        assert permission.is_active(moment) == (instant < first_showing(zone, day, ends(until)))


@given(settings())
def test_each_interval_holds_what_its_beginning_says(drawn: tuple[str, date, list[date], int]) -> None:
    """Law: at every instant from a start on, the rules that have a say are those of the last interval that has begun."""
    zone, day, untils, instant = drawn
    rules = [rule(line, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=until) for line, until in enumerate(untils, 1)]
    found = replace(policy(zones(INNER, OTHER), [Firewall("edge", (INNER, OTHER))], rules), timezone=zone)
    start = present(datetime.fromtimestamp(instant, UTC), untils, zone)
    stretches = intervals(found, start)
    beginnings = [instant_of(one, zone) for one in stretches]
    assert beginnings == sorted(beginnings)
    assert all(isinstance(one, datetime) == (begins(one).time() != time()) for one in stretches)
    for later, _ in readings(zone, day)[::31]:
        if later >= instant:
            holding = [one for one, begin in zip(stretches, beginnings, strict=True) if begin <= later][-1]
            assert [one.is_active(holding) for one in rules] == list(_by_instants(zone, day, rules, later))


@given(st.sampled_from(("Europe/London", "Asia/Tokyo", "America/Havana")), settings())
def test_stretches_of_a_path_are_instants_of_all_authorities(
    other: str, drawn: tuple[str, date, list[date], int]
) -> None:
    """Law: at every instant from now on each authority on the path is asked as of its own clock, whatever their time zones."""
    zone, day, untils, instant = drawn
    rules = [rule(line, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=until) for line, until in enumerate(untils, 1)]
    outer = replace(policy(zones(INNER, OTHER), [Firewall("edge", (INNER, OTHER))], rules[::2]), timezone=zone)
    inner = replace(policy(zones(INNER, OTHER), [Firewall("edge", (INNER, OTHER))], rules[1::2], outer), timezone=other)
    now = datetime.fromtimestamp(instant, UTC)
    found = list(
        stretches(inner, lambda one: present(now, [rule.until for rule in one.rules if rule.until], one.timezone))
    )
    beginnings = [max(instant_of(day_of(when, one), one.timezone) for one in (outer, inner)) for _, when in found]
    assert beginnings == sorted(beginnings)
    for later, _ in readings(zone, day)[::97]:
        if later >= instant:
            holding = [when for (_, when), begin in zip(found, beginnings, strict=True) if begin <= later][-1]
            for one in (outer, inner):
                said = [permission.is_active(day_of(holding, one)) for permission in one.rules]
                assert said == [
                    later < instant_of(ends(permission.until), one.timezone)
                    for permission in one.rules
                    if permission.until
                ]


def _by_instants(zone: str, day: date, rules: list[Rule], instant: int) -> Iterator[bool]:
    for one in rules:
        assert one.until is not None
        yield instant < first_showing(zone, day, ends(one.until))


@given(st.datetimes().map(lambda one: one.replace(microsecond=0)) | st.dates())
def test_what_is_written_is_read(moment: date) -> None:
    """Law: a moment is read as it was written; a time without seconds is written without."""
    assert parse(iso(moment)) == moment
    assert ("T" in iso(moment)) == isinstance(moment, datetime)
    assert ended(moment) == f"{'at' if isinstance(moment, datetime) else 'on'} {iso(moment)}"


def test_a_day_and_its_times() -> None:
    """A day lasts to its end and a time is over when it comes; the last day of the calendar never ends; zones are refused."""
    day, noon = date(2027, 3, 31), datetime(2027, 3, 31, 12)
    permission = rule(1, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=noon)
    assert [permission.is_active(one) for one in (day, datetime(2027, 3, 31, 11, 59, 59), noon, date(2027, 4, 1))] == [
        True, True, False, False,
    ]  # fmt: skip
    lasting = rule(1, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=day)
    assert [lasting.is_active(one) for one in (day, noon, datetime(2027, 3, 31, 23, 59, 59), date(2027, 4, 1))] == [
        True, True, True, False,
    ]  # fmt: skip
    ban = rule(1, Verb.DENY, [(INNER, OTHER)], "tcp/22", until=noon)
    assert ban.is_active(date(2099, 1, 1))
    assert ends(date.max) == datetime.max
    assert moment_of(ends(day)) == date(2027, 4, 1)
    assert iso(datetime(2027, 3, 31, 9, 5, 7)) == "2027-03-31T09:05:07"
    with pytest.raises(ValueError):
        parse("2027-03-31T12:00+00:00")


def test_a_day_that_is_asked_of_all_is_followed_by_instants() -> None:
    """Where one day is asked of two time zones, an end that only one clock has before it is still seen to have passed."""
    end = rule(1, Verb.ALLOW, [(INNER, OTHER)], "tcp/22", until=datetime(2027, 4, 1, 5))
    wall = [Firewall("edge", (INNER, OTHER))]
    outer = replace(policy(zones(INNER, OTHER), wall, [end]), timezone="Asia/Tokyo")
    inner = replace(policy(zones(INNER, OTHER), wall, [], outer), timezone="Europe/London")
    (first, when), (second, then) = stretches(inner, date(2027, 4, 1))
    assert (first, second) == (date(2027, 4, 1), date(2027, 4, 1))
    assert [end.is_active(day_of(one, outer)) for one in (when, then)] == [True, False]
