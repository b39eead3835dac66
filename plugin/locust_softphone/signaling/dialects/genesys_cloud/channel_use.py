"""How a softphone of Genesys Cloud uses streaming channels: which requests are left before its next handshake.

A reconnect uses the same channel without a request. It uses a new one after the tenth time, and when the channel was
given up. Until identity and channel have succeeded once, each try makes both again. Both are as in
genesys-cloud-streaming-client 19.4.1, client.js, prepareForConnect.
"""

from __future__ import annotations

__all__ = ["MAX_CHANNEL_REUSES", "ChannelUse"]

MAX_CHANNEL_REUSES = 10


class ChannelUse:
    """The channel of one softphone.

    Args:
        knows_user: whether the softphone knows its user without asking.

    Attributes:
        channel: its id; empty without one.
    """

    __slots__ = ("_knows_user", "_reuses", "channel")

    def __init__(self, *, knows_user: bool) -> None:
        self.channel = ""
        self._knows_user = knows_user
        self._reuses = 0

    def steps_left(self) -> tuple[str, ...]:
        """The steps before the next handshake, in order; each call is for another handshake."""
        if self.channel:
            self._reuses += 1
            if self._reuses < MAX_CHANNEL_REUSES:
                return ()
            self.forget()
        return ("channel",) if self._knows_user else ("identity", "channel")

    def opened(self, channel: str) -> None:
        """The edge has opened a channel; it has told the softphone's user before, if the softphone asked."""
        self.channel, self._reuses, self._knows_user = channel, 0, True

    def forget(self) -> None:
        """Open the next connection on a new channel."""
        self.channel, self._reuses = "", 0
