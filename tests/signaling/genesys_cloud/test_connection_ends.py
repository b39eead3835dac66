"""How a connection to Genesys Cloud ends that the softphone did not close: stream errors, silence, missed pings.

By RFC 6120 4.9.1.1, the sender of a stream error closes at once. If it does not, the client library decides:
genesys-cloud-streaming-client 19.4.1 does nothing at the error itself, and stanza.js gives a server one second after
its <close/>.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

import pytest

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome, abnormal_cause
from locust_softphone.signaling.dialect import Session
from locust_softphone.signaling.dialects.genesys_cloud.client import DialectClient, GenesysCloud
from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Intervals
from locust_softphone.signaling.dialects.genesys_cloud.users import User
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.token import Token
from tests.signaling.genesys_cloud.scripted_gateway import CLOSE, STREAM_ERROR, Gateway, a_session
from tests.signaling.genesys_cloud.test_softphone import a_field, steps
from tests.signaling.softphones import PATIENT_S

SOON = Intervals(silence_s=0.2)


def end_of(session: Session) -> AttemptFailed:
    """How the session ends while it listens."""
    until_s = time.perf_counter() + PATIENT_S
    try:
        while time.perf_counter() < until_s:
            session.listen(1.0)
    except AttemptFailed as failed:
        return failed
    pytest.fail("the session goes on")


def error_and_close_frame(gateway: Gateway) -> None:
    gateway.says(STREAM_ERROR, CLOSE)
    gateway.closes(1008)


def error_and_fin(gateway: Gateway) -> None:
    gateway.says(STREAM_ERROR)
    gateway.leaves()


def error_and_close_element(gateway: Gateway) -> None:
    """Close the stream; the softphone closes the WebSocket."""
    gateway.says(STREAM_ERROR, CLOSE)
    assert gateway.hears() == CLOSE
    gateway.hears()
    gateway.closes(1000)


def error_and_close_element_only(gateway: Gateway) -> None:
    gateway.says(STREAM_ERROR, CLOSE)
    gateway.waits()


def error_only(gateway: Gateway) -> None:
    gateway.says(STREAM_ERROR)
    gateway.waits()


ENDS: list[tuple[Callable[[Gateway], None], Outcome, int]] = [
    (error_and_close_frame, Outcome.CLOSED, 1008),
    (error_and_fin, Outcome.LOST, 1006),
    (error_and_close_element, Outcome.CLOSED, 1000),
    (error_and_close_element_only, Outcome.TIMED_OUT, 1006),
    (error_only, Outcome.TIMED_OUT, 1006),  # the silence tells
]


@pytest.mark.parametrize(("ends", "outcome", "code"), ENDS, ids=[ends.__name__ for ends, _, _ in ENDS])
def test_a_stream_error(ends: Callable[[Gateway], None], outcome: Outcome, code: int) -> None:
    def script(gateway: Gateway) -> None:
        gateway.logs_in()
        ends(gateway)

    with a_session(script, keep_alive=SOON if ends is error_only else Intervals()) as session:
        session.wait_ready()
        failure = end_of(session)
    assert (failure.outcome, failure.close_code) == (outcome, code)


LOGIN_ENDS: list[tuple[Callable[[Gateway], None], Outcome, int | None]] = [
    (error_and_close_frame, Outcome.CLOSED, 1008),
    (error_and_close_element, Outcome.CLOSED, 1000),
    (error_only, Outcome.TIMED_OUT, None),  # within the step's own bound
]


@pytest.mark.parametrize(("ends", "outcome", "code"), LOGIN_ENDS, ids=[ends.__name__ for ends, _, _ in LOGIN_ENDS])
def test_a_stream_error_while_logging_in(ends: Callable[[Gateway], None], outcome: Outcome, code: int | None) -> None:
    def script(gateway: Gateway) -> None:
        assert gateway.hears().startswith("<open")
        ends(gateway)

    with (
        a_session(script, timeout_s=PATIENT_S if code else 1.0) as session,
        pytest.raises(AttemptFailed) as caught,
    ):
        session.wait_ready()
    assert (caught.value.outcome, caught.value.close_code) == (outcome, code)


def test_after_a_stream_error_the_softphone_reconnects_to_the_same_channel() -> None:
    with a_field("{}", [User("agent@elsewhere.example")], retry={"max_retries": 1}) as field:
        assert not field.softphone().call()
        assert steps(field) == ["token: ok", "channel: ok", *["handshake: ok", "ready: closed"] * 2]
        assert field.counted("closes.1008") == 2
        assert field.edge_counted()["closes"] == {"1008": 2}


# Keep-alive.


def test_after_silence_the_session_ends_with_a_stream_error() -> None:
    heard: list[str] = []

    def script(gateway: Gateway) -> None:
        gateway.logs_in()
        while message := gateway.hears():
            heard.append(message)

    with a_session(script, keep_alive=SOON) as session:
        session.wait_ready()
        failure = end_of(session)
    assert (failure.outcome, failure.close_code) == (Outcome.TIMED_OUT, 1006)
    assert abnormal_cause(failure.outcome) == "timed_out"
    error, close = heard
    assert error.startswith("<stream:error")
    assert "connection-timeout" in error
    assert close == CLOSE


def test_a_softphone_counts_silence_as_timed_out_and_reconnects() -> None:
    def dialect(*arguments: object, **options: object) -> GenesysCloud:
        return GenesysCloud(*arguments, keep_alive=SOON, **options)  # type: ignore[arg-type]

    with a_field("ping_every: 10m", make=dialect) as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        until_s = time.perf_counter() + PATIENT_S
        while not field.counted("reconnects") and time.perf_counter() < until_s:
            phone.hold(0.1)
        assert steps(field)[before:][:2] == ["handshake: ok", "ready: ok"]
        assert field.counted("abnormal_closes.timed_out") >= 1
        assert field.counted("closes.1006") == field.counted("abnormal_closes.timed_out")


def answers_three_pings(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.answers(gateway.hears())


@pytest.mark.parametrize("refuses", [False, True], ids=["no answer", "an error"])
def test_where_the_edge_does_not_ping_the_softphone_pings_and_survives_one_miss(refuses: bool) -> None:
    heard: list[str] = []

    def script(gateway: Gateway) -> None:
        gateway.logs_in(pings=False)
        answers_three_pings(gateway)
        while message := gateway.hears():
            heard.append(message)
            if refuses and "<ping" in message:
                gateway.answers(message, kind="error")

    # As long as a test must wait for two misses, or as no machine is too slow to answer in.
    within_s = PATIENT_S if refuses else 1.0
    with a_session(script, keep_alive=Intervals(0.1, 0.05, within_s)) as session:
        session.wait_ready()
        failure = end_of(session)
    assert (failure.outcome, failure.close_code) == (Outcome.TIMED_OUT, 1006)
    first, second, error, close = heard
    assert all("urn:xmpp:ping" in ping for ping in (first, second))
    assert "connection-timeout" in error
    assert close == CLOSE


# What the edge says before it is over: come back on another channel.


@contextmanager
def another_on_the_channel_of(phone: Softphone) -> Iterator[None]:
    """Another client that opens a WebSocket on the softphone's channel."""
    line = phone._client
    assert isinstance(line, DialectClient)
    session, _ = line.connect(Token("", inf, inf))
    try:
        yield
    finally:
        session.abort()


