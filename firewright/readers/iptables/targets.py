"""What each target of iptables does to a packet's way."""

from __future__ import annotations

from collections.abc import Container

from firewright.model.packet import TCP, Family
from firewright.readers.iptables.dump import Anything, Target, Translate
from firewright.readers.iptables.options import Parts
from firewright.readers.iptables.words import BadLine
from firewright.space.chain import Continue, Final, Goto, Jump, Return

_PLAIN: dict[str, Target] = {"ACCEPT": Final("accept"), "DROP": Final("drop"), "RETURN": Return()}
_CONTINUING = frozenset(
    (
        "AUDIT", "CHECKSUM", "CLASSIFY", "CONNMARK", "CONNSECMARK", "CT", "DSCP", "ECN", "HL", "HMARK", "IDLETIMER", "LED",
        "LOG", "MARK", "NFLOG", "NOTRACK", "RATEEST", "SECMARK", "SET", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TRACE",
        "TTL", "ULOG",
    )
)  # fmt: skip
"""Targets behind which the next rule is asked (kernel: they return XT_CONTINUE)."""
_TRANSLATING = frozenset(("DNAT", "SNAT", "MASQUERADE", "REDIRECT", "NETMAP"))
"""Targets of the nat table."""
_ANSWERS: dict[Family, frozenset[str]] = {
    4: frozenset(
        (
            "icmp-net-unreachable", "net-unreach", "icmp-host-unreachable", "host-unreach", "icmp-proto-unreachable",
            "proto-unreach", "icmp-port-unreachable", "port-unreach", "icmp-net-prohibited", "net-prohib",
            "icmp-host-prohibited", "host-prohib", "icmp-admin-prohibited", "admin-prohib", "tcp-reset", "tcp-rst",
        )
    ),
    6: frozenset(
        (
            "icmp6-no-route", "no-route", "icmp6-adm-prohibited", "adm-prohibited", "icmp6-addr-unreachable", "addr-unreach",
            "icmp6-port-unreachable", "port-unreach", "tcp-reset", "icmp6-policy-fail", "policy-fail",
            "icmp6-reject-route", "reject-route",
        )
    ),
}  # fmt: skip
"""What `--reject-with` may say."""
_RESETS = ("tcp-reset", "tcp-rst")


def target_of(parts: Parts, family: Family, table: str, chains: Container[str], protocol: int | None) -> Target:
    """Where a rule sends its packets; `chains` are those declared before it that a rule may go to. Raises BadLine."""
    owner = parts.target
    if owner is None:
        return Continue()
    if owner.name in chains:
        if owner.given:
            raise BadLine(f"a chain takes no option {owner.given[0].name}")
        return Goto(owner.name) if parts.is_goto else Jump(owner.name)
    if parts.is_goto:
        raise BadLine(f"-g needs a chain of this table, declared before; {owner.name!r} is none")
    if owner.name in _PLAIN:
        if owner.given:
            raise BadLine(f"{owner.name} takes no option {owner.given[0].name}")
        return _PLAIN[owner.name]
    if owner.name == "REJECT":
        return _reject(parts, family, protocol)
    if owner.name in _TRANSLATING and table == "nat":
        return Translate()
    return Continue() if owner.name in _CONTINUING else Anything(owner.words)


def _reject(parts: Parts, family: Family, protocol: int | None) -> Target:
    for given in parts.target.given if parts.target else ():
        answer = given.values[0] if len(given.values) == 1 else ""
        if given.name != "--reject-with" or answer not in _ANSWERS[family]:
            raise BadLine(f"REJECT cannot answer {given.words!r} in IPv{family}")
        if answer in _RESETS and protocol != TCP:
            raise BadLine(f"--reject-with {answer} needs -p tcp")
    return Final("reject")
