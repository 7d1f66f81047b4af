"""Whether a log is what it was: its rows held against each other, and against heads that were signed.

Nothing of `log.append` is used: the bytes that are hashed are put together here once more, from what `log` says of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from firewright.store.errors import DamagedRow
from firewright.store.heads import SignedHead, verify_head
from firewright.store.log import Row

_NEAR = 2000
"""How many rows beside a fault are looked through to say what was done; that something was does not depend on it."""
_BEFORE_ALL = "0" * 64
_SLACK = timedelta(minutes=1)
"""So far apart clocks may be that tell the time of one log: those of several processes, and one that is put right."""


class Tampering(StrEnum):
    """What was done behind the program's back: to a log, or (`request`) to what it tells of."""

    EDIT = "edit"
    DELETE = "delete"
    REORDER = "reorder"
    CUT = "cut"
    FORK = "fork"
    TIME = "time"
    HEAD = "head"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a log is worth: intact, or what was done to it first, at which rows, in words.

    `rows` were read. Rows up to `covered` are as a signed head says; those after it only agree with each other: whoever can write
    to the database could have made them anew. `first` to `last` are the rows of the fault (0: none). `note` names the first row that
    says an older time than the one before, which a clock that was put right does too; empty if none does.
    """

    kind: Tampering | None
    first: int
    last: int
    message: str
    rows: int
    covered: int
    note: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found, as far as the heads go."""
        return self.kind is None


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong, and where."""

    kind: Tampering
    first: int
    last: int
    message: str


def verify(rows: Iterable[Row], heads: Iterable[SignedHead], public: Ed25519PublicKey) -> Verdict:
    """Hold all rows of a log, from the first, against each other and against signed heads (read before the rows were).

    Finds: a row that was changed, left out, or put elsewhere, by the chain; a tail that was cut off, and rows that were all made anew
    from one on, only by a head behind the place; a row that says a time before the head of an earlier row was signed; and a head that
    the key did not sign. Names the first fault. Linear; a few rows and all heads are in memory.
    """
    signed, times, unsigned = _sorted(heads, public)
    walk = _Walk(signed, times)
    fault = walk.all(iter(rows)) or _cut(walk.count, walk.covered, signed)
    if fault is None and unsigned:
        numbers = sorted({head.number for head in unsigned})
        words = f"the head of row {numbers[0]} was not signed with this key: it was forged, or the key is another"
        fault = _Fault(Tampering.HEAD, numbers[0], numbers[-1], words)
    if fault is None:
        return Verdict(None, 0, 0, _praise(walk.count, walk.covered), walk.count, walk.covered, walk.note)
    return Verdict(fault.kind, fault.first, fault.last, fault.message, walk.count, walk.covered, walk.note)


class _Walk:
    """The way along the rows: how many there were, the digest of the last, up to where heads agreed, and what is odd."""

    def __init__(self, signed: dict[int, set[str]], times: dict[int, datetime]) -> None:
        self._signed, self._times = signed, times
        self._last = _BEFORE_ALL
        self._at: datetime | None = None
        self._head: tuple[int, datetime] | None = (0, times[0]) if 0 in times else None
        self.count = 0
        self.covered = 0
        self.note = ""

    def all(self, rows: Iterator[Row]) -> _Fault | None:
        """Walk to the end or to the first fault."""
        if 0 in self._signed and self._signed[0] != {_BEFORE_ALL}:
            return _Fault(Tampering.FORK, 1, 1, "a head of the empty log is signed that no empty log has")
        try:
            for row in rows:
                if (fault := self._step(row, rows)) is not None:
                    return fault
        except DamagedRow as damaged:
            return _Fault(Tampering.EDIT, damaged.number, damaged.number, damaged.message)
        return None

    def _step(self, row: Row, rows: Iterator[Row]) -> _Fault | None:
        number = self.count + 1
        if row.number != number:
            return _gap(number, row)
        if row.digest != _digest(row, number):
            return _altered(row, _some(rows))
        if row.previous != self._last:
            return _unlinked(row, _some(rows))
        if self._signed.get(number, {row.digest}) != {row.digest}:
            return self._forked(number)
        if (fault := self._dated_back(row)) is not None:
            return fault
        self.count, self._last = number, row.digest
        if number in self._signed:
            self.covered = number
        return None

    def _dated_back(self, row: Row) -> _Fault | None:
        """A row that says a time before a head was signed that did not have it yet; one that is only older than the last is noted."""
        number, at = row.number, row.entry.at
        if self._head is not None and self._head[1] - at > _SLACK:
            head, then = self._head
            words = (
                f"row {number} says {_clock(at)}, but the head of row {head} was signed before it, at {_clock(then)}"
            )
            return _Fault(Tampering.TIME, number, number, f"{words}: it was dated back, or the clock was wrong")
        if not self.note and self._at is not None and self._at - at > _SLACK:
            words = f"row {number} says {_clock(at)}, row {number - 1} before it {_clock(self._at)}"
            self.note = f"{words}: the clock was put back, or a row was dated back; no signed head tells which"
        self._at = at
        if number in self._times and (self._head is None or self._times[number] > self._head[1]):
            self._head = number, self._times[number]
        return None

    def _forked(self, number: int) -> _Fault:
        first = self.covered + 1
        where = f"row {number}" if first == number else f"a row from {first} to {number}"
        words = f"row {number} is not the one whose head was signed: the log was made anew from {where} on"
        return _Fault(Tampering.FORK, first, number, words)


def _sorted(
    heads: Iterable[SignedHead], public: Ed25519PublicKey
) -> tuple[dict[int, set[str]], dict[int, datetime], list[SignedHead]]:
    """The digests that were signed, and when last, by row; and the heads that were not signed with the key."""
    signed: dict[int, set[str]] = {}
    times: dict[int, datetime] = {}
    unsigned = []
    for head in heads:
        if not verify_head(public, head):
            unsigned.append(head)
            continue
        signed.setdefault(head.number, set()).add(head.digest)
        at = datetime.fromisoformat(head.at)
        times[head.number] = max(at, times.get(head.number, at))
    return signed, times, unsigned


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _cut(count: int, covered: int, signed: dict[int, set[str]]) -> _Fault | None:
    """What heads say of rows beyond the last."""
    last = max(signed, default=0)
    if last <= count:
        return None
    return _Fault(
        Tampering.CUT,
        count + 1,
        last,
        f"the log ends at row {count}, but the head of row {last} was signed: its tail was cut off",
    )


def _gap(number: int, row: Row) -> _Fault:
    if row.number > number:
        last = row.number - 1
        which = f"row {number} is" if last == number else f"rows {number} to {last} are"
        return _Fault(Tampering.DELETE, number, last, f"{which} missing")
    return _Fault(Tampering.REORDER, row.number, row.number, f"row {row.number} comes where row {number} should")


def _altered(row: Row, later: Sequence[Row]) -> _Fault:
    """A row that does not have the hash of what it says: it says something else than it did, or was another row."""
    number = row.number
    was = _number_of(row)
    if was is None:
        return _Fault(Tampering.EDIT, number, number, f"row {number} does not say what it said when it was written")
    if any(_digest(one, number) == one.digest for one in later):
        return _Fault(
            Tampering.REORDER, number, was, f"row {number} was written as row {was}: rows were put in another order"
        )
    if was > number:
        which = f"row {number}" if was == number + 1 else f"rows {number} to {was - 1}"
        words = f"{which} as it was written is missing, and those after it were numbered anew"
        return _Fault(Tampering.DELETE, number, was - 1, words)
    return _Fault(
        Tampering.REORDER, number, number, f"row {number} was written as row {was}: rows were put in another order"
    )


def _unlinked(row: Row, later: Sequence[Row]) -> _Fault:
    """A row that says what it said, but not after the row before it: that one is another, unless the rows behind disown this one."""
    number = row.number
    is_disowned = bool(later) and later[0].previous != row.digest
    where = number if is_disowned or number == 1 else number - 1
    words = (
        f"row {where} is not the one that was written there: the chain breaks between rows {number - 1} and {number}"
    )
    return _Fault(Tampering.EDIT, where, where, words)


def _some(rows: Iterator[Row]) -> list[Row]:
    """The rows behind a fault that are looked at to name it, as far as they can be read."""
    found: list[Row] = []
    try:
        found.extend(islice(rows, _NEAR))
    except DamagedRow:
        return found
    return found


def _number_of(row: Row) -> int | None:
    """The number under which a row has the hash that it has, near to its own; None if under none."""
    for distance in range(_NEAR + 1):
        for number in {row.number - distance, row.number + distance}:
            if number > 0 and _digest(row, number) == row.digest:
                return number
    return None


def _digest(row: Row, number: int) -> str:
    """The hash that a row has under a number."""
    entry = row.entry
    fields = ["firewright-log-1", str(number), row.previous, entry.who, entry.act, entry.about, entry.origin, entry.way]
    at = entry.at.astimezone(UTC)
    day = f"{at.year:04}-{at.month:02}-{at.day:02}T{at.hour:02}:{at.minute:02}:{at.second:02}.{at.microsecond:06}Z"
    fields += [entry.because, day]
    for name in sorted(entry.details):
        fields += [name, entry.details[name]]
    packed = [field.encode("utf-8", "surrogatepass") for field in fields]
    return sha256(b"".join([struct.pack(">Q", len(one)) + one for one in packed])).hexdigest()


def _praise(count: int, covered: int) -> str:
    if not count:
        return "the log is empty, and no head says that it was not"
    chain = f"rows 1 to {count} are one chain"
    if covered == count:
        return f"{chain}, and its end is as it was signed"
    if covered:
        return f"{chain}; as far as the heads go, to row {covered}, it is as it was signed"
    return f"{chain}; no signed head tells whether it was cut short or made anew"
