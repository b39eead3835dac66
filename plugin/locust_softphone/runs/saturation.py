"""Whether the generator kept up. A saturated generator acts late, so its latencies include its own delay.

    start lag    p99 above 250 ms: more than a burst of 500 on one core needs (benchmarks/start_lag.py)
    no start     softphones that were due, and that the generator could not start before the plan's end
    set-up       a reported percentile (p50, p95, p99) of the call set-up time is the generator's own delay by more than
                 a quarter, and by more than 250 ms: each call's set-up is compared with the lags that fell into it
    loop lag     above 100 ms for more than 5 % of the time, and for at least 0.5 s in all
                 mostly above 25 ms in more than 5 % of the seconds, and in at least 3: each step of a call is that late
    drops        a WebSocket ended while the generator stood still: the edge may have dropped it for its silence

Time counts, not samples: one stall of a second is as bad as ten of 100 ms. CPU use alone does not make a run saturated:
a process at 100 % may be on time. It is only named as the likely cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from locust_softphone.metrics.tally import Tally

__all__ = ["LATE_LOOP_S", "LATE_START_S", "SLOW_LOOP_S", "judged_by", "on_time_per_s", "saturation"]

LATE_START_S = 0.25
LATE_SETUP_S = 0.25
LATE_SETUP_SHARE = 0.25
LATE_LOOP_S = 0.1
LATE_LOOP_SHARE = 0.05
LATE_LOOP_LEAST_MS = 500
SLOW_LOOP_S = 0.025
SLOW_LOOP_SHARE = 0.05
SLOW_LOOP_LEAST = 3
IDLE_CORE = 0.5
"""Whoever uses less of a core, and is late, has probably waited for the CPU."""


def saturation(tally: Tally) -> str | None:
    """Why the generator could not keep up, and the largest load at which it did, in a sentence; None if it kept up."""
    reasons = [*_late_starts(tally), *_late_calls(tally), *_late_loop(tally), *_drops(tally)]
    if not reasons:
        return None
    cpu = tally.latencies["cpu"]
    used = cpu.percentile_s(50) if len(cpu) else None
    core = "" if used is None else f" using {used:.0%} of a core"
    if used is not None and used < IDLE_CORE:
        core = f" although it used only {used:.0%} of a core (other programs probably had the CPU)"
    return (
        f"the generator was saturated{core}: {' and '.join(reasons)}; "
        f"the most that was on time: {on_time_per_s(tally)} attempts in a second"
    )


def _late_starts(tally: Tally) -> Iterator[str]:
    lag = tally.latencies["start_lag"]
    if lag.count_above(LATE_START_S) * 100 > len(lag):
        yield f"the p99 of the start lag is {lag.percentile_s(99) * 1000:.0f} ms"
    if missed := tally.counts["starts_missed"]:
        yield f"{missed} softphones that were due could not start before the plan was over"


def _late_calls(tally: Tally) -> Iterator[str]:
    setup, lost = tally.latencies["call_setup"], tally.latencies["call_setup.lag"]
    if lost.percentile_s(99) <= LATE_SETUP_S or not len(setup):
        return
    for point in (50, 95, 99):
        lost_s, setup_s = lost.percentile_s(point), setup.percentile_s(point)
        if lost_s > max(LATE_SETUP_S, LATE_SETUP_SHARE * setup_s):
            yield (
                f"{lost_s * 1000:.0f} of the {setup_s * 1000:.0f} ms of the call set-up's p{point} were its own delay"
            )
            return


def _late_loop(tally: Tally) -> Iterator[str]:
    late_ms, measured_ms = tally.counts["loop_late_ms"], tally.counts["loop_ms"]
    if late_ms >= LATE_LOOP_LEAST_MS and late_ms > LATE_LOOP_SHARE * measured_ms:
        yield f"its event loop was late for {late_ms / 1000:.1f} of {measured_ms / 1000:.1f} s"
    slow, seconds = tally.counts["loop_slow"], tally.counts["loop_seconds"]
    if slow >= SLOW_LOOP_LEAST and slow > SLOW_LOOP_SHARE * seconds:
        yield f"its event loop was mostly {SLOW_LOOP_S * 1000:.0f} ms late or more in {slow} of {seconds} s"


def _drops(tally: Tally) -> Iterator[str]:
    if dropped := tally.counts["dropped_in_stall"]:
        yield f"{dropped} WebSockets ended while it stood still"


def on_time_per_s(tally: Tally) -> int:
    """The largest number of attempts in a second in which no process's event loop was late."""
    return max(
        (
            sum(n for name, n in counts.items() if name.startswith("attempts."))
            for _, counts in tally.timeline.items()
            if not counts["loop_late"]
        ),
        default=0,
    )


def judged_by(tally: Tally) -> Tally:
    """The part of a tally that ``saturation`` needs, for a process that hands its tallies to the master."""
    part = Tally()
    for name in ("start_lag", "call_setup", "call_setup.lag", "cpu"):
        part.latencies[name].merge(tally.latencies[name])
    for name in (
        "starts_missed", "loop_late_ms", "loop_ms", "loop_slow", "loop_seconds", "dropped_in_stall",
    ):  # fmt: skip
        part.counts[name] = tally.counts[name]
    return part
