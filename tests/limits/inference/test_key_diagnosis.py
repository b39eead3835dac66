"""Whether several keys share one limit, or each key has its own."""

from __future__ import annotations

import pytest

from locust_softphone.limits.inference.key_diagnosis import diagnose_keys
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.keyed import KeyedLimit, KeyParts
from locust_softphone.limits.token_bucket import TokenBucket
from tests.limits.inference.virtual_client import burst_then_pace


def of_keys(keyed: KeyedLimit[TokenBucket]) -> list[Observation]:
    """Three users, each with a burst and then a steady rate, begun at different times."""
    events = sorted(
        (begin + instant, user)
        for begin, user in ((0.0, "ann"), (0.7, "bob"), (1.3, "eve"))
        for instant in burst_then_pace(15, 6.1, 6.0)
    )
    return [
        Observation(now, now + 0.02, keyed.of(KeyParts(user=user)).admit(now).admitted, 0, user) for now, user in events
    ]


@pytest.mark.parametrize(("key", "per_key"), [(("user",), True), ((), False)])
def test_whether_each_key_has_its_own_limit(key: tuple[str, ...], per_key: bool) -> None:
    found = diagnose_keys(of_keys(KeyedLimit(lambda: TokenBucket(2.0, 10), key)))
    assert found.per_key is per_key


def test_with_one_key_there_is_no_answer() -> None:
    observations = [each for each in of_keys(KeyedLimit(lambda: TokenBucket(2.0, 10))) if each.key == "ann"]
    assert diagnose_keys(observations).per_key is None


def test_without_a_refusal_there_is_no_answer() -> None:
    observations = of_keys(KeyedLimit(lambda: TokenBucket(1000.0, 1000), ("user",)))
    assert diagnose_keys(observations).per_key is None
