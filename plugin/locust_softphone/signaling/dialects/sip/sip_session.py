"""One WebSocket of a softphone: registered, in calls, kept alive.

    wait_ready    REGISTER ──► 401 ──► REGISTER with Authorization ──► 200
    offer         INVITE ──► 100, 180, 183 ──► 200 ──► ACK           401 and 407 are answered in the same way
    listen        answers INVITE, CANCEL, BYE, OPTIONS and keep-alives; refreshes the registration
    bye           BYE for each call, REGISTER with Expires: 0, close 1000

An attempt ends in a timeout after the profile's ``timeout``, or after 32 s if that is shorter (timers B and F). An
INVITE that is given up after a provisional response is cancelled. A call that is answered all the same is confirmed and
ended.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Protocol

from locust_softphone import sdp
from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.errors import AttemptFailed
from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.dialect import Reply
from locust_softphone.signaling.dialects.sip.dialog import Dialog
from locust_softphone.signaling.dialects.sip.refusals import advice_of, refusal_of
from locust_softphone.signaling.dialects.sip.registration import Registration
from locust_softphone.signaling.dialects.sip.sign_in import SignIn
from locust_softphone.signaling.dialects.sip.sip_calls import Calls
from locust_softphone.signaling.dialects.sip.sip_requests import Identity, is_answer_to
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import ABNORMAL, Connection
from locust_softphone.sip_text import SipError, SipMessage, parse_sip

__all__ = ["INBOUND_ANSWERED", "TIMER_B_S", "Session", "SessionClient"]

INBOUND_ANSWERED = "inbound_calls_answered"
"""Counted for each established call that another has made to this softphone."""

TIMER_B_S = 32.0
"""Timers B and F: 64 * T1 (RFC 3261 17.1.1.2, 17.1.2.2)."""

_PING, _PONG = "\r\n\r\n", "\r\n"  # RFC 5626 3.5.1
_MOST_TRIES = 3  # of one request: without credentials, with them, and with a new nonce


class SessionClient(Protocol):
    """The softphone that a session belongs to."""

    identity: Identity
    settings: SipSettings
    sign_in: SignIn
    registration: Registration
    callee: str
    timeout_s: float

    def make_offer(self) -> str:
        """A new SDP offer."""

    def check_answer(self, answer: sdp.SessionDescription) -> None:
        """Check an answer against the offer; raises ``SdpError``."""

    def attempt_header(self) -> tuple[str, str]:
        """The header that identifies one attempt to a simulated edge."""


class Session:
    """One WebSocket.

    Args:
        client: the softphone that it belongs to.
        calls: the calls on it.
        connection: the WebSocket, with the subprotocol ``sip``.
    """

    __slots__ = ("_abandoned", "_calls", "_client", "_connection", "_events", "_keep_alive_s", "pings", "ready")

    def __init__(self, client: SessionClient, calls: Calls, connection: Connection) -> None:
        self.ready = False
        self.pings = 0
        self._client = client
        self._connection = connection
        self._calls = calls
        self._events: deque[str] = deque()
        self._abandoned: dict[str, str] = {}  # From of an INVITE that was given up, by its branch
        self._keep_alive_s = inf

    # The steps.

    def wait_ready(self) -> Reply[None]:
        """Register."""
        response = self._register(time.perf_counter() + self._attempt_s(), self._client.attempt_header())
        if response.status >= 300:
            raise refusal_of(response)
        self.ready = True
        self._schedule_keep_alive()
        return None, advice_of(response)

    def offer(self, token: Token) -> Reply[Dialog]:
        """Make a call. Calls that are still open are ended first, because a softphone has one call at a time."""
        client, identity = self._client, self._client.identity
        deadline_s = time.perf_counter() + self._attempt_s()
        self._send(*self._calls.end_all())
        call_id, local = identity.new_token(), f"<{identity.uri}>;tag={identity.new_token()}"
        body = client.make_offer()
        headers = [
            ("From", local),
            ("To", f"<{client.callee}>"),
            ("Call-ID", call_id),
            ("Contact", f"<{identity.contact_uri};ob>"),  # RFC 5626 4.3
            ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS"),
            ("Supported", "outbound"),
            client.attempt_header(),
        ]
        response = self._ask("INVITE", client.callee, headers, deadline_s, first_cseq=1, body=body)
        if response.status >= 300:
            raise refusal_of(response)
        try:
            dialog = Dialog.of_answer(identity, local, client.callee, response)
        except SipError as error:
            raise AttemptFailed(Outcome.MALFORMED, status=response.status, reason=str(error), protocol="SIP") from None
        try:
            client.check_answer(sdp.parse(response.body))
        except sdp.SdpError as error:
            self._send(dialog.ack(), dialog.bye())
            raise AttemptFailed(Outcome.BAD_ANSWER, status=response.status, reason=str(error), protocol="SIP") from None
        self._calls.add(dialog)
        self._send(dialog.ack())
        return dialog, NO_ADVICE

    def listen(self, timeout_s: float) -> str | None:
        if self._events:
            return self._events.popleft()
        now_s = time.perf_counter()
        due_s = min(self._calls.due_s, self._client.registration.due_s, self._keep_alive_s)
        message = self._receive(max(min(now_s + timeout_s, due_s) - now_s, 0.0))
        if message is not None:
            self._handle(message)
        elif time.perf_counter() >= due_s:
            self._do_what_is_due(time.perf_counter())
        return self._events.popleft() if self._events else None

    def bye(self) -> int:
        """End the calls and the registration, and close with 1000. The answers are not waited for."""
        try:
            return self._connection.close(self._client.timeout_s, *self._last_messages())
        finally:
            self._client.registration.ended()

    def cut(self) -> None:
        self._connection.cut(*self._last_messages())
        self._client.registration.ended()

    def abort(self) -> None:
        self._client.registration.ended()
        self._connection.abort()

    # Requests of the softphone.

    def _attempt_s(self) -> float:
        return min(self._client.timeout_s, TIMER_B_S)

    def _register(self, deadline_s: float, *headers: tuple[str, str]) -> SipMessage:
        """Register or refresh the registration; a lifetime that is too short for the registrar is asked for again."""
        registration = self._client.registration
        for _ in range(2):
            registered = [*registration.headers(), *headers]
            response = self._ask(
                "REGISTER", registration.registrar, registered, deadline_s, first_cseq=registration.next_cseq
            )
            registration.next_cseq = max(response.cseq[0] + 1, registration.next_cseq + 1)
            if response.status != 423 or not registration.accept_minimum(response):
                break
        if response.status < 300:
            registration.registered(response, time.perf_counter())
        return response

    def _ask(
        self,
        method: str,
        uri: str,
        headers: list[tuple[str, str]],
        deadline_s: float,
        *,
        first_cseq: int,
        body: str = "",
    ) -> SipMessage:
        """Send a request and wait for its final response; challenges are answered (RFC 3261 22.2).

        Raises:
            AttemptFailed: ``TIMED_OUT``, or the connection ended.
        """
        identity, sign_in = self._client.identity, self._client.sign_in
        credentials: dict[str, str] = {}
        for cseq in range(first_cseq, first_cseq + _MOST_TRIES):
            branch = identity.new_token()
            numbered = [*headers, ("CSeq", f"{cseq} {method}"), *credentials.items()]
            self._send(identity.request(method, uri, numbered, branch=branch, body=body), deadline_s=deadline_s)
            try:
                response = self._final(method, branch, deadline_s, lambda: self._cancel(uri, headers, branch, cseq))  # noqa: B023 - called at once
            except AttemptFailed:
                self._abandoned[branch] = headers[0][1]
                raise
            if method == "INVITE" and response.status >= 300:
                self._confirm_refusal(uri, headers, branch, cseq, response)
            answered = sign_in.answer(response, method, uri, sent=credentials)
            if not answered:
                break
            credentials = {**credentials, **answered}
        return response

    def _final(self, method: str, branch: str, deadline_s: float, give_up: Callable[[], None]) -> SipMessage:
        """Wait for the final response to a request; other messages are handled meanwhile."""
        provisional = False
        while True:
            message = self._receive(remaining_s(deadline_s))
            if message is None:
                if time.perf_counter() < deadline_s:
                    continue
                if method == "INVITE" and provisional:
                    give_up()
                raise AttemptFailed(Outcome.TIMED_OUT)
            if message.status and is_answer_to(message, branch, method):
                if message.status >= 200:
                    return message
                provisional = True
            else:
                self._handle(message)

    def _cancel(self, uri: str, headers: list[tuple[str, str]], branch: str, cseq: int) -> None:
        """Give an INVITE up (RFC 3261 9.1): the same branch, From, To and number."""
        self._send(
            self._client.identity.request("CANCEL", uri, _of_transaction(headers, "CANCEL", cseq), branch=branch)
        )

    def _confirm_refusal(
        self, uri: str, headers: list[tuple[str, str]], branch: str, cseq: int, response: SipMessage
    ) -> None:
        """The ACK for a final response of 300 or more, in the same transaction (RFC 3261 17.1.1.3)."""
        lines = [line for line in _of_transaction(headers, "ACK", cseq) if line[0] != "To"]
        lines.append(("To", response.get("to")))
        self._send(self._client.identity.request("ACK", uri, lines, branch=branch))

    def _last_messages(self) -> list[str]:
        """The end of the calls and of the registration, with credentials as the last request had them."""
        client, messages = self._client, self._calls.end_all()
        if self.ready:
            registration = client.registration
            headers = [
                *registration.headers(expires_s=0),
                ("CSeq", f"{registration.next_cseq} REGISTER"),
                *client.sign_in.repeat("REGISTER", registration.registrar),
            ]
            registration.next_cseq += 1
            branch = client.identity.new_token()
            messages.append(client.identity.request("REGISTER", registration.registrar, headers, branch=branch))
        return messages

    # What is due, and what comes.

    def _do_what_is_due(self, now_s: float) -> None:
        self._send(*self._calls.due(now_s))
        if now_s >= self._keep_alive_s:
            self._send(_PING)
            self._schedule_keep_alive()
        registration = self._client.registration
        if now_s >= registration.due_s:
            registration.postpone(now_s)
            try:
                self._register(now_s + self._attempt_s())
            except AttemptFailed as failed:
                if failed.close_code is not None:
                    raise

    def _schedule_keep_alive(self) -> None:
        every_s = self._client.settings.keep_alive_s
        self._keep_alive_s = time.perf_counter() + every_s if every_s else inf

    def _receive(self, timeout_s: float) -> SipMessage | None:
        """The next message, or None if none came in time or it was a keep-alive.

        Raises:
            AttemptFailed: the connection ended, or ``MALFORMED`` for something that is not SIP: the connection is
                dropped then.
        """
        text = self._connection.receive(timeout_s)
        self.pings, self._connection.pings = self.pings + self._connection.pings, 0
        if text is None or text == _PONG:
            return None
        if text == _PING:
            self.pings += 1
            self._send(_PONG)
            return None
        try:
            return parse_sip(text)
        except SipError as error:
            raise AttemptFailed(Outcome.MALFORMED, close_code=ABNORMAL, reason=str(error)) from None

    def _handle(self, message: SipMessage) -> None:
        """Handle a request, or a late response to an INVITE."""
        try:
            if message.method:
                replies = self._calls.on_request(message, time.perf_counter())
                self._events.extend([INBOUND_ANSWERED] * self._calls.established)
                self._calls.established = 0
            else:
                replies = self._late_answer(message)
        except SipError:
            return  # a request that cannot be answered, because what an answer repeats is missing
        if replies:
            self._send(*replies)

    def _late_answer(self, response: SipMessage) -> list[str]:
        """The end of a call that was answered after the softphone had given it up (RFC 3261 13.2.2.4, 15)."""
        if not self._abandoned or response.cseq[1] != "INVITE" or not 200 <= response.status < 300:
            return []
        branch = next((each for each in self._abandoned if is_answer_to(response, each, "INVITE")), None)
        if branch is None:
            return []
        client = self._client
        dialog = Dialog.of_answer(client.identity, self._abandoned.pop(branch), client.callee, response)
        return [dialog.ack(), dialog.bye()]

    def _send(self, *messages: str, deadline_s: float | None = None) -> None:
        if messages:
            timeout_s = self._client.timeout_s if deadline_s is None else remaining_s(deadline_s)
            self._connection.send(timeout_s, *messages)


def _of_transaction(headers: list[tuple[str, str]], method: str, cseq: int) -> list[tuple[str, str]]:
    """From, To, Call-ID and CSeq of another request in the transaction of an INVITE."""
    kept = [line for line in headers if line[0] in ("From", "To", "Call-ID")]
    return [*kept, ("CSeq", f"{cseq} {method}")]
