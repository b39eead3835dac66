"""Whether the generator kept up. A saturated generator acts late, so its latencies include its own delay.

    start lag    p99 above 250 ms: more than a burst of 500 on one core needs (benchmarks/start_lag.py)
    loop lag     above 100 ms in more than 5 % of the samples, and in at least 5 samples
                 mostly above 25 ms in more than 5 % of the seconds, and in at least 3: each step of a call is that late

CPU use alone does not make a run saturated: a process at 100 % may be on time. It is only named as the likely cause.
"""

from __future__ import annotations

from locust_softphone.metrics.tally import Tally

__all__ = ["LATE_LOOP_S", "LATE_START_S", "SLOW_LOOP_S", "judged_by", "on_time_per_s", "saturation"]

LATE_START_S = 0.25
LATE_LOOP_S = 0.1
LATE_LOOP_SHARE = 0.05
LATE_LOOP_LEAST = 5
SLOW_LOOP_S = 0.025
SLOW_LOOP_SHARE = 0.05
SLOW_LOOP_LEAST = 3


def saturation(tally: Tally) -> str | None:
    """Why the generator could not keep up, and the largest load at which it did, in a sentence; None if it kept up."""
    reasons = []
    lag = tally.latencies["start_lag"]
    if lag.count_above(LATE_START_S) * 100 > len(lag):
        reasons.append(f"the p99 of the start lag is {lag.percentile_s(99) * 1000:.0f} ms")
    late, samples = tally.counts["loop_late"], tally.counts["loop_samples"]
    if late >= LATE_LOOP_LEAST and late > LATE_LOOP_SHARE * samples:
        reasons.append(f"its event loop was late in {late / samples:.0%} of the samples")
    slow, seconds = tally.counts["loop_slow"], tally.counts["loop_seconds"]
    if slow >= SLOW_LOOP_LEAST and slow > SLOW_LOOP_SHARE * seconds:
        reasons.append(f"its event loop was mostly {SLOW_LOOP_S * 1000:.0f} ms late or more in {slow} of {seconds} s")
    if not reasons:
        return None
    cpu = tally.latencies["cpu"]
    core = f" using {cpu.percentile_s(50):.0%} of a core" if len(cpu) else ""
    return (
        f"the generator was saturated{core}: {' and '.join(reasons)}; "
        f"the most that was on time: {on_time_per_s(tally)} attempts in a second"
    )


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
    for name in ("start_lag", "cpu"):
        part.latencies[name].merge(tally.latencies[name])
    for name in ("loop_late", "loop_samples", "loop_slow", "loop_seconds"):
        part.counts[name] = tally.counts[name]
    return part
