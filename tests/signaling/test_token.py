"""The shared token: fetched once, refreshed in time, and replaced once when the edge rejects it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.token import SharedToken, Token

MANY = 20
PATIENT_S = 30.0  # a bound for a test that has gone wrong


class Clock:
    """A clock that only the test moves, and that counts how often it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._asked = 0
        self._changed = threading.Condition()

    def __call__(self) -> float:
        with self._changed:
            self._asked += 1
            self._changed.notify_all()
            return self.now_s

    def wait_until_asked(self, times: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._asked >= times, PATIENT_S)


class Issuer:
    """Issues the tokens t0, t1, …, each valid for 100 s."""

    def __init__(self, clock: Clock) -> None:
        self.issued: list[Token] = []
        self._clock = clock

    def __call__(self) -> Token:
        self.issued.append(Token.granted(f"t{len(self.issued)}", 100.0, self._clock.now_s))
        return self.issued[-1]


@pytest.mark.parametrize(
    ("expires_in_s", "refresh_s", "why"),
    [
        (3600.0, 3540.0, "a minute before the end"),
        (600.0, 540.0, "a minute is a tenth"),
        (100.0, 90.0, "a tenth of a short lifetime"),
        (1.0, 0.9, "also of a very short one"),
        (0.0, 0.0, "never valid"),
    ],
)
def test_when_to_refresh(expires_in_s: float, refresh_s: float, why: str) -> None:
    token = Token.granted("t", expires_in_s, now_s=1000.0)
    assert token.refresh_s == pytest.approx(1000.0 + refresh_s), why
    assert token.expires_s == 1000.0 + expires_in_s, why


def test_a_token_is_not_shown() -> None:
    assert "hush" not in repr(Token("hush", 1.0, 1.0))


def test_it_is_fetched_once_and_again_before_it_expires() -> None:
    clock = Clock()
    shared, issuer = SharedToken(clock), Issuer(clock)
    bearers = []
    for clock.now_s in (0.0, 50.0, 89.9, 90.1, 150.0):
        bearers.append(shared.get(issuer).bearer)
    assert bearers == ["t0", "t0", "t0", "t1", "t1"]


def test_of_many_callers_at_once_one_fetches() -> None:
    clock = Clock()
    shared, issuer = SharedToken(clock), Issuer(clock)

    def fetch() -> Token:
        clock.wait_until_asked(MANY)  # by then all the others wait for this fetch
        return issuer()

    with ThreadPoolExecutor(MANY) as threads:
        tokens = {each.result(PATIENT_S) for each in [threads.submit(shared.get, fetch) for _ in range(MANY)]}
    assert [tokens] == [set(issuer.issued)]
    assert len(issuer.issued) == 1


def test_a_failed_fetch_fails_all_callers_that_waited_for_it_and_no_later_ones() -> None:
    clock = Clock()
    shared, issuer = SharedToken(clock), Issuer(clock)
    fetches = []

    def fail() -> Token:
        fetches.append(1)
        clock.wait_until_asked(MANY)
        clock.now_s = 1.0
        raise AttemptFailed(Outcome.RATE_LIMITED, status=429)

    with ThreadPoolExecutor(MANY) as threads:
        asked = [threads.submit(shared.get, fail) for _ in range(MANY)]
        wait(asked, PATIENT_S)
    assert [str(each.exception()) for each in asked] == ["rate_limited (HTTP 429)"] * MANY
    assert len(fetches) == 1
    clock.now_s = 2.0
    assert shared.get(issuer).bearer == "t0"


def test_a_fetch_that_is_stopped_from_outside_does_not_block_others() -> None:
    clock = Clock()
    shared, issuer = SharedToken(clock), Issuer(clock)

    def stopped() -> Token:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared.get(stopped)
    assert shared.get(issuer).bearer == "t0"


def test_a_token_that_many_reject_is_replaced_once() -> None:
    clock = Clock()
    shared, issuer = SharedToken(clock), Issuer(clock)
    rejected = shared.get(issuer)
    for _ in range(MANY):
        shared.reject(rejected)
        assert shared.get(issuer).bearer == "t1"
    assert len(issuer.issued) == 2
