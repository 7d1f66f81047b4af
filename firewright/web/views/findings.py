"""What is wrong with the policies: every diagnostic that somebody may see, with its line, filtered, and as files for other tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from firewright.diagnostic import Diagnostic, Report, Severity, harmless
from firewright.model.account import Actor, Role
from firewright.model.policy import Policy, Rule
from firewright.reports import Findings, Look, Subject
from firewright.source import Source, Span
from firewright.web.views.passing import line_at
from firewright.web.views.sight import Sight
from firewright.workflows.check import check
from firewright.workflows.requests.estate import Estate

_LONGEST = 2000
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, slots=True)
class Found:
    """One finding: what kind, of which policy (empty: of none in particular), where, the line there, and a way out."""

    name: str
    severity: str
    message: str
    policy: str
    place: str
    line: str
    notes: tuple[str, ...]
    witness: str
    help: str

    @property
    def text(self) -> str:
        """Everything that a search looks through."""
        return " ".join((self.name, self.message, self.policy, self.place, self.help))


def check_estate(estate: Estate) -> Findings:
    """Everything that is wrong with what a folder says: what cannot be read, then every audit over every policy that can.

    Time as that of `firewright check`. What is wrong with one policy hides nothing of another.
    """
    report = Report(list(estate.report.diagnostics), dict(estate.report.sources))
    subjects: list[Subject] = []
    audits, pages = set[str](), dict[str, str]()
    is_readable = estate.is_whole
    for policy in estate.policies.values():
        own = Report()
        found = check(replace(estate.wanted, policies=(policy.path,)), own)
        report.sources.update(own.sources)
        for one in found.diagnostics:
            report.add(one)
        subjects += found.subjects
        audits |= {*found.audits}
        pages |= found.pages
        is_readable &= found.is_readable
    diagnostics = sorted(dict.fromkeys(report.diagnostics), key=_order)
    return Findings(
        tuple(diagnostics), report.sources, tuple(subjects), tuple(sorted(audits)), pages, is_readable=is_readable
    )


def _order(one: Diagnostic) -> tuple[int, str, int, int, str, str]:
    return _RANK[one.severity], one.at.path, one.at.line, one.at.column, one.name, one.message


def seen(findings: Findings, estate: Estate, actor: Actor) -> Findings:
    """The findings that somebody may see: those of the policies that they see whole, and of rules that are wholly theirs.

    What belongs to no policy is for those who see everything.
    """
    if actor.is_everywhere(Role.VIEWER):
        return findings
    owners = _Owners(estate)
    kept = tuple(one for one in findings.diagnostics if _is_seen(one, owners, actor))
    subjects = tuple(one for one in findings.subjects if actor.is_allowed(Role.VIEWER, one.name))
    paths = {one.at.path for one in kept} | {note.at.path for one in kept for note in one.notes}
    sources = {path: source for path, source in findings.sources.items() if path in paths}
    return replace(findings, diagnostics=kept, sources=sources, subjects=subjects)


class _Owners:
    """Whose a place is: the policies that a file belongs to, and the rule that stands at a line."""

    def __init__(self, estate: Estate) -> None:
        self.policies = estate.policies
        self._files: dict[str, list[Policy]] = {}
        self._rules: dict[str, dict[tuple[str, int], list[Rule]]] = {}
        self._sights: dict[str, Sight] = {}
        for policy in estate.policies.values():
            for path in dict.fromkeys((policy.path, *policy.paths)):
                self._files.setdefault(path, []).append(policy)

    def of(self, at: Span) -> list[Policy]:
        """The policies of a file."""
        return self._files.get(at.path, [])

    def rules(self, policy: Policy, at: Span) -> list[Rule]:
        """The rules of a policy that stand at a line."""
        if policy.name not in self._rules:
            found = self._rules[policy.name] = {}
            for rule in policy.rules:
                found.setdefault((rule.at.path, rule.at.line), []).append(rule)
        return self._rules[policy.name].get((at.path, at.line), [])

    def sight(self, actor: Actor, policy: Policy) -> Sight:
        """What the one actor whom all this is for sees of a policy."""
        return self._sights.setdefault(policy.name, Sight(actor, policy))


def _is_seen(one: Diagnostic, owners: _Owners, actor: Actor) -> bool:
    places = [one.at, *(note.at for note in one.notes if note.at.path)]
    return all(_is_place_seen(at, owners, actor) for at in places)


def _is_place_seen(at: Span, owners: _Owners, actor: Actor) -> bool:
    policies = owners.of(at)
    if not policies:
        return False
    sights = (owners.sight(actor, policy) for policy in policies)
    return all(sight.is_whole or _is_own(owners.rules(sight.policy, at), sight) for sight in sights)


def _is_own(rules: list[Rule], sight: Sight) -> bool:
    """Whether a line is of a rule between zones that are seen, and no other."""
    return bool(rules) and all(sight.rule(rule) and sight.concerns(rule) for rule in rules)


def listed(findings: Findings, estate: Estate) -> tuple[Found, ...]:
    """The findings as rows, errors first."""
    owners = _Owners(estate)
    return tuple(_found(one, owners, findings.sources) for one in findings.diagnostics)


def _found(one: Diagnostic, owners: _Owners, sources: Mapping[str, Source]) -> Found:
    return Found(
        one.name,
        one.severity.value,
        harmless(one.message, _LONGEST),
        ", ".join(policy.name for policy in owners.of(one.at)),
        place_of(one.at),
        line_at(one.at.path, one.at.line, sources),
        tuple(_note(note.text, note.at) for note in one.notes),
        harmless(one.witness, _LONGEST),
        harmless(one.help, _LONGEST),
    )


def _note(text: str, at: Span) -> str:
    return harmless(text, _LONGEST) + (f" ({place_of(at)})" if at.path else "")


def place_of(at: Span) -> str:
    """A place as people know it: a file, and its line where it has one."""
    return harmless(f"{at.path}:{at.line}" if at.line else at.path)


def chosen(rows: Iterable[Found], severity: str = "", policy: str = "", name: str = "") -> Iterator[Found]:
    """The rows of one severity, policy and name, where these are given."""
    for one in rows:
        is_named = not name or one.name == name
        if is_named and severity in ("", one.severity) and (not policy or policy in one.policy.split(", ")):
            yield one


def narrowed(findings: Findings, rows: Iterable[Found], kept: Iterable[Found]) -> Findings:
    """The findings of some of their rows, in their order."""
    wanted = {id(one) for one in kept}
    pairs = zip(findings.diagnostics, rows, strict=True)
    return replace(findings, diagnostics=tuple(one for one, row in pairs if id(row) in wanted))


FORMATS = {
    "sarif": ("application/sarif+json", "sarif"),
    "junit": ("application/xml", "xml"),
    "markdown": ("text/markdown", "md"),
    "json": ("application/json", "json"),
}
"""What findings are exported as: the media type and a file's ending."""


def written(findings: Findings, format_: str) -> str:
    """Findings in one of FORMATS, as `firewright check --format` writes them."""
    from importlib import import_module

    renderers = import_module(f"firewright.reports.{format_}").REPORT
    text: str = renderers[Findings](findings, Look())
    return text


CSV_HEAD = ("severity", "name", "policy", "place", "message", "line", "witness", "help")


def csv_rows(rows: Iterable[Found]) -> Iterator[tuple[str, ...]]:
    """The rows of a table of findings."""
    for one in rows:
        yield one.severity, one.name, one.policy, one.place, one.message, one.line, one.witness, one.help
