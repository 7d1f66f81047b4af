"""`nft -j list ruleset` -> Listing: tables, chains, sets and rules, checked for their shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from firewright.diagnostic import Diagnostic, Severity, harmless
from firewright.readers.nftables.collecting import without_collecting
from firewright.readers.nftables.expressions import Malformed, is_gated, members, properties, rows, words
from firewright.readers.nftables.statements import statement
from firewright.readers.nftables.text import dormant, texts
from firewright.readers.nftables.tree import (
    Fill,
    Handover,
    ListedChain,
    ListedRule,
    ListedSet,
    ListedTable,
    Listing,
    Statement,
)
from firewright.readers.nftables.wording import say_rule
from firewright.source import Span

LONGEST = 256 * 1024 * 1024
"""Characters of the longest listing that is read: some 500,000 rules."""
SCHEMA = 1
"""The version of the JSON that is understood (libnftables-json(5))."""
_HELP = "list it with: nft -j list ruleset"
_Place = tuple[str, str]


class UnreadableListing(Exception):
    """A text that is no nftables listing; `diagnostic` says why, and a way out."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def parse(json_text: str, path: str, listing_text: str = "") -> Listing:
    """The tables of a listing in JSON; `listing_text` is `nft -a list ruleset` of the same moment, for the rules' words.

    Raises UnreadableListing. A rule whose JSON is not what nft lists is kept with the reason in `refused`.
    """
    with without_collecting():
        assembly = _Assembly(objects(json_text, path), path, texts(listing_text), dormant(listing_text))
        return Listing(path, tuple(assembly.tables()), tuple(assembly.unsure(has_text=bool(listing_text))))


def objects(json_text: str, path: str) -> list[tuple[str, dict[str, object]]]:
    """The objects of a listing in their order, each with its kind. Raises UnreadableListing."""
    if len(json_text) > LONGEST:
        raise unreadable(path, f"the listing is longer than {LONGEST >> 20} MiB", "list one table at a time")
    try:
        whole = json.loads(json_text)
    except json.JSONDecodeError as error:
        raise unreadable(path, f"this is no JSON: {error.msg} at {error.lineno}:{error.colno}") from None
    except RecursionError:
        raise unreadable(path, "the JSON is nested deeper than any nftables listing") from None
    except ValueError as error:
        raise unreadable(path, f"this is no JSON: {harmless(str(error))}") from None
    listed = whole.get("nftables") if isinstance(whole, dict) else None
    if not isinstance(listed, list):
        raise unreadable(path, 'this JSON is no nftables listing: it has no list called "nftables"')
    out: list[tuple[str, dict[str, object]]] = []
    for one in listed:
        if not isinstance(one, dict) or len(one) != 1 or not isinstance(body := next(iter(one.values())), dict):
            raise unreadable(path, f"{_shown(one)} is no object of an nftables listing")
        kind = next(iter(one))
        if kind == "metainfo" and body.get("json_schema_version", SCHEMA) != SCHEMA:
            version = _shown(body.get("json_schema_version"))
            raise unreadable(path, f"JSON schema version {version} is not known here, only {SCHEMA}")
        if kind in _COMMANDS:
            raise unreadable(path, f"this JSON is a list of commands ({kind}), not a listing")
        out.append((kind, body))
    return out


_COMMANDS = ("add", "replace", "create", "insert", "delete", "list", "reset", "flush", "rename")


def unreadable(path: str, message: str, help: str = _HELP) -> UnreadableListing:
    """The complaint that something is no listing."""
    return UnreadableListing(Diagnostic("not-a-listing", Severity.ERROR, message, Span(path, 0, 0, 0), help=help))


def _shown(json: object) -> str:
    try:
        return words(json)
    except Malformed as error:
        return f"(not shown: {error})"


