"""The default dialect, ``media-offer``: the request of each step, and the response that it expects.

token      POST /oauth/token, client credentials, Basic      200 {access_token, expires_in}   RFC 6749 4.4
handshake  GET /signaling, upgrade, Bearer                   101, X-Session-Id                RFC 6455 4.1
ready      first frame from the edge                         {"type": "ready", "session": id}
offer      POST /api/v2/media/offer, Bearer                  201 {"type": "answer", "sdp": …} RFC 3264
close      {"type": "bye"}, close frame 1000                 close frame
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from itertools import count
from random import Random

from locust_softphone import sdp
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.oauth import Credentials, fetch_token
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection
from locust_softphone.untrusted import json_object

__all__ = ["DialectClient", "MediaOffer", "Session"]

_BYE = '{"type":"bye"}'


class MediaOffer:
    """The dialect for one target.

    Args:
        target: the edge, its addresses looked up.
        credentials: of the OAuth client.
        timeout_s: bounds each attempt.
        user_agent: the User-Agent of requests.
        random: makes ICE credentials and ids.
    """

    name = "media-offer"
    calls_outlive_connection = False

    def __init__(
        self, target: Target, credentials: Credentials, *, timeout_s: float, user_agent: str, random: Random
    ) -> None:
        self.target = target
        self.timeout_s = timeout_s
        self.random = random
        self.basic = credentials.basic
        self.offered = sdp.parse(sdp.make_offer(random))
        self._agent = f"User-Agent: {user_agent}\r\n"
        self._run_id = f"{random.getrandbits(32):08x}"
        self._attempts = count()

    @classmethod
    def of(cls, setup: DialectSetup) -> MediaOffer:
        """The dialect for an account."""
        return cls(
            setup.account.hosts.api,
            setup.account.credentials,
            timeout_s=setup.timeout_s,
            user_agent=setup.user_agent,
            random=setup.random,
        )

    def client(self, number: int) -> DialectClient:
        return DialectClient(self, number)

    def name_of(self, number: int) -> str:
        """The name of a softphone on the wire. It differs in each run, so that the edge tells the runs apart."""
        return f"{self._run_id}-{number}"

    def identity(self, number: int) -> str:
        """The header lines that identify the softphone, and this attempt of it, to a simulated edge."""
        attempt = f"{self._run_id}-{next(self._attempts)}"
        return f"{self._agent}X-Softphone-Id: {self.name_of(number)}\r\nX-Attempt-Id: {attempt}\r\n"


class DialectClient:
    """The state of one softphone between attempts: its HTTP connection and its cookies."""

    __slots__ = ("_cookies", "dialect", "http", "number")

    given_token = ""

    def __init__(self, dialect: MediaOffer, number: int) -> None:
        self.dialect = dialect
        self.number = number
        self._cookies = Cookies()
        self.http = HttpConnection(dialect.target, number, self._cookies)

    def fetch_token(self, now_s: float) -> Reply[Token]:
        """Request a token with client credentials (RFC 6749 4.4.2)."""
        dialect = self.dialect
        return fetch_token(self.http, dialect.identity(self.number), dialect.basic, dialect.timeout_s, now_s)

    def setup_steps(self) -> Sequence[SetupStep]:
        return ()

    def connect(self, token: Token) -> Reply[Session]:
        dialect = self.dialect
        connection = Connection.open(
            dialect.target,
            "/signaling",
            f"{dialect.identity(self.number)}Authorization: Bearer {token.bearer}\r\n",
            timeout_s=dialect.timeout_s,
            choice=self.number,
            cookies=self._cookies,
        )
        return Session(self, connection), connection.response.advice

    def close_idle(self) -> int:
        return self.http.close_idle()


class Session:
    """One WebSocket, and the id that offers refer to."""

    __slots__ = ("_client", "connection", "ready", "session_id")

    def __init__(self, client: DialectClient, connection: Connection) -> None:
        self._client = client
        self.connection = connection
        self.session_id = connection.response.headers.get("x-session-id", "")
        self.ready = False

    @property
    def pings(self) -> int:
        return self.connection.pings

    def wait_ready(self) -> Reply[None]:
        """Wait for the message ``ready``."""
        deadline_s = time.perf_counter() + self._client.dialect.timeout_s
        while not self.ready:
            message = self.connection.receive(remaining_s(deadline_s))
            if message is None:
                raise AttemptFailed(Outcome.TIMED_OUT)
            self._handle(message)
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[sdp.SessionDescription]:
        """Offer a call and check the answer against the offer (RFC 3264 6)."""
        client, dialect = self._client, self._client.dialect
        offer = {"sessionId": self.session_id, "type": "offer", "sdp": sdp.make_offer(dialect.random)}
        response = client.http.post(
            "/api/v2/media/offer",
            f"{dialect.identity(client.number)}Authorization: Bearer {token.bearer}\r\n"
            "Content-Type: application/json\r\n",
            json.dumps(offer).encode(),
            dialect.timeout_s,
        )
        answer = json_object(response.body)
        text = answer.get("sdp")
        try:
            if answer.get("type") != "answer" or not isinstance(text, str):
                raise sdp.SdpError("the response is not an SDP answer")
            if answer.get("sessionId", self.session_id) != self.session_id:
                raise sdp.SdpError("the answer is for another session")
            description = sdp.parse(text)
            sdp.check_answer(dialect.offered, description)
        except sdp.SdpError as e:
            raise AttemptFailed(Outcome.BAD_ANSWER, status=response.status, reason=str(e)) from None
        return description, response.advice

    def listen(self, timeout_s: float) -> None:
        message = self.connection.receive(timeout_s)
        if message is not None:
            self._handle(message)

    def bye(self) -> int:
        """Say bye and close with 1000."""
        return self.connection.close(self._client.dialect.timeout_s, _BYE)

    def cut(self) -> None:
        self.connection.cut()

    def abort(self) -> None:
        self.connection.abort()

    def _handle(self, message: str) -> None:
        """Handle a message from the edge; only ``ready`` has an effect."""
        if not self.ready and json_object(message).get("type") == "ready":
            self.ready = True
