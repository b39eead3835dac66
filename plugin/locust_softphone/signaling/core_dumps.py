"""No core dumps: the memory of a process that has the OAuth client's secret is not written to a disk when it crashes.

A limit of 0 does not stop a handler to which the kernel pipes the dump (core(5), systemd-coredump); a limit of 1 byte
does, and is too small for a file.
"""

from __future__ import annotations

import resource
from contextlib import suppress

__all__ = ["switch_off_core_dumps"]


def switch_off_core_dumps() -> None:
    """For this process and those that it starts; ``prlimit --core=unlimited --pid`` switches them on again."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0 if hard == 0 else 1, hard))
