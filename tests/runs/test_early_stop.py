"""Which steps are hopeless, by the counters of a run."""

from __future__ import annotations

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DEFAULT_DIALECT
from locust_softphone.runs.early_stop import LEAST, hopeless_step, undecided, without_tls


def failed(step: str, outcome: Outcome, status: int | None = None, times: int = LEAST) -> dict[str, int]:
    """The counters of failed attempts of a step."""
    cause = str(AttemptFailed(outcome, status=status))
    answered = {f"status.{step}.{status}": times} if status else {}
    return {f"outcomes.{step}.{outcome.value}": times, f"causes.{step}.{cause}": times, **answered}


TOKENS = {"outcomes.token.ok": 500}


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        (failed("token", Outcome.SERVER_ERROR, 501), "a web server that does not know POST"),
        (failed("token", Outcome.REJECTED, 404), "no such path"),
        (failed("token", Outcome.UNAUTHORIZED, 401), "a wrong secret"),
        (failed("token", Outcome.TLS_FAILED), "no certificate will become valid"),
        (failed("token", Outcome.UNRESOLVED), "no such name"),
        (failed("token", Outcome.MALFORMED), "not HTTP"),
        (TOKENS | failed("handshake", Outcome.REJECTED, 404), "not a WebSocket server"),
        (TOKENS | failed("handshake", Outcome.REDIRECTED, 302), "a login page"),
        (failed("token", Outcome.SERVER_ERROR, 501, times=1) | {"gave_up": LEAST}, "one token for all softphones"),
        (failed("token", Outcome.REJECTED, 404) | {"outcomes.token.cancelled": 3}, "cancelled says nothing"),
    ],
)
def test_a_step_is_hopeless_if_no_retry_can_help(counts: dict[str, int], why: str) -> None:
    found = hopeless_step(counts, DEFAULT_DIALECT)
    assert found is not None, why
    assert found.advice, why


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({}, "nothing was tried"),
        (failed("token", Outcome.REJECTED, 404, times=LEAST - 1), "too few to tell"),
        (failed("offer", Outcome.RATE_LIMITED, 429, times=500), "a limit"),
        (failed("handshake", Outcome.UNAVAILABLE, 503, times=500), "a limit"),
        (failed("token", Outcome.SERVER_ERROR, 500, times=500), "an overloaded server"),
        (failed("token", Outcome.REJECTED, 408, times=500), "a timeout of the server"),
        (failed("token", Outcome.RESET, times=500), "a full queue"),
        (failed("token", Outcome.CONNECT_REFUSED, times=500), "a server that is being restarted"),
        (failed("token", Outcome.TIMED_OUT, times=500), "a slow server"),
        (failed("token", Outcome.REJECTED, 404, times=500) | {"outcomes.token.ok": 1}, "one succeeded"),
        (failed("token", Outcome.REJECTED, 404) | failed("token", Outcome.RATE_LIMITED, 429, times=1), "not all alike"),
        (failed("token", Outcome.REJECTED, 404) | failed("token", Outcome.REJECTED, 405), "two causes"),
    ],
)
def test_a_step_is_not_hopeless_if_another_attempt_may_succeed(counts: dict[str, int], why: str) -> None:
    assert hopeless_step(counts, DEFAULT_DIALECT) is None, why


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.RESET])
def test_a_server_that_ends_each_connection_may_need_tls(outcome: Outcome) -> None:
    counts = failed("token", outcome)
    assert hopeless_step(counts, DEFAULT_DIALECT, lambda: False) is None
    found = hopeless_step(counts, DEFAULT_DIALECT, lambda: True)
    assert found is not None
    assert found.advice == "the server speaks TLS: write https:// (or wss://)"


def test_a_run_that_was_too_small_to_be_stopped_early_needs_tls_too() -> None:
    counts = failed("token", Outcome.LOST, times=3)
    found = without_tls(counts, DEFAULT_DIALECT, lambda: True)
    assert found is not None
    assert str(found) == "all 3 attempts of the step token failed with lost"
    assert found.advice == "the server speaks TLS: write https:// (or wss://)"
    assert without_tls(counts, DEFAULT_DIALECT, lambda: False) is None
    assert without_tls(failed("token", Outcome.REJECTED, 404, times=3), DEFAULT_DIALECT, lambda: True) is None


def test_it_is_undecided_until_each_step_has_succeeded_once() -> None:
    counts = {f"outcomes.{step}.ok": 1 for step in ("token", "handshake", "ready", "offer")}
    assert undecided(counts, DEFAULT_DIALECT)
    assert not undecided(counts | {"outcomes.close.ok": 1}, DEFAULT_DIALECT)
