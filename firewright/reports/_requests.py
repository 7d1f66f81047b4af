"""Requests, exceptions and rows of the audit log: what was found of them, as text and as trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from firewright.diagnostic import Diagnostic, harmless
from firewright.model.approval_rules import DAY, Weight
from firewright.model.packet import Family
from firewright.model.request import Request, Wish
from firewright.reports._findings_text import place, several
from firewright.reports._lines import table
from firewright.reports._paint import Paint
from firewright.reports._result import SCHEMA_VERSION, Look
from firewright.source import Span

RequestVerdict = Literal["permitted", "denied", "open", "partly"]


@dataclass(frozen=True, slots=True)
class RequestFinding:
    """Flows that one line decides now: in words, what it decides, its place, its text and its reason, and one packet of them."""

    flows: tuple[str, ...]
    outcome: str
    firewall: str
    policy: str
    at: Span
    line: str
    because: str
    witness: str
    rule: str = ""


Counts = tuple[tuple[Family, int], ...]
"""How many addresses there are of each family."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is newly open: how many addresses of each family may open it, to how many, in words; from or to the whole internet.

    The counts are None where they are of zones of which whoever asks may not know the size.
    """

    flows: tuple[str, ...]
    sources: Counts | None
    destinations: Counts | None
    is_worldwide: bool
    is_outward: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What the catalog says of a service that is asked for."""

    name: str
    title: str
    visibility: str
    when_open: str
    advice: str
    instead: str


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """What a wish would mean.

    `verdict`: permitted (no change is necessary), denied (a ban stands against some of it), partly (some of it is permitted
    already), or open (to be decided). `elsewhere` are other authorities on the path that stop it all the same. `text` and
    `path` are the exception's file as it would be written; `zones` those that the flows touch, by their names, the sources first.
    `beside` are ports in words with the services of the catalog that are commonly there too, where one was asked for by its name.
    `able` is how many people can decide now, and `stuck` what is lacking if all of them agreed; None where nobody is told.
    """

    wish: Wish
    verdict: RequestVerdict
    permitted: tuple[RequestFinding, ...]
    denied: tuple[RequestFinding, ...]
    undecided: tuple[RequestFinding, ...]
    elsewhere: tuple[RequestFinding, ...]
    opening: Opening
    advice: tuple[Advice, ...]
    alternative: str
    severity: Weight
    why_severe: tuple[str, ...]
    firewalls: tuple[str, ...]
    text: str
    path: str
    source_zones: tuple[str, ...]
    destination_zones: tuple[str, ...]
    notes: tuple[Diagnostic, ...] = ()
    deciders: tuple[str, ...] = ()
    beside: tuple[tuple[str, tuple[str, ...]], ...] = ()
    able: int | None = None
    stuck: tuple[str, ...] = ()

    @property
    def is_submittable(self) -> bool:
        """Whether there is something to decide: it opens something, and no ban that is not overridden stands against it."""
        return self.verdict in ("open", "partly") and bool(self.opening.flows)


