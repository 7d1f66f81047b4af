"""`firewright matrix`: for a service the classes of addresses, and who of them reaches whom, as table and picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from firewright.cli import _output
from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, debugs, selects, standard_input

if TYPE_CHECKING:
    from firewright.model.service_table import ServiceMatrix

FORMATS = ("text", "json", "markdown", "csv", "svg", "png")
ENDINGS = {
    ".txt": "text", ".json": "json", ".md": "markdown", ".markdown": "markdown", ".csv": "csv", ".svg": "svg", ".png": "png",
}  # fmt: skip
"""The format that a file's name asks for."""


@click.command(
    "matrix",
    short_help="For a port: classes of addresses, and who reaches whom.",
    epilog="Example: firewright matrix gateway.nft tcp/443 -o https.svg. Ends with 0 when it is shown, 1 when it was not"
    " decided, 2 for what is malformed or has too many classes.",
)
@click.argument("words", nargs=-1, metavar="[FILE] SERVICE...", required=True)
@click.option(
    "--from", "sources", default="", metavar="A,B", help="Only from these zones, addresses or prefixes, or local."
)
@click.option("--to", "destinations", default="", metavar="A,B", help="Only to these.")
@click.option("--lines", is_flag=True, help="Show a packet of each cell, and the line that decides it.")
@click.option("--family", type=click.Choice(["4", "6"]), help="IPv4 alone, or IPv6 alone.")
@click.option("--firewall", default="", metavar="NAME", help="The firewall of a policy that is meant.")
@click.option("--most", type=click.IntRange(1, 1000), default=128, show_default=True, metavar="N",
              help="The most classes of a family to show.")  # fmt: skip
@selects
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), metavar="FORMAT",
    help="text, json, markdown, csv, svg or png; else by FILE's ending, else text.",
)  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours; auto by default."
)
@click.option("-v", "--verbose", is_flag=True, help="Say everything, cut nothing.")
@debugs
def COMMAND(
    words: tuple[str, ...],
    sources: str,
    destinations: str,
    lines: bool,
    family: str | None,
    firewall: str,
    most: int,
    picked: Picked,
    format_: str | None,
    output: str | None,
    color: str,
    verbose: bool,
) -> int:
    """Say which addresses are treated alike for SERVICE, and which of them reach which.

    FILE is a ruleset (nftables text, nft's JSON, or what iptables-save prints), a policy or a document of ports; with -p it
    is that policy. SERVICE is tcp/443, udp/1000-2000, icmp or a name, or several. Told are packets that begin a flow, of
    IPv4 and IPv6: what passes through, what comes to the machine itself and what leaves it (local). Every cell is exact;
    what hangs on a match that is not understood is told as possibly. FILE may be - for standard input.
    """
    from firewright.model.packet import FAMILIES
    from firewright.workflows.service_matrix import Narrowed, service_matrix

    format_ = _format(format_, output)
    run = Run.begin(Shown(format_ if format_ in FORMATS[:3] else "text", output, color, verbose))
    given, service = _given(words, picked)
    wanted = run.wanted(picked)
    families = FAMILIES if family is None else (int(family),)
    narrowed = Narrowed(sources, destinations, families, most)
    if output not in (None, STANDARD_INPUT):
        _output.must_be_writable(Path(str(output)))
    with progress() as saying:
        source = standard_input() if given == STANDARD_INPUT else given
        found = service_matrix(source, service, narrowed, wanted, run.report, saying, firewall)
    if found is None:
        run.refuse()
    run.warn()
    _show(found, format_, run, has_lines=lines)
    return 0


def _given(words: tuple[str, ...], picked: Picked) -> tuple[str, str]:
    """What is asked, a file or the policy of -p, and about which service. Raises UsageError."""
    context = click.get_current_context()
    if len(picked.policies) > 1:
        raise click.UsageError("a matrix is of one policy: name one", context)
    if picked.policies:
        return picked.policies[0], " ".join(words)
    file, *rest = words
    if not rest:
        raise click.UsageError(
            f"{file} is the only word: name a FILE, or -p POLICY, and a SERVICE such as tcp/443", context
        )
    return file, " ".join(rest)


def _format(named: str | None, output: str | None) -> str:
    """The format that is named, or that the file's ending asks for. Raises UsageError."""
    ending = Path(output).suffix.lower() if output and output != STANDARD_INPUT else ""
    known = ENDINGS.get(ending)
    if named and known and known != named:
        raise click.UsageError(f"{output} is the name of a {known} file, and --format says {named}: name one")
    found = named or known or "text"
    if found == "png" and output in (None, STANDARD_INPUT) and _output.is_terminal(sys.stdout):
        raise click.UsageError("a PNG is nothing for a terminal; name a file by -o FILE.png")
    return found


def _show(found: ServiceMatrix, format_: str, run: Run, *, has_lines: bool) -> None:
    if format_ == "csv":
        from firewright.reports._service_matrix import matrix_csv

        _output.put(matrix_csv(found), run.shown.output)
    elif format_ in ("svg", "png"):
        from firewright.drawing.pictures._service_matrix import draw
        from firewright.drawing.renderers import RENDERERS

        content = RENDERERS.load(format_)(draw(found))
        if run.shown.output not in (None, STANDARD_INPUT):
            _output.write_whole(Path(str(run.shown.output)), content)
        elif format_ == "png":
            click.echo(content, nl=False)
        else:
            _output.put(content.decode())
    else:
        run.show(found, has_witness=has_lines)
