"""Measurements in the text format that Prometheus reads (exposition format 0.0.4), and read again from it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What a server says that it is."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SAMPLE = re.compile(r"([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_LONGEST = 16 * 1024 * 1024

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Measurements of one kind: `kind` is gauge or counter, whose name ends in `_total`; a sample for each set of labels.

    ValueError for what Prometheus would not take: a name of other characters, the same labels twice.
    """

    name: str
    kind: str
    says: str
    samples: tuple[tuple[Labels, float], ...]

    def __post_init__(self) -> None:
        names = [self.name, *(name for labels, _ in self.samples for name, _ in labels)]
        if bad := next((name for name in names if not _NAME.fullmatch(name)), ""):
            raise ValueError(f"no name of a measurement: {bad!r}")
        if (self.kind == "counter") != self.name.endswith("_total") or self.kind not in ("gauge", "counter"):
            raise ValueError(f"{self.name} is no {self.kind}")
        if len({labels for labels, _ in self.samples}) < len(self.samples):
            raise ValueError(f"{self.name} has the same labels twice")


def exposition(families: Iterable[Family]) -> str:
    """The text; families without a sample are left out. O(samples)."""
    return "".join(f"{line}\n" for family in families if family.samples for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.says)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        said = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels)
        yield f"{family.name}{f'{{{said}}}' if said else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: _ESCAPES[found[0]], text)


def _number(value: float) -> str:
    if math.isfinite(value):
        return str(int(value)) if value == int(value) else repr(value)
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def samples_in(text: str) -> Mapping[tuple[str, Labels], float]:
    """The samples of a text that `exposition` made; lines of any other form are left out. O(text)."""
    found: dict[tuple[str, Labels], float] = {}
    for line in text[:_LONGEST].splitlines():
        if line.startswith("#") or (sample := _SAMPLE.fullmatch(line)) is None:
            continue
        name, said, number = sample.groups()
        labels = tuple((label, _read(value)) for label, value in _LABEL.findall(said or ""))
        try:
            found[name, labels] = float(number)
        except ValueError:
            continue
    return found


def _read(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)
