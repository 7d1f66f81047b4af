"""Machines as they run, as trees that JSON is written from."""

from __future__ import annotations

from firewright.reports._fingerprint import fingerprint
from firewright.reports._result import SCHEMA_VERSION, Audit, Exposure, Passage, Reading
from firewright.reports._tree import Tree, diagnostic_tree, place_tree
from firewright.reports._triage import aside_tree, mark_tree


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
        "findings": [{**diagnostic_tree(one), "id": fingerprint(one)} for one in audit.findings.diagnostics],
        "set_aside": [aside_tree(one) for one in audit.set_aside],
        "marks": [mark_tree(one) for one in audit.marks],
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
        "public_addresses": {f"IPv{family}": count for family, count in one.counts},
    }


def _passage(one: Passage) -> Tree:
    return {
        "title": one.title,
        "surely": list(one.lines),
        "possibly": list(one.possible),
        "undecided": one.undecided or None,
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
