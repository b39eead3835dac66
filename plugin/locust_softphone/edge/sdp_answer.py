"""The edge's answer to a softphone's offer (RFC 3264 6, RFC 8829 5.3).

    offered           answered
    audio             the first codec that both know, and telephone-event of the same clock rate if offered
    other media       rejected: port 0
    actpass           active            passive: active            active: passive
    sendonly          recvonly          recvonly: sendonly

An accepted and a rejected section differ only in port, direction and codecs. RFC 8829 asks for nothing below the m=
line of a rejected section, but aiortc refuses one without ICE credentials, rtcp-mux, role and codecs.
"""

from __future__ import annotations

import hashlib
import random

from locust_softphone.sdp import MediaSection, SessionDescription, ice_credentials

__all__ = ["answer_for"]

CODECS = frozenset({"opus/48000/2", "pcmu/8000", "pcma/8000"})
STATIC = {"0": "PCMU/8000", "8": "PCMA/8000"}  # valid without a=rtpmap, RFC 3551 6
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}

# No media flows, so there is no certificate: this is the hash of a sentence.
FINGERPRINT = hashlib.sha256(b"the simulated edge has no certificate").digest().hex(":").upper()


def answer_for(offer: SessionDescription, rng: random.Random) -> str:
    """An answer to the offer, with new ICE credentials that all of its sections share."""
    credentials = ice_credentials(rng)
    formats = [_common_formats(section) for section in offer.media]
    lines = ["v=0", f"o=- {rng.getrandbits(62)} 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    accepted = [section.mid for section, common in zip(offer.media, formats, strict=True) if common]
    for bundle in offer.bundles:
        if mids := [mid for mid in bundle if mid in accepted]:
            lines.append(f"a=group:BUNDLE {' '.join(mids)}")
    for section, common in zip(offer.media, formats, strict=True):
        lines += _media_lines(section, common, credentials)
    return "\r\n".join(lines) + "\r\n"


def _codec(section: MediaSection, payload_type: str) -> str:
    return section.codecs.get(payload_type) or STATIC.get(payload_type, "")


def _common_formats(section: MediaSection) -> tuple[str, ...]:
    """The payload types of the answer; none if the section is rejected."""
    if section.kind != "audio" or not section.port:
        return ()
    for payload_type in section.formats:
        codec = _codec(section, payload_type)
        if codec.lower() in CODECS:
            event = f"telephone-event/{codec.split('/')[1]}"
            events = [other for other in section.formats if _codec(section, other).lower() == event]
            return (payload_type, *events[:1])
    return ()


def _media_lines(offered: MediaSection, common: tuple[str, ...], credentials: tuple[str, str]) -> list[str]:
    formats = common or offered.formats
    lines = [
        f"m={offered.kind} {9 if common else 0} {offered.protocol} {' '.join(formats)}",
        "c=IN IP4 0.0.0.0",
        f"a=ice-ufrag:{credentials[0]}",
        f"a=ice-pwd:{credentials[1]}",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        f"a=setup:{'passive' if offered.setup == 'active' else 'active'}",
        f"a={MIRRORED[offered.direction] if common else 'inactive'}",
    ]
    if offered.mid is not None:
        lines.append(f"a=mid:{offered.mid}")
    if offered.rtcp_mux:
        lines.append("a=rtcp-mux")
    lines += [f"a=rtpmap:{number} {codec}" for number in formats if (codec := _codec(offered, number))]
    return lines
