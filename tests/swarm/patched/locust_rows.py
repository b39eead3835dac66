"""Requests that are added to Locust's statistics many at once give what Locust gives for one after the other."""

from __future__ import annotations

from typing import Any

from locust.env import Environment
from locust.stats import RequestStats

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.swarm.load.locust_rows import LocustRows

REFUSED = AttemptFailed(Outcome.RATE_LIMITED, status=429)
REQUESTS = [
    ("POST", "offer", 0.0124, None),
    ("WS", "handshake", 0.0009, None),
    ("POST", "offer", 0.1474, REFUSED),
    ("POST", "offer", 3.432, None),
    ("POST", "offer", 0.0124, None),
    ("POST", "offer", 0.02, REFUSED),
    ("CALL", "call setup", 58.76, REFUSED),
]


def figures(stats: RequestStats) -> dict[tuple[str, str], Any]:
    """What Locust shows of each row, without what depends on when it was added."""
    return {
        (entry.method, entry.name): (
            entry.num_requests,
            entry.num_failures,
            entry.min_response_time,
            entry.max_response_time,
            round(entry.total_response_time, 6),
            dict(entry.response_times),
            sum(entry.num_reqs_per_sec.values()),
            sum(entry.num_fail_per_sec.values()),
        )
        for entry in (stats.total, *stats.entries.values())
    }


def a_run() -> Environment:
    environment = Environment()
    environment.create_local_runner()  # its listener counts the requests
    return environment


def test_the_rows_are_those_of_locust() -> None:
    expected, environment = a_run(), a_run()
    rows = LocustRows(environment)
    for part in (REQUESTS[:3], REQUESTS[3:], []):
        for request_type, name, seconds, failure in part:
            expected.events.request.fire(
                request_type=request_type,
                name=name,
                response_time=seconds * 1000,
                response_length=0,
                exception=failure,
            )
            rows.add(request_type, name, seconds, failure)
        rows.flush()
    assert figures(environment.stats) == figures(expected.stats)
    assert environment.stats.total.num_requests == len(REQUESTS)
    assert {key: error.occurrences for key, error in environment.stats.errors.items()} == {
        key: error.occurrences for key, error in expected.stats.errors.items()
    }


def test_other_listeners_have_each_request_at_once_and_locust_counts_it_once() -> None:
    environment, heard = a_run(), list[Any]()
    environment.events.request.add_listener(lambda exception, **_: heard.append(exception))
    rows = LocustRows(environment)
    for request in REQUESTS:
        rows.add(*request)
    assert heard == [failure for *_, failure in REQUESTS]
    rows.flush()
    assert environment.stats.total.num_requests == len(REQUESTS)
