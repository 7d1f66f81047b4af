"""Run by the system's own Python inside a namespace: load what a folder configures, as the daemon would, without bus or service."""

import sys

from firewall import config  # type: ignore[import-not-found]
from firewall.core.fw import Firewall  # type: ignore[import-not-found]


def main() -> None:
    """Load the folder's configuration into this namespace."""
    config.set_system_config_paths(sys.argv[1])
    Firewall().start()


if __name__ == "__main__":
    main()
