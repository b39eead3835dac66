"""SDP: texts of other implementations are read as they are meant, and every broken answer is refused for its reason."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.sdp import SdpError, SessionDescription, check_answer, make_offer, parse

GOLDEN = Path(__file__).parent / "golden"
CHROME_OFFER = (GOLDEN / "chrome-offer.sdp").read_text().replace("\n", "\r\n")
AIORTC_ANSWER = (GOLDEN / "aiortc-answer.sdp").read_text().replace("\n", "\r\n")


def test_an_offer_has_what_every_server_asks_for() -> None:
    offer = parse(make_offer(random.Random(1)))
    (audio,) = offer.media
    assert (audio.kind, audio.protocol, audio.formats) == ("audio", "UDP/TLS/RTP/SAVPF", ("111", "0", "8"))
    assert audio.codecs == {"111": "opus/48000/2", "0": "PCMU/8000", "8": "PCMA/8000"}
    assert (audio.mid, audio.direction, audio.setup, audio.rtcp_mux) == ("0", "sendrecv", "actpass", True)
    assert re.fullmatch(r"[A-Za-z0-9+/]{4,256}", audio.ice_ufrag or "")
    assert re.fullmatch(r"[A-Za-z0-9+/]{22,256}", audio.ice_pwd or "")
    assert re.fullmatch(r"sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}", audio.fingerprint or "")
    assert offer.bundles == (("0",),)


def test_an_offer_ends_its_lines_with_crlf() -> None:
    text = make_offer(random.Random(1))
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize("line", ["o=-", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=ssrc:"])
def test_no_two_offers_share_what_identifies_them(line: str) -> None:
    rng = random.Random(1)
    values = {re.search(f"^{line}.*", make_offer(rng), re.MULTILINE)[0] for _ in range(200)}  # type: ignore[index]
    assert len(values) == 200


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_session_id_fits_63_bits(rng: random.Random) -> None:
    assert int(parse(make_offer(rng)).origin.split()[1]) < 2**63  # RFC 8829 5.2.1


def test_chrome_offer() -> None:
    offer = parse(CHROME_OFFER)
    audio, video = offer.media
    assert offer.bundles == (("0", "1"),)
    assert (audio.mid, audio.direction, audio.setup) == ("0", "sendrecv", "actpass")
    assert audio.codecs["110"] == "telephone-event/48000"
    assert (video.kind, video.mid, video.direction) == ("video", "1", "recvonly")


def test_aiortc_answer_answers_our_offer() -> None:
    answer = parse(AIORTC_ANSWER)
    assert answer.media[0].setup == "active"
    check_answer(parse(make_offer(random.Random(1))), answer)


def test_lf_alone_ends_a_line_too() -> None:
    assert parse(CHROME_OFFER.replace("\r\n", "\n")) == parse(CHROME_OFFER)


def test_session_attributes_apply_to_sections_without_their_own() -> None:
    session = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:sess\r\na=setup:passive\r\n"
    description = parse(f"{session}m=audio 9 RTP/AVP 0\r\na=ice-ufrag:mine\r\nm=audio 9 RTP/AVP 8\r\n")
    assert [section.ice_ufrag for section in description.media] == ["mine", "sess"]
    assert [section.setup for section in description.media] == ["passive", "passive"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with v=0"),
        ("{}", "does not begin with v=0"),
        ("v=1\no=- 1 1 IN IP4 0\ns=-\nt=0 0", "does not begin with v=0"),
        ("v=0\ns=-\nt=0 0", "lacks one of its o=, s= and t= lines"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-", "lacks one of its o=, s= and t= lines"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nnonsense", "not of the form type=value"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\n\nm=audio 9 RTP/AVP 0", "not of the form type=value"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio 9 RTP/AVP", "not of the form kind port protocol formats"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio 9  0", "not of the form kind port protocol formats"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio 65536 RTP/AVP 0", "number below 65536"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio -1 RTP/AVP 0", "number below 65536"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio ² RTP/AVP 0", "number below 65536"),  # a digit to str.isdigit
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=0 0\nm=audio 9 RTP/AVP 0\na=rtpmap:0", "names no encoding"),
        ("v=0\r\n" + "a=x\r\n" * 13200, "longer than 64 KB"),
    ],
)
def test_what_is_no_session_description(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse(text)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("m=audio 9 ", "m=video 9 ", "not in the order of the offer"),
        ("m=audio 9 ", "m=audio 0 ", "rejects every m-section"),
        ("SAVPF 111 0 8", "SAVPF 96 97", "no format of the offer"),
        ("a=mid:0", "a=mid:1", "another mid"),
        ("a=mid:0\r\n", "", "another mid"),
        ("BUNDLE 0", "BUNDLE 0 1", "bundles a mid that the offer does not have"),
        ("a=setup:active", "a=setup:actpass", "setup role"),  # an offer's, not an answer's
        ("a=setup:active", "a=setup:holdconn", "setup role"),
        ("a=setup:active\r\n", "", "setup role"),
        ("a=ice-ufrag:0sUO", "a=ice-ufrag:0sU", "ICE credentials"),
        ("a=ice-ufrag:0sUO\r\n", "", "ICE credentials"),
        ("a=ice-pwd:NUsXf1kM45gM08U65Ijlh7", "a=ice-pwd:NUsXf1kM45gM08U65Ijlh", "ICE credentials"),
        ("a=ice-pwd:NUsXf1kM45gM08U65Ijlh7\r\n", "", "ICE credentials"),
        ("a=fingerprint:", "a=thumbprint:", "no fingerprint"),
        ("a=setup:active\r\n", "a=setup:active\r\nm=audio 9 RTP/AVP 0\r\n", "another number of m-sections"),
    ],
)
def test_a_broken_answer_is_refused(old: str, new: str, reason: str) -> None:
    assert old in AIORTC_ANSWER
    with pytest.raises(SdpError, match=reason):
        check_answer(parse(make_offer(random.Random(1))), parse(AIORTC_ANSWER.replace(old, new)))


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
    offer = parse(make_offer(random.Random(1)).replace("a=setup:actpass", f"a=setup:{offered}"))
    answer = parse(AIORTC_ANSWER.replace("a=setup:active", f"a=setup:{answered}"))
    if fits:
        check_answer(offer, answer)
    else:
        with pytest.raises(SdpError, match="setup role"):
            check_answer(offer, answer)


def chrome_answer(video: str) -> SessionDescription:
    """An answer to Chrome's offer: aiortc's for audio, with this second m-section."""
    return parse(AIORTC_ANSWER.replace("BUNDLE 0", "BUNDLE 0 1") + video)


def test_a_rejected_section_needs_nothing_but_its_place() -> None:
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"))


def test_a_bundled_section_may_leave_its_transport_to_the_first() -> None:
    check_answer(parse(CHROME_OFFER), chrome_answer("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"))


LINES = st.sampled_from([*CHROME_OFFER.split("\r\n"), "", "a=", "a=:", "m=", "m=a 0 b c", "a=group:", "a=rtpmap:1 /"])


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(LINES | st.text(max_size=20), max_size=40).map("\n".join)))
def test_parsing_raises_nothing_but_sdp_error(text: str) -> None:
    with suppress(SdpError):
        parse(text)


@settings(deadline=None)
@given(st.lists(LINES, max_size=30), st.integers(0, 40), st.integers(0, 40))
def test_checking_raises_nothing_but_sdp_error(lines: list[str], start: int, end: int) -> None:
    known = CHROME_OFFER.split("\r\n")
    with suppress(SdpError):
        check_answer(parse(CHROME_OFFER), parse("\n".join(known[:start] + lines + known[end:])))
