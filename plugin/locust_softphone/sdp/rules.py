"""The rules of offer and answer, as a browser applies them.

    m-sections    as many as offered, in their order     RFC 3264 6, RFC 5888 9.1
    protocol      with DTLS; the answer's is the offer's RFC 8827 6.5, RFC 8829 5.3.1
    formats       all mapped; a codec is shared          RFC 3551 6, RFC 3264 6.1
    BUNDLE        part of an offered group; rtcp-mux     RFC 9143 7.3 and 9.3
    transport     ICE credentials, fingerprint, role     RFC 8839 5.4, RFC 8122 5, RFC 8842 5.3

Of a rejected section (port 0), only position and kind are checked. A comment marks each rule that follows libwebrtc
rather than an RFC.
"""

from __future__ import annotations

import re
from functools import lru_cache

from locust_softphone.sdp.description import MediaSection, SdpError, SessionDescription

__all__ = ["check_answer", "check_offer"]

# RFC 8839 5.4 does not allow "-", "=", "#" and "_". libwebrtc does, because old implementations send them.
UFRAG = re.compile(r"[A-Za-z0-9+/=#_-]{4,256}")
PWD = re.compile(r"[A-Za-z0-9+/=#_-]{22,256}")
FINGERPRINT = re.compile(r"(\S+) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)")
HASH_BYTES = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}  # RFC 8122 5, but MD2 and MD5
ROLES_ANSWERING = {  # offered setup: the roles an answer may take, RFC 8842 5.3
    "actpass": frozenset({"active", "passive"}),
    "active": frozenset({"passive"}),
    "passive": frozenset({"active"}),
}
PLAIN_RTP = frozenset({"RTP/AVP", "RTP/AVPF"})
NOT_CODECS = ("telephone-event/", "cn/", "red/", "rtx/", "ulpfec/", "flexfec-03/")  # they only accompany a codec


def check_offer(offer: SessionDescription) -> None:
    """Check that a WebRTC endpoint can answer the offer.

    Raises:
        SdpError: it cannot. The message says which rule the offer breaks.
    """
    if not offer.media:
        raise SdpError("the offer has no m-section")
    bundled = [mid for bundle in offer.bundles for mid in bundle]
    if len(bundled) > len(set(bundled)):
        raise SdpError("the offer bundles a mid twice")
    if not {section.mid for section in offer.media}.issuperset(bundled):
        raise SdpError("the offer bundles a mid that it does not have")
    for section in offer.media:
        if section.port or section.bundle_only:
            _check_offered(section, offer)


def _check_offered(section: MediaSection, offer: SessionDescription) -> None:
    """Check one m-section of an offer."""
    # A browser accepts these profiles if the offer has a fingerprint (RFC 8829 5.1.2). This is stricter: RFC 8827 6.5.
    if section.protocol in PLAIN_RTP:
        raise SdpError("the offer has a protocol without DTLS, which WebRTC forbids")
    if section.is_rtp:
        _encodings(section, "offer")
        if not section.rtcp_mux and any(section.mid in bundle for bundle in offer.bundles):
            raise SdpError("the offer bundles an m-section without rtcp-mux")
    _check_transport(_transport_of(section, offer), "offer")
    if (section.setup or "actpass") not in ROLES_ANSWERING:
        raise SdpError("the offer's setup role is not actpass, active or passive")


def check_answer(offer: SessionDescription, answer: SessionDescription) -> None:
    """Check that the answer is a valid answer to the offer.

    Raises:
        SdpError: it is not. The message says which rule the answer breaks.
    """
    if len(answer.media) != len(offer.media):
        raise SdpError("the answer has another number of m-sections than the offer")
    if None in [section.mid for section in answer.media]:
        answer = _with_mids(offer, answer)
    accepted = False
    for offered, answered in zip(offer.media, answer.media, strict=True):
        if answered.kind != offered.kind:
            raise SdpError("the answer's m-sections are not in the order of the offer")
        if answered.mid != offered.mid and offered.mid is not None:
            raise SdpError("an m-section of the answer has another mid than the offer's")
        if answered.port:
            accepted = True
            _check_accepted(offered, answered, answer)
    if not accepted:
        raise SdpError("the answer rejects every m-section")
    if len(answer.media) > 1 or answer.bundles != offer.bundles:
        _check_bundles(offer, answer)


