"""SIGINT, SIGTERM and a terminal that is closed end a run in order: everybody hangs up, the record is written.

    first     the run is stopped
    second    changes nothing: it is being stopped, and says so
    third     ends the process at once; what was measured is in the journal

Under nohup, which ignores SIGHUP, a closed terminal ends nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import gevent

__all__ = ["stop_headless_run_on_signals", "stop_on_hangup"]

_KILLED = 130


def stop_headless_run_on_signals() -> None:
    """Let any of them reach the main greenlet, which waits for the run.

    Python would raise KeyboardInterrupt in whichever greenlet runs, where it can be lost, in a finalizer for one;
    Locust 2.47 handles SIGTERM only once a headless run with a shape is over, and SIGHUP never.
    """
    hub, received = gevent.get_hub(), [0]

    def stop() -> None:
        received[0] += 1
        if received[0] == 1:
            hub.handle_system_error(KeyboardInterrupt, KeyboardInterrupt())
        elif received[0] == 2:
            with suppress(OSError):  # there may be no terminal any more
                print("stopping: everybody hangs up, the record is written; once more ends it at once", file=sys.stderr)
        else:
            os._exit(_KILLED)

    for number in (signal.SIGINT, signal.SIGTERM, *_hangup()):
        gevent.signal_handler(number, stop)


def stop_on_hangup() -> None:
    """Let a closed terminal end a worker or the web UI as SIGTERM does, which Locust handles there."""
    for number in _hangup():
        gevent.signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)


def _hangup() -> list[signal.Signals]:
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
