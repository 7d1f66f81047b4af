"""Questions as impatient people type them: what was meant, as the command that asks it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from shlex import quote

import click

_ARROW_WORDS = ("->", "<->", "-->", "=>", "→", "↔", "-", "=", ">", "to")
_ENDINGS = (".yaml", ".yml")


def plain_arrows(text: str) -> str:
    """A question with the arrows that are typed: `→` is `->`, `↔` is `<->`."""
    return text.replace("↔", "<->").replace("→", "->")


def has_arrow(text: str) -> bool:
    """Whether a text can be a question."""
    return "->" in plain_arrows(text)


class WrongCall(click.UsageError):
    """A call that cannot be meant so; `way_out` is the command that most likely was."""

    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.way_out = way_out


class AskCommand(click.Command):
    """A command whose first argument is a question; a call that has it in several or elsewhere is told the right one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a call. Raises WrongCall where arrows stand alone, which look like options."""
        if any(word in _ARROW_WORDS and has_arrow(word) for word in args) and "--" not in args:
            complain_of_pieces([word for word in args if word in _ARROW_WORDS or not word.startswith("-")])
        return super().parse_args(ctx, args)


def check_question(first: str, rest: tuple[str, ...]) -> None:
    """Raise WrongCall where the question is not the first argument, or was typed without quotes."""
    if has_arrow(first) or not rest:
        return
    questions = [word for word in rest if has_arrow(word)]
    if questions:
        others = [first, *(word for word in rest if word != questions[0])]
        raise WrongCall("the question comes first", _command(questions[0], others))
    complain_of_pieces([first, *rest])


def complain_of_pieces(words: Collection[str]) -> None:
    """Raise WrongCall with the question that these words most likely are, in quotes."""
    policies, parts = [], []
    is_both = False
    for word in words:
        if word in _ARROW_WORDS:
            is_both = is_both or "<" in word or word == "↔"
        elif word.endswith(_ENDINGS) or ("/" in word and Path(word).exists()):
            policies.append(word)
        else:
            parts.append(word)
    if {"-", "="} & {*words} and (file := _redirected()):
        parts.insert(1, file)
    if len(parts) < 2:
        parts = [*parts, "ZONE"] if parts else ["internet", "tenants"]
    services = " ".join(
        f"tcp/{word}" if word.isdecimal() else word for word in parts[2:] if word not in ("port", "ports")
    )
    question = f"{parts[0]} {'<->' if is_both else '->'} {parts[1]} {services}".rstrip()
    message = "the question is one argument, in quotes; without them the shell takes > for itself and writes to a file"
    raise WrongCall(message, _command(question, policies))


def _command(question: str, policies: Iterable[str]) -> str:
    return " ".join(["firewright ask", quote(plain_arrows(question)), *map(quote, policies)])


def _redirected() -> str:
    """The name of the file in this folder that the shell writes the output to, or an empty text."""
    try:
        if not stat.S_ISREG(os.fstat(1).st_mode):
            return ""
        there = Path("/proc/self/fd/1").readlink()
        return there.name if there.parent == Path.cwd() else ""
    except OSError:
        return ""
