"""The requests of the dialect genesys-cloud: authorization, limits and responses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from locust_softphone.config.policy import Policy
from locust_softphone.config.strict_yaml import loads
from locust_softphone.limits.keyed import KeyParts
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


def test_with_client_credentials_the_request_names_the_user(edge: EdgeProcess) -> None:
    response = Agent(edge, "desk-17").identity()
    assert response.status == 200
    assert response.json()["chat"] == {"jabberId": "desk-17@edge.example"}
    assert response.json()["id"] == Agent(edge, "desk-17").identity().json()["id"]
    assert response.json()["id"] != Agent(edge, "desk-18").identity().json()["id"]


def test_a_users_own_token_identifies_the_user(start_edge: StartEdge) -> None:
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
def test_a_request_without_authorization_is_refused(
    edge: EdgeProcess, path: str, method: str, headers: dict[str, str], status: int
) -> None:
    token = edge.request("POST", "/oauth/token", GRANT, {"Authorization": CREDENTIALS}).json()["access_token"]
    sent = {name: value.replace("TOKEN", token) for name, value in headers.items()}
    response = edge.request(method, path, b"", sent)
    assert (response.status, response.json()["status"]) == (status, status)
    assert response.headers["ININ-Correlation-Id"] == response.json()["contextId"]


@pytest.mark.parametrize(
    ("asked_at", "count", "reset"),
    [
        ([0.0], "1", "10"),
        ([0.0, 2.5], "2", "8"),  # whole seconds, rounded up so that no client is early
        ([0.0, 0.0, 9.5], "2", "1"),  # a refused request is not counted
        ([0.0, 10.0], "1", "10"),  # the next window
    ],
)
def test_the_headers_of_the_token_limit(asked_at: list[float], count: str, reset: str) -> None:
    policy = loads("genesys_cloud: {requests_per_token: {count: 2, per: 10s}}", Policy)
    limits = policy.request_limits()
    *_, last = [limits.admit(now, KeyParts(token="one")) for now in asked_at]
    told = {} if last.admitted else {"Retry-After": reset}  # the end of the window, the same for all
    assert last.headers == {
        **told,
        "inin-ratelimit-count": count,
        "inin-ratelimit-allowed": "2",
        "inin-ratelimit-reset": reset,
    }


def test_a_new_channel(edge: EdgeProcess) -> None:
    response = Agent(edge).channel()
    channel = response.json()
    assert response.status == 200
    assert channel["connectUri"] == f"ws{edge.url.removeprefix('http')}/stream/channels/{channel['id']}"
    expires = datetime.fromisoformat(channel["expires"].replace("Z", "+00:00"))
    assert abs(expires - datetime.now(UTC) - timedelta(hours=24)) < timedelta(minutes=1)
    assert Agent(edge).channel("").status == 400  # channels for JSON notifications are not simulated
    assert response.headers["inin-ratelimit-allowed"] == "300"
    assert response.headers["ININ-Correlation-Id"]


def test_the_limit_counts_all_requests_with_one_token(start_edge: StartEdge) -> None:
    edge = start_edge("genesys_cloud: {requests_per_token: {count: 3, per: 60s}}")
    alice, bob = Agent(edge), Agent(edge, "bob")
    responses = [alice.identity(), alice.channel(), alice.call(), alice.identity()]
    assert [response.status for response in responses] == [200, 200, 409, 429]
    assert responses[0].headers["inin-ratelimit-count"] == "1"
    assert bob.identity().status == 200  # bob has another token
    steps = edge.stats()["steps"]
    assert steps["identity"] == {"requests": 3, "admitted": 2, "refused": {"429": 1}, "cut": 0}
    assert steps["channel"] == {"requests": 1, "admitted": 1, "refused": {}, "cut": 0}
    assert steps["offer"] == {"requests": 1, "admitted": 0, "refused": {"409": 1}, "cut": 0}


def test_a_429_has_the_documented_body_and_headers(start_edge: StartEdge) -> None:
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


def test_a_client_that_retries_too_early_too_often_is_cut(start_edge: StartEdge) -> None:
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
def test_a_wrong_handshake_is_refused(edge: EdgeProcess, changed: dict[str, str], status: int) -> None:
    path = f"/stream/channels/{Agent(edge).channel_id()}"
    assert edge.request("GET", path, headers={**UPGRADE, **changed}).status == status
    assert edge.request("POST", path, headers=UPGRADE).status == 405


@pytest.mark.parametrize("channel_id", ["", "streaming-0", "..", "%00"])
def test_a_handshake_for_an_unknown_channel_is_refused(edge: EdgeProcess, channel_id: str) -> None:
    headers: dict[str, Any] = {**UPGRADE, **Agent(edge).headers}  # even with a token
    assert edge.request("GET", f"/stream/channels/{channel_id}", headers=headers).status == 404


def test_handshakes_have_a_limit(start_edge: StartEdge) -> None:
    edge = start_edge("limits: {handshake: {rate: 1/min, burst: 1}}")
    alice = Agent(edge)
    channel_id = alice.channel_id()
    with alice.websocket(channel_id):
        refused = edge.request("GET", f"/stream/channels/{channel_id}", headers=UPGRADE)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert edge.stats()["steps"]["handshake"] == {"requests": 2, "admitted": 1, "refused": {"429": 1}, "cut": 0}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"phoneNumber": 5}', b"x" * (64 * 1024 + 1)])
def test_a_wrong_request_for_a_call_is_refused(edge: EdgeProcess, body: bytes) -> None:
    assert Agent(edge).call(body).status in (400, 413)
