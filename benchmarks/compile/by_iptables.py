"""iptables: linear rules by either back end, with sets of ipset, and as ferm writes them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from ipaddress import ip_network

from benchmarks.compile.clauses import Clause, clauses, is_internet, prefixes
from benchmarks.compile.contestant import Step, Unable
from benchmarks.dataplane.traffic import DAY
from firewright.model.address import EVERYWHERE
from firewright.model.interval import Ranges
from firewright.model.packet import FAMILIES, Family
from firewright.model.policy import Firewall, Policy, Zone

_STATES = """-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -p tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP
"""
_TARGET = {"accept": "ACCEPT", "drop": "DROP"}


def by_nft(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """Linear rules, by iptables over nftables."""
    return _restored(policy, "nft")


def by_legacy(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """Linear rules, by the old back end."""
    return _restored(policy, "legacy")


def _restored(policy: Policy, back_end: str) -> tuple[Step, ...]:
    return tuple(Step(_restore(family, back_end), linear_text(policy, family)) for family in FAMILIES)


def _restore(family: Family, back_end: str) -> tuple[str, ...]:
    tool = f"ip{'' if family == 4 else '6'}tables-{back_end}-restore"
    if shutil.which(tool) is None:
        raise Unable(f"{tool} is not installed")
    return (tool,)


def linear_text(policy: Policy, family: Family) -> str:
    """Linear rules; what comes from the internet is judged in a chain that names what is not the internet."""
    found = clauses(policy, DAY)
    rules = [line for one in found for line in _rules(one, family)]
    return _filter("".join(rules), _internet_chains(found, family))


def _rules(one: Clause, family: Family) -> list[str]:
    if family not in one.families:
        return []
    ends = _end("-d", one.destination, family)
    target = _TARGET[one.verdict]
    if is_internet(one.source):
        target = f"internet_{one.verdict}"
    else:
        ends = [f"{source} {end}" for source in _end("-s", one.source, family) for end in ends]
    service = f"-p {one.protocol} {_ports(one.ports)}"
    return [f'-A FORWARD {end} {service} -m comment --comment "{one.label}" -j {target}\n' for end in ends]


def _end(word: str, zone: Zone, family: Family) -> list[str]:
    return [f"{word} {prefix}" for prefix in prefixes(zone)[family]]


def _ports(ports: Ranges) -> str:
    words = [str(low) if low == high else f"{low}:{high}" for low, high in ports]
    return f"--dport {words[0]}" if len(words) == 1 else f"-m multiport --dports {','.join(words)}"


def _internet_chains(found: Iterable[Clause], family: Family) -> str:
    """A chain for each verdict: whoever is not of the internet goes back."""
    internet = next((one.source for one in found if is_internet(one.source)), None)
    if internet is None:
        return ""
    others = (EVERYWHERE - internet.addresses).prefixes()
    chains = []
    for verdict, target in _TARGET.items():
        back = "".join(f"-A internet_{verdict} -s {one} -j RETURN\n" for one in others if (":" in one) == (family == 6))
        chains.append(f"-N internet_{verdict}\n{back}-A internet_{verdict} -j {target}\n")
    return "".join(chains)


def _filter(rules: str, chains: str = "") -> str:
    return f"*filter\n:FORWARD DROP [0:0]\n{chains}{_STATES}{rules}-A FORWARD -j DROP\nCOMMIT\n"


def with_ipset(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """Permissions to hosts in one set of destination, port and source network; all else linear, with a set for each group."""
    if shutil.which("ipset") is None:
        raise Unable("ipset is not installed")
    found = clauses(policy, DAY)
    sets: list[str] = []
    tables = []
    for family in FAMILIES:
        kind = "inet" if family == 4 else "inet6"
        exact = dict.fromkeys(entry for one in found for entry in _entries(one, family))
        sets.append(
            f"create allowed{family} hash:ip,port,net family {kind} hashsize {len(exact)} maxelem {2 * len(exact) + 8}\n"
        )
        sets += [f"add allowed{family} {entry}\n" for entry in exact]
        groups: dict[str, str] = {}
        lines = [_with_groups(one, family, groups, sets) for one in found if not _entries(one, family)]
        bans = "".join(line for line in lines if "-j DROP" in line or "_drop" in line)
        rest = "".join(line for line in lines if line and line not in bans)
        hit = f"-A FORWARD -m set --match-set allowed{family} dst,dst,src -j ACCEPT\n"
        tables.append(Step(_restore(family, "legacy"), _filter(bans + hit + rest, _internet_chains(found, family))))
    return (Step(("ipset", "restore"), "".join(sets)), *tables)


def _entries(one: Clause, family: Family) -> list[str]:
    """A permission as elements, where its destinations are hosts and its ports points."""
    if one.verdict != "accept" or is_internet(one.source) or family not in one.families:
        return []
    hosts = prefixes(one.destination)[family]
    if any(ip_network(host).num_addresses > 1 for host in hosts) or any(low != high for low, high in one.ports):
        return []
    return [
        f"{host},{one.protocol}:{port},{source}"
        for host in hosts
        for port, _ in one.ports
        for source in prefixes(one.source)[family]
    ]


def _with_groups(one: Clause, family: Family, groups: dict[str, str], sets: list[str]) -> str:
    if family not in one.families:
        return ""
    words = []
    for word, side, zone in (("-s", "src", one.source), ("-d", "dst", one.destination)):
        found = prefixes(zone)[family]
        if len(found) == 1:
            words.append(f"{word} {found[0]}")
        elif not is_internet(zone):
            if zone.name not in groups:
                groups[zone.name] = f"g{len(groups)}v{family}"
                kind = "inet" if family == 4 else "inet6"
                sets.append(f"create {groups[zone.name]} hash:net family {kind}\n")
                sets += [f"add {groups[zone.name]} {prefix}\n" for prefix in found]
            words.append(f"-m set --match-set {groups[zone.name]} {side}")
    target = f"internet_{one.verdict}" if is_internet(one.source) else _TARGET[one.verdict]
    return f"-A FORWARD {' '.join(words)} -p {one.protocol} {_ports(one.ports)} -j {target}\n"


def by_ferm(policy: Policy, firewall: Firewall) -> tuple[Step, ...]:
    """What ferm makes of the same clauses, loaded by iptables over nftables."""
    if shutil.which("ferm") is None:
        raise Unable("ferm is not installed")
    return tuple(Step(_restore(family, "nft"), _ferm(policy, family)) for family in FAMILIES)


def _ferm(policy: Policy, family: Family) -> str:
    lines = []
    for one in clauses(policy, DAY):
        if family in one.families:
            source = "" if is_internet(one.source) else f"saddr ({' '.join(prefixes(one.source)[family])})"
            target = f"jump internet_{one.verdict}" if is_internet(one.source) else _TARGET[one.verdict]
            ports = " ".join(str(low) if low == high else f"{low}:{high}" for low, high in one.ports)
            ends = f"{source} daddr ({' '.join(prefixes(one.destination)[family])})"
            lines.append(f"{ends} proto {one.protocol} dport ({ports}) {target};")
    states = "mod conntrack ctstate (ESTABLISHED RELATED) ACCEPT; mod conntrack ctstate INVALID DROP;"
    begins = "proto tcp !syn DROP;"
    head = f"domain {'ip' if family == 4 else 'ip6'} table filter {{ {_ferm_internet(policy, family)}"
    text = "\n".join([head, f"chain FORWARD {{ policy DROP; {states} {begins}", *lines, "} }"]) + "\n"
    words = ("ferm", "--noexec", "--lines", "--remote", "-")
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unable(f"ferm refuses: {done.stderr.strip()[-200:]}")
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("#")) + "\n"


def _ferm_internet(policy: Policy, family: Family) -> str:
    internet = next((one.source for one in clauses(policy, DAY) if is_internet(one.source)), None)
    if internet is None:
        return ""
    others = [one for one in (EVERYWHERE - internet.addresses).prefixes() if (":" in one) == (family == 6)]
    return " ".join(
        f"chain internet_{verdict} {{ saddr ({' '.join(others)}) RETURN; {target}; }}"
        for verdict, target in _TARGET.items()
    )
