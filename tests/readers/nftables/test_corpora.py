"""What nft's own cases have in JSON, whatever their family: nothing of it is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from firewright.readers.nftables import encode, parse

_CORPORA = Path(__file__).parents[4] / "shared" / "corpora"


def _folder(name: str) -> Path:
    found = _CORPORA / name
    if not found.is_dir():
        pytest.skip(f"the corpus {name} is not here")
    return found


def test_the_json_of_nft_itself_is_read() -> None:
    """Every expression and statement of nft's own JSON cases is understood or bounded; none is refused."""
    rules = 0
    for path in sorted(_folder("nftables-tests").glob("py/*/*.json*")):
        family = {"any": "inet"}.get(path.parent.name, path.parent.name)
        pieces = re.split(r"^# .*$", path.read_text(), flags=re.MULTILINE)
        chain = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0}
        objects = [{"table": {"family": family, "name": "t"}}, {"chain": chain}]
        for piece in filter(str.strip, pieces):
            try:
                expressions = json.loads(piece)
            except ValueError:
                continue
            rules += 1
            rule = {
                "family": family,
                "table": "t",
                "chain": "c",
                "handle": rules,
                "expr": [*expressions, {"accept": None}],
            }
            objects.append({"rule": rule})
        read = encode(parse(json.dumps({"nftables": objects}), path.name))
        assert not [line for line in read.lines if line.refused], path.name
    assert rules > 1000
