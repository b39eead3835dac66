"""A softphone that is refused or dropped: when it tries again, and that both sides count the same."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialects.media_offer import MediaOffer
from locust_softphone.signaling.softphone import Softphone
from tests.edge import softphone as independent
from tests.signaling.softphones import ONE_HANDSHAKE, ONE_OFFER, ONE_TOKEN, PATIENT_S, Field, a_field

NO_RETRY = {"max_retries": 0}


# Refused for the rate


@pytest.mark.parametrize(
    ("retry", "form", "waits", "judged", "why"),
    [
        ({"retry_after": "honour"}, "seconds", lambda told: told, "honoured", "as long as told, in seconds"),
        ({"retry_after": "honour"}, "http-date", lambda told: told, "honoured", "as long as told, as a date"),
        ({"retry_after": "honour"}, "none", lambda told: 1.0, None, "no Retry-After: the back-off"),
        ({"retry_after": "honour", "retry_after_cap": "5s"}, "seconds", lambda told: 5.0, "too_early", "capped"),
        ({"retry_after": "ignore"}, "seconds", lambda told: 1.0, "too_early", "the back-off, although it was told"),
        (
            {"retry_after": "ignore", "initial": "90s"},
            "seconds",
            lambda told: 90.0,
            "honoured",
            "the back-off is longer anyway",
        ),
        ({"retry_after": "add"}, "seconds", lambda told: told + 1.0, "honoured", "as long as told, plus the back-off"),
    ],
)
def test_a_refused_handshake_is_retried(
    retry: dict[str, Any], form: str, waits: Callable[[float | None], float], judged: str | None, why: str
) -> None:
    policy = f"{{{ONE_HANDSHAKE}, retry_after: {{form: {form}, advice: next-token}}}}"
    one_more_try = {"max_retries": 1, "initial": "1s", "max_wait": "90s", **retry}
    with a_field(policy, like="sdk-2.3.1", retry=one_more_try) as field:
        admitted, refused = field.softphone(), field.softphone()
        assert admitted.call()
        assert not refused.call()
        told = field.seen.failures[0].advice.retry_after_s
        assert field.time.slept == pytest.approx([waits(told)], abs=0.3), why
        assert field.seen.outcomes("handshake") == ["ok", "rate_limited", "rate_limited"], why
        assert field.counted("retries") == 1
        for name in ("honoured", "too_early"):
            assert field.counted(f"retries.{name}") == (judged == name), why
        assert len(field.seen.tally.retry_sample.sorted()) == (judged is not None), why
        early_s = field.seen.tally.latencies["retry_early"].summary()
        if judged == "too_early":
            assert told is not None
            assert early_s["max"] == pytest.approx(told - waits(told), abs=0.3), why
        else:
            assert early_s["count"] == 0, why
        assert field.counted("closes.1006") == field.counted("abnormal_closes.refused") == 2, why
        assert (field.counted("connected"), field.counted("gave_up")) == (1, 1), why


def test_without_jitter_it_backs_off_one_two_four_and_gives_up() -> None:
    with a_field(f"{{{ONE_HANDSHAKE}, max_early_retries: 10}}", like="sdk-2.3.1") as field:
        admitted, refused = field.softphone(), field.softphone()
        assert admitted.call()
        assert not refused.call()
        assert field.time.slept == pytest.approx([1.0, 2.0, 4.0], abs=0.3)
        handshakes = [each for each in field.seen.attempts if each.step == "handshake"][1:]
        for n, wait_s in enumerate(field.time.slept):  # a retry is due when its back-off is over
            assert handshakes[n + 1].planned_s == pytest.approx(handshakes[n].ended_s + wait_s, abs=0.3)
        assert field.counted("gave_up") == 1


def test_a_refused_offer_is_repeated_on_the_same_connection_and_answered() -> None:
    with a_field("limits: {offer: {rate: 1/s, burst: 1}}", like="recommended") as field:
        first, second = field.softphone(), field.softphone()
        assert first.call()
        assert second.call()
        assert field.seen.outcomes("offer") == ["ok", "rate_limited", "ok"]
        assert field.seen.outcomes("handshake") == ["ok", "ok"]
        assert field.counted("retries.honoured") == 1
        assert field.edge.stats()["early_retries"]["offer"] == 0


@pytest.mark.parametrize(
    ("remaining", "says", "waits", "read_as"),
    [
        ("honour", "headers: [x-ratelimit], reset: epoch-ms", [60.0], "epoch_ms"),
        ("honour", "headers: [ratelimit]", [60.0], "ratelimit"),
        ("ignore", "reset: seconds", [], "seconds"),
    ],
)
def test_when_nothing_remains_it_asks_again_after_the_reset(
    remaining: str, says: str, waits: list[float], read_as: str
) -> None:
    one_handshake = f"{{limits: {{handshake: {{rate: 1/min, burst: 1, refusal: {{{says}}}}}}}}}"
    with a_field(one_handshake, retry={**NO_RETRY, "remaining": remaining}) as field:
        phone = field.softphone()
        assert phone.call()
        phone.hang_up()
        assert not phone.call()  # for the edge's clock has not jumped
        assert field.time.slept == pytest.approx(waits, abs=2.0)
        assert field.counted(f"resets.{read_as}") >= 2


def test_a_client_with_too_many_early_retries_is_cut_off() -> None:
    with a_field(f"{{{ONE_OFFER}, max_early_retries: 1}}", like="sdk-2.1.0", ready="wait") as field:
        first, hasty = field.softphone(), field.softphone()
        assert first.call()
        assert not hasty.call()
        refused, again, cut = field.seen.outcomes("offer")[1:4]
        assert (refused, again) == ("rate_limited", "rate_limited")
        assert cut in ("lost", "reset")
        assert field.edge.stats()["steps"]["offer"]["cut"] >= 1
        assert field.edge.stats()["cuts"]["early_retries"] >= 1
        hasty.hold(0.05)
        assert field.counted("closes.1006") == 1
        assert field.counted("retries.too_early") >= 2


def test_no_retry_is_made_after_the_end_of_the_plan() -> None:
    with a_field(f"{{{ONE_TOKEN}}}", like="sdk-2.3.1") as field:
        first, late = field.softphone(), field.softphone()
        assert first.call()
        field.context.end_s = field.time.clock() + 0.5
        assert not late.call()
        assert field.time.slept == []
        assert field.counted("gave_up") == 0  # it might have been answered, had there been time


# Dropped


def test_a_session_that_is_cut_while_an_offer_waits_is_opened_again() -> None:
    policy = "{limits: {offer: {rate: 2/s, burst: 1}}, offer_deadline: 100ms, max_early_retries: 10}"
    with a_field(policy, like="sdk-2.3.1", retry={"initial": "600ms"}) as field:
        field.context.sleep = time.sleep  # the edge's time has to go by as well
        first, second = field.softphone(), field.softphone()
        assert first.call()
        assert second.call()
        assert field.edge.stats()["cuts"]["offer_deadline"] == 1
        assert field.seen.outcomes("offer") == ["ok", "rate_limited", "ok"]
        assert field.seen.outcomes("handshake") == ["ok", "ok", "ok"]
        assert field.counted("closes.1006") == field.counted("abnormal_closes.lost") == 1
        assert field.counted("retries") == 1


def have_it_cut(field: Field, phone: Softphone) -> None:
    """Have somebody of the same name lose the edge's patience with tokens: it cuts every session of that name."""
    assert isinstance(phone.context.dialect, MediaOffer)
    namesake = independent.Softphone(field.edge, phone.context.dialect.name_of(phone.number))
    assert namesake.request_token().status == 429
    with pytest.raises(ConnectionError):
        namesake.request_token()
    for outcome, status in ((Outcome.RATE_LIMITED, 429), (Outcome.RESET, None)):  # so that the ledger knows
        field.seen.tally.attempt(Attempt("token", 0.0, 0.0, 0.0, outcome, status))


