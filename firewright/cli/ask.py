"""`firewright ask`: what becomes of some traffic, at each firewall, by which line."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._question import AskCommand, check_question, plain_arrows
from firewright.cli._run import Picked, Run, Shown, selects, shows


@click.command(
    "ask",
    cls=AskCommand,
    short_help="What becomes of some traffic, at which firewall, by which line.",
    epilog="Example: firewright ask 'internet -> tenants tcp/20-30'. Ends with 0 when it is answered, open or closed.",
)
@click.argument("question")
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("-w", "--witness", is_flag=True, help="Show one packet of each part of the answer.")
@selects
@shows("text", "json", "markdown")
def COMMAND(question: str, policies: tuple[str, ...], witness: bool, picked: Picked, shown: Shown) -> int:
    """Say what becomes of some traffic: QUESTION is 'FROM -> TO SERVICES', or <-> for both directions.

    FROM and TO are zones, addresses, prefixes or ranges, with commas for several; SERVICES are names, tcp/443,
    udp/1000-2000; without any it is about everything. The answer is exact: it has a part for each different outcome, and
    a line for each firewall on the way with the place of the very word that decided.
    """
    from firewright.workflows.ask import ask_policies

    check_question(question, policies)
    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        answers = ask_policies(plain_arrows(question), wanted, run.report, saying)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 0
