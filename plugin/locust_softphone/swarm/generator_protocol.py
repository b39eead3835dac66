"""What a run needs of the generator that makes its load.

load/generator.py                LoadGenerator       this process
cluster/cluster_generator.py     ClusterGenerator    the workers of a master
"""

from __future__ import annotations

from typing import Any, Protocol

from locust_softphone.metrics.tally import Tally

__all__ = ["Generator"]


class Generator(Protocol):
    """Makes the load of one run."""

    @property
    def workers(self) -> int:
        """How many workers there are or have been; 0 for this process."""

    def prepare(self) -> None:
        """Get ready; raises InputError if it cannot."""

    def begin(self, in_s: float) -> None:
        """Fix the plan's start, ``in_s`` seconds from now."""

    def clock(self) -> float:
        """Seconds since the plan's start."""

    @property
    def known_until_s(self) -> float:
        """The time, by ``clock``, up to which ``take`` has returned all measurements."""

    @property
    def over(self) -> bool:
        """Whether the plan is over: all softphones are done, or are not waited for any longer."""

    def stop(self) -> None:
        """Hang up all softphones, and wait until ``take`` can return the rest."""

    def take(self) -> Tally:
        """What was measured since the last call."""

    def summary(self) -> dict[str, Any] | None:
        """The workers, for the run record; None without any."""

    def problems(self) -> list[str]:
        """Why measurements are missing, one sentence each."""
