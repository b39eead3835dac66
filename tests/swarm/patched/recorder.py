"""What the recorder writes into the tally, and what into Locust's statistics."""

from __future__ import annotations

from typing import Any

import pytest
from locust.env import Environment

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.swarm.load.locust_rows import LocustRows
from locust_softphone.swarm.load.recorder import Recorder

REFUSED = AttemptFailed(Outcome.RATE_LIMITED, status=429)
CANCELLED = AttemptFailed(Outcome.CANCELLED)


class Telemetry:
    """Keeps what it gets to export."""

    def __init__(self) -> None:
        self.exported: list[object] = []

    def attempt(self, attempt: Attempt, transport: str) -> None:
        self.exported.append(attempt)

    def call(self, planned_s: float, began_s: float, ended_s: float, failure: AttemptFailed | None) -> None:
        self.exported.append(failure)


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """What Locust is given."""
    return []


@pytest.fixture
def environment() -> Environment:
    """Locust's, with the listener of its runner."""
    environment = Environment()
    environment.create_local_runner()
    return environment


@pytest.fixture
def recorder(environment: Environment, rows: list[dict[str, Any]]) -> Recorder:
    environment.events.request.add_listener(lambda **row: rows.append(row))
    return Recorder(LocustRows(environment))


def an_attempt(outcome: Outcome, status: int | None = None) -> Attempt:
    """Planned at 1 s, begun at 1.5 s, ended at 2 s."""
    return Attempt("offer", 1.0, 1.5, 2.0, outcome, status)


def test_an_attempt_has_its_response_time_in_the_tally_and_its_service_time_in_locust(
    recorder: Recorder, rows: list[dict[str, Any]]
) -> None:
    recorder.attempt(an_attempt(Outcome.OK), None)
    assert recorder.tally.counts["attempts.offer"] == 1
    assert recorder.tally.latencies["offer"].percentile_s(50) == pytest.approx(1.0, rel=0.01)
    assert recorder.tally.latencies["offer.service"].percentile_s(50) == pytest.approx(0.5, rel=0.01)
    (row,) = rows
    assert (row["request_type"], row["name"], row["response_time"]) == ("POST", "offer", 500.0)
    assert row["exception"] is None


def test_a_failed_attempt_is_a_failure_in_locust(recorder: Recorder, rows: list[dict[str, Any]]) -> None:
    recorder.attempt(an_attempt(Outcome.RATE_LIMITED, 429), REFUSED)
    assert [row["exception"] for row in rows] == [REFUSED]
    assert recorder.tally.counts["status.offer.429"] == 1


def test_a_cancelled_attempt_is_counted_but_not_shown_in_locust(recorder: Recorder, rows: list[dict[str, Any]]) -> None:
    recorder.attempt(an_attempt(Outcome.CANCELLED), CANCELLED)
    assert recorder.tally.counts["attempts.offer"] == 1
    assert rows == []


def test_an_answered_call_has_its_set_up_time(recorder: Recorder, rows: list[dict[str, Any]]) -> None:
    recorder.call(1.0, 1.5, 2.0, None)
    assert recorder.tally.counts["calls.answered"] == 1
    assert recorder.tally.latencies["call_setup"].percentile_s(50) == pytest.approx(1.0, rel=0.01)
    assert recorder.tally.setup_times[1].summary()["count"] == 1
    assert [(row["request_type"], row["name"], row["response_time"]) for row in rows] == [("CALL", "call setup", 500.0)]


def test_a_call_that_was_not_answered_has_none(recorder: Recorder, rows: list[dict[str, Any]]) -> None:
    recorder.call(1.0, 1.5, 2.0, REFUSED)
    recorder.call(1.0, 1.5, 2.0, CANCELLED)
    assert recorder.tally.counts["calls.answered"] == 0
    assert len(recorder.tally.latencies["call_setup"]) == 0
    assert [row["exception"] for row in rows] == [REFUSED], "the cancelled one is not shown"


def test_take_returns_what_was_recorded_and_starts_anew(recorder: Recorder) -> None:
    recorder.count("started", 0.5)
    recorder.duration("start_lag", 0.25)
    taken = recorder.take()
    assert taken.counts["started"] == 1
    assert len(taken.latencies["start_lag"]) == 1
    assert recorder.take().counts["started"] == 0


def test_locusts_statistics_have_all_that_is_taken(environment: Environment) -> None:
    recorder = Recorder(LocustRows(environment))
    recorder.attempt(an_attempt(Outcome.OK), None)
    recorder.attempt(an_attempt(Outcome.RATE_LIMITED, 429), REFUSED)
    assert environment.stats.total.num_requests == 0, "they wait"
    recorder.take()
    assert (environment.stats.total.num_requests, environment.stats.total.num_failures) == (2, 1)


def test_telemetry_is_given_all_attempts_and_all_calls_but_cancelled_ones() -> None:
    telemetry: Any = Telemetry()
    recorder, attempt = Recorder(LocustRows(Environment()), telemetry), an_attempt(Outcome.OK)
    recorder.attempt(attempt, None)
    recorder.call(1.0, 1.5, 2.0, REFUSED)
    recorder.call(1.0, 1.5, 2.0, CANCELLED)
    assert telemetry.exported == [attempt, REFUSED]
