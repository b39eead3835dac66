"""``python -m locust_softphone``: the command ``locust-softphone``."""

import sys

from locust_softphone.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
