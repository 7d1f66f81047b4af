"""Formats of pictures: one file a format, its `RENDERER` a function from a scene to bytes."""

from collections.abc import Callable

from firewright.drawing.scene import Scene
from firewright.registry import Registry

Renderer = Callable[[Scene], bytes]

RENDERERS: Registry[Renderer] = Registry("firewright.drawing.renderers", "RENDERER")
"""Every format by name."""
