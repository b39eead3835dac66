"""Descriptions of other implementations are parsed, and malformed ones are refused with a reason."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locust_softphone.sdp import SdpError, parse
from tests.sdp.texts import AIORTC_ANSWER, CHROME_OFFER, changed

SESSION = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 0"


def test_chrome_offer() -> None:
    offer = parse(CHROME_OFFER)
    audio, video = offer.media
    assert offer.bundles == (("0", "1"),)
    assert (audio.mid, audio.direction, audio.setup) == ("0", "sendrecv", "actpass")
    assert audio.codecs["110"] == "telephone-event/48000"
    assert (video.kind, video.mid, video.direction) == ("video", "1", "recvonly")


def test_lf_alone_ends_a_line_too() -> None:
    assert parse(CHROME_OFFER.replace("\r\n", "\n")) == parse(CHROME_OFFER)


def test_trailing_blanks_are_ignored() -> None:
    lines = [line if line.startswith("a=ice-") else f"{line} " for line in AIORTC_ANSWER.split("\r\n")[:-1]]
    assert parse("\r\n".join(lines)) == parse(AIORTC_ANSWER)


def test_a_trailing_blank_in_ice_credentials_is_kept() -> None:
    assert parse(changed(AIORTC_ANSWER, ("ufrag:0sUO", "ufrag:0sUO "))).media[0].ice_ufrag == "0sUO "


@pytest.mark.parametrize("name", ["-", " ", "A call"])  # one blank stands for no name, RFC 8866 5.3
def test_session_names(name: str) -> None:
    assert parse(changed(AIORTC_ANSWER, ("s=-", f"s={name}"))) == parse(AIORTC_ANSWER)


def test_the_session_part_may_have_every_line_of_rfc_8866() -> None:
    lines = "i=a\nu=b\ne=c\np=d\nc=IN IP4 0.0.0.0\nb=AS:1\nt=0 0\nr=1 1 0\nz=0 0\nt=1 1\nk=prompt\na=x"
    assert parse(f"v=0\no=- 1 1 IN IP4 0\ns=-\n{lines}\n{AUDIO}").media[0].kind == "audio"


def test_lines_of_a_media_section_may_have_any_order() -> None:  # as libwebrtc reads them
    assert parse(f"{SESSION}\n{AUDIO}\na=mid:0\nb=AS:1\nc=IN IP4 0\na=setup:active").media[0].setup == "active"


@pytest.mark.parametrize(("port", "number"), [("9", 9), ("9/1", 9), ("49170/2", 49170), ("0", 0), ("65535", 65535)])
def test_ports(port: str, number: int) -> None:  # RFC 8866 5.14
    assert parse(f"{SESSION}\nm=audio {port} UDP/TLS/RTP/SAVPF 0").media[0].port == number


def test_session_attributes_apply_to_sections_without_their_own() -> None:
    description = parse(
        f"{SESSION}\na=ice-ufrag:sess\na=setup:passive\n"
        "m=audio 9 RTP/AVP 0\r\na=ice-ufrag:mine\r\nm=audio 9 RTP/AVP 8\r\n"
    )
    assert [section.ice_ufrag for section in description.media] == ["mine", "sess"]
    assert [section.setup for section in description.media] == ["passive", "passive"]


def test_every_bundle_group_is_read_and_other_groups_are_not() -> None:
    groups = "a=group:BUNDLE 0 1\na=group:LS 0 2\na=group:BUNDLE 2\na=group:BUNDLE\na=group:"
    assert parse(f"{SESSION}\n{groups}").bundles == (("0", "1"), ("2",))


def test_what_differs_between_two_descriptions_of_one_kind_is_read_from_each() -> None:
    """Sections that are alike but for these lines are read once."""
    lines = "a=ice-ufrag:{0}fr1\na=ice-pwd:{0}\na=candidate:{0} 1 udp 1 192.0.2.1 9 typ host\na=fingerprint:sha-256 {0}"
    for value in ("first", "second"):
        section = parse(f"{SESSION}\n{AUDIO}\n{lines.format(value)}\na=mid:0").media[0]
        assert (section.ice_ufrag, section.ice_pwd) == (f"{value}fr1", value)
        assert (section.fingerprint, section.mid) == (f"sha-256 {value}", "0")
    assert parse(f"{SESSION}\n{AUDIO}\na=mid:0").media[0].ice_ufrag is None
    in_common = parse(f"{SESSION}\na=ice-ufrag:shared\n{AUDIO}\na=mid:0").media[0]
    assert in_common.ice_ufrag == "shared"


@pytest.mark.parametrize(
    ("rtpmap", "payload_type", "encoding"),
    [
        ("a=rtpmap:96 OPUS/48000/2", "96", "opus/48000/2"),  # names have no case, RFC 8866 6.6
        ("a=rtpmap:96 PCMU/8000", "96", "pcmu/8000/1"),  # one channel unless it says another number, 6.6
        ("a=rtpmap:96 PCMU/8000/1", "96", "pcmu/8000/1"),
        ("a=rtpmap:0 opus/48000/2", "0", "opus/48000/2"),
        ("a=mid:0", "0", "pcmu/8000/1"),  # a static one, RFC 3551 6
        ("a=mid:0", "96", ""),
    ],
)
def test_encoding_of_a_payload_type(rtpmap: str, payload_type: str, encoding: str) -> None:
    section = parse(f"{SESSION}\n{AUDIO} 96\n{rtpmap}").media[0]
    assert dict(zip(section.formats, section.encodings, strict=True))[payload_type] == encoding


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with v=0"),
        ("{}", "does not begin with v=0"),
        (SESSION.replace("v=0", "v=1"), "does not begin with v=0"),
        ("v=0\ns=-\nt=0 0", "no o= line with six fields"),
        ("v=0\no=\ns=-\nt=0 0", "no o= line with six fields"),
        ("v=0\no=- 1 1 IN IP4\ns=-\nt=0 0", "no o= line with six fields"),  # RFC 8866 5.2
        ("v=0\no=- 1 1 IN IP4 0 0\ns=-\nt=0 0", "no o= line with six fields"),
        ("v=0\no=-  1 IN IP4 0\ns=-\nt=0 0", "no o= line with six fields"),
        ("v=0\no=- 1 1 IN IP4 0", "not of the form type=value"),
        ("v=0\no=- 1 1 IN IP4 0\ns=-", "lacks its s= or its t= line"),
        ("v=0\no=- 1 1 IN IP4 0\nt=0 0", "lacks its s= or its t= line"),
        ("v=0\no=- 1 1 IN IP4 0\nt=0 0\ns=-", "out of order"),  # RFC 8866 5
        ("v=0\no=- 1 1 IN IP4 0\ns=-\na=x\nt=0 0", "out of order"),
        ("v=0\no=- 1 1 IN IP4 0\ns=\nt=0 0", "not of the form type=value"),  # 5.3: MUST NOT be empty
        ("v=0\no=- 1 1 IN IP4 0\ns=-\nt=", "not of the form type=value"),
        (f"{SESSION}\nnonsense", "not of the form type=value"),
        (f"{SESSION}\n\n{AUDIO}", "not of the form type=value"),
        (f"{SESSION}\n{AUDIO}\nc=", "not of the form type=value"),
        (f"{SESSION}\n{AUDIO}\nc= IN IP4 0", "not of the form type=value"),
        (f"{SESSION}\n{AUDIO}\nc=IN", "not of the form c=IN IP4 address"),  # 5.7
        (f"{SESSION}\n{AUDIO}\nc=in ip4 0.0.0.0", "not of the form c=IN IP4 address"),
        (f"{SESSION}\nx=1", "a type that RFC 8866 does not allow"),  # 5: ignore all of it or reject it
        (f"{SESSION}\n{AUDIO}\nx=1", "a type that RFC 8866 does not allow"),
        (f"{SESSION}\n{AUDIO}\nC=IN IP4 0", "a type that RFC 8866 does not allow"),
        (f"{SESSION}\n{AUDIO}\ns=-", "a type that RFC 8866 does not allow"),
        (f"{SESSION}\na=", "attribute of the SDP has no name"),  # 9: att-field is a token
        (f"{SESSION}\n{AUDIO}\na=", "attribute of the SDP has no name"),
        (f"{SESSION}\n{AUDIO}\na=:1", "attribute of the SDP has no name"),
        (f"{SESSION}\n{AUDIO}\na= mid:0", "attribute of the SDP has no name"),
        (f"{SESSION}\nm=audio 9 RTP/AVP", "not of the form kind port protocol formats"),
        (f"{SESSION}\nm=audio 9  0", "not of the form kind port protocol formats"),
        (f"{SESSION}\nm=audio 65536 RTP/AVP 0", "number below 65536"),
        (f"{SESSION}\nm=audio -1 RTP/AVP 0", "number below 65536"),
        (f"{SESSION}\nm=audio ² RTP/AVP 0", "number below 65536"),  # a digit to str.isdigit
        (f"{SESSION}\nm=audio 9/0 RTP/AVP 0", "number below 65536"),
        (f"{SESSION}\nm=audio 9/ RTP/AVP 0", "number below 65536"),
        (f"{SESSION}\nm=audio 9 RTP/AVP 128", "not a number below 128"),  # seven bits, RFC 3550 5.1
        (f"{SESSION}\nm=audio 9 RTP/AVP opus", "not a number below 128"),
        (f"{SESSION}\n{AUDIO}\na=rtpmap:0", "no encoding name"),
        (f"{SESSION}\n{AUDIO}\na=rtpmap:0 PCMU", "no encoding name"),
        (f"{SESSION}\n{AUDIO}\na=rtpmap:0 /8000", "no encoding name"),
        (f"{SESSION}\n{AUDIO}\na=rtpmap:0 PCMU/fast", "no encoding name"),
        (f"{SESSION}\n{AUDIO}\na=rtpmap:0  PCMU/8000", "no encoding name"),
        ("v=0\r\n" + "a=x\r\n" * 13200, "longer than 64 KB"),
    ],
)
def test_malformed_descriptions_are_refused(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        parse(text)


LINES = st.sampled_from([*CHROME_OFFER.split("\r\n"), "", "a=", "a=:", "m=", "m=a 0 b c", "a=group:", "a=rtpmap:1 /"])


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(LINES | st.text(max_size=20), max_size=40).map("\n".join)))
def test_parsing_raises_nothing_but_sdp_error(text: str) -> None:
    with suppress(SdpError):
        parse(text)
