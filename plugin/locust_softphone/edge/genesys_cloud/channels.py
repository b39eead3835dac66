"""Streaming channels: what a user opens a WebSocket on.

    POST notifications/channels      a new one; one more than allowed removes the least recently used, and of those the
                                     unconnected ones first
    upgrade /stream/channels/{id}    one socket each: a second one disconnects the first
    24 h after the POST              gone

Sources: genesys_cloud/policy.py, where the numbers are.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Generic, TypeVar

from locust_softphone.edge.http_request import Caller

__all__ = ["Channel", "Channels"]

Socket = TypeVar("Socket")


@dataclass(eq=False)
class Channel(Generic[Socket]):
    """One channel of one user; ``until`` is when it expires, ``socket`` what is connected to it."""

    id: str
    owner: Caller
    until: float
    socket: Socket | None = None


class Channels(Generic[Socket]):
    """All channels. ``now`` is in seconds of a clock that only goes forward.

    Args:
        per_user: how many each user may have.
        expires_s: how long one lives.
    """

    def __init__(self, per_user: int, expires_s: float) -> None:
        self._per_user = per_user
        self._expires_s = expires_s
        self._by_id: dict[str, Channel[Socket]] = {}
        self._by_owner: dict[Caller, dict[str, Channel[Socket]]] = {}  # the least recently used first

    def create(self, owner: Caller, now: float) -> tuple[Channel[Socket], Channel[Socket] | None]:
        """A new channel, and the one that had to go for it."""
        theirs = self._by_owner.get(owner, {})
        for expired in [channel for channel in theirs.values() if channel.until <= now]:
            self._remove(expired)
        evicted = None
        if len(theirs) >= self._per_user:
            evicted = next(
                (channel for channel in theirs.values() if channel.socket is None), next(iter(theirs.values()))
            )
            self._remove(evicted)
        channel = Channel[Socket](f"streaming-{secrets.token_hex(16)}", owner, now + self._expires_s)
        self._by_id[channel.id] = channel
        self._by_owner.setdefault(owner, {})[channel.id] = channel
        return channel, evicted

    def get(self, channel_id: str, now: float) -> Channel[Socket] | None:
        """The channel of this id, unless it has expired."""
        channel = self._by_id.get(channel_id)
        if channel is not None and channel.until <= now:
            self._remove(channel)
            return None
        return channel

    def connect(self, channel: Channel[Socket], socket: Socket) -> Socket | None:
        """Put this socket on the channel; returns the one that it replaces."""
        replaced, channel.socket = channel.socket, socket
        self._used(channel)
        return replaced

    def disconnect(self, channel: Channel[Socket], socket: Socket) -> None:
        """The socket is gone."""
        if channel.socket is socket:
            channel.socket = None
            self._used(channel)

    def _used(self, channel: Channel[Socket]) -> None:
        theirs = self._by_owner.get(channel.owner, {})
        if channel.id in theirs:
            theirs[channel.id] = theirs.pop(channel.id)

    def _remove(self, channel: Channel[Socket]) -> None:
        del self._by_id[channel.id]
        theirs = self._by_owner[channel.owner]
        del theirs[channel.id]
        if not theirs:
            del self._by_owner[channel.owner]