class _Assembly:
    """The objects of a listing, put where they belong."""

    def __init__(
        self,
        objects: list[tuple[str, dict[str, object]]],
        path: str,
        texts: Mapping[_Rule, str],
        dormant: frozenset[_Place],
    ) -> None:
        self.path, self.texts, self.dormant = path, texts, set(dormant)
        self.flagged: dict[_Place, str] = {}
        self.names: dict[_Place, None] = {}
        self.chains: dict[_Place, dict[str, ListedChain]] = {}
        self.sets: dict[_Place, dict[str, ListedSet]] = {}
        self.helpers: dict[_Place, dict[str, str]] = {}
        self.rules: dict[tuple[str, str, str], list[ListedRule]] = {}
        for kind, body in objects:
            if kind == "table":
                place = self.table((self.word(kind, body, "family"), self.word(kind, body, "name")))
                self.flags(place, body.get("flags", []))
            elif kind in ("chain", "rule", "set", "map", "ct helper"):
                place = self.table((self.word(kind, body, "family"), self.word(kind, body, "table")))
                if kind == "chain":
                    self.chain(place, body)
                elif kind == "rule":
                    self.rule(place, body)
                elif kind == "ct helper":
                    self.helpers[place][self.word(kind, body, "name")] = self.word(kind, body, "type")
                else:
                    self.set(place, body, is_map=kind == "map")

    def word(self, kind: str, body: dict[str, object], key: str) -> str:
        found = body.get(key)
        if not isinstance(found, str):
            raise unreadable(self.path, f"a {kind} of the listing has no {key}")
        return found

    def table(self, place: _Place) -> _Place:
        if place not in self.names:
            self.names[place] = None
            self.chains[place], self.sets[place], self.helpers[place] = {}, {}, {}
        return place

    def flags(self, place: _Place, flags: object) -> None:
        listed = flags if isinstance(flags, list) else [flags]
        if "dormant" in listed:
            self.dormant.add(place)
        elif strange := [flag for flag in listed if flag not in ("owner", "persist")]:
            self.flagged[place] = _shown(strange[0])

    def unsure(self, *, has_text: bool) -> Iterator[Diagnostic]:
        """Tables that may be switched off, where only the JSON was given and it does not say."""
        for (family, name), flag in () if has_text else self.flagged.items():
            message = f"table {harmless(family)} {harmless(name)} has a flag that is listed as {flag}: it is taken to be active"
            at = Span(self.path, 0, 0, 0)
            yield Diagnostic("table-flags", Severity.WARNING, message, at, help="a dormant table judges nothing")

    def chain(self, place: _Place, body: dict[str, object]) -> None:
        name = self.word("chain", body, "name")
        priority, devices = body.get("prio", 0), body.get("dev", [])
        policy = body.get("policy", "accept")
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise unreadable(self.path, f"chain {harmless(name)} has the priority {_shown(priority)}")
        if policy not in ("accept", "drop"):
            raise unreadable(self.path, f"chain {harmless(name)} has the policy {_shown(policy)}")
        listed = devices if isinstance(devices, list) else [devices]
        hook, kind = (self.word("chain", body, key) if key in body else "" for key in ("hook", "type"))
        self.chains[place][name] = ListedChain(
            name, (), kind, hook, priority, str(policy), tuple(str(device) for device in listed)
        )

    def set(self, place: _Place, body: dict[str, object], *, is_map: bool) -> None:
        name = self.word("set", body, "name")
        listed = body.get("elem", [])
        if not isinstance(listed, list):
            listed = [listed]
        try:
            found = ListedSet(
                name,
                () if is_map else members(listed),
                rows(listed) if is_map else (),
                is_map,
                any(map(is_gated, listed)),
                "timeout" in body or any(properties(one) & {"timeout", "expires"} for one in listed),
            )
        except (Malformed, RecursionError) as error:
            raise unreadable(self.path, f"set {harmless(name)}: {error}") from None
        self.sets[place][name] = found

    def rule(self, place: _Place, body: dict[str, object]) -> None:
        chain = self.word("rule", body, "chain")
        handle, listed, comment = body.get("handle", 0), body.get("expr", []), body.get("comment", "")
        number = handle if isinstance(handle, int) else 0
        refused = ""
        try:
            if not isinstance(listed, list):
                raise Malformed("its expressions are no list")
            read = tuple(part for one in listed for part in statement(one))
        except (Malformed, RecursionError) as error:
            read, refused = (), str(error)
        text = self.texts.get((*place, chain, number), "") or say_rule(read) or _shown(listed)
        said = harmless(comment, 200) if isinstance(comment, str) else ""
        self.rules.setdefault((*place, chain), []).append(ListedRule(number, read, said, text, refused))

    def tables(self) -> Iterator[ListedTable]:
        for (*where, chain), rules in self.rules.items():
            own = self.chains[where[0], where[1]]
            own[chain] = replace(own.get(chain, ListedChain(chain)), rules=tuple(rules))
        for place in self.names:
            family, name = place
            chains, sets = self.chains[place], self.sets[place]
            # The JSON of nft 1.0 does not say which sets are dynamic: the rules that fill them do.
            parts = [part for chain in chains.values() for rule in chain.rules for part in rule.statements]
            for filled in {name for part in parts for name in _filled(part)} & sets.keys():
                sets[filled] = replace(sets[filled], is_filled=True)
            yield ListedTable(family, name, chains, sets, place in self.dormant, self.helpers[place])


def _filled(part: Statement) -> list[str]:
    """The sets that a statement fills; of one that is not known, those that its words name so."""
    if isinstance(part, Fill):
        return [part.set]
    return _FILLING.findall(part.text) if isinstance(part, Handover) and not part.is_known else []


_FILLING = re.compile(r"\b(?:add|update|delete) @(\S+)")
_Rule = tuple[str, str, str, int]
"""Family, table, chain and handle of a rule."""
