"""Error responses."""

from __future__ import annotations

import json

import pytest

from locust_softphone.edge.replies import Refused, too_many_requests


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
