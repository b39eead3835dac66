"""Jingle: an SDP offer as a session-initiate, and a session-accept as an SDP answer (XEP-0166, 0167, 0176, 0320, 0338).

    m=audio … a=mid:0            <content name="0">
    a=rtpmap:111 opus/48000/2      <description media="audio"><payload-type id="111" name="opus" clockrate="48000" …/>
    a=ice-ufrag, a=ice-pwd         <transport ufrag="…" pwd="…">
    a=fingerprint, a=setup           <fingerprint hash="sha-256" setup="actpass">…
    a=group:BUNDLE 0             <group semantics="BUNDLE"><content name="0"/></group>

The edge offers no candidates, because no media flows.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from locust_softphone.edge.genesys_cloud.call_transport import BadPayload, CallMessage
from locust_softphone.edge.genesys_cloud.namespaces import NS
from locust_softphone.edge.genesys_cloud.stanzas import element
from locust_softphone.sdp import MediaSection, SessionDescription, parse

__all__ = ["Jingle"]

PROTOCOL = "UDP/TLS/RTP/SAVPF"  # the name of ICE, DTLS and RTP together in SDP, RFC 5764 8
DIRECTIONS = {"both": "sendrecv", "initiator": "recvonly", "responder": "sendonly", "none": "inactive"}
"""Who sends in Jingle, and the direction of the responder's SDP."""


class Jingle:
    """The transport."""

    def offer(self, session_id: str, conversation_id: str, initiator: str, sdp: str) -> str:
        offered = parse(sdp)
        groups = "".join(
            element("group", NS.GROUPING, {"semantics": "BUNDLE"}, "".join(_named(mid) for mid in bundle))
            for bundle in offered.bundles
        )
        contents = "".join(_content(section) for section in offered.media)
        about = {"action": "session-initiate", "initiator": initiator, "sid": session_id}
        return element("jingle", NS.JINGLE, about, groups + contents)

    def terminate(self, session_id: str, reason: str) -> str:
        about = {"action": "session-terminate", "sid": session_id}
        return element("jingle", NS.JINGLE, about, f"<reason><{reason}/></reason>")

    def read(self, payload: Element) -> CallMessage:
        session_id, action = payload.get("sid"), payload.get("action")
        if not session_id:
            raise BadPayload("no sid")
        if action == "session-accept":
            return CallMessage(session_id, "answer", _description(payload))
        if action == "session-info" and payload.find(f"{{{NS.JINGLE_RTP_INFO}}}active") is not None:
            return CallMessage(session_id, "active")
        if action == "session-terminate":
            return CallMessage(session_id, "terminate")
        if action in ("session-info", "transport-info", "description-info"):
            return CallMessage(session_id, "nothing")
        raise BadPayload("an unknown action")


def _named(mid: str) -> str:
    return element("content", "", {"name": mid})


def _content(section: MediaSection) -> str:
    payloads = "".join(_payload_type(number, section.codecs.get(number, "")) for number in section.formats)
    multiplexed = "<rtcp-mux/>" if section.rtcp_mux else ""
    description = element("description", NS.JINGLE_RTP, {"media": section.kind}, payloads + multiplexed)
    method, _, digest = (section.fingerprint or "").partition(" ")
    fingerprint = element("fingerprint", NS.JINGLE_DTLS, {"hash": method, "setup": section.setup}, escape(digest))
    ice = {"ufrag": section.ice_ufrag, "pwd": section.ice_pwd}
    transport = element("transport", NS.JINGLE_ICE_UDP, ice, fingerprint)
    about = {"creator": "initiator", "name": section.mid or "0", "senders": "both"}
    return element("content", "", about, description + transport)


def _payload_type(number: str, codec: str) -> str:
    name, _, rest = codec.partition("/")
    clock_rate, _, channels = rest.partition("/")
    about = {"id": number, "name": name or None, "clockrate": clock_rate or None, "channels": channels or None}
    return element("payload-type", "", about)


def _description(jingle: Element) -> SessionDescription:
    """The SDP answer in a session-accept."""
    bundles = tuple(
        tuple(content.get("name", "") for content in group)
        for group in jingle.iterfind(f"{{{NS.GROUPING}}}group")
        if group.get("semantics") == "BUNDLE"
    )
    media = tuple(_section(content) for content in jingle.iterfind(f"{{{NS.JINGLE}}}content"))
    return SessionDescription("jingle", media, bundles)


def _section(content: Element) -> MediaSection:
    description = _child(content, f"{{{NS.JINGLE_RTP}}}description")
    transport = _child(content, f"{{{NS.JINGLE_ICE_UDP}}}transport")
    fingerprint = _child(transport, f"{{{NS.JINGLE_DTLS}}}fingerprint")
    payloads = description.findall(f"{{{NS.JINGLE_RTP}}}payload-type")
    return MediaSection(
        kind=description.get("media", ""),
        port=9,
        protocol=PROTOCOL,
        formats=tuple(payload.get("id", "") for payload in payloads),
        codecs={payload.get("id", ""): _codec(payload) for payload in payloads},
        mid=content.get("name"),
        direction=DIRECTIONS.get(content.get("senders", "both"), "sendrecv"),
        setup=fingerprint.get("setup"),
        ice_ufrag=transport.get("ufrag"),
        ice_pwd=transport.get("pwd"),
        fingerprint=f"{fingerprint.get('hash')} {fingerprint.text}" if fingerprint.text else None,
        rtcp_mux=description.find(f"{{{NS.JINGLE_RTP}}}rtcp-mux") is not None,
    )


def _child(parent: Element, tag: str) -> Element:
    """The child with this tag, or an empty element."""
    found = parent.find(tag)
    return Element(tag) if found is None else found


def _codec(payload: Element) -> str:
    parts = (payload.get("name"), payload.get("clockrate"), payload.get("channels"))
    return "/".join(part for part in parts if part)
