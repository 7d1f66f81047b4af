"""Login with a provider of OpenID Connect (Core 1.0): the code flow with PKCE (RFC 7636), state and nonce, nothing kept on our side.

All three are hashes of one secret that lies in a cookie of the browser that began. Whoever sees the address sent to the provider
learns the hashes only, and an answer that another browser began does not fit.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address
from secrets import token_urlsafe
from threading import Lock
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from firewright.diagnostic import harmless
from firewright.web.problem import Problem
from firewright.web.settings import BadSettings, Oidc

CALLBACK = "/login/oidc/done"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""What may sign an ID token: public keys only. `none` and the HMACs would let whoever knows the client's secret make one."""
_SECONDS = 10.0
_FRESH = timedelta(hours=1)
_LEEWAY = 60
_MOST_GROUPS = 200
_NAME_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider vouches for: a subject that never changes, a name, a shown name, and groups."""

    subject: str
    name: str
    shown: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What a provider says of itself, its keys, and when that was read."""

    document: Mapping[str, Any]
    keys: KeySet
    at: datetime


class Provider:
    """One provider, as this application asks it. What it says of itself is read at the first login, and again every hour."""

    def __init__(self, settings: Oidc, origin: str) -> None:
        """Raises BadSettings for an issuer without TLS, except on this machine."""
        parts = urlsplit(settings.issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname or "")):
            raise BadSettings(f"the issuer {settings.issuer!r} is asked without TLS", "write it with https://")
        self.settings, self._callback = settings, origin + CALLBACK
        self._known: _Known | None = None
        self._lock = Lock()

    def begin(self, next: str, now: datetime) -> tuple[str, str]:
        """Where to send a browser, and the secret for its cookie. Raises Problem where the provider does not answer."""
        secret = f"{token_urlsafe(32)}.{urlsafe_b64encode(next.encode()).decode()}"
        endpoint = httpx.URL(self._told(now).document["authorization_endpoint"])
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._callback,
            "scope": self.settings.scopes,
            "state": _part(secret, "state"),
            "nonce": _part(secret, "nonce"),
            "code_challenge": _hashed(_part(secret, "verifier")),
            "code_challenge_method": "S256",
        }
        return str(endpoint.copy_merge_params(asked)), secret

    def finish(self, secret: str, query: Mapping[str, str], now: datetime) -> Person:
        """Whom the provider vouches for, from what a browser brought back. Raises Problem for anything that does not fit."""
        if not secret or not compare_digest(query.get("state", ""), _part(secret, "state")):
            raise _refused("this login was begun elsewhere, or too long ago")
        if "code" not in query:
            said = harmless(query.get("error_description") or query.get("error") or "nothing", 200)
            raise _refused(f"the provider did not log you in: {said}")
        known = self._told(now)
        if (
            query.get("iss", known.document["issuer"]) != known.document["issuer"]
        ):  # RFC 9207: another provider's answer
            raise _refused("this answer is another provider's")
        try:
            with httpx.Client(timeout=_SECONDS) as client:
                token = self._exchange(client, known, query["code"], _part(secret, "verifier"))
                claims = self._claims(str(token["id_token"]), _part(secret, "nonce"), now)
                claims = {**self._more(client, known, claims, token), **claims}
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise _refused(f"the provider's answer could not be used: {type(error).__name__}") from None
        return self._person(claims)

    def _exchange(self, client: httpx.Client, known: _Known, code: str, verifier: str) -> Mapping[str, Any]:
        """The tokens for a code (RFC 6749, 4.1.3): the secret by HTTP Basic, whose two parts are form-encoded (2.3.1)."""
        own = self.settings
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "client_id": own.client_id,
            "code_verifier": verifier,
        }
        secret = (quote_plus(own.client_id), quote_plus(own.client_secret)) if own.client_secret else None
        answer = client.post(known.document["token_endpoint"], data=sent, auth=secret or httpx.USE_CLIENT_DEFAULT)
        found: Mapping[str, Any] = answer.raise_for_status().json()
        return found

    def _claims(self, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """What an ID token says, checked as OpenID Connect Core 3.1.3.7 asks. Raises Problem."""
        try:
            try:
                claims = jwt.decode(token, self._told(now).keys, algorithms=_ALGORITHMS).claims
            except (JoseError, ValueError):  # the provider may have new keys since we asked
                claims = jwt.decode(token, self._told(now, again=True).keys, algorithms=_ALGORITHMS).claims
            jwt.JWTClaimsRegistry(
                now=lambda: int(now.timestamp()),
                leeway=_LEEWAY,
                iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError) as error:
            raise _refused(f"the provider's ID token does not hold: {harmless(str(error), 200)}") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.settings.client_id:
            raise _refused("the provider's ID token is for another program")
        return dict(claims)

    def _more(
        self, client: httpx.Client, known: _Known, claims: Mapping[str, Any], token: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the provider tells when asked, where the token does not name the groups; nothing of another person."""
        endpoint = known.document.get("userinfo_endpoint")
        if not endpoint or self.settings.groups_claim in claims:
            return {}
        response = client.get(endpoint, headers={"Authorization": f"Bearer {token['access_token']}"})
        said = response.json() if response.is_success else {}
        return said if isinstance(said, dict) and said.get("sub") == claims["sub"] else {}

    def _person(self, claims: Mapping[str, Any]) -> Person:
        named = claims.get(self.settings.name_claim) or claims.get("email")
        if not isinstance(named, str) or not named.strip():
            raise _refused(f"the provider does not say {self.settings.name_claim!r}")
        groups = claims.get(self.settings.groups_claim, [])
        told = groups if isinstance(groups, list) else [groups]
        words = sorted({str(one)[:_NAME_LIMIT] for one in told if isinstance(one, str)})[:_MOST_GROUPS]
        shown = claims.get("name")
        return Person(
            subject=f"{self.settings.issuer}|{claims['sub']}",
            name=named.strip()[:_NAME_LIMIT],
            shown=(shown if isinstance(shown, str) else named).strip()[:_NAME_LIMIT],
            groups=tuple(words),
        )

    def _told(self, now: datetime, *, again: bool = False) -> _Known:
        """What the provider says of itself, with its keys. Raises Problem where it does not answer, or says it is another."""
        with self._lock:
            known = self._known
            if known is None or again or now - known.at > _FRESH:
                known = self._known = self._asked(now)
        return known

    def _asked(self, now: datetime) -> _Known:
        try:
            with httpx.Client(timeout=_SECONDS) as client:
                found = client.get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                document = found.raise_for_status().json()
                keys = client.get(document["jwks_uri"]).raise_for_status().json()
            if document["issuer"] != self.settings.issuer:
                raise ValueError("issuer")
            document["authorization_endpoint"], document["token_endpoint"]
            return _Known(document, KeySet.import_key_set(keys), now)
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            message = f"the provider {self.settings.issuer} does not answer as one: {type(error).__name__}"
            raise Problem(503, "provider", message, "log in with a password, or try again in a moment") from None


def next_of(secret: str) -> str:
    """Where somebody wanted to go when the login began."""
    try:
        return urlsafe_b64decode(secret.partition(".")[2].encode()).decode()
    except ValueError:
        return "/"


def _part(secret: str, purpose: str) -> str:
    """One of the three values that go out: 43 characters that reveal neither the secret nor each other (RFC 7636, 4.1)."""
    return _hashed(f"{purpose}:{secret}")


def _hashed(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()).decode().rstrip("=")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(message: str) -> Problem:
    return Problem(403, "provider-login", message, "begin again at the login page")
