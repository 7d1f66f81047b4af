"""`firewright help`: what --help shows, for those who ask with a word."""

from __future__ import annotations

import click

from firewright.cli._output import put
from firewright.cli._run import debugs


@click.command(
    "help", short_help="The help of a command.", epilog="Example: firewright help ask, as firewright ask --help."
)
@click.argument("name", metavar="[COMMAND]", default="")
@debugs
def COMMAND(name: str) -> int:
    """Show what a command does and which options it has; without one, which commands there are."""
    top = click.get_current_context().find_root()
    root = top.command
    assert isinstance(root, click.Group)  # noqa: S101 - `main` has the commands
    if not name:
        put(top.get_help())
        return 0
    found, command, _ = root.resolve_command(top, [name])
    assert command is not None  # noqa: S101 - what is not found is a UsageError
    with click.Context(command, info_name=found, parent=top) as context:
        put(command.get_help(context))
    return 0
