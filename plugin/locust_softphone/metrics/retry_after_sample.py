"""A retry that had been told when to come, and a sample of many such retries that says the same whoever collects it.

    deadline_s   when the Retry-After of the refusal before it is over
    retried_s    when it came

Of any number of retries those with the smallest hashes are kept. A hash has nothing to do with how a retry went, so
they are a fair sample; and the smallest of all are among the smallest of each part, so that the samples of several
processes, merged, are the sample that one process would have taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappush, heappushpop
from typing import NamedTuple

__all__ = ["RetryAfterSample", "RetryAfterSamples"]

EARLY_TOLERANCE_S = 0.05
"""A retry this much before its Retry-After is over still counts as honoured: a timer's and a network's slack."""

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
    """At most ``SAMPLE_SIZE`` retries, out of all that were added."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[
            tuple[int, RetryAfterSample]
        ] = []  # a heap with the largest hash in front, to be replaced first

    def add(self, retry: RetryAfterSample) -> None:
        entry = (-hash(retry[1:]), retry)  # the step's hash would differ from process to process
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
