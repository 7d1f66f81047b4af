"""Why something that somebody asked for is not done: a value for the API, a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable

from firewright.diagnostic import Diagnostic


class Refused(Exception):
    """An act that is not done: the slug `name`, a sentence, `help` (the way out), the HTTP status that says the same.

    403: may not; 404: not there, or not to be known; 409: not in this state; 412: it changed meanwhile; 422: malformed.
    `diagnostics` are complaints about what was written, with their places.
    """

    def __init__(
        self, name: str, message: str, help: str = "", status: int = 409, diagnostics: Iterable[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.name, self.message, self.help, self.status = name, message, help, status
        self.diagnostics = tuple(diagnostics)
