"""The same call in plain Locust with websocket-client, for comparison, written in the usual way.

    CALLS   calls of each user, 0 for no limit    WAIT   seconds between them, or "pace N" from start to start
    SDP     the offer                             CA     PEM file of a private certificate authority

``on_start`` fetches the token. At the end each process writes to ``starts-PID.json`` when its users first acted.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import gevent
import websocket
from locust import HttpUser, constant, constant_pacing, events, task
from locust.env import Environment

CALLS, CA = int(os.environ["CALLS"]), os.environ["CA"]
PACE, SECONDS = "pace" in os.environ["WAIT"], float(os.environ["WAIT"].removeprefix("pace "))


class PlainSoftphone(HttpUser):
    """Calls repeatedly, with a new WebSocket and a new HTTP connection for each call."""

    wait_time = constant_pacing(SECONDS) if PACE else constant(SECONDS)

    def on_start(self) -> None:
        _starts(self.environment).append(time.time())
        self.calls_left = CALLS
        self.client.verify = CA or True
        answer = self.client.post(
            "/oauth/token",
            {"grant_type": "client_credentials"},
            auth=("locust-softphone", "simulated"),
            headers={"Connection": "close"},
        )
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "X-Softphone-Id": str(id(self))}

    @task
    def call(self) -> None:
        began_s = time.perf_counter()
        connection = self.connect()
        session = json.loads(connection.recv())["session"]
        with self.client.post(
            "/api/v2/media/offer",
            json={"sessionId": session, "type": "offer", "sdp": os.environ["SDP"]},
            headers={**self.headers, "Connection": "close"},
            catch_response=True,
        ) as answer:
            if answer.status_code != 201 or answer.json()["type"] != "answer":
                answer.failure("no answer")
        self.report("call set-up", began_s, None)
        connection.send('{"type":"bye"}')
        connection.close()
        self.calls_left -= 1
        if not self.calls_left:
            self.finish()

    def connect(self) -> websocket.WebSocket:
        """Open the WebSocket."""
        began_s = time.perf_counter()
        try:
            connection = websocket.create_connection(
                f"{str(self.host).replace('http', 'ws', 1)}/signaling",
                header=self.headers,
                timeout=10,
                sslopt={"ca_certs": CA} if CA else {},
            )
        except Exception as error:
            self.report("handshake", began_s, error)
            raise
        self.report("handshake", began_s, None)
        return connection

    def report(self, name: str, began_s: float, error: Exception | None) -> None:
        """Report to Locust what its HTTP client does not measure."""
        self.environment.events.request.fire(
            request_type="WS",
            name=name,
            response_time=(time.perf_counter() - began_s) * 1000,
            response_length=0,
            exception=error,
            context={},
        )

    def finish(self) -> None:
        """Called after the last call of a user; the last user ends the run."""
        finished = _finished(self.environment)
        finished.append(self)
        if self.environment.runner and len(finished) == self.environment.parsed_options.num_users:
            gevent.spawn(self.environment.runner.quit)
        gevent.sleep(3600)


def _starts(environment: Environment) -> list[float]:
    return _list(environment, "starts")


def _finished(environment: Environment) -> list[PlainSoftphone]:
    return _list(environment, "finished")


def _list(environment: Environment, name: str) -> list[Any]:
    """A list of this process's run."""
    found: list[Any] = environment.__dict__.setdefault(name, [])
    return found


def _write_starts(environment: Environment, **_: object) -> None:
    Path(f"starts-{os.getpid()}.json").write_text(json.dumps(_starts(environment)))


events.quitting.add_listener(_write_starts)
