"""A rule's words, put to whom they belong: the rule itself, the match modules it names, its target.

iptables hands each option to the module that knows it, the last one loaded first; iptables-save writes a module's options
right behind its `-m NAME`, and the target's at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE
from firewright.readers.iptables import numbers
from firewright.readers.iptables.words import BadLine, Word, is_negation, is_option

_GENERAL = {
    "-s": "-s", "--source": "-s", "--src": "-s",
    "-d": "-d", "--destination": "-d", "--dst": "-d",
    "-p": "-p", "--protocol": "-p", "--proto": "-p",
    "-i": "-i", "--in-interface": "-i",
    "-o": "-o", "--out-interface": "-o",
    "-f": "-f", "--fragment": "-f", "--fragments": "-f",
    "-m": "-m", "--match": "-m",
    "-j": "-j", "--jump": "-j",
    "-g": "-g", "--goto": "-g",
    "-c": "-c", "--set-counters": "-c",
}  # fmt: skip
"""The options of a rule itself, by every way to write them."""
_WITHOUT_VALUE, _COUNTERS = ("-f",), ("-c",)
_NEGATABLE = ("-s", "-d", "-p", "-i", "-o", "-f")

_PORTS = {
    "--sport": "--sport", "--source-port": "--sport", "--dport": "--dport", "--destination-port": "--dport",
}  # fmt: skip
_MULTIPORT = {
    "--sports": "--sports", "--source-ports": "--sports", "--dports": "--dports", "--destination-ports": "--dports",
    "--ports": "--ports", "--port": "--ports",
}  # fmt: skip
KNOWN: dict[str, dict[str, str]] = {
    "tcp": {**_PORTS, "--tcp-flags": "--tcp-flags", "--syn": "--syn", "--tcp-option": "--tcp-option"},
    "udp": _PORTS,
    "udplite": _PORTS,
    "sctp": {**_PORTS, "--chunk-types": "--chunk-types"},
    "dccp": {**_PORTS, "--dccp-types": "--dccp-types", "--dccp-option": "--dccp-option"},
    "icmp": {"--icmp-type": "--icmp-type"},
    "icmp6": {"--icmpv6-type": "--icmpv6-type"},
    "multiport": _MULTIPORT,
    "iprange": {"--src-range": "--src-range", "--dst-range": "--dst-range"},
    "state": {"--state": "--state"},
    "conntrack": {
        name: name
        for name in (
            "--ctstate", "--ctproto", "--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst", "--ctorigsrcport",
            "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport", "--ctstatus", "--ctexpire", "--ctdir",
        )
    },
    "comment": {"--comment": "--comment"},
}  # fmt: skip
"""The options of the modules that are understood, by every way to write them, and the one way they are called here."""
_COUNTS = {"--tcp-flags": 2, "--syn": 0, "--dccp-types": 1, "--chunk-types": 2, "--set-counters": 2}
"""How many values an option of those has, where it is not one."""
_IMPLIED = {TCP: "tcp", UDP: "udp", UDPLITE: "udplite", SCTP: "sctp", DCCP: "dccp", ICMP: "icmp", ICMPV6: "icmp6"}
"""The module that a protocol brings with it."""
ALIASES = {"icmpv6": "icmp6", "ipv6-icmp": "icmp6"}
"""Modules by another name."""

_FREE_TEXT = {
    "--comment", "--string", "--hex-string", "--log-prefix", "--nflog-prefix", "--ulog-prefix", "--name",
    "--hashlimit-name", "--helper", "--bytecode", "--u32", "--genre",
}  # fmt: skip
"""Options of other modules and of targets whose one value may look like an option."""


@dataclass(frozen=True, slots=True)
class Given:
    """An option with its values, as it is called in `KNOWN`."""

    name: str
    values: tuple[str, ...]
    is_negated: bool

    @property
    def words(self) -> str:
        """The option as it is written."""
        return " ".join((*(["!"] if self.is_negated else []), self.name, *self.values))


@dataclass(slots=True)
class Owner:
    """A match module or a target, with the options given to it."""

    name: str
    given: list[Given] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The module with its options, as they are written."""
        return " ".join((self.name, *(given.words for given in self.given)))


@dataclass(slots=True)
class Parts:
    """A rule put apart: its own options, its modules in order, its target (None: it has none) and how it goes there."""

    general: list[Given] = field(default_factory=list)
    modules: list[Owner] = field(default_factory=list)
    target: Owner | None = None
    is_goto: bool = False


def put_apart(words: Sequence[Word]) -> Parts:
    """The parts of a rule, from the words behind its chain. Raises BadLine."""
    return _Reading(words).parts()


