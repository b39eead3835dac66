"""Standard output that cannot be written to, because a disk is full or the descriptor is closed: exit code 4."""

from __future__ import annotations

import errno
import os
import sys

__all__ = ["check_open", "discard_unwritten", "is_unwritable"]

_UNWRITABLE = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})


def check_open() -> None:
    """Check that there is a standard output.

    Raises:
        OSError: the program was started without one.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def is_unwritable(error: OSError) -> bool:
    """Whether an error came from writing to an open file; an error of opening one names it."""
    return error.errno in _UNWRITABLE and error.filename is None


def discard_unwritten() -> None:
    """Drop what stdout and stderr could not write, or Python complains and exits with 120 as it flushes at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
