"""The XML namespaces of the XMPP stream and of its stanzas."""

from __future__ import annotations

from typing import Final

__all__ = ["NS"]


class NS:
    """Namespace names."""

    FRAMING: Final = "urn:ietf:params:xml:ns:xmpp-framing"  # RFC 7395
    STREAM: Final = "http://etherx.jabber.org/streams"  # RFC 6120
    STREAM_ERRORS: Final = "urn:ietf:params:xml:ns:xmpp-streams"
    STANZA_ERRORS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"
    SASL: Final = "urn:ietf:params:xml:ns:xmpp-sasl"
    BIND: Final = "urn:ietf:params:xml:ns:xmpp-bind"
    CLIENT: Final = "jabber:client"

    PING: Final = "urn:xmpp:ping"  # XEP-0199
    EXTDISCO: Final = "urn:xmpp:extdisco:1"  # XEP-0215, version 0.6
    PUBSUB: Final = "http://jabber.org/protocol/pubsub"  # XEP-0060
    PUBSUB_EVENT: Final = "http://jabber.org/protocol/pubsub#event"
    JSON: Final = "urn:xmpp:json:0"  # XEP-0335

    JINGLE: Final = "urn:xmpp:jingle:1"  # XEP-0166
    JINGLE_ERRORS: Final = "urn:xmpp:jingle:errors:1"
    JINGLE_MESSAGE: Final = "urn:xmpp:jingle-message:0"  # XEP-0353, an early version
    JINGLE_RTP: Final = "urn:xmpp:jingle:apps:rtp:1"  # XEP-0167
    JINGLE_RTP_INFO: Final = "urn:xmpp:jingle:apps:rtp:info:1"
    JINGLE_ICE_UDP: Final = "urn:xmpp:jingle:transports:ice-udp:1"  # XEP-0176
    JINGLE_DTLS: Final = "urn:xmpp:jingle:apps:dtls:0"  # XEP-0320
    GROUPING: Final = "urn:xmpp:jingle:apps:grouping:0"  # XEP-0338
    GENESYS: Final = "genesys"  # SDP over XMPP: genesys-cloud-streaming-client, webrtc-signaling.js