class _Reading:
    def __init__(self, words: Sequence[Word]) -> None:
        self.words, self.at = words, 0
        self.found = Parts()
        self.implied: Owner | None = None
        self.current: Owner | None = None

    def parts(self) -> Parts:
        while self.at < len(self.words):
            is_negated = is_negation(self.words[self.at])
            self.at += is_negated
            if self.at == len(self.words):
                raise BadLine("an exclamation mark stands before nothing")
            word = self.words[self.at]
            if not is_option(word):
                raise BadLine(f"{word.text!r} is no option, and no option has a place for it")
            self.at += 1
            self._option(self._alone(word.text), is_negated)
        if self.implied is not None and self.implied.given:
            self.found.modules.append(self.implied)
        return self.found

    def _alone(self, text: str) -> str:
        """An option's name without a value that is written into the same word, which becomes the next: `--x=y`, `-pudp`."""
        if text.startswith("--"):
            name, is_joined, value = text.partition("=")
        else:
            name, value, is_joined = text[:2], text[2:], text[2:]
        if is_joined:
            self.words = (*self.words[: self.at], Word(value, is_quoted=True), *self.words[self.at :])
        return name

    def _option(self, name: str, is_negated: bool) -> None:
        general = _GENERAL.get(name)
        if general is None:
            self._module_option(name, is_negated)
            return
        is_negated ^= self._inner_negation(is_negated)
        if is_negated and general not in _NEGATABLE:
            raise BadLine(f"{name} cannot be negated")
        if general in _COUNTERS:
            self._values(name, 2)
        elif general == "-m":
            self._load(self._values(name, 1)[0])
        elif general in ("-j", "-g"):
            self._go(self._values(name, 1)[0], general == "-g")
        else:
            values = self._values(name, 0 if general in _WITHOUT_VALUE else 1)
            if general in [given.name for given in self.found.general]:
                raise BadLine(f"{general} is given twice")
            self.found.general.append(Given(general, values, is_negated))
            if general == "-p" and not is_negated:
                self.implied = Owner(_IMPLIED.get(numbers.protocol(values[0]), ""))

    def _load(self, name: str) -> None:
        name = ALIASES.get(name, name)
        self.current = Owner(name)
        self.found.modules.append(self.current)

    def _go(self, name: str, is_goto: bool) -> None:
        if self.found.target is not None:
            raise BadLine("it has two targets")
        self.current = self.found.target = Owner(name)
        self.found.is_goto = is_goto

    @staticmethod
    def _knows(owner: Owner, name: str) -> bool:
        return name in KNOWN.get(ALIASES.get(owner.name, owner.name), {})

    def _module_option(self, name: str, is_negated: bool) -> None:
        """Hand an option to the current owner if it may be its own, else to the last module before that knows it."""
        owner = self.current
        if owner is None or (owner.name in KNOWN and not self._knows(owner, name)):
            loaded = reversed([*([self.implied] if self.implied else []), *self.found.modules])
            owner = next((one for one in loaded if self._knows(one, name)), None)
            if owner is None:
                raise BadLine(f"no module of this rule has an option {name}")
        known = KNOWN.get(ALIASES.get(owner.name, owner.name))
        is_negated ^= self._inner_negation(is_negated)
        if known is not None:
            called = known[name]
            values = self._values(name, _COUNTS.get(called, 1))
        else:
            called = name
            values = self._values(name, 1) if name in _FREE_TEXT else self._rest()
        if known is not None and any(given.name == called for given in owner.given):
            raise BadLine(f"{called} is given twice")
        owner.given.append(Given(called, values, is_negated))

    def _inner_negation(self, is_negated: bool) -> bool:
        """Whether an exclamation mark stands behind the option, as iptables before 1.4.3 wrote it."""
        if self.at >= len(self.words) - 1 or not is_negation(self.words[self.at]):
            return False
        if is_option(self.words[self.at + 1]):
            return False
        if is_negated:
            raise BadLine("it is negated twice")
        self.at += 1
        return True

    def _values(self, name: str, count: int) -> tuple[str, ...]:
        values = self.words[self.at : self.at + count]
        if len(values) < count:
            raise BadLine(f"{name} lacks its value" if count == 1 else f"{name} lacks one of its {count} values")
        self.at += count
        return tuple([value.text for value in values])

    def _rest(self) -> tuple[str, ...]:
        """The values of an option of which nothing is known: all words up to the next option."""
        first = self.at
        while self.at < len(self.words) and not is_option(self.words[self.at]) and not is_negation(self.words[self.at]):
            self.at += 1
        return tuple(word.text for word in self.words[first : self.at])
