"""Valid and invalid answers to an offer of one audio section; tests/interop/webrtc gives them to libwebrtc, too.

Each is aiortc's answer with some parts replaced. ``libwebrtc`` says what libwebrtc does where it decides differently.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.sdp.texts import AIORTC_ANSWER, changed

__all__ = ["ACCEPTED", "REFUSED", "Answer"]

FINGERPRINT = AIORTC_ANSWER.partition("a=fingerprint:")[2].partition("\r\n")[0]
DIGEST = FINGERPRINT.partition(" ")[2]
UFRAG, PWD = "0sUO", "NUsXf1kM45gM08U65Ijlh7"
FORMATS = "SAVPF 111 0 8\r\n"


class Answer(NamedTuple):
    """One answer; ``reason`` is a part of the expected error message, or the rule that allows the answer."""

    reason: str
    changes: tuple[tuple[str, str], ...]
    libwebrtc: str = ""

    @property
    def sdp(self) -> str:
        return changed(AIORTC_ANSWER, *self.changes)


def row(reason: str, *changes: tuple[str, str], libwebrtc: str = "") -> Answer:
    return Answer(reason, changes, libwebrtc)


def digest(size: int) -> str:
    """A digest of this number of bytes."""
    return ":".join(["0F"] * size)


ACCEPTED = [
    row("nothing is changed"),
    # FreeSWITCH and older Asterisk
    row("RFC 3264 6: m-sections match by position", ("a=mid:0\r\n", "")),
    row("RFC 3264 6: m-sections match by position", ("a=mid:0\r\n", ""), ("a=group:BUNDLE 0\r\n", "")),
    row("as without a=mid", ("a=mid:0\r\n", "a=mid:\r\n")),
    row("RFC 9143 7.3: an answerer may leave the group", ("a=group:BUNDLE 0\r\n", "")),
    row("RFC 8866 5.14: a number of ports", ("m=audio 9 ", "m=audio 9/1 "), libwebrtc="refuses"),
    row("RFC 8866 5.3: a blank name", ("s=-", "s= ")),
    row("RFC 3264 6.1: SHOULD be the same number", (FORMATS, "SAVPF 96\r\n"), ("rtpmap:111", "rtpmap:96")),
    row("RFC 8866 6.6: one channel", (FORMATS, "SAVPF 0\r\n"), ("PCMU/8000", "PCMU/8000/1")),
    row("RFC 3551 6: static", (FORMATS, "SAVPF 0\r\n"), ("a=rtpmap:0 PCMU/8000\r\n", "")),
    row("RFC 8866 6.6: no case", ("opus/48000/2", "OPUS/48000/2")),
    row("RFC 3264 6.1: more than offered", (FORMATS, "SAVPF 97 111\r\na=rtpmap:97 speex/8000\r\n")),
    row("RFC 3264 6.1: more than offered", (FORMATS, "SAVPF 111 101\r\na=rtpmap:101 telephone-event/8000\r\n")),
    row("a trailing blank", ("v=0", "v=0 ")),
    row("a trailing blank", ("a=rtcp-mux", "a=rtcp-mux ")),
    row("a trailing blank", ("PCMA/8000", "PCMA/8000 ")),
    row("a trailing blank", (FORMATS, "SAVPF 111 0 8 \r\n"), libwebrtc="refuses"),
    row("a trailing blank", ("a=setup:active", "a=setup:active "), libwebrtc="refuses"),
    row("RFC 8839 5.4: up to 256", (f"ufrag:{UFRAG}", f"ufrag:{'a' * 256}"), (f"pwd:{PWD}", f"pwd:{'a' * 256}")),
    row("libwebrtc takes it, though RFC 8839 5.4 does not", (f"ufrag:{UFRAG}", "ufrag:a-b=c#d_")),
    row("RFC 8122 5: hash functions have no case", ("sha-256", "SHA-256")),
    row("as libwebrtc", (DIGEST, DIGEST.lower())),
    row("RFC 8122 5", (FINGERPRINT, f"sha-1 {digest(20)}")),
    row("RFC 8122 5", (FINGERPRINT, f"sha-224 {digest(28)}")),
    row("RFC 8122 5", (FINGERPRINT, f"sha-384 {digest(48)}")),
    row("RFC 8122 5", (FINGERPRINT, f"sha-512 {digest(64)}")),
]

REFUSED = [
    # Lines: RFC 8866 5
    row("no o= line with six fields", ("o=- 4004404696 ", "o=- ")),
    row("no o= line with six fields", ("0.0.0.0\r\ns=", "0.0.0.0 0\r\ns=")),
    row("not of the form type=value", ("s=-", "s=")),  # 5.3: MUST NOT be empty
    row("not of the form type=value", ("c=IN IP4 0.0.0.0", "c=")),
    row("out of order", ("t=0 0\r\na=group:BUNDLE 0", "a=group:BUNDLE 0\r\nt=0 0")),
    row("a type that RFC 8866 does not allow", ("t=0 0", "t=0 0\r\nx=1")),
    row("a type that RFC 8866 does not allow", ("a=mid:0", "a=mid:0\r\nx=1"), libwebrtc="accepts"),
    row("attribute of the SDP has no name", ("t=0 0", "t=0 0\r\na=")),
    row("attribute of the SDP has no name", ("a=mid:0", "a=mid:0\r\na=")),
    # m-sections: RFC 3264 6
    row("not in the order of the offer", ("m=audio 9 ", "m=video 9 ")),
    row("rejects every m-section", ("m=audio 9 ", "m=audio 0 "), libwebrtc="accepts"),  # legal, but not a call
    row("another number of m-sections", ("active\r\n", "active\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n")),
    row("another mid", ("a=mid:0", "a=mid:1")),
    # Protocol: RFC 8829 5.3.1
    row("another protocol", ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"), libwebrtc="accepts"),
    row("another protocol", ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), libwebrtc="accepts"),
    row("another protocol", ("UDP/TLS/RTP/SAVPF", "RTP/AVP"), libwebrtc="accepts"),
    row("another protocol", ("UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savpf")),
    row("another protocol", ("UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP")),
    # Formats: RFC 3551 6, RFC 3264 6.1
    row("dynamic payload type without a=rtpmap", (FORMATS, "SAVPF 96\r\n")),
    row("dynamic payload type without a=rtpmap", (FORMATS, "SAVPF 111 96\r\n"), libwebrtc="accepts"),
    row("dynamic payload type without a=rtpmap", (FORMATS, "SAVPF 111\r\n"), ("a=rtpmap:111 opus/48000/2\r\n", "")),
    row("not a number below 128", (FORMATS, "SAVPF 111 opus\r\n")),
    row("no codec of the offer", (FORMATS, "SAVPF 18\r\n")),
    row("no codec of the offer", (FORMATS, "SAVPF 96\r\na=rtpmap:96 opus/48000\r\n")),  # RFC 7587 7: two channels
    row("no codec of the offer", (FORMATS, "SAVPF 96\r\na=rtpmap:96 opus/16000/2\r\n")),
    row("no codec of the offer", (FORMATS, "SAVPF 96\r\na=rtpmap:96 speex/8000\r\n")),
    row("no codec of the offer", (FORMATS, "SAVPF 126\r\na=rtpmap:126 telephone-event/8000\r\n")),
    row("no encoding name", ("PCMU/8000", "PCMU/fast")),
    row("no encoding name", ("0 PCMU/8000", "0  PCMU/8000")),
    # BUNDLE: RFC 9143 7.3 and 9.3
    row("bundles mids that the offer does not bundle", ("BUNDLE 0", "BUNDLE 0 1")),
    row("bundles mids that the offer does not bundle", ("a=msid-semantic:WMS *", "a=group:BUNDLE 0")),
    row("no rtcp-mux", ("a=rtcp-mux\r\n", "")),
    row("no rtcp-mux", ("a=rtcp-mux\r\n", ""), ("a=group:BUNDLE 0\r\n", "")),
    # Setup role: RFC 8842 5.3
    row("setup role", ("a=setup:active", "a=setup:actpass")),  # an offer's, not an answer's
    row("setup role", ("a=setup:active", "a=setup:holdconn")),
    row("setup role", ("a=setup:active\r\n", ""), libwebrtc="accepts"),
    # ICE credentials: RFC 8839 5.4
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0sU")),
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0s UO")),
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}", f"a=ice-ufrag:{UFRAG} ")),
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0sUÖ")),
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}", f"a=ice-ufrag:{'a' * 257}")),
    row("ICE credentials", (f"a=ice-ufrag:{UFRAG}\r\n", "")),
    row("ICE credentials", (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{PWD[1:]}")),
    row("ICE credentials", (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{PWD} {PWD}")),
    row("ICE credentials", (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{'a' * 257}")),
    row("ICE credentials", (f"a=ice-pwd:{PWD}\r\n", "")),
    # Fingerprint: RFC 8122 5
    row("no fingerprint", ("a=fingerprint:", "a=thumbprint:")),
    row("no fingerprint", (f"a=fingerprint:{FINGERPRINT}", "a=fingerprint")),
    row("not a known hash function", (FINGERPRINT, "sha-256")),
    row("not a known hash function", (FINGERPRINT, "sha-256 ")),
    row("not a known hash function", (DIGEST, digest(31))),
    row("not a known hash function", (DIGEST, digest(33))),
    row("not a known hash function", (DIGEST, DIGEST.replace(":", ""))),
    row("not a known hash function", (DIGEST, DIGEST.replace("7C", "7G"))),
    row("not a known hash function", (DIGEST, f"{DIGEST} {DIGEST}")),
    row("not a known hash function", ("sha-256", "sha-1")),
    row("not a known hash function", ("sha-256", "sha-257")),
    row("not a known hash function", (FINGERPRINT, f"md5 {digest(16)}")),
]
