"""Limits per key, and several in a row."""

from __future__ import annotations

from functools import partial

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.keyed import Caller, KeyedLimit, LimitRow, narrowest
from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate
from locust_softphone.limits.token_bucket import TokenBucket

ANN = Caller("acme", "app", "token-1", "ann", "10.0.0.1")
BOB = Caller("acme", "app", "token-1", "bob", "10.0.0.2")
EVE = Caller("evil", "app", "token-2", "eve", "10.0.0.1")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ((), [True, False, False]),  # all callers share one limit
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


def test_a_key_that_callers_do_not_have() -> None:
    with pytest.raises(ValueError, match="not of shoe"):
        KeyedLimit(lambda: SessionCap(1), ("user", "shoe"))


def test_the_key_unused_for_longest_is_forgotten() -> None:
    keyed = KeyedLimit(lambda: SessionCap(1), ("user",), most_keys=2)
    for caller in (ANN, BOB, ANN, EVE):  # Bob is forgotten
        keyed.of(caller).admit(0.0, object())
    assert len(keyed) == 2
    assert not keyed.of(ANN).peek(0.0).admitted
    assert keyed.of(BOB).peek(0.0).admitted


def _itself(limit: Limit) -> Limit:
    return limit


def row(**limits: tuple[Limit, tuple[str, ...]]) -> LimitRow:
    """A row of limits that each have one key only."""
    return LimitRow({name: KeyedLimit(partial(_itself, limit), key) for name, (limit, key) in limits.items()})


def test_the_narrowest_decides_and_is_named() -> None:
    limits = LimitRow(
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
    limits = row(wide=(wide, ()), narrow=(narrow, ()))
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert wide.tokens(0.0) == 9


def test_a_refusal_counts_where_refusals_count() -> None:
    rate = MeasuredRate(2, 10.0)
    limits = row(rate=(rate, ()))
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert rate.measured(0.0) == 5


def test_of_several_refusals_the_longest_is_told() -> None:
    limits = row(short=(FixedWindow(1, 5.0), ()), long=(FixedWindow(1, 50.0), ()))
    limits.admit(0.0, ANN)
    assert limits.admit(0.0, ANN).wait_s == 50.0
    assert limits.admit(6.0, ANN).by == "long"


def test_of_several_admissions_everything_that_happens_is_told() -> None:
    limits = row(evicting=(EvictingCap(1), ()), cutting=(CuttingCap(1, 3.0), ()))
    limits.admit(0.0, ANN, "first")
    second = limits.admit(0.0, ANN, "second")
    assert second.admitted
    assert second.evicted == ("first",)
    assert second.cut_after_s == 3.0


def test_a_session_is_released_at_every_limit() -> None:
    caps = SessionCap(1), SessionCap(2)
    limits = row(one=(caps[0], ()), two=(caps[1], ("user",)))
    limits.admit(0.0, ANN, "a")
    limits.release(1.0, ANN, "a")
    assert [len(cap) for cap in caps] == [0, 0]


def test_peek_counts_nothing() -> None:
    limits = LimitRow.of_one(FixedWindow(1, 10.0), "only")
    assert limits.peek(0.0, ANN) == limits.peek(0.0, ANN) == limits.admit(0.0, EVE)


def test_no_limit_decides_nothing() -> None:
    with pytest.raises(ValueError, match="there is no limit to decide"):
        narrowest({})
