"""Draw the selected policies, each as a picture of its own."""

from __future__ import annotations

from dataclasses import dataclass

from firewright.analysis.question import zone_named, zone_names
from firewright.diagnostic import Report, harmless, nearest
from firewright.drawing.pictures import PICTURES, Chosen, TooLarge
from firewright.drawing.scene import Scene
from firewright.model.policy import Policy, Zone
from firewright.space.budget import Undecided
from firewright.space.encode import Unfilled
from firewright.workflows.selection import Saying, Wanted, select, silent
from firewright.workflows.unfilled import say_unfilled


@dataclass(frozen=True, slots=True)
class Drawn:
    """A policy and its picture."""

    policy: Policy
    scene: Scene


def draw_policies(
    picture: str, between: tuple[str, ...], wanted: Wanted, report: Report, saying: Saying = silent
) -> tuple[Drawn, ...] | None:
    """A picture of each selected policy, or None after saying in the report why there cannot be one.

    `picture` is a name of `PICTURES`; each text of `between` is zones with commas: pairs of them in the status picture,
    the rows and columns of the matrix.
    """
    policies = select(wanted, report, saying)
    drawn = []
    for policy in policies or ():
        saying(f"drawing {policy.name}")
        chosen = tuple(_group(text, policy, report) for text in between)
        if not report.has_errors():
            scene = _scene(picture, policy, chosen, wanted, report)
            drawn += [] if scene is None else [Drawn(policy, scene)]
    return None if report.has_errors() or policies is None else tuple(drawn)


def _scene(picture: str, policy: Policy, chosen: Chosen, wanted: Wanted, report: Report) -> Scene | None:
    try:
        return PICTURES.load(picture)(policy, chosen, wanted.day_of)
    except Unfilled as error:
        say_unfilled(error, policy, report)
    except TooLarge as error:
        report.error("too-large", harmless(str(error)), policy.at)
    except Undecided as error:
        report.error(
            "undecided",
            f"the picture was not decided: {harmless(str(error))}",
            policy.at,
            "choose zones with --between",
        )
    return None


def _group(text: str, policy: Policy, report: Report) -> tuple[Zone, ...]:
    """The zones in one --between, each once."""
    names = dict.fromkeys(name for part in text.split(",") if (name := part.strip()))
    if not names:
        report.error(
            "bad-question", f"--between {harmless(text, 60)!r} names no zone", help="write --between internet,tenants"
        )
    found = []
    for name in names:
        zone = zone_named(name, policy)
        if zone is None:
            known = zone_names(policy)
            near = nearest(name, known)
            way_out = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
            report.error("bad-question", f"{policy.name} has no zone {harmless(name, 60)!r}", policy.at, way_out)
        else:
            found.append(zone)
    return tuple(found)
