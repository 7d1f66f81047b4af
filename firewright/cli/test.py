"""`firewright test`: people's own assertions about their policies, proved."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import BUILT_IN, Picked, Run, Shown, selects, shows


@click.command(
    "test",
    short_help="Your own assertions about your policies, proved.",
    epilog="Ends with 0 if every assertion holds, 1 if one does not or was not decided, 2 for what is malformed.",
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@selects
@shows(*BUILT_IN)
def COMMAND(files: tuple[str, ...], picked: Picked, shown: Shown) -> int:
    """Evaluate assertions: those in FILEs, beside policies, or in folders; without any, every NAME.test.yaml here.

    An assertion is {from: internet, to: tenants, service: smb, expect: denied}. It holds if every packet of it, IPv4 and
    IPv6, meets what is expected; if not, one packet is shown, and the line of the policy that decides otherwise.
    """
    from firewright.workflows.test import run_tests

    run = Run.begin(shown)
    if picked.labels or picked.options:
        raise click.UsageError("tests choose their policy themselves; write fill-in and set into the file of tests")
    wanted = run.wanted(picked, files)
    with progress() as saying:
        tested = run_tests(wanted, run.report, saying, must_have=bool(files or picked.policies))
    if tested is None:
        run.refuse()
    run.show(tested)
    return int(bool(tested.failed))
