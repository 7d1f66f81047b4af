"""What became of people's assertions: a block for each that does not hold, then one line."""

from __future__ import annotations

from collections.abc import Iterator

from firewright.diagnostic import harmless
from firewright.reports._findings_text import place, several
from firewright.reports._lines import Lines, excerpt
from firewright.reports._paint import Paint
from firewright.reports._result import Look, TestRun, Verdict
from firewright.source import Span


def tests_text(run: TestRun, look: Look) -> str:
    """Each assertion that fails, with what the policy says instead; all of them if much is wanted."""
    paint, lines = Paint(look.is_coloured), Lines(run.sources)
    said = [
        line for one in run.verdicts if look.is_verbose or not one.holds for line in _verdict(one, lines, look, paint)
    ]
    failed = len(run.failed)
    head = paint("error", "failed") if failed else paint("open", "passed")
    counted = f"{several(len(run.verdicts), 'assertion')} in {several(len(run.files), 'file')}"
    said.append(
        f"{head}: {counted}, {failed} of them wrong" if failed else f"{head}: {counted}, proved for every packet"
    )
    return "\n".join(said) + "\n"


def _verdict(one: Verdict, lines: Lines, look: Look, paint: Paint) -> Iterator[str]:
    where = paint("place", place(one.at))
    if one.holds:
        yield f"{where}: {paint('open', 'holds')}: {harmless(one.label)} is {one.expected}"
        return
    yield f"{where}: {paint('error', 'wrong' if one.is_decided else 'undecided')}: {failure_words(one)}"
    if one.because:
        yield f"  because  {harmless(one.because)}"
    if one.decided_at.path:
        text = lines.at(one.decided_at).strip()
        shown = excerpt(text, Span("", 1, 1, 0), max(20, look.width - 30))[0]
        yield f"  by       {paint('place', place(one.decided_at))}  {harmless(one.said) or shown}"
    if one.witness:
        yield f"  example  {harmless(one.witness)}"


def failure_words(one: Verdict) -> str:
    """An assertion that does not hold, in one sentence."""
    if not one.is_decided:
        return f"{harmless(one.label)} should be {one.expected}, and was not decided: {harmless(one.found)}"
    return f"{harmless(one.label)} should be {one.expected}, and is {harmless(one.found)}"
