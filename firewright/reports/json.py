"""JSON for programs: every result, with a `schema_version`, in a stable order, without a time of day.

Only ASCII, so that no text in it means anything to a terminal on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from firewright.reports._result import Answers, Comparison, Compilation, Explanation, Findings, Look, Renderers, TestRun
from firewright.reports._tree import answers_tree, comparison_tree, compilation_tree, explanation_tree, findings_tree, tests_tree


def _as_json(tree: Callable[[Any], dict[str, Any]]) -> Callable[[Any, Look], str]:
    return lambda result, look: json.dumps(tree(result), indent=2) + "\n"


REPORT: Renderers = {
    Findings: _as_json(findings_tree),
    Answers: _as_json(answers_tree),
    Explanation: _as_json(explanation_tree),
    Comparison: _as_json(comparison_tree),
    TestRun: _as_json(tests_tree),
    Compilation: _as_json(compilation_tree),
}
