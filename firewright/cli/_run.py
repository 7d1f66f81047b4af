"""What commands share: their options, the settings under them, and how a result leaves with its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from firewright.cli import _output
from firewright.registry import Registry

if TYPE_CHECKING:
    from firewright.diagnostic import Report
    from firewright.reports import Findings, Look, Renderers, Result
    from firewright.workflows.selection import Wanted
    from firewright.workflows.settings import Settings

FORMATS: Registry[Renderers] = Registry("firewright.reports", "REPORT")
BUILT_IN = ("text", "json", "sarif", "junit", "markdown", "github")
"""The formats that come with the program, as help lists them: what can show what is known without importing any."""
STANDARD_INPUT = "-"
UNDECIDED = "undecided"
"""The name of the complaint that a question was too much work: nobody's fault, and no gate passes."""
Callback = TypeVar("Callback", bound=Callable[..., Any])


class _Format(click.ParamType[str]):
    """The name of a report format; `own` are those that come with the program and can show what a command finds."""

    name = "format"

    def __init__(self, own: tuple[str, ...]) -> None:
        self.own = own

    def names(self) -> list[str]:
        """Those, and whatever other packages add."""
        return [name for name in FORMATS.names() if name in self.own or name not in BUILT_IN]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from firewright.diagnostic import nearest

        known = self.names()
        if value not in known and value not in BUILT_IN:
            near = nearest(str(value), known)
            self.fail(
                f"there is no format {str(value)!r}; {f'did you mean {near}? ' if near else ''}there are: {', '.join(known)}"
            )
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self.names() if name.startswith(incomplete)]


