"""Just enough SDP to make a softphone's offer, to read an answer, and to tell whether it answers the offer.

    session     v= o= s= t=  a=group:BUNDLE 0          RFC 8866 5, RFC 9143
    m-section   m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8    one per medium, in the order of the offer
                a=mid a=setup a=ice-ufrag a=ice-pwd a=fingerprint a=rtcp-mux a=rtpmap …

No media flows: ICE credentials, fingerprint and SSRC are well-formed and fresh in each offer, and belong to nobody.
"""

from __future__ import annotations

import random
from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

__all__ = ["MediaSection", "SdpError", "SessionDescription", "check_answer", "ice_credentials", "make_offer", "parse"]

MAX_CHARACTERS = 64 * 1024
MIN_UFRAG, MIN_PWD = 4, 22  # ice-chars, RFC 8839 5.4
DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
ROLES_ANSWERING = {  # offered setup: the roles an answer may take, RFC 8842 5.3
    "actpass": frozenset({"active", "passive"}),
    "active": frozenset({"passive"}),
    "passive": frozenset({"active"}),
}

# Janus, aiortc and libwebrtc all accept it. They differ in which line they refuse to do without, so every line stays.
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


class SdpError(ValueError):
    """Not a session description, or not an answer to the offer: one stable sentence, without ids."""


class MediaSection(NamedTuple):
    """One m-section, with the session's ICE, fingerprint and setup where it has none of its own.

    Args:
        port: 0 means rejected (RFC 3264 6).
        formats: payload types in order of preference.
        codecs: payload type to encoding, as ``a=rtpmap`` maps it: ``{"111": "opus/48000/2"}``.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    codecs: Mapping[str, str]
    mid: str | None
    direction: str
    setup: str | None
    ice_ufrag: str | None
    ice_pwd: str | None
    fingerprint: str | None
    rtcp_mux: bool


class SessionDescription(NamedTuple):
    """A parsed offer or answer. ``bundles`` holds the mids of each BUNDLE group."""

    origin: str
    media: tuple[MediaSection, ...]
    bundles: tuple[tuple[str, ...], ...]


def ice_credentials(rng: random.Random) -> tuple[str, str]:
    """A fresh ufrag of 24 random bits and pwd of 144: base64 is the alphabet of ice-char (RFC 8839 5.4)."""
    text = b2a_base64(rng.getrandbits(168).to_bytes(21, "big"), newline=False).decode()
    return text[:4], text[4:]


def make_offer(rng: random.Random) -> str:
    """A softphone's audio offer, with its own session id, ICE credentials, fingerprint and SSRC."""
    ufrag, pwd = ice_credentials(rng)
    return OFFER.format(
        session_id=rng.getrandbits(62),
        ufrag=ufrag,
        pwd=pwd,
        fingerprint=rng.getrandbits(256).to_bytes(32, "big").hex(":").upper(),
        ssrc=rng.getrandbits(32),
    )


def parse(text: str) -> SessionDescription:
    """Read a session description; lines may end in LF alone.

    Raises:
        SdpError: it is none, or longer than 64 KB.
    """
    if len(text) > MAX_CHARACTERS:
        raise SdpError("the SDP is longer than 64 KB")
    session, *sections = text.replace("\r\n", "\n").rstrip("\n").split("\nm=")
    version, *lines = session.split("\n")
    if version != "v=0":
        raise SdpError("the SDP does not begin with v=0")
    if [line[:2] for line in lines[:2]] != ["o=", "s="] or "\nt=" not in session:
        raise SdpError("the SDP lacks one of its o=, s= and t= lines, or has them out of order")
    shared, groups, _ = _read_attributes(lines)
    media = [_media_section(section.split("\n"), shared) for section in sections]
    bundles = [tuple(group.split()[1:]) for group in groups if group.split()[:1] == ["BUNDLE"]]
    return SessionDescription(lines[0][2:], tuple(media), tuple(bundles))


