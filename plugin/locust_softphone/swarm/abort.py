"""Ends a run early: an expectation with ``abort: true`` can no longer hold, or every attempt of a step must fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import gevent
from locust import User

from locust_softphone.config.profile import Profile
from locust_softphone.metrics.catalogue import bounds_of
from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.runs.build import Aborted
from locust_softphone.runs.early_stop import HopelessStep, hopeless_step, undecided

__all__ = ["abort_on_failed_expectation", "calls_each", "stop_when_hopeless"]

CHECK_EVERY_S = 0.1


def abort_on_failed_expectation(
    profile: Profile, so_far: Callable[[], RunSoFar], active: Callable[[], bool], abort: Callable[[Aborted], None]
) -> None:
    """Check the run until it is over, or until an expectation that it is aborted by can no longer hold.

    Args:
        profile: the run's profile.
        so_far: what has been measured so far.
        active: whether the run goes on.
        abort: called once, with the expectation and the time.
    """
    expectations = [each for each in profile.expect if each.abort]
    while expectations and active():
        known = so_far()
        for each in expectations:
            if each.decided(bounds_of(each.metric, known), known.planned) is False:
                abort(Aborted(each, max(known.until_s, 0.0), known.calls_each))
                return
        gevent.sleep(CHECK_EVERY_S)


def stop_when_hopeless(
    dialect: str,
    counts: Callable[[], Mapping[str, int]],
    active: Callable[[], bool],
    stop: Callable[[HopelessStep], None],
    needs_tls: Callable[[], bool],
) -> None:
    """Check the run until it is over, until each step has succeeded once, or until a step is bound to fail always.

    Args:
        dialect: the run's dialect.
        counts: the counters so far.
        active: whether the run goes on.
        stop: called once, with the step.
        needs_tls: as for ``hopeless_step``; called once at most.
    """
    needs_tls = cache(needs_tls)
    while active() and undecided(so_far := counts(), dialect):
        if found := hopeless_step(so_far, dialect, needs_tls):
            stop(found)
            return
        gevent.sleep(CHECK_EVERY_S)


def calls_each(profile: Profile, user_classes: Iterable[type[User]]) -> int | None:
    """How many calls each softphone makes; None if a script of the user's own may make any number."""
    as_planned = all(getattr(each, "script_is_profiles", False) for each in user_classes)
    return profile.softphone.calls.count if as_planned else None
