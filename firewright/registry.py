"""Plugins by name: the files of a package, then what other packages declare under its name. The directory is the registry."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Plugin = TypeVar("Plugin")


class Registry(Generic[Plugin]):
    """Finds plugins where they lie: `package/NAME.py` with a value called `attribute`; files that begin `_` are private.

    An underscore in a file's name is a hyphen in the plugin's. Other packages add theirs by entry points of group `package`.
    """

    def __init__(self, package: str, attribute: str) -> None:
        self._package, self._attribute = package, attribute

    def names(self) -> list[str]:
        """Every name, sorted, without importing any."""
        return sorted({*self._files(), *self._installed()})

    def load(self, name: str) -> Plugin:
        """The plugin of that name; only now is its module imported. Raises LookupError."""
        plugin: Plugin
        if name in self._files():
            plugin = getattr(import_module(f"{self._package}.{name.replace('-', '_')}"), self._attribute)
        elif name in (installed := self._installed()):
            plugin = installed[name].load()
        else:
            raise LookupError(f"nothing in {self._package} is called {name!r}; there are: {', '.join(self.names())}")
        return plugin

    def all(self) -> Iterator[tuple[str, Plugin]]:
        """Every plugin with its name, in order of names."""
        for name in self.names():
            yield name, self.load(name)

    def _files(self) -> set[str]:
        path = import_module(self._package).__path__
        return {module.name.replace("_", "-") for module in iter_modules(path) if not module.name.startswith("_")}

    def _installed(self) -> dict[str, EntryPoint]:
        from importlib.metadata import entry_points  # takes as long to import as all the rest of a command's start

        return {point.name: point for point in entry_points(group=self._package)}
