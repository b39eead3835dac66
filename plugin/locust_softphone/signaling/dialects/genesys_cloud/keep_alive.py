"""When a connection counts as dead, as genesys-cloud-streaming-client 19.4.1 decides it.

    the edge pings     dead after 35 s without any message from it                     server-monitor.js
    the client pings   every 14 s; no answer within 15 s, or an error, is a miss; dead after two in a row    ping.js

The client asks the edge to ping; where the edge refuses, the client pings. There is no I/O here, and the clock is an
argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Due", "Intervals", "KeepAlive"]


@dataclass(frozen=True)
class Intervals:
    """The intervals of the real client, in seconds; tests use shorter ones."""

    silence_s: float = 35.0
    ping_every_s: float = 14.0
    answer_within_s: float = 15.0
    misses: int = 2


class Due(Enum):
    """What to do now."""

    NOTHING = auto()
    PING = auto()
    GIVE_UP = auto()


class KeepAlive:
    """Monitors one connection. Instants are in seconds, by the caller's clock.

    Args:
        now_s: when monitoring begins.
        edge_pings: whether the edge has agreed to ping.
        intervals: how long to wait.
    """

    __slots__ = ("_due_s", "_edge_pings", "_intervals", "_misses", "_ping_sent")

    def __init__(self, now_s: float, *, edge_pings: bool, intervals: Intervals) -> None:
        self._edge_pings = edge_pings
        self._intervals = intervals
        self._due_s = now_s + (intervals.silence_s if edge_pings else intervals.ping_every_s)
        self._misses = 0
        self._ping_sent = False

    @property
    def due_s(self) -> float:
        """When to call ``due`` next, unless a message comes before."""
        return self._due_s

    def heard(self, now_s: float) -> None:
        """A message has come."""
        if self._edge_pings:
            self._due_s = now_s + self._intervals.silence_s

    def answered(self, now_s: float, *, ok: bool) -> None:
        """The ping was answered. The real client counts an error as a miss, unlike XEP-0199 4.2."""
        if not self._ping_sent:
            return
        if ok:
            self._misses, self._due_s = 0, now_s + self._intervals.ping_every_s
        else:
            self._missed(now_s)
        self._ping_sent = False

    def due(self, now_s: float) -> Due:
        """What to do at this instant; ``PING`` counts as sent."""
        if now_s < self._due_s:
            return Due.NOTHING
        if self._ping_sent:
            self._ping_sent = False
            self._missed(now_s)
            if now_s < self._due_s:
                return Due.NOTHING
        if self._edge_pings or self._misses >= self._intervals.misses:
            return Due.GIVE_UP
        self._ping_sent = True
        self._due_s = now_s + self._intervals.answer_within_s
        return Due.PING

    def _missed(self, now_s: float) -> None:
        self._misses += 1
        self._due_s = now_s + (self._intervals.ping_every_s if self._misses < self._intervals.misses else 0.0)
