"""JSON for programs: every result, with a `schema_version`, in a stable order, without a time of day.

Only ASCII, so that no text in it means anything to a terminal on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from firewright.reports._rehearsal import rehearsal_tree
from firewright.reports._result import (
    Answers,
    Audit,
    Comparison,
    Compilation,
    Explanation,
    Findings,
    LiveAnswers,
    Look,
    Reading,
    Rehearsal,
    Renderers,
    TestRun,
)
from firewright.reports._running_tree import audit_tree, live_answers_tree, reading_tree
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
    TestRun: _as_json(tests_tree),
    Compilation: _as_json(compilation_tree),
    Audit: _as_json(audit_tree),
    LiveAnswers: _as_json(live_answers_tree),
    Reading: _as_json(reading_tree),
    Rehearsal: _as_json(rehearsal_tree),
}
