"""Requests over HTTP: tokens, other paths, limits, what is counted, and a bug of the edge."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections import Counter
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from websockets.exceptions import InvalidStatus

from locust_softphone.edge import Policy
from locust_softphone.edge.application import Edge
from locust_softphone.runs.ledger import since
from tests.edge.conftest import StartEdge
from tests.edge.softphone import BASIC, GRANT, Softphone, basic, eventually, offer_body, ready
from tests.edge_process import EdgeProcess

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
TOO_LONG = b"x" * (64 * 1024 + 1)


@pytest.mark.parametrize(
    ("authorization", "body", "status"),
    [
        (BASIC, GRANT, 200),
        (BASIC, GRANT + b"&scope=any", 200),
        ("", GRANT, 401),
        (basic("locust-softphone:wrong"), GRANT, 401),
        (basic("locust-softphone:wrong"), TOO_LONG, 401),  # credentials are checked first
        (BASIC, TOO_LONG, 413),
        (BASIC, b"", 400),
        (BASIC, b"grant_type=password", 400),
        (BASIC, b"\xff", 400),
        (BASIC, json.dumps({"grant_type": "client_credentials"}).encode(), 400),
    ],
)
def test_a_token_request(edge: EdgeProcess, authorization: str, body: bytes, status: int) -> None:
    response = edge.request("POST", "/oauth/token", body, {"Authorization": authorization})
    assert response.status == status
    assert response.headers["Content-Length"] == str(len(response.body))
    if status == 200:
        assert response.json()["access_token"]
        assert response.json()["token_type"] == "bearer"
        assert response.json()["expires_in"] == 3600
    else:
        assert response.json()["status"] == status
    assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert ("X-RateLimit-Remaining" in response.headers) == (status == 200)
    cached = (response.headers.get("Cache-Control"), response.headers.get("Pragma"))
    assert cached == (("no-store", "no-cache") if status == 200 else (None, None))  # RFC 6749 5.1


def test_a_token_expires(start_edge: StartEdge) -> None:
    phone = Softphone(start_edge("token_expires: 100ms"))
    eventually(lambda: phone.offer("none").status == 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/stats/", 404), ("GET", "/oauth/token", 405), ("POST", "/stats", 405)],
)
def test_other_paths_and_methods_are_refused(edge: EdgeProcess, method: str, path: str, status: int) -> None:
    response = edge.request(method, path)
    assert (response.status, response.json()["status"]) == (status, status)
    assert ("Allow" in response.headers) == (status == 405)


def test_every_answer_has_the_edges_id(edge: EdgeProcess) -> None:
    id_ = edge.stats()["instance"]
    for method, path in (("GET", "/stats"), ("GET", "/"), ("GET", "/oauth/token"), ("POST", "/oauth/token")):
        assert edge.request(method, path).headers["X-Edge-Id"] == id_, (method, path)
    with Softphone(edge).connect() as websocket:
        assert websocket.response is not None
        assert websocket.response.headers["X-Edge-Id"] == id_


def test_a_request_that_does_not_arrive_completely_is_not_counted(start_edge: StartEdge) -> None:
    edge = start_edge("max_early_retries: 0")
    for body in ("Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf"):
        with socket.create_connection(edge.address) as connection:
            connection.sendall(f"POST /oauth/token HTTP/1.1\r\nHost: edge\r\nAuthorization: {BASIC}\r\n{body}".encode())
    assert Softphone(edge).request_token().status == 200
    assert edge.stats()["steps"]["token"] == {"requests": 1, "admitted": 1, "refused": {}, "cut": 0}


LIMITED = """
limits: {token: {rate: 1/min, burst: 3}, handshake: {rate: 1/min, burst: 1}, offer: {rate: 1/min, burst: 1}}
"""


def test_every_step_has_its_own_limit(start_edge: StartEdge) -> None:
    edge = start_edge(LIMITED)
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        with pytest.raises(InvalidStatus) as refused, phone.connect():
            pytest.fail("admitted")
        assert refused.value.response.status_code == 429
        assert [phone.offer(session).status for _ in range(2)] == [201, 429]
        assert [phone.request_token().status for _ in range(3)] == [200, 200, 429]
    steps = edge.stats()["steps"]
    assert {step: (steps[step]["admitted"], steps[step]["refused"]) for step in steps} == {
        "token": (3, {"429": 1}),
        "handshake": (1, {"429": 1}),
        "offer": (1, {"429": 1}),
    }


def test_a_429_tells_when_to_retry(start_edge: StartEdge) -> None:
    edge = start_edge(LIMITED)
    admitted = [Softphone(edge, name).request_token() for name in "abc"]
    refused = [Softphone(edge, name).request_token() for name in "de"]
    assert [response.headers["X-RateLimit-Remaining"] for response in admitted] == ["2", "1", "0"]
    first, second = (int(response.headers["Retry-After"]) for response in refused)
    assert second - first in (59, 60)  # a slot each
    assert refused[0].json()["message"] == f"Rate limit exceeded the maximum. Retry the request in [{first}] seconds"
    assert refused[0].json()["code"] == "too.many.requests.retry.after"
    assert refused[0].headers["X-RateLimit-Reset"] == str(first)
    for response in refused:
        assert (response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]) == ("3", "0")
        assert response.headers["Content-Length"] == str(len(response.body))


def test_one_organisation_does_not_use_up_the_limit_of_another(start_edge: StartEdge) -> None:
    edge = start_edge(
        LIMITED + "organisations: [{client_id: acme, client_secret: a}, {client_id: umbrella, client_secret: u}]"
    )
    statuses = [Softphone(edge, f"a{n}", basic("acme:a")).request_token().status for n in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert Softphone(edge, "u", basic("umbrella:u")).request_token().status == 200


def test_retry_after_can_be_an_http_date(start_edge: StartEdge) -> None:
    edge = start_edge("{limits: {token: {rate: 1/min, burst: 1}}, retry_after: {form: http-date, advice: next-token}}")
    Softphone(edge).request_token()
    headers = Softphone(edge).request_token().headers
    wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert 59 <= wait.total_seconds() <= 62


def test_retry_after_can_be_left_out(start_edge: StartEdge) -> None:
    edge = start_edge("{limits: {token: {rate: 1/min, burst: 1}}, retry_after: {form: none}, max_early_retries: 0}")
    responses = [Softphone(edge).request_token() for _ in range(5)]  # no client was told to wait, so none is early
    assert [response.status for response in responses] == [200, 429, 429, 429, 429]
    assert "Retry-After" not in responses[-1].headers
    assert responses[-1].json()["code"] == "too.many.requests"
    assert edge.stats()["early_retries"]["token"] == 0


class Broken(random.Random):
    """A random number generator that fails."""

    def getrandbits(self, k: int, /) -> int:
        raise RuntimeError("out of numbers")


def test_a_bug_of_the_edge_is_counted_as_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> tuple[int, dict[str, Any]]:
        edge = web.Server(Edge(Policy(), Broken()).serve)
        listener = await asyncio.get_running_loop().create_server(edge, "127.0.0.1", 0)
        async with aiohttp.ClientSession("http://127.0.0.1:{1}".format(*listener.sockets[0].getsockname())) as http:
            async with http.post("/oauth/token", data=GRANT, headers={"Authorization": BASIC}) as response:
                token = {"Authorization": f"Bearer {(await response.json())['access_token']}"}
            async with http.post("/api/v2/media/offer", data=offer_body("any"), headers=token) as response:
                status = response.status
            async with http.get("/stats") as response:
                stats = await response.json()
        listener.close()
        await edge.shutdown(0.1)
        return status, stats

    status, stats = asyncio.run(scenario())
    assert status == 500
    assert stats["steps"]["offer"] == {"requests": 1, "admitted": 0, "refused": {"500": 1}, "cut": 0}
    assert "out of numbers" in caplog.text


def test_requests_that_came_again_and_foreign_ones_are_counted(edge: EdgeProcess) -> None:
    before = edge.stats()
    for attempt in ("0000000a-1", "0000000a-2", "0000000a-1", None):
        named = {"X-Attempt-Id": attempt} if attempt else {}
        edge.request("POST", "/oauth/token", GRANT, {"Authorization": BASIC, **named})
    edge.request("POST", "/oauth/token", GRANT, {"Authorization": ""})
    gained = since(before, edge.stats())
    assert gained["doubled"]["token"] == 1
    assert +Counter(gained["foreign"]["token"]) == {"401": 1, "admitted": 1}
    assert gained["steps"]["token"]["requests"] == 5
