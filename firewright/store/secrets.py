"""Secrets that the program makes: 256 random bits, of which only a hash is kept."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_urlsafe


def fresh(prefix: str = "") -> str:
    """A new secret of 256 random bits, in 43 characters fit for URLs and headers, behind a prefix by which scanners know it."""
    return prefix + token_urlsafe(32)


def hashed(secret: str, purpose: str) -> str:
    """What is kept of a secret: SHA-256 (hex), apart for each purpose.

    No salt and no slow hash: nobody guesses 256 random bits. Never for what a person chose.
    """
    return sha256(f"firewright {purpose}\0{secret}".encode(errors="surrogatepass")).hexdigest()
