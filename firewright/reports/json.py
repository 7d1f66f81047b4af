"""JSON for programs: every result, with a `schema_version`, in a stable order, without a time of day.

Only ASCII, so that no text in it means anything to a terminal on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from firewright.model.service_table import ServiceMatrix
from firewright.reports._accounts import AccountRows, accounts_tree
from firewright.reports._anomalies import Anomalies, anomalies_tree
from firewright.reports._audited import WouldCut, would_cut_tree
from firewright.reports._change import Plan, Step, plan_tree, step_tree
from firewright.reports._contrast import Contrasted, contrast_tree
from firewright.reports._documents import DocumentReading, ProposedPolicy, document_tree, proposed_tree
from firewright.reports._drift import Drift, drift_tree
from firewright.reports._generations import (
    Generations,
    GenerationsCompared,
    GenerationText,
    compared_tree,
    generation_tree,
    generations_tree,
)
from firewright.reports._listening import ListingReading, listing_tree
from firewright.reports._probe import Probed, probe_tree
from firewright.reports._rehearsal import rehearsal_tree
from firewright.reports._requests import (
    CheckedRequest,
    ExceptionList,
    LogRows,
    LogVerdict,
    RequestList,
    RequestShown,
    checked_tree,
    exceptions_tree,
    log_tree,
    log_verdict_tree,
    request_tree,
    requests_tree,
)
from firewright.reports._result import (
    Answers,
    Audit,
    Comparison,
    Compilation,
    Explanation,
    Findings,
    Look,
    Reading,
    Rehearsal,
    Renderers,
    TestRun,
)
from firewright.reports._rollout import Rollout, rollout_tree
from firewright.reports._route import RouteAnswers, route_tree
from firewright.reports._running_tree import audit_tree, reading_tree
from firewright.reports._service_matrix import matrix_tree
from firewright.reports._status import Status, status_tree
from firewright.reports._tidy import Tidied, tidied_tree
from firewright.reports._tree import (
    answers_tree,
    comparison_tree,
    compilation_tree,
    explanation_tree,
    findings_tree,
    tests_tree,
)


def _as_json(tree: Callable[[Any], dict[str, Any]]) -> Callable[[Any, Look], str]:
    return lambda result, look: json.dumps(tree(result), indent=2) + "\n"


REPORT: Renderers = {
    Findings: _as_json(findings_tree),
    Answers: _as_json(answers_tree),
    Explanation: _as_json(explanation_tree),
    Comparison: _as_json(comparison_tree),
    Contrasted: _as_json(contrast_tree),
    TestRun: _as_json(tests_tree),
    Compilation: _as_json(compilation_tree),
    Audit: _as_json(audit_tree),
    Reading: _as_json(reading_tree),
    RouteAnswers: _as_json(route_tree),
    Rehearsal: _as_json(rehearsal_tree),
    WouldCut: _as_json(would_cut_tree),
    Rollout: _as_json(rollout_tree),
    Plan: _as_json(plan_tree),
    Step: _as_json(step_tree),
    Status: _as_json(status_tree),
    Drift: _as_json(drift_tree),
    Generations: _as_json(generations_tree),
    GenerationsCompared: _as_json(compared_tree),
    GenerationText: _as_json(generation_tree),
    Probed: _as_json(probe_tree),
    Anomalies: _as_json(anomalies_tree),
    Tidied: _as_json(tidied_tree),
    DocumentReading: _as_json(document_tree),
    ProposedPolicy: _as_json(proposed_tree),
    ListingReading: _as_json(listing_tree),
    ServiceMatrix: _as_json(matrix_tree),
    CheckedRequest: _as_json(checked_tree),
    ExceptionList: _as_json(exceptions_tree),
    LogRows: _as_json(log_tree),
    AccountRows: _as_json(accounts_tree),
    LogVerdict: _as_json(log_verdict_tree),
    RequestList: _as_json(requests_tree),
    RequestShown: _as_json(request_tree),
}
