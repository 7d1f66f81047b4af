"""Ansible's inventory as INI: `[group]`, `[group:children]`, `[group:vars]`, a host a line (docs.ansible.com, plugin `ini`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from firewright.document import Scalar
from firewright.readers.inventory._ansible import ALL, LOOSE, loosen, say_others, take_variable
from firewright.readers.inventory._assembly import Draft, Said, assemble, say
from firewright.readers.inventory._inventory import Format, Inventory
from firewright.readers.inventory._names import expanded, without_port
from firewright.readers.inventory._yaml import SUFFIXES
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.source import Source, Span

_SECTION = re.compile(r"\[([^\]:\s]+)(?::(\w+))?\]\s*(?:[#;].*)?")
_GROUP = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_WORD = re.compile(r"""(?:[^\s"'#]|"[^"]*"|'[^']*'|(?<=\S)\#)+""")
"""What a shell would take for one word, as far as it is read here: no backslashes."""
_NOT_INI = (*SUFFIXES, ".toml", ".py", ".sh")
KINDS = ("", "children", "vars")


def _fits(source: Source) -> bool:
    return PurePath(source.path).suffix not in _NOT_INI and not source.text.startswith("#!")


def _read(source: Source, complaints: Complaints) -> Inventory | None:
    reading = _Reading(Draft(source.path), complaints)
    for number, line in enumerate(source.text.split("\n"), 1):
        reading.line(line.rstrip("\r"), number)
    say_others(reading.others, source.path, complaints)
    reading.must_be_written()
    loosen(reading.draft)
    return assemble(reading.draft, complaints)


class _Reading:
    """Reads the lines of one inventory into a draft: in which section it is decides what a line says."""

    def __init__(self, draft: Draft, complaints: Complaints) -> None:
        self.draft, self.complaints = draft, complaints
        self.section, self.kind = LOOSE, ""
        self.others: set[str] = set()
        self.written: set[str] = {ALL, LOOSE}
        self.used: dict[str, Span] = {}

    def line(self, text: str, number: int) -> None:
        bare = text.strip()
        if not bare or bare[0] in "#;":
            return
        whole = Scalar(bare, self.draft.path, number, text.index(bare[0]) + 1, len(bare))
        if not bare.replace("\t", " ").isprintable():
            self.complaints.error("control-character", "a control or invisible character", whole.at, "delete it")
        elif bare.startswith("[") and (found := _SECTION.fullmatch(bare)):
            self.header(whole, found[1], found[2] or "")
        elif self.kind == "children":
            self.child(whole)
        elif self.kind == "vars":
            self.variable(whole)
        else:
            self.host(whole)

    def header(self, whole: Scalar, name: str, kind: str) -> None:
        self.section, self.kind = name, kind
        if kind not in KINDS:
            self.complaints.error(
                "bad-inventory", f"there is no section of {kind!r}", whole.at, "write children or vars"
            )
        if not _GROUP.fullmatch(name):
            way_out = "use letters, digits, dots, hyphens and underscores"
            self.complaints.error("bad-inventory", f"{quoted(name)} is no name of a group", whole.at, way_out)
        if kind == "vars":
            self.used.setdefault(name, whole.at)
        else:
            self.written.add(name)
            if name != ALL:
                self.draft.group(name, whole.at)

    def child(self, whole: Scalar) -> None:
        words = list(_words(whole))
        if len(words) != 1 or not _GROUP.fullmatch(words[0].text):
            self.complaints.error(
                "bad-inventory", "one group a line", whole.at, "write the name of a group and nothing else"
            )
        elif self.section != ALL:
            self.draft.group(self.section, whole.at).children[words[0].text] = words[0].at
        else:
            self.used.setdefault(words[0].text, words[0].at)

    def variable(self, whole: Scalar) -> None:
        found = _split(whole)
        if found is None:
            self.complaints.error("bad-inventory", "a variable is name=value", whole.at, "write ansible_user=admin")
            return
        name, value = found
        inner = _unquoted(value)
        if " #" in value.text and inner is value:
            at = value.at._replace(column=value.column + value.text.index(" #") + 1, width=1)
            message = "Ansible takes a # in here for a part of the value"
            self.complaints.error("bad-inventory", message, at, "put the comment on a line of its own")
            return
        said = self.draft.said if self.section == ALL else self.draft.group(self.section, whole.at).said
        take_variable(name, inner, said, self.complaints, self.others)

    def host(self, whole: Scalar) -> None:
        words = list(_words(whole))
        if not words:
            self.complaints.error("bad-inventory", "a quote is opened and never closed", whole.at, "close it")
            return
        bare, port = without_port(words[0])
        for name in expanded(bare, self.complaints):
            said = self.draft.host(name, words[0].at, self.complaints)
            if self.section != ALL:
                self.draft.group(self.section, whole.at).hosts[name] = words[0].at
            if port:
                say(said, "port", (words[0]._replace(text=port),), self.complaints)
            self.variables(words[1:], said)

    def variables(self, words: list[Scalar], said: Said) -> None:
        for word in words:
            found = _split(word)
            if found is None:
                way_out = "write name=value, without spaces around the sign, or one host a line"
                self.complaints.error("bad-inventory", f"{quoted(word)} is no variable", word.at, way_out)
                return
            take_variable(found[0], _unquoted(found[1]), said, self.complaints, self.others)

    def must_be_written(self) -> None:
        """A group that has variables, or is a child of everybody, is written somewhere."""
        for name, at in self.used.items():
            if name not in self.written:
                way_out = self.complaints.did_you_mean(name, self.written, f"write [{name}] and its hosts below it")
                self.complaints.error("unknown-group", f"there is no group {quoted(name)}", at, way_out)


def _words(whole: Scalar) -> Iterator[Scalar]:
    """The words of a line up to a comment, with their places; none where a quote stays open."""
    at, text = 0, whole.text
    found: list[Scalar] = []
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "#":
            break
        elif word := _WORD.match(text, at):
            found.append(_unquoted(whole._replace(text=word[0], column=whole.column + at, width=len(word[0]))))
            at = word.end()
        else:
            return
    yield from found


def _split(word: Scalar) -> tuple[Scalar, Scalar] | None:
    """A variable's name and its value; None where it is no variable."""
    name, equals, value = word.text.partition("=")
    if not equals or not name.strip():
        return None
    start = len(name) + 1 + len(value) - len(value.lstrip())
    bare = value.strip()
    said = word._replace(text=bare, column=word.column + start, width=max(1, len(bare)))
    return word._replace(text=name.strip(), width=len(name.strip())), said


def _unquoted(value: Scalar) -> Scalar:
    """A value without the quotes around it; itself where there are none."""
    text = value.text
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        return value._replace(text=text[1:-1], column=value.column + 1, width=max(1, len(text) - 2), is_plain=False)
    return value


INVENTORY = Format("Ansible's INI", _fits, _read, ("group_vars", "host_vars"))
