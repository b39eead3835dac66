"""The outcomes of attempts: names, statuses, causes, and what the ledger needs to know."""

from __future__ import annotations

import pytest

from locust_softphone.metrics.outcome import ABNORMAL_CAUSES, UNANSWERED, Outcome, abnormal_cause, outcome_of_status


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_is_either_answered_or_unanswered_or_never_arrived(outcome: Outcome) -> None:
    assert [outcome.answered, outcome in UNANSWERED, outcome.never_arrived].count(True) == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_the_name_of_an_outcome_is_its_value_in_letters(outcome: Outcome) -> None:
    assert outcome.value == outcome.name.lower()
    assert outcome.value.replace("_", "").isalpha()


@pytest.mark.parametrize(
    ("outcome", "known_to_have_failed_before_a_request"),
    [
        (Outcome.CONNECT_REFUSED, True),
        (Outcome.CONNECT_TIMEOUT, True),
        (Outcome.UNREACHABLE, True),
        (Outcome.UNRESOLVED, True),
        (Outcome.TLS_FAILED, True),
        (Outcome.OVER_BUDGET, True),
        (Outcome.RESET, False),
        (Outcome.LOST, False),
        (Outcome.TIMED_OUT, False),
        (Outcome.CANCELLED, False),
    ],
)
def test_a_request_never_arrived_only_if_there_was_no_connection(
    outcome: Outcome, known_to_have_failed_before_a_request: bool
) -> None:
    assert outcome.never_arrived is known_to_have_failed_before_a_request


SPECIAL = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.UNAUTHORIZED,
    429: Outcome.RATE_LIMITED,
    502: Outcome.PROXY_ERROR,
    503: Outcome.UNAVAILABLE,
    504: Outcome.PROXY_ERROR,
}
OF_CLASS = {3: Outcome.REDIRECTED, 4: Outcome.REJECTED, 5: Outcome.SERVER_ERROR}


def test_every_status_of_a_refusal_has_an_outcome() -> None:
    for status in range(300, 600):
        assert outcome_of_status(status) is SPECIAL.get(status, OF_CLASS[status // 100]), status
        assert outcome_of_status(status).answered, status


@pytest.mark.parametrize("status", [100, 101, 200, 204, 299])
def test_an_unexpected_success_status_is_malformed(status: int) -> None:
    assert outcome_of_status(status) is Outcome.MALFORMED


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome.RATE_LIMITED, "refused"),
        (Outcome.UNAUTHORIZED, "refused"),
        (Outcome.SERVER_ERROR, "refused"),
        (Outcome.CONNECT_REFUSED, "refused"),
        (Outcome.PROXY_ERROR, "proxy"),
        (Outcome.RESET, "reset"),
        (Outcome.LOST, "lost"),
        (Outcome.TIMED_OUT, "timed_out"),
        (Outcome.CONNECT_TIMEOUT, "timed_out"),
        (Outcome.MALFORMED, "malformed"),
    ],
)
def test_the_cause_of_a_close_with_1006(outcome: Outcome, cause: str) -> None:
    assert abnormal_cause(outcome) == cause


@pytest.mark.parametrize("outcome", Outcome)
def test_every_cause_is_listed(outcome: Outcome) -> None:
    assert abnormal_cause(outcome) in ABNORMAL_CAUSES
