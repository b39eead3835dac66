"""The dialect verto: JSON-RPC 2.0 over one WebSocket. A login, then calls."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import count
from typing import Any
from uuid import uuid4

from locust_softphone import sdp
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import Step
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection
from locust_softphone.untrusted import json_object

REQUESTS = ("handshake", "offer")
BUSY = -32002  # what the edge of this example refuses with when a limit is used up


class Verto:
    name = "verto"
    steps = tuple(Step(name, "WS", counted=name in REQUESTS) for name in ("handshake", "ready", "offer", "close"))
    calls_outlive_connection = False

    def __init__(self, setup: DialectSetup) -> None:
        self.setup = setup
        self.offered = sdp.parse(sdp.make_offer(setup.random))

    def client(self, number: int) -> Client:
        return Client(self, number)


class Client:
    given_token = "unused"  # Verto logs in on the WebSocket, so there is no step token

    def __init__(self, dialect: Verto, number: int) -> None:
        self.dialect = dialect
        self.number = number

    def fetch_token(self, now_s: float) -> Reply[Token]:
        raise NotImplementedError

    def setup_steps(self) -> Sequence[SetupStep]:
        return ()

    def connect(self, token: Token) -> Reply[Session]:
        setup = self.dialect.setup
        target, timeout_s = setup.account.hosts.streaming, setup.timeout_s
        connection, response = Connection.open(target, "/", timeout_s=timeout_s, choice=self.number)
        return Session(self.dialect, connection), response.advice

    def close_idle(self) -> int:
        return 0


class Session:
    def __init__(self, dialect: Verto, connection: Connection) -> None:
        self.dialect, self.connection, self.id = dialect, connection, str(uuid4())
        self.ready, self.call_id, self._ids = False, "", count(1)
        self.cut, self.abort = connection.cut, connection.abort

    @property
    def pings(self) -> int:
        return self.connection.pings

    def wait_ready(self) -> Reply[None]:
        login = self.dialect.setup.account.credentials
        self._ask("login", {"login": login.client_id, "passwd": login.client_secret})
        self.ready = True
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[object]:
        self.call_id, setup = str(uuid4()), self.dialect.setup
        dialog = {"callID": self.call_id, "destination_number": setup.account.call_to}
        self._ask("verto.invite", {"sdp": sdp.make_offer(setup.random), "dialogParams": dialog})
        deadline_s = time.perf_counter() + setup.timeout_s
        while (message := self._next(deadline_s)).get("method") != "verto.answer":
            pass  # verto.media, display updates
        try:
            answer = sdp.parse(str(message["params"]["sdp"]))
            sdp.check_answer(self.dialect.offered, answer)
        except (LookupError, TypeError, sdp.SdpError) as error:
            raise AttemptFailed(Outcome.BAD_ANSWER, reason=str(error)) from None
        return answer, NO_ADVICE

    def listen(self, timeout_s: float) -> None:
        self.connection.receive(timeout_s)

    def bye(self) -> int:
        params = {"dialogParams": {"callID": self.call_id}, "sessid": self.id}
        return self.connection.close(self.dialect.setup.timeout_s, self._request(0, "verto.bye", params))

    def _ask(self, method: str, params: dict[str, Any]) -> None:
        """Send a request and wait for its result (JSON-RPC 2.0, 5)."""
        timeout_s, number = self.dialect.setup.timeout_s, next(self._ids)
        deadline_s = time.perf_counter() + timeout_s
        self.connection.send(timeout_s, self._request(number, method, {**params, "sessid": self.id}))
        while (message := self._next(deadline_s)).get("id") != number or "method" in message:
            pass
        if isinstance(error := message.get("error"), dict):
            raise AttemptFailed(Outcome.RATE_LIMITED if error.get("code") == BUSY else Outcome.REJECTED)

    def _request(self, number: int, method: str, params: dict[str, Any]) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def _next(self, deadline_s: float) -> dict[str, Any]:
        message = self.connection.receive(remaining_s(deadline_s))
        if message is None:
            raise AttemptFailed(Outcome.TIMED_OUT)
        return json_object(message)
