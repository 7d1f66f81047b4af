"""A page of measurements over HTTP, for whoever scrapes it: `/metrics`, made anew for each who asks, one at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6
from threading import Lock
from typing import Any

PATH = "/metrics"
_SECONDS = 10.0
"""Whoever asks has so long to say what; a scrape of Prometheus waits as long by default."""


class BadEndpoint(ValueError):
    """No address and port to listen at."""


def parse_endpoint(text: str) -> tuple[str, int]:
    """`127.0.0.1:9469`, `[::1]:9469`, or a port alone, which is at 127.0.0.1. Raises BadEndpoint."""
    address, colon, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]") or "127.0.0.1"
    try:
        number, place = int(port), ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise BadEndpoint(f"{text!r} is no address and port") from None
    if not 0 <= number <= 65535 or (place.version == 6 and colon and "[" not in text):
        raise BadEndpoint(f"{text!r} is no address and port")
    return str(place), number


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    return ip_address(address).is_loopback


@contextmanager
def endpoint(address: str, port: int, page: Callable[[], str], content_type: str) -> Iterator[ThreadingHTTPServer]:
    """A server of `page` that listens; `serve_forever` answers. Port 0 is any that is free. Raises OSError where it cannot.

    Pages are made one at a time; who asks slowly keeps nobody else waiting.
    """
    making = Lock()

    class Answering(BaseHTTPRequestHandler):
        timeout = _SECONDS
        server_version, sys_version = "firewright", ""

        def do_GET(self) -> None:
            self._answer(has_body=True)

        def do_HEAD(self) -> None:
            self._answer(has_body=False)

        def _answer(self, *, has_body: bool) -> None:
            if self.path.partition("?")[0] != PATH:
                self.send_error(404, f"only {PATH} is here")
                return
            with making:
                body = page().encode()
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if has_body:
                self.wfile.write(body)

        def log_message(self, format: str, *words: Any) -> None:
            """Nothing: who asks is not of interest."""

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if isinstance(ip_address(address), IPv6Address) else AF_INET
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing where whoever asked went away; anything else is a fault, and said."""
            if not isinstance(sys.exc_info()[1], OSError):
                super().handle_error(request, client_address)

    server = Server((address, port), Answering)
    try:
        yield server
    finally:
        server.server_close()
