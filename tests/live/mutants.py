"""Wrong rulesets made of right ones, each by one small fault, and the proof that a fault is none that a packet could show.

`python -m tests.live.mutants [POLICY]... [--count N]` plants N faults in each firewall of each policy and says how many the
witnesses find: the whole of what the suite does with few.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from random import Random

from firewright.analysis.ground import Ground, ground_of
from firewright.analysis.states import first_state
from firewright.analysis.validate import real
from firewright.analysis.witnesses import Witness, witnesses
from firewright.diagnostic import Report, Severity
from firewright.live.nft import NftError, list_back
from firewright.live.rehearsal import rehearse
from firewright.live.testbed import CannotLoad, Testbed
from firewright.model.address import BROADCAST, LOOPBACK, MULTICAST, UNSPECIFIED, AddressSet
from firewright.model.essential import LINK_LOCAL
from firewright.model.interval import Ranges, canonical, complement
from firewright.model.packet import FAMILIES, ConntrackState, Family, Packet
from firewright.model.policy import Firewall, Policy
from firewright.readers.nftables import encode, parse
from firewright.space.axis import ANY_INTERFACE, HOST
from firewright.space.box import Box, box
from firewright.space.packetset import PacketSet
from firewright.space.ruleset import machine
from firewright.workflows.rehearse import counters, miscounted
from firewright.workflows.selection import Wanted, select
from firewright.writers.nftables import WRITER

_FEW = 12
"""One witness of so many is sent before the others: most faults are so great that these see them."""
WORDS = ("accept", "drop", "reject")
_NEVER_FIRST: Ranges = canonical(
    (flags, flags) for flags in range(256) if first_state(Packet(4, 1, 2, 6, tcp_flags=flags)) is ConntrackState.INVALID
)
"""Flags of TCP segments that conntrack finds invalid where it has seen none before."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A ruleset with one fault: what kind it is, the line as it was and as it is."""

    kind: str
    text: str
    before: str
    after: str


_Change = Callable[[Random, str], str]
_NAMED_PORTS: list[int] = []
"""The ports of the ruleset that is at hand."""


def _swapped(*pairs: tuple[str, str]) -> _Change:
    """Put one word for the other, wherever one of the pairs stands first."""

    def change(random: Random, line: str) -> str:
        found = [(one, other) for pair in pairs for one, other in (pair, pair[::-1]) if re.search(rf"\b{one}\b", line)]
        if not found:
            return line
        one, other = random.choice(found)
        return re.sub(rf"\b{one}\b", other, line, count=1)

    return change


def _port(random: Random, line: str) -> str:
    """One port, ICMP type or protocol number one off."""
    if not re.search(r"\b([ds]port|type|l4proto|ttl|hoplimit)\b", line):
        return line
    found = [one for one in re.finditer(r"(?<![\w.:/])\d{1,5}(?![\w.:/])", line) if 0 < int(one[0]) <= 65535]
    return _put(line, random.choice(found), lambda text: str(int(text) + random.choice((-1, 1)))) if found else line


def _put(line: str, found: re.Match[str], change: Callable[[str], str]) -> str:
    return line[: found.start()] + change(found[0]) + line[found.end() :]


_ADDRESS = re.compile(r"(?<![\w.:-])(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)(?:/\d+|-[0-9a-f.:]+)?(?![\w.:/])")


def _prefix(random: Random, line: str) -> str:
    """One prefix a bit longer or shorter, one end of a range or one address one off."""
    found = [one for one in _ADDRESS.finditer(line) if _is_address(one[0])]
    return _put(line, random.choice(found), lambda text: _moved(random, text)) if found else line


def _is_address(text: str) -> bool:
    try:
        return all(ip_address(part) is not None for part in re.split(r"/\d+$|-", text) if part)
    except ValueError:
        return False


def _moved(random: Random, text: str) -> str:
    low, dash, high = text.partition("-")
    if dash:
        moved = random.choice((0, 1))
        ends = [ip_address(low), ip_address(high)]
        ends[moved] = _beside(random, ends[moved])
        return f"{ends[0]}-{ends[1]}"
    address, slash, length = text.partition("/")
    if not slash:
        return str(_beside(random, ip_address(address)))
    network = ip_network(text)
    longer = min(int(length) + random.choice((-1, 1)), network.max_prefixlen)
    return _said(ip_network(f"{address}/{max(1, longer)}", strict=False))


def _said(network: IPv4Network | IPv6Network) -> str:
    return str(network)


