"""What the headings over a table or list say of all its rows: direction, ends, protocol, whether it is inside, allowed or denied."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from firewright.model.policy import Verb
from firewright.model.protocol import PORTED_NAMES
from firewright.readers.port_documents._page import Heading
from firewright.readers.port_documents._said import UNSAID_PROTOCOLS, Protocols
from firewright.readers.port_documents._wording import folded
from firewright.source import NOWHERE, Span

_IN = re.compile(r"\b(?:inbound|incoming|ingress)\b")
_OUT = re.compile(r"\b(?:outbound|outgoing|egress)\b")
_INTERNAL = re.compile(r"\b(?:internal|intra|inter-?node|inter-?cluster|east[-/ ]west|in-?house)\b")
_EXTERNAL = re.compile(r"\b(?:external|internet|public|inbound from)\b")
_ALLOW = re.compile(
    r"\b(?:permitted|allowed|whitelists?|white-listed|whitelisted|allow-?lists?|allowlisted|opened? ports)\b"
)
_DENY = re.compile(
    r"\b(?:not (?:be )?(?:permitted|allowed)|blocked|denied|deny|forbidden|prohibited|disallowed|must not|blacklists?"
    r"|block-?lists?|closed ports?|ports? (?:\w+ ){0,3}closed)\b"
)
_ARTICLE = r"(?:the |your |our |their |an? |all |any )?"
_NOUN = r"(?=[^,;:.()]{2,60}$)"
_FROM_TO = re.compile(
    rf"\bfrom {_ARTICLE}(?P<source>[^,;:()]{{2,60}}?) (?:in)?to {_ARTICLE}(?P<destination>[^,;:()]{{2,60}})$"
)
_TO_FROM = re.compile(
    rf"\bto {_ARTICLE}(?P<destination>[^,;:()]{{2,60}}?) from {_ARTICLE}(?P<source>[^,;:()]{{2,60}})$"
)
_ARROW = re.compile(r"^(?P<source>[^→<>]{2,60}?)\s*(?:→|⇒|->|=>)\s*(?P<destination>[^→<>]{2,60})$")
_FROM = re.compile(rf"\bfrom {_ARTICLE}(?P<source>[^,;:()]{{2,60}})$")
_TO = re.compile(rf"\b(?:in)?to {_ARTICLE}(?P<destination>[^,;:()]{{2,60}})$")
_ABOUT = re.compile(
    r"\b(?:rules|ports|traffic|access|connections|requirements|protocols)"
    rf" (?:for|on|of|(?:used|needed|required) (?:by|for|on)) {_ARTICLE}(?P<subject>[^,;:()]{{2,60}})$"
)
_NOISE = re.compile(
    r"\b(?:inbound|incoming|ingress|outbound|outgoing|egress|tcp|udp|ip|ports?|protocols?|rules?|traffic|access|connections?|requirements?|"
    r"required|firewall|settings?|network|table|list|and|the|for|of|default|overview|appendix|communications?|into|to|from|permitted|allowed|blocked|denied)\b"
)


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for the rows under some headings. Texts are as the document writes them, empty where it says nothing.

    `subject` names what the section is about: the side that a table with one side only leaves out. `above` is the prose right before
    a table. `is_internal` says that it is about what goes on inside, `is_mixed` about inside and outside. `trouble` is why no
    row under it can be read.
    """

    title: str = ""
    at: Span = NOWHERE
    direction: str = ""
    source: str = ""
    destination: str = ""
    subject: str = ""
    protocols: Protocols = UNSAID_PROTOCOLS
    is_internal: bool = False
    is_mixed: bool = False
    verb: Verb | None = None
    trouble: str = ""
    is_about_ports: bool = False
    above: str = ""

    def under(self, text: str, at: Span) -> Context:
        """What holds under a further heading: what it says goes before what those around it say."""
        plain = folded(text).replace("\n", " ").rstrip(":")
        said = _hints(plain, text)
        verb, trouble = self.verb, ""
        if _DENY.search(plain):
            rest = _DENY.sub("", plain)
            verb, trouble = (
                (None, "the heading speaks of what is allowed and of what is not")
                if _ALLOW.search(rest)
                else (Verb.DENY, "")
            )
        elif _ALLOW.search(plain):
            verb = Verb.ALLOW
        inside, outside = bool(_INTERNAL.search(plain)), bool(_EXTERNAL.search(plain))
        turns = bool(said.direction) and said.direction != self.direction
        return replace(
            self,
            title=text,
            at=at,
            direction=said.direction or self.direction,
            source=said.source or ("" if turns else self.source),
            destination=said.destination or ("" if turns else self.destination),
            subject=said.subject or self.subject,
            protocols=said.protocols if said.protocols.is_said else self.protocols,
            is_internal=(inside or self.is_internal) and not outside,
            is_mixed=(inside and outside) or (self.is_mixed and not inside and not outside),
            verb=verb,
            trouble=trouble,
            above="",
            is_about_ports=self.is_about_ports
            or bool(re.search(r"\b(?:ports?|protocols?|firewall)\b", plain))
            or bool(said.direction),
        )

    def beneath(self, above: str) -> Context:
        """What holds for a table or list under a sentence, which may say that it is about what goes on inside."""
        plain = folded(above)
        is_internal = self.is_internal or bool(_INTERNAL.search(plain) and not _EXTERNAL.search(plain))
        return replace(self, above=above, is_internal=is_internal)


def _hints(plain: str, text: str) -> Context:
    """What one heading says by itself."""
    goes_in, goes_out = bool(_IN.search(plain)), bool(_OUT.search(plain))
    direction = "in" if goes_in and not goes_out else "out" if goes_out and not goes_in else ""
    ends = _FROM_TO.search(plain) or _TO_FROM.search(plain) or _ARROW.search(plain)
    source = destination = subject = ""
    if ends:
        source, destination = ends["source"].strip(), ends["destination"].strip()
    elif direction and (found := _FROM.search(plain)):
        source = found["source"].strip()
    elif direction and (found := _TO.search(plain)):
        destination = found["destination"].strip()
    if found := _ABOUT.search(plain):
        subject = found["subject"].strip()
    elif not ends:
        subject = " ".join(_NOISE.sub(" ", plain).split()).strip(" -–—/&:")
    words = set(re.findall(r"[a-z]+", plain))
    named = [word for word in PORTED_NAMES if word in words]
    is_plain = words <= {
        *PORTED_NAMES,
        "port",
        "ports",
        "only",
        "inbound",
        "outbound",
        "incoming",
        "outgoing",
        "ingress",
        "egress",
        "services",
    }
    protocols = Protocols((PORTED_NAMES[named[0]],)) if len(named) == 1 and is_plain else Protocols()
    if protocols.is_said:
        subject = ""
    start = text.casefold().find(subject) if subject else -1
    if start >= 0 and len(text.casefold()) == len(text):
        subject = text[start : start + len(subject)]
    return Context(direction=direction, source=source, destination=destination, subject=subject, protocols=protocols)


class Outline:
    """The headings over the place that is being read, innermost last."""

    def __init__(self, first: Context) -> None:
        self._stack: list[tuple[int, Context]] = [(0, first)]

    def enter(self, heading: Heading) -> None:
        """Go on under a heading: those of its level and below it end."""
        while len(self._stack) > 1 and self._stack[-1][0] >= heading.level:
            self._stack.pop()
        self._stack.append((heading.level, self._stack[-1][1].under(heading.text, heading.at)))

    @property
    def context(self) -> Context:
        """What holds here."""
        return self._stack[-1][1]
