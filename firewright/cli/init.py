"""`firewright init`: a policy to start from."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firewright.cli import _output
from firewright.cli._run import Run, Shown, debugs

if TYPE_CHECKING:
    from firewright.workflows.init import Asked, Profile, Start


def _complete_profiles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    from firewright.workflows.init import all_profiles

    return [CompletionItem(one.name, help=one.title) for one in all_profiles() if one.name.startswith(incomplete)]


@click.command(
    "init",
    short_help="A policy to start from.",
    epilog="Example: firewright init --profile product-platform site --set core=10.0.1.0/24 --set external-dns=yes",
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path())
@click.option(
    "--profile", metavar="NAME", shell_complete=_complete_profiles, help="What to start from; without it, a list."
)
@click.option(
    "--set", "set_", multiple=True, metavar="NAME=VALUE", help="Answer a question of the profile. Again for more."
)
@click.option("--force", is_flag=True, help="Replace files; old ones stay as NAME.bak, a site's answers stay in place.")
@click.option("--no-input", is_flag=True, help="Ask nothing, even on a terminal.")
@debugs
def COMMAND(folder: str, profile: str | None, set_: tuple[str, ...], force: bool, no_input: bool) -> int:
    """Write a policy to start from into DIR, the current folder if none is named.

    A profile of a product asks its vendor's questions: at the terminal, or by --set. The answers go into a site's file of
    your own, which uses the vendor's file and leaves it as it is; what is not answered, `firewright check` says.
    """
    from firewright.workflows.init import SITE_FILE, all_profiles, find_profile, questions_of, start

    if profile is None:
        if set_ or force:
            raise click.UsageError(
                f"{'--set' if set_ else '--force'} needs --profile NAME; `firewright init` lists them"
            )
        _output.put(_listed(all_profiles()))
        return 0
    run = Run.begin(Shown.plain())
    found = find_profile(profile, run.report)
    answers = run.pairs(set_)
    if found is None or run.report.has_errors():
        run.refuse()
    asked = questions_of(found)
    site = Path(folder) / SITE_FILE
    keeps_site = force and bool(asked) and _is_answered(site)
    if keeps_site and answers:
        raise click.UsageError(f"{site} has answers already, which --force keeps; write {', '.join(answers)} into it")
    if not keeps_site and not no_input and _output.is_terminal(sys.stdin) and _output.is_terminal(sys.stdout):
        answers |= _ask([one for one in asked if one.name not in answers])
    begun = start(found, answers, Path(folder), run.report)
    if begun is None or run.report.has_errors():
        run.refuse()
    if keeps_site:
        begun = replace(begun, texts={name: text for name, text in begun.texts.items() if name != SITE_FILE}, open=())
    _write(begun, Path(folder), force)
    if keeps_site:
        _output.say(f"kept {_output.shown(site)} (your answers)")
    _output.put(_next_steps(begun, folder))
    return 0


def _listed(profiles: tuple[Profile, ...]) -> str:
    """The profiles, a line each."""
    width = max(len(one.name) for one in profiles)
    lines = [f"{one.name:{width}}  {one.title}" for one in profiles]
    return "\n".join([*lines, "", "firewright init --profile NAME [DIR] writes one of them."])


def _ask(asked: list[Asked]) -> dict[str, str]:
    """Put the questions to whoever sits at the terminal; an empty answer leaves one open."""
    answers = {}
    if asked:
        click.echo("Addresses, prefixes or ranges, with commas between them; nothing leaves a question open.\n")
    for one in asked:
        if one.is_option:
            answers[one.name] = (
                "yes" if click.confirm(f"{one.name}: {one.question}", default=one.default == "yes") else "no"
            )
        elif text := _addresses(one):
            answers[one.name] = text
    return answers


def _addresses(one: Asked) -> str:
    from firewright.model.address import AddressSet, BadPrefix

    while True:
        text: str = click.prompt(f"{one.name}: {one.question}", default="", show_default=False)
        try:
            AddressSet.of(*text.replace(",", " ").split())
        except BadPrefix as bad:
            click.echo(f"  {bad}{f'; {bad.help}' if bad.help else ''}")
            continue
        return text


def _is_answered(site: Path) -> bool:
    """Whether a site's file is there with something of its own in it; what cannot be read is taken to have."""
    from firewright.source import UnreadableSource, read
    from firewright.workflows.init import has_answers

    try:
        return site.exists() and has_answers(read(site))
    except UnreadableSource:
        return True


def _write(begun: Start, folder: Path, force: bool) -> None:
    """Write every file; none if one of them is there already, unless forced: what is replaced is kept beside it."""
    there = [name for name in begun.texts if (folder / name).exists()]
    if there and not force:
        raise _output.CannotWrite(f"{', '.join(str(folder / name) for name in there)}: there already; --force replaces")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output.CannotWrite(f"{folder} cannot be made: {(error.strerror or 'unknown reason').lower()}") from None
    for name, text in begun.texts.items():
        if force and _differs(folder / name, text):
            _output.keep(folder / name)
        _output.write_whole(folder / name, text, replaces=force)
        _output.say(f"wrote {_output.shown(folder / name)}")


def _differs(path: Path, text: str) -> bool:
    try:
        return path.is_file() and path.read_bytes() != text.encode()
    except OSError:
        return True


def _next_steps(begun: Start, folder: str) -> str:
    main = _output.shown(Path(folder) / begun.main)
    lines = []
    if begun.open:
        lines += [f"Not answered yet, in {main}:", *(f"  {one.name}: {one.question}" for one in begun.open), ""]
    lines += [f"Look at {main}, then:", f"  firewright check {main}"]
    return "\n".join(lines)
