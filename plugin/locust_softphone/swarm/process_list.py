"""Takes a secret that was given on the command line out of what the system shows of this process.

``ps`` and ``/proc/<pid>/cmdline`` read a process's arguments from its own memory, so it can overwrite them, as mysql's
and curl's clients do with a password. Workers that Locust forks show the same arguments, and do the same. Between the
start of a process and this the secret can be seen; so is it where there is no /proc.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["hide"]

_START, _END = 47, 48  # arg_start and arg_end among the fields of proc_pid_stat(5), counted from 0


def hide(secret: str) -> None:
    """Replace ``secret`` by asterisks in ``sys.argv`` and in what the system shows of this process's arguments."""
    if not any(secret in argument for argument in sys.argv) or not secret:
        return
    sys.argv[:] = [argument.replace(secret, "*" * len(secret)) for argument in sys.argv]
    with suppress(OSError, ValueError, IndexError):
        _overwrite(secret.encode())


def _overwrite(secret: bytes) -> None:
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()  # the name may have spaces in it
    start, end = (int(after_name[field - 2]) for field in (_START, _END))
    if not 0 < start < end:
        return
    shown = (ctypes.c_char * (end - start)).from_address(start)
    while (at := shown.raw.find(secret)) >= 0:
        ctypes.memset(start + at, ord("*"), len(secret))
