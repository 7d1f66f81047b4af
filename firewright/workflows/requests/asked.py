"""What somebody asks for, as they type it: a flow in one line, or the file of an exception as it stands in a pull request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

from firewright import document
from firewright.diagnostic import Report, harmless, nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.model.request import Wish
from firewright.source import Source, UnreadableSource, read
from firewright.workflows.requests.estate import Estate
from firewright.workflows.requests.refused import Refused

_LISTS = ("from", "to", "allow", "overrides")
_TEXTS = ("because", "owner", "ticket", "until", "name")
_OF_FILE = ("policy", "rules", "about")
_OF_RULE = (*_LISTS, *_TEXTS)


def flow_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The sources, destinations and services in `FROM -> TO SERVICES`. Raises Refused."""
    left, arrow, right = text.partition("->")
    words = right.replace(",", " , ").split()
    ends: list[str] = []
    while words and (not ends or words[0] == "," or ends[-1] == ","):
        ends.append(words.pop(0))
    sources = tuple(left.replace(",", " ").split())
    destinations = tuple(word for word in ends if word != ",")
    services = tuple(word for word in words if word != ",")
    if not arrow or "<->" in text or not (sources and destinations and services):
        message = f"{harmless(text, 80)!r} does not say what is asked for"
        raise Refused("bad-request", message, "write 'tenants -> internet tcp/11371'", 422)
    return sources, destinations, services


def policy_for(estate: Estate, named: str | None, ends: tuple[str, ...]) -> str:
    """The policy that is meant: the one that is named, itself or by its file, or the only one that knows the zones. Raises Refused."""
    if named is not None:
        for policy in estate.policies.values():
            if named in (policy.name, policy.path) or PurePath(named) == PurePath(policy.path):
                return policy.name
        near = nearest(named, estate.policies)
        known = f"did you mean {near}?" if near else f"there are: {', '.join(estate.policies) or 'none'}"
        raise Refused("unknown-policy", f"there is no policy {harmless(named, 60)!r}", known, 422)
    knowing = [
        policy.name
        for policy in estate.policies.values()
        if all(end in policy.zones or any(mark in end for mark in ".:/") for end in ends)
    ]
    if len(knowing) == 1:
        return knowing[0]
    if not knowing:
        known = ", ".join(dict.fromkeys(name for policy in estate.policies.values() for name in policy.zones))
        message = f"no policy has the zones {' and '.join(ends)}"
        raise Refused("unknown-zone", message, f"there are: {known or 'no policies here'}", 422)
    raise Refused(
        "several-policies", f"several policies have these zones: {', '.join(knowing)}", "name one with -p", 422
    )


def wish_in(given: str | Source, report: Report) -> Wish | None:
    """What the file of an exception asks for, or None after saying in the report what is wrong with it."""
    try:
        source = given if isinstance(given, Source) else Source(given, read(given).text)
    except UnreadableSource as error:
        report.error("unreadable", harmless(str(error)), help="name the file of an exception")
        return None
    tree = document.parse(source, report)
    if tree is None:
        return None
    root = tree.root
    rules = _value(root, "rules")
    if not isinstance(root, Mapping) or not isinstance(rules, Sequence) or len(rules.items) != 1:
        report.error(
            "bad-request", f"{source.path} is not one exception", help="write policy: and rules: with one rule"
        )
        return None
    rule = rules.items[0]
    if not _is_understood(root, rule, report):
        return None
    texts = {key: _text(_value(rule, key)) for key in _TEXTS}
    lists = {key: _texts(_value(rule, key)) for key in _LISTS}
    return Wish(
        _text(_value(root, "policy")), lists["from"], lists["to"], lists["allow"], texts["because"], texts["owner"],
        texts["until"], texts["ticket"], lists["overrides"],
    )  # fmt: skip


def apart_from(estate: Estate, name: str, file: str) -> Estate:
    """The estate without the exception that lies in a file already: what it proposes is not permitted by itself.

    `name` is its policy's; the same estate where no policy of that name has the file. O(rules).
    """
    policy = estate.policies.get(name)
    place = Path(file).resolve()
    own = [path for path in (policy.paths if policy else ())[1:] if Path(path).resolve() == place]
    if policy is None or not own:
        return estate
    rules = tuple(rule for rule in policy.rules if rule.at.path not in own)
    less = replace(policy, rules=rules, paths=tuple(path for path in policy.paths if path not in own))
    return replace(estate, policies={**estate.policies, name: less}, digest=f"{estate.digest} without {place}")


def _is_understood(root: Mapping, rule: Node, report: Report) -> bool:
    """Whether nothing stands in the file that a request cannot ask for; what does is said."""
    strange = [name for name, _ in root.entries if name.text not in _OF_FILE]
    strange += [name for name, _ in rule.entries if name.text not in _OF_RULE] if isinstance(rule, Mapping) else []
    for name in strange:
        way_out = f"a request has {', '.join((*_LISTS, *_TEXTS))}; ask for the rest in the policy itself"
        report.error("bad-request", f"{harmless(name.text, 60)!r} cannot be asked for by a request", name.at, way_out)
    return not strange


def _value(node: Node | None, key: str) -> Node | None:
    if not isinstance(node, Mapping):
        return None
    return next((value for name, value in node.entries if name.text == key), None)


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""


def _texts(node: Node | None) -> tuple[str, ...]:
    if isinstance(node, Sequence):
        return tuple(text for item in node.items if (text := _text(item)))
    return (node.text,) if isinstance(node, Scalar) and node.text else ()
