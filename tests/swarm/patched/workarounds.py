"""Locust's old counts per second are dropped; what Locust shows stays the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust import stats
from locust.env import Environment
from locust.stats import RequestStats

from locust_softphone.swarm import workarounds

HOUR_S = 3600


def stats_of_an_hour(monkeypatch: pytest.MonkeyPatch) -> RequestStats:
    """Three requests in each second, one of them failed."""
    now = SimpleNamespace(time=lambda: 1_000_000.0)
    monkeypatch.setattr(stats, "time", now)
    kept = RequestStats()
    for second in range(HOUR_S):
        now.time = lambda second=second: 1_000_000.0 + second
        for _ in range(3):
            kept.log_request("POST", "offer", 5, 0)
        kept.log_error("POST", "offer", "rate_limited")
    return kept


def shown(kept: RequestStats) -> list[Any]:
    return [each.to_dict() for each in (kept.total, kept.get("offer", "POST"))]


def test_what_locust_shows_stays_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = stats_of_an_hour(monkeypatch)
    before = shown(kept)
    assert before[0]["current_rps"] == 3
    assert before[0]["current_fail_per_sec"] == 1
    workarounds.drop_old_seconds(kept)
    assert shown(kept) == before
    for entry in (kept.total, kept.get("offer", "POST")):
        assert max(len(entry.num_reqs_per_sec), len(entry.num_fail_per_sec)) < 60


def test_without_any_request_there_is_nothing_to_drop() -> None:
    workarounds.drop_old_seconds(RequestStats())


@pytest.mark.parametrize("asked_for", [{"json": True}, {"json_file": "statistics"}])
def test_all_seconds_are_kept_for_the_json_options(asked_for: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment(parsed_options=SimpleNamespace(**asked_for))
    monkeypatch.setattr(gevent, "sleep", lambda _: pytest.fail("it drops seconds"))
    workarounds.drop_old_seconds_repeatedly(environment, lambda: False)


def test_old_seconds_are_dropped_until_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment()
    environment.stats = stats_of_an_hour(monkeypatch)
    asked = iter([False, True])
    monkeypatch.setattr(gevent, "sleep", lambda _: None)
    workarounds.drop_old_seconds_repeatedly(environment, lambda: next(asked))
    assert len(environment.stats.total.num_reqs_per_sec) < 60