def _with_mids(offer: SessionDescription, answer: SessionDescription) -> SessionDescription:
    """The answer with the mids of the offer in sections without a mid: they match by position (RFC 3264 6)."""
    pairs = zip(offer.media, answer.media, strict=True)
    media = tuple(answered._replace(mid=answered.mid or offered.mid) for offered, answered in pairs)
    return answer._replace(media=media)


def _check_bundles(offer: SessionDescription, answer: SessionDescription) -> None:
    """Check that each BUNDLE group is part of an offered group of its own (RFC 9143 7.3)."""
    rejected = {section.mid for section in answer.media if not section.port}
    unanswered = list(offer.bundles)
    for bundle in answer.bundles:
        offered = next((group for group in unanswered if set(group).issuperset(bundle)), None)
        if offered is None:
            raise SdpError("the answer bundles mids that the offer does not bundle")
        unanswered.remove(offered)
        # The RFC allows no rejected section in a group. libwebrtc refuses only one that has the group's transport.
        if bundle[0] in rejected and not rejected.issuperset(bundle):
            raise SdpError("the answer rejects the first m-section of a BUNDLE group")


def _transport_of(section: MediaSection, description: SessionDescription) -> MediaSection:
    """The section whose ICE credentials, fingerprint and setup apply: the first of a BUNDLE group (RFC 9143 7.1.3)."""
    if len(description.media) > 1:
        for bundle in description.bundles:
            if section.mid in bundle:
                return next((other for other in description.media if other.mid == bundle[0]), section)
    return section


def _check_accepted(offered: MediaSection, answered: MediaSection, answer: SessionDescription) -> None:
    """Check one m-section that the answer accepts."""
    if answered.protocol != offered.protocol:
        raise SdpError("an accepted m-section has another protocol than the offer's")
    if answered.is_rtp:
        # Encodings are compared, because an answer may use other payload types (RFC 3264 6.1).
        codecs = [encoding for encoding in _encodings(answered, "answer") if not encoding.startswith(NOT_CODECS)]
        if set(codecs).isdisjoint(offered.encodings):
            raise SdpError("an accepted m-section has no codec of the offer")
    elif set(answered.formats).isdisjoint(offered.formats):
        raise SdpError("an accepted m-section has no format of the offer")
    # Without BUNDLE, RFC 5761 5.1.1 allows this. libwebrtc does not: its policy is "require" (RFC 8829 4.1.1).
    if offered.rtcp_mux and not answered.rtcp_mux:
        raise SdpError("an accepted m-section has no rtcp-mux")
    transport = _transport_of(answered, answer)
    _check_transport(transport, "answer")
    if transport.setup not in ROLES_ANSWERING.get(offered.setup or "actpass", ()):
        raise SdpError("the answer's setup role does not fit the offer's")


def _encodings(section: MediaSection, name: str) -> tuple[str, ...]:
    """The encodings of an RTP section; every payload type must have one."""
    encodings = section.encodings
    if "" in encodings:
        raise SdpError(f"the {name} has a dynamic payload type without a=rtpmap")
    return encodings


def _check_transport(section: MediaSection, name: str) -> None:
    """Check ICE credentials and fingerprint."""
    if not UFRAG.fullmatch(section.ice_ufrag or "") or not PWD.fullmatch(section.ice_pwd or ""):
        raise SdpError(f"the ICE credentials of the {name} are missing, too short, too long or have invalid characters")
    if not section.fingerprint:
        raise SdpError(f"the {name} has no fingerprint")
    if not _is_fingerprint(section.fingerprint):
        raise SdpError(f"the fingerprint of the {name} is not a known hash function and a digest of its length")


@lru_cache(maxsize=64)  # an edge usually has one certificate
def _is_fingerprint(value: str) -> bool:
    match = FINGERPRINT.fullmatch(value)
    return match is not None and HASH_BYTES.get(match[1].lower()) == match[2].count(":") + 1
