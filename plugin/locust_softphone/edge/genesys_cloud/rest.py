"""The dialect genesys-cloud: the requests before the XMPP stream, and the request for a call.

    identity    GET  /api/v2/users/me                      200 · 400 401 429
    channel     POST /api/v2/notifications/channels        200 · 400 401 429       ?connectionType=streaming
    handshake   GET  /stream/channels/{id}                 101 · 400 404 426 429   then the stream runs
    offer       POST /api/v2/conversations/calls           200 · 400 401 409 413 429   then a propose on the stream

Genesys Cloud has separate hosts for login, REST and streaming; the edge serves all three on one origin.

A user's own token identifies the user. A token for client credentials has no user at Genesys Cloud; here it stands for
the softphone that the request names in ``X-Softphone-Id``, so a fleet needs no users. A channel belongs to the user who
asked for it. The WebSocket handshake carries no token: it is admitted by the channel's id, which is secret, and the
token follows on the stream.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

from aiohttp import web

from locust_softphone.config.genesys_cloud_policy import is_user_name
from locust_softphone.edge.access import Grant
from locust_softphone.edge.edge_state import Admitted, EdgeState, Route
from locust_softphone.edge.genesys_cloud.channels import Channels
from locust_softphone.edge.genesys_cloud.gateway import Gateway
from locust_softphone.edge.genesys_cloud.xmpp_server import XmppSession, bare_jid
from locust_softphone.edge.http_request import Caller, check_upgrade, complete_body
from locust_softphone.edge.replies import Refused, json_reply
from locust_softphone.edge.stats import Step
from locust_softphone.untrusted import json_object

__all__ = ["CHANNELS", "GenesysCloudDialect"]

CHANNELS = "/stream/channels/"


class GenesysCloudDialect:
    """The dialect's requests."""

    def __init__(self, state: EdgeState) -> None:
        self._state = state
        self._policy = state.policy.genesys_cloud
        self._channels: Channels[XmppSession] = Channels(self._policy.channels_per_user, self._policy.channel_expires_s)
        self._gateway = Gateway(self._policy, state.stats, state.rng)
        self._request_limits = state.policy.request_limits()
        self.routes = {
            "/api/v2/users/me": Route("GET", "identity", self._identity),
            "/api/v2/notifications/channels": Route("POST", "channel", self._channel),
            "/api/v2/conversations/calls": Route("POST", "offer", self._call),
            CHANNELS: Route("GET", "handshake", self._handshake),  # of every path that starts with it
        }

    def _identity(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        user, headers = self._admit("identity", request)
        jid = bare_jid(user.name, self._policy.domain)
        about = {"id": _uuid_of(user), "name": user.name, "chat": {"jabberId": jid}}
        return Admitted(json_reply(200, about, headers))

    def _channel(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        user, headers = self._admit("channel", request)
        if request.query.get("connectionType") != "streaming":
            raise Refused(400, "Only channels with connectionType=streaming are simulated")
        channel, evicted = self._channels.create(user, time.monotonic())
        if evicted is not None and evicted.socket is not None:
            evicted.socket.evict("no_longer_subscribed")
        expires = datetime.now(UTC) + timedelta(seconds=self._policy.channel_expires_s)
        about = {
            "id": channel.id,
            "connectUri": f"{'wss' if request.secure else 'ws'}://{request.host}{CHANNELS}{channel.id}",
            "expires": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        return Admitted(json_reply(200, about, headers))

    def _handshake(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        state, now = self._state, time.monotonic()
        channel = self._channels.get(request.path.removeprefix(CHANNELS), now)
        if channel is None:
            raise Refused(404, "There is no such channel")
        owner = channel.owner
        parts = state.parts(request, owner)
        state.limiter.check_early_retries("handshake", owner, now)
        check_upgrade(request, XmppSession.subprotocol)
        answer = state.limiter.check_limits("handshake", "handshake", owner, parts, now)
        session = XmppSession(channel, self._channels, self._gateway, state)
        held = state.hold("sessions", "handshake", owner, parts, now, session)
        session.headers = {**answer.headers, **held.headers}
        return Admitted(session, answer.delay_s + held.delay_s)

    def _call(self, request: web.BaseRequest, body: bytes | None) -> Admitted:
        user, headers = self._admit("offer", request)
        callee = json_object(complete_body(body))
        if not any(isinstance(callee.get(key), str) for key in ("phoneNumber", "callUserId", "callQueueId")):
            raise Refused(400, "The body must be JSON with phoneNumber, callUserId or callQueueId")
        conversation_id = self._gateway.ring(user, autoanswer=True)
        if conversation_id is None:
            raise Refused(409, "The user has no connected softphone")
        about = {"id": conversation_id, "selfUri": f"/api/v2/conversations/calls/{conversation_id}"}
        return Admitted(json_reply(200, about, headers))

    def _admit(self, step: Step, request: web.BaseRequest) -> tuple[Caller, dict[str, str]]:
        """The user of a request within its token's limit, and the headers of the response.

        Raises:
            Refused: the request has no valid token, no user, or is beyond the limit.
            TooManyEarlyRetries: the client has retried too early too often.
        """
        state, now = self._state, time.monotonic()
        grant = state.authorize(request, now)
        user = _user_of(request, grant)
        state.limiter.check_early_retries(step, user, now)
        answer = state.limiter.check(self._request_limits, step, user, state.parts(request, user, grant.id), now)
        return user, {**answer.headers, "ININ-Correlation-Id": str(uuid.uuid4())}


def _user_of(request: web.BaseRequest, grant: Grant) -> Caller:
    name = grant.user or request.headers.get("X-Softphone-Id") or ""
    if not is_user_name(name):
        raise Refused(
            400, "Client credentials have no user: X-Softphone-Id must name one (a-z, 0-9, dot, dash, underscore)"
        )
    return Caller(grant.organisation, name)


def _uuid_of(user: Caller) -> str:
    """A user's id: always the same for the same user."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(user)))
