"""`firewright completion`: what a shell needs to complete the program's words."""

from __future__ import annotations

import click

from firewright.cli._run import debugs

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/firewright",
    "zsh": "a folder of $fpath, as _firewright",
    "fish": "~/.config/fish/completions/firewright.fish",
}


@click.command(
    "completion",
    short_help="Shell completion for bash, zsh or fish.",
    epilog="Write it to " + "; ".join(f"{shell}: {where}" for shell, where in _WHERE.items()) + ".",
)
@click.argument("shell", type=click.Choice(list(_WHERE)), required=False)
@debugs
def COMMAND(shell: str | None) -> int:
    """Print the completion script of a shell, which asks the program itself for commands, options and their values."""
    from click.shell_completion import get_completion_class

    from firewright.cli._output import put

    if shell is None:
        raise click.UsageError(
            "for which shell? firewright completion bash, or zsh, or fish", click.get_current_context()
        )
    root = click.get_current_context().find_root()
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has these three
    put(found(root.command, {}, "firewright", "_FIREWRIGHT_COMPLETE").source())
    return 0
