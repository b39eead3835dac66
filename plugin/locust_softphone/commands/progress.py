"""Shows the progress of a comparison: which run is in progress, how much time is left, and what it has counted.

    time left = rest of the current run + duration of the runs to come        duration = planned time + overhead

The overhead is the time that a Locust process needs to start and to end. It is a guess until the first run has ended.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

__all__ = ["ProgressReporter", "minutes", "reporting", "time_left_s"]

OVERHEAD_S = 3.0
BAR_WIDTH = 12


def time_left_s(planned_s: Sequence[float], took_s: Sequence[float], elapsed_s: float) -> float:
    """Seconds until the last run ends.

    Args:
        planned_s: the planned duration of each run, in their order.
        took_s: the actual duration of each finished run.
        elapsed_s: the time since the start of the current run.
    """
    overheads_s = [took - planned for took, planned in zip(took_s, planned_s, strict=False)] or [OVERHEAD_S]
    durations_s = [max(planned + fmean(overheads_s), 0.0) for planned in planned_s[len(took_s) :]]
    return max(durations_s[0] - elapsed_s, 0.0) + sum(durations_s[1:]) if durations_s else 0.0


class ProgressReporter:
    """Shows the progress as a moving bar or as plain lines.

    Args:
        planned: the name and the planned duration in seconds of each run, in their order.
        out: where plain lines go.
        bar: the bar, or None for plain lines.
        clock: a monotonic clock, in seconds.
        counts: what the current run has counted so far, in a few words; asked for the bar only.
    """

    def __init__(
        self,
        planned: Sequence[tuple[str, float]],
        *,
        out: TextIO,
        bar: Progress | None,
        clock: Callable[[], float],
        counts: Callable[[], str],
    ) -> None:
        self._names = [name for name, _ in planned]
        self._planned_s = [planned_s for _, planned_s in planned]
        self._took_s: list[float] = []
        self._out = out
        self._bar = bar
        self._task = bar.add_task("", total=1.0, left="", counts="") if bar else None
        self._clock = clock
        self._counts = counts
        self._began_s = clock()

    def begin(self) -> None:
        """The next run begins."""
        self._began_s = self._clock()
        if self._bar is None:
            self.say(f"{self._current()} begins, {minutes(self._left_s())} left")
        self.tick()

    def tick(self) -> None:
        """Redraw the bar: time has passed."""
        if self._bar is not None and self._task is not None:
            left_s, done_s = self._left_s(), sum(self._took_s) + self._clock() - self._began_s
            share = done_s / (done_s + left_s) if done_s + left_s else 0.0
            left, counts = f"{minutes(left_s)} left", self._counts()
            self._bar.update(self._task, description=self._current(), completed=share, left=left, counts=counts)
            self._bar.refresh()

    def end(self, result: str) -> None:
        """The current run has ended with this result."""
        took_s = self._clock() - self._began_s
        self.say(f"{self._current()} {result}, after {minutes(took_s)}")
        self._took_s.append(took_s)

    def say(self, line: str) -> None:
        """Print a line that stays on the screen."""
        if self._bar is None:
            print(line, file=self._out, flush=True)
        else:
            self._bar.console.print(Text(line))

    def _current(self) -> str:
        number = len(self._took_s)
        return f"{number + 1} of {len(self._names)}: {self._names[number]}"

    def _left_s(self) -> float:
        return time_left_s(self._planned_s, self._took_s, self._clock() - self._began_s)


@contextmanager
def reporting(
    planned: Sequence[tuple[str, float]],
    *,
    out: TextIO,
    live: bool,
    clock: Callable[[], float] = time.monotonic,
    counts: Callable[[], str] = str,
) -> Iterator[ProgressReporter]:
    """A reporter for these runs; with ``live`` a bar, which is removed from the screen at the end."""
    if not live:
        yield ProgressReporter(planned, out=out, bar=None, clock=clock, counts=counts)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR_WIDTH),
        TextColumn("{task.fields[left]}"),
        TextColumn("{task.fields[counts]}"),
    )
    console = Console(file=out, highlight=False)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        yield ProgressReporter(planned, out=out, bar=bar, clock=clock, counts=counts)


def minutes(seconds: float) -> str:
    """A duration in minutes and whole seconds, rounded up: ``3:40``."""
    whole = math.ceil(seconds)
    return f"{whole // 60}:{whole % 60:02}"
