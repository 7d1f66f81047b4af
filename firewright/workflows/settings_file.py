"""One settings file: YAML of a few keys, each checked, what is wrong said with its place."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from firewright import document
from firewright.diagnostic import Report, harmless, nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.registry import Registry
from firewright.source import Source, Span, UnreadableSource, read
from firewright.workflows.settings import PROJECT_FILE, YES_NO, Settings

_OF_POLICIES = ("rules", "zones", "firewalls", "services", "options", "uses", "behind")


def read_settings(path: Path, folder: Path, report: Report) -> Settings:
    """The settings in a file, its policies relative to `folder`; what is wrong is in the report."""
    try:
        source = Source(_shown(path, folder), read(path).text)
    except UnreadableSource as error:
        report.error("unreadable", str(error))
        return Settings()
    tree = document.parse(source, report)
    if tree is None or tree.root is None:
        return Settings()
    if not isinstance(tree.root, Mapping):
        report.error("bad-setting", "settings are keys and values", tree.root.at, "write policies: [edge.yaml]")
        return Settings()
    reading = _Reading(path.parent, folder, report)
    for key, value in tree.root.entries:
        reading.read(key, value)
    return replace(reading.found, project=path.parent if path.name == PROJECT_FILE else None)


def _shown(path: Path, folder: Path) -> str:
    """A path as people would type it: relative to the folder where it lies below it."""
    return str(path.relative_to(folder.resolve())) if path.is_relative_to(folder.resolve()) else str(path)


def _words(value: Node) -> tuple[str, ...]:
    """A word or a list of words; empty for everything else."""
    items = value.items if isinstance(value, Sequence) else (value,)
    texts = tuple(item.text for item in items if isinstance(item, Scalar) and item.text)
    return texts if len(texts) == len(items) else ()


class _Reading:
    """Reads the keys of one settings file, whose paths are relative to `here`."""

    def __init__(self, here: Path, folder: Path, report: Report) -> None:
        self.here, self.folder, self.report, self.found = here, folder, report, Settings()
        self.known: dict[str, Callable[[Node, Span], None]] = {
            "policies": self.policies,
            "strict": self.strict,
            "format": self.format,
            "labels": self.labels,
        }

    def read(self, key: Scalar, value: Node) -> None:
        reader = self.known.get(key.text)
        if reader is None:
            near = nearest(key.text, self.known)
            way_out = f"did you mean {near}?" if near else f"the keys are {', '.join(self.known)}"
            if key.text in _OF_POLICIES:
                way_out = f"{PROJECT_FILE} holds settings; a policy is a file of another name"
            self.report.error("unknown-key", f"settings have no {harmless(key.text, 60)!r}", key.at, way_out)
        else:
            reader(value, value.at)

    def wrong(self, message: str, at: Span, way_out: str) -> None:
        self.report.error("bad-setting", message, at, way_out)

    def policies(self, value: Node, at: Span) -> None:
        words = _words(value)
        if not words:
            self.wrong("policies are files and folders", at, "write policies: [edge.yaml, perimeter/]")
        shown = tuple(_shown(Path(os.path.realpath(self.here / word)), self.folder) for word in words)
        self.found = replace(self.found, policies=shown)

    def strict(self, value: Node, at: Span) -> None:
        word = "".join(_words(value)).lower()
        if word not in YES_NO:
            self.wrong("strict is yes or no", at, "write strict: yes")
        self.found = replace(self.found, strict=YES_NO.get(word))

    def format(self, value: Node, at: Span) -> None:
        words = _words(value)
        known = Registry[object]("firewright.reports", "REPORT").names()
        if len(words) != 1 or words[0] not in known:
            self.wrong("there is no such format", at, f"the formats are {', '.join(known)}")
            return
        self.found = replace(self.found, format=words[0])

    def labels(self, value: Node, at: Span) -> None:
        if not isinstance(value, Mapping):
            self.wrong("labels are keys and values", at, "write labels: {region: 1}")
            return
        labels = {key.text: _words(one) for key, one in value.entries}
        for key, _ in value.entries:
            if not labels[key.text]:
                self.wrong("a label has a value", key.at, "write labels: {region: 1}")
        self.found = replace(self.found, labels=labels)
