"""Adds what happened to Locust's statistics, many requests of a row at once.

Locust 2.47.0 counts each request by itself: an event, its listener, and two entries that count it in eight places each
(event.py, stats.py). A call is five requests, and that was 9 % of its CPU (sampled). Here the requests of a row wait
for a second at most, and are added as a master adds what its workers report: with ``StatsEntry.extend``.

``events.request`` is Locust's interface for other listeners. Where there is one, each request is an event, at once.
This can go when ``RequestStats`` can add many requests in one call.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from typing import Any, cast

from locust import stats as locust_stats
from locust.env import Environment
from locust.stats import RequestStats, StatsEntry

from locust_softphone.errors import AttemptFailed

__all__ = ["LocustRows"]

_MILLISECONDS = 1000.0


class LocustRows:
    """The rows of Locust's statistics that one process adds to.

    Args:
        environment: Locust's, with the statistics that the listener of its runner adds to.
    """

    def __init__(self, environment: Environment) -> None:
        self._request = environment.events.request
        self._stats = environment.stats
        self._took_ms: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._failed: list[tuple[str, str, AttemptFailed]] = []

    def add(self, request_type: str, name: str, seconds: float, failure: AttemptFailed | None) -> None:
        """Add a request.

        Args:
            request_type: its type, such as ``POST``.
            name: its name; both together are the row.
            seconds: its service time.
            failure: why it failed; None if it did not.
        """
        if len(self._request._handlers) == 1:  # the runner's, which counts it in these statistics
            self._took_ms[request_type, name].append(seconds * _MILLISECONDS)
            if failure is not None:
                self._failed.append((request_type, name, failure))
            return
        self._request.fire(
            request_type=request_type,
            name=name,
            response_time=seconds * _MILLISECONDS,
            response_length=0,
            exception=failure,
            context={},
        )

    def flush(self) -> None:
        """Add what waits to the statistics, as requests of this second."""
        stats, rows = self._stats, self._took_ms
        self._took_ms = defaultdict(list)
        failed, self._failed = self._failed, []
        for (request_type, name), took_ms in rows.items():
            added = _entry(stats, request_type, name, took_ms)
            stats.total.extend(added)
            stats.get(name, request_type).extend(added)
        for request_type, name, failure in failed:
            stats.log_error(request_type, name, failure)


def _entry(stats: RequestStats, request_type: str, name: str, took_ms: list[float]) -> StatsEntry:
    """The entry of so many requests."""
    entry: Any = StatsEntry(stats, name, request_type)  # its durations are annotated as whole numbers, but are not
    now_s = time.time()
    entry.num_requests = len(took_ms)
    entry.num_reqs_per_sec[int(now_s)] = len(took_ms)
    entry.last_request_timestamp = now_s
    entry.total_response_time = sum(took_ms)
    entry.min_response_time, entry.max_response_time = min(took_ms), max(took_ms)
    entry.response_times.update(Counter(map(locust_stats.bucket_response_time, took_ms)))
    return cast(StatsEntry, entry)
