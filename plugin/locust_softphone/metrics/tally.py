"""Counters and histograms that add up: merged over workers, they are those of one process that did everything.

Counters and histograms have the names of the metrics (catalogue.py). Each latency is kept twice, as in Gil Tene's wrk2:

    offer           response time, from the planned start     what a caller felt who waited since then
    offer.service   service time, from the actual start       what the edge took

They differ when something before the request was late: the generator itself, or an edge that stalls while the plan goes
on. Instants are in seconds since the plan's start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from math import inf
from sys import intern
from typing import Any, NamedTuple

from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.histogram import COARSE_BITS, Histogram
from locust_softphone.metrics.observed_attempts import SESSIONS, Observations
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import RetryAfterSample, RetryAfterSamples

__all__ = ["OTHER", "Tally", "parts_of"]

_PART = {"latencies": 1, "observations": 1, "timeline": 200, "setup_times": 20}
"""How many histograms, or seconds, are in a part of a tally."""

OTHER = "other causes"
"""The cause that attempts are counted under when there are too many different ones."""


class Tally:
    """Everything one process has measured since the run began, or since it last handed its tally on.

    counts          counters by name
    latencies       histograms by name
    timeline        counters by second, for charts
    setup_times     a coarse histogram of call set-up times for each second that calls were planned in
    retry_sample    some of the retries that had been told when to come
    observations    each attempt of each step but close, and each session; bounded
    first_s last_s  when each event was first and last counted

    ``to_plain`` and ``from_plain`` carry a tally between processes as dictionaries, lists, numbers and strings.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies: defaultdict[str, Histogram] = defaultdict(Histogram)
        self.timeline: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self.setup_times: defaultdict[int, Histogram] = defaultdict(partial(Histogram, bits=COARSE_BITS))
        self.retry_sample = RetryAfterSamples()
        self.observations: defaultdict[str, Observations] = defaultdict(Observations)
        self.first_s: dict[str, float] = {}
        self.last_s: dict[str, float] = {}

    def count(self, name: str, at_s: float, by: int = 1) -> None:
        """Count an event, in all and in its second of the timeline."""
        self.counts[name] += by
        self.timeline[max(int(at_s), 0)][name] += by
        self._extend_span(name, at_s, at_s)

    def duration(self, name: str, seconds: float) -> None:
        """Count a duration."""
        self.latencies[name].record(seconds)

    def session(self, opened_s: float, ended_s: float, how: str, softphone: int) -> None:
        """Count a softphone's WebSocket that has ended, and how."""
        self.observations[SESSIONS].add(opened_s, ended_s, how, softphone)

    def attempt(self, attempt: Attempt) -> None:
        """Count an attempt and its outcome, and its latencies unless it was cancelled."""
        names = _names(attempt.step, attempt.outcome, attempt.status, attempt.foreign)
        counts = self.counts
        counts[names.attempts] += 1
        counts[names.outcome] += 1
        if names.status:
            counts[names.status] += 1
        self.timeline[max(int(attempt.began_s), 0)][names.attempts] += 1
        if names.limited:
            self.timeline[max(int(attempt.ended_s), 0)][names.limited] += 1
        if attempt.advice.reset_read_as is not None:
            counts[f"resets.{attempt.advice.reset_read_as}"] += 1
        if attempt.outcome is not Outcome.CANCELLED:
            self.latencies[names.service].record(attempt.service_s)
            self.latencies[attempt.step].record(attempt.response_s)
        if names.answer:
            code = attempt.close_code
            answer = names.answer if code is None else f"{names.answer} {code}"
            self.observations[attempt.step].add(
                attempt.began_s, attempt.ended_s, answer, attempt.softphone, attempt.advice
            )

    def call(self, planned_s: float, began_s: float, ended_s: float) -> None:
        """Count a call that was answered, and how long it took to set up."""
        self.count("calls.answered", ended_s)
        self.latencies["call_setup.service"].record(ended_s - began_s)
        self.latencies["call_setup"].record(ended_s - planned_s)
        self.setup_times[max(int(planned_s), 0)].record(ended_s - planned_s)

    def retry(self, retry: RetryAfterSample) -> None:
        """Count a retry that had been told when to come: in time, or too early."""
        if retry.too_early:
            self.count("retries.too_early", retry.retried_s)
            self.latencies["retry_early"].record(retry.early_s)
        else:
            self.count("retries.honoured", retry.retried_s)
        self.retry_sample.add(retry)

    def last_second(self) -> int:
        """The last second of the plan in which something was measured, or for which a call was planned; or -1."""
        return max((*self.timeline, *self.setup_times), default=-1)

    def merge(self, other: Tally) -> None:
        """Add what another tally has measured."""
        self.counts.update(other.counts)
        for name, latency in other.latencies.items():
            self.latencies[name].merge(latency)
        for second, counts in other.timeline.items():
            self.timeline[second].update(counts)
        for second, setup_times in other.setup_times.items():
            self.setup_times[second].merge(setup_times)
        self.retry_sample.merge(other.retry_sample)
        for name, observations in other.observations.items():
            self.observations[name].merge(observations)
        for name, last_s in other.last_s.items():
            self._extend_span(name, other.first_s[name], last_s)

    def continued(self) -> Tally:
        """An empty tally for what comes next, which keeps no observation that ``merge`` would leave out."""
        tally = Tally()
        for name, observations in self.observations.items():
            tally.observations[name] = observations.continued()
        return tally

    def _extend_span(self, name: str, first_s: float, last_s: float) -> None:
        if first_s < self.first_s.get(name, inf):
            self.first_s[name] = first_s
        if last_s > self.last_s.get(name, -inf):
            self.last_s[name] = last_s

    def to_plain(self) -> dict[str, Any]:
        """The tally as nothing but dictionaries, lists, numbers and strings."""
        return {
            "counts": dict(self.counts),
            "latencies": {name: latency.to_plain() for name, latency in self.latencies.items()},
            "timeline": [[second, dict(counts)] for second, counts in sorted(self.timeline.items())],
            "setup_times": [[second, *times.to_plain()] for second, times in sorted(self.setup_times.items())],
            "retry_sample": self.retry_sample.to_plain(),
            "observations": {name: each.to_plain() for name, each in self.observations.items()},
            "first_s": dict(self.first_s),
            "last_s": dict(self.last_s),
        }

    def parts(self) -> Iterator[Tally]:
        """Small tallies that add up to this one: each can be made plain in a few milliseconds."""
        small = Tally()
        small.counts, small.retry_sample = self.counts, self.retry_sample
        small.first_s, small.last_s = self.first_s, self.last_s
        yield small
        for name in ("latencies", "observations", "timeline", "setup_times"):
            whole: defaultdict[Any, Any] = getattr(self, name)
            keys = iter(whole)
            while some := list(islice(keys, _PART[name])):
                part = Tally()
                getattr(part, name).update((key, whole[key]) for key in some)
                yield part

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Tally:
        """The tally that ``to_plain`` made plain."""
        tally = cls()
        tally.counts.update(plain["counts"])
        for name, numbers in plain["latencies"].items():
            tally.latencies[name] = Histogram.from_plain(numbers)
        for second, counts in plain["timeline"]:
            tally.timeline[second].update({intern(name): n for name, n in counts.items()})
        for second, *numbers in plain["setup_times"]:
            tally.setup_times[second] = Histogram.from_plain(numbers, bits=COARSE_BITS)
        tally.retry_sample = RetryAfterSamples.from_plain(plain["retry_sample"])
        for name, observations in plain.get("observations", {}).items():
            tally.observations[name] = Observations.from_plain(observations)
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
    answer: str


@lru_cache(maxsize=1024)
def _names(step: str, outcome: Outcome, status: int | None, foreign: bool) -> _Names:
    """The names under which an attempt is counted."""
    return _Names(
        attempts=f"attempts.{step}",
        outcome=f"outcomes.{step}.{outcome.value}",
        status="" if status is None else f"{'foreign_status' if foreign else 'status'}.{step}.{status}",
        limited=f"rate_limited.{step}" if outcome is Outcome.RATE_LIMITED else "",
        service=f"{step}.service",
        answer="" if step == "close" else outcome.value if status is None else f"{outcome.value} {status}",
    )
