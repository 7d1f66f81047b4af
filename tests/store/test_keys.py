"""The key that signs heads, and heads as they are exported."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firewright.store.errors import StoreError
from firewright.store.heads import key_at, line, public_of, read_heads, read_public, sign_head, verify_head
from firewright.store.log import Head
from tests.store.made import NOW


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """All who ask at once get the same key, from a file of mode 0600, and nothing else is left in the folder."""
    path = tmp_path / "log.key"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: public_of(key_at(path)), range(8)))
    assert len(set(keys)) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """Nobody signs with a key that others may have; nor with what is none."""
    path = tmp_path / "log.key"
    key_at(path)
    path.chmod(0o640)
    with pytest.raises(StoreError, match="others may read"):
        key_at(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(StoreError, match="holds no key"):
        key_at(path)
    with pytest.raises(StoreError, match="cannot be used"):
        key_at(tmp_path / "none" / "log.key")


def test_a_head_is_exported_and_read_again(tmp_path: Path) -> None:
    """Heads go through text, one a line, and hold against the public key's text and no other's."""
    key, other = key_at(tmp_path / "a"), key_at(tmp_path / "b")
    heads = [sign_head(key, Head(nth, str(nth) * 64), NOW) for nth in range(3)]
    text = "".join(f"{line(head)}\n\n" for head in heads)
    assert read_heads(text) == tuple(heads)
    public = read_public(public_of(key))
    assert all(verify_head(public, head) for head in heads)
    assert not verify_head(read_public(public_of(other)), heads[0])
    assert heads[0].at == "2026-11-21T18:30:00.000250Z"


@pytest.mark.parametrize(
    "bad",
    [
        "{}",
        "[]",
        "no",
        '{"number": "1"}',
        "[" * 100_000,
        '{"number": true, "digest": "", "at": "", "key": "", "signature": ""}',
    ],
)
def test_a_line_that_is_no_head_is_named(tmp_path: Path, bad: str) -> None:
    """A file of heads with a line that is none is refused, with the line's number."""
    good = line(sign_head(key_at(tmp_path / "a"), Head(1, "1" * 64), NOW))
    with pytest.raises(StoreError, match="line 3 is no signed head"):
        read_heads(f"{good}\n{good}\n{bad}\n")


@pytest.mark.parametrize("bad", ["", "no key", "\ud800", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_what_is_no_public_key_is_refused(bad: str) -> None:
    """Nothing is verified with a text that is no key."""
    with pytest.raises(StoreError, match="no public key"):
        read_public(bad)
