"""The thread groups of a plan: the threads of each, how often they repeat their script, and what is random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from locust_softphone.config.ramp import MOST_USERS
from locust_softphone.jmeter.arrival_curve import RateSegment, arrival_times, open_model_segments, steps_to
from locust_softphone.jmeter.plan_settings import BadSetting, PlanSettings
from locust_softphone.jmeter.plan_tree import Value
from locust_softphone.jmeter.start_times import Thread, concurrency, plain, stepping, ultimate
from locust_softphone.text import quoted

__all__ = ["FOREVER", "GroupPlan", "is_thread_group", "plan_of"]

FOREVER = -1
"""The number of passes of a script without an end."""


@dataclass(frozen=True)
class GroupPlan:
    """What a thread group does, before its timers.

    Args:
        threads: in the order of their starts; at least one.
        passes: how often each goes through the script, or ``FOREVER``.
        random: whether the starts are random, with these as their mean.
    """

    threads: tuple[Thread, ...]
    passes: int
    random: bool = False


def is_thread_group(kind: str) -> bool:
    """Whether an element is a thread group, of whatever kind."""
    return kind.endswith("ThreadGroup")


def plan_of(settings: PlanSettings) -> GroupPlan | None:
    """The threads of a group; None if its kind is not known.

    Raises:
        NotGiven: a setting depends on something that the plan does not say.
        BadSetting: a setting cannot be used.
    """
    make = _KINDS.get(settings.element.kind)
    if make is None:
        return None
    plan = make(settings)
    if not plan.threads:
        raise BadSetting("it starts no thread")
    if len(plan.threads) > MOST_USERS:
        raise BadSetting(f"it starts more than {MOST_USERS} threads")
    return plan


def _passes(settings: PlanSettings) -> int:
    controller: Value = settings.element.properties.get("ThreadGroup.main_controller", {})
    inside = controller if isinstance(controller, dict) else {}
    loops = inside.get("LoopController.loops", "1")
    text = settings.resolve(loops if isinstance(loops, str) else "1")
    if text == "-1" or inside.get("LoopController.continue_forever") == "true":
        return FOREVER
    if not text.isascii() or not text.isdigit():
        raise BadSetting(f"LoopController.loops is {quoted(text)}, it must be a whole number, or -1 for forever")
    return int(text)


def _plain(settings: PlanSettings) -> GroupPlan:
    threads = settings.whole("ThreadGroup.num_threads")
    ramp_s = settings.seconds("ThreadGroup.ramp_time")
    if not threads:
        return GroupPlan((), 1)
    if not settings.flag("ThreadGroup.scheduler"):
        return GroupPlan(tuple(plain(threads, ramp_s)), _passes(settings))
    delay_s, duration_s = settings.seconds("ThreadGroup.delay"), settings.seconds("ThreadGroup.duration")
    return GroupPlan(tuple(plain(threads, ramp_s, delay_s, duration_s or None)), _passes(settings))


def _stepping(settings: PlanSettings) -> GroupPlan:
    threads = stepping(
        settings.whole("ThreadGroup.num_threads"),
        delay_s=settings.seconds("Threads initial delay"),
        count=settings.whole("Start users count"),
        period_s=settings.seconds("Start users period"),
        ramp_s=settings.seconds("rampUp"),
        flight_s=settings.seconds("flighttime"),
        stop_count=settings.whole("Stop users count"),
        stop_period_s=settings.seconds("Stop users period"),
        burst=settings.whole("Start users count burst"),
    )
    return GroupPlan(tuple(threads), _passes(settings))


def _ultimate(settings: PlanSettings) -> GroupPlan:
    rows = [(int(row[0]), row[1], row[2], row[3], row[4]) for row in settings.rows("ultimatethreadgroupdata", 5)]
    if sum(row[0] for row in rows) > MOST_USERS:
        raise BadSetting(f"it starts more than {MOST_USERS} threads")
    return GroupPlan(tuple(ultimate(rows)), _passes(settings))


def _unit_s(settings: PlanSettings) -> float:
    return 60.0 if settings.text("Unit").upper() == "M" else 1.0


def _concurrency(settings: PlanSettings) -> GroupPlan:
    unit_s, level = _unit_s(settings), float(settings.whole("TargetLevel"))
    ramp_s, hold_s = settings.seconds("RampUp") * unit_s, settings.seconds("Hold") * unit_s
    threads = concurrency(level, ramp_s, settings.whole("Steps"), hold_s)
    return GroupPlan(tuple(threads), settings.whole("Iterations") or FOREVER)


def _arrivals(settings: PlanSettings) -> GroupPlan:
    unit_s = _unit_s(settings)
    ramp_s, hold_s = settings.seconds("RampUp") * unit_s, settings.seconds("Hold") * unit_s
    level_per_s = settings.number("TargetLevel") / unit_s
    return _from_rates(steps_to(level_per_s, ramp_s, settings.whole("Steps"), hold_s))


def _free_form(settings: PlanSettings) -> GroupPlan:
    unit_s = _unit_s(settings)
    rows = settings.rows("Schedule", 3)
    return _from_rates([RateSegment(row[0] / unit_s, row[1] / unit_s, row[2] * unit_s) for row in rows])


def _open_model(settings: PlanSettings) -> GroupPlan:
    try:
        segments, random = open_model_segments(settings.text("OpenModelThreadGroup.schedule"))
    except ValueError as error:
        raise BadSetting(f"{quoted(str(error))} in its schedule cannot be read") from None
    return _from_rates(segments, random)


def _from_rates(segments: list[RateSegment], random: bool = False) -> GroupPlan:
    """Each arrival is a new thread, which goes through the script once."""
    starts = islice(arrival_times(segments), MOST_USERS + 1)
    return GroupPlan(tuple(Thread(start_s) for start_s in starts), 1, random)


_KINDS: Mapping[str, Callable[[PlanSettings], GroupPlan]] = {
    "ThreadGroup": _plain,
    "SetupThreadGroup": _plain,
    "PostThreadGroup": _plain,
    "SteppingThreadGroup": _stepping,
    "UltimateThreadGroup": _ultimate,
    "ConcurrencyThreadGroup": _concurrency,
    "ArrivalsThreadGroup": _arrivals,
    "FreeFormArrivalsThreadGroup": _free_form,
    "OpenModelThreadGroup": _open_model,
}
