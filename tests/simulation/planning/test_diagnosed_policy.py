"""The policy that a run's record shows: close to the true one, and never more generous."""

from __future__ import annotations

import pytest

from locust_softphone.config.limit_kinds import TokenBucketPolicy
from locust_softphone.errors import InputError
from locust_softphone.simulation.network_model import NetworkModel
from locust_softphone.simulation.planning.diagnosed_policy import policy_of_run
from tests.simulation.simulated import policy, profile, simulate

NETWORK = NetworkModel(0.002, 0.0, 0.001)
EAGER = {"retry": {"initial": "1s", "multiplier": 1, "jitter": "full", "max_retries": 9}}


def test_a_bucket_is_found_and_what_the_run_did_not_meet_is_open() -> None:
    limited = policy(limits={"handshake": {"rate": "20/s", "burst": 40}}, max_early_retries=1000)
    limits = policy_of_run(simulate(profile(150, softphone=EAGER), limited, NETWORK, diagnosed=True)).limits
    (bucket,) = limits.handshake
    assert isinstance(bucket, TokenBucketPolicy)
    assert 19 <= bucket.rate <= 20
    assert 36 <= bucket.burst <= 40
    (offers,) = limits.offer
    assert isinstance(offers, TokenBucketPolicy)
    assert offers.burst == 1_000_000


def test_where_several_kinds_may_explain_a_limit_there_is_no_policy() -> None:
    cap = {"kind": "session-cap", "cap": 30}
    record = simulate(profile(60, "6s", softphone=EAGER), policy(limits={"sessions": cap}), NETWORK, diagnosed=True)
    with pytest.raises(InputError, match="it may be a cap of open sessions or a token bucket or"):
        policy_of_run(record)


def test_a_run_without_refusals_shows_no_limit() -> None:
    record = simulate(profile(3), policy(), diagnosed=True)
    with pytest.raises(InputError, match=r"the run met no limit that its record shows; give a --policy instead"):
        policy_of_run(record)


def test_a_run_with_too_few_refusals_does_not_show_the_kind() -> None:
    record = simulate(
        profile(8, softphone={"retry": {"max_retries": 0}}),
        policy(limits={"handshake": {"rate": "1/min", "burst": 6}}),
        NETWORK,
        diagnosed=True,
    )
    with pytest.raises(InputError, match="locust-softphone probe"):
        policy_of_run(record)
