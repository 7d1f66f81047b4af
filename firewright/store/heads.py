"""Signed heads: what the log's end was, signed so that it can be kept elsewhere. A cut tail or a rewritten one shows against them.

A head is signed with Ed25519 (RFC 8032) over `firewright-head-1`, number, digest and time, each preceded by its length in bytes
(8 bytes, big-endian). `chain.verify` holds a log against them.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from firewright.store.columns import written
from firewright.store.errors import StoreError
from firewright.store.log import Head


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The log's end as it was at an instant (`2026-11-21T18:30:00.000000Z`), the name of the key, and the signature (hex)."""

    number: int
    digest: str
    at: str
    key: str
    signature: str


def key_at(path: Path) -> Ed25519PrivateKey:
    """The key that heads are signed with, from a file that only its owner may read (mode 0600); made there at first use.

    Of several processes that make it at once all get the same. Raises StoreError where others may read it, or it is no such key.
    """
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise StoreError(f"others may read the key {path}", f"chmod 600 {path}; make a new one if somebody did")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise StoreError(
            f"the key {path} cannot be used: {error.strerror}", "name a file in a folder that is there"
        ) from None
    except ValueError:
        raise StoreError(f"{path} holds no key", "restore it, or move it away: a new one is made") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path} holds a key of another kind", "name an Ed25519 key, or a new file")
    return key


def public_of(key: Ed25519PrivateKey) -> str:
    """The public half of a key, as text (PEM) to hand on to whoever verifies."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """A public key from its text (PEM). Raises StoreError where it is none."""
    with suppress(ValueError):
        if isinstance(key := load_pem_public_key(text.encode(errors="replace")), Ed25519PublicKey):
            return key
    raise StoreError("this is no public key for signed heads", "export it anew from the installation that signs")


def sign_head(key: Ed25519PrivateKey, head: Head, at: datetime) -> SignedHead:
    """The end of a log, signed now."""
    moment = written(at)
    signature = key.sign(_signed(head.number, head.digest, moment)).hex()
    return SignedHead(head.number, head.digest, moment, name_of(key.public_key()), signature)


def verify_head(public: Ed25519PublicKey, signed: SignedHead) -> bool:
    """Whether a head was signed with the key."""
    try:
        public.verify(bytes.fromhex(signed.signature), _signed(signed.number, signed.digest, signed.at))
    except (InvalidSignature, ValueError):
        return False
    return True


def name_of(public: Ed25519PublicKey) -> str:
    """By what a key is told from others: the first 16 hex digits of its hash."""
    return sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def line(signed: SignedHead) -> str:
    """A signed head as one line of JSON, without its end."""
    return json.dumps(asdict(signed), separators=(",", ":"))


def read_heads(text: str) -> tuple[SignedHead, ...]:
    """The heads of a file, one on each line that is not blank. Raises StoreError that names the line that is none."""
    lines = enumerate(text.splitlines(), 1)
    return tuple(_read(number, content) for number, content in lines if content.strip())


def _read(number: int, content: str) -> SignedHead:
    with suppress(ValueError, RecursionError):
        values = json.loads(content)
        kinds = {"number": int, "digest": str, "at": str, "key": str, "signature": str}
        if isinstance(values, dict) and all(type(values.get(name)) is kind for name, kind in kinds.items()):
            return SignedHead(**{one.name: values[one.name] for one in fields(SignedHead)})
    raise StoreError(f"line {number} is no signed head", "take it from where it was exported to")


def _signed(number: int, digest: str, at: str) -> bytes:
    parts = [part.encode(errors="surrogatepass") for part in ("firewright-head-1", str(number), digest, at)]
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _make(path: Path) -> None:
    """Write a new key beside its place, whole and on disk, and then let it be there, if none came first."""
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
