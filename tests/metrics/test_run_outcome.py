"""The outcome of a run in words: what is counted, in which order, and what is not counted twice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.run_outcome import OutcomeLevel, causes_of_step, run_outcome
from tests.runs.records import a_record, replaced


def outcome_text(dialect: str = "media-offer", **metrics: float) -> str:
    planned = {"planned": 10, "answered": 4, "gave_up": 6}
    return str(run_outcome({**planned, **{k.replace("__", "."): v for k, v in metrics.items()}}.get, dialect))


@pytest.mark.parametrize(
    ("answered", "level"), [(10, OutcomeLevel.ALL), (1, OutcomeLevel.SOME), (0, OutcomeLevel.NONE)]
)
def test_the_level_is_decided_by_the_answered_softphones_alone(answered: int, level: OutcomeLevel) -> None:
    assert run_outcome({"planned": 10, "answered": answered, "rate_limited": 5}.get, "media-offer").level is level


def test_a_run_without_failures_says_only_how_many_were_answered() -> None:
    assert outcome_text(answered=10, gave_up=0) == "10 of 10 answered"


def test_causes_of_all_steps_are_added_and_the_most_frequent_comes_first() -> None:
    text = outcome_text(
        outcomes__token__rate_limited=2,
        outcomes__offer__rate_limited=3,
        outcomes__offer__tls_failed=1,
        outcomes__ready__timed_out=7,
    )
    assert text == (
        "4 of 10 answered, 6 gave up; 7 requests not answered in time, 5 requests refused with 429, "
        "1 request not sent: TLS failed"
    )


def test_a_handshake_that_was_refused_is_not_a_dropped_connection_too() -> None:
    text = outcome_text(outcomes__handshake__rate_limited=5, abnormal_closes__refused=5, abnormal_closes=5)
    assert text == "4 of 10 answered, 6 gave up; 5 requests refused with 429"


@pytest.mark.parametrize(
    ("dialect", "step", "causes"),
    [
        ("media-offer", "handshake", "2 connections dropped"),
        ("media-offer", "offer", "2 connections dropped, 1 request dropped"),  # on a connection of its own
        ("genesys-cloud", "offer", "2 connections dropped"),  # over the WebSocket
        ("genesys-cloud", "channel", "2 connections dropped, 1 request dropped"),
    ],
)
def test_a_drop_is_counted_once(dialect: str, step: str, causes: str) -> None:
    counts = {f"outcomes__{step}__lost": 1, "abnormal_closes__lost": 1, "abnormal_closes__reset": 1}
    assert outcome_text(dialect, **counts) == f"4 of 10 answered, 6 gave up; {causes}"


@pytest.mark.parametrize(
    ("outcomes", "statuses", "causes"),
    [
        ({"ok": 9, "cancelled": 3}, {}, ""),
        ({"server_error": 5}, {"501": 3, "500": 2},
         "3 requests answered with HTTP 501, 2 requests answered with HTTP 500"),
        ({"unavailable": 1, "rejected": 2}, {"503": 1, "404": 2},
         "2 requests refused with 404, 1 request refused with 503"),
        ({"server_error": 5}, {}, "5 requests answered with a 5xx"),
        ({"bad_answer": 1}, {"200": 1}, "1 request answered with a wrong SDP answer"),
        ({"connect_refused": 2}, {}, "2 requests not sent: connection refused"),
    ],
)  # fmt: skip
def test_the_causes_of_a_step(outcomes: Mapping[str, int], statuses: Mapping[str, int], causes: str) -> None:
    assert ", ".join(map(str, causes_of_step(outcomes, statuses))) == causes


def test_a_cause_has_the_details_that_are_known() -> None:
    details = {"tls_failed (expired)": 3, "tls_failed (wrong host)": 1, "server_error (HTTP 501)": 2, "lost (1006)": 2}
    causes = causes_of_step({"tls_failed": 5, "server_error": 2, "lost": 2}, {"501": 2}, details)
    assert {cause.text: cause.count for cause in causes} == {
        "not sent: TLS failed (expired)": 3,
        "answered with HTTP 501": 2,
        "dropped": 2,
        "not sent: TLS failed (wrong host)": 1,
        "not sent: TLS failed": 1,
    }


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.OK, Outcome.CANCELLED}))
def test_every_failure_has_words(outcome: Outcome) -> None:
    assert [cause.count for cause in causes_of_step({outcome.value: 1}, {})] == [1]


def test_a_record_has_the_statuses_that_its_softphones_were_answered_with() -> None:
    record = a_record(answered=4, limited={"offer": 6})
    assert record.steps["offer"].statuses == {"429": 6}
    assert str(record.outcome) == "4 of 10 answered, 6 gave up; 6 requests refused with 429"


@pytest.mark.parametrize(
    ("reproduces", "answered", "expect", "reproduced"),
    [
        (True, 4, ["rate_limited > 0"], True),
        (False, 4, ["rate_limited > 0"], False),
        (True, 10, ["rate_limited > 0"], False),  # all were answered in the end
        (True, 4, ["rate_limited == 0"], False),  # an expectation failed
    ],
)
def test_whether_a_run_reproduced_a_failure(
    reproduces: bool, answered: int, expect: list[str], reproduced: bool
) -> None:
    record = a_record(answered=answered, limited={"offer": 6}, expect=expect, reproduces=reproduces)
    assert record.reproduced is reproduced


def test_an_older_record_without_reproduces_and_statuses_has_an_outcome() -> None:
    record = a_record(answered=4, limited={"offer": 6})
    profile = {name: value for name, value in record.profile.items() if name != "reproduces"}
    older = replaced(record, profile=profile)
    assert not older.reproduced
    assert str(older.outcome) == str(record.outcome)
