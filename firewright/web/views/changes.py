"""What changed between the policies as they were once and as they are: in exact flows, as far as somebody may see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from firewright.analysis.compare import Change, Comparison, compare
from firewright.analysis.words import Namer, flow_words
from firewright.diagnostic import Report, harmless
from firewright.model.account import Actor, Role
from firewright.model.policy import Policy
from firewright.readers.policy_yaml import adding, load
from firewright.source import Source, UnreadableSource
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.web.views.passing import FlowLine, Station, flow_lines, stations, witness
from firewright.web.views.sight import Sight
from firewright.workflows.requests.estate import Estate

LARGEST = 3_000_000
"""Characters of the texts of an estate that are kept to compare with."""
_NOWHERE = Path("/nonexistent/firewright")
"""Where texts that are only remembered are said to lie: nothing is there."""
_KINDS = {
    "opens": ("opens", "request"),
    "closes": ("closes", "closed"),
    "answers": ("answers now", "closed"),
    "hides": ("is silent now", "closed"),
}
"""Each kind of change with its words and its tone."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Flows that fare otherwise than before: how, which, one packet, by which lines before and after."""

    kind: str
    words: str
    tone: str
    flows: tuple[FlowLine, ...]
    witness: str
    before: tuple[Station, ...]
    after: tuple[Station, ...]


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What changed in one policy; `note` says that it is new, gone, or why the two cannot be compared."""

    policy: str
    changes: tuple[Changed, ...]
    settings: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.changes or self.settings or self.note)


def body_of(estate: Estate) -> str:
    """The texts of an estate as JSON, to be compared with later; empty where they are too long, or it is not whole."""
    if not estate.is_whole:
        return ""
    policies = {name: policy.path for name, policy in estate.policies.items()}
    exceptions = {name: sorted(_exceptions_of(policy)) for name, policy in estate.policies.items()}
    files = {
        path: source.text for path, source in estate.report.sources.items() if not PurePosixPath(path).is_absolute()
    }
    kept = {"exceptions": exceptions, "policies": policies, "files": files}
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LARGEST else ""


def _exceptions_of(policy: Policy) -> set[str]:
    """The files of the exceptions of a policy and of those that it is behind."""
    return {path for one in policy.authorities() for path in adding.exceptions_of(one)}


def is_complete(body: str) -> bool:
    """Whether kept texts say whose each exception is; an older version did not, and nothing is right that is told of such."""
    return body.startswith('{"exceptions"')


def policies_of(body: str) -> dict[str, Policy]:
    """The policies of texts that `body_of` wrote, each with its own exceptions; those that cannot be read any more are left out."""
    kept = json.loads(body)
    files: Mapping[str, str] = kept["files"]
    texts = {_NOWHERE / path: text for path, text in files.items()}

    def reading(path: Path) -> Source:
        if path not in texts:
            raise UnreadableSource(f"there is no file {path}")
        return Source(str(path), texts[path])

    found = {}
    for name, path in kept["policies"].items():
        # an exception that is not the policy's would be an error in it: several policies share a folder
        also = [Source(str(_NOWHERE / one), files[one]) for one in kept["exceptions"][name] if one in files]
        policy = load(Source(str(_NOWHERE / path), files[path]), Report(), also=also, reading=reading)
        if policy is not None:
            found[str(name)] = policy
    return found


def compared(before: Mapping[str, Policy], estate: Estate) -> dict[str, Comparison | str]:
    """For each policy what changed, or a sentence where there is nothing to compare. O(a comparison of each pair)."""
    found: dict[str, Comparison | str] = {}
    for name, policy in estate.policies.items():
        if name not in before:
            found[name] = "this policy is new"
            continue
        try:
            found[name] = compare(before[name], policy, estate.day_of(policy))
        except Unfilled:
            found[name] = "some of its zones are not filled in"
        except Undecided as error:
            found[name] = harmless(str(error))
    gone = (name for name in before if name not in estate.policies)
    return found | dict.fromkeys(gone, "this policy is gone")


def changes(found: Mapping[str, Comparison | str], estate: Estate, actor: Actor) -> Iterator[PolicyChange]:
    """What somebody may see of it, policy by policy; those in which nothing changed are left out."""
    for name, one in found.items():
        if not actor.touches(Role.VIEWER, name):
            continue
        if isinstance(one, str):
            yield PolicyChange(name, (), note=one)
            continue
        said = _of(one, estate, actor)
        if not said.is_quiet:
            yield said


def _of(one: Comparison, estate: Estate, actor: Actor) -> PolicyChange:
    sight, old = Sight(actor, one.after), Sight(actor, one.before)
    namer = sight.namer(one.before) if sight.is_whole else sight.namer()
    rows = [
        row
        for kind, (words, tone) in _KINDS.items()
        for change in getattr(one, kind)
        for row in _changed(kind, words, tone, change, (sight, old), namer, estate)
    ]
    rows += [
        row
        for words, change in one.promises
        for row in _changed("promises", words, "closed", change, (sight, old), namer, estate)
    ]
    return PolicyChange(one.after.name, tuple(rows), one.settings if sight.is_whole else ())


def _changed(
    kind: str, words: str, tone: str, change: Change, sights: tuple[Sight, Sight], namer: Namer, estate: Estate
) -> Iterator[Changed]:
    """A change as far as both the policy as it was and as it is let somebody see it."""
    flows = tuple(flow for seen in sights[0].flows(change.flows) for flow in sights[1].flows((seen,)))
    if flows:
        sources = estate.report.sources
        yield Changed(
            kind,
            words,
            tone,
            flow_lines(flow_words(flows, namer)),
            witness(flows, sights[0]) if all(map(sights[1].is_open_about, flows)) else "",
            tuple(_placed(one) for one in stations(change.before, sights[0].actor, {})),
            stations(change.after, sights[0].actor, sources),
        )


def _placed(one: Station) -> Station:
    """A station of the texts that are only remembered, at the place where they lay."""
    return replace(one, place=one.place.replace(f"{_NOWHERE}/", ""))
