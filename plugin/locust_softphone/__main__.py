"""The command ``locust-softphone``, also as ``python -m locust_softphone``.

While the command is loaded, a SIGINT ends the process at once, without the traceback of a half-done import.
"""

import signal
import sys

__all__ = ["main"]


def main() -> int:
    """Load the command and run it; returns the exit code."""
    handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # a shell's background job ignores it
    if handled:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from locust_softphone import cli

    if handled:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
