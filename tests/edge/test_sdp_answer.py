"""The edge's SDP answers; tests/interop shows that real clients accept them."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.edge.sdp_answer import answer_for
from locust_softphone.sdp import MediaSection, SdpError, SessionDescription, check_answer, make_offer, parse

CHROME_OFFER = (Path(__file__).parent.parent / "golden" / "chrome-offer.sdp").read_text()
OUR_OFFER = make_offer(random.Random(1))


def answered(offer: str) -> SessionDescription:
    return parse(answer_for(parse(offer), random.Random(2)))


def audio(offer: str) -> MediaSection:
    return answered(offer).media[0]


def test_an_offer_of_this_package_gets_a_valid_answer() -> None:
    check_answer(parse(OUR_OFFER), answered(OUR_OFFER))
    section = audio(OUR_OFFER)
    assert (section.formats, section.codecs) == (("111",), {"111": "opus/48000/2"})
    assert (section.mid, section.rtcp_mux, answered(OUR_OFFER).bundles) == ("0", True, (("0",),))


def test_video_is_rejected_and_left_out_of_the_bundle() -> None:
    answer = answered(CHROME_OFFER)
    check_answer(parse(CHROME_OFFER), answer)
    assert [(section.kind, section.mid, bool(section.port)) for section in answer.media] == [
        ("audio", "0", True),
        ("video", "1", False),
    ]
    assert answer.bundles == (("0",),)
    assert answer.media[1].direction == "inactive"


@pytest.mark.parametrize(
    ("offered", "formats"),
    [
        ("111 63 9 0 8 13 110 126", ("111", "110")),  # opus, and telephone-event of the same clock rate
        ("63 9 0 8 13 110 126", ("0", "126")),  # PCMU, and telephone-event of the same clock rate
        ("9 8 13 110", ("8",)),  # no telephone-event of the same clock rate
    ],
)
def test_the_first_common_codec_is_chosen(offered: str, formats: tuple[str, ...]) -> None:
    offer = CHROME_OFFER.replace("111 63 9 0 8 13 110 126", offered)
    assert audio(offer).formats == formats


def test_static_payload_types_need_no_rtpmap() -> None:
    offer = OUR_OFFER.replace("111 0 8", "8").replace("a=rtpmap:8 PCMA/8000\r\n", "")
    assert (audio(offer).formats, audio(offer).codecs) == (("8",), {"8": "PCMA/8000"})


def test_a_section_without_a_common_codec_is_rejected() -> None:
    offer = OUR_OFFER.replace("111 0 8", "9")
    assert audio(offer).port == 0
    with pytest.raises(SdpError, match="rejects every m-section"):
        check_answer(parse(offer), answered(offer))


def test_a_section_offered_with_port_0_stays_rejected() -> None:
    assert audio(OUR_OFFER.replace("m=audio 9 ", "m=audio 0 ")).port == 0


@pytest.mark.parametrize(
    ("offered", "answer"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_the_direction_is_mirrored(offered: str, answer: str) -> None:
    assert audio(OUR_OFFER.replace("a=sendrecv", f"a={offered}")).direction == answer


@pytest.mark.parametrize(("offered", "answer"), [("actpass", "active"), ("active", "passive"), ("passive", "active")])
def test_the_dtls_role_is_the_opposite_one(offered: str, answer: str) -> None:
    assert audio(OUR_OFFER.replace("a=setup:actpass", f"a=setup:{offered}")).setup == answer


@pytest.mark.parametrize("line", ["a=rtcp-mux\r\n", "a=mid:0\r\n", "a=group:BUNDLE 0\r\n"])
def test_what_was_not_offered_is_not_answered(line: str) -> None:
    name = line.partition(":")[0].strip()
    assert name in answer_for(parse(OUR_OFFER), random.Random(2))
    assert name not in answer_for(parse(OUR_OFFER.replace(line, "")), random.Random(2))


def test_ice_credentials_differ_and_the_fingerprint_does_not() -> None:
    rng = random.Random(2)
    first, second = (parse(answer_for(parse(OUR_OFFER), rng)).media[0] for _ in range(2))
    assert first.ice_ufrag != second.ice_ufrag
    assert first.ice_pwd != second.ice_pwd
    assert first.fingerprint == second.fingerprint


@settings(deadline=None)
@given(st.lists(st.sampled_from(CHROME_OFFER.split("\n")), max_size=40))
def test_any_offer_that_can_be_parsed_can_be_answered(lines: list[str]) -> None:
    with suppress(SdpError):
        offer = parse("\n".join(["v=0", "o=- 1 1 IN IP4 0", "s=-", "t=0 0", *lines]))
        assert len(parse(answer_for(offer, random.Random(2))).media) == len(offer.media)
