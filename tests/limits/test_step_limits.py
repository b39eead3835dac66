"""Several limits on one request, and what its response says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from locust_softphone.limits.decision import Limit
from locust_softphone.limits.fixed_window import FixedWindow
from locust_softphone.limits.keyed import KeyedLimit, KeyParts
from locust_softphone.limits.session_cap import CuttingCap, EvictingCap, SessionCap
from locust_softphone.limits.sliding_counter import MeasuredRate
from locust_softphone.limits.step_limits import DescribedLimit, ResponseStyle, StepLimits, narrowest
from locust_softphone.limits.token_bucket import TokenBucket

ANN = KeyParts("acme", "app", "token-1", "ann", "10.0.0.1")
BOB = KeyParts("acme", "app", "token-1", "bob", "10.0.0.2")
EVE = KeyParts("evil", "app", "token-2", "eve", "10.0.0.1")

DEFAULT = ResponseStyle()


def keyed(make: Callable[[], Limit], *key: str, style: ResponseStyle = DEFAULT) -> KeyedLimit[DescribedLimit]:
    """A limit for each key."""
    return KeyedLimit(lambda: DescribedLimit(make(), style), key)


def limits_of(**limits: Limit) -> StepLimits:
    """Limits that count all requests together."""
    return StepLimits({name: keyed(partial(_itself, limit)) for name, limit in limits.items()})


def _itself(limit: Limit) -> Limit:
    return limit


def test_the_decision_names_the_limit_that_made_it() -> None:
    limits = StepLimits(
        {
            "organisation": keyed(lambda: FixedWindow(3, 60.0), "organisation"),
            "user": keyed(lambda: FixedWindow(2, 10.0), "user"),
        }
    )
    answers = [limits.admit(0.0, caller) for caller in (ANN, ANN, ANN, BOB, BOB, EVE)]
    assert [answer.admitted for answer in answers] == [True, True, False, True, False, True]
    assert [answer.by for answer in answers] == ["user", "user", "user", "organisation", "organisation", "user"]
    assert [answer.told_s for answer in answers] == [None, None, 10.0, None, 60.0, None]


def test_a_request_that_one_limit_refuses_costs_the_others_nothing() -> None:
    wide, narrow = TokenBucket(1.0, 10), FixedWindow(1, 60.0)
    limits = limits_of(wide=wide, narrow=narrow)
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert wide.tokens(0.0) == 9


def test_a_refusal_counts_where_refusals_count() -> None:
    rate = MeasuredRate(2, 10.0)
    limits = limits_of(rate=rate)
    for _ in range(5):
        limits.admit(0.0, ANN)
    assert rate.measured(0.0) == 5


def test_the_refusal_with_the_longest_wait_counts() -> None:
    limits = limits_of(short=FixedWindow(1, 5.0), long=FixedWindow(1, 50.0))
    limits.admit(0.0, ANN)
    assert limits.admit(0.0, ANN).wait_s == 50.0
    assert limits.admit(6.0, ANN).by == "long"


def test_an_admission_combines_what_all_limits_do() -> None:
    limits = limits_of(evicting=EvictingCap(1), cutting=CuttingCap(1, 3.0))
    limits.admit(0.0, ANN, "first")
    second = limits.admit(0.0, ANN, "second")
    assert second.admitted
    assert second.evicted == ("first",)
    assert second.cut_after_s == 3.0


def test_a_session_is_released_in_every_limit() -> None:
    caps = SessionCap(1), SessionCap(2)
    limits = limits_of(one=caps[0], two=caps[1])
    limits.admit(0.0, ANN, "a")
    limits.release(1.0, ANN, "a")
    assert [len(cap) for cap in caps] == [0, 0]


def test_without_limits_every_request_passes() -> None:
    limits = StepLimits({})
    assert not limits
    assert limits.admit(0.0, ANN).admitted


STYLES: list[tuple[ResponseStyle, dict[str, str]]] = [
    (ResponseStyle(), {"Retry-After": "20"}),
    (ResponseStyle(retry_after="none"), {}),
    (ResponseStyle(always_s=30.0), {"Retry-After": "30"}),  # not the true wait
    (
        ResponseStyle(retry_after="none", headers=("x-ratelimit",), reset="epoch-s"),
        {"X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000020"},
    ),
    (
        ResponseStyle(retry_after="none", headers=("inin-ratelimit", "ratelimit"), window_s=20.0),
        {
            "inin-ratelimit-count": "1",
            "inin-ratelimit-allowed": "1",
            "inin-ratelimit-reset": "20",
            "RateLimit": '"only";r=0;t=20',
            "RateLimit-Policy": '"only";q=1;w=20',
        },
    ),
]


@pytest.mark.parametrize(("style", "headers"), STYLES)
def test_what_a_refusal_says(style: ResponseStyle, headers: dict[str, str]) -> None:
    limits = StepLimits({"only": keyed(lambda: FixedWindow(1, 20.0), style=style)})
    limits.admit(0.0, ANN, wall_s=1_800_000_000.0)
    refused = limits.admit(0.0, ANN, wall_s=1_800_000_000.0)
    assert (refused.admitted, refused.status, dict(refused.headers)) == (False, 429, headers)
    assert refused.told_s == (float(headers["Retry-After"]) if "Retry-After" in headers else None)


def test_a_refusal_can_take_long() -> None:
    style = ResponseStyle(status=503, refused_after_s=15.0)
    limits = StepLimits({"cap": keyed(lambda: SessionCap(1), style=style)})
    assert limits.admit(0.0, ANN, "first").delay_s == 0.0
    refused = limits.admit(0.0, ANN, "second")
    assert (refused.status, refused.delay_s, refused.told_s) == (503, 15.0, None)


def test_without_limits_there_is_no_decision() -> None:
    with pytest.raises(ValueError, match="there are no limits that could decide"):
        narrowest({})
