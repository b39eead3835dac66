"""What a dialect is made from, and the parts of it that the profile has for the dialect alone."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from locust_softphone.signaling.account import Account

__all__ = ["DialectSetup"]


@dataclass(frozen=True)
class DialectSetup:
    """What a dialect is made from.

    Args:
        account: where the edge is, its addresses looked up, and as whom the softphones log in.
        timeout_s: bounds each attempt.
        user_agent: the User-Agent of requests.
        random: makes ICE credentials and ids.
        settings: what the profile has under the key of the dialect, such as ``wire`` for media-offer; None for nothing.
    """

    account: Account
    timeout_s: float
    user_agent: str
    random: Random
    settings: object = None