def test_a_softphone_whose_channel_is_taken_reconnects_on_a_new_one() -> None:
    """The edge sends ``duplicate_id`` to the first connection and closes it."""
    with a_field("{}") as field:
        phone = field.softphone()
        assert phone.call()
        before = len(field.seen.attempts)
        with another_on_the_channel_of(phone):
            phone.hold(0.5)
        assert steps(field)[before:] == ["channel: ok", "handshake: ok", "ready: ok"]
        assert field.counted("closes.1000") == 1
        field.before["steps"]["handshake"]["requests"] += 1  # somebody else's
        field.before["steps"]["handshake"]["admitted"] += 1
        field.before["sessions"]["total"] += 1


def test_a_softphone_whose_channel_has_expired_reconnects_on_a_new_one() -> None:
    """The edge sends ``no_longer_subscribed`` and closes."""
    with a_field("genesys_cloud: {channel_expires: 2s}") as field:
        phone = field.softphone()
        assert phone.call()
        until_s = time.perf_counter() + PATIENT_S
        while not field.counted("reconnects") and time.perf_counter() < until_s:
            phone.hold(0.1)
            time.sleep(0.05)
        assert field.seen.outcomes("channel")[:2] == ["ok", "ok"]
        assert field.seen.outcomes("ready")[:2] == ["ok", "ok"]


def test_after_a_connection_transfer_the_next_connection_has_a_new_channel() -> None:
    """XEP-0051, as connection-transfer.js has it."""
    heard: list[str] = []

    def script(gateway: Gateway) -> None:
        gateway.logs_in()
        gateway.says('<iq xmlns="jabber:client" type="set" id="t1"><query xmlns="urn:xmpp:cxfr"/></iq>')
        heard.extend([gateway.hears(), gateway.hears()])
        gateway.says(CLOSE)
        gateway.hears()
        gateway.closes(1000)

    with a_session(script) as session:
        session.wait_ready()
        failure = end_of(session)
    assert (failure.outcome, failure.close_code) == (Outcome.CLOSED, 1000)
    result, close = heard
    assert 'type="result" id="t1"' in result
    assert close == CLOSE
