"""Kinds of pictures: one file a kind, its `PICTURE` a function from a policy, what to look at and a day to a scene."""

from collections.abc import Callable

from firewright.analysis.path import When
from firewright.drawing.scene import Scene
from firewright.model.policy import Policy, Zone
from firewright.registry import Registry

Chosen = tuple[tuple[Zone, ...], ...]
"""The zones that were asked for, group by group; none means what the policy's firewalls separate."""
Picture = Callable[[Policy, Chosen, When], Scene]

PICTURES: Registry[Picture] = Registry("firewright.drawing.pictures", "PICTURE")
"""Every kind of picture by name."""


class TooLarge(ValueError):
    """A picture that nobody could read: its text says how large, and what to leave out."""
