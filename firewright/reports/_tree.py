"""Results as trees of mappings, lists, texts, numbers and booleans: what JSON is written from, in a stable order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firewright.diagnostic import Diagnostic
from firewright.model.moment import iso
from firewright.reports._answers_text import overall_words, reason, why_words, written
from firewright.reports._result import (
    SCHEMA_VERSION,
    Answers,
    Comparison,
    Compilation,
    Explanation,
    Findings,
    Subject,
    TestRun,
)
from firewright.source import Span

if TYPE_CHECKING:
    from firewright.analysis.ask import Answer, Part, Ruling
    from firewright.analysis.compare import Change
    from firewright.analysis.words import FlowWords
    from firewright.catalog.row import ServiceRow
    from firewright.catalog.search import Finding

Tree = dict[str, Any]


def _head(kind: str) -> Tree:
    return {"schema_version": SCHEMA_VERSION, "kind": kind}


def place_tree(at: Span) -> Tree | None:
    """A place, or None for what no text says."""
    return {"file": at.path, "line": at.line, "column": at.column, "width": at.width} if at.path else None


def diagnostic_tree(one: Diagnostic) -> Tree:
    """One finding."""
    return {
        "name": one.name,
        "severity": one.severity.value,
        "message": one.message,
        "at": place_tree(one.at),
        "notes": [{"text": note.text, "at": place_tree(note.at)} for note in one.notes],
        "witness": one.witness,
        "help": one.help,
    }


def findings_tree(findings: Findings) -> Tree:
    """What `check` found."""
    return {
        **_head("findings"),
        "passed": findings.is_readable and not findings.fails,
        "readable": findings.is_readable,
        "strict": findings.is_strict,
        "policies": [_subject(one) for one in findings.subjects],
        "audits": list(findings.audits),
        "findings": [diagnostic_tree(one) for one in findings.diagnostics],
    }


def _subject(one: Subject) -> Tree:
    return {
        "name": one.name,
        "file": one.path,
        "day": iso(one.day),
        "rules": one.rules,
        "firewalls": one.firewalls,
    }


def answers_tree(answers: Answers) -> Tree:
    """What policies say to a question."""
    return {
        **_head("answers"),
        "question": answers.text,
        "assumes": "symmetric paths; no routing",
        "answers": [_answer(one) for one in answers.answers],
    }


def _answer(answer: Answer) -> Tree:
    return {
        "policy": answer.policy.name,
        "file": answer.policy.path,
        "question": str(answer.question),
        "day": iso(answer.day),
        "parts": [_part(part) for part in answer.parts],
    }


def _part(part: Part) -> Tree:
    return {
        "open": part.is_open,
        "outcome": part.outcome.value,
        "words": overall_words(part),
        "flows": [flow_tree(line) for line in part.lines],
        "witness": str(part.witness),
        "firewalls": [ruling_tree(ruling) for ruling in part.rulings],
        "stopped_by": [ruling.decision.firewall.name for ruling in part.stops],
    }


def flow_tree(line: FlowWords) -> Tree:
    """One line of an answer."""
    return {
        "from": line.source,
        "to": line.destination,
        "services": line.service,
        "families": [f"IPv{family}" for family in line.families],
    }


def ruling_tree(ruling: Ruling) -> Tree:
    """What one firewall decides, by which line."""
    decision = ruling.decision
    return {
        "policy": ruling.policy.name,
        "firewall": decision.firewall.name,
        "outcome": decision.outcome.value,
        "action": decision.action.value,
        "at": place_tree(ruling.at),
        "rule": written(ruling) or None,
        "because": reason(ruling),
        "words": why_words(ruling),
    }


def explanation_tree(explanation: Explanation) -> Tree:
    """What is known of a word, and what policies do with it."""
    return {
        **_head("explanation"),
        "query": explanation.query,
        "taken_for": explanation.taken_for,
        "findings": [_finding(finding) for finding in explanation.findings],
        "flow": None if explanation.flow is None else answers_tree(explanation.flow),
        "policies": [
            {
                "policy": reach.policy,
                "file": reach.path,
                "unasked": reach.unasked,
                "uses": [
                    {
                        "outcome": use.outcome,
                        "open": use.is_open,
                        "flows": list(use.flows),
                        "at": place_tree(use.at),
                        "because": use.said,
                    }
                    for use in reach.uses
                ],
            }
            for reach in explanation.reaches
        ],
    }


def _finding(finding: Finding) -> Tree:
    return {
        "query": finding.query,
        "problem": finding.problem,
        "suggestions": list(finding.suggestions),
        "transports": finding.transports,
        "commonly": [_row(row) for row in finding.commonly],
        "registered": [
            {"name": entry.name, "title": entry.title, "transports": entry.words()} for entry in finding.registered
        ],
        "registered_left_off": finding.left_off,
        "protocols": [{"number": row.low, "name": row.name, "title": row.title} for row in finding.protocols],
        "icmp": [
            {"family": f"IPv{row.family}", "type": row.type, "code": row.code, "title": row.title}
            for row in finding.icmp
        ],
        "together": [{"name": row.name, "transports": row.words()} for row in finding.together],
    }


def _row(row: ServiceRow) -> Tree:
    return {
        "name": row.name,
        "title": row.title,
        "transports": row.words(),
        "what": row.what,
        "encrypted": row.encrypted.value,
        "authenticated": row.authenticated.value,
        "when_open": row.when_open,
        "incident": row.incident,
        "visibility": row.visibility.value,
        "advice": row.advice,
        "instead": row.instead,
        "source": row.source,
        "date": row.date,
    }


def comparison_tree(comparison: Comparison) -> Tree:
    """What is different between two policies."""
    found = comparison.found
    return {
        **_head("comparison"),
        "before": {"name": found.before.name, "file": found.before.path},
        "after": {"name": found.after.name, "file": found.after.path},
        "day": iso(found.day),
        "equivalent": found.is_equivalent,
        "opens": [_change(change) for change in found.opens],
        "closes": [_change(change) for change in found.closes],
        "answers": [_change(change) for change in found.answers],
        "hides": [_change(change) for change in found.hides],
        "promises": [{"says": word, **_change(change)} for word, change in found.promises],
        "settings": list(found.settings),
    }


def _change(change: Change) -> Tree:
    return {
        "flows": [flow_tree(line) for line in change.lines],
        "witness": str(change.witness),
        "before": [ruling_tree(ruling) for ruling in change.before],
        "after": [ruling_tree(ruling) for ruling in change.after],
    }


def tests_tree(run: TestRun) -> Tree:
    """What became of assertions."""
    return {
        **_head("tests"),
        "passed": not run.failed,
        "files": list(run.files),
        "assertions": [
            {
                "label": one.label,
                "at": place_tree(one.at),
                "policy": one.policy,
                "expected": one.expected,
                "holds": one.holds,
                "decided": one.is_decided,
                "found": one.found,
                "said": one.said,
                "decided_at": place_tree(one.decided_at),
                "witness": one.witness,
                "because": one.because,
            }
            for one in run.verdicts
        ],
    }


def compilation_tree(result: Compilation) -> Tree:
    """Rulesets, and that they are proved."""
    return {
        **_head("compilation"),
        "firewalls": [
            {
                "policy": one.policy,
                "firewall": one.firewall,
                "target": one.target,
                "from": iso(one.day),
                "proved": {"stretches": one.stretches, "steps": one.steps},
                "text": one.text,
            }
            for one in result.compiled
        ],
    }
