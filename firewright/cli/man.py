"""`firewright man`: the manual pages, made from the commands themselves."""

from __future__ import annotations

from pathlib import Path

import click

from firewright.cli._output import CannotWrite, put, say, shown, write_whole
from firewright.cli._run import debugs


@click.command(
    "man",
    short_help="The manual pages.",
    epilog="Examples: firewright man ask | man -l -; firewright man -o /usr/local/share/man/man1.",
)
@click.argument("name", metavar="[COMMAND]", default="")
@click.option("-o", "--output", metavar="DIR", help="Write every page into this folder.")
@debugs
def COMMAND(name: str, output: str | None) -> int:
    """Print the manual page of a command, or of the program; or write all of them into a folder."""
    from firewright.cli._manual import page, pages

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)  # noqa: S101 - `main` has the commands
    if output is not None:
        try:
            Path(output).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(f"{output} cannot be made: {(error.strerror or 'unknown reason').lower()}") from None
        for file, text in pages(root).items():
            write_whole(Path(output) / file, text)
            say(f"wrote {shown(Path(output) / file)}")
        return 0
    if name and root.get_command(click.Context(root), name) is None:
        raise click.UsageError(
            f"there is no command {name!r}; there are: {', '.join(root.list_commands(click.Context(root)))}"
        )
    put(page(root, name))
    return 0
