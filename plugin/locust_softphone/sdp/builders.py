"""Make offers, and answers to offers, without having media (RFC 3264 5 and 6, RFC 8829 5.3).

    offered       answered
    audio         the first codec among opus, PCMU and PCMA; telephone-event of the same clock rate if offered
    other media   rejected: port 0
    actpass       active            passive: active            active: passive
    sendonly      recvonly          recvonly: sendonly

ICE credentials, fingerprint and SSRC are well-formed and random. No port is open, and there is no certificate.
"""

from __future__ import annotations

import random
from binascii import b2a_base64

from locust_softphone.sdp.description import STATIC_ENCODINGS, MediaSection, SdpError, SessionDescription
from locust_softphone.sdp.rules import check_offer

__all__ = ["ice_credentials", "make_answer", "make_offer"]

KNOWN = frozenset({"opus/48000/2", "pcmu/8000/1", "pcma/8000/1"})
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}

# Janus, aiortc, libwebrtc and werift accept this offer. Each requires lines that another does not: keep all of them.
OFFER = "\r\n".join(
    (
        "v=0",
        "o=- {session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=ice-ufrag:{ufrag}",
        "a=ice-pwd:{pwd}",
        "a=ice-options:trickle",
        "a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
        "a=mid:0",
        "a=sendrecv",
        "a=msid:stream0 audio0",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=ssrc:{ssrc} cname:loadtest",
        "",
    )
)


def ice_credentials(rng: random.Random) -> tuple[str, str]:
    """A new ufrag of 24 random bits and pwd of 144, in base64, whose alphabet is that of ice-char (RFC 8839 5.4)."""
    text = b2a_base64(rng.getrandbits(168).to_bytes(21, "big"), newline=False).decode()
    return text[:4], text[4:]


def _fingerprint(rng: random.Random) -> str:
    return rng.getrandbits(256).to_bytes(32, "big").hex(":").upper()


def make_offer(rng: random.Random) -> str:
    """An audio offer with a new session id, ICE credentials, fingerprint and SSRC."""
    ufrag, pwd = ice_credentials(rng)
    return OFFER.format(
        session_id=rng.getrandbits(62),
        ufrag=ufrag,
        pwd=pwd,
        fingerprint=_fingerprint(rng),
        ssrc=rng.getrandbits(32),
    )


def make_answer(offer: SessionDescription, rng: random.Random, fingerprint: str | None = None) -> str:
    """An answer to the offer, with new ICE credentials that all of its sections share.

    Args:
        offer: the parsed offer.
        rng: the source of the ICE credentials and the session id.
        fingerprint: SHA-256 of a certificate, in upper-case hex with colons; None for a random one.

    Raises:
        SdpError: the offer breaks a rule, or has no audio that can be accepted.
    """
    check_offer(offer)
    formats = [_common_formats(section) for section in offer.media]
    if not any(formats):
        raise SdpError("the offer has no audio with opus, PCMU or PCMA")
    ufrag, pwd = ice_credentials(rng)
    transport = (
        f"c=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n"
        f"a=fingerprint:sha-256 {fingerprint or _fingerprint(rng)}\r\n"
    )
    accepted = {section.mid for section, common in zip(offer.media, formats, strict=True) if common}
    groups = "".join(
        f"a=group:BUNDLE {' '.join(mids)}\r\n"
        for bundle in offer.bundles
        if (mids := [mid for mid in bundle if mid in accepted])
    )
    media = "".join(_section(section, common, transport) for section, common in zip(offer.media, formats, strict=True))
    return f"v=0\r\no=- {rng.getrandbits(62)} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{groups}{media}"


def _common_formats(section: MediaSection) -> tuple[str, ...]:
    """The payload types of the answer; none if the section is rejected."""
    if section.kind != "audio" or not (section.port or section.bundle_only) or not section.is_rtp:
        return ()
    encodings = dict(zip(section.formats, section.encodings, strict=True))
    for payload_type, encoding in encodings.items():
        if encoding in KNOWN:
            event = f"telephone-event/{encoding.split('/')[1]}/1"
            events = [other for other, encoding in encodings.items() if encoding == event]
            return (payload_type, *events[:1])
    return ()


def _section(offered: MediaSection, common: tuple[str, ...], transport: str) -> str:
    """One m-section of the answer.

    RFC 8829 5.3.1 asks for nothing below the m= line of a rejected section. But aiortc refuses one without ICE
    credentials, rtcp-mux, role and codecs, and werift refuses a data section without an SCTP port.
    """
    formats = common or offered.formats
    codecs = {number: offered.codecs.get(number) or STATIC_ENCODINGS.get(number) for number in formats}
    return (
        f"m={offered.kind} {9 if common else 0} {offered.protocol} {' '.join(formats)}\r\n{transport}"
        f"a=setup:{'passive' if offered.setup == 'active' else 'active'}\r\n"
        f"a={MIRRORED[offered.direction] if common else 'inactive'}\r\n"
        + (f"a=mid:{offered.mid}\r\n" if offered.mid is not None else "")
        + ("a=rtcp-mux\r\n" if offered.rtcp_mux else "")
        + ("a=sctp-port:5000\r\n" if offered.protocol.endswith("/SCTP") else "")
        + "".join(f"a=rtpmap:{number} {codec}\r\n" for number, codec in codecs.items() if codec)
    )
