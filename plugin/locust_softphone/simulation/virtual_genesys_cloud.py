"""The dialect ``genesys-cloud`` in virtual time: what each step of a softphone does instead of sending bytes.

    token, identity, channel   as in media-offer, on one connection; identity and channel within the token's limit
    handshake                  2 round trips
    ready                      6 round trips (open, auth, open, bind, extdisco, subscribe) and the edge's set-up
    offer                      3 round trips: the request, proceed ► the edge's offer, answer ► its result

Not simulated: calls from outside (``inbound_calls``), and the eviction of a channel by a newer one of the same user.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from locust_softphone.limits.advice import NO_ADVICE
from locust_softphone.signaling.dialect import Reply, SetupStep
from locust_softphone.signaling.dialects.genesys_cloud.channel_use import ChannelUse
from locust_softphone.signaling.token import Token
from locust_softphone.simulation.virtual_dialect import VirtualClient, VirtualMediaOffer, VirtualSession, VirtualWire

__all__ = ["VirtualGenesysCloud"]

_BEFORE_BIND, _AFTER_BIND = 4, 2  # round trips
_AFTER_REQUEST = 2


class _Client(VirtualClient):
    """The state of one softphone between attempts: also its channel."""

    __slots__ = ("channel_use",)

    def __init__(self, wire: VirtualWire, number: int) -> None:
        super().__init__(wire, number)
        self.channel_use = ChannelUse(knows_user=False)

    def setup_steps(self) -> Sequence[SetupStep]:
        requests = {"identity": self._ask_identity, "channel": self._open_channel}
        return [(step, requests[step]) for step in self.channel_use.steps_left()]

    def connect(self, token: Token) -> Reply[VirtualSession]:
        session = _Session(self, self.parts(token))
        return session, session.open()

    def _ask_identity(self, token: Token) -> Reply[None]:
        return None, self.ask(partial(self.wire.edge.request, "identity", self.parts(token)))

    def _open_channel(self, token: Token) -> Reply[None]:
        advice = self.ask(partial(self.wire.edge.request, "channel", self.parts(token)))
        self.channel_use.opened("streaming")
        return None, advice


class VirtualGenesysCloud(VirtualMediaOffer):
    """The dialect."""

    name = "genesys-cloud"
    calls_outlive_connection = True
    client_type = _Client


class _Session(VirtualSession):
    """One WebSocket with an XMPP stream."""

    __slots__ = ()

    client: _Client

    def _upgraded(self) -> None:
        """Nothing: the set-up begins when the softphone binds its resource."""

    def wait_ready(self) -> Reply[None]:
        """Log in."""
        wire = self.client.wire
        deadline_s = wire.time.now_s + wire.timeout_s
        self.exchange(_BEFORE_BIND, deadline_s)
        wire.edge.reserve_set_up(self.edge_session)
        self.wait_until(self.edge_session.ready_s + wire.network.one_way_s(), deadline_s)
        self.exchange(_AFTER_BIND, deadline_s)
        self.ready = True
        return None, NO_ADVICE

    def offer(self, token: Token) -> Reply[object]:
        """Place a call: the edge proposes it, offers, and gets the answer."""
        wire = self.client.wire
        deadline_s = wire.time.now_s + wire.timeout_s
        advice = self.client.ask(partial(wire.edge.request, "offer", self.client.parts(token)))
        self.exchange(_AFTER_REQUEST, deadline_s)
        wire.edge.answered(self.edge_session)
        return None, advice

    def bye(self) -> int:
        """Hang up and close. The channel is not used again."""
        self.client.channel_use.forget()
        return super().bye()
