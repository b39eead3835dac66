"""The example of docs/retries.md, run against a server that refuses first."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from locust_softphone import retry
from locust_softphone.errors import AttemptFailed
from tests.signaling.scripted_server import says, serving

PAGE = Path(__file__).parents[2].joinpath("docs", "retries.md").read_text()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of the example; ``slept`` are its waits, which do not pass."""
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {"slept": []}
    exec(code[1], names)
    monkeypatch.setattr(time, "sleep", names["slept"].append)
    return names


def refusal(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Length: 0", "Connection: close", *headers, "", ""]).encode()


def test_the_example_waits_as_long_as_it_is_told_with_jitter_behind_it(script: dict[str, Any]) -> None:
    refused = says(refusal("429 Too Many Requests", "Retry-After: 5"))
    unavailable = says(refusal("503 Service Unavailable"))
    answered = says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    with serving(refused, unavailable, answered) as target:
        assert script["get_with_retries"](target.url) == b"ok"
    first, second = script["slept"]
    assert 5.0 <= first <= 6.0
    assert 0.0 <= second <= 2.0


def test_the_example_does_not_retry_what_another_try_cannot_help(script: dict[str, Any]) -> None:
    with serving(says(refusal("404 Not Found"))) as target, pytest.raises(AttemptFailed):
        script["get_with_retries"](target.url)
    assert script["slept"] == []


def test_the_page_explains_every_strategy() -> None:
    assert {name for name in retry.__all__ if f"| `{name}(" not in PAGE} == set()
