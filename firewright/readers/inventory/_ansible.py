"""What the variables of an Ansible inventory mean for us: how a host is reached, and what it is to have."""

from __future__ import annotations

from firewright.diagnostic import Diagnostic, Severity, harmless, nearest
from firewright.document import Mapping, Node, Scalar, Sequence
from firewright.readers.inventory._assembly import LABEL, NO, YES, Draft, Said, say
from firewright.readers.policy_yaml.complaint import Complaints, quoted
from firewright.source import Span

MEANING = {
    "ansible_host": "ssh",
    "ansible_ssh_host": "ssh",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_ssh_private_key_file": "identity",
    "ansible_private_key_file": "identity",
    "firewright_policy": "policy",
    "firewright_firewall": "firewall",
}
"""Variables that are settings of ours, by what they set."""
LABELS = "firewright_labels"
CONNECTION = "ansible_connection"
_CONNECTIONS = {"ssh": "", "smart": "", "paramiko": "", "paramiko_ssh": "", "local": "yes"}
ALL, LOOSE = "all", "ungrouped"
"""The group that every host is in, and the one of the hosts that are in no other."""
HARMLESS = (
    "ansible_become",
    "ansible_become_user",
    "ansible_become_method",
    "ansible_python_interpreter",
    "ansible_interpreter_python",
    "ansible_ssh_pipelining",
    "ansible_pipelining",
    "ansible_ssh_retries",
    "ansible_facts_parallel",
    "ansible_shell_type",
    "ansible_remote_tmp",
    "ansible_distribution",
    "ansible_os_family",
)
"""Variables of Ansible that do not change which machine is reached, as whom, or by which way."""
_ALIKE = 0.84
"""From here on, a variable's name is a misspelt one of ours (ratio of difflib)."""


def take_variable(name: Scalar, value: Node, said: Said, complaints: Complaints, others: set[str]) -> None:
    """Take one variable: a setting of ours, one that changes nothing for us, somebody else's (into `others`), or an error."""
    if name.text in MEANING or name.text == CONNECTION:
        if not isinstance(value, Scalar):
            complaints.error("bad-setting", f"{name.text} has one value", value.at, f"write {name.text}: and one word")
        elif name.text == CONNECTION:
            _connection(value, said, complaints)
        else:
            say(said, MEANING[name.text], (value,), complaints)
    elif name.text == LABELS:
        _labels(value, said, complaints)
    elif name.text in HARMLESS:
        _become(name, value, complaints)
    elif name.text.startswith(("ansible_", "firewright_")):
        _stranger(name, complaints)
    elif near := _misspelt(name.text):
        complaints.error("unknown-variable", f"{quoted(name)} is nearly {near}", name.at, f"did you mean {near}?")
    else:
        others.add(name.text)


def _connection(value: Scalar, said: Said, complaints: Complaints) -> None:
    meaning = _CONNECTIONS.get(value.text)
    if meaning is None:
        message = f"hosts are reached by ssh, not by {quoted(value)}"
        complaints.error(
            "bad-setting", message, value.at, "write ansible_connection: ssh or local, or leave the host out"
        )
    else:
        say(said, "local", (value._replace(text=meaning or "no"),), complaints)


def _become(name: Scalar, value: Node, complaints: Complaints) -> None:
    """Where it is not root, what is done on a host is done by sudo, as root: another way is an error."""
    text = value.text if isinstance(value, Scalar) else ""
    if name.text == "ansible_become_user" and text != "root":
        complaints.error("bad-setting", "a firewall is root's", value.at, "leave it out: it is done by sudo, as root")
    elif name.text == "ansible_become_method" and text not in ("sudo", "ansible.builtin.sudo"):
        complaints.error("bad-setting", f"root is become by sudo, not {text!r}", value.at, "let the user use sudo")
    elif name.text == "ansible_become" and text.lower() not in (*YES, *NO, "1", "0"):
        complaints.error("bad-setting", "ansible_become is yes or no", value.at, "write ansible_become: yes")


def _labels(value: Node, said: Said, complaints: Complaints) -> None:
    """Labels as a mapping, or as `key=value` words by commas, which is all that INI can say."""
    if isinstance(value, Mapping):
        for key, one in value.entries:
            items = one.items if isinstance(one, Sequence) else (one,)
            words = tuple(item for item in items if isinstance(item, Scalar) and item.text)
            if len(words) == len(items) and words:
                say(said, LABEL + key.text, words, complaints)
            else:
                complaints.error("bad-setting", f"the label {quoted(key)} has no words", key.at, "write region: eu")
        return
    if not isinstance(value, Scalar):
        complaints.error("bad-setting", "labels are keys and values", value.at, "write region=eu,role=web")
        return
    for pair in value.text.split(","):
        label, equals, word = (part.strip() for part in pair.partition("="))
        if not (label and equals and word):
            complaints.error("bad-setting", "labels are keys and values", value.at, "write region=eu,role=web")
            return
        say(said, LABEL + label, (value._replace(text=word),), complaints)


def _stranger(name: Scalar, complaints: Complaints) -> None:
    """A variable that changes how a host is reached, and that is not followed here."""
    known = [*MEANING, CONNECTION, LABELS]
    if name.text.startswith("firewright_"):
        near = nearest(name.text, [one for one in known if one.startswith("firewright_")])
        complaints.error("unknown-variable", f"there is no {quoted(name)}", name.at, f"did you mean {near or LABELS}?")
    elif "pass" in name.text:
        way_out = "reach hosts by a key, and let sudo ask for no password: passwords are never read"
        complaints.error("unknown-variable", f"{quoted(name)} is a password", name.at, way_out)
    else:
        near = nearest(name.text, (*known, *HARMLESS)) if not name.text.endswith("_args") else ""
        way_out = "put what ssh needs into ~/.ssh/config or --ssh-config, and take it out here"
        way_out = f"did you mean {near}? otherwise {way_out}" if near else way_out
        complaints.error("unknown-variable", f"{quoted(name)} is not followed here", name.at, way_out)


def _misspelt(name: str) -> str:
    from difflib import SequenceMatcher

    for one in (*MEANING, LABELS, CONNECTION):
        matcher = SequenceMatcher(None, name.lower(), one)
        if matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
            return one
    return ""


def say_others(others: set[str], path: str, complaints: Complaints) -> None:
    """Say once which variables are nobody's business here."""
    if others:
        shown = ", ".join(harmless(name, 40) for name in sorted(others)[:8])
        more = f" and {len(others) - 8} more" if len(others) > 8 else ""
        message = f"variables of playbooks mean nothing here: {shown}{more}"
        complaints.report.add(Diagnostic("foreign-variables", Severity.NOTE, message, Span(path, 1, 1)))


def loosen(draft: Draft) -> None:
    """Take out of `ungrouped` the hosts that are in another group, as Ansible does."""
    loose = draft.groups.get(LOOSE)
    if loose is not None:
        elsewhere = {name for group in draft.groups.values() if group is not loose for name in group.hosts}
        loose.hosts = {name: at for name, at in loose.hosts.items() if name not in elsewhere}
