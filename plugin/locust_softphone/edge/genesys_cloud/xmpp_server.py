"""The XMPP stream of one softphone on its channel: RFC 6120 over WebSocket, RFC 7395.

    <open/>  ──► <open/>, mechanisms       <auth PLAIN> ──► <success/>       <open/> ──► <open/>, bind
    bind     ──► its full JID, after the set-up time      then stanzas, pings, calls      <close/> ──► <close/>

Whoever is not bound when the login timeout is over is cut. What a client says out of order, and what is no stanza, ends
the stream with an error; what it asks for that is not simulated is refused as RFC 6120 8.4 has it.
"""

from __future__ import annotations

import time
import uuid
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import ClassVar
from xml.etree.ElementTree import Element

from aiohttp import WSMsgType

from locust_softphone.edge.edge_state import EdgeState
from locust_softphone.edge.genesys_cloud import namespaces as ns
from locust_softphone.edge.genesys_cloud import stanzas
from locust_softphone.edge.genesys_cloud.channels import Channel, Channels
from locust_softphone.edge.genesys_cloud.gateway import Calls
from locust_softphone.edge.websocket_session import Session
from locust_softphone.untrusted import XmlError, xml_element

__all__ = ["Stream", "bare_jid"]

NORMAL, VIOLATION = 1000, 1008  # close codes, RFC 6455 7.4.1; which ones the service uses is not known
MOST_UNREAD_BYTES = 1024 * 1024
LONGEST_RESOURCE = 256  # characters; RFC 7622 3.4 allows 1023 bytes
SERVER_PINGS = "enable.server.side.pings"
NO_STUN = "stun.invalid"  # no media flows: a name that nobody has, RFC 6761 6.4


def bare_jid(user: str, domain: str) -> str:
    return f"{user}@{domain}"


