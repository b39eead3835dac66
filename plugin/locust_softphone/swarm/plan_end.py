"""When the plan of a run is over: Locust's shape is asked once a second, and a plan can end between two questions."""

from __future__ import annotations

import gevent

from locust_softphone.swarm.run import Run

__all__ = ["is_over"]

_TICK_S = 1.0  # a shape is asked once a second
_CHECK_EVERY_S = 0.02


def is_over(run: Run, run_time_s: float) -> bool:
    """Whether a run's plan or ``--run-time`` is over; Locust 2.47 ignores ``--run-time`` if there is a shape.

    If it may be over before the shape is asked again, this waits for it. A run that is being stopped is not over
    here: Locust would stop it a second time while its record is being written.

    Args:
        run: the run.
        run_time_s: ``--run-time``; infinite if it was not given.
    """
    ends_s = min(run.options.profile.duration_s, run_time_s)
    asked_s = run.clock()
    while run.began_at is not None and not run.stopping:
        if run.over or run.clock() > run_time_s:
            return True
        if asked_s + _TICK_S < max(ends_s, run.clock()):
            break
        gevent.sleep(_CHECK_EVERY_S)
    return False
