"""Logging in to an XMPP server over WebSocket: open, SASL PLAIN, open again, bind a resource.

<open/>                     ►  <open/> <stream:features><mechanisms>        RFC 7395 3.4
<auth mechanism="PLAIN">    ►  <success/>                                   RFC 6120 6, RFC 4616
<open/>                     ►  <open/> <stream:features><bind>
<iq type="set"><bind>       ►  <iq type="result"><bind><jid>                RFC 6120 7
"""

from __future__ import annotations

from base64 import b64encode
from xml.etree.ElementTree import Element

from locust_softphone.errors import AttemptFailed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.signaling.stream import remaining_s
from locust_softphone.signaling.xmpp.stanza import IQ, escape, iq
from locust_softphone.signaling.xmpp.xml_stream import XmppStream

__all__ = ["LATER", "log_in"]

_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
_BIND = "urn:ietf:params:xml:ns:xmpp-bind"
_FEATURES = "{http://etherx.jabber.org/streams}features"
_SKIPPED = {  # before what is awaited, or before the end of a connection that the server closes
    "{urn:ietf:params:xml:ns:xmpp-framing}open",
    "{http://etherx.jabber.org/streams}error",
}

LATER = frozenset(
    {"encryption-required", "incorrect-encoding", "invalid-mechanism", "malformed-request", "mechanism-too-weak"}
)
"""The SASL conditions (RFC 6120 6.5) after which genesys-cloud-streaming-client 19.4.1 tries again."""


def log_in(stream: XmppStream, jid: str, username: str, password: str, resource: str, deadline_s: float) -> None:
    """Log in; afterwards ``stream.jid`` is the full JID.

    Args:
        stream: a new one.
        jid: the user's bare JID; its domain is the server's.
        username: the name for SASL: what the server expects, often the part of the JID before the @.
        password: never shown.
        resource: the resource to ask for.
        deadline_s: when to give up, by ``time.perf_counter``.

    Raises:
        AttemptFailed: ``UNAUTHORIZED`` or, for a condition of ``LATER``, ``UNAVAILABLE``; ``TIMED_OUT``; ``MALFORMED``
            for an unexpected element; or the connection ended.
    """
    domain = jid.partition("@")[2]
    stream.open(domain, remaining_s(deadline_s))
    features = _await(stream, _FEATURES, deadline_s)
    mechanisms = features.findall(f"{{{_SASL}}}mechanisms/{{{_SASL}}}mechanism")
    if not any(mechanism.text == "PLAIN" for mechanism in mechanisms):
        raise AttemptFailed(Outcome.MALFORMED)
    plain = b64encode(f"\0{username}\0{password}".encode()).decode("ascii")
    stream.send(remaining_s(deadline_s), f'<auth xmlns="{_SASL}" mechanism="PLAIN">{plain}</auth>')
    _await(stream, f"{{{_SASL}}}success", deadline_s)
    stream.open(domain, remaining_s(deadline_s))
    _await(stream, _FEATURES, deadline_s)
    id_ = stream.new_id()
    bind = f'<bind xmlns="{_BIND}"><resource>{escape(resource)}</resource></bind>'
    stream.send(remaining_s(deadline_s), iq("set", id_, bind))
    result = _await(stream, IQ, deadline_s)
    bound = result.findtext(f"{{{_BIND}}}bind/{{{_BIND}}}jid", "")
    if result.get("id") != id_ or result.get("type") != "result" or "@" not in bound:
        raise AttemptFailed(Outcome.MALFORMED)
    stream.jid = bound


def _await(stream: XmppStream, tag: str, deadline_s: float) -> Element:
    """The next element with this tag; those of ``_SKIPPED`` may come before it."""
    while True:
        element = stream.expect(deadline_s)
        if element.tag == tag:
            return element
        if element.tag == f"{{{_SASL}}}failure":
            later = any(condition.tag.partition("}")[2] in LATER for condition in element)
            raise AttemptFailed(Outcome.UNAVAILABLE if later else Outcome.UNAUTHORIZED)
        if element.tag not in _SKIPPED:
            raise AttemptFailed(Outcome.MALFORMED)
