"""How modules are called, documented, and where they touch the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.code import PACKAGE, ROOT, TESTS, imported, modules, place, tree

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "core", "base"}
RIM = ("cli/", "live/", "store/", "web/")
"""Where the program meets the world: `cli` prints, reads the environment, writes files and ends; `live` starts programs."""
READING = {"source.py": {"open"}}
"""The one place below the rim that opens files: `source.read`, which everything else uses."""
WORLDLY_CALLS = {"print", "open", "input", "exit", "quit", "breakpoint"}
WORLDLY_METHODS = {
    "open",
    "write_text",
    "write_bytes",
    "read_text",
    "read_bytes",
    "unlink",
    "rename",
    "mkdir",
    "touch",
    "system",
}
WORLDLY_MODULES = (
    "subprocess",
    "socket",
    "urllib.request",
    "http",
    "ftplib",
    "ssl",
    "requests",
    "asyncio",
    "multiprocessing",
)
WORLDLY_NAMES = {
    "os.environ",
    "os.getenv",
    "os.putenv",
    "sys.exit",
    "sys.argv",
    "sys.stdin",
    "sys.stdout",
    "sys.stderr",
}


def test_no_module_is_called_after_nothing() -> None:
    """No module has a name that would fit anything."""
    assert not [place(path) for path in modules() if path.stem.strip("_") in FORBIDDEN_NAMES]


def _public(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{inside}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node.body, f"{node.name}.")


def test_every_public_name_says_what_holds() -> None:
    """Modules, public functions and classes have a docstring whose first sentence ends; methods of public classes too."""
    bare = []
    for path in modules():
        text = ast.get_docstring(tree(path)) or ""
        if not _is_sentence(text):
            bare.append(f"{place(path)}: the module")
        for name, node in _public(tree(path).body):
            if not _is_sentence(ast.get_docstring(node) or "") and not _is_private(name):
                bare.append(f"{place(path, node.lineno)}: {name}")
    assert not bare


def _is_sentence(text: str) -> bool:
    first = text.strip().split("\n\n")[0]
    return len(first) > 5 and first.rstrip().endswith((".", ":", "?"))


def _is_private(name: str) -> bool:
    """A method of a private class: its class is no public name."""
    return name.startswith("_")


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def worldly(path: Path) -> Iterator[tuple[int, str]]:
    """What a module does to the world, or takes from it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
                yield node.lineno, node.func.id
            elif isinstance(node.func, ast.Attribute) and node.func.attr in WORLDLY_METHODS:
                yield node.lineno, node.func.attr
        if isinstance(node, ast.Attribute) and _dotted(node) in WORLDLY_NAMES:
            yield node.lineno, _dotted(node)
    yield from ((line, name) for line, name in imported(path) if _is_worldly(name))


def _is_worldly(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in WORLDLY_MODULES)


def test_only_the_rim_touches_the_world() -> None:
    """Nothing outside `cli` and `live` prints, ends the program, opens files, starts programs or asks the environment or a network."""
    found = []
    for path in modules():
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(RIM):
            found += [
                f"{place(path, line)}: {what}" for line, what in worldly(path) if what not in READING.get(name, ())
            ]
    assert not found


def test_nothing_reaches_for_a_network() -> None:
    """No module imports what talks to other machines or starts programs, but for `live`, which starts nft and ssh and asks the kernel.

    That has sockets and child processes, and no client of any protocol; one file of it serves figures to those who come for them.
    """
    assert not [
        f"{place(path, line)}: {name}"
        for path in modules()
        for line, name in imported(path)
        if _is_worldly(name)
        and not (path.is_relative_to(PACKAGE / "live") and name.split(".")[0] in ("subprocess", "socket"))
        and not (path == PACKAGE / "live" / "metrics_endpoint.py" and name.startswith("http.server"))
        and not (path == PACKAGE / "web" / "patience.py" and name.startswith("asyncio"))  # the server's own loop
    ]


def test_what_a_policy_says_does_not_change() -> None:
    """Every dataclass of the model, of answers and of results is frozen."""
    soft = []
    for folder in ("model", "analysis", "reports", "catalog"):
        for path in modules(PACKAGE / folder):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.ClassDef):
                    soft += [f"{place(path, node.lineno)}: {node.name}" for one in node.decorator_list if _is_soft(one)]
    assert not soft


def _is_soft(decorator: ast.expr) -> bool:
    """Whether it makes a dataclass whose values can change."""
    if isinstance(decorator, ast.Call):
        frozen = [word.value for word in decorator.keywords if word.arg == "frozen"]
        is_frozen = bool(frozen) and isinstance(frozen[0], ast.Constant) and frozen[0].value is True
        return _dotted(decorator.func) == "dataclass" and not is_frozen
    return _dotted(decorator) == "dataclass"


def test_no_text_is_read_as_python() -> None:
    """Nothing evaluates texts, loads YAML into objects, or unpickles, but for what a process hears from a copy of itself."""
    own_copies = PACKAGE / "live" / "parallel.py"
    bad_calls = {"eval", "exec", "compile"}
    bad_names = {"yaml.load", "yaml.safe_load", "pickle.load", "pickle.loads", "marshal.loads"}
    found = [
        place(path, node.lineno)
        for path in modules()
        if path != own_copies
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ((isinstance(node.func, ast.Name) and node.func.id in bad_calls) or _dotted(node.func) in bad_names)
    ]
    assert not found


def test_every_test_says_what_holds() -> None:
    """Every test opens with a sentence."""
    silent = [
        f"{place(path, node.lineno)}: {node.name}"
        for path in modules(TESTS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").split("\n\n")[0].rstrip().endswith((".", "?", "!"))
    ]
    assert not silent


def test_no_test_has_nothing_that_could_fail() -> None:
    """Every test asserts, expects an exception, or hands on to something that does."""
    empty = [
        f"{place(path, node.lineno)}: {node.name}"
        for path in modules(TESTS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not _can_fail(node)
    ]
    assert not empty


def _can_fail(test: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Assert | ast.Raise | ast.Call) for node in ast.walk(test))


def test_nothing_is_left_to_do() -> None:
    """No module, test or tool has a note to its writer instead of code."""
    words = ("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")
    roots = (PACKAGE, TESTS, ROOT / "tools", ROOT / "benchmarks")
    found = [
        f"{place(path)}: {word}"
        for root in roots
        for path in modules(root)
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found
