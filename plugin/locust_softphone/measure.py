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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hdrh.histogram import HdrHistogram

from locust_softphone.outcome import Outcome

__all__ = ["REQUEST_STEPS", "STEPS", "Attempt", "Latency", "Tally"]

REQUEST_STEPS = ("token", "handshake", "offer")
"""The steps that are a request to the edge, which counts them too."""

STEPS = ("token", "handshake", "ready", "offer", "close")

_MICROSECONDS = 1_000_000
_LONGEST_S = 3600
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}


@dataclass(frozen=True)
class Attempt:
    """One try of one step on the wire.

    Args:
        step: one of ``STEPS``.
        planned_s: when it should have begun.
        began_s: when it began.
        ended_s: when its outcome was known.
        outcome: the one way in which it ended.
        status: the HTTP status, where a response was read.
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
    """A histogram of durations: constant relative error (3 significant digits), mergeable.

    Durations above an hour count as an hour, negative ones as zero.
    """

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, _LONGEST_S * _MICROSECONDS, 3)

    def record(self, seconds: float) -> None:
        self._histogram.record_value(min(max(int(seconds * _MICROSECONDS), 0), _LONGEST_S * _MICROSECONDS))

    def __len__(self) -> int:
        return int(self._histogram.total_count)

    def percentile_s(self, percent: float) -> float:
        """The duration that ``percent`` per cent of the recorded ones do not exceed, in seconds."""
        return float(self._histogram.get_value_at_percentile(percent)) / _MICROSECONDS

    def max_s(self) -> float:
        return float(self._histogram.get_max_value()) / _MICROSECONDS

    def summary(self) -> dict[str, float]:
        """Count, percentiles and maximum in seconds; only the count where nothing was recorded."""
        if not len(self):
            return {"count": 0}
        points = {name: self.percentile_s(percent) for name, percent in _PERCENTILES.items()}
        return {"count": len(self), **points, "max": self.max_s()}

    def merge(self, other: Latency) -> None:
        self._histogram.add(other._histogram)

    def encode(self) -> str:
        """The histogram in HdrHistogram's V2 compressed encoding, base64: what other HDR tools read too."""
        return str(self._histogram.encode().decode("ascii"))

    @classmethod
    def decode(cls, text: str) -> Latency:
        latency = cls()
        if text:
            latency._histogram.decode_and_add(text.encode("ascii"))
        return latency


class Tally:
    """Everything one process has measured since the run began, or since it was last handed on.

    A tally is a bag of counters, histograms and a timeline of counters per second. ``merge`` adds another to it;
    ``to_plain`` and ``from_plain`` carry it between processes as nothing but dictionaries, numbers and strings.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: defaultdict[str, Latency] = defaultdict(Latency)
        self.timeline: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.first_s: dict[str, float] = {}
        self.last_s: dict[str, float] = {}

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Count an event, in all and in its second of the timeline."""
        self.counts[name] += by
        self.timeline[max(int(at_s), 0)][name] += by
        self._seen(name, at_s, at_s)

    def attempt(self, attempt: Attempt) -> None:
        """Count an attempt with its outcome, and its latency if it was answered one way or the other."""
        step, outcome = attempt.step, attempt.outcome
        self.counts[f"attempts.{step}"] += 1
        self.counts[f"outcome.{step}.{outcome.value}"] += 1
        if attempt.status is not None:
            self.counts[f"status.{step}.{attempt.status}"] += 1
        self.timeline[max(int(attempt.began_s), 0)][f"attempts.{step}"] += 1
        if outcome is Outcome.RATE_LIMITED:
            self.timeline[max(int(attempt.ended_s), 0)][f"rate_limited.{step}"] += 1
        if outcome is not Outcome.CANCELLED:
            self.latencies[f"{step}.service"].record(attempt.service_s)
            self.latencies[f"{step}.response"].record(attempt.ended_s - attempt.planned_s)

    def merge(self, other: Tally) -> None:
        self.counts.update(other.counts)
        for name, latency in other.latencies.items():
            self.latencies[name].merge(latency)
        for second, counts in other.timeline.items():
            self.timeline[second].update(counts)
        for name, last_s in other.last_s.items():
            self._seen(name, other.first_s[name], last_s)

    def _seen(self, name: str, first_s: float, last_s: float) -> None:
        self.first_s[name] = min(first_s, self.first_s.get(name, first_s))
        self.last_s[name] = max(last_s, self.last_s.get(name, last_s))

    def to_plain(self) -> dict[str, Any]:
        return {
            "counts": dict(self.counts),
            "latencies": {name: latency.encode() for name, latency in self.latencies.items()},
            "timeline": [[second, dict(counts)] for second, counts in sorted(self.timeline.items())],
            "first_s": dict(self.first_s),
            "last_s": dict(self.last_s),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Tally:
        tally = cls()
        tally.counts.update(plain["counts"])
        for name, text in plain["latencies"].items():
            tally.latencies[name] = Latency.decode(text)
        for second, counts in plain["timeline"]:
            tally.timeline[second].update(counts)
        tally.first_s.update(plain["first_s"])
        tally.last_s.update(plain["last_s"])
        return tally
