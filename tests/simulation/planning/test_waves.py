"""Waves are offered where they are shorter than an even ramp, and hold."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.planning.planner import plan_ramp
from locust_softphone.simulation.planning.waves import Waves, shorter_waves
from locust_softphone.simulation.simulated_run import Surroundings
from tests.simulation.simulated import policy, profile


@pytest.mark.parametrize(
    ("limit", "size", "waves"),
    [
        ({"kind": "fixed-window", "quota": 20, "window": "2s"}, 20, 3),
        ({"kind": "sliding-log", "quota": 25, "window": "2s"}, 25, 2),
        ({"kind": "lump-bucket", "lump": 20, "every": "2s", "burst": 20}, 20, 3),
    ],
)
def test_waves_of_a_quota_are_shorter_than_an_even_ramp(limit: dict[str, Any], size: int, waves: int) -> None:
    a_profile = profile(50, hold="3s")
    surroundings = Surroundings(policy(limits={"handshake": limit}), NetworkModel(0.01, 0.0, 0.0))
    plan = plan_ramp(a_profile, surroundings)
    assert plan.shape is not None
    found = shorter_waves(a_profile, surroundings, plan)
    assert found is not None
    assert (found.size, found.waves) == (size, waves)
    assert found.every_s == pytest.approx(2.02)
    assert found.seconds < plan.shape.seconds


def test_a_bucket_has_no_waves() -> None:
    surroundings = Surroundings(policy(limits={"handshake": {"rate": "20/s", "burst": 10}}), NetworkModel(0.01))
    plan = plan_ramp(profile(30, hold="3s"), surroundings)
    assert shorter_waves(profile(30, hold="3s"), surroundings, plan) is None


def test_waves_are_written_as_stages() -> None:
    waves = Waves(20, 5.05, 3)
    assert waves.ramp(50)["stages"] == [{"to": 20}, {"hold": "5.05s"}, {"to": 40}, {"hold": "5.05s"}, {"to": 50}]
    assert str(waves) == "20 at once every 5.05s: 10.1s in all"
