"""`python -m benchmarks.web.load FOLDER URL KIND SECONDS`: people who read and people who act; JSON of what each exchange took."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import httpx

from benchmarks.web.estate import POLICY, UNTIL, ZONES, zone

RATE = 50
"""Pages a second."""
WRITERS = 4
"""People who act at the same time where acts are counted."""
_PORTS = ("https", "ssh", "dns", "smtp", "rdp", "mysql", "postgresql", "ntp", "imaps", "kafka", "redis", "445", "8443")
Someone = dict[str, Any]


def _pair(one: Someone, random: Random) -> str:
    """A pair of zones that somebody may look at."""
    own = one["zone"] or zone(random.randrange(ZONES))
    return f"/zones/{POLICY}/{own}/{zone((int(own[-2:]) + random.randrange(1, ZONES)) % ZONES)}"


def _ask(one: Someone, random: Random) -> str:
    source = one["zone"] or zone(random.randrange(ZONES))
    port = random.choice(_PORTS[:11])
    return f"/ask?policy={POLICY}&source={source}&destination={zone(random.randrange(ZONES))}&services={port}"


READS: tuple[tuple[int, str, Callable[[Someone, Random], str]], ...] = (
    (8, "/", lambda one, random: "/"),
    (8, "/zones", lambda one, random: "/zones"),
    (3, "/zones?service=", lambda one, random: f"/zones?service={random.choice(_PORTS[:11])}"),
    (10, "/zones/POLICY/FROM/TO", _pair),
    (4, "/ports", lambda one, random: "/ports"),
    (6, "/ports?q=", lambda one, random: f"/ports?q={random.choice(_PORTS)[:3]}"),
    (6, "/ports/PORT", lambda one, random: f"/ports/{random.choice(_PORTS)}"),
    (4, "/paths", lambda one, random: "/paths"),
    (8, "/ask?…", _ask),
    (10, "/requests", lambda one, random: "/requests"),
    (3, "/requests?box=mine", lambda one, random: "/requests?box=mine"),
    (3, "/requests?box=waiting", lambda one, random: "/requests?box=waiting"),
    (3, "/requests?q=", lambda one, random: f"/requests?q=team+{random.randrange(90)}"),
    (8, "/requests/NUMBER", lambda one, random: f"/requests/{random.choice(one['seen'])}"),
    (4, "/exceptions", lambda one, random: "/exceptions"),
    (2, "/status", lambda one, random: "/status"),
    (1, "/status/POLICY?zone=", lambda one, random: f"/status/{POLICY}?zone={one['zone'] or zone(1)}&zone=internet"),
    (4, "/audit", lambda one, random: "/audit"),
    (1, "/generations", lambda one, random: "/generations"),
    (3, "/log", lambda one, random: "/log"),
    (2, "/account", lambda one, random: "/account"),
    (4, "/api/v1/requests", lambda one, random: "/api/v1/requests"),
    (2, "/api/v1/exceptions", lambda one, random: "/api/v1/exceptions"),
    (1, "/api/v1/policies/POLICY/matrix", lambda one, random: f"/api/v1/policies/{POLICY}/matrix"),
    (1, "/api/v1/exposure", lambda one, random: "/api/v1/exposure"),
    (2, "/api/v1/audit", lambda one, random: "/api/v1/audit"),
)
"""Weight, name, and the address that somebody asks."""


class Load:
    """People, a server, and what was measured: route, seconds from when it was due, status, when it was due."""

    def __init__(self, people: list[Someone], url: str) -> None:
        self.people = people
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
        self.client = httpx.AsyncClient(base_url=url, timeout=60, limits=limits, follow_redirects=False)
        self.random = Random(8)
        self.found: list[tuple[str, float, int, float]] = []
        self.began = monotonic()

    async def read(self, name: str, path: str, one: Someone, due: float) -> None:
        """One page, as its reader sees it: from the moment at which they wanted it."""
        headers = {"Cookie": f"firewright-session={one['cookie']}"}
        if path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {one['bearer']}"}
        await self.timed(name, due, "GET", path, headers=headers)

    async def timed(self, name: str, due: float, method: str, path: str, **more: Any) -> httpx.Response | None:
        """One exchange; a status of 0 is a connection that failed."""
        answer = None
        with suppress(httpx.HTTPError):
            answer = await self.client.request(method, path, **more)
        status = answer.status_code if answer is not None else 0
        self.found.append((name, monotonic() - due, status, due - self.began))
        return answer

    async def reading(self, seconds: float, rate: float = RATE) -> None:
        """So many pages a second, whether the ones before are answered or not; each of everybody in turn."""
        weights = [weight for weight, _, _ in READS]
        start, tasks = monotonic(), []
        for number in range(int(seconds * rate)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - monotonic()))
            _, name, address = self.random.choices(READS, weights)[0]
            one = self.people[number % len(self.people)]
            tasks.append(asyncio.create_task(self.read(name, address(one, self.random), one, due)))
        await asyncio.gather(*tasks)

    async def checking(self, seconds: float, rate: float) -> None:
        """People who fill in the form and see at once what it would mean."""
        asking = [one for one in self.people if one["role"] == "requester"]
        start, tasks = monotonic(), []
        for number in range(int(seconds * rate)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - monotonic()))
            one = self.random.choice(asking)
            tasks.append(asyncio.create_task(self._check(one, due)))
        await asyncio.gather(*tasks)

    async def _check(self, one: Someone, due: float) -> None:
        form = {
            "policy": POLICY, "sources": one["zone"] or zone(3), "destinations": zone(self.random.randrange(4, ZONES)),
            "services": f"tcp/{self.random.randrange(30_001, 65_000)}", "because": "needed", "owner": "x", "until": UNTIL,
            "csrf": one["csrf"],
        }  # fmt: skip
        headers = {"Cookie": f"firewright-session={one['cookie']}"}
        await self.timed("POST /requests/check", due, "POST", "/requests/check", data=form, headers=headers)

    async def acting(self, seconds: float, writers: int = WRITERS, pause: float = 0) -> None:
        """People who ask for something and others who agree to it, one after the other, as fast as it goes."""
        end = monotonic() + seconds
        # each load asks for something else: what was agreed to before is permitted, and no change is necessary
        seeds = (f"{seconds} {pause} {number}" for number in range(writers))
        await asyncio.gather(*(self._acting(seed, end, pause) for seed in seeds))

    async def _acting(self, seed: str, end: float, pause: float) -> None:
        askers = [one for one in self.people if one["role"] == "requester" and not one["zone"]]
        deciders = [one for one in self.people if one["role"] == "approver"]
        random = Random(seed)
        while monotonic() < end:
            asker, decider = random.choice(askers), random.choice(deciders)
            source, destination = random.sample(range(ZONES), 2)
            body = {
                "policy": POLICY, "from": [zone(source)], "to": [zone(destination)],
                "services": [f"tcp/{random.randrange(30_001, 65_000)}"], "because": "a load", "owner": "x", "until": UNTIL,
            }  # fmt: skip
            made = await self._api("POST /api/v1/requests", "/api/v1/requests", asker, body)
            if made is not None and made.status_code == 201:
                told = made.json()
                path, body = f"/api/v1/requests/{told['number']}/approve", {"digest": told["digest"], "because": "fits"}
                tag = made.headers.get("etag", "")
                await self._api("POST /api/v1/requests/NUMBER/approve", path, decider, body, tag)
            await asyncio.sleep(pause)

    async def _api(self, name: str, path: str, one: Someone, body: Any, tag: str = "") -> httpx.Response | None:
        headers = {"Authorization": f"Bearer {one['bearer']}", **({"If-Match": tag} if tag else {})}
        return await self.timed(name, monotonic(), "POST", path, json=body, headers=headers)


async def run(people: list[Someone], url: str, kind: str, seconds: float) -> list[tuple[str, float, int, float]]:
    """What one kind of load measured."""
    load = Load(people, url)
    async with load.client:
        if kind == "first":
            viewer = next(one for one in people if one["role"] == "viewer")
            for _, name, address in READS:
                await load.read(name, address(viewer, load.random), viewer, monotonic())
        elif kind == "reads":
            await asyncio.gather(load.reading(seconds), load.checking(seconds, 1))
        elif kind == "mixed":
            await asyncio.gather(load.reading(seconds), load.acting(seconds, 1, pause=4))
        else:
            await load.acting(seconds)
    return load.found


def main() -> None:
    """Load, and print what was measured as JSON."""
    folder, url, kind, seconds = sys.argv[1:5]
    people = json.loads(Path(folder, "people.json").read_text())
    json.dump(asyncio.run(run(people, url, kind, float(seconds))), sys.stdout)


if __name__ == "__main__":
    main()