def _beside(random: Random, address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    number = int(address) + random.choice((-1, 1))
    return type(address)(max(0, min(number, 2**address.max_prefixlen - 1)))


def _element_lost(random: Random, line: str) -> str:
    """One element of a set less."""
    found = re.search(r"\{ ([^{}]*,[^{}]*) \}", line)
    if not found:
        return line
    parts = [part for part in found[1].split(", ") if part]
    parts.pop(random.randrange(len(parts)))
    return f"{line[: found.start()]}{{ {', '.join(parts)} }}{line[found.end() :]}"


def _element_added(random: Random, line: str) -> str:
    """One port more in a set, or a set where there was one port: a port that the ruleset names elsewhere."""
    found = re.search(r"dport (?:\{ (?P<set>[^{}:]+) \}|(?P<one>\d+))(?![-\w])", line)
    if not found:
        return line
    had = found["set"] or found["one"]
    return f"{line[: found.start()]}dport {{ {had}, {random.choice(_NAMED_PORTS)} }}{line[found.end() :]}"


def _lost_match(random: Random, line: str) -> str:
    """A match less: the rule says more than it should."""
    found = re.match(
        r"(\t+)((?:ip6?|tcp|udp|icmp|icmpv6|meta l4proto|ct state) (?:[a-z]+ )?(?:\{[^}]*\}|\S+)) (.+)", line
    )
    return f"{found[1]}{found[3]}" if found else line


_CHANGES: dict[str, _Change] = {
    "port one off": _port,
    "prefix one off": _prefix,
    "element lost": _element_lost,
    "element added": _element_added,
    "verdict swapped": _swapped(("accept", "drop")),
    "family mixed up": _swapped(("ipv4", "ipv6")),
    "protocol changed": _swapped(("tcp", "udp"), ("icmp", "tcp"), ("sctp", "tcp"), ("ah", "esp")),
    "ends swapped": _swapped(("saddr", "daddr"), ("iifname", "oifname"), ("sport", "dport")),
    "state changed": _swapped(("established", "new"), ("invalid", "related"), ("established", "related")),
    "match lost": _lost_match,
    "interface changed": lambda random, line: re.sub(r'("lo"|"[a-z]+[0-9*]+")', '"other9"', line, count=1),
    "answer lost": lambda random, line: "\t\tdrop" if line.strip().startswith("reject") else line,
    "flags changed": _swapped(("syn", "ack"), ("fin", "psh")),
    "negated": lambda random, line: re.sub(r"\b(saddr|daddr|dport|state|type) (?=[^!=])", r"\1 != ", line, count=1),
    "wrong hook": _swapped(("hook input", "hook output"), ("hook forward", "hook input")),
    "jump for goto": _swapped(("goto", "jump")),
    "return for verdict": _swapped(("accept", "return"), ("drop", "return")),
}


def mutants(text: str, count: int, seed: int) -> Iterator[Mutant]:
    """So many different rulesets, each with one fault, of every kind in turn; the same for the same seed."""
    random = Random(seed)
    lines = text.split("\n")
    _NAMED_PORTS[:] = sorted(
        {int(one) for found in re.findall(r"dport ([^a-z]*)", text) for one in re.findall(r"\d+", found)}
    )
    places = [number for number, line in enumerate(lines) if _is_rule(line)]
    kinds = [*_CHANGES, "rule lost", "rules swapped"]
    seen, tries = {text}, 0
    while count and tries < 400 * len(kinds):
        tries += 1
        kind = kinds[tries % len(kinds)]
        number = random.choice(places)
        changed = list(lines)
        rule, mark, comment = changed[number].partition(" comment ")
        if kind == "rule lost":
            changed[number] = ""
        elif kind == "rules swapped":
            if number + 1 not in places or "type filter" in changed[number]:
                continue
            changed[number : number + 2] = changed[number + 1], changed[number]
        else:
            changed[number] = _CHANGES[kind](random, rule) + mark + comment
        whole = "\n".join(changed)
        if whole not in seen:
            seen.add(whole)
            count -= 1
            yield Mutant(kind, whole, lines[number].strip(), changed[number].strip())


def _is_rule(line: str) -> bool:
    """Whether a line is a rule that witnesses can show: what only a helper's flows show is for the scenes to see."""
    return line.startswith("\t\t") and not line.strip().startswith("comment") and "helper" not in line


def _not_carried(family: Family, is_helped: bool) -> Iterator[Box | None]:
    """The packets that no kernel brings to a hook, or that conntrack never says such a thing of, as `ground.obstacle` has it."""

    def ranges(addresses: AddressSet) -> Ranges:
        return addresses.ranges(family)

    yield box(family, source=ranges(MULTICAST | BROADCAST))
    elsewhere = {"in_interface": ANY_INTERFACE, "out_interface": ANY_INTERFACE}
    yield box(family, destination=ranges(MULTICAST | BROADCAST | UNSPECIFIED | LOOPBACK), **elsewhere)
    yield box(family, source=ranges(UNSPECIFIED), **elsewhere)
    yield box(family, destination=ranges(UNSPECIFIED))
    yield box(family, in_interface=HOST, out_interface=ANY_INTERFACE, destination=ranges(LOOPBACK))
    if family == 6:
        yield box(family, source=ranges(LINK_LOCAL), **elsewhere)
        yield box(family, destination=ranges(LINK_LOCAL), **elsewhere)
        yield box(family, source=ranges(LOOPBACK), in_interface=ANY_INTERFACE)
        yield box(family, destination=ranges(LOOPBACK), in_interface=ANY_INTERFACE)
        yield from (
            box(family, destination=((start << 112, (start << 112) + (2 << 112) - 1),))
            for start in range(0xFF00, 0x10000, 16)
        )
        yield from (
            box(family, service=((one << 16, one << 16 | 65535),)) for one in (0, 43, 44, 60, 135, 139, 140, 253, 254)
        )
    else:
        yield box(family, source=ranges(UNSPECIFIED), out_interface=HOST)
    yield from _never_so(family, is_helped)


def _never_so(family: Family, is_helped: bool) -> Iterator[Box | None]:
    """States that conntrack never gives to packets of such a kind."""
    icmp, other = (1, 58) if family == 4 else (58, 1)
    errors, queries = ((3, 4, 5, 11, 12), (8, 13, 15, 17)) if family == 4 else (tuple(range(128)), (128, 139))
    untracked = () if family == 4 else (*range(130, 137), 143, 151, 152)

    def kinds(numbers: Sequence[int]) -> Ranges:
        return tuple((icmp << 16 | one << 8, icmp << 16 | one << 8 | 255) for one in numbers)

    def state(one: ConntrackState) -> Ranges:
        return ((int(one), int(one)),)

    every = 0xFFFFFF
    helped = ((6 << 16, 6 << 16 | 65535), (17 << 16, 17 << 16 | 65535)) if is_helped else ()
    new, related, invalid = ConntrackState.NEW, ConntrackState.RELATED, ConntrackState.INVALID
    yield box(
        family,
        conntrack_state=state(ConntrackState.UNTRACKED),
        service=complement(tuple(sorted(kinds(untracked))), every),
    )
    yield box(
        family, conntrack_state=state(related), service=complement(tuple(sorted((*kinds(errors), *helped))), every)
    )
    yield from (
        box(family, conntrack_state=state(new), service=((icmp << 16 | one << 8, icmp << 16 | one << 8 | 255),))
        for one in range(256)
        if one not in queries
    )
    yield from (
        box(family, conntrack_state=state(wrong), service=kinds(untracked))
        for wrong in ConntrackState
        if wrong is not ConntrackState.UNTRACKED and untracked
    )
    established = state(ConntrackState.ESTABLISHED)
    yield box(family, conntrack_state=state(new), tcp_flags=_NEVER_FIRST)
    # No answer comes from a group, so no flow to one is ever established.
    yield box(family, conntrack_state=established, destination=(MULTICAST | BROADCAST).ranges(family))
    # A flow of ICMP is opened by a query, and only that and its answer are known by the flow (icmp_pkt_to_tuple, invmap).
    answered = (0, 8, *range(13, 19)) if family == 4 else (128, 129, 139, 140)
    strange = [one for one in range(256) if one not in answered]
    yield from (box(family, conntrack_state=established, service=(one,)) for one in kinds(strange))
    yield box(family, conntrack_state=complement(state(invalid), 4), service=((other << 16, other << 16 | 65535),))
    yield from (
        box(family, conntrack_state=state(invalid), service=((one << 16, one << 16 | 65535),))
        for one in range(256)
        if one not in (1, 6, 17, 58)
    )


class Proof:
    """Whether a ruleset differs from a right one in a packet that a kernel carries, by the reader of listings.

    Packets that only a helper relates to a flow are left out: what becomes of those is for the scenes to see.
    """

    def __init__(self, text: str) -> None:
        self.right = _decisions(text)
        self.carried = ~PacketSet.of({family: list(_not_carried(family, is_helped=False)) for family in FAMILIES})
        self.within = {family: real(family) for family in FAMILIES}

    def difference(self, text: str) -> str:
        """A packet that two rulesets treat differently, in words, or an empty text where they treat all alike."""
        found = _decisions(text)
        for word in WORDS:
            packet = ((self.right[word] - found[word]) & self.carried).witness(self.within)
            if packet is not None:
                return f"{packet} [{packet.in_interface or 'host'} > {packet.out_interface or 'host'}] flags {packet.tcp_flags}"
        return ""


def _decisions(text: str) -> dict[str, PacketSet]:
    listed = list_back(text)
    ruleset = encode(parse(listed.json, "mutant", listed.text), time.time())
    wrong = [one.message for one in ruleset.diagnostics if one.severity is Severity.ERROR]
    if wrong:
        raise ValueError(wrong[0])
    programs = machine(ruleset)
    return {word: PacketSet.decided(programs, word) for word in WORDS}


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the mutants of a firewall: found, of those that a packet can show; and those that were not."""

    found: int
    alike: int
    survivors: tuple[tuple[Mutant, str], ...]

    @property
    def share(self) -> float:
        """The part of the faults that the witnesses found."""
        shown = self.found + len(self.survivors)
        return self.found / shown if shown else 0.0


def score(bed: Testbed, text: str, chosen: Sequence[Witness], count: int, seed: int = 1) -> Score:
    """Plant so many faults, one at a time, and see which of them the witnesses find; those that no packet shows do not count."""
    proof: Proof | None = None
    right = rehearse(bed, text, chosen)
    if right.disagreements or right.unsent:
        raise ValueError(
            f"the ruleset is wrong before any fault is planted: {right.disagreements[:1]} {right.unsent[:1]}"
        )
    found, alike = 0, 0
    survivors = []
    for mutant in mutants(text, count, seed):
        try:
            is_found = _is_found(bed, mutant.text, chosen)
        except CannotLoad:
            continue  # nft itself finds this fault
        if is_found:
            found += 1
            continue
        proof = proof or Proof(text)
        try:
            difference = proof.difference(mutant.text)
        except (NftError, ValueError) as error:
            difference = f"unread: {error}"
        if difference:
            survivors.append((mutant, difference))
        else:
            alike += 1
    return Score(found, alike, tuple(survivors))


def _is_found(bed: Testbed, text: str, chosen: Sequence[Witness]) -> bool:
    """Whether a witness finds a fault: first some of all kinds are asked, and only if they do not the others."""
    for part in (chosen[::_FEW], [one for number, one in enumerate(chosen) if number % _FEW]):
        outcome = rehearse(bed, text, part)
        if outcome.disagreements or outcome.unsent:
            return True
        if not outcome.again and any(miscounted(part, counters(bed.listing()))):
            return True
    return False


def firewalls(path: str, day: date) -> Iterator[tuple[Policy, Firewall, Ground, str]]:
    """Each firewall of a policy's file, with its ground and its compiled text."""
    report = Report()
    policies = select(Wanted(Path.cwd(), datetime.now(timezone.utc), (path,)), report)  # noqa: UP017
    if policies is None:
        raise ValueError("; ".join(one.message for one in report.sorted()))
    for policy in policies:
        for firewall in policy.firewalls.values():
            yield policy, firewall, ground_of(policy, firewall), WRITER.emit(policy, firewall, day, report).text


def main() -> None:
    """Plant faults in the firewalls of policies and print how many were found."""
    parser = argparse.ArgumentParser(description="Plant faults in compiled rulesets and see which the witnesses find.")
    parser.add_argument("policies", nargs="+")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    totals: Counter[str] = Counter()
    day = datetime.now(timezone.utc).date()  # noqa: UP017
    for path in given.policies:
        for policy, firewall, ground, text in firewalls(path, day):
            chosen = witnesses(policy, firewall, day, ground).found
            with Testbed(ground) as bed:
                begun = time.monotonic()
                came = score(bed, text, chosen, given.count, given.seed)
            seconds = time.monotonic() - begun
            totals.update(found=came.found, alike=came.alike, survived=len(came.survivors))
            print(
                f"{policy.name} {firewall.name}: {len(chosen)} witnesses, {came.found} faults found, {came.alike} shown by no "
                f"packet, {len(came.survivors)} survived ({came.share:.4f}) in {seconds:.0f} s"
            )
            for mutant, difference in came.survivors:
                print(f"  {mutant.kind}: {mutant.before}\n     -> {mutant.after}\n     {difference}")
    print(dict(totals))
    sys.exit(totals["survived"] > 0.01 * (totals["found"] + totals["survived"]))


if __name__ == "__main__":
    main()