def _read_attributes(lines: list[str]) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """The attributes of one section: the single ones by name, the groups, and the codecs by payload type."""
    single: dict[str, str] = {}
    groups: list[str] = []
    codecs: dict[str, str] = {}
    for line in lines:
        if line[1:2] != "=":
            raise SdpError("a line of the SDP is not of the form type=value")
        if line[0] != "a":
            continue
        name, _, value = line[2:].partition(":")
        if name == "rtpmap":
            payload_type, _, encoding = value.partition(" ")
            if "/" not in encoding:
                raise SdpError("an a=rtpmap names no encoding and clock rate")
            codecs[payload_type] = encoding
        elif name == "group":
            groups.append(value)
        elif name in DIRECTIONS:
            single["direction"] = name
        else:
            single[name] = value
    return single, groups, codecs


def _media_section(lines: list[str], shared: Mapping[str, str]) -> MediaSection:
    """Read one m-section; session-level attributes apply where it has none of its own (RFC 8866 5.13)."""
    kind, port, protocol, formats = _read_media(lines[0])
    own, _, codecs = _read_attributes(lines[1:])
    mine = {**shared, **own}
    return MediaSection(
        kind=kind,
        port=port,
        protocol=protocol,
        formats=formats,
        codecs=codecs,
        mid=own.get("mid"),
        direction=mine.get("direction", "sendrecv"),
        setup=mine.get("setup"),
        ice_ufrag=mine.get("ice-ufrag"),
        ice_pwd=mine.get("ice-pwd"),
        fingerprint=mine.get("fingerprint"),
        rtcp_mux="rtcp-mux" in own,
    )


@lru_cache(maxsize=64)  # an edge's answers have few different ones
def _read_media(line: str) -> tuple[str, int, str, tuple[str, ...]]:
    """Kind, port, protocol and formats of an m= line."""
    kind, *rest = line.split(" ")
    if len(rest) < 3 or not all((kind, *rest)):
        raise SdpError("an m= line is not of the form kind port protocol formats")
    port, protocol, *formats = rest
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) < 65536):
        raise SdpError("the port of an m= line is not a number below 65536")
    return kind, int(port), protocol, tuple(formats)


def check_answer(offer: SessionDescription, answer: SessionDescription) -> None:
    """Check that the answer answers the offer (RFC 3264 6, RFC 8842 5.3, RFC 9143 7.3).

    Raises:
        SdpError: it does not; the message says which rule it breaks.
    """
    if len(answer.media) != len(offer.media):
        raise SdpError("the answer has another number of m-sections than the offer")
    for offered, answered in zip(offer.media, answer.media, strict=True):
        if answered.kind != offered.kind:
            raise SdpError("the answer's m-sections are not in the order of the offer")
        if answered.mid != offered.mid and offered.mid is not None:
            raise SdpError("an m-section of the answer has another mid than the offer's")
    offered_mids = {section.mid for section in offer.media}
    if any(mid not in offered_mids for bundle in answer.bundles for mid in bundle):
        raise SdpError("the answer bundles a mid that the offer does not have")
    accepted = [pair for pair in zip(offer.media, answer.media, strict=True) if pair[1].port]
    if not accepted:
        raise SdpError("the answer rejects every m-section")
    for offered, answered in accepted:
        _check_accepted(offered, answered, _transport_of(answered, answer))


def _transport_of(section: MediaSection, answer: SessionDescription) -> MediaSection:
    """The section with ICE, fingerprint and setup: bundled ones may leave them to the first (RFC 9143 7.1.3)."""
    if section.ice_ufrag is None:
        for bundle in answer.bundles:
            if section.mid in bundle:
                return next((other for other in answer.media if other.mid == bundle[0]), section)
    return section


def _check_accepted(offered: MediaSection, answered: MediaSection, transport: MediaSection) -> None:
    """Check one m-section that the answer does not reject."""
    if not set(answered.formats).intersection(offered.formats):
        raise SdpError("an accepted m-section has no format of the offer")
    if transport.setup not in ROLES_ANSWERING.get(offered.setup or "actpass", ()):
        raise SdpError("the answer's setup role does not fit the offer's")
    if len(transport.ice_ufrag or "") < MIN_UFRAG or len(transport.ice_pwd or "") < MIN_PWD:
        raise SdpError("the answer lacks ICE credentials, or they are too short")
    if not transport.fingerprint:
        raise SdpError("the answer has no fingerprint")
