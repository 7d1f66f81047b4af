"""The application: put together from the routes that lie in its folders, and refused where one of them says not who may use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from jinja2 import Environment
from starlette.exceptions import HTTPException

from firewright import __version__
from firewright.registry import Registry
from firewright.store.database import Store, open_store, sqlite_url
from firewright.store.errors import StoreError, UnfitText
from firewright.web import static
from firewright.web.access import declare
from firewright.web.api._route import PREFIX
from firewright.web.clock import ticking
from firewright.web.estate import Estates
from firewright.web.identity import identify
from firewright.web.measures import Measures
from firewright.web.nav import entries
from firewright.web.oidc import Provider
from firewright.web.page import templates
from firewright.web.problem import Problem, answer, is_program
from firewright.web.running import Running
from firewright.web.security import Guard
from firewright.web.settings import DATABASE_FILE, Settings
from firewright.workflows.requests.refused import Refused

PAGES: Registry[APIRouter] = Registry("firewright.web.routes", "ROUTER")
INTERFACE: Registry[APIRouter] = Registry("firewright.web.api", "ROUTER")
_THREADS = 4
"""Pages that a process makes at the same time. They reckon, so that more of them make each other slower (benchmarks/web)."""
_ABOUT = "Policies, questions, requests and the log of Firewright. Errors are problem+json (RFC 9457)."


def application(settings: Settings) -> FastAPI:
    """The application for these settings; an empty database gets its tables.

    Raises StoreError where the database cannot be used or is another version's, access.Undeclared for a route without a role.
    """
    store = opened(settings)
    measures = Measures(settings.counters)
    app = FastAPI(
        title="Firewright",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_living,
    )
    app.state.running = Running(
        settings=settings,
        store=store,
        templates=environment(),
        estates=Estates(settings.folder),
        measures=measures,
        nav=entries(),
        provider=Provider(settings.oidc, settings.origin) if settings.oidc else None,
    )
    for router in routers():
        declare(router.routes)
        app.include_router(
            router, max_body_size=settings.body_limit
        )  # the application's own would be outside of the guard
    _explain_errors(app)
    app.add_middleware(Guard, settings=settings, measures=measures)
    return app


def opened(settings: Settings, *, migrates: bool = False) -> Store:
    """The store of these settings, with tables; one of an older version is brought to this one's form only if asked."""
    store = open_store(settings.database_url or sqlite_url(settings.state_folder / DATABASE_FILE))
    if migrates or not store.revision():
        store.migrate()
    with store.reading():  # says what is wrong with another version's database before anybody is let in
        return store


def routers() -> Iterator[APIRouter]:
    """The routers of all pages, of the files that pages need, and of the API."""
    yield static.ROUTER
    for registry in (PAGES, INTERFACE):
        for _, router in registry.all():
            yield router


def environment() -> Environment:
    """The templates, which know the addresses of the files beside them."""
    return templates(static.address)


def store_of(app: FastAPI) -> Store:
    """The store of an application."""
    running: Running = app.state.running
    return running.store


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = _THREADS
    with ticking(app.state.running):
        yield
    store_of(app).close()


def _explain_errors(app: FastAPI) -> None:
    """Turn whatever stops a request into one kind of answer; what is nobody's fault but ours is the guard's."""

    @app.exception_handler(Problem)
    def _problem(request: Request, error: Problem) -> Response:
        return answer(request, error)

    @app.exception_handler(Refused)
    def _refused(request: Request, error: Refused) -> Response:
        names = _OF_API if is_program(request) else {}
        fields = {names.get(key, key): said for key, said in error.fields.items()}
        return answer(request, Problem(error.status, error.name, error.message, error.help, fields))

    @app.exception_handler(StoreError)
    def _store(request: Request, error: StoreError) -> Response:
        request.state.fault = error.message  # which names hosts and files: for the log, not for whoever asks
        way_out = "try again in a moment; whoever runs this finds why in the log"
        return answer(request, Problem(503, "database", "the database cannot be used at this moment", way_out))

    @app.exception_handler(UnfitText)
    def _unfit(request: Request, error: UnfitText) -> Response:
        return answer(request, Problem(422, "unfit-text", error.message, error.help))

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        fields = {
            ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]): one["msg"] for one in error.errors()
        }
        way_out = "correct what is named"
        return answer(request, Problem(422, "malformed", "what was sent does not have the right form", way_out, fields))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        name, message, way_out = _SAID.get(error.status_code, ("http", "this did not work", ""))
        if error.status_code == 404 and is_program(request):
            way_out = f"{PREFIX}/openapi.json lists all that there is"
        problem = Problem(error.status_code, name, message, way_out)
        problem.headers.update(error.headers or {})
        with suppress(Problem, StoreError):  # the header shows who is logged in also where no route asked
            identify(request)
        return answer(request, problem)


_OF_API = {"sources": "from", "destinations": "to"}
"""What the API calls parts of a wish."""
_SAID = {
    400: ("unreadable", "what was sent cannot be read", "send it as a form or as JSON"),
    404: ("not-found", "there is nothing here", "the pages are in the header"),
    405: ("wrong-method", "this cannot be done here", ""),
    413: ("too-large", "this is larger than what is taken here", "send less"),
}
