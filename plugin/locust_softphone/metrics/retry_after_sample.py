"""Retries after a Retry-After, and a bounded random sample of them that can be merged.

    deadline_s   when the Retry-After is over
    retried_s    when the retry came

The sample keeps the retries with the smallest hashes. A hash does not depend on how a retry went, so the sample is
random; and the smallest hashes of all are among the smallest of each part, so the merged samples of several processes
are the sample that one process would have taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappush, heappushpop
from typing import NamedTuple

__all__ = ["RetryAfterSample", "RetryAfterSamples"]

EARLY_TOLERANCE_S = 0.05
"""A retry that comes at most this much before its Retry-After is over counts as in time (timer and network jitter)."""

SAMPLE_SIZE = 400


class RetryAfterSample(NamedTuple):
    """A retry and its deadline, in seconds since the plan's start."""

    step: str
    deadline_s: float
    retried_s: float

    @property
    def early_s(self) -> float:
        return self.deadline_s - self.retried_s

    @property
    def too_early(self) -> bool:
        return self.early_s > EARLY_TOLERANCE_S


class RetryAfterSamples:
    """A random sample of at most ``SAMPLE_SIZE`` of the retries that were added."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[tuple[int, RetryAfterSample]] = []  # a heap: the largest hash is replaced first

    def add(self, retry: RetryAfterSample) -> None:
        entry = (-hash(retry[1:]), retry)  # without the step: the hash of a string differs between processes
        if len(self._kept) < SAMPLE_SIZE:
            heappush(self._kept, entry)
        else:
            heappushpop(self._kept, entry)

    def merge(self, other: RetryAfterSamples) -> None:
        for retry in other.sorted():
            self.add(retry)

    def sorted(self) -> list[RetryAfterSample]:
        """The retries by deadline."""
        return sorted((retry for _, retry in self._kept), key=lambda retry: (*retry[1:], retry.step))

    def to_plain(self) -> list[list[str | float]]:
        return [list(retry) for retry in self.sorted()]

    @classmethod
    def from_plain(cls, plain: Iterable[Sequence[str | float]]) -> RetryAfterSamples:
        sample = cls()
        for step, deadline_s, retried_s in plain:
            sample.add(RetryAfterSample(str(step), float(deadline_s), float(retried_s)))
        return sample
