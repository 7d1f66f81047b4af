"""The policies of a story: what web1 is meant to let in, and what nobody should ever apply to it."""

from __future__ import annotations

_HEAD = """policy: {name}
zones:
  administrators: [10.20.0.0/24, "fd20::/64"]
{zones}firewalls:
  local: {{default: drop}}
rules:
"""
_OUTWARD = """  - {from: local, to: any, require: [dns, ntp, https], because: "names, the time, updates"}
  - {from: local, to: any, otherwise: reject, because: a program learns it}
"""


def policy(name: str, *rules: str, zones: str = "") -> str:
    """A policy with some rules, a line each, beside what the machine itself opens."""
    return _HEAD.format(name=name, zones=zones) + "".join(f"  - {rule}\n" for rule in rules) + _OUTWARD


ADMINISTRATION = "{from: administrators, to: local, require: [ssh, ping], because: administration}"
WEB = policy("web", "{from: any, to: local, require: [http, https], because: the pages}", ADMINISTRATION)
MORE = policy(
    "web",
    "{from: any, to: local, require: [http, https, tcp/9000], because: the pages and what is new}",
    ADMINISTRATION,
)
LESS = policy("web", "{from: any, to: local, require: https, because: no page without a cipher}", ADMINISTRATION)
CUT = policy(
    "web",
    "{from: any, to: local, require: [http, https], because: the pages}",
    "{from: operators, to: local, require: ssh, because: the administrators were forgotten}",
    "{from: administrators, to: local, allow: ping, because: they may see that it is up}",
    zones="  operators: 10.99.0.0/24\n",
)
UNMANAGED = policy(
    "web",
    "{from: any, to: local, allow: [http, https], because: the pages}",
    "{from: administrators, to: local, allow: ssh, because: it is possible and not required}",
)
EXAMPLES = WEB.replace("10.20.0.0/24", "10.20.0.0/24, 192.0.2.0/24")
ALL = {"web": WEB, "more": MORE, "less": LESS, "cut": CUT, "unmanaged": UNMANAGED, "examples": EXAMPLES}
