"""What a finding of an audit is known by from one run to the next: short, and the same while its sentence is."""

from __future__ import annotations

import re
from hashlib import sha256

from firewright.diagnostic import Diagnostic

_NUMBER = re.compile(r" \(\d+\)")
"""The number of a process behind its name, which is another after each start."""
LENGTH = 12
"""Hexadecimal digits of a fingerprint."""


def fingerprint(one: Diagnostic) -> str:
    """Of the kind of finding, its file and its sentence without process numbers; lines may move, and severities change."""
    said = f"{one.name}\0{one.at.path}\0{_NUMBER.sub('', one.message)}"
    return sha256(said.encode(errors="surrogateescape")).hexdigest()[:LENGTH]
