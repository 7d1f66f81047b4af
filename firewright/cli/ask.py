"""`firewright ask`: what becomes of some traffic, at each firewall, by which line."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._question import AskCommand, check_question, plain_arrows
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, selects, shows, standard_input


@click.command(
    "ask",
    cls=AskCommand,
    short_help="What becomes of some traffic, at which firewall, by which line.",
    epilog="Example: firewright ask 'internet -> tenants tcp/20-30'. Ends with 0 when it is answered, open or closed; with 2"
    " where the budget did not suffice."
    " Of rulesets: firewright ask -r edge=edge.nft -r web=web.rules 'internet -> local tcp/443'.",
)
@click.argument("question")
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("-w", "--witness", is_flag=True, help="Show one packet of each part of the answer.")
@click.option(
    "-r",
    "--ruleset",
    "rulesets",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Ask this ruleset instead of policies. Again for the next firewall on the way.",
)
@click.option(
    "--own", default="", metavar="ADDRESSES", help="With -r: what the machine at the end of the way itself has."
)
@click.option("--live", is_flag=True, help="Ask this machine's running rulesets instead of policies.")
@click.option("--budget", type=click.IntRange(min=1), metavar="UNITS", help="Of rulesets: work. 4 million by default.")
@selects
@shows("text", "json", "markdown")
def COMMAND(
    question: str,
    policies: tuple[str, ...],
    witness: bool,
    rulesets: tuple[str, ...],
    own: str,
    live: bool,
    budget: int | None,
    picked: Picked,
    shown: Shown,
) -> int:
    """Say what becomes of some traffic: QUESTION is 'FROM -> TO SERVICES', or <-> for both directions.

    FROM and TO are zones, addresses, prefixes or ranges, with commas for several; SERVICES are names, tcp/443,
    udp/1000-2000; without any it is about everything. The answer is exact: it has a part for each different outcome, and
    a line for each firewall on the way with the place of the very word that decided. With --live it is this machine's own
    rulesets that answer, and the zones are internet, private, any and local.

    With -r it is rulesets in files that answer: nftables text, nft's JSON, or what iptables-save prints, several in the order
    in which packets meet them. The zones are the same, or those of a policy that is named beside. What becomes of the replies
    is told, too. Where that hangs on a condition that no header tells, the answer is "possibly", and says on which.
    """
    from firewright.workflows.ask import ask_policies

    check_question(question, policies)
    if live and rulesets:
        raise click.UsageError("--live asks this machine, -r files: choose one", click.get_current_context())
    if rulesets:
        return _ask_rulesets(question, rulesets, own, policies, witness, budget, picked, shown)
    if own:
        raise click.UsageError("--own goes with -r", click.get_current_context())
    if live:
        return _ask_live(question, policies, witness, budget, picked, shown)
    if budget:
        raise click.UsageError("--budget goes with -r or --live", click.get_current_context())
    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        answers = ask_policies(plain_arrows(question), wanted, run.report, saying)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 0


def _ask_live(
    question: str, policies: tuple[str, ...], witness: bool, budget: int | None, picked: Picked, shown: Shown
) -> int:
    """Put the question to what runs on this machine, which knows no policy and no other day than today."""
    from firewright.workflows.route import MOST, ask_live

    if policies or picked != Picked.nothing():
        raise click.UsageError(
            "--live asks this machine as it is now: name no policy and no day", click.get_current_context()
        )
    run = Run.begin(shown)
    with progress() as saying:
        answers = ask_live(plain_arrows(question), run.report, saying, budget or MOST)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 2 if answers.undecided else 0


def _ask_rulesets(
    question: str,
    rulesets: tuple[str, ...],
    own: str,
    policies: tuple[str, ...],
    witness: bool,
    budget: int | None,
    picked: Picked,
    shown: Shown,
) -> int:
    """Put the question to rulesets in files, in words of a policy where one is named."""
    from dataclasses import replace

    from firewright.workflows.route import MOST, Asked, ask_rulesets

    run = Run.begin(shown)
    wanted = run.wanted(picked, policies)
    if not policies and not picked.policies:
        wanted = replace(wanted, policies=())  # One that only a setting names is not what the question is about.
    asked = []
    for word in rulesets:
        name, equals, path = word.partition("=")
        if not equals or "/" in name:
            name, path = "", word
        asked.append(Asked(name, standard_input() if path == STANDARD_INPUT else path))
    with progress() as saying:
        answers = ask_rulesets(plain_arrows(question), asked, own, wanted, run.report, saying, budget or MOST)
    if answers is None:
        run.refuse()
    run.warn()
    run.show(answers, has_witness=witness)
    return 2 if answers.undecided else 0