@dataclass(frozen=True, slots=True)
class Standing:
    """One exception as it stands: its rule, the request behind it if there is one, and what is to be said of it.

    `left` are seconds until its end, none or fewer where it has ended; `unapproved` says why it may not be applied, empty if it
    may. `hits` are packets that its rule let in since it was applied, None where nobody looked. `grown` says why it means more than
    when it was approved, empty if it does not, None where nobody has looked yet; `is_confirmed` that it was seen to run.
    """

    policy: str
    path: str
    rule: str
    flows: str
    services: str
    owner: str
    because: str
    ticket: str
    until: str
    left: int
    number: int
    state: str
    review: str
    zones: tuple[str, ...]
    at: Span
    unapproved: str = ""
    is_review_due: bool = False
    is_break_glass: bool = False
    is_reminded: bool = False
    hits: int | None = None
    grown: str | None = ""
    is_confirmed: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether its end is past."""
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the audit log: its number, when, who did what to what, by which way and from where, why, and its hash."""

    number: int
    at: str
    who: str
    act: str
    about: str
    way: str
    origin: str
    because: str
    details: tuple[tuple[str, str], ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Edit:
    """What one edit of a request changed: the revision that it made, when (ISO), and each field with what it was and what it is."""

    revision: int
    at: str
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class RequestShown:
    """One request: what it would mean now (None where nothing becomes of it), what it lacks, what stands against it, its history.

    `edits` are those that whoever looks may know of, the first one first. `grown` says why what was approved means more by now, None
    where nobody has looked yet.
    """

    request: Request
    checked: CheckedRequest | None = None
    lacks: tuple[str, ...] = ()
    against: str = ""
    history: tuple[LogRow, ...] = ()
    edits: tuple[Edit, ...] = ()
    grown: str | None = ""


@dataclass(frozen=True, slots=True)
class RequestList:
    """Requests, the newest first; `has_more` where there are older ones."""

    requests: tuple[Request, ...]
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class ExceptionList:
    """Exceptions, the one that ends first at the head; `done` is what was done to files, in words."""

    exceptions: tuple[Standing, ...]
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRows:
    """Rows of the audit log."""

    rows: tuple[LogRow, ...]


@dataclass(frozen=True, slots=True)
class LogVerdict:
    """Whether the log is as it was written: in words, and if not what was done and at which rows."""

    is_intact: bool
    message: str
    kind: str = ""
    first: int = 0
    last: int = 0
    rows: int = 0
    covered: int = 0
    note: str = ""
    """What is odd about it and no proof of anything."""


_MOST_BESIDE = 8
_STYLES = {"permitted": "open", "denied": "closed", "open": "asked", "partly": "asked"}
_SAYS = {
    "permitted": "no change is necessary",
    "denied": "denied",
    "open": "to be decided",
    "partly": "some is permitted already, the rest is to be decided",
}
_STATES = {
    "draft": "faint", "submitted": "asked", "approved": "open", "implemented": "open", "verified": "open",
    "declined": "closed", "expired": "faint", "withdrawn": "faint",
}  # fmt: skip


def flow_words(wish: Wish) -> str:
    """What is asked for, in one line."""
    return f"{', '.join(wish.sources)} -> {', '.join(wish.destinations)} {', '.join(wish.services)}"


def checked_text(checked: CheckedRequest, look: Look) -> str:
    """What it would mean, then every line that decides now, then what the catalog says."""
    paint = Paint(look.is_coloured)
    return "\n".join(_checked(checked, look, paint)) + "\n"


def _checked(checked: CheckedRequest, look: Look, paint: Paint, in_force: str = "") -> Iterator[str]:
    verdict = paint(_STYLES[checked.verdict], _SAYS[checked.verdict])
    if in_force and checked.verdict in ("open", "partly"):
        state = "permitted by this exception, to be applied" if in_force == "approved" else "open by this exception"
        verdict = paint("open", f"{state}; without it:")
    yield f"{paint('title', harmless(flow_words(checked.wish)))}  {harmless(checked.wish.policy)}: {verdict}"
    groups = (checked.denied, checked.permitted, checked.undecided, checked.elsewhere)
    for word, found in zip(("denied", "permitted", "to be decided", "stopped elsewhere"), groups, strict=True):
        for one in found:
            yield from _finding(word, one, look, paint)
    if checked.alternative:
        yield f"  instead     {harmless(checked.alternative)}"
    if checked.opening.flows:
        yield from _opening(checked, paint)
    for ports, names in checked.beside:
        yield f"  also commonly on {harmless(ports, 200)}: {harmless(_some(names), 1000)}"
    for note in checked.notes:
        yield f"  {note.severity}     {harmless(note.message)}; {harmless(note.help)}"
    for row in checked.advice if look.is_verbose else checked.advice[:2]:
        yield f"  {harmless(row.name)}: commonly {harmless(row.title)}; {harmless(row.when_open)} {harmless(row.advice)}"


def _finding(word: str, one: RequestFinding, look: Look, paint: Paint) -> Iterator[str]:
    reason = f"  ({harmless(one.because)})" if one.because else ""
    flows = "; ".join(harmless(flow) for flow in (one.flows if look.is_verbose else one.flows[:4]))
    more = len(one.flows) - 4
    rest = f" and {more} more" if more > 0 and not look.is_verbose else ""
    yield f"  {word}  {flows}{rest}"
    yield f"    {harmless(one.firewall)}  {paint('place', place(one.at))}  {harmless(one.line or one.outcome)}{reason}"
    if look.has_witness or look.is_verbose:
        yield f"    for example {harmless(one.witness)}"


def _opening(checked: CheckedRequest, paint: Paint) -> Iterator[str]:
    opening = checked.opening
    whom = " (anybody on the internet)" if opening.is_worldwide else ""
    yield f"  opens       {harmless('; '.join(opening.flows[:4]))}"
    yield f"  from        {address_words(opening.sources)}{whom}"
    yield f"  to          {address_words(opening.destinations)}"
    why = f": {harmless('; '.join(checked.why_severe))}" if checked.why_severe else ""
    yield f"  severity    {checked.severity}{why}"
    yield f"  firewalls   {harmless(', '.join(checked.firewalls)) or 'none'}"
    for number, one in enumerate(checked.deciders):
        yield f"  {'decided by' if number == 0 else '':<12}{harmless(one)}"
    if checked.able is not None:
        yield f"  {'':<12}{_people_able(checked.able)}"
    if checked.stuck:
        yield f"  {paint('closed', 'nobody can approve it')}: with all of them it lacks {harmless(' and '.join(checked.stuck))}"


def _people_able(count: int) -> str:
    """How many people can decide now, in words."""
    return "1 person can now" if count == 1 else f"{count or 'no'} people can now"


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST_BESIDE]) + (
        f" and {len(names) - _MOST_BESIDE} more" if len(names) > _MOST_BESIDE else ""
    )


