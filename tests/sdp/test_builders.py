"""Our offers and answers. tests/interop shows that other implementations accept them."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.sdp import (
    MediaSection,
    SdpError,
    SessionDescription,
    check_answer,
    check_offer,
    make_answer,
    make_offer,
    parse,
)
from tests.sdp.texts import CHROME_OFFER, OUR_OFFER, changed


def test_an_offer_has_audio_and_a_transport() -> None:
    offer = parse(OUR_OFFER)
    (audio,) = offer.media
    assert (audio.kind, audio.protocol, audio.formats) == ("audio", "UDP/TLS/RTP/SAVPF", ("111", "0", "8"))
    assert audio.codecs == {"111": "opus/48000/2", "0": "PCMU/8000", "8": "PCMA/8000"}
    assert (audio.mid, audio.direction, audio.setup, audio.rtcp_mux) == ("0", "sendrecv", "actpass", True)
    assert re.fullmatch(r"[A-Za-z0-9+/]{4,256}", audio.ice_ufrag or "")
    assert re.fullmatch(r"[A-Za-z0-9+/]{22,256}", audio.ice_pwd or "")
    assert re.fullmatch(r"sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}", audio.fingerprint or "")
    assert offer.bundles == (("0",),)


@pytest.mark.parametrize("text", [OUR_OFFER, make_answer(parse(OUR_OFFER), random.Random(1))])
def test_lines_end_with_crlf(text: str) -> None:
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize("line", ["o=-", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=ssrc:"])
def test_identifiers_differ_in_each_offer(line: str) -> None:
    rng = random.Random(1)
    values = {re.search(f"^{line}.*", make_offer(rng), re.MULTILINE)[0] for _ in range(200)}  # type: ignore[index]
    assert len(values) == 200


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_session_id_fits_63_bits(rng: random.Random) -> None:
    assert int(parse(make_offer(rng)).origin.split()[1]) < 2**63  # RFC 8829 5.2.1


def answered(offer: str) -> SessionDescription:
    """Our answer, after checking that it is a valid answer to the offer."""
    answer = parse(make_answer(parse(offer), random.Random(2)))
    check_answer(parse(offer), answer)
    return answer


def audio(offer: str) -> MediaSection:
    return answered(offer).media[0]


def test_the_answer_to_our_own_offer() -> None:
    section = audio(OUR_OFFER)
    assert (section.formats, section.codecs) == (("111",), {"111": "opus/48000/2"})
    assert (section.mid, section.rtcp_mux, answered(OUR_OFFER).bundles) == ("0", True, (("0",),))


def test_video_is_rejected_and_left_out_of_the_bundle() -> None:
    answer = answered(CHROME_OFFER)
    assert [(section.kind, section.mid, bool(section.port)) for section in answer.media] == [
        ("audio", "0", True),
        ("video", "1", False),
    ]
    assert answer.bundles == (("0",),)
    assert answer.media[1].direction == "inactive"


def test_two_bundle_groups_stay_two() -> None:  # RFC 9143 7.3
    first, second = OUR_OFFER, OUR_OFFER.partition("m=audio")[2].replace("a=mid:0", "a=mid:1")
    offer = changed(first, ("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 1")) + f"m=audio{second}"
    assert answered(offer).bundles == (("0",), ("1",))


def test_a_bundle_only_section_with_port_0_is_accepted() -> None:  # RFC 9143 7.3.2
    second = OUR_OFFER.partition("m=audio 9")[2].replace("a=mid:0", "a=mid:1\r\na=bundle-only")
    answer = answered(changed(OUR_OFFER, ("BUNDLE 0", "BUNDLE 0 1")) + f"m=audio 0{second}")
    assert [bool(section.port) for section in answer.media] == [True, True]
    assert answer.bundles == (("0", "1"),)


@pytest.mark.parametrize(
    ("offered", "formats"),
    [
        ("111 63 9 0 8 13 110 126", ("111", "110")),  # opus, and telephone-event of its clock rate
        ("63 9 0 8 13 110 126", ("0", "126")),  # PCMU, and telephone-event of its own
        ("9 8 13 110", ("8",)),  # none of its clock rate
    ],
)
def test_the_first_common_codec_is_chosen(offered: str, formats: tuple[str, ...]) -> None:
    assert audio(changed(CHROME_OFFER, ("111 63 9 0 8 13 110 126", offered))).formats == formats


@pytest.mark.parametrize("pcmu", ["PCMU/8000", "pcmu/8000", "PCMU/8000/1"])  # RFC 8866 6.6
def test_an_encoding_is_answered_as_it_was_offered(pcmu: str) -> None:
    section = audio(changed(OUR_OFFER, ("SAVPF 111 0 8", "SAVPF 0"), ("PCMU/8000", pcmu)))
    assert section.codecs == {"0": pcmu}


def test_static_payload_types_need_no_rtpmap() -> None:
    section = audio(changed(OUR_OFFER, ("111 0 8", "8"), ("a=rtpmap:8 PCMA/8000\r\n", "")))
    assert (section.formats, section.codecs) == (("8",), {"8": "PCMA/8000"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("SAVPF 111 0 8", "SAVPF 9"), "no audio with opus, PCMU or PCMA"),
        (("m=audio 9 ", "m=audio 0 "), "no audio with opus, PCMU or PCMA"),  # offered as rejected
        (("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 UDP/TLS/MRTP"), "no audio with opus, PCMU or PCMA"),
        (("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "protocol without DTLS"),  # RFC 8827 6.5
    ],
)
def test_an_offer_without_acceptable_audio_is_refused(change: tuple[str, str], reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        make_answer(parse(changed(OUR_OFFER, change)), random.Random(2))


@pytest.mark.parametrize(
    ("offered", "answer"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_direction_is_mirrored(offered: str, answer: str) -> None:
    assert audio(changed(OUR_OFFER, ("a=sendrecv", f"a={offered}"))).direction == answer


@pytest.mark.parametrize(("offered", "answer"), [("actpass", "active"), ("active", "passive"), ("passive", "active")])
def test_setup_role_is_the_other_one(offered: str, answer: str) -> None:
    assert audio(changed(OUR_OFFER, ("a=setup:actpass", f"a=setup:{offered}"))).setup == answer


@pytest.mark.parametrize(
    "lines", [["a=mid:0", "a=group:BUNDLE 0"], ["a=group:BUNDLE 0"], ["a=rtcp-mux", "a=group:BUNDLE 0"]]
)
def test_an_answer_has_only_lines_that_were_offered(lines: list[str]) -> None:
    answer = make_answer(parse(OUR_OFFER), random.Random(2))
    without = make_answer(parse(changed(OUR_OFFER, *((f"{line}\r\n", "") for line in lines))), random.Random(2))
    for line in lines:
        assert line in answer
        assert line.partition(":")[0] not in without


def test_ice_credentials_are_fresh_in_each_answer() -> None:
    rng = random.Random(2)
    first, second = (parse(make_answer(parse(OUR_OFFER), rng)).media[0] for _ in range(2))
    assert first.ice_ufrag != second.ice_ufrag
    assert first.ice_pwd != second.ice_pwd


def test_the_fingerprint_can_be_given() -> None:
    digest = ":".join(["0F"] * 32)
    assert parse(make_answer(parse(OUR_OFFER), random.Random(2), digest)).media[0].fingerprint == f"sha-256 {digest}"


@settings(deadline=None)
@given(st.lists(st.sampled_from(CHROME_OFFER.split("\r\n")), max_size=40))
def test_every_valid_offer_with_known_audio_gets_a_valid_answer(lines: list[str]) -> None:
    with suppress(SdpError):
        offer = parse("\n".join(["v=0", "o=- 1 1 IN IP4 0", "s=-", "t=0 0", *lines]))
        check_offer(offer)
        answer = parse(make_answer(offer, random.Random(2)))
        try:
            check_answer(offer, answer)
        except SdpError as e:
            raise AssertionError(str(e)) from e
