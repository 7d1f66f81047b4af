"""Moments of a policy: a day, or a time of a day, on the clocks of its time zone; and the instants at which they begin.

A `date` is a whole day, a `datetime` without a zone (which is a `date` too) one time of it. The two cannot be compared by
themselves, so all comparisons go by `begins` and `ends`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, floor
from zoneinfo import ZoneInfo

Instant = float
"""Seconds since 1970; a half stands for any moment between two whole seconds."""
_DAY = timedelta(days=1)
_MIDNIGHT = time()


def begins(moment: date) -> datetime:
    """When a moment begins on the clock: a day at its midnight, a time when the clock shows it."""
    return moment if isinstance(moment, datetime) else datetime.combine(moment, _MIDNIGHT)


def ends(until: date) -> datetime:
    """When on the clock a permission is over: one of a day at the next midnight, one of a time when the clock shows it.

    The last day of the calendar never ends: `datetime.max`.
    """
    if isinstance(until, datetime):
        return until
    return datetime.max if until == date.max else datetime.combine(until + _DAY, _MIDNIGHT)


def moment_of(clock: datetime) -> date:
    """What begins when the clock shows this: a day at a midnight, else the time itself."""
    return clock.date() if clock.time() == _MIDNIGHT else clock


def instant_of(moment: date, timezone: str) -> Instant:
    """The first instant at which a clock of the time zone shows the moment or a later one, in seconds since 1970.

    So a time that clocks show twice is the first of the two, one that they skip the instant at which they skip it, and no
    moment comes before an earlier one. O(1).
    """
    clock, zone = begins(moment), ZoneInfo(timezone)
    first, second = (clock.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first <= second:
        return first
    # skipped (PEP 495: the first is reckoned with the offset before, and lies behind): the change is between the two
    low, high = floor(second), ceil(first)
    while high - low > 1:
        middle = (low + high) // 2
        if _clock(middle, zone) >= clock:
            high = middle
        else:
            low = middle
    return high


def is_shown(moment: datetime, timezone: str) -> bool:
    """Whether clocks of the time zone show that time at all: they skip an hour where summer time begins."""
    zone = ZoneInfo(timezone)
    there = moment.replace(tzinfo=zone).astimezone(UTC)
    return there.astimezone(zone).replace(tzinfo=None) == moment


def is_shown_twice(moment: datetime, timezone: str) -> bool:
    """Whether clocks of the time zone show that time twice: they repeat an hour where summer time ends."""
    zone = ZoneInfo(timezone)
    first, second = (moment.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return first < second


def exact(moment: datetime, timezone: str) -> date:
    """The moment by which clocks tell the same instant: a time that they skip is the one to which they jump, midnight a day.

    Only of such moments does the order on the clock be the order of the instants, with none at the same.
    """
    instant = instant_of(moment, timezone)
    if not is_shown(moment, timezone):
        return shown_at(instant, timezone)
    return moment.date() if instant_of(moment.date(), timezone) == instant else moment


def last_of(end: datetime, timezone: str) -> date:
    """What to write behind `until` so that it is over at that time: the day before where the end is the beginning of a day."""
    moment = exact(end, timezone)
    return moment if isinstance(moment, datetime) else moment - _DAY


def present(now: datetime, until: Iterable[date], timezone: str) -> date:
    """The beginning of the stretch of time that is now, as far back as today: today, or the last of these ends that has passed.

    `now` bears a zone. Whatever ends by `until` is over at what is given exactly if it is over now. O(until).
    """
    today = now.astimezone(ZoneInfo(timezone)).date()
    instant = now.timestamp()
    passed = [
        end for end in map(ends, until) if begins(today) < end < datetime.max and instant_of(end, timezone) <= instant
    ]
    return moment_of(max(passed)) if passed else today


def shown_at(instant: Instant, timezone: str) -> date:
    """What clocks of the time zone show at an instant: a day at its first instant, else a time of it."""
    clock = _clock(floor(instant), ZoneInfo(timezone))
    return clock.date() if instant_of(clock.date(), timezone) == instant else clock


def iso(moment: date) -> str:
    """A moment as policies write it: 2027-03-31, 2027-03-31T18:30, and seconds only where there are some."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def ended(until: date) -> str:
    """When a rule ended, with its preposition: on a day, at a time."""
    return f"{'at' if isinstance(until, datetime) else 'on'} {iso(until)}"


def parse(text: str) -> date:
    """What was written by `iso`. Raises ValueError."""
    if "T" not in text:
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(f"a time with a zone: {text}")
    return found


def _clock(instant: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(instant, zone).replace(tzinfo=None, fold=0)