def address_words(found: Counts | None) -> str:
    """How many addresses there are of each family, in words."""
    if found is None:
        return "addresses of zones that are not yours to see"
    words = [f"{f'{number:,}' if number < 10**12 else f'{number:.1e}'} IPv{family}" for family, number in found]
    return f"{' and '.join(words) or 'no'} address{'' if [number for _, number in found] == [1] else 'es'}"


def request_text(shown: RequestShown, look: Look) -> str:
    """One request, whole: what is asked for, who agreed to which text, what it means now, and its history."""
    paint, one = Paint(look.is_coloured), shown.request
    lines = [
        f"request {one.number}  {paint(_STATES[one.state.value], one.state.value)}{_seen(one)}{_glass(one, paint)}"
    ]
    facts = [
        ("asked for", f"{harmless(flow_words(one.wish))}  ({harmless(one.wish.policy)})"),
        ("why", harmless(one.wish.because, 2000)),
        ("by", f"{harmless(one.author)}, owner {harmless(one.wish.owner)}"),
        ("until", harmless(one.wish.until)),
        ("ticket", harmless(one.wish.ticket)),
        ("confirm by", harmless(one.review)),
        ("hash", one.digest),
        ("file", harmless(one.path)),
    ]
    lines += [f"  {name:<12}{text}" for name, text in facts if text]
    for approval in one.approvals:
        void = f"; void: {harmless(approval.voided)}" if approval.voided else ""
        zone = f" for {harmless(approval.zone)}" if approval.zone else ""
        lines.append(f"  agreed      {harmless(approval.account)}{zone}, {approval.at:%Y-%m-%d %H:%M} UTC{void}")
    if shown.lacks:
        lines.append(f"  lacks       {harmless('; '.join(shown.lacks))}")
    if shown.against:
        lines.append(f"  {paint('closed', 'not to be applied')}: {harmless(shown.against)}")
    if shown.grown:
        lines.append(f"  {paint('closed', 'means more')}: {harmless(shown.grown)}")
    if one.answer is not None:
        lines.append(
            f"  instead     {harmless(flow_words(one.answer))} until {harmless(one.answer.until)}: {harmless(one.said)}"
        )
    if shown.checked is not None:
        lines += [
            "",
            *_checked(
                shown.checked, look, paint, one.state.value if one.state.has_exception and not shown.against else ""
            ),
        ]
    if one.text and look.is_verbose:
        lines += ["", *(f"  {harmless(line, 2000)}" for line in one.text.splitlines())]
    for edit in shown.edits:
        lines += ["", f"  version {edit.revision}, {harmless(edit.at)}"]
        lines += [
            f"    {harmless(name, 100):<12}{harmless(was or '(none)', 2000)} -> {harmless(now or '(none)', 2000)}"
            for name, was, now in edit.changes
        ]
    if shown.history:
        lines += ["", *(f"  {row}" for row in table(_log_cells(row) for row in shown.history))]
    return "\n".join(lines) + "\n"


def _seen(one: Request) -> str:
    """How it is known that it runs."""
    if one.state.value not in ("implemented", "verified"):
        return ""
    return ", seen to run" if one.is_confirmed else ", said by hand to run"


def _glass(one: Request, paint: Paint) -> str:
    if not one.is_break_glass:
        return ""
    return f"  {paint('closed', 'break-glass' + ('' if one.is_reviewed else ', not yet looked at'))}"


def requests_text(found: RequestList, look: Look) -> str:
    """A line for each request."""
    if not found.requests:
        return "no request\n"
    rows = (
        (
            str(one.number), one.state.value + (" (break-glass)" if one.is_break_glass else ""),
            harmless(flow_words(one.wish), 80), f"until {harmless(one.wish.until)}", harmless(one.author, 30),
            harmless(one.wish.because, 60),
        )
        for one in found.requests
    )  # fmt: skip
    return "\n".join([*table(rows), *(["there are older ones"] if found.has_more else [])]) + "\n"


