"""Names that are made of names, in an order in which each comes after those it is made of; circles are found. Iterative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

CIRCLE_LIMIT = 100
"""So many circles are looked for."""


def ordered(made_of: Mapping[str, Sequence[str]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The names, each behind those it is made of, and the circles among them. O(names + mentions).

    Names that are mentioned and not in the mapping are left out. A circle is given as its names in order; whoever is in
    one is in the order too, somewhere.
    """
    order: list[str] = []
    circles: list[tuple[str, ...]] = []
    state: dict[str, int] = {}
    for start in made_of:
        if start in state:
            continue
        path = [start]
        depth = {start: 0}
        todo = [iter(made_of[start])]
        state[start] = 1
        while todo:
            for name in todo[-1]:
                if name not in made_of:
                    continue
                if name not in state:
                    state[name] = 1
                    depth[name] = len(path)
                    path.append(name)
                    todo.append(iter(made_of[name]))
                    break
                if state[name] == 1 and len(circles) < CIRCLE_LIMIT:
                    circles.append(tuple(path[depth[name] :]))
            else:
                todo.pop()
                done = path.pop()
                state[done] = 2
                order.append(done)
    return order, circles
