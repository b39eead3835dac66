"""Simulated runs for tests: a few softphones, and a policy in short."""

from __future__ import annotations

from typing import Any

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile import Profile
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation import simulated_record
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.simulated_run import Surroundings

INSTANT = NetworkModel(round_trip_s=0.0, work_s=0.0)
"""Nothing takes time but what the policy says."""

OPEN = {"kind": "token-bucket", "rate": "1000000/s", "burst": 1_000_000}
"""A limit that no test reaches."""


def profile(users: int = 10, ramp: object = "0s", **keys: Any) -> Profile:
    softphone = {"like": "sdk-2.3.1", **keys.pop("softphone", {})}
    return Profile.model_validate(
        {"name": "test", "users": users, "ramp": ramp, "softphone": softphone, "hold": "20s", **keys}
    )


def policy(*, setup: str = "1000000/s", limits: dict[str, Any] | None = None, **keys: Any) -> Policy:
    """A policy whose limits are open, apart from those given."""
    return Policy.model_validate(
        {
            "limits": {"token": OPEN, "handshake": OPEN, "offer": OPEN, **(limits or {})},
            "setup": {"rate": setup, "burst": 1},
            **keys,
        }
    )


def simulate(
    a_profile: Profile, a_policy: Policy, network: NetworkModel = INSTANT, seed: int = 0, *, diagnosed: bool = False
) -> RunRecord:
    record = simulated_record.simulate(a_profile, Surroundings(a_policy, network, seed), diagnosed=diagnosed)
    assert record.validity.valid, record.validity.reasons
    return record
