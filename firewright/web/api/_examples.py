"""Examples for the description of the API: made from the shapes themselves, so that they cannot fall behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from firewright.web.api._answers import Tree

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_AT = "2026-11-21T18:30:00+00:00"
WORDS: Mapping[str, Any] = {
    "account": "anna", "at": _AT, "act": "request.approve", "about": "request 7", "advice": "Only over a VPN.",
    "agreed_with": "tenant A", "alternative": "hkp over TLS: tcp/443", "author": "tom", "because": "OpenPGP keys of our suppliers",
    "boot": "", "changed": _AT, "code": "12", "contact": "noc@example.net", "date": "2026-11-21", "day": "2026-11-21",
    "destination": "internet", "detail": "it is denied", "digest": _DIGEST, "does": "passes", "drift": "none", "due": None,
    "estate": _DIGEST, "fate": "sent", "firewall": "edge", "flows": ["tenants -> internet tcp/11371"], "from": ["tenants"],
    "generation": "42", "groups": ["netops"], "help": "ask for less", "host": "edge-1", "families": ["IPv4", "IPv6"],
    "instance": "urn:firewright:request:55b69145983124be",
    "key": "5f1c", "kind": "request", "line": "- {from: tenants, to: internet, allow: tcp/11371}", "link": None,
    "loaded": "2026-11-21 18:00 UTC", "made": _AT, "message": "no packet reaches this rule", "mode": "enforcing", "name": "anna",
    "next": None, "opens": "allowed", "origin": "192.0.2.7", "otherwise": "drop", "outcome": "allowed", "owner": "tenant A",
    "path": "exceptions/request-7.yaml", "place": "internet-ports.yaml:88:21", "policy": "internet-ports-regions-1-2", "ports": "tcp/22",
    "prefixes": ["192.0.2.0/24", "2001:db8::/32"], "question": "tenants -> internet tcp/11371", "review": "", "reviewed": "2026-10-01",
    "role": "viewer", "rule": "allow tcp/11371", "said": "", "schema_version": "1",
    "scope": "*", "secret": "shown-once", "seen": _AT, "service": "ssh",
    "services": ["tcp/11371"], "severity": "medium", "shown": "Anna", "should": "", "signature": "00ff", "source": "tenants",
    "stands": "as it should be", "state": "submitted", "summary": "open, by several lines", "text": "policy: tenants\n",
    "ticket": "OPS-112", "timezone": "Europe/Berlin", "title": "Ports of the provider's perimeter", "to": ["internet"],
    "transports": "tcp/22", "until": "2027-03-31", "url": "https://hooks.example.net/firewright", "verb": "allow", "version": "7",
    "visible": "over a VPN only", "way": "api", "who": "anna", "witness": "tcp 198.51.100.7:49152 -> 192.0.2.9:11371",
    "word": "22", "words": "open", "zone": "tenants", "zones": ["internet", "tenants"],
}  # fmt: skip
"""What stands under a key of the trees."""
_PLAIN: Mapping[str, Any] = {"string": "", "integer": 1, "number": 1, "boolean": False, "null": None, "object": {}}


def example(schema: Tree, schemas: Tree, key: str = "", depth: int = 0) -> Any:
    """A value of a schema: its own example, what is known of its key where that fits, or what its parts make. O(its parts)."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas, key, depth + 1)
    if "examples" in schema:
        return schema["examples"][0]
    for known in _known(key):
        if _fits(known, schema):
            return known
    if "default" in schema:
        return schema["default"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas, key, depth)
    return _made(schema, schemas, key, depth)


def _known(key: str) -> Iterator[Any]:
    """What may stand under a key: as it is written, or as a list of it, or as the first of it."""
    if key in WORDS:
        known = WORDS[key]
        yield known
        if isinstance(known, str):
            yield [known]
        elif isinstance(known, list):
            yield known[0]


def _made(schema: Tree, schemas: Tree, key: str, depth: int) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "array":
        inner = schema.get("items", {})
        return [example(inner, schemas, key, depth + 1)] if depth < 8 else []
    if "properties" in schema:
        return {name: example(one, schemas, name, depth + 1) for name, one in schema["properties"].items()}
    if schema.get("format") == "date-time":
        return _AT
    return _PLAIN.get(kind or "object")


def _fits(value: object, schema: Tree) -> bool:
    """Whether a known word is of the type that a schema wants."""
    options = schema.get("anyOf", [schema])
    return any(_is_of(value, one) for one in options)


def _is_of(value: object, schema: Tree) -> bool:
    kind = schema.get("type")
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, str):
        return kind == "string" and (schema.get("format") != "date-time" or value == _AT)
    if isinstance(value, list):
        return kind == "array" and schema.get("items", {}).get("type") == "string"
    return value is None and kind == "null"
