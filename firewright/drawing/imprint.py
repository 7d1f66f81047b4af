"""Who says what a picture shows, and for when: its title, facts and labels, as they are published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from firewright.diagnostic import harmless
from firewright.drawing.metrics import width
from firewright.drawing.palette import INK, OUTLINE, PAPER, QUIET
from firewright.drawing.sheet import Sheet
from firewright.model.moment import iso
from firewright.model.policy import Policy

_FACTS = ("version", "reviewed", "owner", "agreed-with", "contact")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Imprint:
    """The title of a picture, what kind of picture it is, its facts (`Version 1.3`) and its labels (`region 1`)."""

    kind: str
    title: str
    facts: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Kind, facts and labels in one sentence."""
        return f"{self.kind}. {'; '.join((*self.facts, *self.labels))}."


def imprint(policy: Policy, kind: str, day: date) -> Imprint:
    """What stands over a picture of this policy."""
    about = " ".join(policy.metadata.get("about", ()))
    title = harmless(" ".join((about or policy.name).split()), _LONGEST)
    labels = (f"{key} {', '.join(values)}" for key, values in policy.labels.items())
    return Imprint(kind, title, tuple(_facts(policy, day)), tuple(harmless(label, _LONGEST) for label in labels))


def _facts(policy: Policy, day: date) -> Iterator[str]:
    yield f"Policy {harmless(policy.name, _LONGEST)}"
    for key in _FACTS:
        values = policy.metadata.get(key, ())
        if values:
            word = key.replace("-", " ").capitalize()
            yield f"{word} {harmless(', '.join(values), _LONGEST)}"
    behind = [harmless(one.name, _LONGEST) for one in policy.authorities() if one is not policy]
    if behind:
        yield f"Behind {', '.join(behind)}: what passes must pass every one"
    yield f"As of {iso(day)}"


def _lines(facts: tuple[str, ...], room: float) -> list[str]:
    """The facts side by side, none broken that fits into a line."""
    lines: list[str] = []
    for fact in facts:
        joined = f"{lines[-1]} · {fact}" if lines else fact
        if lines and width(joined, 14) <= room:
            lines[-1] = joined
        else:
            lines.append(fact)
    return lines


def write_imprint(sheet: Sheet, said: Imprint, x: float, y: float, room: float) -> float:
    """Put it at the head of a page; the y where it ended."""
    y = sheet.paragraph(x, y, room, said.kind.upper(), 12, QUIET, is_bold=True)
    y = sheet.paragraph(x, y + 4, room, said.title, 28, INK, is_bold=True, most=3)
    y += 6
    for line in _lines(said.facts, room):
        y = sheet.paragraph(x, y, room, line, 14, QUIET, most=2)
    if said.labels:
        y = sheet.pills(x, y + 10, room, said.labels, QUIET, PAPER, OUTLINE)
    return y
