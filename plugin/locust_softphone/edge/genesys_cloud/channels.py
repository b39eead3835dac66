"""Streaming channels: a user opens a WebSocket on each.

    POST notifications/channels      creates one; one more than allowed evicts the least recently used, unconnected
                                     ones first
    upgrade /stream/channels/{id}    one socket per channel: a second one disconnects the first
    24 h after the POST              the channel expires

Sources: config/genesys_cloud_policy.py, with the numbers.
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
    """One channel of one user; ``until`` is when it expires, ``socket`` the WebSocket connected to it."""

    id: str
    owner: Caller
    until: float
    socket: Socket | None = None


class Channels(Generic[Socket]):
    """All channels. ``now`` is in seconds of a monotonic clock.

    Args:
        per_user: how many channels each user may have.
        expires_s: the lifetime of a channel, in seconds.
    """

    def __init__(self, per_user: int, expires_s: float) -> None:
        self._per_user = per_user
        self._expires_s = expires_s
        self._by_id: dict[str, Channel[Socket]] = {}
        self._by_owner: dict[Caller, dict[str, Channel[Socket]]] = {}  # the least recently used first

    def create(self, owner: Caller, now: float) -> tuple[Channel[Socket], Channel[Socket] | None]:
        """A new channel, and the one that was evicted for it."""
        own = self._by_owner.get(owner, {})
        for expired in [channel for channel in own.values() if channel.until <= now]:
            self._remove(expired)
        evicted = None
        if len(own) >= self._per_user:
            evicted = next((channel for channel in own.values() if channel.socket is None), next(iter(own.values())))
            self._remove(evicted)
        channel = Channel[Socket](f"streaming-{secrets.token_hex(16)}", owner, now + self._expires_s)
        self._by_id[channel.id] = channel
        self._by_owner.setdefault(owner, {})[channel.id] = channel
        return channel, evicted

    def get(self, channel_id: str, now: float) -> Channel[Socket] | None:
        """The channel with this id, unless it has expired."""
        channel = self._by_id.get(channel_id)
        if channel is not None and channel.until <= now:
            self._remove(channel)
            return None
        return channel

    def connect(self, channel: Channel[Socket], socket: Socket) -> Socket | None:
        """Connect this socket to the channel; returns the one that it replaces."""
        replaced, channel.socket = channel.socket, socket
        self._used(channel)
        return replaced

    def disconnect(self, channel: Channel[Socket], socket: Socket) -> None:
        """Note that the socket has disconnected."""
        if channel.socket is socket:
            channel.socket = None
            self._used(channel)

    def _used(self, channel: Channel[Socket]) -> None:
        own = self._by_owner.get(channel.owner, {})
        if channel.id in own:
            own[channel.id] = own.pop(channel.id)

    def _remove(self, channel: Channel[Socket]) -> None:
        del self._by_id[channel.id]
        own = self._by_owner[channel.owner]
        del own[channel.id]
        if not own:
            del self._by_owner[channel.owner]
