"""How long each limit makes a profile take."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from locust_softphone.simulation.planning.closed_form import needs_of
from tests.simulation.simulated import policy, profile


@pytest.mark.parametrize(
    ("step", "limit", "seconds", "says"),
    [
        ("offer", {"rate": "50/s", "burst": 50}, 9.0, "offer: 50/s after 50 at once; 500 need 9s"),
        ("token", {"rate": "50/s", "burst": 600}, 0.0, "token: 50/s after 600 at once; 500 need 0s"),
        (
            "handshake",
            {"kind": "leaky-bucket", "rate": "10/s", "queue": 99},
            40.0,
            "handshake: 10/s after 100 at once; 500 need 40s",
        ),
        (
            "handshake",
            {"kind": "fixed-window", "quota": 100, "window": "60s"},
            240.0,
            "handshake: 100 in each 60s; 500 need at least 240s",
        ),
        (
            "handshake",
            {"kind": "fixed-window", "quota": 100, "window": "60s", "begins": "clock"},
            240.0,
            "handshake: 100 in each 60s; 500 need at least 240s",
        ),
        (
            "handshake",
            {"kind": "lump-bucket", "lump": 25, "every": "1s", "burst": 100},
            15.0,
            "handshake: 25 every 1s after 100 at once; 500 need at least 15s",
        ),
        (
            "offer",
            {"kind": "work-queue", "workers": 2, "queue": 98, "work": "100ms"},
            20.0,
            "offer: 20/s after 100 at once; 500 need 20s",
        ),
        (
            "offer",
            {"rate": "1/s", "burst": 1, "key": ["user"]},
            0.0,
            "offer: 1/s after 1 at once for each user; 1 need 0s",
        ),
        ("sessions", {"kind": "session-cap", "cap": 499}, inf, "sessions: session-cap, 499 at once; 500 never fit"),
        ("sessions", {"kind": "session-cap", "cap": 500}, 0.0, "sessions: session-cap, 500 at once; 500 need 0s"),
    ],
)
def test_a_limit_demands_time(step: str, limit: dict[str, Any], seconds: float, says: str) -> None:
    needs = needs_of(profile(500), policy(limits={step: limit}))
    found = next(need for need in needs if need.step == step)
    assert found.seconds == pytest.approx(seconds)
    assert str(found) == says


def test_the_limit_that_demands_most_comes_first() -> None:
    limits = {"token": {"rate": "50/s", "burst": 300}, "offer": {"rate": "50/s", "burst": 50}}
    assert [need.step for need in needs_of(profile(500), policy(limits=limits))][:2] == ["offer", "token"]


def test_requests_with_one_token_are_those_of_all_softphones_if_they_share_it() -> None:
    shared = profile(500, dialect="genesys-cloud", softphone={"token": "shared"})
    first = needs_of(shared, policy())[0]
    assert str(first) == "requests with one token: 300 in each 60s for each token; 1500 need at least 240s"
