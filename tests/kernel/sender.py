"""Sends prepared frames by one interface, over and over, at a rate, until its standard input says stop.

Run as a program inside a namespace: DEVICE CPU RATE FILE. FILE holds frames, each after its length in two bytes. It writes a
line when it is ready, begins at a line, ends at the next, and writes what it sent. A veth hands a frame over within the call that
sends it, so this one processor does all the work of the firewall as well, and the rest of the machine may replace its ruleset.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

from firewright.live._namespace import die_with_parent

_SOL_PACKET, _QDISC_BYPASS = 263, 20
_BATCH = 64


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


class _Header(ctypes.Structure):
    """struct msghdr (recvmsg(2))."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("pieces", ctypes.POINTER(_Piece)),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr (sendmmsg(2))."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint))


def read_frames(path: Path) -> list[bytes]:
    """The frames of a file."""
    raw, at, found = path.read_bytes(), 0, []
    while at < len(raw):
        (length,) = struct.unpack_from("<H", raw, at)
        found.append(raw[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def write_frames(path: Path, frames: list[bytes]) -> None:
    """Write the file that this program reads."""
    path.write_bytes(b"".join(struct.pack("<H", len(frame)) + frame for frame in frames))


def _send(device: str, rate: float, frames: list[bytes]) -> tuple[int, float]:
    """Send until told to stop; how many, and in which time."""
    pieces = [_Piece(frame, len(frame)) for frame in frames]
    messages = (_Message * len(frames))()
    for message, piece in zip(messages, pieces, strict=True):
        message.header.pieces, message.header.piece_count = ctypes.pointer(piece), 1
    libc, size = ctypes.CDLL(None, use_errno=True), ctypes.sizeof(_Message)
    parts = [
        (ctypes.byref(messages, start * size), min(_BATCH, len(frames) - start))
        for start in range(0, len(frames), _BATCH)
    ]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.setsockopt(_SOL_PACKET, _QDISC_BYPASS, 1)
        out.bind((device, 0))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        sent, begun = 0, time.perf_counter()
        while not sent or not select.select([sys.stdin], [], [], 0)[0]:
            for part, count in parts:
                # What a full queue refuses is not sent again: it is not counted either.
                sent += max(0, libc.sendmmsg(out.fileno(), part, count, 0))
                ahead = begun + sent / rate - time.perf_counter()
                if ahead > 0:
                    time.sleep(ahead)
        return sent, time.perf_counter() - begun


def main() -> None:
    """Send as the command line says."""
    die_with_parent()
    device, cpu, rate, path = sys.argv[1:]
    os.sched_setaffinity(0, {int(cpu)} & os.sched_getaffinity(0) or os.sched_getaffinity(0))
    sent, seconds = _send(device, float(rate), read_frames(Path(path)))
    sys.stdout.write(json.dumps({"sent": sent, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main()
