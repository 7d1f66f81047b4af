"""Rules: who, one verb, and the rest; every name looked up, and no rule that could not concern a packet."""

from __future__ import annotations

from collections.abc import Mapping

from firewright.diagnostic import Note
from firewright.document import Scalar
from firewright.model.packet import FAMILIES
from firewright.model.policy import Action, Ends, Option, Rule, Term, Verb, Zone
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.grammar import VERBS, WHO
from firewright.readers.policy_yaml.reading import Stated
from firewright.readers.policy_yaml.services import Lexicon, families_of
from firewright.readers.policy_yaml.zones import Atlas
from firewright.source import Located, Span

_BANS = (Verb.DENY, Verb.REJECT)
_VERB_SET = frozenset(VERBS)
_WHO_SET = frozenset(WHO)
_VERB_OF = {verb.value: verb for verb in Verb}
_BOTH = frozenset(FAMILIES)


class RuleResolver:
    """Turns what rules say into rules, with what is alike in many of them looked up once."""

    def __init__(
        self, atlas: Atlas, lexicon: Lexicon, options: Mapping[str, Option], broken: set[str], complaints: Complaints
    ) -> None:
        self.atlas, self.lexicon, self.options, self.broken = atlas, lexicon, options, broken
        self.complaints, self.error = complaints, complaints.error
        self._families: dict[str, frozenset[int]] = {}

    def all(self, stated: list[Stated]) -> tuple[Rule, ...]:
        """The rules in file order; what is wrong is said, and its rule left out."""
        rules = [rule for one in stated if (rule := self.rule(one)) is not None]
        self._check_names(stated)
        return tuple(rules)

    def rule(self, stated: Stated) -> Rule | None:
        """One rule, or None after complaining."""
        ends = self._ends(stated)
        verb = self._verb(stated)
        when = self._when(stated)
        if verb is None:
            return None
        values = stated.values
        terms: tuple[Term, ...] = ()
        default = None
        if verb is Verb.OTHERWISE:
            word = stated.word("otherwise")
            default = Action(word.text) if word is not None else None
        else:
            terms = self.lexicon.terms(values.get(verb.value, ()))
        if ends is None or (not terms and default is None):
            return None
        if terms and verb.value in values and len(terms) == len(values[verb.value]):
            self._check_families(ends, terms, verb, stated)
        if "overrides" in stated.keys:
            self._check_overriding(stated, verb)
        return Rule(
            verb,
            ends,
            terms,
            stated.keys[verb.value].at,
            name=stated.text("name"),
            because=stated.prose("because"),
            owner=stated.prose("owner"),
            ticket=stated.prose("ticket"),
            until=stated.day("until"),
            when=when,
            is_on=all(self.options[name].value for name in when if name in self.options),
            sessions=stated.seconds("sessions"),
            log=stated.is_yes("log"),
            overrides=tuple(Located(word.text, word.at) for word in stated.words("overrides")),
            default=default,
        )

    def _verb(self, stated: Stated) -> Verb | None:
        keys = stated.keys
        found = [key for key in keys if key in _VERB_SET]
        if len(found) == 1:
            return _VERB_OF[found[0]] if found[0] in stated.values else None
        if found:
            message = f"{found[0]} and {found[1]} in one rule"
            self.error(
                "two-verbs", message, keys[found[1]].at, "write two rules", [Note("it stands here", keys[found[0]].at)]
            )
        else:
            self.error("no-verb", "the rule says nothing", stated.at, f"add one of {', '.join(VERBS[:5])}")
        return None

    def _ends(self, stated: Stated) -> tuple[Ends, ...] | None:
        who = [key for key in stated.keys if key in _WHO_SET]
        if len(who) == 2 and "from" in who and "to" in who:
            sources, destinations = self._zones(stated, "from"), self._zones(stated, "to")
            return (Ends(sources, destinations),) if sources and destinations else None
        if len(who) == 1 and who[0] in ("between", "within"):
            zones = self._zones(stated, who[0])
            if zones is None:
                return None
            if who[0] == "within":
                return tuple(Ends((zone,), (zone,)) for zone in zones)
            if len(zones) > 1:
                return tuple(Ends((zone,), tuple(other for other in zones if other is not zone)) for zone in zones)
            self.error(
                "too-few", "between needs two different zones", stated.keys["between"].at, "write within for one"
            )
            return None
        self._complain_of_who(stated, who)
        return None

    def _complain_of_who(self, stated: Stated, who: list[str]) -> None:
        if not who:
            self.error("no-ends", "the rule does not say who", stated.at, "add from and to, or between, or within")
        elif len(who) == 1:
            missing = "to" if who[0] == "from" else "from"
            self.error(
                "no-ends", f"{who[0]} without {missing}", stated.keys[who[0]].at, f"add {missing}: any, or name a zone"
            )
        else:
            second = next(key for key in who if key in ("between", "within"))
            first = next(key for key in who if key != second)
            note = Note(f"{first} stands here", stated.keys[first].at)
            way_out = "from and to, or between, or within: write two rules"
            self.error("mixed-ends", f"{first} and {second} in one rule", stated.keys[second].at, way_out, [note])

    def _zones(self, stated: Stated, key: str) -> tuple[Zone, ...] | None:
        """The zones of a list, each once, or None where one was complained about."""
        words: tuple[Scalar, ...] | None = stated.values.get(key)
        if words is None:
            return None
        known = self.atlas.zones
        if len(words) == 1:
            zone = known.get(words[0].text) or self.atlas.find(words[0], self.complaints)
            return None if zone is None else (zone,)
        found = [known.get(word.text) or self.atlas.find(word, self.complaints) for word in words]
        zones = dict.fromkeys(zone.name for zone in found if zone is not None)
        return tuple(known[name] for name in zones) if None not in found else None

    def _when(self, stated: Stated) -> tuple[str, ...]:
        words = stated.words("when")
        for word in words:
            if word.text not in self.options and word.text not in self.broken and self.atlas.is_complete:
                known = "define it under options: " + (f"{word.text}: no" if len(word.text) < 40 else "…")
                way_out = self.complaints.did_you_mean(word.text, self.options, known)
                self.error("unknown-option", f"there is no option {quoted(word)}", word.at, way_out)
        return tuple(word.text for word in words)

    def _check_families(self, ends: tuple[Ends, ...], terms: tuple[Term, ...], verb: Verb, stated: Stated) -> None:
        """A rule that no packet of either family can match is an error, not an empty match."""
        able = frozenset[int]().union(*(families_of(term.transports) for term in terms))
        carried: set[int] = set()
        for pair in ends:
            carried |= self._carried(pair.sources) & self._carried(pair.destinations)
            if able & carried:
                return
        what = {0: "have no address of one family in common", 1: "are of one family, and the services of the other"}
        message = f"no packet can match this rule: its zones {what[bool(carried)]}"
        way_out = "give the zones addresses of the family that is missing, or take the rule out"
        self.error("empty-rule", message, stated.keys[verb.value].at, way_out)

    def _carried(self, zones: tuple[Zone, ...]) -> frozenset[int]:
        return frozenset(family for zone in zones for family in self._families_of(zone))

    def _families_of(self, zone: Zone) -> frozenset[int]:
        found = self._families.get(zone.name)
        if found is None:
            own = frozenset(family for family in FAMILIES if zone.addresses.ranges(family))
            found = self._families[zone.name] = own if zone.is_filled else _BOTH
        return found

    def _check_overriding(self, stated: Stated, verb: Verb) -> None:
        at = stated.keys["overrides"].at
        if verb not in (Verb.ALLOW, Verb.REQUIRE):
            self.error(
                "unfit-overrides", f"a rule that says {verb} passes no ban", at, "only allow and require override"
            )
        elif "until" not in stated.keys:
            self.error("unfit-overrides", "a rule passes a ban only for a time", at, "add until: the last day")

    def _check_names(self, stated: list[Stated]) -> None:
        """Rules' names are unique, and what overrides names is a ban."""
        named: dict[str, tuple[Span, bool]] = {}
        for one in stated:
            name = one.word("name")
            if name is None:
                continue
            if name.text in named:
                message = f"two rules are called {quoted(name)}"
                note = Note("the other one is here", named[name.text][0])
                self.error("name-twice", message, name.at, "give one another name", [note])
            else:
                named[name.text] = (name.at, any(verb.value in one.keys for verb in _BANS))
        for one in stated:
            for word in one.words("overrides"):
                if word.text not in named:
                    bans = [name for name, (_, is_ban) in named.items() if is_ban]
                    way_out = self.complaints.did_you_mean(word.text, bans, "give the ban a name: name: …")
                    if self.atlas.is_complete:
                        self.error("unknown-rule", f"no rule is called {quoted(word)}", word.at, way_out)
                elif not named[word.text][1]:
                    note = Note("it is here", named[word.text][0])
                    message = f"the rule {quoted(word)} bans nothing"
                    self.error("unfit-overrides", message, word.at, "name a rule that says deny or reject", [note])
