"""Limits of every kind in a real edge: what is refused, delayed, cut and evicted, and what is counted.

The ``start_edge`` fixture checks that the counters of each edge add up.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.edge.conftest import StartEdge
from tests.edge.softphone import BASIC, GRANT, Softphone, eventually, ready
from tests.edge_process import EdgeProcess


def refusal(phone: Softphone) -> InvalidStatus:
    """The refusal of the client's handshake."""
    with pytest.raises(InvalidStatus) as refused, phone.connect():
        pytest.fail("admitted")
    return refused.value


def dropped(websocket: ClientConnection) -> bool:
    """Wait for the end of the connection; whether there was no close frame, which a browser reports as 1006."""
    try:
        while True:
            websocket.recv(timeout=20)
    except ConnectionClosed as closed:
        return closed.rcvd is None


def cuts(edge: EdgeProcess) -> dict[str, int]:
    return {cause: times for cause, times in edge.stats()["cuts"].items() if times}


def test_a_cap_refuses_until_a_session_ends(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {sessions: {kind: session-cap, cap: 1}}")
    with Softphone(edge, "a").connect():
        refused = refusal(Softphone(edge, "b"))
        assert refused.response.status_code == 503
        assert "Retry-After" not in refused.response.headers  # nobody knows when a session will end
    eventually(lambda: edge.stats()["sessions"]["open"] == 0)
    with Softphone(edge, "b").connect():
        pass
    stats = edge.stats()
    assert stats["steps"]["handshake"] == {"requests": 3, "admitted": 2, "refused": {"503": 1}, "cut": 0}
    assert stats["refused_by"]["handshake"] == {"session-cap": 1}


def test_a_refusal_can_come_after_a_wait(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {sessions: {kind: session-cap, cap: 1, name: wall, refusal: {after: 500ms}}}")
    with Softphone(edge, "a").connect():
        phone = Softphone(edge, "b")
        assert phone.headers
        began = time.monotonic()
        with ThreadPoolExecutor() as pool:
            refused = pool.submit(refusal, phone)
            eventually(lambda: edge.stats()["refused_by"]["handshake"] == {"wall": 1})  # counted before it is sent
            assert refused.result().response.status_code == 503
        assert time.monotonic() - began >= 0.5


def test_a_cap_accepts_and_then_cuts(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {sessions: {kind: cutting-cap, cap: 1, cut_after: 100ms}}")
    with Softphone(edge, "a").connect() as first, Softphone(edge, "b").connect() as second:
        assert dropped(second)
        first.ping().wait(20)
    assert cuts(edge) == {"beyond_cap": 1}


def test_a_cap_evicts_the_oldest(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {sessions: {kind: evicting-cap, cap: 2, key: [user]}}")
    phone = Softphone(edge, "a")
    with (
        phone.connect() as first,
        phone.connect() as second,
        Softphone(edge, "b").connect() as other,
        phone.connect() as third,
    ):
        assert dropped(first)
        for websocket in (second, third, other):
            websocket.ping().wait(20)
    assert cuts(edge) == {"evicted": 1}


def test_a_cap_on_calls_counts_a_call_until_its_session_ends(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {offer: {kind: session-cap, cap: 1, refusal: {status: 408}}}")
    phone = Softphone(edge, "a")
    with phone.connect() as waiting:
        session = ready(waiting)
        with Softphone(edge, "b").connect() as calling:
            mine = ready(calling)
            assert phone.offer(mine).status == 201
            assert phone.offer(mine).status == 201  # the next call of the same session
            assert phone.offer(session).status == 408
            assert phone.offer("unknown").status == 408
        eventually(lambda: edge.stats()["sessions"]["open"] == 1)
        assert phone.offer(session, "no SDP").status == 400
        assert phone.offer("unknown").status == 409
        assert phone.offer(session).status == 201  # neither of the two has kept the place
    assert edge.stats()["refused_by"]["offer"] == {"session-cap": 2}


def test_a_queue_delays(start_edge: StartEdge) -> None:
    edge = start_edge(
        "limits: {token: {kind: work-queue, workers: 1, queue: 2, work: 200ms, refusal: {after: 100ms, status: 504}}}"
    )
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda name: Softphone(edge, name).request_token().status, "abcd"))
    took = time.monotonic() - began
    stats = edge.stats()
    assert statuses.count(200) == stats["delayed"]["token"] >= 3
    assert took >= statuses.count(200) * 0.2  # one at a time
    assert stats["refused_by"]["token"] == ({"work-queue": 1} if 504 in statuses else {})


def test_a_queue_can_outlast_the_offer_deadline(start_edge: StartEdge) -> None:
    edge = start_edge("{limits: {offer: {kind: work-queue, workers: 1, work: 2s}}, offer_deadline: 100ms}")
    with Softphone(edge).connect() as websocket, ThreadPoolExecutor() as pool:
        answer = pool.submit(Softphone(edge).offer, ready(websocket))
        assert dropped(websocket)
        assert answer.result().status == 201
    assert cuts(edge) == {"offer_deadline": 1}
    assert edge.stats()["sessions"]["answered"] == 0


def test_a_handshake_that_waits_in_a_queue_counts_as_open_and_can_be_evicted(start_edge: StartEdge) -> None:
    edge = start_edge(
        "limits: {handshake: {kind: work-queue, workers: 9, work: 1s}, sessions: {kind: evicting-cap, cap: 1}}"
    )
    phones = [Softphone(edge, name) for name in "ab"]
    assert all(phone.headers for phone in phones)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(phones[0].connect)
        eventually(lambda: edge.stats()["delayed"]["handshake"] == 1)
        second = pool.submit(phones[1].connect)
        with first.result() as evicted, second.result() as kept:
            assert dropped(evicted)
            assert ready(kept)
    assert cuts(edge) == {"evicted": 1}


def test_every_limit_of_a_step_counts_by_its_own_key(start_edge: StartEdge) -> None:
    edge = start_edge(
        """
limits:
  token:
  - {kind: sliding-log, quota: 3, window: 1h}
  - {kind: fixed-window, quota: 1, window: 1h, key: [address]}
  offer: {kind: fixed-window, quota: 1, window: 1h, key: [token], refusal: {headers: [ratelimit]}}
"""
    )

    def token_from(address: str) -> int:
        connection = HTTPConnection(*edge.address, timeout=20, source_address=(address, 0))
        connection.request("POST", "/oauth/token", GRANT, {"Authorization": BASIC})
        with connection.getresponse() as response:
            response.read()
        connection.close()
        return response.status

    phone = Softphone(edge, "a")
    assert [phone.offer("unknown").status for _ in range(2)] == [409, 429]  # its token is the first one
    assert phone.offer("unknown").headers["RateLimit"].startswith('"fixed-window";r=0;t=')
    assert token_from("127.0.0.1") == 429
    assert [token_from(f"127.0.0.{n}") for n in (2, 3, 4)] == [200, 200, 429]
    assert edge.stats()["refused_by"]["token"] == {"fixed-window": 1, "sliding-log": 1}
