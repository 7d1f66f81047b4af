"""Requests, exceptions and rows of the log as the API takes and gives them; the trees themselves are those of `reports`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from firewright.model.account import Actor
from firewright.model.request import State, Wish

Text = Annotated[str, Field(max_length=200)]
Texts = Annotated[list[Text], Field(max_length=50)]
Severity = Literal["low", "medium", "high"]
Verdict = Literal["permitted", "denied", "open", "partly"]
Because = Annotated[str, Field(max_length=2000, description="Why, in a sentence.", examples=["agreed with the owner"])]


class Sent(BaseModel):
    """A body that is sent: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class Told(BaseModel):
    """A body that is answered: further keys may be added to it, none is taken away."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)


class WishBody(Sent):
    """What is asked for."""

    policy: Annotated[str, Field(max_length=100, examples=["internet-ports-regions-1-2"])]
    """The policy that would permit it."""
    sources: Annotated[Texts, Field(alias="from", examples=[["tenants"]])]
    """Zones or addresses that begin the flows."""
    destinations: Annotated[Texts, Field(alias="to", examples=[["internet"]])]
    """Zones or addresses that they lead to."""
    services: Annotated[Texts, Field(examples=[["tcp/11371"]])]
    """Services by name, or as tcp/443."""
    because: Annotated[str, Field(max_length=2000, examples=["OpenPGP keys of our suppliers"])]
    """What it is for, in a sentence."""
    owner: Annotated[str, Field(max_length=200, examples=["tenant A"])] = ""
    """Who answers for it; whoever asks, where nobody is named."""
    until: Annotated[str, Field(max_length=40, examples=["2027-03-31"])] = ""
    """The last day, or a time of day, as 2027-03-31T18:00."""
    ticket: Annotated[str, Field(max_length=100, examples=["OPS-112"])] = ""
    """The number under which it is known elsewhere."""
    overrides: Annotated[Texts, Field(default_factory=list, examples=[[]])]
    """The bans, by name, that it would pass."""

    def wish(self, actor: Actor) -> Wish:
        """The same as a value; who asks is the owner where nobody is named."""
        return Wish(
            self.policy, tuple(self.sources), tuple(self.destinations), tuple(self.services), self.because,
            self.owner or actor.name or actor.account, self.until, self.ticket, tuple(self.overrides),
        )  # fmt: skip


class GlassBody(WishBody):
    """What is opened at once, and for how long."""

    lasting: Annotated[str, Field(max_length=12, examples=["2h"])] = ""
    """A duration, as 30m or 2h; what `approvals.yaml` allows at most where nothing is said."""


class BecauseBody(Sent):
    """A reason."""

    because: Because = ""


class ApprovalBody(Sent):
    """Agreement to exactly the text with a hash."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["c9b8" * 16])]
    """The hash of the exception that you looked at."""
    because: Because = ""


class EvidenceBody(Sent):
    """What shows that it runs, or that it is open."""

    evidence: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=500)]],
        Field(min_length=1, max_length=20, examples=[{"host": "edge-1", "generation": "42"}]),
    ]
    """Facts by name; they go into the log."""


class WishTold(Told):
    """What is asked for."""

    policy: str
    sources: Annotated[list[str], Field(alias="from")]
    destinations: Annotated[list[str], Field(alias="to")]
    services: list[str]
    because: str
    owner: str
    until: str
    ticket: str
    overrides: list[str]


class ApprovalTold(Told):
    """One person's agreement."""

    account: str
    zone: str
    """The zones that they answer for, empty for one who may decide for all."""
    digest: str
    """The hash of what they agreed to."""
    at: str
    because: str
    voided: str
    """Why it counts no more; empty where it counts."""


class RequestTold(Told):
    """One request as it is kept."""

    number: int
    state: State
    author: str
    wish: WishTold
    severity: str
    digest: str
    """The hash of the exception: what an approval binds to."""
    path: str
    """Where the exception would be written."""
    text: str
    """The exception, byte for byte."""
    made: str
    changed: str
    version: int
    """One more at every change: what If-Match is held against."""
    revision: int
    """One more at every edit."""
    review: str
    """The day on which somebody has to say whether it is still needed."""
    said: str
    answer: WishTold | None
    """A narrower wish that was proposed instead."""
    is_break_glass: bool
    is_reviewed: bool
    is_confirmed: bool
    """Whether `firewright confirm` saw it run; else somebody says so at most."""
    approvals: list[ApprovalTold]


class FindingTold(Told):
    """Flows that one line decides now."""

    flows: list[str]
    outcome: str
    firewall: str
    policy: str
    place: str
    line: str
    because: str
    witness: str
    """One packet of them."""
    rule: str


class OpensTold(Told):
    """What is newly open: the flows, and how many addresses of each family may begin them, to how many.

    A count is null where it is of zones of which you may not know the size.
    """

    flows: list[str]
    sources: dict[str, int] | None
    destinations: dict[str, int] | None
    is_worldwide: bool


