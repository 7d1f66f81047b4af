"""The names of protocols and of ICMP types that people write in a policy, and the numbers they stand for.

What each of them is, the catalog says (`catalog/data/protocols.tsv`, `icmp.tsv`); a test holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from firewright.model.packet import DCCP, ICMP, ICMPV6, SCTP, TCP, UDP, UDPLITE, Family

PORTED_NAMES: Mapping[str, int] = MappingProxyType(
    {"tcp": TCP, "udp": UDP, "sctp": SCTP, "dccp": DCCP, "udplite": UDPLITE}
)
"""Protocols with ports, by the word that stands before the slash in `tcp/443`."""

PING_FAMILY: Mapping[Family, int] = MappingProxyType({4: ICMP, 6: ICMPV6})
"""Each family's own ICMP."""

_NAMES = """
0 hopopt, 1 icmp, 2 igmp, 3 ggp, 4 ipencap, 5 st, 6 tcp, 7 cbt, 8 egp, 9 igp, 10 bbn-rcc-mon, 11 nvp-ii, 12 pup,
13 argus, 14 emcon, 15 xnet, 16 chaos, 17 udp, 18 mux, 19 dcn-meas, 20 hmp, 21 prm, 22 xns-idp, 23 trunk-1,
24 trunk-2, 25 leaf-1, 26 leaf-2, 27 rdp, 28 irtp, 29 iso-tp4, 30 netblt, 31 mfe-nsp, 32 merit-inp, 33 dccp, 34 3pc,
35 idpr, 36 xtp, 37 ddp, 38 idpr-cmtp, 39 tp++, 40 il, 41 ipv6, 42 sdrp, 43 ipv6-route, 44 ipv6-frag, 45 idrp,
46 rsvp, 47 gre, 48 dsr, 49 bna, 50 esp, 51 ah, 52 i-nlsp, 53 swipe, 54 narp, 55 min-ipv4, 56 tlsp, 57 skip,
58 ipv6-icmp, 59 ipv6-nonxt, 60 ipv6-opts, 62 cftp, 64 sat-expak, 65 kryptolan, 66 rvd, 67 ippc, 69 sat-mon, 70 visa,
71 ipcv, 72 cpnx, 73 cphb, 74 wsn, 75 pvp, 76 br-sat-mon, 77 sun-nd, 78 wb-mon, 79 wb-expak, 80 iso-ip, 81 vmtp,
82 secure-vmtp, 83 vines, 84 iptm, 85 nsfnet-igp, 86 dgp, 87 tcf, 88 eigrp, 89 ospf, 90 sprite-rpc, 91 larp, 92 mtp,
93 ax.25, 94 ipip, 95 micp, 96 scc-sp, 97 etherip, 98 encap, 100 gmtp, 101 ifmp, 102 pnni, 103 pim, 104 aris,
105 scps, 106 qnx, 107 a/n, 108 ipcomp, 109 snp, 110 compaq-peer, 111 ipx-in-ip, 112 vrrp, 113 pgm, 115 l2tp,
116 ddx, 117 iatp, 118 stp, 119 srp, 120 uti, 121 smp, 122 sm, 123 ptp, 124 isis, 125 fire, 126 crtp, 127 crudp,
128 sscopmce, 129 iplt, 130 sps, 131 pipe, 132 sctp, 133 fc, 134 rsvp-e2e-ignore, 135 mobility-header, 136 udplite,
137 mpls-in-ip, 138 manet, 139 hip, 140 shim6, 141 wesp, 142 rohc, 143 ethernet, 144 aggfrag, 145 nsh, 146 homa, 147 bit-emu
"""
PROTOCOL_NUMBERS: Mapping[str, int] = MappingProxyType(
    {name: int(number) for number, name in (entry.split() for entry in _NAMES.split(","))}
)
"""IP protocols by name: IANA's keyword in lower case, or the shorter word that people know (`ospf`, `isis`)."""

_SPOKEN = ("igmp", "ipv6", "gre", "esp", "ah", "eigrp", "ospf", "etherip", "pim", "ipcomp", "vrrp", "l2tp")
SPOKEN_PROTOCOLS: Mapping[int, str] = MappingProxyType({PROTOCOL_NUMBERS[name]: name for name in _SPOKEN})
"""Protocols that are printed by name. The rest are printed by number: `protocol/rdp` would be read as Remote Desktop."""

TypeAndCodes = tuple[int, int, int]
"""An ICMP type, and its first and last code."""


def _types(listed: str) -> dict[str, TypeAndCodes]:
    pairs = (entry.split() for entry in listed.split(","))
    return {name: (int(number), 0, 255) for number, name in pairs}


ICMP_TYPES: Mapping[Family, Mapping[str, TypeAndCodes]] = MappingProxyType(
    {
        4: MappingProxyType(
            {
                **_types(
                    "0 echo-reply, 3 destination-unreachable, 4 source-quench, 5 redirect, 8 echo-request,"
                    "9 router-advertisement, 10 router-solicitation, 11 time-exceeded, 12 parameter-problem,"
                    "13 timestamp-request, 14 timestamp-reply, 17 address-mask-request, 18 address-mask-reply,"
                    "42 extended-echo-request, 43 extended-echo-reply"
                ),
                "packet-too-big": (3, 4, 4),
            }
        ),
        6: MappingProxyType(
            _types(
                "1 destination-unreachable, 2 packet-too-big, 3 time-exceeded, 4 parameter-problem, 128 echo-request,"
                "129 echo-reply, 130 listener-query, 131 listener-report, 132 listener-done, 133 router-solicitation,"
                "134 router-advertisement, 135 neighbor-solicitation, 136 neighbor-advertisement, 137 redirect,"
                "143 listener-report-v2, 160 extended-echo-request, 161 extended-echo-reply"
            )
        ),
    }
)
"""ICMP types by name. `packet-too-big` in IPv4 is *destination unreachable*, code 4: fragmentation needed (RFC 1191)."""

SHARED_ICMP_TYPES = (
    "echo-request", "echo-reply", "destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem",
)  # fmt: skip
"""Names that mean the same in both families, so that `icmp/NAME` stands for each family's own numbers."""
