"""A text of nftables as a kernel keeps it: loaded into a namespace of its own, listed back, every chain with a name."""

from __future__ import annotations

import re
from pathlib import Path

from firewright.diagnostic import Report
from firewright.live import nft
from firewright.source import Source

_WAYS_OUT = (
    (r"File not found", "put the included file where it is looked for: absolute, or beside this file"),
    (r"Could not resolve hostname", "write addresses: names of hosts are not looked up, since they change"),
    (r"(?:User|Group) does not exist", "write the user's or group's number: each machine has its own names"),
    (r"unknown identifier", "define it in this file, or read the file that includes this one"),
    (r"Interface does not exist", "match by name (iifname, oifname) instead of by index (iif, oif)"),
    (r"No such file or directory.*", "a chain, set or table that is named here is not in this text, or this kernel lacks it"),
)  # fmt: skip
_KINDS = (
    (re.compile(r"\{\{|\{%|<%|\$\{"), "this looks like a template: read what it renders to"),
    (
        re.compile(r"^\s*(?:sudo\s+)?[^#\s]*ip6?tables\s+-", re.MULTILINE),
        "these are commands: run them, and read what iptables-save prints",
    ),
    (
        re.compile(r"^\s*(?:sudo\s+)?[^#\s]*nft\s+(?:add|create|flush|-f)\s", re.MULTILINE),
        "these are commands: run them, and read what nft list ruleset prints",
    ),
)
_ELSE = "nft itself says more: nft -c -f, on a machine that it is for"


def loaded(source: Source, report: Report) -> nft.Listing | None:
    """What nft lists of a text, or None after saying in the report where and why it does not load, with a way out.

    Line ends of other systems and a last line without one are mended, which nft itself does not take. Chains without a name
    are given one and the ruleset is loaded once more, for nft's JSON does not say what is in them.
    """
    folder = None if source.path == "-" else Path(source.path).resolve().parent
    text = source.text.replace("\r\n", "\n")
    try:
        listing = nft.list_back(text if text.endswith("\n") else text + "\n", source.path, folder)
    except nft.NftError as error:
        report.error("unreadable", error.message, error.at, error.help or _way_out(error.message, text))
        return None
    return _named(listing)


def _named(listing: nft.Listing) -> nft.Listing:
    from firewright.readers.nftables.anonymous import has_anonymous, with_named_chains

    if not has_anonymous(listing.json):
        return listing
    try:
        return nft.list_back(with_named_chains(listing.text))
    except nft.NftError:
        # As it was listed first: what is in those chains is then known in bounds only, and said.
        return listing


def _way_out(message: str, text: str) -> str:
    kind = next((help_ for pattern, help_ in _KINDS if pattern.search(text)), "")
    return kind or next((help_ for pattern, help_ in _WAYS_OUT if re.search(pattern, message)), _ELSE)