class _Moment(click.ParamType[date]):
    """A day as 2027-03-31, or a time of it as 2027-03-31T18:30."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        from firewright.readers.policy_yaml.values import BadValue, parse_moment

        try:
            return parse_moment(str(value))
        except BadValue as bad:
            self.fail(f"{bad.message}; {bad.help}")


MOMENT = _Moment()
"""The kind of a flag that is a day, or a time of one."""


class _Unreadable(click.ClickException):
    """What is piped in, or where the program runs, is nothing to read."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Picked:
    """The policies, labels, options and the day that the flags name."""

    policies: tuple[str, ...]
    labels: tuple[str, ...]
    options: tuple[str, ...]
    day: date | None

    @classmethod
    def nothing(cls) -> Picked:
        """For commands without these flags."""
        return cls((), (), (), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """The format, the file and the colours that the flags name."""

    format: str | None
    output: str | None
    color: str
    is_verbose: bool

    @classmethod
    def plain(cls) -> Shown:
        """For commands without these flags: text, to standard output."""
        return cls("text", None, "auto", is_verbose=False)


def selects(function: Callback) -> Callback:
    """Give a command the flags that say which policies it is about; it gets them as `picked`."""

    @click.option("-p", "--policy", "policy", multiple=True, metavar="FILE|DIR", help="A policy, or a folder of them. Again for more.",
                  shell_complete=_complete_files)  # fmt: skip
    @click.option("--label", multiple=True, metavar="KEY=VALUE", help="Only policies with this label. Again for more.")
    @click.option(
        "--set", "set_", multiple=True, metavar="NAME=VALUE", help="Answer a policy's question: yes or no, addresses."
    )
    @click.option(
        "--at", type=_Moment(), metavar="DATE", help="Ask about this day, as 2027-03-31, or time, as 2027-03-31T18:30."
    )
    @wraps(function)
    def gathered(
        policy: tuple[str, ...], label: tuple[str, ...], set_: tuple[str, ...], at: date | None, **rest: Any
    ) -> Any:
        return function(picked=Picked(policy, label, set_, at), **rest)

    return gathered  # type: ignore[return-value]


def shows(*formats: str) -> Callable[[Callback], Callback]:
    """Give a command the flags that say how its result looks and where it goes; it gets them as `shown`.

    `formats` are the built-in ones that can show its result.
    """
    says = f"{', '.join(formats[:-1])} or {formats[-1]}."

    def decorated(function: Callback) -> Callback:
        @click.option("--format", "format_", type=_Format(formats), metavar="FORMAT", help=says)
        @click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
        @click.option(
            "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours; auto by default."
        )
        @click.option("-v", "--verbose", is_flag=True, help="Say everything, cut nothing.")
        @debugs
        @wraps(function)
        def gathered(format_: str | None, output: str | None, color: str, verbose: bool, **rest: Any) -> Any:
            return function(shown=Shown(format_, output, color, verbose), **rest)

        return gathered  # type: ignore[return-value]

    return decorated


def debugs(function: Callback) -> Callback:
    """Give a command --debug, which `main` looks for."""
    say = "Show where in the program an internal error happened."
    return click.option("--debug", is_flag=True, expose_value=False, help=say)(function)


def _complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


@dataclass(slots=True)
class Run:
    """One run of a command: the folder, the settings under its flags, and the report of what is wrong."""

    shown: Shown
    report: Report
    settings: Settings
    folder: Path

    @classmethod
    def begin(cls, shown: Shown) -> Run:
        """Read the settings. Leaves with exit code 2 where they are wrong."""
        from firewright.diagnostic import Report
        from firewright.workflows.settings import settings

        try:
            report, folder = Report(), Path.cwd()
        except FileNotFoundError:
            raise _Unreadable("the current folder is not there any more") from None
        run = cls(shown, report, settings(folder, os.environ, report), folder)
        if report.has_errors():
            run.refuse()
        return run

    def wanted(self, picked: Picked, named: tuple[str, ...] = ()) -> Wanted:
        """What the flags and the settings below them select. Leaves with exit code 2 where a flag is wrong."""
        from firewright.workflows.selection import Wanted
        from firewright.workflows.settings import parse_labels

        words = (*named, *picked.policies) or self.settings.policies
        labels = parse_labels(picked.labels, self.report) or self.settings.labels
        wanted = Wanted(
            folder=self.folder,
            now=datetime.now(timezone.utc),  # noqa: UP017 - shorter to say
            policies=tuple(standard_input() if word == STANDARD_INPUT else word for word in words),
            labels=labels,
            options=self.pairs(picked.options),
            day=picked.day,
            telling=_output.say,
        )
        if self.report.has_errors():
            self.refuse()
        return wanted

    def pairs(self, pairs: tuple[str, ...]) -> dict[str, str]:
        """The answers in some `NAME=VALUE`; what is no such pair is in the report."""
        found: dict[str, str] = {}
        for pair in pairs:
            name, equals, value = (part.strip() for part in pair.partition("="))
            if not equals or not name or not value:
                help_ = "write --set NAME=yes for an option, --set ZONE=10.0.1.0/24 for a zone that asks"
                self.report.error("bad-setting", f"--set {pair!r} sets nothing", help=help_)
            elif found.setdefault(name, value) != value:
                self.report.error(
                    "bad-setting", f"--set gives {name} two values", help="keep one; several addresses need commas"
                )
        return found

    def has_policies(self) -> bool:
        """Whether files lie here that may be policies, so that nothing is imported to look for them where there are none."""
        try:
            return any(path.suffix in (".yaml", ".yml") for path in self.folder.iterdir())
        except OSError:
            return False

    def refuse(self, has_notes: bool = True) -> NoReturn:
        """Say what is wrong on standard error, and leave: with 1 where it was only not decided, else with 2."""
        self.warn(has_notes)
        is_undecided = all(one.name == UNDECIDED for one in self.report.diagnostics)
        raise click.exceptions.Exit(1 if is_undecided else 2)

    def warn(self, has_notes: bool = True) -> None:
        """Say on standard error whatever is in the report, its notes too unless they are not asked for."""
        from firewright.diagnostic import Severity
        from firewright.reports import Findings
        from firewright.reports.text import REPORT

        said = tuple(one for one in self.report.sorted() if has_notes or one.severity is not Severity.NOTE)
        if said:
            findings = Findings(said, self.report.sources, is_readable=False)
            _output.say(REPORT[Findings](findings, self.look(sys.stderr)).rstrip("\n"))

    def look(self, stream: object, has_witness: bool = False) -> Look:
        """How texts look on a stream."""
        from firewright.reports import Look

        is_file = self.shown.output not in (None, STANDARD_INPUT) and stream is sys.stdout
        coloured = self.shown.color == "always" if is_file else _output.colours(self.shown.color, stream)
        is_cut = not is_file and not self.shown.is_verbose and _output.is_terminal(stream)
        root = next((str(above) for above in (self.folder, *self.folder.parents) if (above / ".git").exists()), "")
        return Look(
            _output.columns(), is_cut, coloured, has_witness, self.shown.is_verbose, folder=str(self.folder), root=root
        )

    def will_show(self, kind: type[Any]) -> None:
        """Make sure, before anything is done, that what comes of it can be shown. Leaves with exit code 2 where it cannot."""
        self._renderers(kind)
        if self.shown.output not in (None, STANDARD_INPUT):
            _output.must_be_writable(Path(str(self.shown.output)))

    def show(self, result: Result, has_witness: bool = False) -> None:
        """Put a result out in the wanted format. Leaves with exit code 2 where that format cannot show it."""
        renderers = self._renderers(type(result))
        _output.put(renderers[type(result)](result, self.look(sys.stdout, has_witness)), self.shown.output)

    def summary(self, findings: Findings) -> str:
        """What was looked at and found, in one line for standard error."""
        from firewright.reports import summary_line

        return summary_line(findings, self.look(sys.stderr))

    def _renderers(self, kind: type[Any]) -> Renderers:
        """The wanted format; a format that only a setting names gives way to text where it cannot show this."""
        wanted = self.shown.format or self.settings.format or "text"
        try:
            found = FORMATS.load(wanted)
        except LookupError:
            known = ", ".join(FORMATS.names())
            raise click.UsageError(f"FIREWRIGHT_FORMAT: there is no format {wanted!r}; there are: {known}") from None
        if kind not in found:
            if self.shown.format:
                able = [name for name, renderers in FORMATS.all() if kind in renderers]
                raise click.UsageError(
                    f"{wanted} cannot show this; these can: {', '.join(able)}", click.get_current_context()
                )
            found = FORMATS.load("text")
        return found


def standard_input() -> Any:
    """What is piped in, as a source called `-`. Leaves with exit code 2 where it is no text."""
    from firewright.source import SIZE_LIMIT, UnreadableSource, decode

    context = click.get_current_context().find_root()
    if sys.stdin is None:
        raise _Unreadable("standard input is closed")
    if "standard input" not in context.meta:
        try:
            context.meta["standard input"] = decode("-", sys.stdin.buffer.read(SIZE_LIMIT + 1))
        except UnreadableSource as error:
            raise _Unreadable(f"standard input{str(error).removeprefix('-')}") from None
    return context.meta["standard input"]
