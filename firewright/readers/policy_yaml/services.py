"""Services: a word becomes exact transports, by the policy's own names, the catalog's rows, or what it says itself."""

from __future__ import annotations

import re
from typing import NamedTuple

from firewright.catalog.iana import port_registry
from firewright.catalog.services import Catalog
from firewright.diagnostic import harmless
from firewright.document import Scalar
from firewright.model.interval import Ranges, union
from firewright.model.packet import FAMILIES
from firewright.model.policy import Service, Term
from firewright.model.protocol import PORTED_NAMES
from firewright.model.transport import (
    TRANSPORT_WORDS,
    BadTransport,
    Transport,
    is_transport,
    parse_ports,
    parse_transport,
)
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.readers.policy_yaml.names import Names
from firewright.readers.policy_yaml.ordering import ordered
from firewright.readers.policy_yaml.stated import FromPorts, ServiceWord
from firewright.source import Span

ServiceWords = tuple[ServiceWord, ...]


class Meaning(NamedTuple):
    """Exactly the transports of a word, none of them for every packet, the catalog's services behind it, their helpers."""

    transports: tuple[Transport, ...]
    names: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()


_ANY = Meaning(())


class Lexicon:
    """What the words for services mean in one policy; each distinct word is looked up once."""

    def __init__(self, names: Names[ServiceWords], catalog: Catalog, is_complete: bool, complaints: Complaints) -> None:
        self.catalog, self.is_complete, self.complaints = catalog, is_complete, complaints
        self.names, self.known = names, dict[str, Meaning]()
        self.services = self._own_services()

    def _own_services(self) -> dict[str, Service]:
        defined = self.names.defined
        made_of = {
            name: [word.text for word in one.value or () if isinstance(word, Scalar) and word.text in defined]
            for name, one in defined.items()
        }
        order, circles = ordered(made_of)
        for circle in circles:
            self.names.broken.update(circle)
            chain = harmless(" -> ".join((*circle, circle[0])))
            at = defined[circle[0]].name.at
            self.complaints.error(
                "service-cycle", f"services are made of each other: {chain}", at, "take one of them out"
            )
        services: dict[str, Service] = {}
        for name in order:
            if name not in self.names.broken and self._is_free(defined[name].name):
                service = self._service(defined[name].name, defined[name].value or ())
                if service is not None:
                    services[name] = service
                    self.known[name] = Meaning(service.term.transports, service.term.names, service.term.helpers)
                    continue
            self.names.broken.add(name)
        return {name: services[name] for name in defined if name in services}

    def _is_free(self, name: Scalar) -> bool:
        row = self.catalog.service(name.text)
        if row is None and not is_transport(name.text):
            return True
        message = f"{name.text} is the word of a transport"
        if row is not None:
            message = f"the catalog has a service {name.text} already ({harmless(row.words(), 80)})"
        self.complaints.error(
            "name-twice", message, name.at, "choose another name, so that nobody takes one for the other"
        )
        return False

    def _service(self, name: Scalar, entries: ServiceWords) -> Service | None:
        terms = self.terms(entries)
        if len(terms) < len(entries) or not terms:
            return None
        transports = dict.fromkeys(transport for term in terms for transport in term.transports)
        names = dict.fromkeys(one for term in terms for one in term.names)
        helpers = dict.fromkeys(one for term in terms for one in term.helpers)
        term = Term(name.text, tuple(transports), tuple(names), tuple(helpers), name.at)
        return Service(name.text, term, tuple(one.word for one in terms), name.at)

    def terms(self, entries: ServiceWords) -> tuple[Term, ...]:
        """The terms of a list of services; what cannot be read is said, and left out."""
        terms = []
        known = self.known
        for entry in entries:
            if type(entry) is Scalar:
                meaning = known.get(entry.text) or self._look_up(entry)
                if meaning is not None:
                    terms.append(Term(entry.text, *meaning, Span(*entry[1:5])))
            elif type(entry) is FromPorts and (term := self._from_ports(entry)) is not None:
                terms.append(term)
        if len(terms) > 1 and (everything := next((term for term in terms if term.is_any), None)) is not None:
            message = f"{everything.word} is every service, so that nothing can stand beside it"
            self.complaints.error(
                "any-and-more", message, everything.at, f"write {everything.word} alone, or leave it out"
            )
        return tuple(terms)

    def _look_up(self, word: Scalar) -> Meaning | None:
        """What a word means that is seen for the first time."""
        text = word.text
        if text == "any":
            meaning: Meaning | None = _ANY
        elif (row := self.catalog.service(text)) is not None:
            meaning = Meaning(row.transports, (text,), (row.helper,) if row.helper else ())
        elif is_transport(text):
            meaning = self._transport(word)
        else:
            self._complain_of_name(word)
            return None
        if meaning is not None:
            self.known[text] = meaning
        return meaning

    def _transport(self, word: Scalar) -> Meaning | None:
        try:
            return Meaning(parse_transport(word.text))
        except BadTransport as bad:
            name = "bare-port" if word.text.isascii() and word.text.replace("-", "").isdecimal() else "bad-port"
            way_out = bad.help
            if name == "bare-port":
                # [tcp/80,443] is two entries to YAML, and the second one has lost its protocol
                way_out = f"write tcp/{word.text} or udp/{word.text}; in a list each port has its own: tcp/80, tcp/443"
            self.complaints.error(name, bad.message, word.at, way_out)
            return None

    def _complain_of_name(self, word: Scalar) -> None:
        text = word.text
        if text in self.names.broken or (text in self.names.defined) or not self.is_complete:
            return
        parts = [part.removeprefix("-") for part in text.split()]
        if len(parts) > 1 and all(map(self._is_known, parts)):
            way_out = f"write [{harmless(', '.join(parts), 80)}]"
            self.complaints.error("unknown-service", f"several services in one value: {quoted(word)}", word.at, way_out)
        elif text.startswith("-") and word.is_plain and self._is_known(text[1:]):
            message = "a dash without a space behind it begins no item of a list"
            self.complaints.error("unknown-service", message, word.at, f"write - {text[1:]}")
        elif re.split("[: ]", text, maxsplit=1)[0].lower() in TRANSPORT_WORDS:
            self._transport(word)
        elif rows := self.catalog.by_word(text):
            way_out = " or ".join(f"{row.name} ({row.words()})" for row in rows[:3])
            if text.casefold() == "web" and len(rows) == 1:
                # people who say web mean both, the row that has the alias is one of them
                way_out = "[http, https], or define it under services: web: [http, https]"
            self.complaints.error(
                "unknown-service", f"{quoted(word)} is not what a policy writes", word.at, f"write {way_out}"
            )
        elif registered := port_registry().words(text):
            message = f"only IANA's registry has the name {quoted(word)}, and what it lists is rarely what is meant"
            self.complaints.error("unknown-service", message, word.at, f"write the ports: {harmless(registered, 200)}")
        else:
            known = (*self.names.defined, *self.known, *self.catalog.rows)
            way_out = self.complaints.did_you_mean(text, known, "write the port, as in tcp/443")
            self.complaints.error("unknown-service", f"there is no service {quoted(word)}", word.at, way_out)

    def _is_known(self, text: str) -> bool:
        """Whether a text is a service or a transport as a policy writes it."""
        if text in self.known or text in self.names.defined or self.catalog.service(text) is not None:
            return True
        try:
            return is_transport(text) and bool(parse_transport(text))
        except BadTransport:
            return False

    def _from_ports(self, entry: FromPorts) -> Term | None:
        ports, source_ports = self._ports(entry.ports), self._ports(entry.source_ports)
        if ports is None or source_ports is None:
            return None
        transport = Transport(FAMILIES, PORTED_NAMES[entry.protocol.text], ports, source_ports)
        word = f"{{{entry.protocol.text}: {_listed(entry.ports)}, source-port: {_listed(entry.source_ports)}}}"
        return Term(word, (transport,), at=entry.at)

    def _ports(self, words: tuple[Scalar, ...]) -> Ranges | None:
        found: list[Ranges] = []
        for word in words:
            try:
                found.append(parse_ports(word.text))
            except BadTransport as bad:
                self.complaints.error("bad-port", bad.message, word.at, bad.help)
        return union(*found) if len(found) == len(words) else None


def _listed(words: tuple[Scalar, ...]) -> str:
    texts = [word.text for word in words]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
