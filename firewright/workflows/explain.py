"""Explain a port, a service, a protocol or a flow: what it commonly is, and what the policies in reach do with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from firewright.catalog.search import Finding, find
from firewright.catalog.services import catalog
from firewright.diagnostic import Report, nearest
from firewright.reports import Explanation, Reach

if TYPE_CHECKING:
    from firewright.workflows.selection import Saying, Wanted

_ARROWS = ("<->", "->")


def explain(words: tuple[str, ...], report: Report) -> Explanation | None:
    """What the catalog knows of some words, or None after saying in the report that it knows nothing.

    All words together are looked up first (`file sharing`), then each by itself. A misspelt word is taken for the nearest.
    """
    text = " ".join(" ".join(words).split())
    if any(arrow in text for arrow in _ARROWS):
        return Explanation(text, _of_flow(text))
    whole = find(text, catalog())
    findings = (
        (whole,)
        if not whole.is_empty() or whole.meant or len(words) == 1
        else tuple(find(word, catalog()) for word in words)
    )
    taken_for = ""
    for finding in findings:
        if not finding.problem:
            continue
        taken_for = finding.meant or nearest(finding.query, finding.suggestions)
        if not taken_for:
            report.error("unknown-word", finding.problem, help=finding.help)
    if report.has_errors():
        return None
    return Explanation(text, tuple(_or_nearest(finding) for finding in findings), taken_for=taken_for)


def _or_nearest(finding: Finding) -> Finding:
    """The finding, or that of what its word was most likely meant to be; the problem is still told."""
    if not finding.problem:
        return finding
    near = find(finding.meant or nearest(finding.query, finding.suggestions), catalog())
    return replace(near, problem=finding.problem, help=finding.help)


def _of_flow(text: str) -> tuple[Finding, ...]:
    """What is known of the services at the end of a flow; names of a policy's own are not the catalog's to explain."""
    rest = text.rpartition("->")[2].replace(",", " ").split()
    found = (find(word, catalog()) for word in rest[1:] if word != "any")
    return tuple(finding for finding in found if not finding.problem)


def without_policies(explanation: Explanation, report: Report) -> Explanation | None:
    """The explanation where there is no policy: a flow is not answered, and that is said."""
    if not any(arrow in explanation.query for arrow in _ARROWS):
        return explanation
    if not explanation.findings:
        report.error("no-policy", "there is no policy here to ask about a flow", help="name one with -p FILE")
        return None
    return replace(
        explanation, reaches=(Reach("", "this folder", unasked="there is no policy here; name one with -p FILE"),)
    )


def with_policies(
    explanation: Explanation, wanted: Wanted, report: Report, must_read: bool, saying: Saying | None = None
) -> Explanation | None:
    """The explanation with what the selected policies do; None after saying in the report what is wrong.

    Without `must_read` policies that happen to lie there and cannot be asked are said to be so, and nothing fails.
    """
    from firewright.workflows.ask import answers_of
    from firewright.workflows.reach import reach_of
    from firewright.workflows.selection import select, silent, sources_of

    own = Report()
    wanted = wanted if must_read else replace(wanted, telling=silent)
    if not must_read and not list(sources_of(wanted, own)):
        return without_policies(explanation, report)
    policies = select(wanted, own, saying or silent)
    is_flow = any(arrow in explanation.query for arrow in _ARROWS)
    if policies is None:
        if must_read or is_flow:
            report.diagnostics += own.diagnostics
            report.sources.update(own.sources)
            return None
        unasked = tuple(_unread(own))
        return replace(explanation, reaches=unasked)
    if is_flow:
        report.sources.update(own.sources)
        flow = answers_of(explanation.query, policies, wanted, report)
        return None if flow is None else replace(explanation, flow=flow)
    transports = ", ".join(finding.transports for finding in explanation.findings if finding.transports)
    return replace(explanation, reaches=tuple(reach_of(policy, transports, wanted.day_of) for policy in policies))


def _unread(report: Report) -> Iterator[Reach]:
    """The files that cannot be read as policies."""
    for path in dict.fromkeys(said.at.path for said in report.sorted()):
        yield Reach("", path or "a file of this folder", unasked="it has errors; `firewright check` says which")
