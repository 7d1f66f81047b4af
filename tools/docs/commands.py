"""The pages about commands, exit codes and settings, made from the command tree that the program itself runs."""

from __future__ import annotations

from collections.abc import Iterator

import click

from firewright.cli import _manual
from firewright.cli.main import firewright as root
from tools.docs.markdown import page, sentences, table


def command_names() -> list[str]:
    """Every command, sorted."""
    return root.list_commands(click.Context(root))


def options_of(name: str) -> Iterator[click.Option]:
    """The options of a command that its help shows."""
    command = _command(name)
    for parameter in command.get_params(_context(name)):
        if isinstance(parameter, click.Option) and not parameter.hidden:
            yield parameter


def commands_page() -> str:
    """A heading a command: how it is called, what it does, every option, how it ends."""
    short = ((f"[`{name}`](#firewright-{name})", _command(name).get_short_help_str(200)) for name in command_names())
    parts = [
        "What `firewright COMMAND --help` and the manual pages say, in one place.",
        table(("command", "for"), short),
        *(_section(name) for name in command_names()),
    ]
    return page("Commands", *parts)


def exits_page() -> str:
    """Every exit code, and what it means for each command that says more."""
    codes = table(("code", "means"), ((f"`{code}`", says) for code, says in _manual._EXIT_CODES))
    notes = [
        f"- [`{name}`](commands.md#firewright-{name}): ends with{ends}"
        for name in command_names()
        if (ends := (_command(name).epilog or "").partition("Ends with")[2])
    ]
    more = "Notes never fail a run, unless `--strict` is set. All other commands end with 0, or with 2."
    return page("Exit codes", codes, more, "## By command", "\n".join(notes))


def settings_page() -> str:
    """Where settings come from: flags, the environment, files."""
    return page(
        "Settings",
        "A flag goes before the environment, that before the files, in the order of the table.",
        "## Environment",
        table(("variable", "says"), ((f"`{name}`", says) for name, says in _manual._ENVIRONMENT)),
        "## Files",
        table(("file", "holds"), ((f"`{name}`", says) for name, says in _manual._FILES)),
        "## Keys of a settings file",
        table(("key", "value"), _SETTINGS),
    )


_SETTINGS = (
    ("`policies`", "files and folders, relative to the settings file: `[edge.yaml, perimeter/]`"),
    ("`strict`", "`yes` or `no`: whether notes fail `check`"),
    ("`format`", "the report format: `text`, `json`, …"),
    ("`labels`", "only policies with these labels: `{region: 1}`"),
)


def _command(name: str) -> click.Command:
    found = root.get_command(click.Context(root), name)
    assert found is not None  # noqa: S101 - the name is from the list of commands
    return found


def _context(name: str) -> click.Context:
    top = root.make_context("firewright", [], resilient_parsing=True)
    return click.Context(_command(name), info_name=name, parent=top)


def _section(name: str) -> str:
    command = _command(name)
    context = _context(name)
    usage = " ".join((context.command_path, *command.collect_usage_pieces(context)))
    records = (record for option in options_of(name) if (record := option.get_help_record(context)))
    parts = [
        f"## firewright {name}",
        f"```text\n{usage}\n```",
        sentences(command.help or ""),
        table(("option", "says"), ((f"`{words}`", says) for words, says in records)),
        sentences(command.epilog or ""),
    ]
    return "\n\n".join(part for part in parts if part)
