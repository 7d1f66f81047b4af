"""`firewright check`: the language, proofs and advice; the gate of a pipeline."""

from __future__ import annotations

import click

from firewright.cli._output import say
from firewright.cli._progress import progress
from firewright.cli._run import BUILT_IN, Picked, Run, Shown, selects, shows


@click.command(
    "check",
    short_help="Language, proofs and advice; the gate of a pipeline.",
    epilog="Ends with 0 if nothing is found, 1 for errors and warnings (with --strict for notes too), 2 for what is malformed.",
)
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("--strict", is_flag=True, default=None, help="Notes are findings too.")
@selects
@shows(*BUILT_IN)
def COMMAND(policies: tuple[str, ...], strict: bool | None, picked: Picked, shown: Shown) -> int:
    """Check policies: what is malformed, what cannot hold, what does nothing, what is advised against.

    Every audit is a proof over every packet of both families, or says that it was not decided. A finding has its place,
    an example packet and a way out. POLICY is a file or a folder; - is standard input.
    """
    from firewright.workflows.check import check

    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        findings = check(wanted, run.report, bool(run.settings.strict if strict is None else strict), saying)
    run.show(findings)
    say(run.summary(findings))
    return 2 if not findings.is_readable else int(findings.fails)
