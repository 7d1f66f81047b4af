"""The kinds of findings of `audit`, each with what it is about: what reports print, and what can be suppressed."""

from __future__ import annotations

from collections.abc import Mapping

RULESETS: Mapping[str, str] = {
    "no-firewall": "Every new packet from outside is let in: no rule of any table stops one.",
    "not-seen": "Something that decides what is reachable could not be looked at, so nothing is called safe.",
    "exposed": "More people can reach something than commonly should: the more addresses, the worse.",
    "strange-table": "A table with the name of compiled rulesets is there, and no compile made it.",
    "not-described": "A text of rules that says nothing of a family: it is not taken for open, nor for closed.",
    "not-understood": "Rules that are only known in bounds: answers say surely and possibly where that matters.",
}
"""Of any audit."""
RULES: Mapping[str, str] = {
    "shadowed-rule": "Earlier rules take all of its packets and do something else: it was written, and never applies.",
    "needless-rule": "Without it each of its packets is decided the same: other rules take them.",
    "unreachable-rule": "No packet comes to it: nothing calls its chain, or what stands before it lets none through.",
    "unused-object": "A set, a map, a chain or another object that no rule names.",
    "not-judged": "Rules that were not judged one by one, with the reason.",
}
"""Of an audit of a ruleset's text, beside what it lets pass."""
POLICY: Mapping[str, str] = {
    "violation": "Open, and the policy does not permit it.",
    "contradicted": "Something listens, and is reached or hidden otherwise than the policy says.",
    "blocked": "Required by the policy, or by every machine, and closed: which firewall, and which rule of it.",
    "unneeded": "Open and allowed, between zones for which somebody wrote down what is required, and this is not among it.",
    "advice": "Permitted by the policy, and the catalog advises against it.",
}
"""Of an audit against a policy."""
MACHINE: Mapping[str, str] = {
    "nobody-listens": "The firewall lets it in, and no program is there.",
    "unknown-program": "A program that others can reach is not among those that commonly are, or not at this port.",
    "backdoor-port": "Something listens at a port that is well known from back doors and worms.",
    "past-input": "A published port (containers) is forwarded: rules of the input chain never see its packets.",
}
"""Of an audit of this machine."""
STATE: Mapping[str, str] = {
    "new-listener": "It listens, or is reachable by others, since the last time.",
    "listener-gone": "It listened the last time.",
}
"""Of an audit that knows what was there the last time."""
EVERY: Mapping[str, str] = {**RULESETS, **RULES, **POLICY, **MACHINE, **STATE}
"""Whatever any audit can find."""
