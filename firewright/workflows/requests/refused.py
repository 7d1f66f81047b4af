"""Why something that somebody asked for is not done: a value for the API, a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from firewright.diagnostic import Diagnostic

UNKNOWN_ZONE = "unknown-zone"
"""The slug of an end that is no zone, whose way out names zones."""


class Refused(Exception):
    """An act that is not done: the slug `name`, a sentence, `help` (the way out), the HTTP status that says the same.

    403: may not; 404: not there, or not to be known; 409: not in this state; 412: it changed meanwhile; 422: malformed.
    `diagnostics` are complaints about what was written, with their places; `fields` what is wrong with single parts of a wish, by
    the names of `model.request.Wish`.
    """

    def __init__(
        self,
        name: str,
        message: str,
        help: str = "",
        status: int = 409,
        diagnostics: Iterable[Diagnostic] = (),
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.name, self.message, self.help, self.status = name, message, help, status
        self.diagnostics, self.fields = tuple(diagnostics), dict(fields or {})


def together(faults: Mapping[str, Refused]) -> Refused:
    """All that is wrong with the parts of a wish as one refusal, which says each at its part.

    One that has to do with zones keeps that name, so that whoever may not know of them is not told.
    """
    fields = {key: one.help if one.name == "missing" else one.message for key, one in faults.items()}
    first = next(iter(faults.values()))
    if len(faults) == 1:
        return Refused(first.name, first.message, first.help, first.status, first.diagnostics, fields)
    names = [one.name for one in faults.values()]
    said = "; ".join(one.message for one in faults.values())
    helps = "; ".join(dict.fromkeys(one.help for one in faults.values() if one.help))
    name = UNKNOWN_ZONE if UNKNOWN_ZONE in names else first.name
    return Refused(name, said, helps, 422, [each for one in faults.values() for each in one.diagnostics], fields)
