"""Offers and answers, exchanged with libwebrtc (@roamhq/wrtc 0.10) and werift 0.24.

``npm ci`` in this directory installs both. They gather candidates on every interface, but send nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from locust_softphone.sdp import SdpError, check_answer, check_offer, make_answer, make_offer, parse
from tests.interop.webrtc.peers import LIBWEBRTC, WERIFT, Peer, PeerError
from tests.sdp.answers import ACCEPTED, REFUSED, Answer
from tests.sdp.texts import CHROME_OFFER, OUR_OFFER, changed

SECOND_AUDIO = changed("m=audio" + OUR_OFFER.partition("m=audio")[2], ("a=mid:0", "a=mid:1"), ("audio0", "audio1"))


@pytest.fixture(scope="module")
def libwebrtc() -> Iterator[Peer]:
    with Peer(LIBWEBRTC) as started:
        yield started


@pytest.fixture(scope="module", params=[LIBWEBRTC, WERIFT])
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    with Peer(request.param) as started:
        yield started


@pytest.mark.parametrize("seed", range(5))
def test_its_answer_to_our_offer_is_accepted(peer: Peer, seed: int) -> None:
    offer = make_offer(random.Random(seed))
    check_answer(parse(offer), parse(peer.answer(offer)))


def test_its_answer_to_chromes_offer_is_accepted(peer: Peer) -> None:
    check_answer(parse(CHROME_OFFER), parse(peer.answer(CHROME_OFFER)))


@pytest.mark.parametrize(
    "media", [("audio",), ("audio", "audio"), ("audio", "video"), ("audio", "data"), ("video", "data", "audio")]
)
def test_it_accepts_our_answer_to_its_offer(peer: Peer, media: tuple[str, ...]) -> None:
    offer = parse(peer.offer(*media))
    answer = make_answer(offer, random.Random(1))
    peer.accept(answer)
    check_answer(offer, parse(answer))
    accepted = [section.kind for section in parse(answer).media if section.port]
    assert accepted == [kind for kind in media if kind == "audio"]


@pytest.mark.parametrize("policy", ["max-bundle", "max-compat", "balanced"])
def test_libwebrtc_accepts_our_answer_with_each_bundle_policy(libwebrtc: Peer, policy: str) -> None:
    offer = libwebrtc.offer("audio", "audio", "video", bundlePolicy=policy)
    libwebrtc.accept(make_answer(parse(offer), random.Random(1)))


def test_libwebrtc_answers_two_bundle_groups_with_two_and_so_do_we(libwebrtc: Peer) -> None:  # RFC 9143 7.3
    offer = changed(OUR_OFFER, ("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 1")) + SECOND_AUDIO
    theirs = parse(libwebrtc.answer(offer))
    check_answer(parse(offer), theirs)
    assert theirs.bundles == parse(make_answer(parse(offer), random.Random(1))).bundles == (("0",), ("1",))


@pytest.mark.parametrize("answer", [*ACCEPTED, *REFUSED])
def test_libwebrtc_decides_on_an_answer_as_we_do(libwebrtc: Peer, answer: Answer) -> None:
    """The table marks the answers on which an RFC and libwebrtc differ."""
    offer = parse(libwebrtc.offer("audio"))
    ours = theirs = "accepts"
    try:
        check_answer(offer, parse(answer.sdp))
    except SdpError:
        ours = "refuses"
    try:
        libwebrtc.accept(answer.sdp)
    except PeerError:
        theirs = "refuses"
    assert theirs == (answer.libwebrtc or ours)


@pytest.mark.parametrize(
    "changes",
    [
        [("a=fingerprint", "a=thumbprint")],
        [("sha-256", "sha-257")],
        [("a=ice-ufrag", "a=ufrag")],
        [("a=rtcp-mux\r\n", "")],
        [("a=setup:actpass", "a=setup:holdconn")],
        [("a=rtpmap:111 opus/48000/2\r\n", "")],
        [("BUNDLE 0", "BUNDLE 0 7")],
        [("a=group:BUNDLE 0", "a=group:BUNDLE 0\r\na=group:BUNDLE 0")],
    ],
)
def test_libwebrtc_refuses_the_offers_that_we_refuse(libwebrtc: Peer, changes: list[tuple[str, str]]) -> None:
    offer = changed(OUR_OFFER, *changes)
    with pytest.raises(SdpError):
        check_offer(parse(offer))
    with pytest.raises(PeerError):
        libwebrtc.answer(offer)


@pytest.mark.parametrize(
    "changes",
    [
        [("a=mid:0\r\n", ""), ("a=group:BUNDLE 0\r\n", "")],
        [("PCMU/8000", "PCMU/8000/1")],
        [("a=setup:actpass\r\n", "")],
        [("a=setup:actpass", "a=setup:passive")],
    ],
)
def test_libwebrtc_answers_the_offers_that_we_answer(libwebrtc: Peer, changes: list[tuple[str, str]]) -> None:
    offer = changed(OUR_OFFER, *changes)
    libwebrtc.answer(offer)
    make_answer(parse(offer), random.Random(1))
