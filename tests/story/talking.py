"""What the machines of a story say to each other, run inside one of them; the standard library is all that it needs.

serve PORT...          answers by TCP and UDP, in both families, each piece with itself
ask PORT ADDRESS...    asks by UDP and by TCP until its standard input ends, then prints how often, and how often it was answered
pass ADDRESS PORT N    hands N bytes of its standard input on to there and what comes back to its standard output, and breaks off
hold ADDRESS PORT      keeps one TCP connection; asks over it for each line of its standard input: `answered` or `silent`
"""

from __future__ import annotations

import json
import os
import select
import selectors
import socket
import sys
import threading
from contextlib import suppress
from itertools import count

_PAUSE, _PATIENCE, _SHORT = 0.01, 5.0, 0.4


class _Asked:
    """How often was asked, and how often it was answered."""

    def __init__(self) -> None:
        self.asked = self.answered = 0


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _serve(ports: list[int]) -> None:
    waiting = selectors.DefaultSelector()
    for port in ports:
        datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        datagrams.bind(("::", port))
        waiting.register(datagrams, selectors.EVENT_READ, "datagrams")
        listening = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        waiting.register(listening, selectors.EVENT_READ, "listening")
    print("serving", flush=True)
    while True:
        for key, _ in waiting.select():
            assert isinstance(key.fileobj, socket.socket)
            _answer(key.fileobj, key.data, waiting)


def _answer(one: socket.socket, kind: str, waiting: selectors.BaseSelector) -> None:
    if kind == "listening":
        waiting.register(one.accept()[0], selectors.EVENT_READ, "connection")
    elif kind == "datagrams":
        with suppress(OSError):
            one.sendto(*one.recvfrom(2048))
    else:
        piece = b""
        with suppress(OSError):
            piece = one.recv(2048)
            one.sendall(piece)
        if not piece:
            waiting.unregister(one)
            one.close()


def _ask_by_udp(address: str, port: int, asked: _Asked, is_over: threading.Event) -> None:
    with socket.socket(_family(address), socket.SOCK_DGRAM) as one:
        one.connect((address, port))
        one.settimeout(_PATIENCE)
        for number in count():
            if is_over.wait(_PAUSE):
                return
            asked.asked += 1
            with suppress(OSError):
                one.send(b"%d" % number)
                if one.recv(64) == b"%d" % number:
                    asked.answered += 1


def _ask_by_tcp(address: str, port: int, asked: _Asked, is_over: threading.Event) -> None:
    """Over a connection that is kept, and over a new one for every question; a datagram that is lost shows, a segment is sent again."""
    with socket.create_connection((address, port), _PATIENCE) as kept:
        while not is_over.wait(_PAUSE * 10):
            asked.asked += 1
            with suppress(OSError), socket.create_connection((address, port), _PATIENCE) as fresh:
                for one in (fresh, kept):
                    one.settimeout(_PATIENCE)
                    one.sendall(b"tcp")
                if fresh.recv(64) == kept.recv(64) == b"tcp":
                    asked.answered += 1


def _ask(port: int, addresses: list[str]) -> None:
    is_over, found, talkers = threading.Event(), {}, []
    for address in addresses:
        for name, talk in (("udp", _ask_by_udp), ("tcp", _ask_by_tcp)):
            found[f"{name} {address}"] = asked = _Asked()
            talkers.append(threading.Thread(target=talk, args=(address, port, asked, is_over)))
    for one in talkers:
        one.start()
    print("asking", flush=True)
    sys.stdin.read()
    is_over.set()
    for one in talkers:
        one.join()
    print(json.dumps({name: (asked.asked, asked.answered) for name, asked in found.items()}), flush=True)


def _hold(address: str, port: int) -> None:
    with socket.create_connection((address, port), _PATIENCE) as one:
        one.settimeout(_SHORT)
        print("holding", flush=True)
        for number, _ in enumerate(sys.stdin):
            try:
                one.sendall(b"%8d" % number)
                is_answered = one.recv(64) == b"%8d" % number
            except OSError:
                is_answered = False
            print("answered" if is_answered else "silent", flush=True)


def _pass(address: str, port: int, most: int) -> None:
    left = most
    with socket.create_connection((address, port), _PATIENCE) as one:
        while True:
            for ready in select.select([0, one.fileno()], [], [])[0]:
                piece = os.read(0, min(left, 65536)) if ready == 0 else one.recv(65536)
                if not piece:
                    return
                if ready == 0:
                    one.sendall(piece)
                    left -= len(piece)
                else:
                    os.write(1, piece)
            if not left:
                return


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "serve":
        _serve([int(word) for word in words])
    elif verb == "ask":
        _ask(int(words[0]), words[1:])
    elif verb == "pass":
        _pass(words[0], int(words[1]), int(words[2]))
    else:
        _hold(words[0], int(words[1]))
