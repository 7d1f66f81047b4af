"""What a workflow found, as frozen values: the subjects of every report. Heavy modules are named here, never imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from posixpath import join, normpath, relpath
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import Diagnostic, Severity
from firewright.source import NOWHERE, Source, Span

if TYPE_CHECKING:
    from datetime import date

    from firewright.analysis.ask import Answer
    from firewright.analysis.compare import Comparison as Difference
    from firewright.catalog.search import Finding

SCHEMA_VERSION = "1"
"""Of everything that is written as JSON: it changes when a key changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a text is to look: its columns, whether longer lines are cut, colours, packets, what is usually left out.

    `folder` is where paths are relative to, `root` the repository that it is in, empty where it is in none: code hosts
    know files by their paths in the repository.
    """

    width: int = 100
    is_cut: bool = False
    is_coloured: bool = False
    has_witness: bool = False
    is_verbose: bool = False
    folder: str = ""
    root: str = ""

    def in_repository(self, path: str) -> str:
        """A path as the repository has it; as it is where it is in none."""
        if not self.root or path in ("", "-"):
            return path
        whole = normpath(join(self.folder, path))
        return relpath(whole, self.root) if whole.startswith(f"{self.root.rstrip('/')}/") else path


@dataclass(frozen=True, slots=True)
class Subject:
    """One policy that was looked at: its name, its file, the day, and how much it says."""

    name: str
    path: str
    day: date
    rules: int
    firewalls: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found, in the order of places. `pages` say by name what a kind of finding means.

    `is_readable` is false where something was malformed: then nothing was proved, and the run failed.
    `audits` are those that came to an end for every subject; one that was not decided is a finding.
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    subjects: tuple[Subject, ...] = ()
    audits: tuple[str, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False
    is_readable: bool = True

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(one.severity is severity for one in self.diagnostics)

    @property
    def fails(self) -> bool:
        """Whether a gate must not pass: an error, a warning, or under `is_strict` a note."""
        return any(self.is_strict or one.severity is not Severity.NOTE for one in self.diagnostics)


@dataclass(frozen=True, slots=True)
class Answers:
    """What each selected policy says to a question, with the sources that the deciding lines are shown from."""

    text: str
    answers: tuple[Answer, ...]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Use:
    """What a policy does with some services: the outcome, the flows in words that have it, and a line that decides so."""

    outcome: str
    is_open: bool
    flows: tuple[str, ...]
    at: Span = NOWHERE
    said: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """A policy in reach of an explanation: what it does with the services, or why it was not asked."""

    policy: str
    path: str
    uses: tuple[Use, ...] = ()
    unasked: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the catalog knows of each thing that was asked, and what the policies in reach do with all of them.

    `flow` is the answer where a flow was asked about. `taken_for` is what a misspelt word was taken for.
    """

    query: str
    findings: tuple[Finding, ...]
    reaches: tuple[Reach, ...] = ()
    flow: Answers | None = None
    taken_for: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every difference between two policies, with the sources that the deciding lines are shown from."""

    found: Difference
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one assertion: whether it holds, and if not what the policy says instead, by which line, of which packet.

    `found` is an outcome in words; `is_decided` is false where the question was too much work, and then nothing holds.
    """

    label: str
    expected: str
    holds: bool
    at: Span
    policy: str
    found: str = ""
    said: str = ""
    decided_at: Span = NOWHERE
    witness: str = ""
    because: str = ""
    is_decided: bool = True


@dataclass(frozen=True, slots=True)
class TestRun:
    """What became of people's own assertions about their policies, in the order of their files."""

    __test__ = False

    verdicts: tuple[Verdict, ...]
    files: tuple[str, ...]
    sources: Mapping[str, Source]

    @property
    def failed(self) -> tuple[Verdict, ...]:
        """The assertions that do not hold or could not be decided."""
        return tuple(one for one in self.verdicts if not one.holds)


