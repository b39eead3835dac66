"""The limits of a policy file: each kind becomes its model, with its key, its penalty and what a refusal says."""

from __future__ import annotations

import pytest

from locust_softphone.config.policy import Policy
from locust_softphone.config.strict_yaml import loads
from locust_softphone.limits.keyed import KeyParts
from locust_softphone.limits.step_limits import StepLimits

EPOCH_S = -1000.25
"""The Unix epoch on the clock of the tests: windows of a whole second begin a quarter before each second."""


def limits(text: str, step: str = "offer") -> StepLimits:
    return loads(f"limits: {{{step}: {text}}}", Policy).limits_of(step, EPOCH_S)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "asked_at", "admitted"),
    [
        ("{rate: 1/s, burst: 2}", [0, 0, 0, 1], "++-+"),
        ("{kind: token-bucket, rate: 1/s, burst: 2}", [0, 0, 0, 1], "++-+"),
        ("{kind: lump-bucket, lump: 2, every: 1s, burst: 3}", [0, 0, 0, 0, 0.7, 0.75, 0.75, 0.75], "+++--++-"),
        ("{kind: leaky-bucket, rate: 1/s, queue: 1}", [0, 0, 0, 1], "++-+"),
        ("{kind: fixed-window, quota: 2, window: 1s}", [0, 0, 0, 0.75, 1, 1, 1], "++--++-"),
        ("{kind: fixed-window, quota: 2, window: 1s, begins: clock}", [0, 0, 0, 0.75, 0.75, 1], "++-++-"),
        ("{kind: sliding-log, quota: 2, window: 1s}", [0, 0.5, 0.9, 1, 1.4, 1.5], "++-+-+"),
        ("{kind: sliding-counter, quota: 2, window: 1s}", [0, 0, 0, 1, 1.01, 1.01], "++--+-"),
        ("{kind: measured-rate, quota: 2, window: 1s}", [0, 0, 0, 1, 1.5, 3], "++---+"),
        ("{kind: work-queue, workers: 1, queue: 1, work: 1s}", [0, 0, 0, 1], "++-+"),
        ("{kind: session-cap, cap: 2}", [0, 0, 0, 9], "++--"),
        ("{kind: cutting-cap, cap: 2, cut_after: 5s}", [0, 0, 0], "+++"),
        ("{kind: evicting-cap, cap: 2}", [0, 0, 0], "+++"),
        ("{rate: 100/s, burst: 1, penalty: {lasts: 1s}}", [0, 0, 0.5, 1], "+--+"),
        ("{rate: 100/s, burst: 1, penalty: {lasts: 1s, renewed: true}}", [0, 0, 0.5, 1, 2], "+---+"),
        ("[]", [0, 0, 0], "+++"),
        ("[{rate: 1/s, burst: 2}, {kind: session-cap, cap: 1}]", [0, 0, 9], "+--"),
    ],
)
def test_each_kind_decides_as_its_model(text: str, asked_at: list[float], admitted: str) -> None:
    step = limits(text)
    answers = [step.admit(now, KeyParts(), number) for number, now in enumerate(asked_at)]
    assert "".join("+" if answer.admitted else "-" for answer in answers) == admitted


@pytest.mark.parametrize(
    ("text", "delay_s", "cut_after_s", "evicted"),
    [
        ("{kind: leaky-bucket, rate: 1/s, queue: 1}", 1.0, float("inf"), ()),
        ("{kind: leaky-bucket, rate: 1/s, queue: 1, delays: false}", 0.0, float("inf"), ()),
        ("{kind: work-queue, workers: 1, queue: 1, work: 2s}", 4.0, float("inf"), ()),
        ("{kind: cutting-cap, cap: 1, cut_after: 5s}", 0.0, 5.0, ()),
        ("{kind: evicting-cap, cap: 1}", 0.0, float("inf"), ("first",)),
    ],
)
def test_what_an_admission_costs(text: str, delay_s: float, cut_after_s: float, evicted: tuple[str, ...]) -> None:
    step = limits(text)
    step.admit(0.0, KeyParts(), "first")
    second = step.admit(0.0, KeyParts(), "second")
    assert (second.admitted, second.delay_s, second.cut_after_s, second.evicted) == (
        True,
        delay_s,
        cut_after_s,
        evicted,
    )


@pytest.mark.parametrize(
    ("text", "status", "delay_s", "headers"),
    [
        ("{kind: session-cap, cap: 1}", 503, 0.0, {}),
        ("{kind: session-cap, cap: 1, refusal: {status: 408, after: 15s}}", 408, 15.0, {}),
        (
            "{rate: 1/min, burst: 1}",
            429,
            0.0,
            {"Retry-After": "60", "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"},
        ),
        (
            "{rate: 1/min, burst: 1, refusal: {headers: [], retry_after: {always: 30s}}}",
            429,
            0.0,
            {"Retry-After": "30"},
        ),
        (
            "{kind: fixed-window, quota: 1, window: 60s, name: calls, "
            "refusal: {headers: [ratelimit], retry_after: {form: none}}}",
            429,
            0.0,
            {"RateLimit": '"calls";r=0;t=60', "RateLimit-Policy": '"calls";q=1;w=60'},
        ),
    ],
)
def test_what_a_refusal_says(text: str, status: int, delay_s: float, headers: dict[str, str]) -> None:
    step = limits(text)
    step.admit(0.0, KeyParts(), "first")
    refused = step.admit(0.0, KeyParts(), "second")
    assert (refused.status, refused.delay_s, dict(refused.headers)) == (status, delay_s, headers)


def test_limits_of_one_name_are_told_apart() -> None:
    step = limits("[{rate: 1/s, burst: 9}, {rate: 1/min, burst: 1}]")
    assert [step.admit(0.0, KeyParts()).by for _ in range(2)] == ["token-bucket-2", "token-bucket-2"]


@pytest.mark.parametrize(
    ("key", "admitted"),
    [("", "+-+"), ("key: [organisation], ", "+-+"), ("key: [user], ", "++-"), ("key: [], ", "+--")],
)
def test_what_a_limit_counts_by(key: str, admitted: str) -> None:
    step = limits(f"{{{key}rate: 1/min, burst: 1}}")
    callers = [KeyParts("acme", user="ann"), KeyParts("acme", user="bob"), KeyParts("evil", user="ann")]
    assert "".join("+" if step.admit(0.0, caller).admitted else "-" for caller in callers) == admitted


def test_own_slots_are_as_far_apart_as_the_limit_admits() -> None:
    step = limits("{kind: fixed-window, quota: 4, window: 2s}")
    waits = [step.admit(0.0, KeyParts()).wait_s for _ in range(7)]
    assert waits[4:] == [2.0, 2.5, 3.0]


def test_the_shown_policy_is_the_shortest_that_means_the_same() -> None:
    text = "{token: {rate: 1/s, burst: 2}, offer: [{rate: 1/s, burst: 2}, {kind: evicting-cap, cap: 3}]}"
    shown = loads(f"limits: {text}", Policy).as_json()["limits"]
    assert shown["token"] == {"rate": "1/s", "burst": 2}
    assert shown["offer"] == [{"rate": "1/s", "burst": 2}, {"kind": "evicting-cap", "cap": 3}]
    assert "sessions" not in shown
