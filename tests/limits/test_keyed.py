"""Limits per key, and several limits on one request."""

from __future__ import annotations

from functools import partial

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.keyed import KeyedLimit, KeyParts, LimitSet, narrowest
from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate
from locust_softphone.limits.token_bucket import TokenBucket

ANN = KeyParts("acme", "app", "token-1", "ann", "10.0.0.1")
BOB = KeyParts("acme", "app", "token-1", "bob", "10.0.0.2")
EVE = KeyParts("evil", "app", "token-2", "eve", "10.0.0.1")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((), [True, False, False]),  # all requests share one limit
        (("organisation",), [True, False, True]),
        (("client",), [True, False, False]),
        (("token",), [True, False, True]),
        (("user",), [True, True, True]),
        (("address",), [True, True, False]),
        (("token", "address"), [True, True, True]),
    ],
)
def test_each_key_has_its_own_limit(key: tuple[str, ...], expected: list[bool]) -> None:
    keyed = KeyedLimit(lambda: SessionCap(1), key)
    assert [keyed.of(caller).admit(0.0, caller.user).admitted for caller in (ANN, BOB, EVE)] == expected


def test_an_unknown_part_of_a_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="not of shoe"):
        KeyedLimit(lambda: SessionCap(1), ("user", "shoe"))


def test_the_least_recently_used_key_is_forgotten() -> None:
    keyed = KeyedLimit(lambda: SessionCap(1), ("user",), most_keys=2)
    for caller in (ANN, BOB, ANN, EVE):  # Bob is forgotten
        keyed.of(caller).admit(0.0, object())
    assert len(keyed) == 2
    assert not keyed.of(ANN).peek(0.0).admitted
    assert keyed.of(BOB).peek(0.0).admitted


def _itself(limit: Limit) -> Limit:
    return limit


def limit_set(**limits: tuple[Limit, tuple[str, ...]]) -> LimitSet:
    """Limits that each have one key only."""
    return LimitSet({name: KeyedLimit(partial(_itself, limit), key) for name, (limit, key) in limits.items()})


def test_the_decision_names_the_limit_that_made_it() -> None:
    limits = LimitSet(
        {
            "organisation": KeyedLimit(lambda: FixedWindow(3, 60.0), ("organisation",)),
            "user": KeyedLimit(lambda: FixedWindow(2, 10.0), ("user",)),
        }
    )
    decisions = [limits.admit(0.0, caller) for caller in (ANN, ANN, ANN, BOB, BOB, EVE)]
    assert [decision.admitted for decision in decisions] == [True, True, False, True, False, True]
    assert [decision.by for decision in decisions] == ["user", "user", "user", "organisation", "organisation", "user"]
    assert [decision.wait_s for decision in decisions] == [0.0, 10.0, 10.0, 60.0, 60.0, 0.0]


def test_a_request_that_one_limit_refuses_costs_the_others_nothing() -> None:
    wide, narrow = TokenBucket(1.0, 10), FixedWindow(1, 60.0)
    limits = limit_set(wide=(wide, ()), narrow=(narrow, ()))
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert wide.tokens(0.0) == 9


def test_a_refusal_counts_where_refusals_count() -> None:
    rate = MeasuredRate(2, 10.0)
    limits = limit_set(rate=(rate, ()))
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert rate.measured(0.0) == 5


def test_the_refusal_with_the_longest_wait_counts() -> None:
    limits = limit_set(short=(FixedWindow(1, 5.0), ()), long=(FixedWindow(1, 50.0), ()))
    limits.admit(0.0, ANN)
    assert limits.admit(0.0, ANN).wait_s == 50.0
    assert limits.admit(6.0, ANN).by == "long"


def test_an_admission_combines_what_all_limits_do() -> None:
    limits = limit_set(evicting=(EvictingCap(1), ()), cutting=(CuttingCap(1, 3.0), ()))
    limits.admit(0.0, ANN, "first")
    second = limits.admit(0.0, ANN, "second")
    assert second.admitted
    assert second.evicted == ("first",)
    assert second.cut_after_s == 3.0


def test_a_session_is_released_in_every_limit() -> None:
    caps = SessionCap(1), SessionCap(2)
    limits = limit_set(one=(caps[0], ()), two=(caps[1], ("user",)))
    limits.admit(0.0, ANN, "a")
    limits.release(1.0, ANN, "a")
    assert [len(cap) for cap in caps] == [0, 0]


def test_peek_counts_nothing() -> None:
    limits = limit_set(only=(FixedWindow(1, 10.0), ()))
    assert limits.peek(0.0, ANN) == limits.peek(0.0, ANN) == limits.admit(0.0, EVE)


def test_without_limits_there_is_no_decision() -> None:
    with pytest.raises(ValueError, match="there are no limits that could decide"):
        narrowest({})
