"""The dialect ``genesys-cloud``: the requests around a WebSocket, and the state of a softphone between attempts.

    token      POST login…/oauth/token, client credentials; not if the user's token is given
    identity   GET api…/api/v2/users/me                         chat.jabberId; not if the JID is given
    channel    POST api…/api/v2/notifications/channels?connectionType=streaming, empty body           id
    handshake  GET streaming…/stream/channels/{id}, upgrade, subprotocol xmpp, no Authorization
    ready      on the WebSocket, see session.py
    offer      POST api…/api/v2/conversations/calls, and then on the WebSocket until the call is active

Which of identity and channel are left says channel_use.py. A softphone gives its channel up after a goodbye, and when
the edge demands it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import count
from random import Random
from uuid import UUID

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.account import CALL_TO
from locust_softphone.signaling.cookies import Cookies
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialect_setup import DialectSetup
from locust_softphone.signaling.dialects.genesys_cloud.channel_use import ChannelUse
from locust_softphone.signaling.dialects.genesys_cloud.keep_alive import Intervals
from locust_softphone.signaling.dialects.genesys_cloud.session import Session
from locust_softphone.signaling.dialects.genesys_cloud.users import User, is_jid
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.http import HttpConnection
from locust_softphone.signaling.oauth import Credentials, fetch_token
from locust_softphone.signaling.token import Token
from locust_softphone.signaling.websocket import Connection
from locust_softphone.signaling.xmpp.xml_stream import SUBPROTOCOL
from locust_softphone.untrusted import json_object

__all__ = ["DialectClient", "GenesysCloud"]

_ID = r"[A-Za-z0-9._~-]{1,256}"


class GenesysCloud:
    """The dialect for one edge.

    Args:
        hosts: the hosts of the edge, addresses looked up.
        credentials: of the OAuth client.
        users: the user of each softphone; empty if each softphone asks the edge for its user.
        call_to: the number or address to call.
        timeout_s: bounds each attempt.
        user_agent: the User-Agent of requests.
        random: makes ICE credentials and ids.
        keep_alive: when a connection counts as dead.
    """

    name = "genesys-cloud"
    calls_outlive_connection = True
    """Media goes to the gateway directly, and a reconnected client gets its sessions again: webrtc.js,
    handleStanzaInstanceChange."""

    def __init__(
        self,
        hosts: Hosts,
        credentials: Credentials,
        *,
        users: Sequence[User] = (),
        call_to: str = CALL_TO,
        timeout_s: float,
        user_agent: str,
        random: Random,
        keep_alive: Intervals = Intervals(),  # noqa: B008 - frozen
    ) -> None:
        self.keep_alive = keep_alive
        self.hosts = hosts
        self.timeout_s = timeout_s
        self.random = random
        self.basic = credentials.basic
        self.users = users
        self.call = json.dumps({"phoneNumber": call_to}).encode()
        self._identifies = hosts.is_one
        self._agent = f"User-Agent: {user_agent}\r\n"
        self._run_id = f"{random.getrandbits(32):08x}"
        self._attempts = count()

    @classmethod
    def of(cls, setup: DialectSetup) -> GenesysCloud:
        """The dialect for an account."""
        account = setup.account
        return cls(
            account.hosts,
            account.credentials,
            users=account.users,
            call_to=account.call_to,
            timeout_s=setup.timeout_s,
            user_agent=setup.user_agent,
            random=setup.random,
        )

    def client(self, number: int) -> DialectClient:
        return DialectClient(self, number)

    def identity(self, number: int) -> str:
        """The header lines that identify the softphone and this attempt; a real organisation does not get them."""
        if not self._identifies:
            return self._agent
        run, attempt = self._run_id, next(self._attempts)
        return f"{self._agent}X-Softphone-Id: {run}-{number}\r\nX-Attempt-Id: {run}-{attempt}\r\n"


class DialectClient:
    """The state of one softphone between attempts: its user, its channel, its HTTP connections and its cookies."""

    __slots__ = ("_api", "_asked_jid", "_cookies", "_login", "_use", "_user", "dialect", "jid", "number", "resource")

    def __init__(self, dialect: GenesysCloud, number: int) -> None:
        self.dialect = dialect
        self.number = number
        self._user = dialect.users[number] if dialect.users else User()
        self.jid = self._user.jid
        self.resource = str(UUID(int=dialect.random.getrandbits(128), version=4))
        self._asked_jid = self.jid
        self._use = ChannelUse(knows_user=bool(self.jid))
        self._cookies = Cookies()
        self._api = HttpConnection(dialect.hosts.api, number, self._cookies)
        same = dialect.hosts.login is dialect.hosts.api
        self._login = self._api if same else HttpConnection(dialect.hosts.login, number, self._cookies)

    @property
    def given_token(self) -> str:
        return self._user.token

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the certificate that a browser would have: different for each softphone, and constant."""
        return Random(self.resource).getrandbits(256).to_bytes(32, "big").hex(":").upper()

    # The requests.

    def fetch_token(self, now_s: float) -> Reply[Token]:
        dialect = self.dialect
        return fetch_token(self._login, dialect.identity(self.number), dialect.basic, dialect.timeout_s, now_s)

    def setup_steps(self) -> Sequence[SetupStep]:
        requests = {"identity": self._ask_identity, "channel": self._open_channel}
        return [(step, requests[step]) for step in self._use.steps_left()]

    def _ask_identity(self, token: Token) -> Reply[None]:
        """Request the user of the token; the answer is kept once there is a channel too."""
        response = self._api.request("GET", "/api/v2/users/me", self._headers(token), b"", self.dialect.timeout_s)
        chat = json_object(response.body).get("chat")
        jid = chat.get("jabberId") if isinstance(chat, dict) else None
        if not isinstance(jid, str) or not is_jid(jid):
            raise AttemptFailed(Outcome.MALFORMED, status=response.status)
        self._asked_jid = jid
        return None, response.advice

    def _open_channel(self, token: Token) -> Reply[None]:
        """Request a streaming channel, which the edge keeps for a day."""
        path = "/api/v2/notifications/channels?connectionType=streaming"
        response = self._api.post(path, self._headers(token), b"", self.dialect.timeout_s)
        channel = json_object(response.body).get("id")
        if not isinstance(channel, str) or not re.fullmatch(_ID, channel):
            raise AttemptFailed(Outcome.MALFORMED, status=response.status)
        self._use.opened(channel)
        self.jid = self._asked_jid
        return None, response.advice

    def connect(self, token: Token) -> Reply[Session]:
        dialect = self.dialect
        connection, response = Connection.open(
            dialect.hosts.streaming,
            f"/stream/channels/{self._use.channel}",
            dialect.identity(self.number),
            timeout_s=dialect.timeout_s,
            subprotocol=SUBPROTOCOL,
            choice=self.number,
            cookies=self._cookies,
        )
        return Session(self, token, connection), response.advice

    def place_call(self, token: Token) -> Reply[str]:
        """Ask the edge for a call; returns the conversation's id."""
        response = self._api.post(
            "/api/v2/conversations/calls", self._headers(token), self.dialect.call, self.dialect.timeout_s
        )
        conversation = json_object(response.body).get("id")
        if not isinstance(conversation, str) or not conversation:
            raise AttemptFailed(Outcome.MALFORMED, status=response.status)
        return conversation, response.advice

    def close_idle(self) -> int:
        return self._api.close_idle() + self._login.close_idle()

    def forget_channel(self) -> None:
        """Open the next connection on a new channel."""
        self._use.forget()

    def _headers(self, token: Token) -> str:
        identity = self.dialect.identity(self.number)
        return f"{identity}Authorization: Bearer {token.bearer}\r\nContent-Type: application/json\r\n"
