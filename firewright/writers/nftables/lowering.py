"""A firewall's policy as a table of nftables: base chains for its hooks, what is decided before the rules, and the rules' tree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from firewright.diagnostic import Report
from firewright.model.conntrack_helper import HELPERS
from firewright.model.moment import instant_of, iso
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Action, Firewall, Policy, Rule
from firewright.syntax.nftables import (
    LATEST_INSTANT,
    Chain,
    Counter,
    Field,
    Flags,
    Hook,
    Match,
    Named,
    Opening,
    Table,
    Verdict,
    Word,
    comment,
)
from firewright.syntax.nftables import Rule as Line
from firewright.writers.nftables import gate
from firewright.writers.nftables.chains import Chains
from firewright.writers.nftables.clause import Box, Sets
from firewright.writers.nftables.dispatch import Dispatch, Where
from firewright.writers.nftables.leaf import ACCEPT, DROP, Leaf, Objects
from firewright.writers.nftables.limits import say_limits
from firewright.writers.nftables.passage import not_on_path
from firewright.writers.nftables.reading import Reading, Rules, end_of
from firewright.writers.nftables.services import Services
from firewright.writers.nftables.territory import Places

_FAMILY_NUMBERS = {4: 2, 6: 10}


def lower(policy: Policy, firewall: Firewall, day: date, report: Report) -> Table:
    """The table that does what the policy says of this firewall from a day on; what nftables cannot say goes into the report.

    Permissions with an end hold from the first instant of the day, or of the time of day, in the policy's time zone, to their end.
    """
    active = [rule for rule in policy.rules if rule.is_active(day)]
    lowering = _Lowering(policy, firewall, day, [rule for rule in active if end_of(rule, policy) <= LATEST_INSTANT])
    hooks = (Hook.INPUT, Hook.OUTPUT) if firewall.is_host else (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)
    bases = [lowering.base(hook) for hook in hooks]
    say_limits(policy, firewall, active, lowering.chains.reached(), report)
    chains = lowering.chains
    return Table(
        comment(f"policy {policy.name}, firewall {firewall.name}, from {iso(day)} on"),
        (*bases, *chains.chains()),
        tuple(chains.groups.values()),
        tuple(chains.objects.timeouts.values()),
        tuple(chains.objects.helpers.values()),
    )


class _Lowering:
    """One firewall's table while it is made."""

    def __init__(self, policy: Policy, firewall: Firewall, day: date, active: list[Rule]) -> None:
        self.policy, self.firewall = policy, firewall
        self.rules = Rules(policy, firewall, active)
        start = int(instant_of(day, policy.timezone))
        self.chains = Chains(Objects(dict(firewall.timeouts)), start)
        self.sets = {family: Sets(family) for family in FAMILIES}
        self.places = {family: Places(policy.zones.values(), family) for family in FAMILIES}
        self.strangers = {} if firewall.is_host else not_on_path(firewall)
        self.services = {family: Services(self.rules.terms, self.sets[family]) for family in FAMILIES}
        said = f"closed: no rule opens it, and the default is {firewall.default}"
        self.default = Leaf("closed", said, firewall.default)
        self.away = Leaf("not_on_path", "it does not pass this firewall", Action.ACCEPT, is_ours=False)
        self.helped = list(self._helped())

    def base(self, hook: Hook) -> Chain:
        """A base chain: the machine to itself, then each family by itself, and nothing else."""
        lines = []
        if hook is not Hook.FORWARD:
            field = Field.IN_INTERFACE if hook is Hook.INPUT else Field.OUT_INTERFACE
            lines.append(Line((Named(field, ("lo",)), Counter(), ACCEPT), "the machine to itself"))
        names = {family: self.chains.reserve(f"{hook}_v{family}") for family in FAMILIES}
        for name in names.values():
            self.chains.fill(name, ())
        for family, name in names.items():
            self.chains.fill(name, self._family(hook, family))
        for family, name in names.items():
            # Two rules cost a packet less than a map of two.
            lines.append(Line((Match(Field.FAMILY, ((_FAMILY_NUMBERS[family],) * 2,)), Verdict(Word.GOTO, name))))
        lines.append(Line((Counter(), DROP), "neither IPv4 nor IPv6"))
        return Chain(hook.value, tuple(lines), hook)

    def _family(self, hook: Hook, family: Family) -> Iterator[Line]:
        """All that is decided of one family's packets at one hook, in the order of the enforced meaning."""
        yield from gate.loopback(family)
        yield from gate.spoofed(self.policy, self.firewall, hook, family)
        if hook is Hook.INPUT:
            yield from gate.redirects(family)
        yield gate.established()
        tree = self._tree(hook, family)
        if hook is Hook.FORWARD:
            unusual = Verdict(Word.GOTO, self._unusual(tree, family))
            yield Line((Flags(("invalid", "related")), unusual))
            yield Line((Opening(is_negated=True), unusual))
        else:
            yield from gate.essentials(hook, family)
            yield from self._related(hook, family)
            yield from gate.unfit()
        yield Line((tree,))

    def _unusual(self, tree: Verdict, family: Family) -> str:
        """A chain for forwarded packets that do not open a flow; for the others the tree says what does not pass here."""
        name = self.chains.reserve(f"forward_unusual_v{family}")
        self.chains.fill(
            name, (*self._away(family), *self._related(Hook.FORWARD, family), *gate.unfit(), Line((tree,)))
        )
        return name

    def _away(self, family: Family) -> Iterator[Line]:
        sources, destinations = gate.source_field(family), gate.destination_field(family)
        chains, places = self.chains, self.places[family]
        leaf = chains.leaf(chains.number(self.away), family)
        for source, destination in self.strangers[family]:
            ends = (chains.within(sources, source, places), chains.within(destinations, destination, places))
            yield Line((*ends, leaf))

    def _related(self, hook: Hook, family: Family) -> Iterator[Line]:
        """Errors of open flows, and the further connections that a permitted service agrees on."""
        yield from gate.errors(hook, family)
        for helper, until, sessions in self.helped:
            said = f"{helper} agreed on it"
            protocols = frozenset({HELPERS[helper].data_protocol})
            leaf = self.chains.number(
                Leaf(f"{helper}_data", said, Action.ACCEPT, sessions=sessions, protocols=protocols)
            )
            yield Line((*gate.data(helper), *self.chains.window(until), self.chains.leaf(leaf, family)))

    def _helped(self) -> Iterator[tuple[str, int, int | None]]:
        """Each helper that a permission names, until when, and the longest sessions of these permissions."""
        found: dict[tuple[str, int], list[Rule]] = {}
        for rule in self.rules.active:
            if rule.opens(self.firewall):
                for name in dict.fromkeys(name for term in rule.terms for name in term.helpers):
                    found.setdefault((name, end_of(rule, self.policy)), []).append(rule)
        for (name, until), rules in sorted(found.items()):
            sessions = [rule.sessions for rule in rules if rule.sessions is not None]
            yield name, until, max(sessions, default=None)

    def _tree(self, hook: Hook, family: Family) -> Verdict:
        reading = Reading(self.rules, hook, self.services[family], self.chains)
        prelude: list[tuple[Box, Leaf]] = []
        if hook is Hook.FORWARD:
            number = self.sets[family].number
            pairs = self.strangers[family]
            prelude = [(Box(number(source), number(destination), 0, 0), self.away) for source, destination in pairs]
        clauses = reading.clauses(prelude, self.default)
        dispatch = Dispatch(family, self.sets[family], self.chains, self.places[family], len(clauses))
        ends = {Hook.INPUT: ("", "local"), Hook.OUTPUT: ("local", "any"), Hook.FORWARD: ("", "any")}[hook]
        return dispatch.root(clauses, Where(*ends), f"{hook}_flows_v{family}")
