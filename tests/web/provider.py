"""A small provider of OpenID Connect on loopback, as strict as real ones, which can be told to lie."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

CLIENT, SECRET = "firewright", "a client's secret/with:signs"
CALLBACK = "http://testserver/login/oidc/done"


class Provider:
    """It listens until `close`; `claims` is what it says of whoever logs in, `lie` changes an ID token before it is sent."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})
        self.claims: dict[str, Any] = {
            "sub": "4711",
            "preferred_username": "olga",
            "name": "Olga",
            "groups": ["net", "all"],
        }
        self.more: dict[str, Any] = {}
        self.lie: Callable[[dict[str, Any]], str | None] = lambda claims: None
        self.document: dict[str, Any] = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        Thread(target=self._server.serve_forever, daemon=True).start()
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def log_in(self, url: str) -> str:
        """What a browser does there: somebody logs in, and is sent back to the address that this returns."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (
            url.startswith(f"{self.issuer}/authorize?")
            and asked["client_id"] == CLIENT
            and asked["redirect_uri"] == CALLBACK
        )
        assert (
            asked["response_type"] == "code"
            and asked["code_challenge_method"] == "S256"
            and "openid" in asked["scope"].split()
        )
        assert min(len(asked[one]) for one in ("state", "nonce", "code_challenge")) >= 43
        code = token_urlsafe()
        self._codes[code] = asked
        return f"{CALLBACK}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.issuer})}"

    def answer(self, path: str, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """What it says to a program that asks; None is a refusal."""
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            ends = {one: f"{self.issuer}/{name}" for one, name in _ENDPOINTS.items()}
            return {"issuer": self.issuer, **ends, **self.document}
        if path == "/jwks":
            return dict(KeySet([self.key]).as_dict(private=False))
        if path == "/userinfo":
            return {"sub": self.claims["sub"], **self.more} if authorization == "Bearer an-access-token" else None
        return self._token(form, authorization) if path == "/token" else None

    def _token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        asked = self._codes.pop(form.get("code", ""), None)  # a code is good once
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        known = parse_qs("n=" + b64decode(authorization.removeprefix("Basic ")).decode().replace(":", "&s="))
        if asked is None or challenge != asked["code_challenge"] or form["redirect_uri"] != CALLBACK:
            return None
        if form["grant_type"] != "authorization_code" or (known["n"], known["s"]) != ([CLIENT], [SECRET]):
            return None
        now = int(time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        told = self.lie(claims) or self.sign(claims)
        return {"access_token": "an-access-token", "token_type": "Bearer", "id_token": told}

    def sign(self, claims: dict[str, Any], key: ECKey | None = None) -> str:
        """An ID token with its signature."""
        return jwt.encode({"alg": "ES256", "kid": "one"}, claims, key or self.key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            """Hands each request on."""

            def do_GET(self) -> None:
                """Answer a question."""
                self._tell({})

            def do_POST(self) -> None:
                """Answer a form."""
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._tell({name: values[0] for name, values in parse_qs(sent).items()})

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _tell(self, form: dict[str, str]) -> None:
                told = provider.answer(self.path, form, self.headers.get("Authorization", ""))
                body = json.dumps(told or {"error": "invalid_grant"}).encode()
                self.send_response(200 if told is not None else 400)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


def unsigned(claims: dict[str, Any]) -> str:
    """An ID token that claims to need no signature."""
    parts = (json.dumps({"alg": "none"}), json.dumps(claims))
    return ".".join(urlsafe_b64encode(one.encode()).decode().rstrip("=") for one in parts) + "."


def by_secret(claims: dict[str, Any]) -> str:
    """An ID token signed by whoever knows the client's secret."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


_ENDPOINTS = {
    "authorization_endpoint": "authorize",
    "token_endpoint": "token",
    "jwks_uri": "jwks",
    "userinfo_endpoint": "userinfo",
}
