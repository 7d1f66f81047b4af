"""A table as nft reads it: one transaction that replaces the table of the same name, laid out as nft itself lists rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from firewright.model.interval import Ranges
from firewright.syntax.nftables.field import Field, Kind, mask, span
from firewright.syntax.nftables.statement import (
    Compare,
    Counter,
    Flags,
    Log,
    Masked,
    Match,
    Member,
    Named,
    Opening,
    Passing,
    Record,
    Resetting,
    SetHelper,
    SetTimeout,
    Statement,
    Verdict,
    VerdictMap,
)
from firewright.syntax.nftables.table import AddressGroup, Chain, HelperObject, Records, Rule, Table, TimeoutObject
from firewright.syntax.nftables.words import comment

TABLE = "inet firewright"
"""The one table that is ours; nothing else of a machine's ruleset is touched."""
ABOUT = "about"
"""A chain that nothing goes to, whose comment says what the table is: it is made anew with each generation.

The table itself, its base chains and its objects stay when a ruleset is replaced, and with them whatever comments they have.
"""
_INLINE = 100
"""Characters of a set that still stands on the line of its rule."""


def render(table: Table) -> str:
    """The text of a table, deterministic to the byte. Loading it needs nft 1.0.6 or later. O(size of the text)."""
    head = [f"table {TABLE}", f"delete table {TABLE}", f"table {TABLE} {{"]
    blocks = [
        *map(_timeout, table.timeouts),
        *map(_helper, table.helpers),
        *map(_group, table.groups),
        *map(_records, table.records),
        *map(_chain, table.chains),
        [f"\tchain {ABOUT} {{", f'\t\tcomment "{comment(table.comment)}"', "\t}"],
    ]
    body = [line for block in blocks for line in ("", *block)]
    return "\n".join([*head, *body[1:], "}", ""])


def _timeout(one: TimeoutObject) -> list[str]:
    states = ", ".join(f"{state} : {seconds}" for state, seconds in one.seconds.items())
    body = (f"protocol {one.protocol}", f"l3proto {'ip' if one.family == 4 else 'ip6'}", f"policy = {{ {states} }}")
    return [f"\tct timeout {one.name} {{", *(f"\t\t{line}" for line in body), "\t}"]


def _helper(one: HelperObject) -> list[str]:
    return [f"\tct helper {one.name} {{", f'\t\ttype "{one.helper}" protocol {one.protocol}', "\t\tl3proto inet", "\t}"]


def _group(one: AddressGroup) -> list[str]:
    field = Field.SOURCE4 if one.family == 4 else Field.SOURCE6
    words = [span(field.kind, low, high) for low, high in one.ranges]
    kind = "ipv4_addr" if one.family == 4 else "ipv6_addr"
    flags = "constant,interval" if any(low != high for low, high in one.ranges) else "constant"
    elements = [f"\t\t\t{word}," for word in words]
    return [
        f"\tset {one.name} {{",
        f"\t\ttype {kind}",
        f"\t\tflags {flags}",
        "\t\telements = {",
        *elements,
        "\t\t}",
        "\t}",
    ]


def _records(one: Records) -> list[str]:
    kinds = " . ".join(_TYPES[field] if field in _TYPES else _TYPES_OF[field.kind] for field in one.fields)
    body = (f"type {kinds}", f"size {one.size}", "flags dynamic,timeout", f"timeout {one.seconds}s")
    return [f"\tset {one.name} {{", *(f"\t\t{line}" for line in body), "\t}"]


_TYPES_OF = {
    Kind.NAME: "ifname", Kind.FLAG: "ct_state", Kind.ADDRESS4: "ipv4_addr", Kind.ADDRESS6: "ipv6_addr",
    Kind.PORT: "inet_service", Kind.PROTOCOL: "inet_proto", Kind.ICMP_TYPE: "icmp_type", Kind.ICMPV6_TYPE: "icmpv6_type",
}  # fmt: skip
_TYPES = {Field.ICMP_CODE: "icmp_code", Field.ICMPV6_CODE: "icmpv6_code"}
"""What nft calls the values of fields where they are keys of a set (nft(8), DATA TYPES)."""


def _chain(chain: Chain) -> list[str]:
    lines = [f"\tchain {chain.name} {{"]
    if chain.hook is not None:
        lines.append(f"\t\ttype filter hook {chain.hook} priority filter; policy drop;")
    lines += [line for rule in chain.rules for line in _rule(rule)]
    lines.append("\t}")
    return lines


def _rule(rule: Rule) -> Iterator[str]:
    said = f' comment "{rule.comment}"' if rule.comment else ""
    text = " ".join(map(_statement, rule.statements))
    yield f"\t\t{text}{said}"


def _statement(one: Statement) -> str:
    match one:
        case Match():
            return f"{one.field.words} {'!= ' if one.is_negated else ''}{_values(one.field, one.values)}"
        case Verdict():
            return _verdict(one)
        case Counter():
            return "counter"
        case VerdictMap():
            return _map(one)
        case Named():
            words = [f'"{word}"' for word in one.words]
            listed = words[0] if len(words) == 1 else f"{{ {', '.join(words)} }}"
            return f"{one.field.words} {'!= ' if one.is_negated else ''}{listed}"
        case Flags():
            return f"{Field.STATE.words} {','.join(one.states)}"
        case Resetting():
            return "tcp flags & (fin | syn | rst) == rst"
        case Opening():
            return f"tcp flags & (fin | syn | rst | ack) {'!=' if one.is_negated else '=='} syn"
        case Member():
            return f"{one.field.words} @{one.group}"
        case Compare():
            return f"{Field.TIME.words} {'<' if one.is_before else '>='} {one.instant}"
        case Log():
            return f'limit rate {one.rate}/second burst {one.burst} packets log prefix "{one.prefix}"'
        case SetTimeout():
            return f'ct timeout set "{one.name}"'
        case Passing():
            return f"{'iif' if one.is_in else 'oif'} != 0"
        case Record():
            return f"update @{one.records} {{ {' . '.join(field.words for field in one.fields)} counter }}"
        case SetHelper():
            return f'ct helper set "{one.name}"'
        case _:
            assert_never(one)


def _values(field: Field, ranges: Ranges) -> str:
    words = [span(field.kind, low, high) for low, high in ranges]
    return words[0] if len(words) == 1 else _braced(words)


def _braced(words: list[str]) -> str:
    """A set on the line, or where it is long, an element a line."""
    if len(words) < _INLINE and len(inline := ", ".join(words)) <= _INLINE:
        return f"{{ {inline} }}"
    return "".join(("{\n", *(f"\t\t\t{word},\n" for word in words), "\t\t}"))


def _map(one: VerdictMap) -> str:
    fields = " . ".join(map(_masked, one.fields))
    # Large maps repeat their values: each is put into words once for its field.
    columns = []
    for place, masked in enumerate(one.fields):
        ranges = {key[place] for key, _ in one.elements}
        columns.append({pair: span(masked.field.kind, *pair) for pair in ranges})
    words = [
        f"{' . '.join([column[pair] for column, pair in zip(columns, key, strict=True)])} : {_verdict(verdict)}"
        for key, verdict in one.elements
    ]
    return f"{fields} vmap {_braced(words)}"


def _verdict(one: Verdict) -> str:
    return " ".join((one.word, one.chain)) if one.chain else one.word.value


def _masked(one: Masked) -> str:
    return f"{one.field.words} & {mask(one.field.kind, one.length)}" if one.length else one.field.words
