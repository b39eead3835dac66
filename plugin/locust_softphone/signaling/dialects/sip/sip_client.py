"""The dialect ``sip``: SIP over WebSocket (RFC 3261, RFC 7118), and the state of a softphone between its connections.

    handshake     GET {path}, upgrade, subprotocol sip
    registration  REGISTER sip:{domain}, with digest authentication        (in other dialects: ready)
    offer         INVITE with an SDP offer ──► 200 with the answer ──► ACK
    close         BYE, REGISTER with Expires: 0, close frame 1000

There is no token: the user's password takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from random import Random

from locust_softphone import sdp
from locust_softphone.config.sip_settings import SipSettings
from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.dialects.sip.registration import Registration
from locust_softphone.signaling.dialects.sip.sign_in import SignIn
from locust_softphone.signaling.dialects.sip.sip_calls import Calls
from locust_softphone.signaling.dialects.sip.sip_requests import Identity
from locust_softphone.signaling.dialects.sip.sip_session import Session
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection

__all__ = ["SUBPROTOCOL", "DialectClient", "Sip"]

SUBPROTOCOL = "sip"  # RFC 7118 4


class Sip:
    """The dialect for one edge.

    Args:
        target: the edge, its addresses looked up.
        password: of the users; ``{number}`` in it is replaced.
        settings: the users, their registrar and whom they call.
        timeout_s: bounds each attempt.
        user_agent: the User-Agent of requests.
        random: makes ICE credentials and ids.
    """

    name = "sip"
    calls_outlive_connection = False

    def __init__(
        self,
        target: Target,
        password: str,
        settings: SipSettings,
        *,
        timeout_s: float,
        user_agent: str,
        random: Random,
    ) -> None:
        self.target = target
        self.password = password
        self.settings = settings
        self.timeout_s = timeout_s
        self.user_agent = user_agent
        self.random = random
        self.offered = sdp.parse(sdp.make_offer(random))
        self._run_id = f"{random.getrandbits(32):08x}"
        self._attempts = count()

    @classmethod
    def of(cls, setup: DialectSetup) -> Sip:
        """The dialect for an account."""
        settings = setup.settings if isinstance(setup.settings, SipSettings) else SipSettings()
        return cls(
            setup.account.hosts.api,
            setup.account.credentials.client_secret,
            settings,
            timeout_s=setup.timeout_s,
            user_agent=setup.user_agent,
            random=setup.random,
        )

    def client(self, number: int) -> DialectClient:
        return DialectClient(self, number)

    def softphone_id(self, number: int) -> str:
        """The name of a softphone at a simulated edge. It differs in each run, for the edge to tell them apart."""
        return f"{self._run_id}-{number}"

    def attempt_id(self) -> str:
        """The name of one attempt at a simulated edge."""
        return f"{self._run_id}-{next(self._attempts)}"


class DialectClient:
    """The state of one softphone between attempts: its user, its registration, whom it calls."""

    __slots__ = (
        "_cookies",
        "callee",
        "dialect",
        "identity",
        "number",
        "registration",
        "settings",
        "sign_in",
        "timeout_s",
    )

    def __init__(self, dialect: Sip, number: int) -> None:
        settings = self.settings = dialect.settings
        self.dialect = dialect
        self.number = number
        self._cookies = Cookies()
        self.timeout_s = dialect.timeout_s
        user = settings.user_of(number)
        transport = "WSS" if dialect.target.tls else "WS"
        self.identity = Identity(dialect.random, f"sip:{user}@{settings.domain}", transport, dialect.user_agent)
        password = settings.password_of(number, dialect.password)
        self.sign_in = SignIn(user, password, self.identity.new_token)
        self.registration = Registration(self.identity, f"sip:{settings.domain}", settings.expires_s, dialect.random)
        self.callee = settings.callee_of(number)

    @property
    def given_token(self) -> str:
        """The user's password: what the softphone is given instead of a token."""
        return self.settings.password_of(self.number, self.dialect.password)

    def fetch_token(self, now_s: float) -> Reply[Token]:
        """There are no tokens in this dialect, and ``given_token`` says so."""
        raise AttemptFailed(Outcome.CANCELLED)

    def setup_steps(self) -> Sequence[SetupStep]:
        return ()

    def connect(self, token: Token) -> Reply[Session]:
        dialect = self.dialect
        connection, response = Connection.open(
            dialect.target,
            self.settings.path,
            f"User-Agent: {dialect.user_agent}\r\nX-Softphone-Id: {dialect.softphone_id(self.number)}\r\n"
            f"X-Attempt-Id: {dialect.attempt_id()}\r\n",
            timeout_s=dialect.timeout_s,
            subprotocol=SUBPROTOCOL,
            choice=self.number,
            cookies=self._cookies,
        )
        calls = Calls(self.identity, dialect.random, self.settings.answer_after_s)
        return Session(self, calls, connection), response.advice

    def close_idle(self) -> int:
        return 0

    # For sessions.

    def make_offer(self) -> str:
        """A new SDP offer."""
        return sdp.make_offer(self.dialect.random)

    def check_answer(self, answer: sdp.SessionDescription) -> None:
        """Check an answer against the offer (RFC 3264 6); raises ``SdpError``."""
        sdp.check_answer(self.dialect.offered, answer)

    def attempt_header(self) -> tuple[str, str]:
        """The header that identifies one attempt to a simulated edge."""
        return "X-Attempt-Id", self.dialect.attempt_id()
