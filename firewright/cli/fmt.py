"""`firewright fmt`: policies written in one way, with their comments."""

from __future__ import annotations

from pathlib import Path

import click

from firewright.cli._output import put, say, shown, write_whole
from firewright.cli._run import Picked, Run, Shown, debugs


@click.command(
    "fmt",
    short_help="Write policies in one way; comments stay.",
    epilog="Ends with 0; with --check or --diff with 1 if a file would change; 2 for what is malformed.",
)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change.")
@click.option("--diff", is_flag=True, help="Write nothing; show what would change.")
@debugs
def COMMAND(files: tuple[str, ...], check: bool, diff: bool) -> int:
    """Format policies and tests: the FILEs, those in folders, or those here. - reads standard input and writes to
    standard output.

    The meaning does not change and no comment is lost: both are checked before anything is written.
    """
    from firewright.workflows.fmt import format_files

    run = Run.begin(Shown.plain())
    formatted = format_files(run.wanted(Picked.nothing(), files), run.report)
    if formatted is None:
        run.refuse()
    changed = [one for one in formatted if one.is_changed]
    for one in formatted:
        if diff:
            put(one.diff())
        elif one.source.path == "-" and not check:
            put(one.text)
        elif one.is_changed and check:
            put(shown(one.source.path))
        elif one.is_changed:
            write_whole(Path(one.source.path), one.text)
            say(f"formatted {shown(one.source.path)}")
    return int((check or diff) and bool(changed))
