"""The simulated edge against two foreign WebSocket clients: websockets and aiohttp."""

from __future__ import annotations

import asyncio
import json
import random
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from locust_softphone.sdp import check_answer, make_offer, parse
from tests.edge.softphone import OFFER, Softphone, balanced, eventually, ready
from tests.edge_process import EdgeProcess, running_edge

POLICY = """
limits: {token: {rate: 1/min, burst: 5}, handshake: {rate: 1/min, burst: 4}, offer: {rate: 1/min, burst: 2}}
ping_every: 500ms
"""
BASIC = f"Basic {b64encode(b'locust-softphone:simulated').decode()}"


@pytest.fixture
def edge() -> Iterator[EdgeProcess]:
    with running_edge(POLICY) as running:
        yield running
        eventually(lambda: balanced(running.stats()))


def test_a_call_with_websockets(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with phone.connect() as websocket:
        session = ready(websocket)
        response = phone.offer(session)
        assert response.status == 201
        check_answer(parse(OFFER), parse(response.json()["sdp"]))
        assert websocket.ping().wait(20)
        eventually(lambda: bool(edge.stats()["pongs"] >= 2))
        websocket.send(json.dumps({"type": "bye"}))
    assert websocket.close_code == 1000
    eventually(lambda: bool(edge.stats()["closes"] == {"1000": 1}))
    assert edge.stats()["sessions"] == {"open": 0, "peak": 1, "total": 1, "answered": 1}


def test_every_step_refuses_with_429(edge: EdgeProcess) -> None:
    phones = [Softphone(edge, f"phone-{number}") for number in range(5)]
    with ExitStack() as stack:
        sessions = [ready(stack.enter_context(phone.connect())) for phone in phones[:4]]
        offers = [phone.offer(session) for phone, session in zip(phones, sessions, strict=False)]
        assert [offer.status for offer in offers] == [201, 201, 429, 429]
        with pytest.raises(InvalidStatus) as refused, phones[4].connect():
            pytest.fail("admitted")
        assert refused.value.response.status_code == 429
        assert 0 < int(refused.value.response.headers["Retry-After"]) <= 60
        assert b"too.many.requests.retry.after" in (refused.value.response.body or b"")
        assert Softphone(edge, "phone-5").request_token().status == 429
    eventually(lambda: bool(edge.stats()["closes"] == {"1000": 4}))
    assert {step: counts["requests"] for step, counts in edge.stats()["steps"].items()} == {
        "token": 6,
        "handshake": 5,
        "offer": 4,
    }


def test_permessage_deflate_and_subprotocols_are_declined(edge: EdgeProcess) -> None:
    phone = Softphone(edge)
    with connect(edge.signaling_url, additional_headers=phone.headers, subprotocols=["sip"]) as websocket:  # type: ignore[list-item]
        ready(websocket)
        assert websocket.response is not None
        assert "Sec-WebSocket-Extensions" not in websocket.response.headers
        assert websocket.subprotocol is None


def test_a_call_with_aiohttp(edge: EdgeProcess) -> None:
    async def call() -> dict[str, Any]:
        offer = make_offer(random.Random(1))
        async with aiohttp.ClientSession(edge.url) as http:
            form = {"grant_type": "client_credentials"}
            async with http.post("/oauth/token", data=form, headers={"Authorization": BASIC}) as response:
                bearer = {"Authorization": f"Bearer {(await response.json())['access_token']}"}
            async with http.ws_connect("/signaling", headers=bearer, compress=15) as websocket:
                session = (await websocket.receive_json())["session"]
                body = {"sessionId": session, "type": "offer", "sdp": offer}
                async with http.post("/api/v2/media/offer", json=body, headers=bearer) as response:
                    assert response.status == 201
                    check_answer(parse(offer), parse((await response.json())["sdp"]))
                await websocket.send_json({"type": "bye"})
                await websocket.close()
                assert websocket.close_code == 1000
            async with http.get("/stats") as response:
                stats: dict[str, Any] = await response.json()
                return stats

    stats = asyncio.run(call())
    assert {step: counts["admitted"] for step, counts in stats["steps"].items()} == {
        "token": 1,
        "handshake": 1,
        "offer": 1,
    }


def test_fifty_handshakes_at_once_with_aiohttp(edge: EdgeProcess) -> None:
    """On a limit of four: each is counted, and both sides agree."""

    async def crowd() -> list[int]:
        async with aiohttp.ClientSession(edge.url, connector=aiohttp.TCPConnector(limit=0)) as http:
            bearer = Softphone(edge).headers["Authorization"]

            async def phone(number: int) -> int:
                headers = {"Authorization": bearer, "X-Softphone-Id": f"phone-{number}"}
                try:
                    async with http.ws_connect("/signaling", headers=headers) as websocket:
                        await websocket.receive_json()
                        return 101
                except aiohttp.WSServerHandshakeError as refused:
                    return refused.status

            return await asyncio.gather(*(phone(number) for number in range(50)))

    statuses = asyncio.run(crowd())
    assert sorted(statuses) == [101] * 4 + [429] * 46
    handshake = edge.stats()["steps"]["handshake"]
    assert handshake == {"requests": 50, "admitted": 4, "refused": {"429": 46}, "cut": 0}
