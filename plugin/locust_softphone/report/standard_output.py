"""Standard output: whether it shows colours, and when it cannot be written to (full disk, closed): exit code 4."""

from __future__ import annotations

import errno
import os
import sys

__all__ = ["check_open", "discard_unwritten", "is_unwritable", "print_lines", "wants_colour"]

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


def print_lines(*lines: str) -> None:
    """Print lines at once; it is not an error if the reader has closed the pipe, since it has seen enough.

    Raises:
        OSError: they cannot be written. What is left of them is discarded.
    """
    try:
        check_open()
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        discard_unwritten()
    except OSError:
        discard_unwritten()
        raise


def wants_colour() -> bool:
    """Whether standard output is a terminal that shows colours, and the user has not switched them off (NO_COLOR)."""
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def discard_unwritten() -> None:
    """Drop what stdout and stderr could not write, or Python complains and exits with 120 as it flushes at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
