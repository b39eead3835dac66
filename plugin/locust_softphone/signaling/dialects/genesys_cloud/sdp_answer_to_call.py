"""A softphone's answer to the edge's SDP offer (RFC 3264 6).

    audio          the first codec of the offer that a softphone supports
    anything else  rejected: port 0

No media flows. The ICE credentials are new and well-formed; the fingerprint belongs to no certificate.
"""

from __future__ import annotations

from random import Random

from locust_softphone.sdp import MediaSection, SdpError, SessionDescription, ice_credentials

__all__ = ["make_answer"]

_CODECS = {"opus", "pcmu", "pcma"}
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000"}  # RFC 3551 6
_DIRECTIONS = {"sendonly": "recvonly", "recvonly": "sendonly"}


def make_answer(offer: SessionDescription, fingerprint: str, rng: Random) -> str:
    """An answer to ``offer``.

    Args:
        offer: the parsed offer.
        fingerprint: the softphone's, SHA-256 in upper-case hex with colons.
        rng: makes the ICE credentials.

    Raises:
        SdpError: the offer contains nothing that a softphone can accept.
    """
    ufrag, pwd = ice_credentials(rng)
    transport = (
        f"c=IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=ice-options:trickle\r\n"
        f"a=fingerprint:sha-256 {fingerprint}\r\n"
    )
    accepted: list[str] = []
    media = "".join(_section(section, transport, accepted) for section in offer.media)
    if not media or "a=rtpmap" not in media:
        raise SdpError("the offer has no audio that a softphone supports")
    bundle = [mid for group in offer.bundles for mid in group if mid in accepted]
    group = f"a=group:BUNDLE {' '.join(bundle)}\r\n" if bundle else ""
    return f"v=0\r\no=- {rng.getrandbits(62)} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{group}{media}"


def _section(offered: MediaSection, transport: str, accepted: list[str]) -> str:
    mid = f"a=mid:{offered.mid}\r\n" if offered.mid is not None else ""
    codec = _codec(offered)
    if codec is None:
        return f"m={offered.kind} 0 {offered.protocol} {' '.join(offered.formats)}\r\nc=IN IP4 0.0.0.0\r\n{mid}"
    if offered.mid is not None:
        accepted.append(offered.mid)
    number, encoding = codec
    mux = "a=rtcp-mux\r\n" if offered.rtcp_mux else ""
    return (
        f"m=audio 9 {offered.protocol} {number}\r\n{transport}"
        f"a=setup:{'passive' if offered.setup == 'active' else 'active'}\r\n{mid}"
        f"a={_DIRECTIONS.get(offered.direction, offered.direction)}\r\n{mux}a=rtpmap:{number} {encoding}\r\n"
    )


def _codec(offered: MediaSection) -> tuple[str, str] | None:
    """The payload type of the answer and its encoding; None if the section must be rejected."""
    if offered.kind == "audio" and offered.port:
        for number in offered.formats:
            encoding = offered.codecs.get(number) or _STATIC.get(number, "")
            if encoding.partition("/")[0].lower() in _CODECS:
                return number, encoding
    return None
