"""What holds where no flag says otherwise: the environment, the project's file, the user's, the machine's, in this order.

A settings file is YAML of a few keys. What it does not know is an error with its place, like everything that people write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from firewright.diagnostic import Report, harmless

PROJECT_FILE = "firewright.yaml"
USER_FILE = "firewright/config.yaml"
MACHINE_FILE = Path("/etc/firewright/config.yaml")
YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
"""The words for yes and no."""

Labels = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Settings:
    """`policies` are files and folders, relative to where they were said; None and empty are what nothing says."""

    policies: tuple[str, ...] = ()
    strict: bool | None = None
    format: str = ""
    labels: Labels = field(default_factory=dict)
    project: Path | None = None

    def over(self, lower: Settings) -> Settings:
        """These settings where they say something, else the lower ones."""
        return Settings(
            policies=self.policies or lower.policies,
            strict=lower.strict if self.strict is None else self.strict,
            format=self.format or lower.format,
            labels=self.labels or lower.labels,
            project=self.project or lower.project,
        )


def settings(folder: Path, environment: Mapping[str, str], report: Report, machine: Path = MACHINE_FILE) -> Settings:
    """The settings for a run in a folder; what is wrong with them is in the report."""
    found = _of_environment(environment, report)
    for path in _files(folder, environment, machine):
        from firewright.workflows.settings_file import read_settings  # only where there is a file to read

        found = found.over(read_settings(path, folder, report))
    return found


def project_file(folder: Path) -> Path | None:
    """The project's file: in this folder or the nearest above it, no higher than the repository's root."""
    folder = folder.resolve()
    for above in (folder, *folder.parents):
        if (above / PROJECT_FILE).is_file():
            return above / PROJECT_FILE
        if (above / ".git").exists():
            return None
    return None


def _files(folder: Path, environment: Mapping[str, str], machine: Path) -> Iterator[Path]:
    project = project_file(folder)
    if project is not None:
        yield project
    home = environment.get("XDG_CONFIG_HOME") or (environment["HOME"] + "/.config" if environment.get("HOME") else "")
    for path in (Path(home, USER_FILE) if Path(home).is_absolute() else None, machine):
        if path is not None and path.is_file():
            yield path


def _of_environment(environment: Mapping[str, str], report: Report) -> Settings:
    found = Settings()
    if text := environment.get("FIREWRIGHT_POLICY", ""):
        found = replace(found, policies=tuple(part for part in text.split(":") if part))
    if text := environment.get("FIREWRIGHT_STRICT", ""):
        if text.lower() in YES_NO:
            found = replace(found, strict=YES_NO[text.lower()])
        else:
            message = f"FIREWRIGHT_STRICT is {harmless(text, 40)!r}"
            report.error("bad-setting", message, help="write yes or no")
    if text := environment.get("FIREWRIGHT_FORMAT", ""):
        found = replace(found, format=text)
    if text := environment.get("FIREWRIGHT_LABELS", ""):
        found = replace(found, labels=parse_labels(text.split(","), report))
    return found


def parse_labels(pairs: list[str] | tuple[str, ...], report: Report) -> Labels:
    """`key=value` texts as labels; the same key again adds a value."""
    labels: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not key or not value:
            report.error("bad-label", f"{harmless(pair, 60)!r} is no label", help="write key=value, as in region=1")
        else:
            labels[key] = (*labels.get(key, ()), value)
    return labels
