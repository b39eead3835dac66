"""What a refusal says."""

from __future__ import annotations

import json

import pytest

from locust_softphone.edge.policy import Form
from locust_softphone.edge.replies import Refused, retry_after, too_many_requests

WALL_S = 1_700_000_000.25  # Tue, 14 Nov 2023 22:13:20 GMT and a quarter


@pytest.mark.parametrize(
    ("form", "wait_s", "expected"),
    [
        ("seconds", 2.0, ("2", 2.0)),
        ("seconds", 1.01, ("2", 2.0)),
        ("seconds", 0.01, ("1", 1.0)),  # never 0: that would mean at once
        ("http-date", 0.5, ("Tue, 14 Nov 2023 22:13:21 GMT", 0.75)),
        ("http-date", 0.75, ("Tue, 14 Nov 2023 22:13:21 GMT", 0.75)),
        ("http-date", 0.8, ("Tue, 14 Nov 2023 22:13:22 GMT", 1.75)),
        ("none", 2.0, None),
    ],
)
def test_retry_after(form: Form, wait_s: float, expected: tuple[str, float] | None) -> None:
    assert retry_after(form, wait_s, WALL_S) == expected


def body(refused: Refused) -> dict[str, object]:
    content = refused.reply().body
    assert isinstance(content, bytes)
    answer: dict[str, object] = json.loads(content)
    return answer


def test_429_with_retry_after() -> None:
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


def test_429_without_retry_after() -> None:
    refused = too_many_requests(41.2, None, {})
    assert "Retry-After" not in refused.reply().headers
    assert body(refused)["code"] == "too.many.requests"
    assert body(refused)["message"] == "Rate limit exceeded the maximum."


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (405, "method.not.allowed"), (409, "conflict")])
def test_every_error_has_a_code(status: int, code: str) -> None:
    answer = body(Refused(status, "why"))
    assert (answer["status"], answer["code"], answer["message"]) == (status, code, "why")
