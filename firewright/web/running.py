"""What one process of the application holds: settings, store, templates, the policies as last read, its counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from firewright.web.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

    from firewright.store.database import Store
    from firewright.web.estate import Estates
    from firewright.web.measures import Measures
    from firewright.web.nav import Nav
    from firewright.web.oidc import Provider


@dataclass(frozen=True, slots=True)
class Running:
    """The parts that requests share."""

    settings: Settings
    store: Store
    templates: Environment
    estates: Estates
    measures: Measures
    nav: tuple[Nav, ...]
    provider: Provider | None


def running(request: Request) -> Running:
    """The parts of the application that answers a request."""
    found: Running = request.app.state.running
    return found


def store_of(request: Request) -> Store:
    """The store of the application that answers a request."""
    return running(request).store
