"""How much memory finding the rules that could go takes beyond the rules themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.analysis.rulesets import Row, program_of
from firewright.analysis.anomaly import anomalies


def beyond_rules(make: Callable[[], list[Row] | None]) -> float:
    """The megabytes by which the largest size of a new process grows over the answer, the rules being there."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_grown, make).result()


def _grown(make: Callable[[], list[Row] | None]) -> float:
    rows = make()
    if not rows:
        raise ValueError("there are no rules to be measured")
    program = program_of(rows)
    before = _largest()
    anomalies(program)
    return _largest() - before


def _largest() -> float:
    """The largest size of this process so far, in megabytes, as Linux tells."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise OSError("this kernel does not say how large a process was")
    return int(found[1]) / 1024
