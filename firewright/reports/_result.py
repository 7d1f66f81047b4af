"""What a workflow found, as frozen values: the subjects of every report. Heavy modules are named here, never imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firewright.diagnostic import Diagnostic, Severity
from firewright.source import NOWHERE, Source, Span

if TYPE_CHECKING:
    from datetime import date

    from firewright.analysis.ask import Answer
    from firewright.analysis.assertions import Verdict
    from firewright.analysis.compare import Difference
    from firewright.catalog.search import Finding

SCHEMA_VERSION = "1"
"""Of everything that is written as JSON: it changes when a key changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a text is to look: its columns, whether it has colours, whether it shows packets and what is usually left out."""

    width: int = 100
    is_coloured: bool = False
    has_witness: bool = False
    is_verbose: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """One policy that was looked at: its name, its file, the day, and how much it says."""

    name: str
    path: str
    day: date
    rules: int
    firewalls: int


@dataclass(frozen=True, slots=True)
class Proof:
    """A sentence about every packet that an audit proved of every policy it looked at, and the audit's name."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What `check` found, in the order of places. `pages` say by name what a kind of finding means.

    `is_readable` is false where something was malformed: then nothing was proved, and the run failed.
    `proofs` are the audits that ran over all subjects and found nothing; `undecided` are those that gave up.
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[str, Source]
    subjects: tuple[Subject, ...] = ()
    proofs: tuple[Proof, ...] = ()
    undecided: tuple[str, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False
    is_readable: bool = True

    def count(self, severity: Severity) -> int:
        """How many findings are of a severity."""
        return sum(one.severity is severity for one in self.diagnostics)

    @property
    def fails(self) -> bool:
        """Whether a gate must not pass: an error, a warning, something undecided, or under `is_strict` a note."""
        return bool(self.undecided) or any(
            self.is_strict or one.severity is not Severity.NOTE for one in self.diagnostics
        )


@dataclass(frozen=True, slots=True)
class Answers:
    """What each selected policy says to a question, with the sources that the deciding lines are shown from."""

    text: str
    answers: tuple[Answer, ...]
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Use:
    """What one policy does with some services: an outcome, the flows that have it in words, and a line that decides so."""

    policy: str
    outcome: str
    is_open: bool
    flows: tuple[str, ...]
    at: Span = NOWHERE
    said: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the catalog knows of what was asked, what the policies in reach do with it, and the flow if one was asked about.

    `unasked` says why a policy in reach was not asked.
    """

    finding: Finding
    uses: tuple[Use, ...] = ()
    policies: tuple[str, ...] = ()
    flow: Answers | None = None
    unasked: tuple[str, ...] = ()
    links: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different between two policies at each pair of their firewalls; no difference is a proof of equality."""

    before: Subject
    after: Subject
    difference: Difference
    sources: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class TestRun:
    """What became of people's own assertions about their policies, in the order of their files."""

    __test__ = False

    verdicts: tuple[Verdict, ...]
    files: tuple[str, ...]
    sources: Mapping[str, Source]

    @property
    def failed(self) -> int:
        """How many assertions do not hold or could not be decided."""
        return sum(not one.holds for one in self.verdicts)


Result = Findings | Answers | Explanation | Comparison | TestRun

Renderers = Mapping[type[Any], Callable[[Any, Look], str]]
"""A report format: what each type of result that it can show becomes."""