class AdviceTold(Told):
    """What the catalog says of a service that is asked for."""

    name: str
    title: str
    visibility: str
    when_open: str
    advice: str
    instead: str


class BesideTold(Told):
    """What else is commonly on ports that are asked for by a service's name."""

    ports: str
    names: list[str]


class ZonesTold(Told):
    """The zones that the flows touch."""

    sources: Annotated[list[str], Field(alias="from")]
    destinations: Annotated[list[str], Field(alias="to")]


class FileTold(Told):
    """A file as it would be written."""

    path: str
    text: str


class NoteTold(Told):
    """Something worth knowing."""

    name: str
    message: str
    help: str


class CheckTold(Told):
    """What a wish would mean."""

    wish: WishTold
    verdict: Verdict
    """permitted: no change is necessary; denied: a ban stands against it; partly: some is permitted already; open: to be decided."""
    permitted: list[FindingTold]
    denied: list[FindingTold]
    undecided: list[FindingTold]
    elsewhere: list[FindingTold]
    """Other authorities on the path that stop it all the same."""
    alternative: str
    opens: OpensTold
    severity: Severity
    why: list[str]
    firewalls: list[str]
    deciders: list[str]
    """Who may decide, by name where it is known."""
    able: int | None
    """How many people can decide now; null for whoever does not see the policy whole, and where there is nothing to decide."""
    stuck: list[str]
    """What is lacking if all of them agreed: then nobody can approve it."""
    beside: list[BesideTold]
    zones: ZonesTold
    advice: list[AdviceTold]
    exception: FileTold
    notes: list[NoteTold]


class KindTold(Told):
    """What a tree is, and of which version."""

    schema_version: str
    kind: str


class CheckBody(KindTold, CheckTold):
    """What a wish would mean."""


class LogRowTold(Told):
    """One row of the audit log."""

    number: int
    at: str
    who: str
    act: str
    about: str
    way: str
    """By what it came: web, api, cli, or agent."""
    origin: str
    because: str
    details: dict[str, str]
    digest: str
    """The hash over this row and the one before."""


class ChangeTold(Told):
    """A part of a wish as it was and as it is, in words."""

    field: str
    was: str
    now: str


class EditTold(Told):
    """What one edit changed."""

    revision: int
    at: str
    changes: list[ChangeTold]


class RequestBody(KindTold, RequestTold):
    """One request with what it would mean now, what it lacks, and its history."""

    check: CheckTold | None
    lacks: list[str]
    """What is lacking until it is approved."""
    against: str
    """Why it may not be applied, empty if it may."""
    history: list[LogRowTold]
    edits: list[EditTold]
    """What each edit changed, the first one first; for its author and whoever sees the policy whole."""
    grown: str | None
    """Why what was approved means more by now, empty if it does not; null where nobody has looked since the files changed."""
    estate: str
    """The hash of the policies that this is told of."""
    acts: list[str]
    """What you may do to it now."""


class RequestsBody(Told):
    """One page of requests."""

    requests: list[RequestTold]
    next: str | None


class ExceptionTold(Told):
    """One exception as it stands."""

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
    """Seconds until its end, none or fewer where it has ended."""
    request: int | None
    state: str
    review: str
    place: str
    unapproved: str
    """Why it may not be applied, empty if it may."""
    is_review_due: bool
    is_break_glass: bool
    has_ended: bool
    hits: int | None
    """Packets that it let in since it was applied, null where nobody looked."""
    grown: str | None
    """Why it means more than when it was approved, empty if it does not; null where nobody has looked since the files changed."""
    is_confirmed: bool
    """Whether it was seen to run."""


class UngovernedTold(Told):
    """A policy whose rules of approval are gone, so that nobody decides and no exception of it is applied."""

    policy: str
    why: str
    help: str
    """The way out."""


class ExceptionsBody(Told):
    """One page of exceptions."""

    exceptions: list[ExceptionTold]
    total: int
    next: str | None
    ungoverned: list[UngovernedTold]
    """The policies that you see whose rules of approval are gone."""


class LogBody(Told):
    """One page of the log."""

    rows: list[LogRowTold]
    next: str | None


class HeadBody(Told):
    """The log's end, signed (Ed25519), to be kept where nobody of here can write."""

    number: int
    digest: str
    at: str
    key: str
    signature: str
    public: str
    """The public key (PEM) that it can be verified with."""


class VerdictBody(KindTold):
    """Whether the log is as it was written."""

    is_intact: bool
    message: str
    tampering: str
    """What was done to it: edit, delete, reorder, cut, fork, time, head; request where one is not as its rows say; empty: nothing."""
    first: int
    last: int
    rows: int
    covered: int
    """How many rows signed heads vouch for."""
    note: str
    """The first row that says an older time than the one before, which a clock that was put right does too; empty if none does."""
