"""Error responses."""

from __future__ import annotations

import json

import pytest

from locust_softphone.edge.replies import Refused, beyond_limit
from locust_softphone.limits.step_limits import Answer

TOLD = Answer(False, status=429, wait_s=41.2, told_s=42.0, headers={"Retry-After": "42", "X-RateLimit-Limit": "50"})


def body(refused: Refused) -> dict[str, object]:
    content = refused.reply().body
    assert isinstance(content, bytes)
    answer: dict[str, object] = json.loads(content)
    return answer


def test_a_429_with_retry_after_has_the_documented_body() -> None:
    refused = beyond_limit(TOLD)
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
    refused = beyond_limit(Answer(False, status=429))
    assert "Retry-After" not in refused.reply().headers
    assert body(refused)["code"] == "too.many.requests"
    assert body(refused)["message"] == "Rate limit exceeded the maximum."


def test_the_status_of_a_limit_need_not_be_429() -> None:
    answer = body(beyond_limit(Answer(False, status=503)))
    assert (answer["status"], answer["code"], answer["message"]) == (
        503,
        "service.unavailable",
        "The capacity is used up.",
    )
    assert body(beyond_limit(Answer(False, status=599)))["code"] == "status.599"


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (405, "method.not.allowed"), (409, "conflict")])
def test_every_error_has_a_code(status: int, code: str) -> None:
    answer = body(Refused(status, "why"))
    assert (answer["status"], answer["code"], answer["message"]) == (status, code, "why")