@pytest.mark.parametrize("max_retries", [1, 0])
def test_a_dropped_call_is_set_up_again_after_the_back_off_if_retries_are_allowed(max_retries: int) -> None:
    retry = {"max_retries": max_retries, "initial": "1s", "jitter": "none"}
    with a_field(f"{{{ONE_TOKEN}, max_early_retries: 0}}", token="shared", retry=retry) as field:
        phone = field.softphone()
        assert phone.call()
        have_it_cut(field, phone)
        phone.hold(1.2)
        phone.hang_up()
        assert field.counted("closes.1006") == field.counted("abnormal_closes.lost") == 1
        assert field.seen.outcomes("offer") == ["ok"] * (1 + max_retries)
        assert field.counted("reconnects") == field.counted("closes.1000") == max_retries
        assert field.counted("answered") == 1
        if max_retries:
            assert field.time.slept == pytest.approx([1.0], abs=0.3)


def test_the_drop_counts_as_the_first_failed_try() -> None:
    policy = "{limits: {token: {rate: 1/min, burst: 1}, handshake: {rate: 1/min, burst: 1}}, max_early_retries: 0}"
    retry = {"max_retries": 1, "initial": "1s", "jitter": "none", "retry_after": "ignore", "remaining": "ignore"}
    with a_field(policy, token="shared", retry=retry) as field:
        phone = field.softphone()
        assert phone.call()
        have_it_cut(field, phone)
        phone.hold(1.2)
        assert field.seen.outcomes("handshake") == ["ok", "rate_limited"]
        assert field.counted("reconnects.failed") == 1
        assert field.counted("gave_up") == 0  # it has been answered


# Many of them


@pytest.mark.parametrize(
    ("retry", "attempts"), [({"max_retries": 0}, 1), ({"max_retries": 2, "initial": "1s"}, 3)], ids=["at once", "later"]
)
def test_failures_leave_nothing_for_garbage_collection(retry: dict[str, Any], attempts: int) -> None:
    calls = 10
    with a_field(
        f"{{{ONE_HANDSHAKE}, max_early_retries: 1000, drop_all_after: 1s}}", like="sdk-2.3.1", retry=retry
    ) as field:
        dropped, refused = field.softphone(), field.softphone()
        assert dropped.call()
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for _ in range(calls):
                assert not refused.call()
            dropped.hold(PATIENT_S)
            field.seen.failures.clear()
            field.seen.calls.clear()
            gc.collect()
            held = [found for found in gc.garbage if isinstance(found, (AttemptFailed, FrameType))]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        assert field.counted("abnormal_closes.lost") == 1
        assert len(field.seen.outcomes("handshake")) > calls * attempts
    assert held == []
