"""The Jingle elements of a call that the other side offers (XEP-0166, XEP-0167, XEP-0176, XEP-0320).

    session-initiate   ►  offered: one audio content, its codecs, its transport
    session-accept     ◄  accept: the first codec that a softphone supports, ICE credentials, a fingerprint
    transport-info     ◄  candidate, gathering_complete
    session-info       ◄  active
    session-terminate  ◄► terminate

No media flows. The credentials and the fingerprint are well-formed; the candidate has a documentation address
(RFC 5737).
"""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element

from locust_softphone.signaling.xmpp.stanza import escape

__all__ = ["JINGLE", "Offered", "accept", "active", "candidate", "gathering_complete", "offered", "terminate"]

_NS = "urn:xmpp:jingle:1"
_RTP = "urn:xmpp:jingle:apps:rtp:1"
_RTP_INFO = "urn:xmpp:jingle:apps:rtp:info:1"
_ICE = "urn:xmpp:jingle:transports:ice-udp:1"
_DTLS = "urn:xmpp:jingle:apps:dtls:0"

JINGLE = f"{{{_NS}}}jingle"
_CODECS = {"opus", "pcmu", "pcma"}
_STATIC = {"0": "PCMU", "8": "PCMA"}  # need no name in an offer, RFC 3551 6


class Offered(NamedTuple):
    """What a session-initiate offers.

    Args:
        initiator: the JID that offers.
        content: the name of the audio content.
        codec: the payload type to accept: id, name, clock rate and channels; empty where the offer has none.
    """

    initiator: str
    content: str
    codec: tuple[str, str, str, str]


def offered(jingle: Element) -> Offered | None:
    """The audio content of a session-initiate, or None if there is none that a softphone can accept."""
    for content in jingle.findall(f"{{{_NS}}}content"):
        description, transport = content.find(f"{{{_RTP}}}description"), content.find(f"{{{_ICE}}}transport")
        if description is None or transport is None or description.get("media") != "audio":
            continue
        if transport.find(f"{{{_DTLS}}}fingerprint") is None or not transport.get("pwd"):
            continue
        for payload in description.findall(f"{{{_RTP}}}payload-type"):
            number = payload.get("id", "")
            name = payload.get("name") or _STATIC.get(number, "")
            if name.lower() in _CODECS:
                codec = (number, name, payload.get("clockrate") or "8000", payload.get("channels", ""))
                return Offered(jingle.get("initiator", ""), content.get("name", ""), codec)
    return None


def accept(sid: str, offer: Offered, responder: str, ufrag: str, pwd: str, fingerprint: str) -> str:
    """A session-accept; the softphone takes the active DTLS role (RFC 8842 5.3)."""
    number, name, clock_rate, channels = map(escape, offer.codec)
    stereo = f' channels="{channels}"' if channels else ""
    description = (
        f'<description xmlns="{_RTP}" media="audio">'
        f'<payload-type id="{number}" name="{name}" clockrate="{clock_rate}"{stereo}/><rtcp-mux/></description>'
    )
    transport = (
        f'<transport xmlns="{_ICE}" ufrag="{ufrag}" pwd="{pwd}">'
        f'<fingerprint xmlns="{_DTLS}" hash="sha-256" setup="active">{fingerprint}</fingerprint></transport>'
    )
    who = f'initiator="{escape(offer.initiator)}" responder="{escape(responder)}" '
    return _jingle("session-accept", sid, _content(offer, description + transport), who)


def candidate(sid: str, offer: Offered, ufrag: str, pwd: str) -> str:
    """A transport-info with one host candidate."""
    inner = (
        f'<transport xmlns="{_ICE}" ufrag="{ufrag}" pwd="{pwd}"><candidate component="1" foundation="1" generation="0" '
        'id="1" ip="192.0.2.1" network="0" port="9" priority="2130706431" protocol="udp" type="host"/></transport>'
    )
    return _jingle("transport-info", sid, _content(offer, inner))


def gathering_complete(sid: str, offer: Offered, ufrag: str, pwd: str) -> str:
    """A transport-info that announces that no candidate follows."""
    inner = f'<transport xmlns="{_ICE}" ufrag="{ufrag}" pwd="{pwd}"><gathering-complete/></transport>'
    return _jingle("transport-info", sid, _content(offer, inner))


def active(sid: str) -> str:
    """A session-info that says that the call is active (XEP-0167 8)."""
    return _jingle("session-info", sid, f'<active xmlns="{_RTP_INFO}"/>')


def terminate(sid: str) -> str:
    """A session-terminate with the reason success."""
    return _jingle("session-terminate", sid, "<reason><success/></reason>")


def _content(offer: Offered, inner: str) -> str:
    return f'<content creator="initiator" name="{escape(offer.content)}" senders="both">{inner}</content>'


def _jingle(action: str, sid: str, inner: str, who: str = "") -> str:
    return f'<jingle xmlns="{_NS}" action="{action}" {who}sid="{escape(sid)}">{inner}</jingle>'
