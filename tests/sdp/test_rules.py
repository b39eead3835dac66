"""Rules of offer and answer: each broken one is refused with its reason; other implementations' answers are accepted.

tests/interop/webrtc holds the same answers against libwebrtc.
"""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.sdp import SdpError, SessionDescription, check_answer, check_offer, make_answer, parse
from tests.sdp.test_description import LINES
from tests.sdp.texts import AIORTC_ANSWER, CHROME_OFFER, OUR_OFFER, changed

FINGERPRINT = AIORTC_ANSWER.partition("a=fingerprint:")[2].partition("\r\n")[0]
DIGEST = FINGERPRINT.partition(" ")[2]
BYTE = "7C:"
UFRAG, PWD = "0sUO", "NUsXf1kM45gM08U65Ijlh7"
OTHER_DIGESTS = {"sha-1": 20, "sha-224": 28, "sha-384": 48, "sha-512": 64}
VP8 = "a=rtpmap:96 VP8/90000\r\n"


def digest(size: int) -> str:
    """As many bytes in hex."""
    return ":".join(["0F"] * size)


def test_aiortc_answer_answers_our_offer() -> None:
    check_answer(parse(OUR_OFFER), parse(AIORTC_ANSWER))


@pytest.mark.parametrize(
    "changes",
    [
        [("a=mid:0\r\n", "")],  # FreeSWITCH, older Asterisk; sections match by position, RFC 3264 6
        [("a=mid:0\r\n", ""), ("a=group:BUNDLE 0\r\n", "")],
        [("a=mid:0\r\n", "a=mid:\r\n")],
        [("a=group:BUNDLE 0\r\n", "")],
        [("m=audio 9 ", "m=audio 9/1 ")],  # RFC 8866 5.14
        [("SAVPF 111 0 8", "SAVPF 96"), ("rtpmap:111", "rtpmap:96")],  # another number, RFC 3264 6.1: SHOULD
        [("SAVPF 111 0 8", "SAVPF 0"), ("PCMU/8000", "PCMU/8000/1")],  # RFC 8866 6.6
        [("SAVPF 111 0 8", "SAVPF 0"), ("a=rtpmap:0 PCMU/8000\r\n", "")],  # a static payload type, RFC 3551 6
        [("opus/48000/2", "OPUS/48000/2")],
        [("SAVPF 111 0 8", "SAVPF 97 111"), ("rtpmap:0 PCMU/8000", "rtpmap:97 speex/8000")],  # one more than offered
        [("SAVPF 111 0 8", "SAVPF 111 101"), ("rtpmap:0 PCMU/8000", "rtpmap:101 telephone-event/8000")],
        [("a=rtcp-mux", "a=rtcp-mux ")],
        [(f"ufrag:{UFRAG}", f"ufrag:{'a' * 256}"), (f"pwd:{PWD}", f"pwd:{'a' * 256}")],
        [(f"ufrag:{UFRAG}", "ufrag:a-b=c#d_")],  # not of RFC 8839 5.4, but libwebrtc takes it
        [(DIGEST, DIGEST.lower())],
        [("sha-256", "SHA-256")],  # RFC 8122 5: hash functions have no case
        *([(FINGERPRINT, f"{name} {digest(size)}")] for name, size in OTHER_DIGESTS.items()),
    ],
)
def test_an_answer_may_be_written_like_this(changes: list[tuple[str, str]]) -> None:
    check_answer(parse(OUR_OFFER), parse(changed(AIORTC_ANSWER, *changes)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("m=audio 9 ", "m=video 9 ", "not in the order of the offer"),
        ("m=audio 9 ", "m=audio 0 ", "rejects every m-section"),
        ("a=setup:active\r\n", "a=setup:active\r\nm=audio 9 RTP/AVP 0\r\n", "another number of m-sections"),
        ("a=mid:0", "a=mid:1", "another mid"),
        # Protocol: RFC 8829 5.3.1
        ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "another protocol"),
        ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "another protocol"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "another protocol"),
        ("UDP/TLS/RTP/SAVPF", "udp/tls/rtp/savpf", "another protocol"),
        ("UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP", "another protocol"),
        # Formats: RFC 3551 6, RFC 3264 6.1
        ("SAVPF 111 0 8", "SAVPF 96", "dynamic payload type without a=rtpmap"),
        ("SAVPF 111 0 8", "SAVPF 111 96", "dynamic payload type without a=rtpmap"),
        ("a=rtpmap:111 opus/48000/2\r\n", "", "dynamic payload type without a=rtpmap"),
        ("SAVPF 111 0 8", "SAVPF 9", "no codec of the offer"),
        ("SAVPF 111 0 8\r\n", "SAVPF 96\r\na=rtpmap:96 opus/48000\r\n", "no codec of the offer"),  # RFC 7587 7: two
        ("SAVPF 111 0 8\r\n", "SAVPF 96\r\na=rtpmap:96 opus/16000/2\r\n", "no codec of the offer"),
        ("SAVPF 111 0 8\r\n", "SAVPF 96\r\na=rtpmap:96 speex/8000\r\n", "no codec of the offer"),
        ("SAVPF 111 0 8\r\n", "SAVPF 96\r\na=rtpmap:96 telephone-event/8000\r\n", "no codec of the offer"),
        # BUNDLE: RFC 9143 7.3 and 9.3
        ("BUNDLE 0", "BUNDLE 0 1", "bundles mids that the offer does not bundle"),
        ("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 0", "bundles mids that the offer does not bundle"),
        ("a=rtcp-mux\r\n", "", "no rtcp-mux"),
        # Setup role: RFC 8842 5.3
        ("a=setup:active", "a=setup:actpass", "setup role"),  # an offer's, not an answer's
        ("a=setup:active", "a=setup:holdconn", "setup role"),
        ("a=setup:active\r\n", "", "setup role"),
        # ICE credentials: RFC 8839 5.4
        (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0sU", "ICE credentials"),
        (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0s UO", "ICE credentials"),
        (f"a=ice-ufrag:{UFRAG}", f"a=ice-ufrag:{UFRAG} ", "ICE credentials"),
        (f"a=ice-ufrag:{UFRAG}", "a=ice-ufrag:0sUÖ", "ICE credentials"),
        (f"a=ice-ufrag:{UFRAG}", f"a=ice-ufrag:{'a' * 257}", "ICE credentials"),
        (f"a=ice-ufrag:{UFRAG}\r\n", "", "ICE credentials"),
        (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{PWD[1:]}", "ICE credentials"),
        (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{PWD} {PWD}", "ICE credentials"),
        (f"a=ice-pwd:{PWD}", f"a=ice-pwd:{'a' * 257}", "ICE credentials"),
        (f"a=ice-pwd:{PWD}\r\n", "", "ICE credentials"),
        # Fingerprint: RFC 8122 5
        ("a=fingerprint:", "a=thumbprint:", "no fingerprint"),
        (f"a=fingerprint:{FINGERPRINT}", "a=fingerprint", "no fingerprint"),
        (FINGERPRINT, "sha-256", "fingerprint is not a known hash"),
        (FINGERPRINT, "sha-256 ", "fingerprint is not a known hash"),
        (DIGEST, DIGEST.removeprefix(BYTE), "fingerprint is not a known hash"),
        (DIGEST, BYTE + DIGEST, "fingerprint is not a known hash"),
        (DIGEST, DIGEST.replace(":", ""), "fingerprint is not a known hash"),
        (DIGEST, DIGEST.replace(BYTE, "7G:"), "fingerprint is not a known hash"),
        (DIGEST, f"{DIGEST} {DIGEST}", "fingerprint is not a known hash"),
        ("sha-256", "sha-1", "fingerprint is not a known hash"),
        ("sha-256", "sha-257", "fingerprint is not a known hash"),
        (FINGERPRINT, f"md5 {digest(16)}", "fingerprint is not a known hash"),
    ],
)
def test_a_broken_answer_is_refused(old: str, new: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        check_answer(parse(OUR_OFFER), parse(changed(AIORTC_ANSWER, (old, new))))


@pytest.mark.parametrize("accompanying", ["110", "126", "13", "63"])  # telephone-event twice, comfort noise, RED
def test_what_only_accompanies_a_codec_is_not_one(accompanying: str) -> None:
    offer = changed(CHROME_OFFER, ("BUNDLE 0 1", "BUNDLE 0"))
    answer = changed(make_answer(parse(offer), random.Random(1)), ("SAVPF 111 110", f"SAVPF {accompanying}"))
    mapped = answer.replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2\r\na=rtpmap:126 telephone-event/8000")
    with pytest.raises(SdpError, match="no codec of the offer"):
        check_answer(parse(offer), parse(mapped))


@pytest.mark.parametrize(
    ("offered", "answered", "fits"),
    [
        ("actpass", "active", True),
        ("actpass", "passive", True),
        ("active", "passive", True),
        ("active", "active", False),
        ("passive", "active", True),
        ("passive", "passive", False),
    ],
)
def test_setup_roles(offered: str, answered: str, fits: bool) -> None:
    offer = parse(changed(OUR_OFFER, ("a=setup:actpass", f"a=setup:{offered}")))
    answer = parse(changed(AIORTC_ANSWER, ("a=setup:active", f"a=setup:{answered}")))
    if fits:
        check_answer(offer, answer)
    else:
        with pytest.raises(SdpError, match="setup role"):
            check_answer(offer, answer)


def chrome_answer(video: str, *changes: tuple[str, str]) -> SessionDescription:
    """An answer to Chrome's offer: aiortc's for audio, with this second m-section."""
    return parse(changed(AIORTC_ANSWER, ("BUNDLE 0", "BUNDLE 0 1"), *changes) + video)


def test_a_rejected_section_needs_nothing_but_its_place() -> None:
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"))
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 0 RTP/AVP 19\r\n", ("BUNDLE 0 1", "BUNDLE 0")))


@pytest.mark.parametrize("mids", ["", "a=mid:1\r\n"])
def test_a_bundled_section_may_leave_its_transport_to_the_first(mids: str) -> None:
    video = f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n{VP8}{mids}"
    check_answer(parse(CHROME_OFFER), chrome_answer(video))
    with pytest.raises(SdpError, match="ICE credentials"):
        check_answer(parse(CHROME_OFFER), chrome_answer(video, ("BUNDLE 0 1", "BUNDLE 0")))


@pytest.mark.parametrize(
    ("groups", "reason"),  # RFC 9143 7.3
    [
        ("BUNDLE 0 1", None),
        ("BUNDLE 1 0", None),
        ("BUNDLE 0", None),
        ("BUNDLE 0\r\na=group:BUNDLE 1", "bundles mids that the offer does not bundle"),  # one answered for one offered
        ("BUNDLE 0 1\r\na=group:BUNDLE 1", "bundles mids that the offer does not bundle"),
    ],
)
def test_bundle_groups_of_an_answer(groups: str, reason: str | None) -> None:
    offer = parse(CHROME_OFFER)
    audio = AIORTC_ANSWER.partition("m=audio")[2]
    video = changed(audio, ("a=mid:0", "a=mid:1"), (" 9 UDP/TLS/RTP/SAVPF 111 0 8", "m=video 9 UDP/TLS/RTP/SAVPF 96"))
    answer = changed(AIORTC_ANSWER, ("BUNDLE 0", groups)) + video + VP8
    if reason is None:
        check_answer(offer, parse(answer))
    else:
        with pytest.raises(SdpError, match=reason):
            check_answer(offer, parse(answer))


def test_the_first_section_of_a_bundle_group_is_not_rejected() -> None:
    answer = changed(AIORTC_ANSWER, ("m=audio 9", "m=audio 0"), ("BUNDLE 0", "BUNDLE 0 1"))
    video = f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n{VP8}a=mid:1\r\n"
    with pytest.raises(SdpError, match="rejects the first m-section of a BUNDLE group"):
        check_answer(parse(CHROME_OFFER), parse(answer + video))


def test_offers_of_browsers_can_be_answered() -> None:
    check_offer(parse(CHROME_OFFER))
    check_offer(parse(OUR_OFFER))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([("UDP/TLS/RTP/SAVPF", "RTP/AVP")], "RTP without DTLS"),  # RFC 8827 6.5
        ([("UDP/TLS/RTP/SAVPF", "RTP/AVPF")], "RTP without DTLS"),
        ([("a=fingerprint", "a=thumbprint")], "the offer has no fingerprint"),
        ([("sha-256", "sha-1")], "the offer's fingerprint"),
        ([("a=ice-ufrag", "a=ufrag")], "the offer lacks ICE credentials"),
        ([("a=rtcp-mux\r\n", "")], "bundles an m-section without rtcp-mux"),  # RFC 9143 9.3
        ([("a=setup:actpass", "a=setup:holdconn")], "setup role"),
        ([("a=rtpmap:111 opus/48000/2\r\n", "")], "dynamic payload type without a=rtpmap"),
        ([("BUNDLE 0", "BUNDLE 0 7")], "bundles a mid that it does not have"),
        ([("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 0")], "bundles a mid twice"),
    ],
)
def test_an_offer_that_no_webrtc_endpoint_can_answer(changes: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        check_offer(parse(changed(OUR_OFFER, *changes)))


def test_an_offer_has_an_m_section() -> None:
    with pytest.raises(SdpError, match="the offer has no m-section"):
        check_offer(parse("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0"))


@settings(deadline=None)
@given(st.lists(LINES, max_size=30), st.integers(0, 40), st.integers(0, 40))
def test_checking_raises_nothing_but_sdp_error(lines: list[str], start: int, end: int) -> None:
    known = CHROME_OFFER.split("\r\n")
    with suppress(SdpError):
        description = parse("\n".join(known[:start] + lines + known[end:]))
        with suppress(SdpError):
            check_offer(description)
        check_answer(parse(CHROME_OFFER), description)
