"""The libraries of decision diagrams that are there."""

from __future__ import annotations

from benchmarks.analysis.by_cudd import CUDD, is_installed
from benchmarks.analysis.by_diagrams import ByDiagrams
from benchmarks.analysis.by_oxidd import OXIDD


def diagrams() -> list[tuple[str, ByDiagrams]]:
    """Each by its name: oxidd, which Firewright needs itself, and CUDD where `dd` is installed."""
    return [("oxidd", OXIDD), *([("CUDD", CUDD)] if is_installed() else [])]
