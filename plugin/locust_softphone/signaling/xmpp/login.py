"""Logging in to an XMPP server over WebSocket: open, SASL PLAIN, open again, bind a resource.

<open/>                         <open/> <stream:features><mechanisms>                RFC 7395 3.4
<auth mechanism="PLAIN">        <success/>                                           RFC 6120 6, RFC 4616
<open/>                         <open/> <stream:features><bind>
<iq type="set"><bind>           <iq type="result"><bind><jid>                        RFC 6120 7
"""

from __future__ import annotations

import time
from base64 import b64encode

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.xmpp.stanza import Element, escape
from locust_softphone.signaling.xmpp.xml_stream import XmppStream

__all__ = ["LATER", "log_in"]

_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
_FEATURES = "http://etherx.jabber.org/streams features"

LATER = frozenset(
    {"encryption-required", "incorrect-encoding", "invalid-mechanism", "malformed-request", "mechanism-too-weak"}
)
"""The SASL conditions (RFC 6120 6.5) after which genesys-cloud-streaming-client 19.4.1 tries again, and no others."""


def log_in(stream: XmppStream, jid: str, username: str, password: str, resource: str, deadline_s: float) -> None:
    """Log in; afterwards ``stream.jid`` is the full JID.

    Args:
        stream: a fresh one.
        jid: the user's bare JID; its domain is the server's.
        username: what SASL is told: the part of the JID before the @, or whatever the server wants.
        password: never shown.
        resource: the one to ask for.
        deadline_s: when to give up, in ``time.perf_counter`` terms.

    Raises:
        AttemptFailed: ``UNAUTHORIZED`` or, for a condition of ``LATER``, ``UNAVAILABLE``; ``TIMED_OUT``; ``MALFORMED``
            for a server that says something else; or the connection ended.
    """
    domain = jid.partition("@")[2]
    stream.open(domain, _left(deadline_s))
    features = _await(stream, _FEATURES, deadline_s)
    mechanisms = features.find(f"{_SASL} mechanisms")
    offered = mechanisms.find_all(f"{_SASL} mechanism") if mechanisms is not None else []
    if not any(mechanism.text == "PLAIN" for mechanism in offered):
        raise AttemptFailed(Outcome.MALFORMED)
    plain = b64encode(f"\0{username}\0{password}".encode()).decode("ascii")
    stream.send(_left(deadline_s), f'<auth xmlns="{_SASL}" mechanism="PLAIN">{plain}</auth>')
    _await(stream, f"{_SASL} success", deadline_s)
    stream.open(domain, _left(deadline_s))
    _await(stream, _FEATURES, deadline_s)
    asked = stream.new_id()
    stream.send(
        _left(deadline_s),
        f'<iq xmlns="jabber:client" type="set" id="{asked}"><bind xmlns="{_BIND}">'
        f"<resource>{escape(resource)}</resource></bind></iq>",
    )
    result = _await(stream, "jabber:client iq", deadline_s)
    bind = result.find(f"{_BIND} bind") if result.get("id") == asked and result.get("type") == "result" else None
    bound = bind.find(f"{_BIND} jid") if bind is not None else None
    if bound is None or "@" not in bound.text:
        raise AttemptFailed(Outcome.MALFORMED)
    stream.jid = bound.text


def _left(deadline_s: float) -> float:
    return max(deadline_s - time.perf_counter(), 0.0)


def _await(stream: XmppStream, name: str, deadline_s: float) -> Element:
    """The element of that name; an ``<open/>`` on the way is passed over."""
    while True:
        element = stream.expect(deadline_s)
        if element.name == name:
            return element
        if element.name == f"{_SASL} failure":
            later = any(condition.name.partition(" ")[2] in LATER for condition in element.children)
            raise AttemptFailed(Outcome.UNAVAILABLE if later else Outcome.UNAUTHORIZED)
        if element.name not in _ON_THE_WAY:
            raise AttemptFailed(Outcome.MALFORMED)


_ON_THE_WAY = {  # an open and, when the server closes instead of going on, what announces it: the end will tell
    "urn:ietf:params:xml:ns:xmpp-framing open",
    "http://etherx.jabber.org/streams error",
}
