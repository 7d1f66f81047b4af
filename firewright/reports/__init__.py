"""Results as text of many formats: `reports/NAME.py` has a `REPORT`, what each result type becomes in that format."""

from firewright.reports._result import (
    Answers,
    Comparison,
    Explanation,
    Findings,
    Look,
    Proof,
    Renderers,
    Result,
    Subject,
    TestRun,
    Use,
)

__all__ = [
    "Answers",
    "Comparison",
    "Explanation",
    "Findings",
    "Look",
    "Proof",
    "Renderers",
    "Result",
    "Subject",
    "TestRun",
    "Use",
]
