"""Pictures of policies as far as somebody may see them: the port status as it is published, and the path map."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from firewright.analysis.path import When
from firewright.analysis.question import zone_named
from firewright.analysis.status import pairs
from firewright.diagnostic import harmless
from firewright.drawing.pictures import TooLarge
from firewright.drawing.pictures import paths as path_map
from firewright.drawing.pictures import status as port_status
from firewright.drawing.pictures.paths import Wall
from firewright.drawing.scene import Scene
from firewright.drawing.selection import Directions
from firewright.model.account import Actor
from firewright.model.policy import Policy, Zone, ZoneKind
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.web.views.matrix import known
from firewright.web.views.sight import Sight

FORMATS = {
    "svg": ("image/svg+xml", "svg"),
    "png": ("image/png", "png"),
    "md": ("text/markdown; charset=utf-8", "markdown"),
    "txt": ("text/plain; charset=utf-8", "text"),
    "html": ("text/html; charset=utf-8", "html"),
}
"""What a picture can be had as, by a file's ending: the media type and the renderer."""
LABEL = "connectivity"
"""The label by which a provider tells its lists apart: one picture for each."""


class NoPicture(Exception):
    """A picture that cannot be drawn: the text says why, `help` the way out."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Published:
    """A policy in the list of pictures: its title, its labels, who answers for it, and when that was looked at last."""

    policy: str
    title: str
    connectivity: tuple[str, ...]
    labels: tuple[str, ...]
    version: str
    owner: str
    agreed_with: str
    reviewed: str
    contact: str


def published(policy: Policy) -> Published:
    """What is said of a policy where it is published."""
    said = {key: harmless(", ".join(values), 300) for key, values in policy.metadata.items()}
    labels = (harmless(f"{key} {', '.join(values)}", 200) for key, values in policy.labels.items() if key != LABEL)
    return Published(
        policy.name,
        harmless(" ".join(" ".join(policy.metadata.get("about", ())).split()), 300) or policy.name,
        tuple(harmless(one, 60) for one in policy.labels.get(LABEL, ())),
        tuple(labels),
        said.get("version", ""),
        said.get("owner", ""),
        said.get("agreed-with", ""),
        said.get("reviewed", ""),
        said.get("contact", ""),
    )


def by_connectivity(found: Iterable[Published]) -> tuple[tuple[str, tuple[Published, ...]], ...]:
    """The policies under each connectivity type, those without one last under an empty name."""
    groups: dict[str, list[Published]] = {}
    for one in found:
        for name in one.connectivity or ("",):
            groups.setdefault(name, []).append(one)
    return tuple((name, tuple(groups[name])) for name in sorted(groups, key=lambda name: (not name, name)))


def veiled(policy: Policy, actor: Actor) -> Policy:
    """The policy with the reasons of its rules, and of those it is behind, only where the rule may be shown."""
    if all(Sight(actor, one).is_whole for one in policy.authorities()):
        return policy
    sight = Sight(actor, policy)
    rules = tuple(rule if sight.rule(rule) else replace(rule, because="") for rule in policy.rules)
    behind = None if policy.behind is None else veiled(policy.behind, actor)
    return replace(policy, rules=rules, behind=behind)


def status_scene(
    sight: Sight, between: tuple[str, ...], when: When, directions: Callable[[], Directions] | None = None
) -> Scene:
    """The port-status picture of some zones, two by two, or of what the firewalls separate. Raises NoPicture.

    Whoever was granted single zones sees each of them and the internet, and no word of what else there is. `directions` gives
    those of the policy itself, for all who see all of it.
    """
    policy = veiled(sight.policy, sight.actor)
    if sight.is_whole:
        chosen = _chosen(between, sight)
        shared = directions if policy is sight.policy else None
        return _drawn(lambda: port_status.draw(policy, chosen, when, None if shared is None else shared()))
    names = [name for name in between or tuple(sorted(sight.own)) if name in sight.own]
    internet = policy.zones[ZoneKind.INTERNET.value]
    groups = tuple((internet, policy.zones[name]) for name in names if name != internet.name)
    if not groups:
        raise NoPicture("none of these zones is yours", "choose a zone of yours")
    return _drawn(lambda: port_status.draw_alone(policy, groups, when))


def _chosen(between: tuple[str, ...], sight: Sight) -> tuple[tuple[Zone, ...], ...]:
    if not between:
        return ()
    found = tuple(zone for name in between if (zone := zone_named(name, sight.policy)) is not None)
    if len(found) < len(between):
        raise NoPicture("there is no such zone", "choose from the list")
    return (found,)


def pair_names(sight: Sight) -> tuple[tuple[str, str], ...]:
    """The pairs of zones that can be chosen for a picture of their own."""
    every = ((pair.here.name, pair.there.name) for pair in pairs(sight.policy))
    return tuple(pair for pair in every if sight.pair(*pair))


def path_walls(policy: Policy, when: When) -> tuple[Wall, ...]:
    """The firewalls on the paths of a policy, with what passes them. Raises NoPicture."""
    try:
        return path_map.walls(policy, when, known(policy, when))
    except (Unfilled, Undecided, TooLarge) as error:
        raise _refusal(error) from None


def seen_walls(found: Iterable[Wall], actor: Actor) -> tuple[Wall, ...]:
    """The firewalls with the legs that somebody may see, of each authority's as far as its policy was granted."""
    return tuple(_seen(wall, Sight(actor, wall.policy)) for wall in found)


def _seen(wall: Wall, sight: Sight) -> Wall:
    if sight.is_whole:
        return wall
    return path_map.narrowed(wall, lambda name: name == ZoneKind.INTERNET or name in sight.own)


def directions(policy: Policy, when: When) -> Directions:
    """The directions of a policy, with what its matrix knows of them. Raises Unfilled, Undecided."""
    return Directions(policy, when, known(policy, when))


def path_scene(policy: Policy, found: tuple[Wall, ...], when: When) -> Scene:
    """The path map of these firewalls."""
    return path_map.scene(policy, found, when)


def _drawn(draw: Callable[[], Scene]) -> Scene:
    try:
        return draw()
    except (Unfilled, Undecided, TooLarge) as error:
        raise _refusal(error) from None


def _refusal(error: Exception) -> NoPicture:
    if isinstance(error, Unfilled):
        return NoPicture("some zones of this policy are not filled in", "fill them in first")
    if isinstance(error, TooLarge):
        return NoPicture(harmless(str(error)), "choose two zones")
    return NoPicture(f"it was not decided: {harmless(str(error))}", "choose two zones")


def rendered(scene: Scene, ending: str) -> tuple[bytes, str]:
    """A picture as a file, and its media type; `ending` is one of FORMATS."""
    from firewright.drawing.renderers import RENDERERS

    media, name = FORMATS[ending]
    return RENDERERS.load(name)(scene), media
