"""A run as far as it has been measured: one view of several tallies."""

from __future__ import annotations

from math import inf

import pytest

from locust_softphone.metrics.run_so_far import RunSoFar
from locust_softphone.metrics.tally import Tally


def a_tally(at_s: float, *durations_s: float) -> Tally:
    tally = Tally()
    tally.count("connected", at_s)
    tally.count(f"closes.{1000 + int(at_s)}", at_s)
    for each in durations_s:
        tally.latencies["offer"].record(each)
    return tally


def run_of(*tallies: Tally, planned: int = 2, calls_each: int | None = 3) -> RunSoFar:
    return RunSoFar(tallies, "media-offer", planned, calls_each, until_s=9.0)


def test_counters_and_histograms_are_those_of_all_tallies() -> None:
    run = run_of(a_tally(1.5, 0.1), a_tally(2.5, 0.2, 0.3))
    assert run.count("connected") == 2
    assert run.count("answered") == 0
    assert run.last_s("connected") == 2.5
    assert run.last_s("answered") is None
    assert sorted(run.parts("closes")) == ["1001", "1002"]
    assert len(run.histogram("offer")) == 3
    assert run.duration_s("offer", "max") == pytest.approx(0.3, rel=1e-3)
    assert run.duration_s("token", "max") is None


def test_reading_a_histogram_leaves_the_tally_alone() -> None:
    tally = a_tally(1.0, 0.1)
    run_of(tally).least_duration_s("offer", "p50", most=100)
    assert len(tally.latencies["offer"]) == 1
    assert "token" not in tally.latencies


@pytest.mark.parametrize(("planned", "connected"), [(1, True), (2, False)])
def test_all_are_connected_when_as_many_as_planned_are(planned: int, connected: bool) -> None:
    assert run_of(a_tally(1.0), planned=planned).all_connected is connected


@pytest.mark.parametrize(("calls_each", "planned"), [(3, 6), (None, None)])
def test_the_planned_calls_are_unknown_for_a_users_own_script(calls_each: int | None, planned: int | None) -> None:
    assert run_of(calls_each=calls_each).calls_planned == planned


@pytest.mark.parametrize(
    ("point", "most", "least_s", "why"),
    [
        ("p50", 3, 2.0, "no duration is to come"),
        ("p50", 4, 1.0, "one of 0 s is to come, and half of four are two"),
        ("p50", 10, 0.0, "seven of 0 s may be to come"),
        ("p50", inf, 0.0, "any number may be to come"),
        ("max", inf, 3.0, "the longest stays the longest"),
    ],
)
def test_what_a_percentile_will_be_at_least(point: str, most: float, least_s: float, why: str) -> None:
    run = run_of(a_tally(1.0, 1.0, 2.0, 3.0))
    assert run.least_duration_s("offer", point, most) == pytest.approx(least_s, rel=1e-3), why
