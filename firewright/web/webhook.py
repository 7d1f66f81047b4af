"""Where events may be sent, and how they are signed: no webhook is a way into what only this machine reaches.

Admins say where events go; still, an address of the link (where clouds answer with keys: 169.254.169.254) is never sent to. A name is
resolved once, every address of it is looked at, and the one that was looked at is the one that is connected to, so that a name which
answers otherwise the second time leads nowhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

SIGNATURE = "Webhook-Signature"
"""The header of an event's signature: `t=SECONDS,v1=HEX`."""
WINDOW = 300
"""Seconds that a signature is good for: receivers refuse what is older, and remember numbers for as long."""
URL_LIMIT = 2000
Address = IPv4Address | IPv6Address

_LINK = "it is an address of the link only, where clouds answer with keys"
_FORBIDDEN = tuple(
    (ip_network(prefix), why)
    for prefix, why in {
        "0.0.0.0/8": "it is no address of a host",
        "169.254.0.0/16": _LINK,
        "fe80::/10": _LINK,
        "fd00:ec2::/32": "a cloud answers with keys there",  # AWS, "IMDS over IPv6": fd00:ec2::254
        "fd20:ce::254/128": "a cloud answers with keys there",  # Google Cloud, "metadata server"
        "100.100.100.200/32": "a cloud answers with keys there",  # Alibaba Cloud, "instance metadata"
        "168.63.129.16/32": "a cloud answers with keys there",  # Azure, "what is IP address 168.63.129.16"
        "192.0.0.192/32": "a cloud answers with keys there",  # Oracle Cloud (classic), "instance metadata"
        "224.0.0.0/4": "it is a group of hosts",
        "ff00::/8": "it is a group of hosts",
        "240.0.0.0/4": "it is no address of a host",
        "::/128": "it is no address of a host",
        "fec0::/10": "it is an address of the site only",
    }.items()
)
_INSIDE = (ip_network("64:ff9b::/96"), ip_network("::/96"))
"""What holds an IPv4 address in its last bits: NAT64 (RFC 6052), and what was once IPv4-compatible (RFC 4291)."""


class BadTarget(ValueError):
    """A URL, or an address behind it, that no event is sent to; `help` is the way out."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def target(text: str) -> httpx.URL:
    """The URL of an endpoint, in the form in which it is asked. Raises BadTarget for one that no event can be sent to."""
    way_out = "write it as https://hooks.example.net/firewright"
    if len(text) > URL_LIMIT or not text.isascii() or not text.isprintable() or " " in text:
        raise BadTarget(f"a URL has at most {URL_LIMIT} characters, plain ones and no blanks", way_out)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise BadTarget("this is no URL", way_out) from None
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 443) < 65536:
        raise BadTarget("events are sent to a URL of https", way_out)
    if url.userinfo or url.fragment:
        raise BadTarget("a URL with a name, a password or a fragment is not sent to", "events are signed instead")
    literal = _literal(url.host)
    if literal is not None:
        check([literal], url.scheme == "https", allow_http=True)  # whether TLS is needed is asked when it is sent
    return url


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def check(addresses: Iterable[Address], is_tls: bool, *, allow_http: bool = False) -> tuple[Address, ...]:
    """The addresses, if events may be sent to every one of them. Raises BadTarget.

    Without TLS they go to this machine only, unless the settings allow more.
    """
    found = tuple(dict.fromkeys(addresses))
    if not found:
        raise BadTarget("its name has no address", "correct the name")
    for one in found:
        for address in (one, *_within(one)):
            why = next((why for network, why in _FORBIDDEN if address in network), "")
            if why:
                raise BadTarget(f"{one} is not sent to: {why}", "name a host that is there to receive events")
    if not is_tls and not allow_http and not all(is_here(one) for one in found):
        raise BadTarget("it is not https", "use https, or start with --allow-http to send in the clear")
    return found


def _within(address: Address) -> tuple[Address, ...]:
    """The IPv4 addresses that an IPv6 address leads to by some translation."""
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _INSIDE) and int(address) > 1:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return tuple(one for one in found if one is not None)


def is_here(address: Address) -> bool:
    """Whether an address is this machine's own (loopback)."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def may_be_here(host: str) -> bool:
    """Whether a host of a URL is this machine by its name or address; what a name means is looked at when it is sent."""
    literal = _literal(host)
    return host == "localhost" or (literal is not None and is_here(literal))


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of the header: HMAC-SHA-256 (RFC 2104) under the endpoint's secret over the time, a point, and the body."""
    code = hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()
    return f"t={at},v1={code}"