def exceptions_text(found: ExceptionList, look: Look) -> str:
    """A line for each exception, what stands against it under it; then what was done."""
    paint = Paint(look.is_coloured)
    lines: list[str] = []
    heads = table(
        (_left(one), harmless(f"{one.flows} {one.services}", 90), f"until {harmless(one.until)}", harmless(one.owner, 30),
         place(one.at))
        for one in found.exceptions
    )  # fmt: skip
    for one, head in zip(found.exceptions, heads, strict=True):
        lines.append(head)
        if one.unapproved and not one.has_ended:
            lines.append(f"  {paint('closed', 'not to be applied')}: {harmless(one.unapproved)}")
        if one.grown and one.grown != one.unapproved:
            lines.append(f"  {paint('asked', 'means more')}: {harmless(one.grown)}")
        if one.is_break_glass:
            lines.append("  opened without asking")
        if one.is_review_due:
            lines.append(f"  to be confirmed since {harmless(one.review)}: firewright recertify {one.number}")
        if one.hits is not None:
            lines.append(
                "  unused: no packet was let in by it" if one.hits == 0 else f"  {several(one.hits, 'packet')} let in"
            )
    lines += [harmless(one) for one in found.done]
    return "\n".join(lines or ["no exception"]) + "\n"


def _left(one: Standing) -> str:
    if one.has_ended:
        return "ended"
    if one.left >= DAY:
        return f"{several(one.left // DAY, 'day')} left"
    return f"{one.left // 3600}h{one.left % 3600 // 60:02d}m left"


def log_text(found: LogRows, look: Look) -> str:
    """A line for each row; with its details and hash if much is wanted."""
    if not found.rows:
        return "no row\n"
    heads = table((str(row.number), *_log_cells(row)) for row in found.rows)
    lines: list[str] = []
    for row, head in zip(found.rows, heads, strict=True):
        lines.append(head)
        if look.is_verbose:
            lines += [f"  {harmless(key)}: {harmless(text, 2000)}" for key, text in row.details if text]
            lines.append(f"  hash: {harmless(row.digest)}")
    return "\n".join(lines) + "\n"


def _log_cells(row: LogRow) -> tuple[str, ...]:
    return (
        harmless(row.at), harmless(row.who, 40), harmless(row.act, 40), harmless(row.about, 40), harmless(row.because, 80),
    )  # fmt: skip


def log_verdict_text(verdict: LogVerdict, look: Look) -> str:
    """Intact as far as signed heads go, or what was done to it."""
    paint = Paint(look.is_coloured)
    word = (
        paint("open", "intact") if verdict.is_intact else paint("closed", f"tampered with ({harmless(verdict.kind)})")
    )
    note = f"{paint('asked', 'note')}: {harmless(verdict.note, 2000)}\n" if verdict.note else ""
    return f"{word}: {harmless(verdict.message, 2000)}\n{note}"


def checked_tree(checked: CheckedRequest) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {"schema_version": SCHEMA_VERSION, "kind": "request-check", **_checked_tree(checked)}


def _counts_tree(counts: Counts | None) -> dict[str, int] | None:
    return None if counts is None else {f"ipv{family}": number for family, number in counts}


def _checked_tree(checked: CheckedRequest) -> dict[str, Any]:
    opening = checked.opening
    return {
        "wish": wish_tree(checked.wish),
        "verdict": checked.verdict,
        "permitted": [_finding_tree(one) for one in checked.permitted],
        "denied": [_finding_tree(one) for one in checked.denied],
        "undecided": [_finding_tree(one) for one in checked.undecided],
        "elsewhere": [_finding_tree(one) for one in checked.elsewhere],
        "alternative": checked.alternative,
        "opens": {
            "flows": list(opening.flows),
            "sources": _counts_tree(opening.sources),
            "destinations": _counts_tree(opening.destinations),
            "is_worldwide": opening.is_worldwide,
        },
        "severity": checked.severity.value,
        "why": list(checked.why_severe),
        "firewalls": list(checked.firewalls),
        "deciders": list(checked.deciders),
        "able": checked.able,
        "stuck": list(checked.stuck),
        "beside": [{"ports": ports, "names": list(names)} for ports, names in checked.beside],
        "zones": {"from": list(checked.source_zones), "to": list(checked.destination_zones)},
        "advice": [
            {"name": one.name, "title": one.title, "visibility": one.visibility, "when_open": one.when_open,
             "advice": one.advice, "instead": one.instead}
            for one in checked.advice
        ],
        "exception": {"path": checked.path, "text": checked.text},
        "notes": [{"name": one.name, "message": one.message, "help": one.help} for one in checked.notes],
    }  # fmt: skip


