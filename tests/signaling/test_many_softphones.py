"""Many softphones with one shared token, and edges that misbehave."""

from __future__ import annotations

import json
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from locust_softphone.sdp import make_offer
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.dialects.media_offer import DialectClient, MediaOffer, Session
from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import SharedToken, Token
from tests.signaling.scripted_server import Script, close_frame, frame, says, serving, switches, waits_for_the_client
from tests.signaling.softphones import PATIENT_S, Field, Observations, Time, a_field, a_fleet

MANY = 20
FOR_EVER = float("inf")


def call_at_once(field: Field) -> list[bool]:
    """``MANY`` softphones call, each on its own thread."""
    phones = [field.softphone() for _ in range(MANY)]
    with ThreadPoolExecutor(MANY) as threads:
        return list(threads.map(Softphone.call, phones, timeout=PATIENT_S))


class ConnectsTogether(MediaOffer):
    """Every softphone waits with its first handshake until all have their token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.all_waiting = threading.Barrier(MANY)

    def client(self, number: int) -> DialectClient:
        return _ConnectsTogether(self, number)


class _ConnectsTogether(DialectClient):
    waited = False

    def connect(self, token: Token) -> Reply[Session]:
        assert isinstance(self.dialect, ConnectsTogether)
        if not self.waited:
            self.waited = True
            self.dialect.all_waiting.wait(PATIENT_S)
        return super().connect(token)


def test_a_rejected_shared_token_is_replaced_by_one_new_one() -> None:
    with a_field("{}", dialect=ConnectsTogether, token="shared", retry={"max_retries": 0}) as field:
        assert field.context.shared_token is not None
        field.context.shared_token.get(lambda: Token("no-longer-good", FOR_EVER, FOR_EVER))
        assert call_at_once(field) == [True] * MANY
        assert field.seen.outcomes("token") == ["ok"]
        assert sorted(field.seen.outcomes("handshake")) == ["ok"] * MANY + ["unauthorized"] * MANY
        assert field.edge.stats()["steps"]["token"]["requests"] == 1
        assert field.counted("abnormal_closes.refused") == MANY


class FetchesLate(MediaOffer):
    """The first token request waits until all softphones need a token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = threading.Semaphore(0)
        self.waited = False

    def client(self, number: int) -> DialectClient:
        return _FetchesLate(self, number)


class _FetchesLate(DialectClient):
    def fetch_token(self, now_s: float) -> Reply[Token]:
        assert isinstance(self.dialect, FetchesLate)
        if not self.dialect.waited:
            self.dialect.waited = True
            for _ in range(MANY):
                assert self.dialect.asked.acquire(timeout=PATIENT_S)
        return super().fetch_token(now_s)


@pytest.mark.parametrize("max_retries", [0, 1])
def test_a_failed_token_request_is_a_failed_try_of_every_softphone_that_waited_for_it(max_retries: int) -> None:
    another_organisation = "organisations: [{client_id: somebody-else, client_secret: simulated}]"
    retry = {"max_retries": max_retries, "initial": "1s", "jitter": "none"}
    with a_field(another_organisation, dialect=FetchesLate, token="shared", retry=retry) as field:
        dialect = field.context.dialect
        assert isinstance(dialect, FetchesLate)

        def clock() -> float:
            dialect.asked.release()
            return field.time.clock()

        field.context.shared_token = SharedToken(clock)
        assert call_at_once(field) == [False] * MANY
        assert field.counted("gave_up") == MANY
        assert field.counted("retries") == MANY * max_retries
        waits_s = field.seen.tally.latencies["retry_wait"].summary()
        if max_retries:
            assert (waits_s["p50"], waits_s["max"]) == pytest.approx((1.0, 1.0), rel=1e-3)


# Edges that misbehave


def json_reply(status: bytes, content: object) -> Script:
    body = json.dumps(content).encode()
    return says(b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))


def a_session(then: Script) -> Script:
    """A session that is ready at once, and continues with ``then``."""
    return switches(frame(1, b'{"type": "ready"}'), extra=b"X-Session-Id: s\r\n", then=then)


def answers_the_close(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(close_frame(1000))
    waits_for_the_client(connection)


A_TOKEN = json_reply(b"200 OK", {"access_token": "t", "expires_in": 60})
ANSWER = Path(__file__).parents[1].joinpath("golden", "aiortc-answer.sdp").read_text()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"type": "answer", "sdp": ANSWER.replace("a=mid:0", "a=mid:1")}, "another mid"),
        ({"type": "offer", "sdp": make_offer(random.Random(1))}, "not an SDP answer"),
        ({"type": "answer", "sdp": "v=0"}, "no o= line"),
        ({"type": "answer"}, "not an SDP answer"),
        ({"type": "answer", "sessionId": "t", "sdp": ANSWER}, "another session"),
        ([], "not an SDP answer"),
    ],
)
def test_an_invalid_answer_is_not_tried_again_and_its_reason_is_reported(content: object, reason: str) -> None:
    with serving(A_TOKEN, a_session(answers_the_close), json_reply(b"201 Created", content)) as target:
        seen, passing = Observations(), Time()
        phone = Softphone(a_fleet(target, seen, passing, like="sdk-2.3.1"), 0, 0.0)
        assert not phone.call()
        assert seen.outcomes("offer") == ["bad_answer"]
        assert reason in str(seen.calls[-1])
        assert seen.tally.counts["status.offer.201"] == 1
        assert seen.tally.counts["gave_up"] == 1
        phone.hang_up()


def test_a_close_without_an_answer_ends_with_the_timeout() -> None:
    with serving(A_TOKEN, a_session(waits_for_the_client), json_reply(b"201 Created", {})) as target:
        seen = Observations()
        phone = Softphone(a_fleet(target, seen, Time(), timeout="300ms"), 0, 0.0)
        phone.call()
        phone.hang_up()
        assert seen.outcomes("close") == ["timed_out"]
        assert seen.tally.counts["closes.1006"] == seen.tally.counts["abnormal_closes.timed_out"] == 1


def test_an_edge_that_is_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    seen, passing = Observations(), Time()
    context = a_fleet(Target("127.0.0.1", port).resolved(), seen, passing, retry={"max_retries": 2, "initial": "1s"})
    assert not Softphone(context, 0, 0.0).call()
    assert seen.outcomes("token") == ["connect_refused"] * 3
    assert len(passing.slept) == 2


class Stopped(BaseException):
    """Like gevent's GreenletExit: the softphone is ended from outside."""


def test_an_attempt_that_is_stopped_from_outside_is_counted_as_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def stops_here(session: Session, token: Token) -> None:
        raise Stopped

    monkeypatch.setattr(Session, "offer", stops_here)
    with a_field("{}") as field:
        phone = field.softphone()
        with pytest.raises(Stopped):
            phone.call()
        assert field.seen.outcomes("offer") == ["cancelled"]
        phone.hang_up()
        assert field.seen.outcomes("close") == ["ok"]
        assert field.counted("retries") == field.counted("gave_up") == 0
