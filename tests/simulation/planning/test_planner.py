"""Plans for simulated edges: as short as the limits allow, sure where something is random, and reasons where there is
none.
"""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.planning.planner import (
    RampPlan,
    goals_of,
    plan_ramp,
    planned_profile,
    ramp_of,
    with_margin,
)
from locust_softphone.simulation.planning.ramp_search import RampShape
from locust_softphone.simulation.planning.sentences import plan_lines, why_not
from locust_softphone.simulation.simulated_run import Surroundings
from tests.simulation.simulated import policy, profile, simulate


def plan(a_profile: Profile, a_policy: Policy, network: NetworkModel = NetworkModel(0.01, 0.0, 0.0)) -> RampPlan:  # noqa: B008
    return plan_ramp(a_profile, Surroundings(a_policy, network))


def test_a_plan_is_as_short_as_its_bucket_allows_and_holds() -> None:
    limited = policy(limits={"offer": {"rate": "20/s", "burst": 10}})
    found = plan(profile(60), limited)
    assert found.shape is not None
    assert found.shape.seconds == pytest.approx(2.5, rel=0.03)
    assert found.first_refusal is not None
    assert found.first_refusal[:2] == ("offer", "token-bucket")
    record = simulate(planned_profile(profile(60), found.shape), limited, NetworkModel(0.01, 0.0, 0.0))
    assert (record.totals.answered, record.rate_limited["total"]) == (60, 0)
    lines = plan_lines(profile(60), found, 0.1)
    assert "decides: offer: 20/s after 10 at once; 60 need 2.5s; a shorter ramp fails there first" in lines


def test_a_plan_for_a_limit_with_a_random_phase_holds_in_95_percent_of_the_runs() -> None:
    lumps = {"kind": "lump-bucket", "lump": 10, "every": "1s", "burst": 10}
    found = plan(profile(30, hold="5s"), policy(limits={"handshake": lumps}))
    assert found.shape is not None
    assert found.checked == 40
    assert found.held >= 38
    assert 1.0 <= found.shape.seconds <= 3.5


def test_the_expectations_of_a_profile_are_the_goals_unless_it_reproduces_a_failure() -> None:
    expects: dict[str, Any] = {"expect": ["answered >= 90%"]}
    assert [str(goal) for goal in goals_of(profile(1, **expects))] == ["answered >= 90%"]
    default = ["rate_limited == 0", "abnormal_closes == 0", "answered == 100%"]
    assert [str(goal) for goal in goals_of(profile(1, reproduces=True, **expects))] == default
    assert [str(goal) for goal in goals_of(profile(1))] == default


def test_retries_can_make_a_ramp_unnecessary() -> None:
    patient = profile(15, expect=["answered == 100%"], softphone={"retry": {"retry_after": "honour"}})
    found = plan(patient, policy(limits={"handshake": {"rate": "10/s", "burst": 10}}))
    assert found.shape == RampShape(15, 0.0)
    assert plan_lines(patient, found, 0.05)[1] == "all at once: no ramp is needed"


def test_a_cap_allows_no_ramp() -> None:
    capped = policy(limits={"sessions": {"kind": "session-cap", "cap": 8}})
    found = plan(profile(12), capped)
    assert found.shape is None
    text = "\n".join(why_not(profile(12), found))
    assert "sessions: session-cap, 8 at once; 12 never fit" in text
    assert "Use at most 8 softphones" in text


@pytest.mark.parametrize(
    ("shape", "ramp"),
    [
        (RampShape(50, 0.0), "0s"),
        (RampShape(0, 9.0361), "9.037s"),
        (RampShape(20, 2.0), {"stages": [{"to": 20}, {"to": 50, "over": "2s"}]}),
    ],
)
def test_a_shape_is_written_as_a_ramp(shape: RampShape, ramp: object) -> None:
    assert ramp_of(shape, 50) == ramp
    assert planned_profile(profile(50), shape).schedule().users == 50


def test_a_margin_makes_the_ramp_longer_and_its_start_smaller() -> None:
    longer = with_margin(RampShape(20, 10.0), 0.1)
    assert longer.at_once == 18
    assert longer.seconds == pytest.approx(11.0)
    assert with_margin(RampShape(20, 0.0), 0.1) == RampShape(20, 0.0)