def _finding_tree(one: RequestFinding) -> dict[str, Any]:
    return {
        "flows": list(one.flows), "outcome": one.outcome, "firewall": one.firewall, "policy": one.policy,
        "place": str(one.at), "line": one.line, "because": one.because, "witness": one.witness, "rule": one.rule,
    }  # fmt: skip


def wish_tree(wish: Wish) -> dict[str, Any]:
    """What is asked for, in the keys of the API."""
    return {
        "policy": wish.policy, "from": list(wish.sources), "to": list(wish.destinations),
        "services": list(wish.services), "because": wish.because, "owner": wish.owner, "until": wish.until,
        "ticket": wish.ticket, "overrides": list(wish.overrides),
    }  # fmt: skip


def bare_request_tree(one: Request) -> dict[str, Any]:
    """One request as it is kept, in the keys of the API."""
    return {
        "number": one.number, "state": one.state.value, "author": one.author, "wish": wish_tree(one.wish),
        "severity": str(one.severity), "digest": one.digest, "path": one.path, "text": one.text,
        "made": one.made.isoformat(), "changed": one.changed.isoformat(), "version": one.version,
        "revision": one.revision, "review": one.review, "said": one.said,
        "answer": wish_tree(one.answer) if one.answer is not None else None,
        "is_break_glass": one.is_break_glass, "is_reviewed": one.is_reviewed, "is_confirmed": one.is_confirmed,
        "approvals": [
            {"account": each.account, "zone": each.zone, "digest": each.digest, "at": each.at.isoformat(),
             "because": each.because, "voided": each.voided}
            for each in one.approvals
        ],
    }  # fmt: skip


def request_tree(shown: RequestShown) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "request",
        **bare_request_tree(shown.request),
        "check": _checked_tree(shown.checked) if shown.checked is not None else None,
        "lacks": list(shown.lacks),
        "against": shown.against,
        "history": [log_row_tree(row) for row in shown.history],
        "edits": [edit_tree(one) for one in shown.edits],
        "grown": shown.grown,
    }


def edit_tree(edit: Edit) -> dict[str, Any]:
    """One edit, in the keys of the API."""
    changes = [{"field": name, "was": was, "now": now} for name, was, now in edit.changes]
    return {"revision": edit.revision, "at": edit.at, "changes": changes}


def requests_tree(found: RequestList) -> dict[str, Any]:
    """The same as mappings and lists."""
    listed = [bare_request_tree(one) for one in found.requests]
    return {"schema_version": SCHEMA_VERSION, "kind": "requests", "requests": listed, "has_more": found.has_more}


def standing_tree(one: Standing) -> dict[str, Any]:
    """One exception, in the keys of the API."""
    return {
        "policy": one.policy, "path": one.path, "rule": one.rule, "flows": one.flows, "services": one.services,
        "owner": one.owner, "because": one.because, "ticket": one.ticket, "until": one.until, "left": one.left,
        "request": one.number or None, "state": one.state, "review": one.review, "place": str(one.at),
        "unapproved": one.unapproved, "is_review_due": one.is_review_due, "is_break_glass": one.is_break_glass,
        "has_ended": one.has_ended, "hits": one.hits, "grown": one.grown, "is_confirmed": one.is_confirmed,
    }  # fmt: skip


def exceptions_tree(found: ExceptionList) -> dict[str, Any]:
    """The same as mappings and lists."""
    listed = [standing_tree(one) for one in found.exceptions]
    return {"schema_version": SCHEMA_VERSION, "kind": "exceptions", "exceptions": listed, "done": list(found.done)}


def log_row_tree(row: LogRow) -> dict[str, Any]:
    """One row, in the keys of the API."""
    return {
        "number": row.number, "at": row.at, "who": row.who, "act": row.act, "about": row.about, "way": row.way,
        "origin": row.origin, "because": row.because, "details": dict(row.details), "digest": row.digest,
    }  # fmt: skip


def log_tree(found: LogRows) -> dict[str, Any]:
    """The same as mappings and lists."""
    return {"schema_version": SCHEMA_VERSION, "kind": "log", "rows": [log_row_tree(row) for row in found.rows]}


def log_verdict_tree(verdict: LogVerdict) -> dict[str, Any]:
    """The same as a mapping."""
    return {
        "schema_version": SCHEMA_VERSION, "kind": "log-verdict", "is_intact": verdict.is_intact,
        "message": verdict.message, "tampering": verdict.kind, "first": verdict.first, "last": verdict.last,
        "rows": verdict.rows, "covered": verdict.covered, "note": verdict.note,
    }  # fmt: skip
