"""The program `firewright`: finds its commands where they lie, and ends every run with one of a few exit codes.

0 fine; 1 findings; 2 usage, malformed input or an internal error; 130 interrupted; 141 the reader of a pipe went away.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from firewright import __version__
from firewright.diagnostic import harmless, nearest
from firewright.registry import Registry

COMMANDS: Registry[click.Command] = Registry("firewright.cli", "COMMAND")
COMPLETE = "_FIREWRIGHT_COMPLETE"
"""The variable by which a shell asks for completions."""
FINDINGS, FAILURE, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141
_OF_WEB = ("sqlalchemy", "alembic", "cryptography")
"""Libraries that commands about requests need, and whoever only works with policies does not install."""
_HELP = """Write once which ports may, must and must not be open between which zones, and get exact answers about it.

Every policy of the folder is asked if none is named. `firewright COMMAND --help` says more, and so do the man pages.
"""


class Commands(click.Group):
    """The commands in `firewright.cli`, and those that other packages add; each is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, sorted."""
        return [name for name in COMMANDS.names() if name != "main"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name == "main":
            return None
        try:
            return COMMANDS.load(cmd_name)
        except LookupError:
            return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with. Raises UsageError with the nearest name."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = nearest(args[0], self.list_commands(ctx))
            way_out = f"; did you mean {near}?" if near else ""
            raise click.UsageError(f"there is no command {harmless(args[0], 60)!r}{way_out}", ctx)
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "firewright",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and leave with its exit code, whatever happens, and without a traceback unless --debug asks."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            _must_be_able_to_complete(complete_var or COMPLETE)
            code = super().main(words, prog_name or "firewright", complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            code = _complain(error)
        except click.exceptions.Abort:
            code = INTERRUPTED
        except BrokenPipeError:
            code = _forget_output()
        except OSError as error:
            what = "the output could not be written" if error.filename is None else harmless(str(error.filename))
            _say(f"error: {what}: {(error.strerror or 'unknown reason').lower()}")
            _forget_output()
            code = FAILURE
        except Exception as error:
            if "--debug" in words:
                raise
            if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in _OF_WEB:
                _say(f"error: requests need a database, and the library {error.name} is not installed")
                _say('  = help: pip install "firewright[web]"')
                raise SystemExit(FAILURE) from None
            _say(f"error: internal error: {type(error).__name__}: {harmless(str(error))}")
            _say("  = help: this is a fault of firewright; --debug shows where")
            code = FAILURE
        raise SystemExit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of its output that goes away ends it quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(_forget_output()) from None


def _complain(error: click.ClickException) -> int:
    """Say what is wrong with the call, and where to read on."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and context is not None:
        _say(context.get_help())
        return error.exit_code
    message = error.format_message().removesuffix(".")
    if message[1:2].islower() or message[1:2] == " ":  # a name in capitals stays as it is spelt
        message = message[:1].lower() + message[1:]
    _say(f"error: {harmless(message, 2000)}")
    if way_out := getattr(error, "way_out", ""):
        _say(f"  = help: {harmless(way_out, 2000)}")
    elif context is not None:
        _say(f"  = help: {context.command_path} --help")
    return error.exit_code


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def _must_be_able_to_complete(variable: str) -> None:
    """A shell that asks for completions hands over the words. Raises UsageError where somebody set the variable by hand."""
    if os.environ.get(variable, "").endswith("_complete") and (
        "COMP_WORDS" not in os.environ or not os.environ.get("COMP_CWORD", "0").isdecimal()
    ):
        raise click.UsageError(f"{variable} is for a shell's completion script, which sets COMP_WORDS and COMP_CWORD")


def _forget_output() -> int:
    """Let what is still to be written go nowhere, so that leaving complains of nothing."""
    with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    return PIPE_CLOSED


@click.command(
    cls=Commands, help=_HELP, context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, message="firewright %(version)s")
@click.option("--debug", is_flag=True, expose_value=False, help="Show where in the program an internal error happened.")
def firewright() -> None:
    """Run a command."""


def _fill_closed_streams() -> None:
    """Put something in the place of standard streams that were closed, so that no file that is opened gets their numbers.

    What is written to a closed output fails as writing to it should: nobody takes a lost result for one that arrived.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free, which is this one
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)


def main() -> None:
    """Run the program."""
    _fill_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    firewright.main()


if __name__ == "__main__":
    main()
