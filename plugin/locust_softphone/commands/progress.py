"""Shows the progress of a comparison: which run is in progress, and how much time is left.

    time left = rest of the current run + duration of the runs to come        duration = planned time + overhead

The overhead is the time that a Locust process needs to start and to end. It is a guess until the first run has ended.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

__all__ = ["Estimate", "ProgressReporter", "minutes", "watching"]

OVERHEAD_S = 3.0


class Estimate:
    """An estimate of how long all runs take together.

    Args:
        planned_s: the planned duration of each run, in their order.
    """

    def __init__(self, planned_s: Sequence[float]) -> None:
        self._planned_s = planned_s
        self._overheads_s: list[float] = []
        self._spent_s = 0.0

    def finished(self, took_s: float) -> None:
        """The current run has ended; it took ``took_s``."""
        self._overheads_s.append(took_s - self._planned_s[len(self._overheads_s)])
        self._spent_s += took_s

    def left_s(self, elapsed_s: float) -> float:
        """Seconds until the last run ends, ``elapsed_s`` after the start of the current one."""
        overhead_s = sum(self._overheads_s) / len(self._overheads_s) if self._overheads_s else OVERHEAD_S
        durations_s = [max(planned_s + overhead_s, 0.0) for planned_s in self._planned_s[len(self._overheads_s) :]]
        return max(durations_s[0] - elapsed_s, 0.0) + sum(durations_s[1:]) if durations_s else 0.0

    def share_done(self, elapsed_s: float) -> float:
        """How much of the total time is over, from 0 to 1."""
        done_s, left_s = self._spent_s + elapsed_s, self.left_s(elapsed_s)
        return done_s / (done_s + left_s) if done_s + left_s else 0.0


class ProgressReporter:
    """Shows the progress as a moving bar or as plain lines.

    Args:
        names: the names of the runs, in their order.
        planned_s: the planned duration of each run.
        out: where plain lines go.
        bar: the bar, or None for plain lines.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        names: Sequence[str],
        planned_s: Sequence[float],
        *,
        out: TextIO,
        bar: Progress | None,
        clock: Callable[[], float],
    ) -> None:
        self._names = names
        self._estimate = Estimate(planned_s)
        self._out = out
        self._bar = bar
        self._task = bar.add_task("", total=1.0, left="") if bar else None
        self._clock = clock
        self._began_s = clock()
        self._number = 0

    def begin(self) -> None:
        """The next run begins."""
        self._number += 1
        self._began_s = self._clock()
        if self._bar is None:
            self.say(f"{self._current()} begins, {self._left()}")
        self.tick()

    def tick(self) -> None:
        """Redraw the bar: time has passed."""
        if self._bar is not None and self._task is not None:
            done = self._estimate.share_done(self._clock() - self._began_s)
            self._bar.update(self._task, description=self._current(), completed=done, left=self._left())
            self._bar.refresh()

    def end(self, result: str) -> None:
        """The current run has ended with this result."""
        took_s = self._clock() - self._began_s
        self.say(f"{self._current()} {result}, after {minutes(took_s)}")
        self._estimate.finished(took_s)

    def say(self, line: str) -> None:
        """Print a line that stays on the screen."""
        if self._bar is None:
            print(line, file=self._out, flush=True)
        else:
            self._bar.console.print(Text(line))

    def _current(self) -> str:
        return f"{self._number} of {len(self._names)}: {self._names[self._number - 1]}"

    def _left(self) -> str:
        return f"{minutes(self._estimate.left_s(self._clock() - self._began_s))} left"


@contextmanager
def watching(
    names: Sequence[str],
    planned_s: Sequence[float],
    *,
    out: TextIO,
    live: bool,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[ProgressReporter]:
    """A reporter for these runs; with ``live`` a bar, which is removed from the screen at the end."""
    if not live:
        yield ProgressReporter(names, planned_s, out=out, bar=None, clock=clock)
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}")
    console = Console(file=out, highlight=False)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        yield ProgressReporter(names, planned_s, out=out, bar=bar, clock=clock)


def minutes(seconds: float) -> str:
    """A duration in minutes and whole seconds, rounded up: ``3:40``."""
    whole = math.ceil(seconds)
    return f"{whole // 60}:{whole % 60:02}"
