"""Removes a secret that was given on the command line from the process list.

``ps`` and ``/proc/<pid>/cmdline`` read a process's arguments from its memory, so the process can overwrite them, as
mysql's and curl's clients do with a password. Workers that Locust forks do the same for their copy. The secret is
visible until then, and stays visible on systems without /proc.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["hide"]

_START, _END = 47, 48  # arg_start and arg_end in proc_pid_stat(5), counted from 0


def hide(secret: str) -> None:
    """Replace ``secret`` with asterisks in ``sys.argv`` and in the process list.

    Only where it is a whole argument, or everything after an argument's ``=``.
    """
    if not secret or not any(argument == secret or argument.endswith(f"={secret}") for argument in sys.argv):
        return
    stars = "*" * len(secret)
    sys.argv[:] = [re.sub(rf"(^|=){re.escape(secret)}$", rf"\1{stars}", argument) for argument in sys.argv]
    with suppress(OSError, ValueError, IndexError):
        _overwrite(os.fsencode(secret))


def _overwrite(secret: bytes) -> None:
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()  # the name may contain spaces
    start, end = (int(after_name[field - 2]) for field in (_START, _END))
    if not 0 < start < end:
        return
    shown = (ctypes.c_char * (end - start)).from_address(start)
    for found in re.finditer(rb"(?<=[\0=])" + re.escape(secret) + rb"(?=\0)", shown.raw):
        ctypes.memset(start + found.start(), ord("*"), len(secret))
