"""Words that people chose, fit for a ruleset: what is not on the list of harmless characters does not reach nft.

A comment `x"; accept comment "y` would add a rule, and a line break or an escape would reach logs and terminals.
"""

from __future__ import annotations

from hashlib import sha256
from re import compile as pattern

NAME_LIMIT = 120
"""Characters of the longest name that is made; nft takes 127 (NFT_NAME_MAXLEN)."""
COMMENT_LIMIT = 124
"""Characters of the longest comment that is made; nft takes 128 (NFTNL_UDATA_COMMENT_MAXLEN)."""
PREFIX_LIMIT = 120
"""Characters of the longest log prefix that is made; the kernel takes 127 (NF_LOG_PREFIXLEN)."""
INTERFACE_LIMIT = 15
"""Characters of the longest interface name (IFNAMSIZ)."""
_HARMFUL = pattern(r"[^A-Za-z0-9 ,.:;/_()=+@#*-]")
_NOT_IN_NAMES = pattern(r"[^A-Za-z0-9]+")
_NAME = pattern(r"[A-Za-z][A-Za-z0-9_]*")
_INTERFACE = pattern(r"[^\s\"'\\*?/\x00-\x1f\x7f{}$@;,]{1,15}\*?|\*")
_LISTED = """
    accept add address after ah all and arp at auto-merge avgpkt begin both bridge burst bypass bytes c cgroup chain
    chains check cmp code comment comp connlimit constant continue cookie counter counters cpu create ct day dccp
    define delete description destroy dev device devices dnat drop dscp dup dynamic ecn element elements eq
    established esp ether ethertype exists exthdr expires fanout fib file filter flags flow flowtable flush forward
    frag ftp fully-random fwd ge genmask goto gt h handle hash hbh helper helpers hook hour hoplimit ibriport icmp
    icmpv6 id if iif iifgroup iifname iiftype igmp index inet inner ingress input insert interval invalid ip ip6 ipsec
    jhash jump kind l3proto l4proto label le level limit limits list log lt map maps mark masquerade meta meter
    meters missing mh minute mss ne netdev never new nfproto nftrace not notrack ntp numgen obrname oif oifgroup
    oifname oiftype options or original osf output over packets performance persistent pkttype policy postrouting
    prefix prerouting priority proto protocol queue quota quotas random raw redirect reject related rename reply
    replace reset return rt rule rules ruleset secmark secmarks second sack0 saddr daddr sctp security set sets
    size skgid skuid snaplen snat socket spi sport dport state statement stateless symhash synproxy synproxys
    tables table tcp th time timeout to tproxy transparent tunnel type typeof udp udplite unconfirmed untracked
    update uid user version via vlan vmap week wildcard xor xt year zone
"""
_KEYWORDS = frozenset(_LISTED.split())
"""Words that the language of nft knows, so that no name of ours is one (nft 1.0.6 to 1.1)."""


def name(text: str) -> str:
    """A name for a chain, a set or an object: letters, digits and underscores, begins with a letter, is no word of nft's own.

    The same text gives the same name; a text that is too long ends in a hash of all of it.
    """
    plain = _NOT_IN_NAMES.sub("_", text).strip("_") or "unnamed"
    if not plain[0].isalpha():
        plain = f"x_{plain}"
    if len(plain) > NAME_LIMIT - 20:
        plain = f"{plain[: NAME_LIMIT - 32].rstrip('_')}_{sha256(text.encode()).hexdigest()[:8]}"
    return f"{plain}_" if plain.lower() in _KEYWORDS else plain


def checked_name(text: str) -> str:
    """The name itself. Raises ValueError for one that `name` would not have made."""
    if len(text) > NAME_LIMIT or not _NAME.fullmatch(text) or text.lower() in _KEYWORDS:
        raise ValueError(f"no name for nftables: {text!r}")
    return text


def comment(text: str, limit: int = COMMENT_LIMIT) -> str:
    """The text with every character that could end a quotation, a line or a terminal's peace taken out, cut at the limit."""
    plain = _HARMFUL.sub("?", " ".join(text.split()))
    return plain if len(plain) <= limit else f"{plain[: limit - 3].rstrip()}..."


def checked_interface(text: str) -> str:
    """The interface's name, or the beginning of one before a star. Raises ValueError for what could be anything else."""
    if not _INTERFACE.fullmatch(text) or not text.isascii():
        raise ValueError(f"no name of an interface: {text!r}")
    return text
