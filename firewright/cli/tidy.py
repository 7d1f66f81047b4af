"""`firewright tidy`: the smaller ruleset or policy that does the same, proved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import click

from firewright.cli import _output
from firewright.cli._progress import progress
from firewright.cli._run import MOMENT, STANDARD_INPUT, Picked, Run, Shown, shows, standard_input


@click.command(
    "tidy",
    short_help="The smaller ruleset or policy that does the same, proved.",
    epilog="Example: firewright tidy gateway.nft -o smaller.nft. Ends with 0 when it is proved, 2 where nothing can be proved.",
)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--at", type=MOMENT, metavar="DATE", help="Of a policy: from this day on instead of today, as 2027-03-31."
)
@shows("text", "json", "markdown")
def COMMAND(file: str, at: date | None, shown: Shown) -> int:
    """Propose FILE without what decides nothing: a policy, nftables text, nft's JSON, or what iptables-save prints.

    Left out are rules to which no packet comes, rules without which every packet is decided the same, chains that nothing
    calls, sets and objects that no rule names. A rule that counts, logs, limits or changes packets stays, unless no packet
    comes to it. The smaller text is read again and proved to do the same. The difference is shown; -o writes the whole text to
    another file, never to FILE itself.

    Of a policy rules go that others take whole (one, or several together), permissions that have ended, and definitions that
    nothing uses: whatever its options, from today on. Rules that log, lift a ban or set sessions stay; so do all comments on
    lines of their own. Files that the policy uses are not edited.
    """
    from firewright.reports._tidy import summary
    from firewright.workflows.policy_tidy import tidy_policy
    from firewright.workflows.subject import Kind, kind_of
    from firewright.workflows.tidy import tidy

    run = Run.begin(shown)
    output = shown.output
    if output not in (None, STANDARD_INPUT):
        if file != STANDARD_INPUT and Path(str(output)).resolve() == Path(file).resolve():
            raise click.UsageError("-o names the file that is read: write beside it, look at it, then move it")
        _output.must_be_writable(Path(str(output)))
    given = standard_input() if file == STANDARD_INPUT else file
    wanted = run.wanted(replace(Picked.nothing(), day=at), (file,))
    is_policy = kind_of(given, wanted, run.report) is Kind.POLICY
    with progress() as saying:
        tidied = tidy_policy(wanted, run.report, saying) if is_policy else tidy(given, run.report, saying)
    if tidied is None:
        run.refuse()
    if output is None:
        run.show(tidied)
    else:
        _output.put(tidied.after, output)
        _output.say(("proved: " if tidied.is_smaller else "") + summary(tidied))
        if output != STANDARD_INPUT:
            replace(run, shown=replace(shown, output=None)).show(tidied)
    return 0
