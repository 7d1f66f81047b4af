"""Machines as they run, as trees that JSON is written from."""

from __future__ import annotations

from firewright.reports._result import SCHEMA_VERSION, Audit, Exposure, LiveAnswers, Passage, Reading
from firewright.reports._running_text import outcome
from firewright.reports._tree import Tree, diagnostic_tree, place_tree


def audit_tree(audit: Audit) -> Tree:
    """What is reachable, and the findings."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "audit",
        "passed": audit.is_whole and not audit.findings.fails,
        "whole": audit.is_whole,
        "subject": audit.subject,
        "firewall": audit.firewall,
        "exposures": [_exposure(one) for one in audit.exposures],
        "passes": [_passage(one) for one in audit.passages],
        "findings": [diagnostic_tree(one) for one in audit.findings.diagnostics],
    }


def _exposure(one: Exposure) -> Tree:
    return {
        "service": one.service,
        "commonly": one.name or None,
        "programs": list(one.programs),
        "address": one.address,
        "families": [f"IPv{family}" for family in one.families],
        "state": one.state,
        "from": list(one.sources),
        "possibly_from": list(one.possible),
        "by": list(one.by),
        "worldwide": one.is_worldwide,
    }


def _passage(one: Passage) -> Tree:
    return {
        "title": one.title,
        "surely": list(one.lines),
        "possibly": list(one.possible),
        "undecided": one.undecided or None,
    }


def live_answers_tree(answers: LiveAnswers) -> Tree:
    """What running rules do with the packets of a question."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "live-answers",
        "subject": answers.subject,
        "answers": [
            {
                "question": question,
                "parts": [
                    {
                        "open": part.verdict == "accept",
                        "certain": part.is_certain,
                        "verdict": part.verdict,
                        "words": outcome(part),
                        "flows": list(part.flows),
                        "place": part.place or None,
                        "rule": part.rule or None,
                        "witness": part.witness,
                    }
                    for part in parts
                ],
            }
            for question, parts in answers.answers
        ],
        "notes": list(answers.notes),
    }


def reading_tree(reading: Reading) -> Tree:
    """A ruleset as it was understood."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "reading",
        "file": reading.path,
        "counts": {
            "rules": len(reading.rules),
            **{state: reading.count(state) for state in ("understood", "bounded", "refused")},
        },
        "passes": [_passage(one) for one in reading.passages],
        "translations": list(reading.translations),
        "rules": [
            {
                "table": one.table,
                "chain": one.chain,
                "number": one.number,
                "text": one.text,
                "comment": one.comment or None,
                "state": one.state,
                "why": one.why or None,
                "at": place_tree(one.at),
            }
            for one in reading.rules
            if reading.has_rules or one.state != "understood"
        ],
        "findings": [diagnostic_tree(one) for one in reading.findings.diagnostics],
    }
