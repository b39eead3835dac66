"""When each thread of a thread group starts and ends, by the group's settings; pure arithmetic, in seconds.

    Thread Group     thread k of n, from 0              delay + ramp·k/n
    Stepping         bucket b, position p in it         delay + b·(period + ramp) + p·ramp/size
    Ultimate         thread k of n, from n down to 1    delay + startup·k/n            (the first one starts last)
    Concurrency      thread k of n, from 1              the instant at which round(level(t)) reaches k
    Arrivals         the n-th arrival                   the instant at which the area under the rate reaches n

The sources are JMeter's ``ThreadGroup``, and ``SteppingThreadGroup``, ``UltimateThreadGroup`` and
``ConcurrencyThreadStarter`` of jmeter-plugins.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

__all__ = ["Thread", "changes", "concurrency", "plain", "stepping", "ultimate"]


class Thread(NamedTuple):
    """One thread of a group.

    Args:
        start_s: when it starts.
        end_s: when its group ends it; None if only its script does.
    """

    start_s: float
    end_s: float | None = None


def plain(threads: int, ramp_s: float, delay_s: float = 0.0, duration_s: float | None = None) -> list[Thread]:
    """JMeter's own Thread Group; with a duration, all threads end at the same instant."""
    end_s = None if duration_s is None else delay_s + duration_s
    return [Thread(delay_s + ramp_s * k / threads, end_s) for k in range(threads)]


def stepping(
    threads: int,
    *,
    delay_s: float,
    count: int,
    period_s: float,
    ramp_s: float,
    flight_s: float,
    stop_count: int,
    stop_period_s: float,
    burst: int = 0,
) -> list[Thread]:
    """Stepping Thread Group.

    Args:
        threads: all of them.
        delay_s: before the first step.
        count: threads of each step; 0 for all.
        period_s: between the steps.
        ramp_s: how long a step takes.
        flight_s: how long all of them stay after the last step.
        stop_count: threads of each step down; 0 for all.
        stop_period_s: between the steps down.
        burst: threads of the first step, if it has another number.
    """
    count, stop_count = count or threads, stop_count or threads
    first = min(burst, threads) if burst > 0 else count
    more_steps = max(ceil((threads - first) / count), 0)
    last = (threads - first) % count or count
    down_s = delay_s + more_steps * (period_s + ramp_s) + ramp_s / count * last + flight_s
    found = []
    for number in range(threads):
        step, position, size = (0, number, first) if number < first else (*divmod(number - first, count), count)
        step += number >= first
        start_s = delay_s + step * (period_s + ramp_s) + position * ramp_s / size
        found.append(Thread(start_s, down_s + stop_period_s * floor(number / stop_count)))
    return found


def ultimate(rows: Sequence[tuple[int, float, float, float, float]]) -> list[Thread]:
    """Ultimate Thread Group; each row has threads, delay, startup, hold and shutdown."""
    found = []
    for threads, delay_s, startup_s, hold_s, shutdown_s in rows:
        for k in range(threads, 0, -1):
            full_s = delay_s + startup_s + hold_s
            found.append(Thread(delay_s + startup_s * k / threads, full_s + shutdown_s * k / threads))
    return sorted(found)


def concurrency(level: float, ramp_s: float, steps: int, hold_s: float) -> list[Thread]:
    """Concurrency Thread Group; a thread that finishes its script is replaced by the next one at once."""
    threads, end_s = floor(level + 0.5), ramp_s + hold_s
    if not ramp_s:
        return [Thread(0.0, end_s) for _ in range(threads)]
    if not steps:
        return [Thread(ramp_s * (k - 0.5) / level, end_s) for k in range(1, threads + 1)]
    found: list[Thread] = []
    for step in range(steps):
        reached = floor(level * (step + 1) / steps + 0.5)
        found += [Thread(ramp_s * step / steps, end_s)] * (reached - len(found))
    return found


def changes(threads: Sequence[Thread]) -> list[tuple[float, int]]:
    """Each instant at which a thread starts (+1) or is ended (-1), in order."""
    ends = [(thread.end_s, -1) for thread in threads if thread.end_s is not None]
    return sorted([*((thread.start_s, +1) for thread in threads), *ends])
