"""The default dialect, ``media-offer``: what each step says on the wire, and what it takes for an answer.

    token      POST /oauth/token, client credentials, Basic      200 {access_token, expires_in}   RFC 6749 4.4
    handshake  GET /signaling, upgrade, Bearer                   101, X-Session-Id                RFC 6455 4.1
    ready      first frame from the edge                         {"type": "ready", "session": id}
    offer      POST /api/v2/media/offer, Bearer                  201 {"type": "answer", "sdp": …} RFC 3264
    close      {"type": "bye"}, close frame 1000                 close frame

Each method is one attempt: it returns what it got and the response's headers, or raises ``AttemptFailed``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias, TypeVar

from locust_softphone import sdp
from locust_softphone.errors import AttemptFailed
from locust_softphone.outcome import Outcome
from locust_softphone.signaling.connection import Connection
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.stream import Target
from locust_softphone.signaling.token import Token

__all__ = ["Credentials", "MediaOffer", "Reply", "Session"]

T = TypeVar("T")
Reply: TypeAlias = tuple[T, Mapping[str, str]]
"""What a step got, and the headers of the response that it came with."""

_BYE = '{"type":"bye"}'


@dataclass(frozen=True)
class Credentials:
    """An OAuth client's id and secret; the secret is never shown."""

    client_id: str
    client_secret: str = field(repr=False)

    @property
    def basic(self) -> str:
        return b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode("ascii")


@dataclass(slots=True)
class Session:
    """A softphone's registration: one WebSocket and the id that offers refer to."""

    connection: Connection
    session_id: str
    ready: bool = False

    def heard(self, message: str) -> None:
        """Take note of a message from the edge; the only one that changes anything is ``ready``."""
        if not self.ready and _json(message).get("type") == "ready":
            self.ready = True


class MediaOffer:
    """The dialect against one target.

    Args:
        target: the edge, its addresses looked up.
        credentials: of the OAuth client that the fleet logs in as.
        timeout_s: bound of each attempt.
        user_agent: what the requests call themselves.
        random: makes ICE credentials and the like.
    """

    def __init__(
        self, target: Target, credentials: Credentials, *, timeout_s: float, user_agent: str, random: Random
    ) -> None:
        self._target = target
        self._timeout_s = timeout_s
        self._random = random
        self._agent = f"User-Agent: {user_agent}\r\n"
        self._fleet = f"{random.getrandbits(32):08x}"
        self._basic = credentials.basic
        self._offered = sdp.parse(sdp.make_offer(random))

    def name_of(self, number: int) -> str:
        """What a softphone is called on the wire: in each run another name, lest the edge take it for the last one."""
        return f"{self._fleet}-{number}"

    def http(self, number: int) -> HttpConnection:
        return HttpConnection(self._target, number)

    def fetch_token(self, http: HttpConnection, number: int, now_s: float) -> Reply[Token]:
        """Ask for a token with client credentials (RFC 6749 4.4.2); ``now_s`` is the clock it expires by."""
        response = http.post(
            "/oauth/token",
            f"{self._identity(number)}Authorization: Basic {self._basic}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n",
            b"grant_type=client_credentials",
            self._timeout_s,
        )
        granted = _json(response.body)
        bearer, expires_in = granted.get("access_token"), granted.get("expires_in", 3600)
        if not isinstance(bearer, str) or not _is_header_value(bearer) or not isinstance(expires_in, (int, float)):
            raise AttemptFailed(Outcome.MALFORMED, status=response.status)
        return Token.granted(bearer, expires_in, now_s), response.headers

    def connect(self, token: Token, number: int) -> Reply[Session]:
        """Open the WebSocket."""
        connection = Connection.open(
            self._target,
            "/signaling",
            f"{self._identity(number)}Authorization: Bearer {token.bearer}\r\n",
            timeout_s=self._timeout_s,
            choice=number,
        )
        return Session(connection, connection.headers.get("x-session-id", "")), connection.headers

    def wait_ready(self, session: Session) -> Reply[None]:
        """Wait until the edge says ``ready``."""
        while not session.ready:
            message = session.connection.receive(self._timeout_s)
            if message is None:
                raise AttemptFailed(Outcome.TIMED_OUT)
            session.heard(message)
        return None, {}

    def offer(self, http: HttpConnection, token: Token, session: Session, number: int) -> Reply[sdp.SessionDescription]:
        """Offer a call and check the answer against the offer (RFC 3264 6)."""
        offer = {"sessionId": session.session_id, "type": "offer", "sdp": sdp.make_offer(self._random)}
        response = http.post(
            "/api/v2/media/offer",
            f"{self._identity(number)}Authorization: Bearer {token.bearer}\r\nContent-Type: application/json\r\n",
            json.dumps(offer).encode(),
            self._timeout_s,
        )
        answer = _json(response.body)
        text = answer.get("sdp")
        try:
            if answer.get("type") != "answer" or not isinstance(text, str):
                raise sdp.SdpError("no answer")
            description = sdp.parse(text)
            sdp.check_answer(self._offered, description)
        except sdp.SdpError:
            raise AttemptFailed(Outcome.BAD_ANSWER, status=response.status) from None
        return description, response.headers

    def bye(self, session: Session) -> int:
        """Say bye and close with 1000; returns the code of the edge's close frame."""
        return session.connection.close(self._timeout_s, _BYE)

    def _identity(self, number: int) -> str:
        return f"{self._agent}X-Softphone-Id: {self.name_of(number)}\r\n"


def _json(text: str | bytes) -> dict[str, Any]:
    """The JSON object in ``text``, or an empty one for anything else: a hostile edge must not crash a softphone."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_header_value(text: str) -> bool:
    """Whether a token can go into a header line as it is (RFC 6750 2.1: b64token), so that it cannot add others."""
    return text.isascii() and text.isprintable() and " " not in text and bool(text)
