"""A softphone that does not use the package: the standard library's HTTP client and the websockets library."""

from __future__ import annotations

import json
import random
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from websockets.sync.client import ClientConnection, connect

from locust_softphone.sdp import make_offer
from tests.edge_process import EdgeProcess, Response

__all__ = ["BASIC", "GRANT", "OFFER", "Softphone", "balanced", "basic", "eventually", "offer_body", "ready"]

GRANT = b"grant_type=client_credentials"
OFFER = make_offer(random.Random(1))


def basic(credentials: str) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


BASIC = basic("locust-softphone:simulated")


def offer_body(session_id: str, text: str = OFFER) -> bytes:
    return json.dumps({"sessionId": session_id, "type": "offer", "sdp": text}).encode()


class Softphone:
    """One named client of an edge; it never retries."""

    def __init__(self, edge: EdgeProcess, name: str = "alice", credentials: str = BASIC) -> None:
        self.edge = edge
        self.name = name
        self._credentials = credentials
        self._token: str | None = None

    def request_token(self) -> Response:
        return self.edge.request(
            "POST", "/oauth/token", GRANT, {"Authorization": self._credentials, "X-Softphone-Id": self.name}
        )

    @property
    def headers(self) -> Mapping[str, str]:
        if self._token is None:
            self._token = self.request_token().json()["access_token"]
        return {"Authorization": f"Bearer {self._token}", "X-Softphone-Id": self.name}

    def connect(self) -> ClientConnection:
        """The open WebSocket; ``ready`` has not been read yet."""
        return connect(
            self.edge.signaling_url, additional_headers=self.headers, compression=None, ssl=self.edge.ssl_context
        )

    def offer(self, session_id: str, text: str = OFFER) -> Response:
        return self.edge.request("POST", "/api/v2/media/offer", offer_body(session_id, text), self.headers)


def ready(websocket: ClientConnection) -> str:
    """Wait for the first frame: the id of the session."""
    frame: dict[str, Any] = json.loads(websocket.recv(timeout=20))
    assert frame["type"] == "ready"
    session: str = frame["session"]
    return session


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


def balanced(stats: Mapping[str, Any]) -> bool:
    """Whether every request has one decision and every session one end."""
    steps = all(
        step["requests"] == step["admitted"] + sum(step["refused"].values()) + step["cut"]
        for step in stats["steps"].values()
    )
    sessions = stats["sessions"]
    ended = sum(stats["closes"].values()) + stats["lost"] + sum(stats["cuts"].values())
    opened = stats["steps"]["handshake"]["admitted"]
    return bool(steps and sessions["total"] == opened == sessions["open"] + ended)
