"""The command ``locust-softphone`` of this checkout, for tests that start it."""

from __future__ import annotations

import sys

__all__ = ["command"]


def command(*arguments: object) -> list[str]:
    """``locust-softphone`` with these arguments."""
    return [sys.executable, "-m", "locust_softphone.cli", *map(str, arguments)]
