"""SIGINT, SIGTERM and SIGHUP (a closed terminal) end a run in order: all softphones hang up, the record is written.

    first     stops the run; one that has not begun is called off, one that is ending is left to end
    second    only prints that the run is being stopped
    third     ends the process at once; the measurements are in the journal

Under nohup, which ignores SIGHUP, a closed terminal changes nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

import gevent
from locust.runners import Runner

from locust_softphone.errors import ExitCode

__all__ = [
    "stop_headless_run_on_signals",
    "stop_web_ui_on_signals",
    "stop_worker_on_signals",
]

_STOPPING = "stopping: all softphones hang up, then the record is written; once more ends it at once\n"
_KILLED = 130


def stop_headless_run_on_signals(runner: Runner, is_ending: Callable[[], bool]) -> None:
    """Let each signal end the run: Locust 2.47 handles SIGTERM only after a run with a shape, and never SIGHUP.

    Args:
        runner: Locust's.
        is_ending: whether the run is over, or is being stopped.
    """

    def stop_run() -> None:
        if runner.shape_greenlet is None and not is_ending():
            print("stopped before the run began", file=sys.stderr)
            runner.quit()  # Locust 2.47.0 would leave its workers waiting
            gevent.get_hub().handle_system_error(SystemExit, SystemExit(int(ExitCode.INVALID)))
        elif not is_ending():
            _interrupt()

    stop = _interrupting_once(_STOPPING, stop_run)
    for number in (signal.SIGINT, signal.SIGTERM, *_hangup()):
        gevent.signal_handler(number, stop)


def stop_worker_on_signals() -> None:
    """Stop a worker once: a terminal's Ctrl-C reaches it, and then the SIGINT with which Locust's master ends it."""
    gevent.signal_handler(signal.SIGINT, _interrupting_once())
    _take_hangup_as_sigterm()


def stop_web_ui_on_signals() -> None:
    """Leave Ctrl-C to Locust, which ends the run or the process."""
    gevent.signal_handler(signal.SIGINT, _interrupt)
    _take_hangup_as_sigterm()


def _interrupting_once(answer_to_second: str = "", interrupt: Callable[[], None] | None = None) -> Callable[[], None]:
    received = [0]
    first = interrupt or _interrupt

    def stop() -> None:
        received[0] += 1
        if received[0] == 1:
            first()
        elif received[0] == 2:
            with suppress(OSError):  # the terminal may be closed
                print(answer_to_second, end="", file=sys.stderr)
        else:
            os._exit(_KILLED)

    return stop


def _interrupt() -> None:
    """Interrupt the main greenlet, which waits for the run.

    Python would raise KeyboardInterrupt in the running greenlet: in a softphone, whose call would then be neither
    measured nor hung up, or in a finalizer, where it is lost.
    """
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


def _take_hangup_as_sigterm() -> None:
    """Turn SIGHUP into SIGTERM, which Locust handles here."""
    for number in _hangup():
        gevent.signal_handler(number, os.kill, os.getpid(), signal.SIGTERM)


def _hangup() -> list[signal.Signals]:
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
