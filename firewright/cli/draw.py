"""`firewright draw`: pictures of a policy, to look at and to publish."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from firewright.cli import _output
from firewright.cli._progress import progress
from firewright.cli._run import STANDARD_INPUT, Picked, Run, Shown, debugs, selects

if TYPE_CHECKING:
    from firewright.workflows.draw import Drawn

ENDINGS = {".svg": "svg", ".png": "png", ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".html": "html"}
"""The format that a file's name asks for."""
SUFFIXES = {"svg": ".svg", "png": ".png", "markdown": ".md", "text": ".txt", "html": ".html"}
"""How the files are called that are written into a folder."""


class _Name(click.ParamType[str]):
    """The name of a plugin of a registry of `firewright.drawing`, which is imported when it is asked for."""

    def __init__(self, name: str, module: str, registry: str) -> None:
        self.name, self._module, self._registry = name, module, registry

    def names(self) -> list[str]:
        """Every name that is known."""
        from importlib import import_module

        known: list[str] = getattr(import_module(self._module), self._registry).names()
        return known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from firewright.diagnostic import nearest

        known = self.names()
        if value not in known:
            near = nearest(str(value), known)
            guess = f"did you mean {near}? " if near else ""
            self.fail(f"there is no {self.name} {str(value)!r}; {guess}there are: {', '.join(known)}")
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


_PICTURE = _Name("picture", "firewright.drawing.pictures", "PICTURES")
_FORMAT = _Name("format", "firewright.drawing.renderers", "RENDERERS")


@click.command(
    "draw",
    short_help="A picture of a policy: port status, zone matrix, or paths.",
    epilog="Example: firewright draw perimeter.yaml -o ports.svg",
)
@click.argument("policies", nargs=-1, metavar="[POLICY]...", type=click.Path())
@click.option("--picture", type=_PICTURE, default="status", show_default=True, metavar="NAME",
              help="status: ports between two zones, both ways. matrix: from every zone to every zone. "
                   "paths: the firewalls, one behind the other, and the zones at each.")  # fmt: skip
@click.option(
    "--format",
    "format_",
    type=_FORMAT,
    metavar="FORMAT",
    help="svg, png, html, markdown or text; else by FILE's ending, else text.",
)
@click.option("--between", multiple=True, metavar="A,B", help="Only these zones. Again for another pair.")
@click.option(
    "-o", "--output", metavar="FILE|DIR/", help="Write to a file, whole or not at all; for several policies a folder."
)
@selects
@debugs
def COMMAND(
    policies: tuple[str, ...],
    picture: str,
    format_: str | None,
    between: tuple[str, ...],
    output: str | None,
    picked: Picked,
) -> int:
    """Draw a policy as it is published: what is permitted, on request, denied and closed, by name and port.

    Every picture is drawn from the exact packet sets of both families, so a deny that cuts an allow shows. The text of a
    picture is in its SVG and PNG, and is the whole of its Markdown. HTML is one file to publish: the picture, its text, and who
    owns the policy, agreed to it and reviews it when.
    """
    from firewright.workflows.draw import draw_policies

    run = Run.begin(Shown(None, output, "auto", False))
    is_folder = output is not None and (output.endswith("/") or Path(output).is_dir())
    wanted_format = _format(format_, output, is_folder)
    wanted = run.wanted(picked, policies)
    with progress() as saying:
        drawn = draw_policies(picture, between, wanted, run.report, saying)
        if drawn is None:
            run.refuse()
            return _output.CannotWrite.exit_code
        if len(drawn) > 1 and not is_folder:
            names = ", ".join(one.policy.name for one in drawn[:5]) + (", …" if len(drawn) > 5 else "")
            raise click.UsageError(
                f"{len(drawn)} policies are selected ({names}); name one, or -o DIR/ for a file each"
            )
        saying("writing")
        files = _rendered(drawn, picture, wanted_format)
    if is_folder:
        _write_all(Path(str(output)), files)
    else:
        _put(files[0][1], wanted_format, output)
    return 0


def _format(named: str | None, output: str | None, is_folder: bool) -> str:
    """The format that is named, or that the file's ending asks for. Raises UsageError."""
    if named is None and is_folder:
        return "svg"
    ending = Path(output).suffix.lower() if output and output != STANDARD_INPUT and not is_folder else ""
    if named is None and ending and ending not in ENDINGS:
        raise click.UsageError(
            f"no format goes with {ending}; name one by --format, or end FILE in {', '.join(ENDINGS)}"
        )
    if named and ENDINGS.get(ending, named) != named:
        raise click.UsageError(f"{output} ends like {ENDINGS[ending]}, and --format says {named}: name one")
    found = named or ENDINGS.get(ending, "text")
    if found == "png" and output in (None, STANDARD_INPUT) and _output.is_terminal(sys.stdout):
        raise click.UsageError("a PNG is nothing for a terminal; name a file by -o FILE.png")
    return found


def _rendered(drawn: tuple[Drawn, ...], picture: str, format_: str) -> list[tuple[str, bytes]]:
    """Each picture's file name in a folder and its bytes. Raises UsageError where two would have the same name."""
    from firewright.drawing.renderers import RENDERERS

    render = RENDERERS.load(format_)
    files: dict[str, bytes] = {}
    for one in drawn:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", one.policy.name).strip(".-")[:100] or "policy"
        name = f"{stem}-{picture}{SUFFIXES.get(format_, '.' + format_)}"
        if name in files:
            raise click.UsageError(f"two policies would be drawn into {name}; name one of them, and -o FILE")
        files[name] = render(one.scene)
    return list(files.items())


def _write_all(folder: Path, files: list[tuple[str, bytes]]) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _output.CannotWrite(f"{folder} cannot be made: {(error.strerror or 'unknown reason').lower()}") from None
    for name, content in files:
        _output.write_whole(folder / name, content)
        _output.say(f"wrote {_output.shown(folder / name)}")


def _put(content: bytes, format_: str, output: str | None) -> None:
    if output not in (None, STANDARD_INPUT):
        _output.write_whole(Path(str(output)), content)
    elif format_ == "png":
        click.echo(content, nl=False)
    else:
        _output.put(content.decode())
