"""How far a comparison is: which run is in hand, and how long all of it will still take.

    left = what the run in hand still needs + all that the runs to come need        needs = plan + overhead

The overhead, the time in which a Locust process starts and ends, is a guess until the first one has been measured.
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
    """How long all runs will take.

    Args:
        planned_s: how long each is planned to take, in their order.
    """

    def __init__(self, planned_s: Sequence[float]) -> None:
        self._planned_s = planned_s
        self._overheads_s: list[float] = []
        self._spent_s = 0.0

    def finished(self, took_s: float) -> None:
        """The next run has ended, after so long."""
        self._overheads_s.append(took_s - self._planned_s[len(self._overheads_s)])
        self._spent_s += took_s

    def left_s(self, elapsed_s: float) -> float:
        """Until the last run ends, ``elapsed_s`` after the start of the one in hand."""
        overhead_s = sum(self._overheads_s) / len(self._overheads_s) if self._overheads_s else OVERHEAD_S
        needs_s = [max(planned_s + overhead_s, 0.0) for planned_s in self._planned_s[len(self._overheads_s) :]]
        return max(needs_s[0] - elapsed_s, 0.0) + sum(needs_s[1:]) if needs_s else 0.0

    def share_done(self, elapsed_s: float) -> float:
        """How much of the whole time is over, from 0 to 1."""
        done_s, left_s = self._spent_s + elapsed_s, self.left_s(elapsed_s)
        return done_s / (done_s + left_s) if done_s + left_s else 0.0


class ProgressReporter:
    """Says how far it is: as a bar that moves, or in plain lines.

    Args:
        names: of the runs, in their order.
        planned_s: how long each is planned to take.
        out: where to say it.
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
            self.say(f"{self._in_hand()} begins, {self._left()}")
        self.tick()

    def tick(self) -> None:
        """Time has passed."""
        if self._bar is not None and self._task is not None:
            done = self._estimate.share_done(self._clock() - self._began_s)
            self._bar.update(self._task, description=self._in_hand(), completed=done, left=self._left())
            self._bar.refresh()

    def end(self, result: str) -> None:
        """The run in hand has ended, with this result."""
        took_s = self._clock() - self._began_s
        self.say(f"{self._in_hand()} {result}, after {minutes(took_s)}")
        self._estimate.finished(took_s)

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._bar is None:
            print(line, file=self._out, flush=True)
        else:
            self._bar.console.print(Text(line))

    def _in_hand(self) -> str:
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
    """A watch over these runs; a bar where ``live``, gone from the screen when they are over."""
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
