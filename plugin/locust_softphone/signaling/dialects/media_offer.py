"""The default dialect, ``media-offer``: what its wire (``config.wire``) says is sent, and what is expected.

token      POST /oauth/token, client credentials, Basic      200 {access_token, expires_in}   RFC 6749 4.4
handshake  GET /signaling, upgrade, Bearer                   101, X-Session-Id                RFC 6455 4.1
ready      first frame from the edge                         {"type": "ready", "session": id}
offer      POST /api/v2/media/offer, Bearer                  201 {"type": "answer", "sdp": …} RFC 3264
close      {"type": "bye"}, close frame 1000                 close frame

These are the defaults of the wire. Another wire changes paths, headers and fields, and can send the offer as a frame.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any

from locust_softphone import sdp
from locust_softphone.config.wire import Wire
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.signaling.account import CALL_TO
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.dialects.compiled_wire import CompiledWire, Values
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.oauth import Credentials, granted_token, is_header_value
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection
from locust_softphone.untrusted import json_object

__all__ = ["DialectClient", "MediaOffer", "Session"]

_NO_VALUES: Mapping[str, str] = MappingProxyType({})
_LONGEST_S = 366 * 86_400.0


class MediaOffer:
    """The dialect for one target.

    Args:
        target: the edge, its addresses looked up.
        credentials: of the OAuth client.
        timeout_s: bounds each attempt.
        user_agent: the User-Agent of requests.
        random: makes ICE credentials and ids.
        wire: what is sent and expected.
        call_to: the number that a wire can have in its requests.
    """

    name = "media-offer"
    calls_outlive_connection = False

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        *,
        timeout_s: float,
        user_agent: str,
        random: Random,
        wire: Wire = Wire(),  # noqa: B008 - frozen
        call_to: str = CALL_TO,
    ) -> None:
        self.target = target
        self.timeout_s = timeout_s
        self.random = random
        self.wire = CompiledWire(wire, credentials, call_to)
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
            wire=setup.settings if isinstance(setup.settings, Wire) else Wire(),
            call_to=setup.account.call_to,
        )

    def client(self, number: int) -> DialectClient:
        return DialectClient(self, number)

    def name_of(self, number: int) -> str:
        """The name of a softphone on the wire. It differs in each run, so that the edge tells the runs apart."""
        return f"{self._run_id}-{number}"

    def values(self, number: int, **more: str) -> dict[str, str]:
        """What can be filled in for one attempt of a softphone."""
        return {"softphone": self.name_of(number), "id": f"{self._run_id}-{next(self._attempts)}", **more}

    def identity(self, values: Values) -> str:
        """The header lines that identify the softphone, and this attempt of it, to a simulated edge."""
        return f"{self._agent}X-Softphone-Id: {values['softphone']}\r\nX-Attempt-Id: {values['id']}\r\n"


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
        """Request a token; with the default wire by client credentials (RFC 6749 4.4.2)."""
        dialect, wire = self.dialect, self.dialect.wire
        values = dialect.values(self.number)
        response = self.http.post(
            wire.token_path(values),
            dialect.identity(values) + wire.token_headers(values),
            wire.token_body(values).encode(),
            dialect.timeout_s,
        )
        granted = json_object(response.body)
        return granted_token(response, wire.token(granted), wire.expires_in(granted), granted.get("token_type"), now_s)

    def setup_steps(self) -> Sequence[SetupStep]:
        return ()

    def connect(self, token: Token) -> Reply[Session]:
        dialect, wire = self.dialect, self.dialect.wire
        values = dialect.values(self.number, token=token.bearer)
        connection, response = Connection.open(
            dialect.target,
            wire.handshake_path(values),
            dialect.identity(values) + wire.handshake_headers(values),
            timeout_s=dialect.timeout_s,
            subprotocol=wire.subprotocol,
            choice=self.number,
            cookies=self._cookies,
        )
        session_id = response.headers.get(wire.session_header, "")
        return Session(self, token, connection, session_id), response.advice

    def close_idle(self) -> int:
        return self.http.close_idle()


class Session:
    """One WebSocket, and the id that offers refer to."""

    __slots__ = ("_client", "_logged_in", "_token", "connection", "ready", "session_id")

    def __init__(self, client: DialectClient, token: Token, connection: Connection, session_id: str) -> None:
        self._client = client
        self._token = token
        self._logged_in = False
        self.connection = connection
        self.session_id = session_id if session_id.isprintable() else ""  # it may become a part of a header
        self.ready = not client.dialect.wire.waits_for_ready

    @property
    def pings(self) -> int:
        return self.connection.pings

    def wait_ready(self) -> Reply[None]:
        """Wait for the message ``ready``, after the login if the wire has one."""
        dialect = self._client.dialect
        deadline_s = time.perf_counter() + dialect.timeout_s
        if dialect.wire.login and not self._logged_in:
            self.connection.send(dialect.timeout_s, dialect.wire.login(self._values(self._token)))
            self._logged_in = True
        while not self.ready:
            message = self.connection.receive(remaining_s(deadline_s))
            if message is None:
                raise AttemptFailed(Outcome.TIMED_OUT)
            self._handle(message)
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[sdp.SessionDescription]:
        """Offer a call and check the answer against the offer (RFC 3264 6)."""
        dialect, wire = self._client.dialect, self._client.dialect.wire
        values = self._values(token, sdp=sdp.make_offer(dialect.random))
        exchange = self._offer_frame if wire.over_websocket else self._post_offer
        answer, status, advice = exchange(values)
        try:
            text = wire.answer(answer)
            if not isinstance(text, str) or not wire.is_answer(answer, values):
                raise sdp.SdpError("the response is not an SDP answer")
            session_id = wire.answer_session(answer) if wire.answer_session else None
            if session_id is not None and session_id != self.session_id:
                raise sdp.SdpError("the answer is for another session")
            description = sdp.parse(text)
            sdp.check_answer(dialect.offered, description)
        except sdp.SdpError as e:
            raise AttemptFailed(Outcome.BAD_ANSWER, status=status, reason=str(e)) from None
        return description, advice

    def _post_offer(self, values: Values) -> tuple[dict[str, Any], int | None, LimitAdvice]:
        """Send the offer by HTTP: what came, its status, and its advice."""
        dialect, wire = self._client.dialect, self._client.dialect.wire
        response = self._client.http.post(
            wire.offer_path(values),
            dialect.identity(values) + wire.offer_headers(values),
            wire.offer(values).encode(),
            dialect.timeout_s,
        )
        return json_object(response.body), response.status, response.advice

    def _offer_frame(self, values: Values) -> tuple[dict[str, Any], int | None, LimitAdvice]:
        """Send the offer as a frame, and wait for its answer; other frames are handled as always.

        Raises:
            AttemptFailed: a frame refuses it, none came in time, or the WebSocket has ended.
        """
        dialect, wire = self._client.dialect, self._client.dialect.wire
        deadline_s = time.perf_counter() + dialect.timeout_s
        self.connection.send(dialect.timeout_s, wire.offer(values))
        while (message := self.connection.receive(remaining_s(deadline_s))) is not None:
            found = json_object(message)
            if wire.is_answer(found, values):
                return found, None, NO_ADVICE
            if wire.is_refusal and wire.status and wire.is_refusal(found, values):
                raise _refusal(wire.status(found), wire.retry_after(found) if wire.retry_after else None)
            self._handle(message)
        raise AttemptFailed(Outcome.TIMED_OUT)

    def listen(self, timeout_s: float) -> None:
        message = self.connection.receive(timeout_s)
        if message is not None:
            self._handle(message)

    def bye(self) -> int:
        """Say bye and close with 1000."""
        return self.connection.close(self._client.dialect.timeout_s, *self._last_messages())

    def cut(self) -> None:
        self.connection.cut()

    def abort(self) -> None:
        self.connection.abort()

    def _last_messages(self) -> list[str]:
        bye = self._client.dialect.wire.bye
        return [bye(self._values(self._token))] if bye else []

    def _values(self, token: Token, **more: str) -> dict[str, str]:
        """What can be filled in on this session."""
        client = self._client
        return client.dialect.values(client.number, token=token.bearer, session=self.session_id, **more)

    def _handle(self, message: str) -> None:
        """Handle a message from the edge; only ``ready`` has an effect."""
        if self.ready:
            return
        wire, found = self._client.dialect.wire, json_object(message)
        if wire.is_ready(found, _NO_VALUES):
            self.ready = True
            if wire.ready_session:
                session_id = wire.ready_session(found)
                if not isinstance(session_id, str | int) or not is_header_value(str(session_id)):
                    raise AttemptFailed(Outcome.MALFORMED)
                self.session_id = str(session_id)


def _refusal(status: object, retry_after_s: object) -> AttemptFailed:
    """The failure that a frame stands for: a status as in HTTP, and the seconds until a retry."""
    if isinstance(status, bool) or not isinstance(status, int) or not 300 <= status <= 599:
        return AttemptFailed(Outcome.MALFORMED)
    is_number = isinstance(retry_after_s, int | float) and not isinstance(retry_after_s, bool)
    told_s = float(str(retry_after_s)) if is_number else None
    advice = LimitAdvice(retry_after_s=told_s) if told_s is not None and 0 <= told_s < _LONGEST_S else NO_ADVICE
    return AttemptFailed(outcome_of_status(status), status=status, advice=advice)
