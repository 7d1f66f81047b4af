"""Run inside a namespace of its own: loads rulesets one after the other and says which packets they let through.

Reads JSON on standard input: rulesets, and packets as hexadecimal IP datagrams. Frames are put into one end of a veth pair and
judged at prerouting of the other; a second table behind counts each packet by its IPv4 identification or IPv6 flow label.
"""

import json
import socket
import subprocess
import sys
import time

BEHIND = """table inet behind {{
 chain seen {{ type filter hook prerouting priority 400; policy drop;
{rules}
 }}
}}
"""


def main() -> None:
    """Answer with a list of lists: for each ruleset whether each packet came through."""
    asked = json.load(sys.stdin)
    for command in (
        "link set lo up",
        "link add v0 address 02:00:00:00:00:02 type veth peer name v1",
        "link set v0 up",
        "link set v1 up",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind(("v1", 0))
    time.sleep(0.1)
    print(json.dumps([_passed(text, asked["packets"], sender) for text in asked["rulesets"]]))


def _passed(text: str, packets: list[str], sender: socket.socket) -> list[bool]:
    rules = []
    for number, packet in enumerate(packets, 1):
        key = "ip id" if packet.startswith("4") else "ip6 flowlabel"
        rules.append(f'  {key} {number} counter comment "{number}"')
    behind = BEHIND.format(rules="\n".join(rules))
    subprocess.run(["nft", "-f", "-"], input=f"flush ruleset\n{text}\n{behind}", text=True, check=True)
    for packet in packets:
        kind = b"\x08\x00" if packet.startswith("4") else b"\x86\xdd"
        sender.send(b"\x02\0\0\0\0\2" + b"\x02\0\0\0\0\1" + kind + bytes.fromhex(packet))
    time.sleep(0.02)
    listed = subprocess.run(
        ["nft", "-j", "list", "chain", "inet", "behind", "seen"], check=True, capture_output=True, text=True
    )
    counts = {}
    for one in json.loads(listed.stdout)["nftables"]:
        if "rule" in one:
            rule = one["rule"]
            counts[int(rule["comment"])] = rule["expr"][-1]["counter"]["packets"]
    return [counts[number] > 0 for number in range(1, len(packets) + 1)]


if __name__ == "__main__":
    main()
