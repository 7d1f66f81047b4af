"""Write every generated page and picture of the documentation: `python -m tools.docs`."""

import sys

from tools.docs.pages import ROOT, everything


def main() -> None:
    """Write what changed, and say which."""
    for name, content in everything().items():
        path = ROOT / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            sys.stderr.write(f"wrote {name}\n")


main()
