"""Results as text of many formats: `reports/NAME.py` has a `REPORT`, what each result type becomes in that format."""

from firewright.reports._findings_text import summary_line
from firewright.reports._result import (
    Answers,
    Comparison,
    Compilation,
    Compiled,
    Explanation,
    Findings,
    Look,
    Reach,
    Renderers,
    Result,
    Subject,
    TestRun,
    Use,
    Verdict,
)

__all__ = [
    "Answers",
    "Comparison",
    "Compilation",
    "Compiled",
    "Explanation",
    "Findings",
    "Look",
    "Reach",
    "Renderers",
    "Result",
    "Subject",
    "TestRun",
    "Use",
    "Verdict",
    "summary_line",
]
