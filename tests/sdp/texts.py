"""Valid descriptions that the tests modify."""

from __future__ import annotations

import random
from pathlib import Path

from locust_softphone.sdp import make_offer

__all__ = ["AIORTC_ANSWER", "CHROME_OFFER", "OUR_OFFER", "changed"]

GOLDEN = Path(__file__).parents[1] / "golden"
CHROME_OFFER = (GOLDEN / "chrome-offer.sdp").read_text().replace("\n", "\r\n")
AIORTC_ANSWER = (GOLDEN / "aiortc-answer.sdp").read_text().replace("\n", "\r\n")
OUR_OFFER = make_offer(random.Random(1))


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with each old part replaced by the new one; fails if an old part is missing."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text
