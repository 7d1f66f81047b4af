"""Requests and approvals held against the rows of the log about them: what the database says now, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from firewright.diagnostic import harmless
from firewright.model.request import Act, Request
from firewright.store.chain import Tampering, Verdict
from firewright.store.log import Row
from firewright.workflows.requests.acting import SYSTEM

_ABOUT, _ACT = "request ", "request."
_GLASS = f"{_ACT}break-glass"
_MADE = (f"{_ACT}{Act.SUBMIT}", f"{_ACT}{Act.EDIT}", _GLASS)
_AGREED = (f"{_ACT}{Act.AGREE}", f"{_ACT}{Act.APPROVE}")
_FACTS = {"state": "state", "digest": "text", "severity": "severity"}
"""What rows tell of a request as it was after the act, and what people call it."""
_MOST = 10
"""So many requests are told of in full; of others only the number."""


@dataclass(slots=True)
class _Told:
    """What the rows about one request told so far: each fact with its row, and who agreed to which text since all was void.

    `last` is the last row, `author` who made it, empty where no row tells.
    """

    last: int = 0
    author: str = ""
    is_glass: bool = False
    facts: dict[str, tuple[str, int]] = field(default_factory=dict)
    agreed: set[tuple[str, str]] = field(default_factory=set)

    def add(self, row: Row) -> None:
        """Take in the next row about it. Those of older versions lack facts: what was told before is not true any more then."""
        entry = row.entry
        if not self.last and entry.act in _MADE:
            self.author = entry.who
        self.last = row.number
        self.is_glass |= entry.act == _GLASS
        self.facts = {name: (entry.details[name], row.number) for name in _FACTS if name in entry.details}
        # an edit voids every approval, and so does whoever lets it be decided again; what time takes away is less
        if entry.act == f"{_ACT}{Act.EDIT}" or (entry.act == f"{_ACT}{Act.LAPSE}" and entry.who != SYSTEM.account):
            self.agreed.clear()
        if entry.act in _AGREED:
            self.agreed.add((entry.who, entry.details.get("digest", "")))

    def differences(self, request: Request) -> Iterator[str]:
        """What of a request is not as its rows say, each in words."""
        now = {"state": request.state.value, "digest": request.digest, "severity": str(request.severity)}
        for name, (told, number) in self.facts.items():
            if told != now[name] and name == "digest":
                yield f"its text is not the one of row {number}"
            elif told != now[name]:
                yield f"its {_FACTS[name]} is {harmless(now[name], 40)}, and row {number} says {harmless(told, 40)}"
        if self.author and self.author != request.author:
            yield f"its author is {harmless(request.author, 60)}, and its rows begin with {harmless(self.author, 60)}"
        if request.is_break_glass and not self.is_glass:
            yield "no row says that it was opened without asking"
        for one in request.standing:
            if not self.agreed & {(one.account, one.digest), (one.account, "")}:
                yield f"no row says that {harmless(one.account, 60)} agrees to it"

    def untold(self, request: Request) -> Iterator[str]:
        """What of a request its rows do not tell."""
        yield from (word for name, word in _FACTS.items() if name not in self.facts)
        if any((one.account, "") in self.agreed for one in request.standing):
            yield "approvals"


class Ledger:
    """What the log tells of each request, gathered while its rows go by; O(requests) in memory."""

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def gathering(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, each looked at as it goes by."""
        for row in rows:
            number = row.entry.about.removeprefix(_ABOUT)
            is_about = row.entry.about.startswith(_ABOUT) and number.isascii() and number.isdecimal()
            if is_about and _is_act(row.entry.act):
                self._told.setdefault(int(number), _Told()).add(row)
            yield row

    def held(self, found: Verdict, requests: Sequence[Request], *, tells_which: bool = True) -> Verdict:
        """The verdict on a log whose chain holds, with whether the requests, all there are, are as their rows say.

        `tells_which` is false for whoever may not know of every request.
        """
        wrong = self._wrong(requests)
        if untold := self._untold(requests):
            which = "; ".join(untold[:_MOST]) if tells_which else "something"
            more = f" (of {len(untold)} requests in all)" if len(untold) > _MOST or not tells_which else ""
            note = f"not told by the log, whose rows are of an older version: {which}{more}"
            found = replace(found, note="; ".join(filter(None, (found.note, note))))
        if not wrong:
            praise = f"{found.message}; every request is as its rows say" if requests else found.message
            return replace(found, message=praise)
        if not tells_which:
            words = f"{_requests(len(wrong))} changed outside of the log; whoever sees everything is told which"
            return replace(found, kind=Tampering.REQUEST, message=words)
        row = self._told.get(wrong[0][0], _Told()).last
        return replace(found, kind=Tampering.REQUEST, first=row, last=row, message=_listed(wrong))

    def _wrong(self, requests: Sequence[Request]) -> list[tuple[int, str]]:
        """Each request that is not as its rows say, and what of it; by number."""
        wrong = {}
        for request in requests:
            told = self._told.get(request.number)
            said = "; ".join(told.differences(request)) if told is not None else "no row tells of it"
            if said:
                wrong[request.number] = said
        gone = self._told.keys() - {request.number for request in requests}
        wrong |= dict.fromkeys(gone, "rows tell of it, and it is not there")
        return sorted(wrong.items())

    def _untold(self, requests: Sequence[Request]) -> list[str]:
        known = ((request, self._told.get(request.number)) for request in requests)
        told = ((request.number, ", ".join(told.untold(request))) for request, told in known if told is not None)
        return [f"{what} of request {number}" for number, what in told if what]


def _is_act(act: str) -> bool:
    """Whether rows of this kind tell how a request stands after an act; `request.grown` and the like tell of something else."""
    return act == _GLASS or act.removeprefix(_ACT) in {one.value for one in Act}


def _requests(count: int) -> str:
    return "1 request was" if count == 1 else f"{count} requests were"


def _listed(wrong: Sequence[tuple[int, str]]) -> str:
    said = [f"request {number} was changed outside of the log: {why}" for number, why in wrong[:_MOST]]
    if more := [str(number) for number, _ in wrong[_MOST:]]:
        said.append(f"and so were {', '.join(more)}")
    return "; ".join(said)
