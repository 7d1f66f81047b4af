"""`approvals.yaml`: who decides about requests for the policies of a folder. Whatever is wrong is said with its place."""

from __future__ import annotations

from typing import cast

from firewright import document
from firewright.diagnostic import Report
from firewright.document import Scalar
from firewright.model.approval_rules import ApprovalRules, Growth, Of, Quorum, Weight
from firewright.readers.policy_yaml.complaint import Complaints, TooManyErrors
from firewright.readers.policy_yaml.reading import Reader
from firewright.readers.policy_yaml.shape import Duration, Key, Record, Several, Table, Text, Word
from firewright.readers.policy_yaml.stated import Stated
from firewright.source import Located, Source

FILE = "approvals.yaml"
"""How the file is called, beside the policies."""
_MOST = 20
_PEOPLE = Several(Text())

QUORUM = Record(
    "a quorum",
    (
        Key("count", Text(), "How many different people must agree.", "2"),
        Key("of", Word(tuple(Of)), "Owners of either end of the flows, or of both.", "both"),
        Key("also", _PEOPLE, "Accounts and groups of each of which one must agree too.", '["@security"]'),
    ),
    synonyms=(("approvals", "count"), ("number", "count"), ("owners", "of"), ("and", "also")),
)  # fmt: skip

GLASS = Record(
    "break-glass",
    (
        Key("who", _PEOPLE, "Who may open something without asking.", '["@on-call"]', is_required=True),
        Key("longest", Duration(), "For how long at most.", "4h"),
        Key("review", Duration(), "How soon somebody else has to look at it.", "2d"),
    ),
)

APPROVALS = Record(
    "the rules of approvals",
    (
        Key("owners", Table("zone", _PEOPLE), "Who answers for a zone: accounts, and groups with @.",
            '{tenants: [bob, "@network"]}'),
        Key("approve", Table("severity", QUORUM, tuple(Weight)), "How many people must agree, by severity.",
            "{high: {count: 2, of: both}}", is_required=True),
        Key("longest", Duration(), "How long an exception may last.", "365d"),
        Key("remind", Several(Duration()), "How long before its end its owner is told.", "[14d, 3d]"),
        Key("review", Duration(), "After how long somebody must say that an exception is still needed.", "180d"),
        Key("growth", Word(tuple(Growth)),
            "What becomes of an exception that opens more by now, as where a zone has grown: it is to be approved again, or that is "
            "told and it is applied. A severity that rose is to be approved always.", "tell"),
        Key("break-glass", GLASS, "Who may open something at once, for how long.", '{who: ["@on-call"], longest: 4h}'),
    ),
    synonyms=(("approvals", "approve"), ("severity", "approve"), ("reminders", "remind"), ("max", "longest"),
              ("grow", "growth"), ("grows", "growth")),
)  # fmt: skip


def load_approvals(source: Source, report: Report) -> ApprovalRules | None:
    """The rules of a text, or None after saying in the report what is wrong; what it leaves out has the usual values."""
    complaints = Complaints(report)
    try:
        tree = document.parse(source, report)
        if tree is None or tree.root is None:
            if tree is not None:
                report.error("no-approvals", "the file is empty", help="write approve: {low: {count: 1}}")
            return None
        stated = Reader(tree, complaints).record(tree.root, APPROVALS, "approvals")
        rules = _rules(stated, complaints) if stated is not None else None
    except TooManyErrors:
        return None
    return rules if not complaints.errors else None


def _rules(stated: Stated, complaints: Complaints) -> ApprovalRules:
    usual = ApprovalRules()
    glass = cast("Stated | None", stated.values.get("break-glass"))
    quorums = dict(usual.quorums)
    for name, one in stated.table("approve"):
        if one is not None:
            weight = Weight(name.text)
            quorums[weight] = _quorum(one, quorums[weight], complaints)
    if "approve" not in stated.keys and not stated.has_strangers:
        complaints.error("no-approvals", "nothing says who approves", stated.at, "write approve: {low: {count: 1}}")
    return ApprovalRules(
        owners={name.text: _people(words) for name, words in stated.table("owners") if words is not None},
        quorums=quorums,
        longest=stated.seconds("longest") or usual.longest,
        remind=_durations(stated) or usual.remind,
        review=stated.seconds("review") or usual.review,
        glass_who=_people(glass.words("who")) if glass else (),
        glass_longest=(glass and glass.seconds("longest")) or usual.glass_longest,
        glass_review=(glass and glass.seconds("review")) or usual.glass_review,
        growth=Growth(growth) if (growth := stated.text("growth")) else usual.growth,
        is_required=True,
        at=stated.at,
    )


def _quorum(stated: Stated, usual: Quorum, complaints: Complaints) -> Quorum:
    count, of = usual.count, stated.text("of")
    word = stated.word("count")
    if word is not None:
        if word.text.isascii() and word.text.isdecimal() and 1 <= int(word.text) <= _MOST:
            count = int(word.text)
        else:
            complaints.error("bad-count", "how many people must agree is a number", word.at, f"from 1 to {_MOST}")
    return Quorum(count, Of(of) if of else usual.of, _people(stated.words("also")))


def _people(words: tuple[Scalar, ...]) -> tuple[str, ...]:
    return tuple(word.text.strip() for word in words)


def _durations(stated: Stated) -> tuple[int, ...]:
    found = cast("tuple[Located[int], ...]", stated.values.get("remind", ()))
    return tuple(sorted((one.value for one in found), reverse=True))
