"""The handshake and the offer of the dialect media-offer: status, order of the checks, headers."""

from __future__ import annotations

import socket

import pytest

from locust_softphone.sdp import check_answer, parse
from tests.edge.softphone import BASIC, OFFER, Softphone, basic, offer_body, ready
from tests.edge_process import EdgeProcess

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
TOO_LONG = b"x" * (64 * 1024 + 1)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": BASIC}, 401),
        ({"Authorization": "Bearer nonsense", "Upgrade": ""}, 401),  # credentials are checked first
        ({"Upgrade": "h2c"}, 426),
        *(({"Sec-WebSocket-Version": version}, 400) for version in ("", "7", "8", "12", "14", "013")),
        *(({"Sec-WebSocket-Key": key}, 400) for key in ("", "short", "dGhlIHNhbXBsZSBub25jZQ!", "c2hvcnQ=")),
        *(({"Connection": tokens}, 400) for tokens in ("keep-alive", "upgraded", "no-upgrade-here, close")),
    ],
)
def test_a_handshake_that_is_refused(edge: EdgeProcess, changed: dict[str, str], status: int) -> None:
    authorization = Softphone(edge).headers["Authorization"]
    response = edge.request("GET", "/signaling", b"", {**UPGRADE, "Authorization": authorization, **changed})
    assert (response.status, response.json()["status"]) == (status, status)
    assert "X-RateLimit-Limit" not in response.headers
    if status == 400:
        assert response.headers["Sec-WebSocket-Version"] == "13"  # RFC 6455 4.4
    if status == 426:
        assert response.headers["Upgrade"] == "websocket"  # RFC 9110 15.5.22


def test_a_handshake_over_http_1_0_is_refused(edge: EdgeProcess) -> None:
    """RFC 6455 4.2.1, RFC 9110 7.8."""
    lines = [f"{name}: {value}" for name, value in {**UPGRADE, **Softphone(edge).headers}.items()]
    with socket.create_connection(edge.address, timeout=20) as connection:
        connection.sendall("\r\n".join(["GET /signaling HTTP/1.0", *lines, "", ""]).encode())
        assert connection.recv(12) == b"HTTP/1.0 400"


def test_a_handshake_that_is_admitted(edge: EdgeProcess) -> None:
    with Softphone(edge).connect() as websocket:
        assert websocket.response is not None
        assert websocket.response.headers["X-Session-Id"] == ready(websocket)
        assert websocket.response.headers["X-RateLimit-Limit"] == "1000"


def test_without_a_queue_a_session_is_ready_at_once(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        assert websocket.response is not None
        assert phone.offer(websocket.response.headers["X-Session-Id"]).status == 201  # before the client has read ready


def test_an_offer_gets_an_answer(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        response = phone.offer(session)
    assert response.status == 201
    assert (response.json()["sessionId"], response.json()["type"]) == (session, "answer")
    check_answer(parse(OFFER), parse(response.json()["sdp"]))
    assert response.headers["Content-Length"] == str(len(response.body))
    assert response.headers["X-RateLimit-Limit"] == "1000"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"[1]", 400),
        (b"[" * 60_000, 400),
        (b'{"sessionId": "SESSION", "type": "offer"}', 400),
        (b'{"sessionId": "SESSION", "type": "offer", "sdp": 5}', 400),
        (b'{"sessionId": "SESSION", "type": "offer", "sdp": "v=0"}', 400),
        (
            b'{"sessionId": "SESSION", "type": "offer", "sdp": "v=0\\no=- 1 1 IN IP4 0\\ns=-\\nt=0 0"}',
            400,
        ),  # no m-section
        (offer_body("SESSION").replace(b'"offer"', b'"pranswer"'), 400),
        (offer_body("SESSION", OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")), 400),  # RFC 8827 6.5
        (offer_body("SESSION", OFFER.replace("SAVPF 111 0 8", "SAVPF 9")), 400),  # no codec that the edge knows
        (offer_body("unknown"), 409),
        (offer_body("unknown").replace(b'"unknown"', b"5"), 409),
        (TOO_LONG, 413),
    ],
)
def test_an_offer_that_is_refused(edge: EdgeProcess, body: bytes, status: int) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        response = edge.request(
            "POST", "/api/v2/media/offer", body.replace(b"SESSION", session.encode()), phone.headers
        )
        assert (response.status, response.json()["status"]) == (status, status)
        assert phone.offer(session).status == 201  # the session is not affected


def test_a_refusal_says_what_is_wrong_with_the_offer(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        body = offer_body(ready(websocket), OFFER.replace("a=rtcp-mux\r\n", ""))
        refusal = edge.request("POST", "/api/v2/media/offer", body, phone.headers)
    assert (refusal.status, "without rtcp-mux" in refusal.body.decode()) == (400, True)


def test_an_offer_without_a_token_is_refused_before_its_body_is_checked(edge: EdgeProcess) -> None:
    assert edge.request("POST", "/api/v2/media/offer", TOO_LONG).status == 401


def test_a_session_belongs_to_its_organisation(edge: EdgeProcess) -> None:
    with Softphone(edge).connect() as websocket:
        assert Softphone(edge, "mallory", basic("umbrella:other")).offer(ready(websocket)).status == 409
