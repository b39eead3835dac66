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
from collections.abc import Callable
from contextlib import suppress

import gevent

__all__ = ["stop_headless_run_on_signals", "stop_web_ui_on_signals", "stop_worker_on_signals"]

_STOPPING = "stopping: everybody hangs up, the record is written; once more ends it at once\n"
_KILLED = 130


def stop_headless_run_on_signals() -> None:
    """Let any of them end the run: Locust 2.47 handles SIGTERM only once one with a shape is over, and SIGHUP never."""
    stop = _interrupting_once(_STOPPING)
    for number in (signal.SIGINT, signal.SIGTERM, *_hangup()):
        gevent.signal_handler(number, stop)


def stop_worker_on_signals() -> None:
    """A terminal's Ctrl-C reaches the workers too, and after it Locust's own SIGINT, with which a master ends them."""
    gevent.signal_handler(signal.SIGINT, _interrupting_once())
    _take_hangup_as_sigterm()


def stop_web_ui_on_signals() -> None:
    """What Ctrl-C does here is Locust's: it may end a run, or everything."""
    gevent.signal_handler(signal.SIGINT, _interrupt)
    _take_hangup_as_sigterm()


def _interrupting_once(answer_to_second: str = "") -> Callable[[], None]:
    received = [0]

    def stop() -> None:
        received[0] += 1
        if received[0] == 1:
            _interrupt()
        elif received[0] == 2:
            with suppress(OSError):  # there may be no terminal any more
                print(answer_to_second, end="", file=sys.stderr)
        else:
            os._exit(_KILLED)

    return stop


def _interrupt() -> None:
    """Interrupt the main greenlet, which waits for the run.

    Python would raise KeyboardInterrupt in whichever greenlet runs: in a softphone's, in the middle of a call that is
    then neither measured nor hung up, or in a finalizer, where it is lost.
    """
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


def _take_hangup_as_sigterm() -> None:
    """Locust handles SIGTERM here."""
    for number in _hangup():
        gevent.signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)


def _hangup() -> list[signal.Signals]:
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
