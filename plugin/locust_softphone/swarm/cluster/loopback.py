"""Which processes share a loopback address: those in one network namespace of one kernel (network_namespaces(7)).

A simulated edge that a master starts listens on its loopback, so that only workers with the same one can reach it.
"""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["loopback_id"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/net")


def loopback_id() -> str:
    """A text that is equal for two processes if 127.0.0.1 is the same for both; without Linux, the host's name."""
    try:
        return f"{_BOOT.read_text().strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return platform.node()
