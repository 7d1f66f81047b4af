"""The page about diagnostics: every name that the code can say, with its words as they stand in the code."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import firewright
from firewright.audits._audit import AUDITS
from firewright.live.host import HELP, REASONS
from firewright.readers.policy_yaml.grammar import POLICY
from firewright.readers.policy_yaml.shape import Record, Several, Shape, Table
from tools.docs.markdown import page, table

PACKAGE = Path(firewright.__file__).parent
_SAYING = {
    "error", "warning", "note", "refuse", "_refuse", "Diagnostic", "BadValue", "wrong", "_wrong", "HostError", "Refused", "Problem",
}  # fmt: skip
_NAMED = {"Problem": 1}
"""Where the name stands if it is not the first argument."""
_SPOTS = {
    ("Diagnostic", "message"): 2, ("BadValue", "help"): 2, ("HostError", "help"): 2, ("Refused", "help"): 2,
    ("Problem", "message"): 2,
}  # fmt: skip
"""Where an argument stands that has another place in this call than in most."""
_SLUG = re.compile(r"[a-z]+(?:-[a-z]+)*")
_WHERE = (
    ("document.py", "YAML"),
    ("readers/policy_yaml/", "The policy language, and files of tests"),
    ("readers/nftables/", "Listings of nftables"),
    ("readers/iptables/", "What iptables-save says"),
    ("writers/", "Compiling: what a target cannot say"),
    ("readers/inventory/", "Inventories of hosts"),
    ("readers/port_documents/", "Port documents"),
    ("live/", "Managed hosts"),
    ("cli/", "Commands"),
    ("web/", "The web application"),
    ("workflows/requests/", "Requests, approvals, exceptions"),
    ("workflows/", "Runs: what was asked, settings, lock files, machines"),
    ("catalog/", "Rows of the catalog"),
)


@dataclass(frozen=True)
class Saying:
    """One place in the code that makes a diagnostic: its file, its name, its message and help with … for what varies."""

    file: str
    name: str
    message: str
    help: str


def sayings() -> list[Saying]:
    """Every place in the package that makes a diagnostic, in order of files and lines."""
    found: list[Saying] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found += _sayings_in(path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
    return [*found, *_sayings_of_hosts()]


def _sayings_of_hosts() -> Iterator[Saying]:
    """What the program of managed hosts says when it fails, and what is made of the words of ssh and sudo."""
    text = (PACKAGE / "live" / "managed" / "host.sh").read_text(encoding="utf-8")
    text = re.sub(r'\$\((?:[^()"]|"[^"]*")*\)', "…", text)
    for name, message in re.findall(r'\bfail ([a-z-]+) "([^"\n]*)"?', text):
        words = re.sub(r"\$\{[^}]*\}+|\$\w+", "…", message)
        yield Saying("live/managed/host.sh", name, words, HELP.get(name, ""))
    for _, name, message, way_out in REASONS:
        yield Saying("live/host.py", name, message, way_out)


def diagnostic_names() -> set[str]:
    """Every name of a diagnostic in the code."""
    return {saying.name for saying in sayings()}


def diagnostics_page() -> str:
    """A table for each part of the program; audits have a page of their own."""
    parts = [
        "Every diagnostic has a name, which is also its rule's name in SARIF and its class in JUnit.\n"
        "What a page or the API refuses has one too, at the end of the problem's `type`: `urn:firewright:problem:NAME`.\n"
        "The words are those of the code; … stands for what varies.\n"
        "What `check` finds in a policy that can be read has a page of its own: [audits](audits.md).",
    ]
    left = [saying for saying in sayings() if saying.name not in AUDITS.names()]
    for prefix, title in _WHERE:
        rows = [saying for saying in left if saying.file.startswith(prefix)]
        left = [saying for saying in left if not saying.file.startswith(prefix)]
        parts += [f"## {title}", table(("name", "says", "way out"), _rows(rows))] if rows else []
    return page("Diagnostics", *parts)


def _rows(found: list[Saying]) -> Iterator[tuple[str, str, str]]:
    """A row a name, its different words below each other."""
    by_name: dict[str, list[Saying]] = defaultdict(list)
    for saying in found:
        by_name[saying.name].append(saying)
    for name, sayings_ in sorted(by_name.items()):
        messages = dict.fromkeys(_cell(one.message) for one in sayings_ if one.message)
        helps = dict.fromkeys(_cell(one.help) for one in sayings_ if one.help)
        yield f"`{name}`", "<br>".join(messages) or "…", "<br>".join(helps) or "…"


def _cell(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _sayings_in(file: str, tree: ast.Module) -> Iterator[Saying]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call, texts in _calls(function.body, {}):
                spot = _NAMED.get(_called(call), 0)
                if _called(call) in _SAYING and len(call.args) > spot:
                    for name in _names(call.args[spot], texts):
                        yield Saying(file, name, _argument(call, texts, "message"), _argument(call, texts, "help"))


_Texts = dict[str, list[ast.expr]]
"""What local names may have been set to when a statement is reached."""


def _calls(block: Iterable[ast.stmt], texts: _Texts) -> Iterator[tuple[ast.Call, _Texts]]:
    """The calls in some statements, each with the texts that reach it: the last assignment, or those of branches since."""
    for statement in block:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                _assign(target, statement.value, texts)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        inner = [list(part) for part in _blocks(statement)]
        within = {id(node) for part in inner for one in part for node in ast.walk(one)}
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and id(node) not in within:
                yield node, texts
        ways = []
        for part in inner:
            way = {name: list(values) for name, values in texts.items()}
            yield from _calls(part, way)
            ways.append(way)
        for way in ways:
            for name, values in way.items():
                known = texts.setdefault(name, [])
                known += [value for value in values if value not in known]


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks inside a statement."""
    for field in ("body", "orelse", "finalbody"):
        yield getattr(statement, field, [])
    yield from (one.body for one in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())))


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _assign(target: ast.expr, value: ast.expr, texts: _Texts) -> None:
    if isinstance(target, ast.Name):
        texts[target.id] = [value]
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, its in zip(target.elts, value.elts, strict=False):
            _assign(one, its, texts)


