"""The XMPP stream of one softphone on its channel: RFC 6120 over WebSocket (RFC 7395).

    <open/>  ──► <open/>, mechanisms       <auth PLAIN> ──► <success/>       <open/> ──► <open/>, bind
    bind     ──► its full JID, after the set-up time      then stanzas, pings, calls      <close/> ──► <close/>

A client that has not bound a resource when the login timeout ends is cut. An element out of order, or anything that is
not a stanza, ends the stream with an error. A request for something that is not simulated is refused (RFC 6120 8.4).
"""

from __future__ import annotations

import time
import uuid
from base64 import b64decode
from collections.abc import Callable
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from wsproto.frame_protocol import Opcode

from locust_softphone.edge.edge_state import EdgeState
from locust_softphone.edge.genesys_cloud import stanzas
from locust_softphone.edge.genesys_cloud.channels import Channel, Channels
from locust_softphone.edge.genesys_cloud.gateway import Gateway
from locust_softphone.edge.genesys_cloud.namespaces import NS
from locust_softphone.edge.websocket_session import Session
from locust_softphone.jid import same_jid
from locust_softphone.untrusted import XmlError, xml_element

__all__ = ["XmppSession", "bare_jid"]

NORMAL, VIOLATION = 1000, 1008  # close codes, RFC 6455 7.4.1; illustrative, those of the service are not known
MAX_RESOURCE = 256  # characters; RFC 7622 3.4 allows 1023 bytes
SERVER_PINGS = "enable.server.side.pings"
NO_STUN = "stun.invalid"  # no media flows: a name that never resolves, RFC 6761 6.4


def bare_jid(user: str, domain: str) -> str:
    return f"{user}@{domain}"


