"""A layer imports only those below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.code import PACKAGE, imported, modules, place

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"__main__"}),
    frozenset({"cli"}),
    frozenset({"web"}),
    frozenset({"workflows"}),
    frozenset({"live", "store"}),
    frozenset({"readers", "writers", "audits", "reports", "drawing", "profiles", "schema"}),
    frozenset({"syntax"}),
    frozenset({"analysis"}),
    frozenset({"space"}),
    frozenset({"catalog"}),
    frozenset({"model"}),
    frozenset({"document"}),
    frozenset({"registry"}),
    frozenset({"diagnostic"}),
    frozenset({"source"}),
    frozenset({"__init__"}),
)
"""Each line imports only lines below it; the names on one line do not import each other."""
HEIGHT = {name: len(LAYERS) - depth for depth, names in enumerate(LAYERS) for name in names}


def layer(path: Path, root: Path = PACKAGE) -> str:
    """The layer that a module belongs to."""
    return path.relative_to(root).parts[0].removesuffix(".py")


def upward_imports(root: Path = PACKAGE) -> list[str]:
    """Every import between layers that does not point strictly down."""
    wrong = []
    for path in modules(root):
        here = layer(path, root)
        for line, dotted in imported(path):
            package, _, rest = dotted.partition(".")
            there = rest.partition(".")[0]
            if package != "firewright" or not rest or there == here:
                continue
            if HEIGHT.get(there, HEIGHT["__init__"]) >= HEIGHT[here]:
                wrong.append(f"{path.relative_to(root)}:{line}: {here} imports {there}")
    return wrong


def test_imports_point_down() -> None:
    """No module imports a layer beside or above its own."""
    assert not upward_imports()


@pytest.mark.parametrize(
    ("file", "line", "found"),
    [
        ("model/rule.py", "from firewright.space.box import box", ["model/rule.py:1: model imports space"]),
        ("audits/one.py", "import firewright.readers.policy_yaml.schema", ["audits/one.py:1: audits imports readers"]),
        ("source.py", "def f():\n    from firewright import diagnostic", ["source.py:2: source imports diagnostic"]),
        ("space/box.py", "from firewright.model.packet import Packet", []),
        ("space/box.py", "from firewright.space.axis import Axis", []),
    ],
)
def test_an_import_upward_or_sideways_is_seen(tmp_path: Path, file: str, line: str, found: list[str]) -> None:
    """The look at imports finds those beside and above, inside functions too, and lets the others be."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(line, encoding="utf-8")
    assert upward_imports(tmp_path) == found


def test_every_module_has_a_layer() -> None:
    """A new folder or file of the package is given its place in the layers before it can be imported."""
    assert {layer(path) for path in modules()} <= set(HEIGHT)


def test_imports_are_absolute() -> None:
    """Inside the package every import is written from `firewright` on."""
    assert not [place(path, line) for path in modules() for line, dotted in imported(path) if dotted.startswith(".")]


def test_the_specification_knows_no_sets() -> None:
    """`analysis/decide.py` imports nothing of `space`, and `space` nothing of it: they are checked against each other."""
    assert not [name for _, name in imported(PACKAGE / "analysis" / "decide.py") if name.startswith("firewright.space")]
    assert not [
        place(path, line)
        for path in modules(PACKAGE / "space")
        for line, name in imported(path)
        if name.startswith("firewright.analysis")
    ]


def test_what_checks_a_ruleset_shares_nothing_with_what_wrote_it() -> None:
    """The writers and their trees import no packet set and no question; the reader of listings imports no writer and no tree."""
    for writing in ("writers", "syntax"):
        for path in modules(PACKAGE / writing):
            wrong = [name for _, name in imported(path) if name.startswith(("firewright.space", "firewright.analysis"))]
            assert not wrong, f"{path}: {wrong}"
    for path in modules(PACKAGE / "readers"):
        wrong = [name for _, name in imported(path) if name.startswith(("firewright.writers", "firewright.syntax"))]
        assert not wrong, f"{path}: {wrong}"
    assert list(modules(PACKAGE / "writers"))
    assert list(modules(PACKAGE / "syntax"))


def test_the_second_engine_is_known_to_one_file() -> None:
    """Only the files about diagrams in `space` name oxidd, so that it can be exchanged."""
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        for _, name in imported(path)
        if name.startswith("oxidd")
    }
    assert users <= {"space/bdd.py", "space/diagram.py"}
    assert users
