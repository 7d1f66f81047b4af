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
@click.option("--live", is_flag=True, help="Ask this machine's running rulesets instead of policies.")
@selects
@shows("text", "json", "markdown")
def COMMAND(question: str, policies: tuple[str, ...], witness: bool, live: bool, picked: Picked, shown: Shown) -> int:
    """Say what becomes of some traffic: QUESTION is 'FROM -> TO SERVICES', or <-> for both directions.

    FROM and TO are zones, addresses, prefixes or ranges, with commas for several; SERVICES are names, tcp/443,
    udp/1000-2000; without any it is about everything. The answer is exact: it has a part for each different outcome, and
    a line for each firewall on the way with the place of the very word that decided. With --live it is this machine's own
    rulesets that answer, and the zones are internet, private, any and local.
    """
    from firewright.workflows.ask import ask_policies

    check_question(question, policies)
    if live:
        return _ask_live(question, policies, witness, picked, shown)
    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        answers = ask_policies(plain_arrows(question), wanted, run.report, saying)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 0


def _ask_live(question: str, policies: tuple[str, ...], witness: bool, picked: Picked, shown: Shown) -> int:
    """Put the question to what runs on this machine, which knows no policy and no other day than today."""
    from firewright.workflows.live import ask_live

    if policies or picked != Picked.nothing():
        raise click.UsageError(
            "--live asks this machine as it is now: name no policy and no day", click.get_current_context()
        )
    run = Run.begin(shown)
    with progress() as saying:
        answers = ask_live(plain_arrows(question), run.report, saying)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 0
