"""Who may register and who may call: limits, challenges and counters of the dialect sip.

    registration    REGISTER that adds a binding    200 · 401 403 423 503       refreshes and removals are not counted
    offer           INVITE that begins a call       200 · 403 407 480 486 487 488 503

A request without credentials has to pass the limits of its step, and is challenged then. Together with the request that
answers the challenge it is one attempt. It is counted once: when it is admitted or refused. A refusal by a limit is a
503 with Retry-After where the policy says 429, and has the policy's status otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

from locust_softphone.config.sip_policy import sip_status
from locust_softphone.edge.edge_state import EdgeState
from locust_softphone.edge.rate_limiter import TooManyEarlyRetries
from locust_softphone.edge.replies import Refused
from locust_softphone.edge.sip.call_router import CallRouter
from locust_softphone.edge.sip.digest_check import Credentials, DigestCheck, Verdict
from locust_softphone.edge.sip.registrar import Registrar, Request
from locust_softphone.edge.sip.sip_connection import SipConnection
from locust_softphone.edge.sip.sip_replies import reply, retry_after
from locust_softphone.edge.stats import SipStep
from locust_softphone.limits.step_limits import PASSED, Answer
from locust_softphone.sip_text import SipError, SipMessage, address, user_of

__all__ = ["SipServer"]

logger = logging.getLogger(__name__)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO"
MOST_PASSED = 64  # nonces of one connection


class SipServer:
    """A registrar and a proxy for one domain."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        self._policy = policy = state.policy.sip
        organisation = state.policy.organisations[0]
        self.organisation = organisation.client_id
        password = organisation.client_secret.get_secret_value()
        self._digest = DigestCheck(policy.domain, password, policy.algorithms, policy.nonce_expires_s)
        self._registrar = Registrar[SipConnection]()
        self._router = CallRouter(state, self._registrar, self._count)

    def on_message(self, connection: SipConnection, message: SipMessage) -> None:
        """Answer a request, or pass a response on."""
        try:
            self._handle(connection, message)
        except SipError:
            if message.method and message.method != "ACK":
                connection.send(reply(message, 400, tag=secrets.token_hex(4)))
        except Exception:
            logger.exception("a SIP message could not be handled")
            if message.method and message.method != "ACK":
                connection.send(reply(message, 500, tag=secrets.token_hex(4)))

    def on_disconnected(self, connection: SipConnection) -> None:
        for user in connection.users:
            self._registrar.unbind(user, phone=connection)
        self._router.disconnected(connection)

    def _handle(self, connection: SipConnection, message: SipMessage) -> None:
        if not message.method:
            self._router.on_response(connection, message)
        elif message.method == "REGISTER":
            self._register(connection, message)
        elif message.method == "INVITE" and not address(message.get("to")).tag:
            self._invite(connection, message)
        elif message.method == "OPTIONS" and not address(message.get("to")).tag:
            connection.send(reply(message, 200, [("Allow", ALLOW)], tag=secrets.token_hex(4)))
        elif not self._router.on_request(connection, message):
            self._unknown(connection, message)

    def _unknown(self, connection: SipConnection, message: SipMessage) -> None:
        """Refuse a request that belongs to no call, or that the edge does not know."""
        if message.method in ("BYE", "CANCEL", "INVITE", "INFO"):
            connection.send(reply(message, 481, tag=secrets.token_hex(4)))
        elif message.method != "ACK":
            connection.send(reply(message, 405, [("Allow", ALLOW)], tag=secrets.token_hex(4)))

    # Registrations.

    def _register(self, connection: SipConnection, message: SipMessage) -> None:
        user, request = user_of(address(message.get("to")).uri), Request.read(message)
        adds = any(
            lifetime != 0 and not self._registrar.has(user, uri, connection)
            for uri, lifetime in request.expires_s.items()
        )
        if adds:
            self._decide(
                connection, message, "registration", lambda: self._new_registration(connection, message, user, request)
            )
        elif self._authenticated(connection, message, "authorization") is not None:
            self._state.stats.registrations["removed" if request.removes else "refreshed"] += 1
            self._bind(connection, message, user, request)

    def _new_registration(self, connection: SipConnection, message: SipMessage, user: str, request: Request) -> None:
        answer = self._pass_limits(connection, message, "registration", "authorization")
        credentials = self._authenticated(connection, message, "authorization")
        if credentials is None:
            return
        if credentials.user != user or not user:
            raise Refused(403, "The credentials are of another user")
        least_s = int(self._policy.min_expires_s)
        if any(lifetime is not None and 0 < lifetime < least_s for lifetime in request.expires_s.values()):
            raise Refused(423, "The lifetime is too short", {"Min-Expires": str(least_s)})
        self._count(connection, message, "registration", "admitted")
        connection.users.add(user)
        set_up_s = self._state.setup.reserve(time.monotonic())
        self._later(answer.delay_s + set_up_s, connection, lambda: self._bind(connection, message, user, request))

    def _bind(self, connection: SipConnection, message: SipMessage, user: str, request: Request) -> None:
        """Make or end bindings, and answer with those that the user has."""
        now = time.monotonic()
        longest_s = int(self._policy.max_expires_s)
        for uri, lifetime in request.expires_s.items():
            if lifetime == 0:
                self._registrar.unbind(user, None if uri == "*" else uri)
            else:
                granted_s = min(longest_s if lifetime is None else lifetime, longest_s)
                self._state.stats.ready += not self._registrar.has(user, uri, connection)
                self._registrar.bind(user, uri, request.contacts[uri], connection, now + granted_s)
        bound = self._registrar.bindings(user, now)
        contacts = [("Contact", f"{each.written};expires={max(round(each.until - now), 0)}") for each in bound]
        connection.send(reply(message, 200, [*contacts, ("Supported", "outbound, path")], tag=secrets.token_hex(4)))

    # Calls.

    def _invite(self, connection: SipConnection, message: SipMessage) -> None:
        if not self._router.is_new(message):
            return  # sent again
        self._decide(connection, message, "offer", lambda: self._new_call(connection, message))

    def _new_call(self, connection: SipConnection, message: SipMessage) -> None:
        user = user_of(address(message.get("from")).uri)
        if user not in connection.users:
            raise Refused(403, "Only a user who has registered can call")
        if self._policy.challenge_calls:
            answer = self._pass_limits(connection, message, "offer", "proxy-authorization")
            if self._authenticated(connection, message, "proxy-authorization") is None:
                return
        else:
            answer = self._pass_limits(connection, message, "offer", "")
        try:
            self._router.begin(connection, message, answer.delay_s)
        except Refused:
            connection.free("offer")
            raise

    # Limits, challenges and counters.

    def _decide(
        self, connection: SipConnection, message: SipMessage, step: SipStep, decide: Callable[[], None]
    ) -> None:
        """Decide about an attempt; count and send a refusal."""
        try:
            decide()
        except Refused as refused:
            status = sip_status(refused.status)
            self._count(connection, message, step, str(status))
            headers = [*retry_after(refused)]
            headers += [(name, value) for name, value in refused.headers.items() if name in ("Min-Expires", "Allow")]
            if status == 401 or status == 407:
                headers += self._challenges(status)
            response = reply(message, status, headers, tag=secrets.token_hex(4))
            self._later(refused.delay_s, connection, lambda: connection.send(response))
        except TooManyEarlyRetries as error:
            counts = self._state.stats.steps[step]
            counts.cut += 1
            counts.note(self._state.attempt_ids.note(message.get("x-attempt-id")), "cut")
            for each in self._state.sessions.of(error.caller):
                each.cut("early_retries")

    def _pass_limits(self, connection: SipConnection, message: SipMessage, step: SipStep, header: str) -> Answer:
        """Check the limits of a step, unless the request answers a challenge to one that has passed them.

        Raises:
            Refused: the request is beyond a limit.
            TooManyEarlyRetries: the client has retried too early too often.
        """
        credentials = Credentials.read(message.headers.get(header, ()))
        if credentials is not None and credentials.nonce in connection.passed:
            connection.passed.discard(credentials.nonce)
            return PASSED
        state, now = self._state, time.monotonic()
        state.limiter.check_early_retries(step, connection.caller, now)
        if step == "offer":
            return state.hold("offer", "offer", connection.caller, connection.parts, now, connection)
        return state.limiter.check_limits("registration", "registration", connection.caller, connection.parts, now)

    def _authenticated(self, connection: SipConnection, message: SipMessage, header: str) -> Credentials | None:
        """The credentials of a request if they are right; otherwise it is challenged, and the result is None.

        Raises:
            Refused: 401 or 407, they are wrong.
        """
        status, now = (401 if header == "authorization" else 407), time.monotonic()
        credentials = Credentials.read(message.headers.get(header, ()))
        verdict = None if credentials is None else self._digest.check(credentials, message.method, now)
        if verdict is Verdict.RIGHT:
            return credentials
        if verdict is Verdict.WRONG:
            raise Refused(status, "The credentials are wrong")
        nonce = self._digest.new_nonce(now)
        if len(connection.passed) >= MOST_PASSED:
            connection.passed.pop()
        connection.passed.add(nonce)
        self._state.stats.registrations["challenged"] += message.method == "REGISTER"
        headers = self._challenges(status, nonce, stale=verdict is Verdict.STALE)
        connection.send(reply(message, status, headers, tag=secrets.token_hex(4)))
        return None

    def _challenges(self, status: int, nonce: str = "", *, stale: bool = False) -> list[tuple[str, str]]:
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        nonce = nonce or self._digest.new_nonce(time.monotonic())
        return [(name, each) for each in self._digest.challenges(nonce, stale=stale)]

    def _count(self, connection: SipConnection, message: SipMessage, step: SipStep, decision: str) -> None:
        """Count an attempt: ``admitted``, or the status of its refusal."""
        counts = self._state.stats.steps[step]
        if decision == "admitted":
            counts.admitted += 1
        else:
            counts.refused[int(decision)] += 1
        counts.note(self._state.attempt_ids.note(message.get("x-attempt-id")), decision)

    @staticmethod
    def _later(delay_s: float, connection: SipConnection, act: Callable[[], None]) -> None:
        """Do something now or after a delay, if the connection is still open then."""
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, lambda: None if connection.ended else act())
        else:
            act()
