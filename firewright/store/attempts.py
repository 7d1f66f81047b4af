"""How often something was tried lately, by whom and from where: the base of lockouts and rate limits, for all processes together.

An attempt is counted before it is judged (`take`), so that a hundred at once are not all judged by the count before them; a
success takes the count back (`clear`). One that is refused is not counted, so nobody can keep another out for good by going on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from unicodedata import normalize

from sqlalchemy import Connection, delete, func, insert, select

from firewright.store.tables import ATTEMPTS


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts within any window of this length."""

    count: int
    window: timedelta


def by_account(name: str, what: str = "login") -> str:
    """The key of an account's attempts: a hash, for people type their passwords where the name belongs."""
    folded = normalize("NFKC", normalize("NFKC", name).casefold()).encode(errors="surrogatepass")
    return f"{what} account {sha256(folded).hexdigest()}"


def by_origin(origin: str, what: str = "login") -> str:
    """The key of an address' attempts; all of an IPv6 /64 have one, for whoever has one address of it has them all."""
    try:
        address = ip_address(origin)
    except ValueError:
        return f"{what} origin {sha256(origin.encode(errors='surrogatepass')).hexdigest()}"
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    shown = str(address) if address.version == 4 else str(ip_network((int(address), 64), strict=False))
    return f"{what} origin {shown}"


def by_both(name: str, origin: str, what: str = "login") -> str:
    """The key of the attempts for one name from one address: who is locked out by them is nobody who comes from elsewhere."""
    return f"{by_account(name, what)} from {by_origin(origin, what)}"


def take(c: Connection, key: str, limit: Limit, now: datetime) -> datetime | None:
    """Count one attempt and return None; or, where the window is full, count nothing and return when there is room again."""
    if until := blocked_until(c, key, limit, now):
        return until
    nth = c.execute(select(func.count()).where(ATTEMPTS.c.key == key, ATTEMPTS.c.at == now)).scalar_one()
    c.execute(insert(ATTEMPTS).values(key=key, at=now, nth=nth))
    return None


def blocked_until(c: Connection, key: str, limit: Limit, now: datetime) -> datetime | None:
    """When a key has room again, or None where it has room now."""
    lately = select(ATTEMPTS.c.at).where(ATTEMPTS.c.key == key, ATTEMPTS.c.at > now - limit.window)
    times = c.execute(lately.order_by(ATTEMPTS.c.at.desc(), ATTEMPTS.c.nth.desc()).limit(limit.count)).scalars().all()
    if len(times) < limit.count:
        return None
    return times[-1] + limit.window if times else now + limit.window


def clear(c: Connection, key: str) -> None:
    """Forget a key's attempts: it was one who knew."""
    c.execute(delete(ATTEMPTS).where(ATTEMPTS.c.key == key))


def sweep(c: Connection, before: datetime) -> int:
    """Forget attempts before an instant (now less the longest window); how many."""
    return c.execute(delete(ATTEMPTS).where(ATTEMPTS.c.at < before)).rowcount
