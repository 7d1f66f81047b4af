"""Send what is on its way to webhooks: signed, without redirects, to an address that was looked at; again where it did not arrive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from time import monotonic

import anyio
import httpx

from firewright import __version__
from firewright.diagnostic import harmless
from firewright.store import outbox
from firewright.store.outbox import Delivery
from firewright.web import webhook
from firewright.web.clock import Duty
from firewright.web.running import Running

SECONDS = 10.0
"""How long resolving, connecting and answering may take altogether."""
_AT_ONCE = 20
_AT_ONE = 4
"""Events that one endpoint gets at once; a batch for one that never answers is over before its loan is."""
_MOST_BATCHES = 5
"""Batches of one run: the next run goes on."""
_MOST_ADDRESSES = 4


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event with where it goes, and the secret that it is signed with."""

    delivery: Delivery
    url: str
    secret: str = field(repr=False)


def run(parts: Running, now: datetime) -> None:
    """Send what is due. Each event arrives at least once: whoever dies on the way lends it back."""
    began, client_tls = monotonic(), None
    with parts.store.reading() as c:
        if not outbox.endpoints(c):
            return
    for _ in range(_MOST_BATCHES):
        here = now + timedelta(seconds=monotonic() - began)
        with parts.store.writing() as c:
            due = outbox.due(c, here, limit=_AT_ONCE)
            urls = {one.number: one.url for one in outbox.endpoints(c)}
            parcels = [Parcel(one, urls[one.endpoint], outbox.secret_of(c, one.endpoint)) for one in due]
        if not parcels:
            return
        client_tls = client_tls or httpx.create_ssl_context()
        said = anyio.run(_all, parcels, here, parts.settings.allow_http, client_tls)
        with parts.store.writing() as c:
            for parcel, why in zip(parcels, said, strict=True):
                if why:
                    outbox.failed(c, parcel.delivery.number, here, why)
                else:
                    outbox.sent(c, parcel.delivery.number)
        if len(parcels) < _AT_ONCE:
            return


DUTY = Duty(timedelta(seconds=5), run)
"""How often, and what."""


def body_of(delivery: Delivery) -> bytes:
    """An event as it is sent: the same bytes each time, so that only the signature's time differs."""
    event = {
        "number": delivery.number,
        "kind": delivery.kind,
        "at": delivery.made.astimezone(UTC).isoformat(),
        "data": json.loads(delivery.body),
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


async def _all(parcels: Sequence[Parcel], now: datetime, allow_http: bool, tls: object) -> list[str]:
    """Why each did not arrive, empty where it did; all endpoints at once, so that one that is slow delays no other."""
    said = [""] * len(parcels)
    doors = {parcel.delivery.endpoint: anyio.CapacityLimiter(_AT_ONE) for parcel in parcels}

    async def one(place: int) -> None:
        async with doors[parcels[place].delivery.endpoint]:
            said[place] = await send(parcels[place], now, allow_http, tls)

    async with anyio.create_task_group() as group:
        for place in range(len(parcels)):
            group.start_soon(one, place)
    return said


async def send(parcel: Parcel, now: datetime, allow_http: bool, tls: object) -> str:
    """Send one event, and say why it did not arrive, or nothing where it did (a status of 2xx)."""
    try:
        with anyio.fail_after(SECONDS):
            url = webhook.target(parcel.url)
            addresses = await _resolved(url, allow_http)
            return await _posted(parcel, url, addresses, now, tls)
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} seconds"
    except webhook.BadTarget as error:
        return str(error)
    except httpx.HTTPError as error:
        return harmless(f"{type(error).__name__}: {error}", 200)


async def _resolved(url: httpx.URL, allow_http: bool) -> tuple[webhook.Address, ...]:
    """The addresses of a URL's host, each of which may be sent to. Raises BadTarget."""
    try:
        found = await anyio.getaddrinfo(url.raw_host.decode("ascii"), url.port or _port(url), type=_STREAM)
    except (OSError, UnicodeError):
        raise webhook.BadTarget("its name has no address", "correct the name") from None
    addresses = (ip_address(str(one[4][0]).partition("%")[0]) for one in found)
    return webhook.check(addresses, url.scheme == "https", allow_http=allow_http)


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


async def _posted(
    parcel: Parcel, url: httpx.URL, addresses: Sequence[webhook.Address], now: datetime, tls: object
) -> str:
    """Post it to the first address that takes a connection. Of the answer only the status is read."""
    body = body_of(parcel.delivery)
    headers = {
        "Host": url.netloc.decode("ascii"),
        "Content-Type": "application/json",
        "User-Agent": f"firewright/{__version__}",
        "Webhook-Id": str(parcel.delivery.number),
        "Webhook-Event": parcel.delivery.kind,
        webhook.SIGNATURE: webhook.signature(parcel.secret, int(now.timestamp()), body),
    }
    why = ""
    for address in addresses[:_MOST_ADDRESSES]:
        there = url.copy_with(host=str(address))
        named = {"sni_hostname": url.raw_host.decode("ascii")}
        async with httpx.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=SECONDS) as client:  # type: ignore[arg-type]
            try:
                async with client.stream("POST", there, content=body, headers=headers, extensions=named) as answer:
                    return _judged(answer)
            except httpx.ConnectError as error:
                why = harmless(f"{address} takes no connection: {error}", 200)
    return why


def _judged(answer: httpx.Response) -> str:
    if answer.is_success:
        return ""
    if answer.is_redirect:
        return f"it answered {answer.status_code}: redirects are not followed"
    return f"it answered {answer.status_code}"


_STREAM = 1
"""SOCK_STREAM, so that each address is told once."""
