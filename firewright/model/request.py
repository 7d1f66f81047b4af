"""A request: flows that somebody asks for, what has been decided of it, and which act leads from which state to which.

A request that is approved becomes an exception: a rule with an end, one file under `exceptions/`. An approval binds to the hash of
that file, so an edit, which changes it, voids every approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


class State(StrEnum):
    """How far a request has come. The last three have no way on."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    IMPLEMENTED = "implemented"
    VERIFIED = "verified"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        """Whether nothing more becomes of it."""
        return self in (State.DECLINED, State.EXPIRED, State.WITHDRAWN)

    @property
    def has_exception(self) -> bool:
        """Whether its exception stands in the policy's folder."""
        return self in (State.APPROVED, State.IMPLEMENTED, State.VERIFIED)


class Act(StrEnum):
    """What is done to a request.

    `agree` is one approval of several, `approve` the one that decides; `lapse` is a role lost, or an exception that means more by now:
    it is to be decided again. `confirm` is what `firewright confirm` saw running, `doubt` that somebody who agreed to what runs may
    decide no longer.
    """

    SUBMIT = "submit"
    EDIT = "edit"
    ANSWER = "answer"
    AGREE = "agree"
    APPROVE = "approve"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    IMPLEMENT = "implement"
    CONFIRM = "confirm"
    DOUBT = "doubt"
    VERIFY = "verify"
    RECERTIFY = "recertify"
    REVIEW = "review"
    EXPIRE = "expire"


_NEXT: Mapping[State, Mapping[Act, State]] = {
    State.DRAFT: {
        Act.EDIT: State.DRAFT,
        Act.SUBMIT: State.SUBMITTED,
        Act.WITHDRAW: State.WITHDRAWN,
    },
    State.SUBMITTED: {
        Act.EDIT: State.SUBMITTED,
        Act.ANSWER: State.SUBMITTED,
        Act.AGREE: State.SUBMITTED,
        Act.LAPSE: State.SUBMITTED,
        Act.APPROVE: State.APPROVED,
        Act.DECLINE: State.DECLINED,
        Act.WITHDRAW: State.WITHDRAWN,
        Act.EXPIRE: State.EXPIRED,
    },
    State.APPROVED: {
        Act.EDIT: State.SUBMITTED,
        Act.LAPSE: State.SUBMITTED,
        Act.DECLINE: State.DECLINED,
        Act.WITHDRAW: State.WITHDRAWN,
        Act.REVIEW: State.APPROVED,
        Act.IMPLEMENT: State.IMPLEMENTED,
        Act.EXPIRE: State.EXPIRED,
    },
    State.IMPLEMENTED: {
        Act.VERIFY: State.VERIFIED,
        Act.CONFIRM: State.IMPLEMENTED,
        Act.DOUBT: State.IMPLEMENTED,
        Act.RECERTIFY: State.IMPLEMENTED,
        Act.LAPSE: State.SUBMITTED,
        Act.REVIEW: State.IMPLEMENTED,
        Act.WITHDRAW: State.WITHDRAWN,
        Act.DECLINE: State.DECLINED,
        Act.EXPIRE: State.EXPIRED,
    },
    State.VERIFIED: {
        Act.VERIFY: State.VERIFIED,
        Act.CONFIRM: State.VERIFIED,
        Act.DOUBT: State.VERIFIED,
        Act.RECERTIFY: State.VERIFIED,
        Act.LAPSE: State.SUBMITTED,
        Act.REVIEW: State.VERIFIED,
        Act.WITHDRAW: State.WITHDRAWN,
        Act.DECLINE: State.DECLINED,
        Act.EXPIRE: State.EXPIRED,
    },
    # what was opened without asking ends within hours, and is looked at by somebody else after that
    State.DECLINED: {Act.REVIEW: State.DECLINED},
    State.EXPIRED: {Act.REVIEW: State.EXPIRED},
    State.WITHDRAWN: {Act.REVIEW: State.WITHDRAWN},
}


def next_state(state: State, act: Act) -> State | None:
    """The state that an act leads to, or None where it is not possible."""
    return _NEXT[state].get(act)


def acts_of(state: State) -> tuple[Act, ...]:
    """What can be done to a request in this state, by whoever may."""
    return tuple(_NEXT[state])


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, in the words of the language: zones or addresses, services, an end, and why.

    `policy` is the name of the policy that would permit it; `until` a day (inclusive) or a time of day, as text; `overrides` the
    bans by name that it would pass.
    """

    policy: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    services: tuple[str, ...]
    because: str
    owner: str
    until: str
    ticket: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's agreement to the exception with a hash, as holder of a role for a zone; `voided` says why it counts no more.

    `zone` are the zones of which the person is an owner, as `a, b`: it counts for these; empty for one who has to agree besides.
    """

    account: str
    zone: str
    digest: str
    at: datetime
    because: str = ""
    voided: str = ""

    @property
    def stands(self) -> bool:
        """Whether it counts."""
        return not self.voided


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it is: its wish, its state, and the approvals so far.

    `number` counts from 1; `version` is one more at every change; `revision` at every edit. `text` is the exception's file exactly
    as it would be written, `path` where, relative to the policy's folder; `answer` a narrower wish that was proposed instead.
    `severity` is low, medium or high. `review` is the day (ISO) on which somebody has to say whether it is still needed.
    `is_confirmed` says that `firewright confirm` saw exactly this run, which nobody can say by hand.
    """

    number: int
    state: State
    author: str
    wish: Wish
    text: str
    path: str
    severity: str
    made: datetime
    changed: datetime
    version: int = 1
    revision: int = 1
    approvals: tuple[Approval, ...] = ()
    answer: Wish | None = None
    said: str = ""
    review: str = ""
    is_break_glass: bool = False
    is_reviewed: bool = False
    is_confirmed: bool = False

    @property
    def digest(self) -> str:
        """The hash to which approvals bind: of the exception's file, byte for byte, and of where it is put."""
        return digest_of(self.text, self.wish.policy, self.path)

    @property
    def standing(self) -> tuple[Approval, ...]:
        """The approvals that count: not voided, and of exactly this text."""
        return tuple(one for one in self.approvals if one.stands and one.digest == self.digest)


def digest_of(text: str, policy: str, path: str) -> str:
    """The hash (SHA-256) of an exception's file, of its policy's name and of its path, told apart by their lengths."""
    whole = sha256()
    for part in (policy, path, text):
        data = part.encode()
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return whole.hexdigest()
