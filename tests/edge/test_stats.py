"""The edge's counters."""

from __future__ import annotations

from locust_softphone.edge.stats import Stats


def test_requests_are_the_sum_of_admitted_refused_and_cut() -> None:
    stats = Stats()
    step = stats.steps["offer"]
    step.admitted += 3
    step.refused[429] += 2
    step.refused[409] += 1
    step.cut += 1
    assert stats.as_json()["steps"]["offer"] == {
        "requests": 7,
        "admitted": 3,
        "refused": {"409": 1, "429": 2},
        "cut": 1,
    }


def test_the_peak_is_the_largest_number_of_open_sessions() -> None:
    stats = Stats()
    for _ in range(3):
        stats.session_opened()
    stats.sessions_open -= 2
    stats.session_opened()
    assert stats.as_json()["sessions"] == {"open": 2, "peak": 3, "total": 4, "answered": 0}


def test_every_cause_and_step_is_shown_with_zero() -> None:
    shown = Stats().as_json()
    assert shown["cuts"] == {
        "offer_deadline": 0,
        "early_offer": 0,
        "early_retries": 0,
        "pong_timeout": 0,
        "login_timeout": 0,
        "slow_reader": 0,
        "beyond_cap": 0,
        "evicted": 0,
        "drop_all": 0,
    }
    assert shown["early_retries"] == {"token": 0, "handshake": 0, "offer": 0}


def test_what_only_one_dialect_has_is_shown_once_it_has_happened() -> None:
    stats = Stats()
    assert {"logins", "calls"}.isdisjoint(stats.as_json())
    assert list(stats.as_json()["steps"]) == ["token", "handshake", "offer"]
    stats.steps["channel"].admitted += 1
    stats.logins["refused"] += 1
    stats.calls["proposed"] += 1
    shown = stats.as_json()
    assert list(shown["steps"]) == ["token", "channel", "handshake", "offer"]
    assert shown["logins"] == {"admitted": 0, "refused": 1}
    assert (shown["calls"]["proposed"], shown["calls"]["answered"]) == (1, 0)
