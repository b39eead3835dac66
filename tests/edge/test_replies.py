"""Error responses, and Retry-After."""

from __future__ import annotations

import json

import pytest

from locust_softphone.edge.policy import Form
from locust_softphone.edge.replies import Refused, retry_after, too_many_requests, whole_seconds

WALL_S = 1_700_000_000.25  # Tue, 14 Nov 2023 22:13:20 GMT and a quarter


@pytest.mark.parametrize(
    ("form", "wait_s", "expected"),
    [
        ("seconds", 2.0, ("2", 2.0)),
        ("seconds", 1.01, ("2", 2.0)),
        ("seconds", 0.01, ("1", 1.0)),  # never 0, which would mean "now"
        ("http-date", 0.5, ("Tue, 14 Nov 2023 22:13:21 GMT", 0.75)),
        ("http-date", 0.75, ("Tue, 14 Nov 2023 22:13:21 GMT", 0.75)),
        ("http-date", 0.8, ("Tue, 14 Nov 2023 22:13:22 GMT", 1.75)),
        ("none", 2.0, (None, 0.0)),
    ],
)
def test_retry_after_in_each_form_is_rounded_up(form: Form, wait_s: float, expected: tuple[str | None, float]) -> None:
    assert retry_after(form, wait_s, WALL_S) == expected


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, 0), (0.001, 1), (1.0, 1), (1.0000000001, 1), (1.01, 2)])
def test_whole_seconds_are_rounded_up_but_not_for_a_floats_last_digits(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole


def body(refused: Refused) -> dict[str, object]:
    content = refused.reply().body
    assert isinstance(content, bytes)
    answer: dict[str, object] = json.loads(content)
    return answer


def test_a_429_with_retry_after_has_the_documented_body() -> None:
    refused = too_many_requests(41.2, "42", {"X-RateLimit-Limit": "50"})
    assert (refused.reply().headers["Retry-After"], refused.reply().headers["X-RateLimit-Limit"]) == ("42", "50")
    answer = body(refused)
    assert answer.pop("contextId")
    assert answer == {
        "message": "Rate limit exceeded the maximum. Retry the request in [42] seconds",
        "code": "too.many.requests.retry.after",
        "status": 429,
        "details": [],
        "errors": [],
    }


def test_a_429_without_retry_after_has_another_code() -> None:
    refused = too_many_requests(41.2, None, {})
    assert "Retry-After" not in refused.reply().headers
    assert body(refused)["code"] == "too.many.requests"
    assert body(refused)["message"] == "Rate limit exceeded the maximum."


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (405, "method.not.allowed"), (409, "conflict")])
def test_every_error_has_a_code(status: int, code: str) -> None:
    answer = body(Refused(status, "why"))
    assert (answer["status"], answer["code"], answer["message"]) == (status, code, "why")
