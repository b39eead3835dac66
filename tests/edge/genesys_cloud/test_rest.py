"""The requests around the stream: who may, how often, and what they get."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.edge.conftest import StartEdge
from tests.edge.genesys_cloud.agent import CREDENTIALS, Agent
from tests.edge.softphone import GRANT
from tests.edge_process import EdgeProcess

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "xmpp",
}
USERS = "genesys_cloud: {users: [{name: alice, access_token: alices-own}, {name: bob, access_token: bobs-own}]}"


def test_client_credentials_stand_for_whichever_softphone_the_request_names(edge: EdgeProcess) -> None:
    response = Agent(edge, "desk-17").identity()
    assert response.status == 200
    assert response.json()["chat"] == {"jabberId": "desk-17@edge.example"}
    assert response.json()["id"] == Agent(edge, "desk-17").identity().json()["id"]
    assert response.json()["id"] != Agent(edge, "desk-18").identity().json()["id"]


def test_a_users_own_token_stands_for_that_user_whatever_the_request_names(start_edge: StartEdge) -> None:
    edge = start_edge(USERS)
    for name, token in (("alice", "alices-own"), ("bob", "bobs-own")):
        headers = {"Authorization": f"Bearer {token}", "X-Softphone-Id": "mallory"}
        identity = edge.request("GET", "/api/v2/users/me", headers=headers).json()
        assert identity["chat"]["jabberId"] == f"{name}@edge.example"
    assert "alices-own" not in json.dumps(edge.stats())


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v2/users/me", "GET"),
        ("/api/v2/notifications/channels?connectionType=streaming", "POST"),
        ("/api/v2/conversations/calls", "POST"),
    ],
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer looks-like-one"}, 401),
        ({"Authorization": CREDENTIALS}, 401),
        ({"Authorization": "Bearer TOKEN"}, 400),  # client credentials have no user
        ({"Authorization": "Bearer TOKEN", "X-Softphone-Id": "two@signs"}, 400),
        ({"Authorization": "Bearer TOKEN", "X-Softphone-Id": "x" * 65}, 400),
    ],
)
def test_nothing_is_answered_that_is_not_authorised(
    edge: EdgeProcess, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    token = edge.request("POST", "/oauth/token", GRANT, {"Authorization": CREDENTIALS}).json()["access_token"]
    sent = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    response = edge.request(method, path, b"", sent)
    assert (response.status, response.json()["status"]) == (status, status)
    assert response.headers["ININ-Correlation-Id"] == response.json()["contextId"]


def test_a_channel(edge: EdgeProcess) -> None:
    response = Agent(edge).channel()
    channel = response.json()
    assert response.status == 200
    assert channel["connectUri"] == f"ws{edge.url.removeprefix('http')}/stream/channels/{channel['id']}"
    expires = datetime.fromisoformat(channel["expires"].replace("Z", "+00:00"))
    assert abs(expires - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    assert Agent(edge).channel("").status == 400  # the JSON kind is another endpoint
    assert response.headers["inin-ratelimit-allowed"] == "300"
    assert response.headers["ININ-Correlation-Id"]


def test_the_limit_is_the_tokens_over_all_requests(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {requests_per_token: {count: 3, per: 60s}}")
    alice, bob = Agent(edge), Agent(edge, "bob")
    responses = [alice.identity(), alice.channel(), alice.call(), alice.identity()]
    assert [response.status for response in responses] == [200, 200, 409, 429]
    assert responses[0].headers["inin-ratelimit-count"] == "1"
    assert bob.identity().status == 200  # who has a token of his own
    steps = edge.stats()["steps"]
    assert steps["identity"] == {"requests": 3, "admitted": 2, "refused": {"429": 1}, "cut": 0}
    assert steps["channel"] == {"requests": 1, "admitted": 1, "refused": {}, "cut": 0}
    assert steps["offer"] == {"requests": 1, "admitted": 0, "refused": {"409": 1}, "cut": 0}


def test_a_429_is_as_documented(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {requests_per_token: {count: 1, per: 60s}}")
    alice = Agent(edge)
    alice.identity()
    refused = alice.channel()
    seconds = int(refused.headers["Retry-After"])
    assert refused.status == 429
    assert 55 <= seconds <= 60
    assert refused.json() == {
        "message": f"Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds",
        "code": "too.many.requests.retry.after",
        "status": 429,
        "contextId": refused.headers["ININ-Correlation-Id"],
        "details": [],
        "errors": [],
    }
    assert (refused.headers["inin-ratelimit-count"], refused.headers["inin-ratelimit-reset"]) == ("1", str(seconds))


def test_whoever_keeps_coming_back_too_early_is_cut(start_edge: StartEdge) -> None:
    edge = start_edge("{max_early_retries: 1, genesys_cloud: {requests_per_token: {count: 1, per: 60s}}}")
    alice = Agent(edge)
    assert [alice.channel().status for _ in range(3)] == [200, 429, 429]
    with pytest.raises(ConnectionError):
        alice.channel()
    assert edge.stats()["steps"]["channel"] == {"requests": 4, "admitted": 1, "refused": {"429": 2}, "cut": 1}
    assert edge.stats()["early_retries"]["channel"] == 2


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Upgrade": "h2c"}, 426),
        ({"Sec-WebSocket-Version": "12"}, 400),
        ({"Sec-WebSocket-Protocol": "sip"}, 400),
        ({"Sec-WebSocket-Protocol": ""}, 400),
    ],
)
def test_an_upgrade_that_is_refused(edge: EdgeProcess, changed: dict[str, str], status: int) -> None:
    path = f"/stream/channels/{Agent(edge).channel_id()}"
    assert edge.request("GET", path, headers={**UPGRADE, **changed}).status == status
    assert edge.request("POST", path, headers=UPGRADE).status == 405


@pytest.mark.parametrize("channel_id", ["", "streaming-0", "..", "%00"])
def test_an_upgrade_on_no_channel(edge: EdgeProcess, channel_id: str) -> None:
    headers: dict[str, Any] = {**UPGRADE, **Agent(edge).headers}  # a token does not help
    assert edge.request("GET", f"/stream/channels/{channel_id}", headers=headers).status == 404


def test_the_limit_on_upgrades(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {handshake: {rate: 1/min, burst: 1}}")
    alice = Agent(edge)
    channel_id = alice.channel_id()
    with alice.websocket(channel_id):
        refused = edge.request("GET", f"/stream/channels/{channel_id}", headers=UPGRADE)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert edge.stats()["steps"]["handshake"] == {"requests": 2, "admitted": 1, "refused": {"429": 1}, "cut": 0}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"phoneNumber": 5}', b"x" * (64 * 1024 + 1)])
def test_a_call_to_nobody(edge: EdgeProcess, body: bytes) -> None:
    assert Agent(edge).call(body).status in (400, 413)
