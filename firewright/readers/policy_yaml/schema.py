"""JSON Schemas for editors, made from the grammar: what a schema can see, it refuses as the reader does.

A schema knows no names: that a zone exists, that zones nest, that a rule has packets, only the reader says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from firewright.document import Node, Scalar, Sequence
from firewright.model.protocol import PORTED_NAMES
from firewright.readers.policy_yaml.approvals import APPROVALS
from firewright.readers.policy_yaml.grammar import EXCEPTION, EXCEPTION_RULE, POLICY, QUESTION, RULE, TESTS, VERBS
from firewright.readers.policy_yaml.shape import (
    Day,
    Duration,
    Endpoint,
    Moment,
    Name,
    Path,
    Question,
    Record,
    ServiceEntry,
    Several,
    Shape,
    Table,
    Text,
    Word,
    YesNo,
    ZoneEntry,
)
from firewright.readers.policy_yaml.values import INTERFACE, NAME, RULE_NAME

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
"""YAML's own reading of `1.3`, `22` or `true` is not ours: each is the text that stands there."""
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_NAME = f"^(?:{NAME.pattern})$"


def policy_schema() -> Schema:
    """The schema of a policy."""
    return _whole(POLICY, "Firewright policy")


def exception_schema() -> Schema:
    """The schema of an exception, a file under `exceptions`. That each rule has an owner, of its own or the file's, no schema says."""
    return _whole(EXCEPTION, "Firewright exception")


def approvals_schema() -> Schema:
    """The schema of `approvals.yaml`. That a count is a number from 1 to 20 no schema says."""
    return _whole(APPROVALS, "Firewright rules of approval")


def policy_tests_schema() -> Schema:
    """The schema of a file of tests."""
    return _whole(TESTS, "Firewright tests of a policy")


def published(schema: Schema) -> str:
    """A schema as the text of its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def plain(node: Node) -> Any:
    """A tree as JSON has it, plain scalars read by YAML 1.2's core schema, as editors do before they ask a schema."""
    if isinstance(node, Scalar):
        return _plain_scalar(node)
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key.text: plain(value) for key, value in node.entries}


def _plain_scalar(node: Scalar) -> Any:
    text = node.text
    if not node.is_plain:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    for number in (int, float):
        if (
            text.isascii()
            and text[-1].isalnum()
            and not any(c in text for c in "_ xX")
            and text.lower() not in _NO_NUMBER
        ):
            try:
                return number(text)
            except ValueError:
                continue
    return text


_NO_NUMBER = ("nan", "inf", "infinity")


def _whole(record: Record, title: str) -> Schema:
    return {"$schema": DIALECT, "title": title, **_record(record)}


def _shape(shape: Shape) -> Schema:
    return _SCHEMAS[type(shape)](shape)


def _record(shape: Record) -> Schema:
    schema: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key.name: {"description": key.says, "examples": [key.example], **_shape(key.shape)} for key in shape.keys
        },
    }
    if required := [key.name for key in shape.keys if key.is_required]:
        schema["required"] = required
    if shape in (RULE, EXCEPTION_RULE):
        schema["allOf"] = [
            {"oneOf": [{"required": [verb]} for verb in VERBS if verb in shape.by_name]},
            {
                "oneOf": [
                    {
                        "required": ["from", "to"],
                        "not": {"anyOf": [{"required": ["between"]}, {"required": ["within"]}]},
                    },
                    *({"required": [one], "not": {"anyOf": _others(one)}} for one in ("between", "within")),
                ]
            },
        ]
        schema["dependentRequired"] = {"overrides": ["until"]}
    return schema


def _others(who: str) -> list[Schema]:
    return [{"required": [key]} for key in ("from", "to", "between", "within") if key != who]


def _several(shape: Several) -> Schema:
    of = _shape(shape.of)
    forms: list[Schema] = [{"type": "array", "items": of, "minItems": shape.least}]
    if shape.word:
        forms.append({"const": shape.word})
    elif shape.is_loose and shape.least == 1:
        forms.append(of)
    return forms[0] if len(forms) == 1 else {"anyOf": forms}


def _table(shape: Table) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": _shape(shape.of)}
    if shape.words:
        schema["propertyNames"] = {"enum": list(shape.words)}
    elif shape.kind in ("zone", "service", "option", "firewall", "label"):
        schema["propertyNames"] = {"pattern": _NAME}
    return schema


def _name(shape: Name) -> Schema:
    patterns = {"policy": _NAME, "rule": f"^(?:{RULE_NAME.pattern})$", "interface": f"^(?:{INTERFACE.pattern})$"}
    if shape.kind in patterns:
        # a name may look like a number to YAML
        return {"type": ["string", "number", "boolean"], "pattern": patterns[shape.kind]}
    return {**_TEXT, "minLength": 1}


def _service(_: Shape) -> Schema:
    ports: Schema = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
    from_ports: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["source-port"],
        "minProperties": 2,
        "maxProperties": 2,
        "properties": dict.fromkeys((*PORTED_NAMES, "source-port"), ports),
    }
    return {"anyOf": [{"type": "string", "pattern": "^.*[A-Za-z].*$"}, from_ports]}


_SCHEMAS: Mapping[type, Callable[[Any], Schema]] = {
    Text: lambda _: {**_TEXT, "minLength": 1},
    Name: _name,
    Word: lambda shape: {"enum": list(shape.words)},
    YesNo: lambda _: {"enum": ["yes", "no", "true", "false", True, False]},
    Day: lambda _: {"type": "string", "pattern": f"^{_DAY}$"},
    Moment: lambda _: {"type": "string", "pattern": f"^{_DAY}(?:T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?)?$"},
    Duration: lambda _: {"type": "string", "pattern": "^[0-9]{1,12}[smhd]$"},
    Path: lambda _: {"type": "string", "minLength": 1, "not": {"pattern": r"^[/~]|://|\\"}},
    ZoneEntry: lambda _: {"type": ["string", "number"], "minLength": 1},
    Endpoint: lambda _: {"type": ["string", "number"], "minLength": 1},
    ServiceEntry: _service,
    Several: _several,
    Table: _table,
    Question: lambda shape: {"anyOf": [_shape(shape.otherwise), _record(QUESTION)]},
    Record: _record,
}
