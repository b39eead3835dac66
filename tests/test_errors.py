"""Exit codes, and the text of failures."""

from __future__ import annotations

import pytest

from locust_softphone.errors import AttemptFailed, ExitCode
from locust_softphone.limits.advice import LimitAdvice
from locust_softphone.metrics.outcome import Outcome


@pytest.mark.parametrize(
    ("exit_codes", "most_serious"),
    [([], 0), ([0, 0], 0), ([0, 1], 1), ([1, 3, 0], 3), ([3, 2, 1], 2)],
)
def test_the_most_serious_exit_code_counts(exit_codes: list[int], most_serious: int) -> None:
    assert ExitCode.most_serious(exit_codes) == most_serious


def test_the_text_of_a_failure_does_not_vary_from_one_response_to_the_next() -> None:
    failures = [
        AttemptFailed(Outcome.RATE_LIMITED, status=429, close_code=1006, advice=LimitAdvice(retry_after_s=seconds))
        for seconds in (1.0, 2.0)
    ]
    assert {repr(each) for each in failures} == {"AttemptFailed(rate_limited (HTTP 429, close 1006))"}
