"""`firewright compare`: what opens and what closes between two policies, rulesets or documents, or that nothing does, proved."""

from __future__ import annotations

import click

from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, selects, shows, standard_input


@click.command(
    "compare",
    short_help="What opens and what closes between two policies or rulesets, proved.",
    epilog="Example: firewright compare rules.v4 new.nft. Ends with 0 if the two are equivalent, 1 if they differ, 2 for what is"
    " malformed and where the budget did not suffice.",
)
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@click.option("--rule", "by_rule", is_flag=True, help="Tell each pair of rules that causes a difference by itself.")
@click.option(
    "--states",
    type=click.Choice(["new", "all"]),
    default="new",
    help="Compare packets that begin a flow, or all in every state.",
)
@click.option("--family", type=click.Choice(["4", "6"]), help="Compare IPv4 alone, or IPv6 alone.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    metavar="UNITS",
    help="Work for rulesets and documents: 2 million by default.",
)
@click.option("--firewall", default="", metavar="NAME", help="The firewall of a policy that is meant.")
@selects
@shows("text", "json", "junit", "markdown", "github")
def COMMAND(
    before: str,
    after: str,
    by_rule: bool,
    states: str,
    family: str | None,
    budget: int | None,
    firewall: str,
    picked: Picked,
    shown: Shown,
) -> int:
    """Compare A with B, each a policy, a ruleset or a document of ports: what opens, what closes, what answers differently.

    A ruleset is nftables text, nft's JSON, or what iptables-save prints; the two need not be of one kind. Each difference is
    told in flows, with an example packet and the lines of both that decide it. No difference is a proof over every packet of
    both families. What is not understood is read for the worse: a difference that hangs on it is told as one that may be.
    What the budget did not suffice for is told as not decided.
    """
    from firewright.analysis.contrast import MOST, Scope
    from firewright.workflows.compare import compare_policies
    from firewright.workflows.contrast import are_policies, compare_subjects

    run = Run.begin(shown)
    wanted = run.wanted(picked)
    pair = [standard_input() if one == STANDARD_INPUT else one for one in (before, after)]
    is_plain = states == "new" and family is None and not firewall
    with progress() as saying:
        if is_plain and are_policies(pair, wanted, run.report):
            comparison = compare_policies(pair[0], pair[1], wanted, run.report, saying)
            if comparison is None:
                run.refuse()
            run.show(comparison)
            return 0 if comparison.found.is_equivalent else 1
        families = (4, 6) if family is None else (int(family),)
        found = compare_subjects(
            pair[0],
            pair[1],
            wanted,
            run.report,
            scope=Scope(states),
            families=families,
            by_rule=by_rule,
            firewall=firewall,
            budget=budget or MOST,
            saying=saying,
        )
    if found is None:
        run.refuse()
    run.warn()
    run.show(found)
    return 2 if found.undecided else int(not found.is_equivalent)