def _names(first: ast.expr, texts: _Texts) -> Iterator[str]:
    """The names that a call's first argument can be."""
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and _SLUG.fullmatch(first.value):
        yield first.value
    elif isinstance(first, ast.JoinedStr):
        made = (_words(first, {}).replace("…", kind) for kind in sorted(_fixed_tables(POLICY)))
        yield from filter(_SLUG.fullmatch, made)
    elif isinstance(first, ast.Name):
        for value in texts.get(first.id, ()):
            yield from _names(value, {})
    elif isinstance(first, ast.IfExp):
        yield from _names(first.body, texts)
        yield from _names(first.orelse, texts)


def _fixed_tables(shape: Shape) -> Iterator[str]:
    """What is counted in tables whose names are given: a wrong one is `unknown-` and this."""
    if isinstance(shape, Table):
        if shape.words:
            yield shape.kind
        yield from _fixed_tables(shape.of)
    elif isinstance(shape, Record):
        yield from (kind for key in shape.keys for kind in _fixed_tables(key.shape))
    elif isinstance(shape, Several):
        yield from _fixed_tables(shape.of)


def _argument(call: ast.Call, texts: _Texts, which: str) -> str:
    for keyword in call.keywords:
        if keyword.arg == which:
            return _words(keyword.value, texts)
    spot = _SPOTS.get((_called(call), which), 1 if which == "message" else 3)
    return _words(call.args[spot], texts) if len(call.args) > spot else ""


def _words(node: ast.expr, texts: _Texts) -> str:
    """A text of the code, … for what varies; empty where all of it does."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        text = re.sub(r"…+", "…", "".join(map(str, parts)))
        return text if re.search(r"[a-z]", text) else ""
    if isinstance(node, ast.Name) and node.id in texts:
        found = dict.fromkeys(words for value in texts[node.id] if (words := _words(value, {})))
        return "<br>".join(found).replace("<br>", " / ")
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (_words(node.body, texts), _words(node.orelse, texts))))
    return ""
