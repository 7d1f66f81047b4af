"""`firewright tidy`: the smaller ruleset that does the same, proved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from firewright.cli import _output
from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Run, Shown, shows, standard_input


@click.command(
    "tidy",
    short_help="The smaller ruleset that does the same, proved.",
    epilog="Example: firewright tidy gateway.nft -o smaller.nft. Ends with 0 when it is proved, 2 where nothing can be proved.",
)
@click.argument("file", metavar="FILE", type=click.Path())
@shows("text", "json", "markdown")
def COMMAND(file: str, shown: Shown) -> int:
    """Propose the ruleset of FILE without what decides nothing: nftables text, nft's JSON, or what iptables-save prints.

    Left out are rules to which no packet comes, rules without which every packet is decided the same, chains that nothing
    calls, sets and objects that no rule names. A rule that counts, logs, limits or changes packets stays, unless no packet
    comes to it. The smaller text is read again and proved to do the same. The difference is shown; -o writes the whole text to
    another file, never to FILE itself.
    """
    from firewright.reports._tidy import summary
    from firewright.workflows.tidy import tidy

    run = Run.begin(shown)
    output = shown.output
    if output not in (None, STANDARD_INPUT):
        if file != STANDARD_INPUT and Path(str(output)).resolve() == Path(file).resolve():
            raise click.UsageError("-o names the file that is read: write beside it, look at it, then move it")
        _output.must_be_writable(Path(str(output)))
    given = standard_input() if file == STANDARD_INPUT else file
    with progress() as saying:
        tidied = tidy(given, run.report, saying)
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
