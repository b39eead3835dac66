"""The timers of a plan as delays."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from locust_softphone.jmeter.arrival_curve import RateSegment
from locust_softphone.jmeter.plan_settings import BadSetting, PlanSettings
from locust_softphone.jmeter.timers import Delay, each_thread, fixed, precise, shaping, shared_clock

__all__ = ["SHARED_MODES", "delay_of", "describe_timer"]

SHARED_MODES = (3, 4)
"""The values of ``calcMode`` in which all threads have one clock."""

_MODES = (
    "this thread only",
    "all active threads",
    "all active threads in the current thread group",
    "all active threads, shared",
    "all active threads in the current thread group, shared",
)


def delay_of(settings: PlanSettings, threads: int) -> Delay | None:
    """What a timer waits before each sample; None if its kind is not known.

    Args:
        settings: of the timer.
        threads: of the thread group.

    Raises:
        NotGiven: a setting depends on something that the plan does not say.
        BadSetting: a setting cannot be used.
    """
    make = _KINDS.get(settings.element.kind)
    return make(settings, threads) if make else None


def describe_timer(settings: PlanSettings) -> str:
    """A Constant Throughput Timer in words; other timers by their name."""
    element = settings.element
    if element.kind != "ConstantThroughputTimer":
        return str(element)
    mode = _mode(settings)
    return f"{element} at {settings.number('throughput'):g} a minute, calcMode {mode} ({_MODES[mode]})"


def _mode(settings: PlanSettings) -> int:
    mode = settings.whole("calcMode")
    if mode >= len(_MODES):
        raise BadSetting(f"calcMode is {mode}, it must be from 0 to {len(_MODES) - 1}")
    return mode


def _constant_throughput(settings: PlanSettings, threads: int) -> Delay:
    per_min = settings.number("throughput")
    if not per_min:
        raise BadSetting("throughput is 0, it must be above 0")
    mode, period_s = _mode(settings), 60 / per_min
    if mode in SHARED_MODES:
        return shared_clock(period_s)
    return each_thread(period_s, threads if mode else 1)


def _precise_throughput(settings: PlanSettings, threads: int) -> Delay:
    samples, period_s = settings.number("throughput"), settings.number("throughputPeriod", 3600)
    if not samples or not period_s:
        raise BadSetting("throughput and throughputPeriod must be above 0")
    return precise(samples / period_s, max(settings.whole("batchSize", 1), 1))


def _shaping(settings: PlanSettings, threads: int) -> Delay:
    rows = settings.rows("load_profile", 3)
    if not rows:
        raise BadSetting("load_profile has no rows")
    return shaping([RateSegment(*row) for row in rows])


def _mean(share_of_range: float) -> Callable[[PlanSettings, int], Delay]:
    """A timer with a constant part, and a random one whose mean is this share of its range; in milliseconds."""
    return lambda settings, threads: fixed(
        (settings.number("ConstantTimer.delay") + settings.number("RandomTimer.range") * share_of_range) / 1000
    )


_KINDS: Mapping[str, Callable[[PlanSettings, int], Delay]] = {
    "ConstantThroughputTimer": _constant_throughput,
    "PreciseThroughputTimer": _precise_throughput,
    "VariableThroughputTimer": _shaping,
    "ConstantTimer": _mean(0.0),
    "UniformRandomTimer": _mean(0.5),
    "GaussianRandomTimer": _mean(0.0),
    "PoissonRandomTimer": _mean(1.0),
}
