"""The dialect genesys-cloud: the requests before the stream, and the one that asks for a call.

    identity    GET  /api/v2/users/me                      200 · 400 401 429
    channel     POST /api/v2/notifications/channels        200 · 400 401 429       ?connectionType=streaming
    handshake   GET  /stream/channels/{id}                 101 · 400 404 426 429   then the stream runs
    offer       POST /api/v2/conversations/calls           200 · 400 401 409 413 429   then a propose on the stream

Genesys Cloud has a host for each of login, REST and streaming; here they are one origin.

Whose request is it? A user's own token says so. A token that was asked for with client credentials has no user at the
service; here it stands for whichever softphone the request names in ``X-Softphone-Id``, so that a fleet needs no users.
A channel belongs to whoever asked for it, and its id is the secret by which the upgrade, which carries no token, is let
in; the token follows on the stream.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from weakref import WeakKeyDictionary

from aiohttp import web

from locust_softphone.edge.access import Grant
from locust_softphone.edge.edge_state import EdgeState, Route, check_upgrade
from locust_softphone.edge.genesys_cloud.channels import Channels
from locust_softphone.edge.genesys_cloud.gateway import Calls
from locust_softphone.edge.genesys_cloud.request_window import RequestWindow
from locust_softphone.edge.genesys_cloud.wire_policy import is_user_name
from locust_softphone.edge.genesys_cloud.xmpp_server import Stream, bare_jid
from locust_softphone.edge.http_request import Caller, within_limit
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.stats import Step
from locust_softphone.edge.websocket_session import Session
from locust_softphone.untrusted import json_object

__all__ = ["GenesysCloudDialect"]

CHANNEL = "/stream/channels/"


class Admitted(NamedTuple):
    """A request within its limits: whose it is, and what the answer's headers are to say."""

    user: Caller
    headers: dict[str, str]


class GenesysCloudDialect:
    """The dialect's requests, one verdict for each."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        self._policy = state.policy.genesys_cloud
        self._channels: Channels[Stream] = Channels(self._policy.channels_per_user, self._policy.channel_expires_s)
        self._calls = Calls(self._policy, state.stats, state.rng)
        self._windows: WeakKeyDictionary[Grant, RequestWindow] = WeakKeyDictionary()
        self._handshake_route = Route("GET", "handshake", self._handshake)
        self.routes = {
            "/api/v2/users/me": Route("GET", "identity", self._identity),
            "/api/v2/notifications/channels": Route("POST", "channel", self._channel),
            "/api/v2/conversations/calls": Route("POST", "offer", self._call),
        }

    def route_of(self, path: str) -> Route | None:
        """The route of a path that is not one of ``routes``."""
        return self._handshake_route if path.startswith(CHANNEL) else None

    def _identity(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        user, headers = self._admit("identity", request)
        jid = bare_jid(user.name, self._policy.domain)
        return json_reply(200, {"id": _uuid_of(user), "name": user.name, "chat": {"jabberId": jid}}, headers)

    def _channel(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        user, headers = self._admit("channel", request)
        if request.query.get("connectionType") != "streaming":
            raise Refused(400, "Only channels with connectionType=streaming are simulated")
        channel, evicted = self._channels.create(user, time.monotonic())
        if evicted is not None and evicted.socket is not None:
            evicted.socket.displace("no_longer_subscribed")
        expires = datetime.now(UTC) + timedelta(seconds=self._policy.channel_expires_s)
        about = {
            "id": channel.id,
            "connectUri": f"{'wss' if request.secure else 'ws'}://{request.host}{CHANNEL}{channel.id}",
            "expires": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        return json_reply(200, about, headers)

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Session:
        now = time.monotonic()
        channel = self._channels.get(request.path.removeprefix(CHANNEL), now)
        if channel is None:
            raise Refused(404, "There is no such channel")
        self._state.limiter.check_early_retries("handshake", channel.owner, now)
        check_upgrade(request, Stream.subprotocols)
        headers = self._state.limiter.check_limit("handshake", channel.owner, now, time.time())
        return Stream(channel, self._channels, self._calls, self._state, headers)

    def _call(self, request: web.BaseRequest, body: bytes | None) -> web.Response:
        user, headers = self._admit("offer", request)
        asked = json_object(within_limit(body))
        if not any(isinstance(asked.get(key), str) for key in ("phoneNumber", "callUserId", "callQueueId")):
            raise Refused(400, "The body must be JSON with phoneNumber, callUserId or callQueueId")
        conversation_id = self._calls.ring(user, autoanswer=True)
        if conversation_id is None:
            raise Refused(409, "The user has no softphone that is connected")
        about = {"id": conversation_id, "selfUri": f"/api/v2/conversations/calls/{conversation_id}"}
        return json_reply(200, about, headers)

    def _admit(self, step: Step, request: web.BaseRequest) -> Admitted:
        """Let a request with a token in, if it is within the token's limit.

        Raises:
            Refused: it has no good token, no user, or is one too many.
            TooManyEarlyRetries: it came back too early too often.
        """
        state, now = self._state, time.monotonic()
        grant = state.bearer(request, now)
        user = _user_of(request, grant)
        state.limiter.check_early_retries(step, user, now)
        window = self._windows.get(grant)
        if window is None:
            window = self._windows[grant] = RequestWindow(self._policy.requests_per_token)
        headers = state.limiter.check(window, step, user, now, time.time())
        return Admitted(user, {**headers, "ININ-Correlation-Id": str(uuid.uuid4())})


def _user_of(request: web.BaseRequest, grant: Grant) -> Caller:
    name = grant.user or request.headers.get("X-Softphone-Id") or ""
    if not is_user_name(name):
        raise Refused(
            400, "Client credentials have no user: X-Softphone-Id must name one (a-z, 0-9, dot, dash, underscore)"
        )
    return Caller(grant.organisation, name)


def _uuid_of(user: Caller) -> str:
    """A user's id, the same at every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(user)))
