"""Ends a process that was started for another one when that one is gone, even if it was killed. Linux only.

compare, killed             its Locust process gets a SIGTERM: all hang up, the record is written
a master, killed or ended   the workers that it forked get a SIGTERM
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["PARENT", "end_with_parent"]

PARENT = "LOCUST_SOFTPHONE_PARENT"
"""The environment variable with the id of the process that this one is started for."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """End this process with the one that ``PARENT`` names, and the workers that Locust forks with this process.

    Locust 2.47.0 forks its workers before they know their master. Measured: if it ends in that moment, they look for it
    for minutes. That part can go when Locust ends the children that it has forked, whatever ends it.
    """
    if sys.platform != "linux":
        return
    if parent := os.environ.pop(PARENT, ""):
        _end_with(int(parent))
    forking = os.getpid()
    os.register_at_fork(after_in_child=lambda: _end_with(forking))


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was gone before
        os.kill(os.getpid(), signal.SIGTERM)
