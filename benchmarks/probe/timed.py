"""`python -m benchmarks.probe.timed RUNS WORD...`: run a command some times, print the seconds of each and the last output as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time


def main() -> None:
    """Run and print."""
    runs, words = int(sys.argv[1]), sys.argv[2:]
    seconds, out = [], ""
    for _ in range(runs):
        begun = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begun)
        out = done.stdout
        if done.returncode or not out:
            raise SystemExit(f"{words}: {done.returncode}: {done.stderr}")
    print(json.dumps({"seconds": seconds, "out": out}))


if __name__ == "__main__":
    main()
