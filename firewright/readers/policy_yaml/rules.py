"""Rules: who, one verb, and the rest; every name looked up, and no rule that could not concern a packet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from firewright.diagnostic import Note
from firewright.document import Scalar
from firewright.model.moment import is_shown, is_shown_twice, iso, last_of
from firewright.model.packet import FAMILIES
from firewright.model.policy import Action, Ends, Option, Rule, Term, Verb, Zone
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.grammar import VERBS, WHO
from firewright.readers.policy_yaml.services import Lexicon
from firewright.readers.policy_yaml.stated import Stated
from firewright.readers.policy_yaml.zones import Atlas
from firewright.source import Located, Span

_BANS = (Verb.DENY, Verb.REJECT)
_VERB_OF = {verb.value: verb for verb in Verb}
_BIT = {4: 1, 6: 2}


class RuleResolver:
    """Turns what rules say into rules, with what is alike in many of them looked up once."""

    def __init__(
        self,
        atlas: Atlas,
        lexicon: Lexicon,
        options: Mapping[str, Option],
        broken: set[str],
        timezone: str,
        complaints: Complaints,
    ) -> None:
        self.atlas, self.lexicon, self.options, self.broken = atlas, lexicon, options, broken
        self.timezone = timezone
        self.complaints, self.error = complaints, complaints.error
        self._able: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._shapes: dict[tuple[str, ...], tuple[tuple[str, ...], Verb]] = {}

    def all(self, stated: list[Stated]) -> tuple[Rule, ...]:
        """The rules in file order; what is wrong is said, and its rule left out."""
        rules = [rule for one in stated if (rule := self.rule(one)) is not None]
        self._check_names(stated)
        return tuple(rules)

    def rule(self, stated: Stated) -> Rule | None:
        """One rule, or None after complaining."""
        keys, values = stated.keys, stated.values
        signature = tuple(keys)
        shape = self._shapes.get(signature)
        if shape is None:
            who, verb = self._who(stated), self._verb(stated)
            if who and verb is not None:
                shape = self._shapes[signature] = who, verb
            else:
                # what is there is still checked, so that one run shows all
                for key in who or ():
                    self._zones(stated, key)
                self._when(stated)
                return None
        who, verb = shape
        ends = self._ends(stated, who)
        when = self._when(stated) if "when" in keys else ()
        terms: tuple[Term, ...] = ()
        default = None
        if verb is Verb.OTHERWISE:
            word = stated.word("otherwise")
            default = Action(word.text) if word is not None else None
        else:
            terms = self.lexicon.terms(values.get(verb.value, ()))
        if "overrides" in keys:
            self._check_overriding(stated, verb)
        if ends is None or (not terms and default is None):
            return None
        if terms and len(terms) == len(values[verb.value]):
            self._check_families(ends, terms, verb, stated)
        return Rule(
            verb,
            ends,
            terms,
            keys[verb.value].at,
            stated.text("name") if "name" in values else "",
            stated.prose("because") if "because" in values else "",
            stated.prose("owner") if "owner" in values else "",
            stated.prose("ticket") if "ticket" in values else "",
            self._until(stated) if "until" in values else None,
            when,
            not when or all(self.options[name].value for name in when if name in self.options),
            stated.seconds("sessions") if "sessions" in values else None,
            stated.is_yes("log") if "log" in values else False,
            tuple(Located(word.text, word.at) for word in stated.words("overrides")) if "overrides" in values else (),
            default,
        )

    def _verb(self, stated: Stated) -> Verb | None:
        keys = stated.keys
        found = [key for key in keys if key in _VERB_OF]
        if len(found) == 1:
            return _VERB_OF[found[0]]
        if found:
            message = f"{found[0]} and {found[1]} in one rule"
            self.error(
                "two-verbs", message, keys[found[1]].at, "write two rules",
                [Note(f"{found[0]} is here", keys[found[0]].at)],
            )  # fmt: skip
        elif not stated.has_strangers:
            self.error("no-verb", "the rule says nothing", stated.at, f"add one of {', '.join(VERBS[:5])}")
        return None

    def _who(self, stated: Stated) -> tuple[str, ...] | None:
        """The keys that say who, if they go together."""
        who = [key for key in stated.keys if key in WHO]
        if sorted(who) == ["from", "to"]:
            return ("from", "to")
        if len(who) == 1 and who[0] in ("between", "within"):
            return (who[0],)
        self._complain_of_who(stated, who)
        return None

    def _ends(self, stated: Stated, who: tuple[str, ...]) -> tuple[Ends, ...] | None:
        if len(who) == 2:
            sources, destinations = self._zones(stated, "from"), self._zones(stated, "to")
            return (Ends(sources, destinations),) if sources and destinations else None
        zones = self._zones(stated, who[0])
        if zones is None:
            return None
        if who[0] == "within":
            return tuple(Ends((zone,), (zone,)) for zone in zones)
        if len(zones) > 1:
            return tuple(Ends((zone,), tuple(other for other in zones if other is not zone)) for zone in zones)
        self.error("too-few", "between needs two different zones", stated.keys["between"].at, "write within for one")
        return None

    def _complain_of_who(self, stated: Stated, who: list[str]) -> None:
        if not who:
            if stated.has_strangers:
                return
            self.error("no-ends", "the rule does not say who", stated.at, "add from and to, or between, or within")
        elif len(who) == 1:
            if stated.has_strangers:
                return
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
        find = self.atlas.find
        if stated.takes_addresses and key in ("from", "to"):
            find = self.atlas.find_or_make
        known = self.atlas.zones
        if len(words) == 1:
            zone = known.get(words[0].text) or find(words[0], self.complaints)
            return None if zone is None else (zone,)
        found = [known.get(word.text) or find(word, self.complaints) for word in words]
        zones = {zone.name: zone for zone in found if zone is not None}
        return tuple(zones.values()) if None not in found else None

    def _when(self, stated: Stated) -> tuple[str, ...]:
        words = stated.words("when")
        for word in words:
            if word.text not in self.options and word.text not in self.broken and self.atlas.is_complete:
                known = "define it under options: " + (f"{word.text}: no" if len(word.text) < 40 else "…")
                way_out = self.complaints.did_you_mean(word.text, self.options, known)
                self.error("unknown-option", f"there is no option {quoted(word)}", word.at, way_out)
        return tuple(word.text for word in words)

    def _until(self, stated: Stated) -> date | None:
        """The end, so that its order on the clock is that of the instants; of a time that is shown twice the first."""
        end = stated.day("until")
        if not isinstance(end, datetime):
            return end
        exact = last_of(end, self.timezone)
        if not is_shown(end, self.timezone):
            message = f"no clock in {self.timezone} shows {iso(end)}, where summer time begins"
            when = f"on {exact}, with the day" if not isinstance(exact, datetime) else f"when it shows {iso(exact)}"
            self.complaints.warning("unclear-time", message, stated.keys["until"].at, f"it ends {when}: write that")
        elif is_shown_twice(end, self.timezone):
            message = f"clocks in {self.timezone} show {iso(end)} twice, as summer time ends"
            way_out = "it ends at the first of the two; write another time if that is too early"
            self.complaints.warning("unclear-time", message, stated.keys["until"].at, way_out)
        return exact

    def _check_families(self, ends: tuple[Ends, ...], terms: tuple[Term, ...], verb: Verb, stated: Stated) -> None:
        """A rule that no packet of either family can match is an error, not an empty match."""
        able = 0
        for term in terms:
            able |= self._able.get(term.word) or self._able_of(term)
        carried = 0
        for pair in ends:
            carried |= self._carried(pair.sources) & self._carried(pair.destinations)
            if able & carried:
                return
        how = "are of one family, and the services of the other" if carried else "have no family of addresses in common"
        way_out = "give the zones addresses of the family that is missing, or take the rule out"
        at = stated.keys[verb.value].at
        self.error("empty-rule", f"no packet can match this rule: its zones {how}", at, way_out)

    def _able_of(self, term: Term) -> int:
        """The families in which a term has packets, as bits."""
        bits = 3 if term.is_any else sum({_BIT[family] for one in term.transports for family in one.families})
        self._able[term.word] = bits
        return bits

    def _carried(self, zones: tuple[Zone, ...]) -> int:
        """The families of which one of these zones has addresses, or may have once it is filled in, as bits."""
        bits = 0
        for zone in zones:
            found = self._held.get(zone.name)
            if found is None:
                held = sum(_BIT[family] for family in FAMILIES if zone.addresses.ranges(family))
                found = self._held[zone.name] = held if zone.is_filled else 3
            bits |= found
        return bits

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