class Stream(Session):
    """A session that speaks XMPP."""

    subprotocols: ClassVar[tuple[str, ...]] = ("xmpp",)

    def __init__(
        self,
        channel: Channel[Stream],
        channels: Channels[Stream],
        calls: Calls,
        state: EdgeState,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(channel.owner, state.policy, state.stats, headers)
        self._channel = channel
        self._channels = channels
        self._calls = calls
        self._state = state
        self._genesys_cloud = state.policy.genesys_cloud
        self.bare_jid = bare_jid(channel.owner.name, self._genesys_cloud.domain)
        self.jid = self.bare_jid
        self._bound = False
        self._understands: Callable[[Element], None] = self._on_open

    def say(self, text: str) -> None:
        """Send one element; whoever asks and does not read the answers is cut, lest they fill the memory."""
        self._write(WSMsgType.TEXT, text.encode())
        if self._transport is not None and self._transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.cut("slow_reader")

    def call_answered(self) -> None:
        self._call_answered()

    def displace(self, topic: str) -> None:
        """Tell the client that the channel is no longer its own, and close.

        Args:
            topic: ``no_longer_subscribed`` or ``duplicate_id``; on either genesys-cloud-streaming-client asks for a new
                channel before it comes back (client.js). Which one is sent when is illustrative.
        """
        if self._bound:
            sender = f"notifications.{self._genesys_cloud.domain}"
            self.say(stanzas.pubsub_event(self.jid, sender, topic, {"channelId": self._channel.id}))
        self._close_stream()

    def _opened(self) -> None:
        displaced = self._channels.connect(self._channel, self)
        if displaced is not None:
            displaced.displace("duplicate_id")
        self._after(self._genesys_cloud.login_timeout_s, self.cut, "login", "login_timeout")
        expires_in_s = self._channel.until - time.monotonic()
        self._after(max(expires_in_s, 0.0), self.displace, "channel", "no_longer_subscribed")

    def _ended(self) -> None:
        self._channels.disconnect(self._channel, self)
        if self._bound:
            self._bound = False
            self._calls.left(self)

    def _ping(self) -> None:
        ping = stanzas.element("ping", ns.PING)
        self.say(stanzas.iq("get", f"ping-{uuid.uuid4()}", self.jid, self._genesys_cloud.domain, ping))

    def _heard(self, text: str) -> None:
        try:
            element = xml_element(text)
        except XmlError as e:
            self._fail(e.condition)
            return
        if element.tag == f"{{{ns.FRAMING}}}close":
            self._close_stream()
        elif element.tag != f"{{{ns.STREAM}}}error":  # after one, a close follows
            self._understands(element)

    def _fail(self, condition: str) -> None:
        """End the stream with an error (RFC 6120 4.9)."""
        self.say(stanzas.stream_error(condition))
        self._close_stream(VIOLATION)

    def _close_stream(self, code: int = NORMAL) -> None:
        """End the stream, from either side (RFC 7395 3.6)."""
        if not self.closing:
            self.say(stanzas.CLOSE)
            self.close(code)

    def _on_open(self, element: Element) -> None:
        if self._accept_open(element):
            self.say(stanzas.features_sasl())
            self._understands = self._on_auth

    def _on_auth(self, element: Element) -> None:
        if element.tag != f"{{{ns.SASL}}}auth":
            self._fail("not-authorized")
            return
        condition = self._sasl_condition(element)
        if condition is None:
            self._stats.logins["admitted"] += 1
            self.say(stanzas.SASL_SUCCESS)
            self._understands = self._on_reopen
        else:
            self._stats.logins["refused"] += 1
            self.say(stanzas.sasl_failure(condition))
            self._close_stream()

    def _on_reopen(self, element: Element) -> None:
        if self._accept_open(element):
            self.say(stanzas.features_bind())
            self._understands = self._on_bind

    def _on_bind(self, element: Element) -> None:
        bind = element.find(f"{{{ns.BIND}}}bind")
        if element.tag != f"{{{ns.CLIENT}}}iq" or element.get("type") != "set" or bind is None:
            self._fail("not-authorized")
            return
        resource = bind.findtext(f"{{{ns.BIND}}}resource") or str(uuid.uuid4())
        if len(resource) > LONGEST_RESOURCE:
            self.say(stanzas.iq_error(element, self.jid, "modify", "bad-request"))
            return
        self._cancel_timer("login")  # from here on it is the edge that takes its time
        self._understands = self._on_nothing
        self._after(self._state.setup.reserve(time.monotonic()), self._become_ready, "set-up", element, resource)

    def _become_ready(self, request: Element, resource: str) -> None:
        self.jid = f"{self.bare_jid}/{resource}"
        self._bound = True
        self._stats.ready += 1
        self._understands = self._on_stanza
        jid = stanzas.element("jid", "", content=stanzas.text(self.jid))
        self.say(stanzas.iq_result(request, self.jid, stanzas.element("bind", ns.BIND, content=jid)))
        self._calls.joined(self)

    def _on_nothing(self, element: Element) -> None:
        """Nothing may be said before the resource is bound (RFC 6120 7.1)."""
        self._fail("not-authorized")

    def _on_stanza(self, element: Element) -> None:
        if element.tag == f"{{{ns.CLIENT}}}iq":
            if element.get("type") in ("get", "set"):
                self._on_request(element)
            elif element.get("id", "").startswith("ping-"):
                self._ponged()  # an error is a sign of life too, XEP-0199 4.2
        elif element.tag == f"{{{ns.CLIENT}}}message":
            self._calls.hear_message(self, element)
        elif element.tag != f"{{{ns.CLIENT}}}presence":  # which nobody here subscribes to
            self._fail("unsupported-stanza-type")

    def _on_request(self, iq: Element) -> None:
        payload = next(iter(iq), None)
        asked = "" if payload is None else payload.tag
        if payload is None:
            self.say(stanzas.iq_error(iq, self.jid, "modify", "bad-request"))
        elif asked == f"{{{ns.JINGLE}}}jingle":
            self._calls.hear_jingle(self, iq, payload)
        elif asked == f"{{{ns.GENESYS}}}genesys-webrtc":
            self._calls.hear_sdp_over_xmpp(self, iq, payload)
        elif asked == f"{{{ns.PING}}}ping":
            self.say(stanzas.iq_result(iq, self.jid))
        elif asked == f"{{{ns.EXTDISCO}}}services":
            self.say(stanzas.iq_result(iq, self.jid, _services(payload.get("type"))))
        elif asked == f"{{{ns.PUBSUB}}}pubsub":
            self._on_pubsub(iq, payload)
        else:
            self.say(stanzas.iq_error(iq, self.jid, "cancel", "service-unavailable"))

    def _on_pubsub(self, iq: Element, pubsub: Element) -> None:
        """Server-side pings are subscribed to as a topic is; of the topics none is simulated."""
        subscribe = pubsub.find(f"{{{ns.PUBSUB}}}subscribe")
        if subscribe is None or subscribe.get("node") != SERVER_PINGS or not self._genesys_cloud.server_pings:
            self.say(stanzas.iq_error(iq, self.jid, "cancel", "feature-not-implemented"))
            return
        about = {"node": SERVER_PINGS, "jid": self.jid, "subscription": "subscribed"}
        subscription = stanzas.element("subscription", "", about)
        self.say(stanzas.iq_result(iq, self.jid, stanzas.element("pubsub", ns.PUBSUB, content=subscription)))
        self._keep_pinging()

    def _accept_open(self, element: Element) -> bool:
        """Answer the client's ``<open/>``; returns whether it was one, to this domain."""
        if element.tag != f"{{{ns.FRAMING}}}open":
            self._fail("not-authorized")
            return False
        self.say(stanzas.stream_open(self._genesys_cloud.domain, str(uuid.uuid4())))
        if element.get("to") != self._genesys_cloud.domain:
            self._fail("host-unknown")
            return False
        return True

    def _sasl_condition(self, auth: Element) -> str | None:
        """Why the login is refused (RFC 6120 6.5), or None if it is not.

        The channel says who may log in on it; the password is ``authKey:`` and a token of theirs.
        """
        if auth.get("mechanism") != "PLAIN":
            return "invalid-mechanism"
        try:
            _, name, password = b64decode(auth.text or "", validate=True).decode().split("\0")
        except (NotBase64, ValueError):
            return "malformed-request"
        prefix, _, token = password.partition(":")
        grant = self._state.access.grant(token, time.monotonic())
        owner = self.caller
        if (
            prefix != "authKey"
            or grant is None
            or grant.organisation != owner.organisation
            or grant.user not in (None, owner.name)
            or name != self.bare_jid
        ):
            return "not-authorized"
        return None


def _services(kind: str | None) -> str:
    """What external service discovery finds: for STUN a name, for TURN and anything else nothing."""
    found = stanzas.element("service", "", {"type": "stun", "host": NO_STUN, "port": "3478"}) if kind == "stun" else ""
    return stanzas.element("services", ns.EXTDISCO, {"type": kind}, found)
