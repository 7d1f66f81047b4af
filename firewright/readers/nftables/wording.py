"""A tree in nft's words: equal trees say the same, so the words serve as names of what is not understood."""

from __future__ import annotations

from typing import assert_never

from firewright.readers.nftables.expressions import short
from firewright.readers.nftables.tree import (
    Between,
    Binary,
    Concat,
    Decide,
    Effect,
    Elements,
    Expression,
    Fill,
    Flags,
    Gate,
    Handover,
    Key,
    Looked,
    Match,
    Number,
    Pairs,
    Prefix,
    Reference,
    Statement,
    Strange,
    Translate,
    Truth,
    Verdict,
    VerdictMap,
    Word,
)


def say(expression: Expression | Verdict) -> str:
    """An expression in words; members of sets in an order that does not depend on how they were listed."""
    match expression:
        case Key(text=text) | Word(text) | Strange(text):
            return text
        case Number(number):
            return str(number)
        case Truth(is_there):
            return "exists" if is_there else "missing"
        case Prefix(base, length):
            return f"{say(base)}/{length}"
        case Between(low, high):
            return f"{say(low)}-{say(high)}"
        case Concat(parts):
            return " . ".join(map(say, parts))
        case Flags(parts):
            return ",".join(map(say, parts))
        case Elements(parts):
            return "{ " + ", ".join(sorted(map(say, parts))) + " }"
        case Pairs(rows):
            return "{ " + ", ".join(sorted(f"{say(key)} : {say(data)}" for key, data in rows)) + " }"
        case Reference(name):
            return f"@{name}"
        case Binary(operator, left, right):
            return f"{say(left)} {operator} {say(right)}"
        case Looked(key, data):
            return f"{say(key)} map {say(data)}"
        case Verdict(word, target):
            return f"{word} {target}".strip()
        case _:
            assert_never(expression)


def say_match(match: Match) -> str:
    """A comparison in words, cut where it is long."""
    operator = {"==": "", "in": "& "}.get(match.operator, f"{match.operator} ")
    return short(f"{say(match.left)} {operator}{say(match.right)}")


def say_rule(statements: tuple[Statement, ...]) -> str:
    """A rule in words, cut where it is long."""
    return short(" ".join(filter(None, map(_say_statement, statements))))


def _say_statement(statement: Statement) -> str:
    match statement:
        case Match():
            return say_match(statement)
        case Decide(verdict):
            return say(verdict)
        case VerdictMap(key, data):
            return f"{say(key)} vmap {say(data)}"
        case Effect(text=text) | Fill(text=text) | Gate(text) | Handover(text=text) | Translate(text):
            return text
        case _:
            assert_never(statement)
