"""Offers and answers exchanged with aiortc.

aiortc gathers candidates on every interface when a local description is set, but sends nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from locust_softphone.sdp import check_answer, make_answer, make_offer, parse

CHROME_OFFER = (Path(__file__).parent.parent / "golden" / "chrome-offer.sdp").read_text()


@asynccontextmanager
async def peer_connection() -> AsyncIterator[RTCPeerConnection]:
    """A peer connection without STUN servers, closed at the end."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield peer
    finally:
        await peer.close()


async def aiortc_answer(offer: str) -> str:
    async with peer_connection() as peer:
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        answer = await peer.createAnswer()
        return str(answer.sdp)


async def aiortc_accepts_our_answer(*kinds: str) -> None:
    """Check that aiortc accepts our answer to its offer of these media."""
    async with peer_connection() as peer:
        for kind in kinds:
            if kind == "data":
                peer.createDataChannel("chat")
            else:
                peer.addTransceiver(kind)
        await peer.setLocalDescription(await peer.createOffer())
        offer = parse(peer.localDescription.sdp)
        answer = make_answer(offer, random.Random(1))
        check_answer(offer, parse(answer))
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert peer.signalingState == "stable"
        assert [bool(section.port) for section in parse(answer).media] == [
            section.kind == "audio" for section in offer.media
        ]


@pytest.mark.parametrize("seed", range(5))
def test_aiortc_answers_our_offer_and_we_accept_it(seed: int) -> None:
    offer = make_offer(random.Random(seed))
    check_answer(parse(offer), parse(asyncio.run(aiortc_answer(offer))))


def test_we_accept_what_aiortc_answers_to_chrome() -> None:
    check_answer(parse(CHROME_OFFER), parse(asyncio.run(aiortc_answer(CHROME_OFFER))))


@pytest.mark.parametrize("kinds", [("audio",), ("audio", "audio"), ("audio", "video"), ("audio", "data")])
def test_aiortc_accepts_our_answer_to_its_offer(kinds: tuple[str, ...]) -> None:
    asyncio.run(aiortc_accepts_our_answer(*kinds))


@pytest.mark.parametrize("seed", range(5))
def test_aiortc_accepts_our_answer_to_our_offer(seed: int) -> None:
    async def scenario() -> None:
        rng = random.Random(seed)
        offer = make_offer(rng)
        async with peer_connection() as peer:
            peer.addTransceiver("audio")
            await peer.createOffer()
            await peer.setLocalDescription(RTCSessionDescription(offer, "offer"))  # ours in place of its own
            await peer.setRemoteDescription(RTCSessionDescription(make_answer(parse(offer), rng), "answer"))
            assert peer.signalingState == "stable"

    asyncio.run(scenario())
