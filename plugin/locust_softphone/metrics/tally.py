"""What was measured, in a form that adds up: counters and histograms, merged over workers without loss.

Every latency is kept twice (the idea is Gil Tene's, wrk2):

    service time   = end - actual start      what the edge did
    response time  = end - planned start     what a caller waiting since the plan's instant would have felt

They differ whenever something before the request was late: the generator itself, or an edge that stalls while the plan
goes on. The planned start of a first attempt is the schedule's; of a step that follows another, the end of that one; of
a retry, the end of its back-off.

Instants are seconds since the plan's start; histograms hold microseconds to 3 significant digits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from hdrh.histogram import HdrHistogram

from locust_softphone.metrics.buckets import Buckets
from locust_softphone.metrics.counter_series import CounterSeries
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample, RetryAfterSamples
from locust_softphone.metrics.setup_times import SetupTimes

__all__ = ["PERCENTILES", "Attempt", "Latency", "Tally", "parts_of"]

_MICROSECONDS = 1_000_000
_LONGEST = 3600 * _MICROSECONDS
_SIGNIFICANT_DIGITS = 3
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}
"""The percentiles that a record has of every duration, by name."""


class Attempt(NamedTuple):
    """One try of one step on the wire.

    Args:
        step: a name of ``steps.DIALECTS``.
        planned_s: when it should have begun.
        began_s: when it began.
        ended_s: when its outcome was known.
        outcome: the one way in which it ended.
        status: the HTTP status of an attempt that failed, where a response was read.
        close_code: the code of the close frame that ended it, or 1006.
    """

    step: str
    planned_s: float
    began_s: float
    ended_s: float
    outcome: Outcome
    status: int | None = None
    close_code: int | None = None

    @property
    def service_s(self) -> float:
        return self.ended_s - self.began_s


class Latency:
    """A histogram of durations: constant relative error (3 significant digits), mergeable without loss.

    Recording keeps what HdrHistogram would: microseconds cut to the lowest value of the same bucket, counted. Buckets
    are counted by ``Buckets``, at a tenth of the cost and of the memory, and travel between processes as numbers;
    whatever is asked of the histogram is asked of an HdrHistogram made of them. Durations above an hour count as an
    hour, negative ones as zero.
    """

    __slots__ = ("_counts",)

    def __init__(self, counted: Iterable[tuple[int, int]] = ()) -> None:
        """``counted`` is microseconds, with how often each was met."""
        self._counts = Buckets(counted)

    def record(self, seconds: float, times: int = 1) -> None:
        value = round(seconds * _MICROSECONDS)
        if value > _LONGEST:
            value = _LONGEST
        elif value < 0:
            value = 0
        self._counts.add(value, times)

    def __len__(self) -> int:
        return sum(count for _, count in self._counts.items())

    def counts(self) -> dict[float, int]:
        """How many durations there are of each length, in seconds, as far as the histogram tells them apart."""
        return {value / _MICROSECONDS: count for value, count in self._counts.items()}

    def count_above(self, seconds: float) -> int:
        """How many durations were longer, without making a histogram: for what is asked every second."""
        limit = round(seconds * _MICROSECONDS)
        return sum(count for value, count in self._counts.items() if value > limit)

    def percentile_s(self, percent: float) -> float:
        """The duration that ``percent`` per cent of the recorded ones do not exceed, in seconds."""
        return float(self.histogram().get_value_at_percentile(percent)) / _MICROSECONDS

    def summary(self) -> dict[str, float]:
        """Count, percentiles and maximum in seconds; only the count where nothing was recorded."""
        count = len(self)
        if not count:
            return {"count": 0}
        histogram = self.histogram()
        values = histogram.get_percentile_to_value_dict(list(PERCENTILES.values()))
        points = {name: float(values[percent]) / _MICROSECONDS for name, percent in PERCENTILES.items()}
        return {"count": count, **points, "max": float(histogram.get_max_value()) / _MICROSECONDS}

    def merge(self, other: Latency) -> None:
        self._counts.merge(other._counts)

    def histogram(self) -> HdrHistogram:
        """The same as an HdrHistogram of microseconds."""
        histogram = HdrHistogram(1, _LONGEST, _SIGNIFICANT_DIGITS)
        for value, count in self._counts.items():
            histogram.record_value(value, count)
        return histogram

    def encode(self) -> str:
        """The histogram in HdrHistogram's V2 compressed encoding, base64: what other HDR tools read too."""
        return str(self.histogram().encode().decode("ascii"))

    @classmethod
    def decode(cls, text: str) -> Latency:
        """What ``encode`` made: a run's histogram, to be merged with another run's.

        Raises:
            ValueError: it is no such text.
        """
        try:
            recorded = HdrHistogram.decode(text.encode("ascii")).get_recorded_iterator() if text else ()
        except Exception:  # hdrh's own, zlib's, ctypes' and binascii's
            raise ValueError("not an encoded histogram") from None
        return cls((each.value_iterated_to, each.count_at_value_iterated_to) for each in recorded)

    def to_plain(self) -> list[int]:
        """Value, count, value, count, …"""
        return [number for pair in self._counts.items() for number in pair]

    @classmethod
    def from_plain(cls, plain: Sequence[int]) -> Latency:
        return cls(zip(plain[::2], plain[1::2], strict=True))


