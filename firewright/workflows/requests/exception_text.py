"""The file of an exception, from what was asked for: a policy-shaped text of one rule with an end."""

from __future__ import annotations

import json
import re

from firewright.model.request import Wish

PLAIN = re.compile(r"[a-z0-9][a-z0-9-]*(?:/[a-z0-9-]+)?")
"""What YAML reads as the word that it is; but for a few, which are written in quotes like everything else."""
_WORDS_OF_YAML = ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none")


def name_of(number: int) -> str:
    """How the exception of a request is called, and its rule: 0 is one that nobody made yet."""
    return f"request-{number}" if number else "request-new"


def path_of(number: int, folder: str = "") -> str:
    """Where the file of an exception is put, beside its policy, whose folder is given where it is not the current one."""
    own = f"exceptions/{name_of(number)}.yaml"
    return f"{folder}/{own}" if folder and folder != "." else own


def text_of(wish: Wish, number: int) -> str:
    """The file of the exception, the same bytes for the same wish and number."""
    lines = [
        f"policy: {_word(wish.policy)}",
        "rules:",
        f"  - name: {name_of(number)}",
        f"    from: {_words(wish.sources)}",
        f"    to: {_words(wish.destinations)}",
        f"    allow: {_words(wish.services)}",
        f"    because: {_prose(wish.because)}",
        f"    owner: {_prose(wish.owner)}",
    ]
    if wish.ticket:
        lines.append(f"    ticket: {_prose(wish.ticket)}")
    lines.append(f"    until: {wish.until}")
    if wish.overrides:
        lines.append(f"    overrides: {_words(wish.overrides, always=True)}")
    return "\n".join(lines) + "\n"


def _words(words: tuple[str, ...], *, always: bool = False) -> str:
    if len(words) == 1 and not always:
        return _word(words[0])
    return f"[{', '.join(_word(one) for one in words)}]"


def _word(text: str) -> str:
    is_plain = PLAIN.fullmatch(text) and not text.isdecimal() and text.lower() not in _WORDS_OF_YAML
    return text if is_plain else _prose(text)


def _prose(text: str) -> str:
    # JSON's strings are YAML's double-quoted ones; what neither can hold was refused before
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
