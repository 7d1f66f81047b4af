"""What is done with the packets of a rule: one small chain a rule, which counts, logs, remembers, and ends in a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from firewright.model.conntrack_helper import HELPERS
from firewright.model.packet import TCP, UDP, Family
from firewright.model.policy import Action, Rule
from firewright.model.protocol import PORTED_NAMES
from firewright.syntax.nftables import (
    Counter,
    Field,
    HelperObject,
    Log,
    Match,
    SetHelper,
    SetTimeout,
    Statement,
    TimeoutObject,
    Verdict,
    Word,
    comment,
)
from firewright.syntax.nftables import Rule as Line
from firewright.syntax.nftables.words import PREFIX_LIMIT

ACCEPT, DROP = Verdict(Word.ACCEPT), Verdict(Word.DROP)
_PROTOCOLS = {"tcp": TCP, "udp": UDP}
_EXCEPTIONS = "exceptions"
"""The folder of exceptions, which the comments of their rules name too."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What becomes of packets, and what is said of it; `rule` is the rule of the policy that they are credited to.

    `sessions` are the seconds that their silent flows are remembered at least; `helpers` the conntrack helpers that read them.
    `protocols` are those of its flows, None for every one. Flows that are not ours are only let through.
    """

    name: str
    said: str
    action: Action
    rule: Rule | None = None
    log: bool = False
    sessions: int | None = None
    helpers: tuple[str, ...] = ()
    protocols: frozenset[int] | None = None
    is_ours: bool = True


def rule_comment(rule: Rule) -> str:
    """The comment that a rule of the policy has in the ruleset: what people call it, and where it stands."""
    at = rule.at
    folder, _, name = at.path.rpartition("/")
    # of an exception it is told that it is one: what runs is looked up by it
    shown = f"{_EXCEPTIONS}/{name}" if folder.rpartition("/")[2] == _EXCEPTIONS else name
    place = f" ({shown}:{at.line})" if at.line else ""
    return comment(f"{comment(rule.label, 100 - min(60, len(place)))}{place}")


def rule_word(rule: Rule) -> str:
    """What the rule's chain is called."""
    if rule.name:
        return rule.name
    words = "_".join(term.word for term in rule.terms[:4])
    more = "_and_more" if len(rule.terms) > 4 else ""
    return f"{rule.verb}_{rule.default.value if rule.default else words}{more}"[:60]


def protocols_of(rule: Rule) -> frozenset[int] | None:
    """The protocols of a rule's services, None for every one."""
    if not rule.terms or any(term.is_any for term in rule.terms):
        return None
    return frozenset(transport.protocol for term in rule.terms for transport in term.transports)


class Objects:
    """The ct timeouts and helpers that leaves ask for, by their content."""

    def __init__(self, timeouts: dict[str, int]) -> None:
        self._own: dict[str, dict[str, int]] = {"tcp": {}, "udp": {}}
        for key, seconds in timeouts.items():
            protocol, _, state = key.partition("-")
            if protocol in self._own:
                self._own[protocol][state.replace("-", "_")] = seconds
        self.timeouts: dict[str, TimeoutObject] = {}
        self.helpers: dict[str, HelperObject] = {}

    def has_timeouts(self, leaf: Leaf) -> bool:
        """Whether flows of a leaf are remembered otherwise than by the kernel's own patience."""
        return leaf.is_ours and leaf.action is Action.ACCEPT and (leaf.sessions is not None or any(self._own.values()))

    def timeout_lines(self, leaf: Leaf, family: Family) -> list[Line]:
        """The rules that set the timeouts of a new flow."""
        lines = []
        for protocol, state in (("tcp", "established"), ("udp", "replied")):
            if leaf.protocols is not None and _PROTOCOLS[protocol] not in leaf.protocols:
                continue
            seconds = dict(self._own[protocol])
            if leaf.sessions is not None:
                seconds[state] = leaf.sessions
            if seconds:
                name = self._timeout(protocol, dict(sorted(seconds.items())), family)
                lines.append(Line((Match(Field.PROTOCOL, ((_PROTOCOLS[protocol],) * 2,)), SetTimeout(name))))
        return lines

    def _timeout(self, protocol: str, seconds: dict[str, int], family: Family) -> str:
        words = "_".join(f"{state}_{length}" for state, length in seconds.items())
        name = f"{protocol}_{words}_v{family}"
        self.timeouts[name] = TimeoutObject(name, family, protocol, seconds)
        return name

    def helper_lines(self, names: tuple[str, ...]) -> list[Line]:
        """The rules that let a helper read a new flow on its control port."""
        lines = []
        for name in names:
            helper = HELPERS[name]
            word = next(word for word, number in PORTED_NAMES.items() if number == helper.protocol)
            said = f"{name}_helper"
            self.helpers[said] = HelperObject(said, name, word)
            field = Field.TCP_DESTINATION_PORT if helper.protocol == TCP else Field.UDP_DESTINATION_PORT
            lines.append(Line((Match(field, ((helper.port, helper.port),)), SetHelper(said))))
        return lines


def leaf_lines(leaf: Leaf, family: Family, objects: Objects) -> tuple[Line, ...]:
    """The rules of a leaf's chain."""
    lines: list[Line] = []
    if leaf.log:
        prefix = comment(
            f"firewright {comment(rule_word(leaf.rule) if leaf.rule else leaf.name, 90)}", PREFIX_LIMIT - 2
        )
        lines.append(Line((Log(f"{prefix}: "),)))
    if leaf.action is Action.ACCEPT:
        lines += objects.timeout_lines(leaf, family) if leaf.is_ours else ()
        lines += objects.helper_lines(leaf.helpers)
        lines.append(Line((Counter(), ACCEPT), leaf.said))
    elif leaf.action is Action.DROP:
        lines.append(Line((Counter(), DROP), leaf.said))
    else:
        lines.append(Line((Counter(),), leaf.said))
        lines += REJECTING
    return tuple(lines)


def _rejecting() -> tuple[Line, ...]:
    reset: tuple[Statement, ...] = (Match(Field.PROTOCOL, ((TCP, TCP),)), Verdict(Word.RESET))
    return Line(reset), Line((Verdict(Word.UNREACHABLE),))


REJECTING = _rejecting()
"""Told to the sender: a reset for TCP, a port unreachable for everything else."""