class Tally:
    """Everything one process has measured since the run began, or since it was last handed on.

    A tally is a bag of counters, histograms, a timeline of counters per second, and what charts need besides: call
    set-up times by planned second, a sample of the retries. ``merge`` adds another to it; ``to_plain`` and
    ``from_plain`` carry it between processes as nothing but dictionaries, lists, numbers and strings.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: defaultdict[str, Latency] = defaultdict(Latency)
        self.timeline: CounterSeries[str] = CounterSeries()
        self.setup_times = SetupTimes()
        self.retry_sample = RetryAfterSamples()
        self.first_s: dict[str, float] = {}
        self.last_s: dict[str, float] = {}

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Count an event, in all and in its second of the timeline."""
        self.counts[name] += by
        self.timeline.at(max(int(at_s), 0))[name] += by
        self._seen(name, at_s, at_s)

    def attempt(self, attempt: Attempt) -> None:
        """Count an attempt with its outcome, and its latency if it was answered one way or the other."""
        names = _names(attempt.step, attempt.outcome, attempt.status)
        counts = self.counts
        counts[names.attempts] += 1
        counts[names.outcome] += 1
        if names.status:
            counts[names.status] += 1
        self.timeline.at(max(int(attempt.began_s), 0))[names.attempts] += 1
        if names.limited:
            self.timeline.at(max(int(attempt.ended_s), 0))[names.limited] += 1
        if attempt.outcome is not Outcome.CANCELLED:
            self.latencies[names.service].record(attempt.service_s)
            self.latencies[names.response].record(attempt.ended_s - attempt.planned_s)

    def retry(self, retry: RetryAfterSample) -> None:
        """Count a retry as one that came when it was told to, or too early."""
        if retry.too_early:
            self.count("retries.too_early", retry.retried_s)
            self.latencies["retry_early"].record(retry.early_s)
        else:
            self.count("retries.honoured", retry.retried_s)
        self.retry_sample.add(retry)

    def last_second(self) -> int:
        """The last second of the plan that something was measured in, or a call was planned for; or -1."""
        return max(self.timeline.last, self.setup_times.last)

    def merge(self, other: Tally) -> None:
        self.counts.update(other.counts)
        for name, latency in other.latencies.items():
            self.latencies[name].merge(latency)
        self.timeline.merge(other.timeline)
        self.setup_times.merge(other.setup_times)
        self.retry_sample.merge(other.retry_sample)
        for name, last_s in other.last_s.items():
            self._seen(name, other.first_s[name], last_s)

    def _seen(self, name: str, first_s: float, last_s: float) -> None:
        if first_s < self.first_s.get(name, inf):
            self.first_s[name] = first_s
        if last_s > self.last_s.get(name, -inf):
            self.last_s[name] = last_s

    def to_plain(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "latencies": {name: latency.to_plain() for name, latency in self.latencies.items()},
            "timeline": [[second, dict(counts)] for second, counts in self.timeline.items()],
            "setup_times": self.setup_times.to_plain(),
            "retry_sample": self.retry_sample.to_plain(),
            "first_s": dict(self.first_s),
            "last_s": dict(self.last_s),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Tally:
        tally = cls()
        tally.counts.update(plain["counts"])
        for name, numbers in plain["latencies"].items():
            tally.latencies[name] = Latency.from_plain(numbers)
        for second, counts in plain["timeline"]:
            tally.timeline.at(second).update(counts)
        tally.setup_times = SetupTimes.from_plain(plain["setup_times"])
        tally.retry_sample = RetryAfterSamples.from_plain(plain["retry_sample"])
        tally.first_s.update(plain["first_s"])
        tally.last_s.update(plain["last_s"])
        return tally


def parts_of(counts: Mapping[str, int], family: str) -> dict[str, int]:
    """The counters of a family by the rest of their names: of ``closes``, ``1006`` for ``closes.1006``."""
    prefix = f"{family}."
    return {name.removeprefix(prefix): n for name, n in sorted(counts.items()) if name.startswith(prefix)}


class _Names(NamedTuple):
    attempts: str
    outcome: str
    status: str
    limited: str
    service: str
    response: str


@lru_cache(maxsize=1024)
def _names(step: str, outcome: Outcome, status: int | None) -> _Names:
    """Under which names such an attempt is counted."""
    return _Names(
        attempts=f"attempts.{step}",
        outcome=f"outcomes.{step}.{outcome.value}",
        status="" if status is None else f"status.{step}.{status}",
        limited=f"rate_limited.{step}" if outcome is Outcome.RATE_LIMITED else "",
        service=f"{step}.service",
        response=step,
    )