class XmppSession(Session):
    """A WebSocket session with an XMPP stream."""

    subprotocol = "xmpp"

    def __init__(
        self,
        channel: Channel[XmppSession],
        channels: Channels[XmppSession],
        gateway: Gateway,
        state: EdgeState,
    ) -> None:
        super().__init__(channel.owner, state.policy, state.stats)
        self._channel = channel
        self._channels = channels
        self._gateway = gateway
        self._state = state
        self._genesys_cloud = state.policy.genesys_cloud
        self.bare_jid = bare_jid(channel.owner.name, self._genesys_cloud.domain)
        self.jid = self.bare_jid
        self._logged_in = False
        self._bound = False
        self._on_element: Callable[[Element], None] = self._on_open

    def send(self, text: str) -> None:
        """Send one element."""
        self._write(Opcode.TEXT, text.encode())

    def evict(self, topic: str) -> None:
        """Notify the client that it has lost the channel, and close the stream.

        Args:
            topic: ``no_longer_subscribed`` or ``duplicate_id``. For both, genesys-cloud-streaming-client asks for a new
                channel before it reconnects (client.js). Which one is sent when is illustrative.
        """
        if self._bound:
            sender = f"notifications.{self._genesys_cloud.domain}"
            self.send(stanzas.pubsub_event(self.jid, sender, topic, {"channelId": self._channel.id}))
        self._close_stream()

    def _on_connected(self) -> None:
        replaced = self._channels.connect(self._channel, self)
        if replaced is not None:
            replaced.evict("duplicate_id")
        self._after(self._genesys_cloud.login_timeout_s, self.cut, "login", "login_timeout")
        expires_in_s = self._channel.until - time.monotonic()
        self._after(max(expires_in_s, 0.0), self.evict, "channel", "no_longer_subscribed")

    def _on_disconnected(self) -> None:
        self._channels.disconnect(self._channel, self)
        if self._bound:
            self._bound = False
            self._gateway.remove(self)

    def _send_ping(self) -> None:
        ping = stanzas.element("ping", NS.PING)
        self.send(stanzas.iq("get", f"ping-{uuid.uuid4()}", self.jid, self._genesys_cloud.domain, ping))

    def _on_text(self, text: str) -> None:
        try:
            element = xml_element(text)
        except XmlError as e:
            self._fail(e.condition)
            return
        if element.tag == f"{{{NS.FRAMING}}}close":
            self._close_stream()
        elif element.tag != f"{{{NS.STREAM}}}error":  # a close follows an error
            self._on_element(element)

    def _fail(self, condition: str) -> None:
        """End the stream with an error (RFC 6120 4.9)."""
        self.send(stanzas.stream_error(condition))
        self._close_stream(VIOLATION)

    def _close_stream(self, code: int = NORMAL) -> None:
        """End the stream, or confirm its end (RFC 7395 3.6)."""
        if not self.closing:
            self.send(stanzas.CLOSE)
            self.close(code)

    def _on_open(self, element: Element) -> None:
        """Answer ``<open/>``, and offer SASL before the login and bind after it."""
        if element.tag != f"{{{NS.FRAMING}}}open":
            self._fail("not-authorized")
            return
        self.send(stanzas.stream_open(self._genesys_cloud.domain, str(uuid.uuid4())))
        if not same_jid(element.get("to", ""), self._genesys_cloud.domain):
            self._fail("host-unknown")
        elif self._logged_in:
            self.send(stanzas.FEATURES_BIND)
            self._on_element = self._on_bind
        else:
            self.send(stanzas.FEATURES_SASL)
            self._on_element = self._on_auth

    def _on_auth(self, element: Element) -> None:
        if element.tag != f"{{{NS.SASL}}}auth":
            self._fail("not-authorized")
            return
        condition = self._sasl_condition(element)
        if condition is None:
            self._stats.logins["admitted"] += 1
            self.send(stanzas.SASL_SUCCESS)
            self._logged_in = True
            self._on_element = self._on_open
        else:
            self._stats.logins["refused"] += 1
            self.send(stanzas.sasl_failure(condition))
            self._close_stream()

    def _on_bind(self, element: Element) -> None:
        bind = element.find(f"{{{NS.BIND}}}bind")
        if element.tag != f"{{{NS.CLIENT}}}iq" or element.get("type") != "set" or bind is None:
            self._fail("not-authorized")
            return
        resource = bind.findtext(f"{{{NS.BIND}}}resource") or str(uuid.uuid4())
        if len(resource) > MAX_RESOURCE:
            self.send(stanzas.iq_error(element, self.jid, "modify", "bad-request"))
            return
        self._cancel_timer("login")  # the client has done its part: the set-up time is the edge's
        self._on_element = self._on_early_element
        self._after(self._state.setup.reserve(time.monotonic()), self._become_ready, "set-up", element, resource)

    def _become_ready(self, request: Element, resource: str) -> None:
        self.jid = f"{self.bare_jid}/{resource}"
        self._bound = True
        self._stats.ready += 1
        self._on_element = self._on_stanza
        jid = stanzas.element("jid", "", content=escape(self.jid))
        self.send(stanzas.iq_result(request, self.jid, stanzas.element("bind", NS.BIND, content=jid)))
        self._gateway.add(self)

    def _on_early_element(self, element: Element) -> None:
        """Refuse anything before the resource is bound (RFC 6120 7.1)."""
        self._fail("not-authorized")

    def _on_stanza(self, element: Element) -> None:
        if element.tag == f"{{{NS.CLIENT}}}iq":
            if element.get("type") in ("get", "set"):
                self._on_request(element)
            elif element.get("id", "").startswith("ping-"):
                self._pong_received()  # an error shows that the client is there, too, XEP-0199 4.2
        elif element.tag == f"{{{NS.CLIENT}}}message":
            self._gateway.on_message(self, element)
        elif element.tag != f"{{{NS.CLIENT}}}presence":  # there are no presence subscriptions here
            self._fail("unsupported-stanza-type")

    def _on_request(self, iq: Element) -> None:
        payload = next(iter(iq), None)
        if payload is None:
            self.send(stanzas.iq_error(iq, self.jid, "modify", "bad-request"))
        elif payload.tag in self._gateway.transports:
            self._gateway.on_request(self, iq, payload)
        elif payload.tag == f"{{{NS.PING}}}ping":
            self.send(stanzas.iq_result(iq, self.jid))
        elif payload.tag == f"{{{NS.EXTDISCO}}}services":
            self.send(stanzas.iq_result(iq, self.jid, _services(payload.get("type"))))
        elif payload.tag == f"{{{NS.PUBSUB}}}pubsub":
            self._on_pubsub(iq, payload)
        else:
            self.send(stanzas.iq_error(iq, self.jid, "cancel", "service-unavailable"))

    def _on_pubsub(self, iq: Element, pubsub: Element) -> None:
        """Start pinging for a subscription to server-side pings; no other topic is simulated."""
        subscribe = pubsub.find(f"{{{NS.PUBSUB}}}subscribe")
        if subscribe is None or subscribe.get("node") != SERVER_PINGS or not self._genesys_cloud.server_pings:
            self.send(stanzas.iq_error(iq, self.jid, "cancel", "feature-not-implemented"))
            return
        about = {"node": SERVER_PINGS, "jid": self.jid, "subscription": "subscribed"}
        subscription = stanzas.element("subscription", "", about)
        self.send(stanzas.iq_result(iq, self.jid, stanzas.element("pubsub", NS.PUBSUB, content=subscription)))
        self._start_pinging()

    def _sasl_condition(self, auth: Element) -> str | None:
        """The error condition of the login (RFC 6120 6.5), or None if it is accepted.

        Only the owner of the channel may log in on it. The password is ``authKey:`` and one of the owner's tokens.
        """
        if auth.get("mechanism") != "PLAIN":
            return "invalid-mechanism"
        try:
            _, name, password = b64decode(auth.text or "", validate=True).decode().split("\0")
        except ValueError:  # not Base64, not UTF-8, or not three parts
            return "malformed-request"
        prefix, _, token = password.partition(":")
        grant = self._state.access.grant(token, time.monotonic())
        if grant is None or prefix != "authKey" or not same_jid(name, self.bare_jid):
            return "not-authorized"
        is_owners = grant.organisation == self.caller.organisation and grant.user in (None, self.caller.name)
        return None if is_owners else "not-authorized"


def _services(kind: str | None) -> str:
    """The result of external service discovery: one STUN server, and nothing for TURN or any other kind."""
    found = stanzas.element("service", "", {"type": "stun", "host": NO_STUN, "port": "3478"}) if kind == "stun" else ""
    return stanzas.element("services", NS.EXTDISCO, {"type": kind}, found)
