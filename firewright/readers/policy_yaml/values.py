"""The single values of a policy: names, days, durations, yes and no. Each is read, or said to be wrong with a way out."""

from __future__ import annotations

import re
from datetime import date, datetime

from firewright.diagnostic import harmless

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""How zones, services, options, firewalls and policies are called."""
RULE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""How a rule is called: what ticket systems use."""
INTERFACE = re.compile(r"[A-Za-z0-9_.:@-]{1,15}|[A-Za-z0-9_.:@-]{1,14}\*")
"""An interface's name (the kernel has 15 characters), or the beginning of one before a star."""
LONGEST = 365 * 86400
"""Seconds of the longest duration."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
"""What may stand behind a duration's number, in seconds."""
YES_NO = {"yes": True, "true": True, "no": False, "false": False}
"""The words for yes and no, and only where one is asked for."""

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[-./ ]([0-9]{1,2})[-./ ]([0-9]{4})")
_LOOSE_ISO = re.compile(r"([0-9]{4})[-./ ]?([0-9]{1,2})[-./ ]?([0-9]{1,2})")
_TIMED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_LOOSELY_TIMED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt _]+([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?:[:.]([0-9]{2})(?:[.,][0-9]+)?)?(.*)",
    re.DOTALL,
)
_CLOCK_YEARS = range(1970, 9999)
"""The years of which a time of day can be asked of every time zone's clocks."""
_DURATION = re.compile(r"([0-9]{1,12})([smhd])")
_GROUPED = re.compile(r"([0-9]{1,3})((?:[., '_][0-9]{3})+) ?([smhd]?)")
_WORDED = re.compile(r"([0-9]{1,12}) ?(s|sec|second|m|min|minute|h|hour|d|day)s?", re.IGNORECASE)


class BadValue(ValueError):
    """A text that is not what it should be: what is wrong in one sentence, and `help`, the way out."""

    def __init__(self, name: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.name, self.message, self.help = name, message, help


def mended_name(text: str) -> str:
    """The nearest text that is a name, or an empty one: lower case, hyphens for what is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:63].strip("-")


def parse_day(text: str) -> date:
    """A day as `2027-03-31`. Raises BadValue."""
    shown = harmless(text, 40)
    if found := _ISO.fullmatch(text):
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            raise BadValue("bad-date", f"there is no day {shown}", _last_day(int(found[1]), int(found[2]))) from None
    if (found := _DAY_FIRST.fullmatch(text)) and (way_out := _as_iso(found[3], found[2], found[1])):
        american = _as_iso(found[3], found[1], found[2]) if "/" in text and found[1] != found[2] else ""
        also = f", or {american} if the month comes first" if american else ""
        raise BadValue("bad-date", f"{shown} is not how a day is written", f"write {way_out}{also}")
    if (found := _LOOSE_ISO.fullmatch(text)) and (way_out := _as_iso(found[1], found[2], found[3])):
        raise BadValue("bad-date", f"{shown} is not how a day is written", f"write {way_out}")
    if (found := _ISO.match(text)) and len(text) > 10:
        raise BadValue(
            "bad-date", f"{shown} is more than a day", f"write {found[0]}; the whole day is meant, to its end"
        )
    raise BadValue("bad-date", f"{shown} is no day", "write year-month-day, as in 2027-03-31")


def parse_moment(text: str) -> date:
    """A day as `2027-03-31`, or a time of it as `2027-03-31T18:30` (seconds may follow), which has no zone. Raises BadValue."""
    if found := _TIMED.fullmatch(text):
        day = parse_day(found[1])
        hour, minute, second = (int(part or 0) for part in found.groups()[1:])
        if hour > 23 or minute > 59 or second > 59:
            way_out = (
                f"write {found[1]}: the whole day, to its end" if hour == 24 else "write it as in 2027-03-31T18:30"
            )
            raise BadValue("bad-date", f"no clock shows {harmless(text[11:], 20)}", way_out)
        if day.year not in _CLOCK_YEARS:
            raise BadValue("bad-date", f"{found[0]} is no time to ask of a clock", f"write {found[1]}, the whole day")
        return datetime(day.year, day.month, day.day, hour, minute, second)
    if found := _LOOSELY_TIMED.fullmatch(text):
        raise _no_time(text, found)
    return parse_day(text)


def _no_time(text: str, found: re.Match[str]) -> BadValue:
    """Why what looks like a time of a day is none, and how it is written."""
    day, hour, minute, second, rest = found.groups()
    try:
        mended = datetime.fromisoformat(f"{day}T{int(hour):02}:{minute or '00'}:{second or '00'}")
    except ValueError:
        return BadValue("bad-date", f"{harmless(text, 40)} is no time of a day", "write it as in 2027-03-31T18:30")
    way_out = f"write {mended.isoformat(timespec='seconds' if mended.second else 'minutes')}"
    if re.fullmatch(r"\s*(?:Z|z|[A-Za-z/_]{3,}|[+-][0-9:]{2,6})", rest):
        message = f"{harmless(text, 40)} names a time zone of its own"
        return BadValue("bad-date", message, f"{way_out}, as a clock in the policy's timezone shows it")
    return BadValue("bad-date", f"{harmless(text, 40)} is not how a time of a day is written", way_out)


def _as_iso(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _last_day(year: int, month: int) -> str:
    for day in (31, 30, 29, 28):
        if last := _as_iso(str(year), str(month), str(day)):
            return f"the last day of that month is {last}"
    return "write year-month-day, as in 2027-03-31"


def parse_duration(text: str) -> int:
    """Seconds of a duration: a whole number and s, m, h or d, from 1s to 365d. Raises BadValue."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise BadValue("bad-duration", f"{harmless(text, 40)} is no duration", _duration_help(text))
    seconds = int(found[1]) * UNITS[found[2]]
    if not 1 <= seconds <= LONGEST:
        raise BadValue("bad-duration", f"{text} is {'nothing' if not seconds else 'too long'}", "from 1s to 365d")
    return seconds


def _duration_help(text: str) -> str:
    if found := _GROUPED.fullmatch(text):
        whole = found[1] + re.sub(r"[^0-9]", "", found[2])
        return f"write {whole}{found[3] or 's'}, without a mark between the thousands"
    if found := re.fullmatch(r"([0-9]{1,12})\.([0-9]+) ?([smhd]?)", text):
        return f"write a whole number, as in {found[1]}{found[3] or 's'}; a smaller unit says parts"
    if re.fullmatch(r"[0-9]{1,12}", text):
        return f"write the unit: {text}s for seconds, or m, h, d"
    if found := _WORDED.fullmatch(text):
        return f"write {int(found[1])}{found[2][0].lower()}"
    if text.startswith("-"):
        return "a duration is at least 1s"
    return "write a whole number and s, m, h or d, as in 14400s or 4h"


def parse_yes_no(text: str) -> bool:
    """Yes or no. Raises BadValue."""
    if (value := YES_NO.get(text)) is not None:
        return value
    near = {"on": "yes", "off": "no", "y": "yes", "n": "no", "1": "yes", "0": "no", "t": "yes", "f": "no"}
    lowered = text.casefold()
    way_out = near.get(lowered) or (lowered if lowered in YES_NO else "")
    raise BadValue(
        "bad-yes-no",
        f"{harmless(text, 40)!r} is neither yes nor no",
        f"write {way_out}" if way_out else "write yes or no",
    )
