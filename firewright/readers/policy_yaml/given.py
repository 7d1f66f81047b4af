"""Values that come from outside a policy's files: from a command line, or from a file of tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from firewright.diagnostic import harmless
from firewright.document import Scalar
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.values import BadValue, parse_yes_no
from firewright.readers.policy_yaml.zones import ZoneWords
from firewright.source import Located, Source, Span

SETTINGS = "--set"
"""The path of settings that come from outside the files, one a line."""


class Given:
    """Values of options and answers to questions that go before what the policy's files say; each must be of use."""

    def __init__(self, entries: Iterable[tuple[Scalar, tuple[Scalar, ...]]], complaints: Complaints) -> None:
        self.complaints, self.used = complaints, set[str]()
        self.entries = {name.text: (name, words) for name, words in entries}

    @classmethod
    def settings(cls, settings: Mapping[str, str], complaints: Complaints) -> Given:
        """Those of a command line; their places are lines of SETTINGS."""
        lines = [harmless(f"{name}={text}", 500) for name, text in settings.items()]
        if lines:
            complaints.report.know(Source(SETTINGS, "\n".join(lines)))
        entries = []
        for number, (name, text) in enumerate(settings.items()):
            at = Span(SETTINGS, number + 1, 1, len(lines[number]))
            entries.append((Scalar(name, *at), tuple(Scalar(word, *at) for word in text.replace(",", " ").split())))
        return cls(entries, complaints)

    def option(self, name: str) -> Located[bool] | None:
        """The value of an option, or None after complaining, or where none is given."""
        if name not in self.entries:
            return None
        self.used.add(name)
        key, words = self.entries[name]
        try:
            return Located(parse_yes_no(" ".join(word.text for word in words)), key.at)
        except BadValue as bad:
            self.complaints.error(bad.name, bad.message, words[0].at if words else key.at, bad.help)
            return None

    def answers(self, zones: Names[ZoneWords]) -> Iterator[tuple[Scalar, tuple[Scalar, ...] | None]]:
        """Answers to the questions of these zones."""
        for name, (key, words) in self.entries.items():
            if name in zones.defined:
                self.used.add(name)
                if not words:
                    self.complaints.error(
                        "empty-zone", f"no addresses for {quoted(name)}", key.at, "write its prefixes"
                    )
                yield key, words or None

    def complain_of_rest(self, options: Iterable[str], zones: Iterable[str]) -> None:
        """Say which of them name neither an option nor a zone that asks."""
        for name, (key, _) in self.entries.items():
            if name not in self.used:
                way_out = self.complaints.did_you_mean(name, (*options, *zones), "the policy has none")
                message = f"there is no option and no question {quoted(name)}"
                self.complaints.error("unknown-option", message, key.at, way_out)
