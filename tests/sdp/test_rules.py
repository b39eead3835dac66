"""The rules of offer and answer: each violation is refused with a reason, and valid variants are accepted.

tests/interop/webrtc gives the same answers to libwebrtc.
"""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.sdp import SdpError, SessionDescription, check_answer, check_offer, make_answer, parse
from tests.sdp.answers import ACCEPTED, REFUSED, Answer
from tests.sdp.test_description import LINES
from tests.sdp.texts import AIORTC_ANSWER, CHROME_OFFER, OUR_OFFER, changed

VP8 = "a=rtpmap:96 VP8/90000\r\n"


@pytest.mark.parametrize("answer", ACCEPTED)
def test_an_answer_is_accepted(answer: Answer) -> None:
    check_answer(parse(OUR_OFFER), parse(answer.sdp))


@pytest.mark.parametrize("answer", REFUSED)
def test_a_broken_answer_is_refused(answer: Answer) -> None:
    with pytest.raises(SdpError, match=answer.reason):
        check_answer(parse(OUR_OFFER), parse(answer.sdp))


@pytest.mark.parametrize("accompanying", ["110", "126", "13", "63"])  # telephone-event twice, comfort noise, RED
def test_an_answer_with_only_telephone_event_comfort_noise_or_red_is_refused(accompanying: str) -> None:
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


def test_of_a_rejected_section_only_position_and_kind_are_checked() -> None:
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"))
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 0 RTP/AVP 19\r\n", ("BUNDLE 0 1", "BUNDLE 0")))


@pytest.mark.parametrize("mids", ["", "a=mid:1\r\n"])
def test_a_bundled_section_may_have_no_transport_of_its_own(mids: str) -> None:
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


def test_an_answer_that_rejects_the_first_section_of_a_bundle_group_is_refused() -> None:
    answer = changed(AIORTC_ANSWER, ("m=audio 9", "m=audio 0"), ("BUNDLE 0", "BUNDLE 0 1"))
    video = f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n{VP8}a=mid:1\r\n"
    with pytest.raises(SdpError, match="rejects the first m-section of a BUNDLE group"):
        check_answer(parse(CHROME_OFFER), parse(answer + video))


def test_valid_offers_are_accepted() -> None:
    check_offer(parse(CHROME_OFFER))
    check_offer(parse(OUR_OFFER))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([("UDP/TLS/RTP/SAVPF", "RTP/AVP")], "protocol without DTLS"),  # RFC 8827 6.5
        ([("UDP/TLS/RTP/SAVPF", "RTP/AVPF")], "protocol without DTLS"),
        ([("a=fingerprint", "a=thumbprint")], "the offer has no fingerprint"),
        ([("sha-256", "sha-1")], "not a known hash function"),
        ([("a=ice-ufrag", "a=ufrag")], "ICE credentials of the offer"),
        ([("a=rtcp-mux\r\n", "")], "bundles an m-section without rtcp-mux"),  # RFC 9143 9.3
        ([("a=setup:actpass", "a=setup:holdconn")], "setup role"),
        ([("a=rtpmap:111 opus/48000/2\r\n", "")], "dynamic payload type without a=rtpmap"),
        ([("BUNDLE 0", "BUNDLE 0 7")], "bundles a mid that it does not have"),
        ([("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 0")], "bundles a mid twice"),
    ],
)
def test_an_offer_that_breaks_a_rule_is_refused(changes: list[tuple[str, str]], reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        check_offer(parse(changed(OUR_OFFER, *changes)))


def test_an_offer_without_an_m_section_is_refused() -> None:
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
