"""The child process in which one document is read: it limits itself before it looks at a byte of it."""

from __future__ import annotations

import base64
import json
import resource
import sys

from firewright.diagnostic import Report
from firewright.live._child import OUTPUT_LIMIT
from firewright.live.confined import told_page
from firewright.readers.port_documents import Given, MissingExtra, format_of
from firewright.source import Span


def main() -> None:
    """Read the document that standard input tells of, and answer on standard output. The words are seconds and bytes of memory."""
    seconds, memory = map(int, sys.argv[1:3])
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, OUTPUT_LIMIT)
    _limit(resource.RLIMIT_CORE, 0)
    told = json.load(sys.stdin)
    given = Given(told["path"], base64.b64decode(told["bytes"]))
    del told
    report, page = Report(), None
    at = Span(given.path, 1, 1)
    try:
        found = format_of(given)
        if found is None:
            report.error("unreadable", "nothing tells in which format it is", at)
        else:
            page = found.read(given, report)
    except MissingExtra as error:
        report.error("unreadable", str(error), help="pip install 'firewright[documents]'")
    except MemoryError:
        report.error(
            "too-large", f"it needs more than {memory // 2**20} MiB of memory", at, "save only the tables of ports"
        )
    except Exception as error:
        report.error("unreadable", f"it cannot be read: {type(error).__name__}", at, "save it again, or save it as CSV")
    sys.stdout.write(told_page(page, report))


def _limit(kind: int, wanted: int) -> None:
    """Set a limit, or keep one that is lower already."""
    _, most = resource.getrlimit(kind)
    limit = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (limit, limit))