@dataclass(frozen=True, slots=True)
class Way:
    """Packets that were sent one way through a firewall, and how many of them were treated as the policy says."""

    source: str
    destination: str
    sent: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Differing:
    """A packet with which the kernel did something else than the policy says, or a counter that did not count it.

    `expected` and `found` are in words; `at` is the place of the policy that says so, `said` the rule there.
    """

    packet: str
    expected: str
    found: str
    said: str = ""
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a scene of several packets: it holds, or `why` it does not, or why the kernel could not play it."""

    name: str
    holds: bool
    why: str = ""
    is_played: bool = True


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A firewall's compiled ruleset as it did in a kernel: packets by their ways, scenes, and packets a second.

    `uncarried` counts packets at edges of the policy that no kernel brings to a ruleset, by the reason; `again` those that
    were sent more than once.
    """

    policy: str
    path: str
    firewall: str
    day: date
    kernel: str
    ways: tuple[Way, ...]
    differing: tuple[Differing, ...]
    scenes: tuple[Played, ...]
    uncarried: Mapping[str, int]
    rate: int
    again: int = 0

    @property
    def sent(self) -> int:
        """How many packets were sent."""
        return sum(way.sent for way in self.ways)

    @property
    def failures(self) -> int:
        """How much went otherwise than the policy says."""
        return len(self.differing) + sum(one.is_played and not one.holds for one in self.scenes)

    @property
    def unplayed(self) -> tuple[Played, ...]:
        """The scenes that could not be played."""
        return tuple(one for one in self.scenes if not one.is_played)

    @property
    def passed(self) -> bool:
        """Whether something was sent, everything agreed, and nothing was left out."""
        return self.sent > 0 and not self.failures and not self.unplayed


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What became of rehearsing firewalls, in the order of the policies' files."""

    rehearsed: tuple[Rehearsed, ...]
    sources: Mapping[str, Source]

    @property
    def passed(self) -> bool:
        """Whether every firewall passed."""
        return all(one.passed for one in self.rehearsed)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A firewall's ruleset in a target's words from a day on, and the proof that it means what the policy says.

    `stretches` of time were proved, with so many `steps` of policy and ruleset together at the longest.
    """

    policy: str
    firewall: str
    target: str
    text: str
    day: date
    stretches: int
    steps: int


@dataclass(frozen=True, slots=True)
class Compilation:
    """What was compiled and proved, in the order of the policies' files."""

    compiled: tuple[Compiled, ...]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something that listens, and who reaches it.

    `state` is "reachable", "possibly", "own" (only from the machine itself), "hidden" (a firewall stops everybody), "unseen"
    (no firewall could be looked at) or "undecided". `sources` say who surely reaches it, `possible` who may beside them;
    `by` are the places of the rules that let them. `address` is where it listens, or what is published to where. `counts` are
    the families with how many globally reachable addresses reach it, possibly ones too.
    """

    service: str
    name: str
    programs: tuple[str, ...]
    address: str
    families: tuple[int, ...]
    state: str
    sources: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    is_worldwide: bool = False
    counts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """What passes one hook, or a whole machine, as flows in words: those that surely do, and those that may beside them.

    `undecided` says why there is no answer, and is empty where there is one.
    """

    title: str
    lines: tuple[str, ...]
    possible: tuple[str, ...] = ()
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A finding that fails nothing, and who answers for it: by a suppression, or by a baseline that knew it.

    `owner`, `reason` and `until` (a day as 2027-03-31) are empty of a baseline; `at` is where it is set aside. `is_inside`
    is whether that stands in what was audited, not in a file beside it.
    """

    finding: Diagnostic
    how: str
    owner: str = ""
    reason: str = ""
    until: str = ""
    at: Span = NOWHERE
    is_inside: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A requirement of a standard, and what was found against it: nothing found is no proof that it is met.

    `against` are findings in words; `looks_for` the kinds of findings that would count.
    """

    standard: str
    number: str
    title: str
    looks_for: tuple[str, ...]
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What of a machine, or through a ruleset, is reachable from where; `subject` is whose, `firewall` what guards it in a sentence.

    `is_whole` is false where something could not be seen: then nothing is called safe. `findings` are in the order of their weight.
    `set_aside` are the findings that fail nothing, since somebody answers for them; they are not among `findings`. `marks` are
    empty unless they were asked for.
    """

    subject: str
    firewall: str
    exposures: tuple[Exposure, ...]
    passages: tuple[Passage, ...]
    findings: Findings
    is_whole: bool = True
    set_aside: tuple[SetAside, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadRule:
    """One rule of a ruleset that was read: `state` is "understood", "bounded" or "refused", `why` what was not understood."""

    table: str
    chain: str
    number: int
    text: str
    comment: str
    state: str
    why: str
    at: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Reading:
    """A ruleset as it was understood: every rule, what each hook lets pass, which rules change addresses.

    `has_rules` says whether the rules are to be listed, or only counted.
    """

    path: str
    rules: tuple[ReadRule, ...]
    passages: tuple[Passage, ...]
    translations: tuple[str, ...]
    findings: Findings
    has_rules: bool = True

    def count(self, state: str) -> int:
        """How many rules are understood, bounded or refused."""
        return sum(one.state == state for one in self.rules)


Result = object
"""What a workflow found: of any type that a format has a renderer for, so that a new one is added in one file."""

Renderers = Mapping[type[Any], Callable[[Any, Look], str]]
"""A report format: what each type of result that it can show becomes."""
