"""When a connection counts as dead, as genesys-cloud-streaming-client 19.4.1 has it. Pure: the clock comes in.

    the edge pings     35 s without any message from it: dead                          server-monitor.js
    the client pings   every 14 s; no answer within 15 s, or an error, is a miss, the second in a row: dead   ping.js

The edge is asked to ping; where it refuses, the client does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Due", "Intervals", "KeepAlive"]


@dataclass(frozen=True)
class Intervals:
    """Those of the real client, unless somebody has less time: so many seconds, and so many misses in a row."""

    silence_s: float = 35.0
    ping_every_s: float = 14.0
    answer_within_s: float = 15.0
    misses: int = 2


class Due(Enum):
    """What is to be done now."""

    NOTHING = "nothing"
    PING = "ping"
    GIVE_UP = "give up"


class KeepAlive:
    """The watch over one connection. Instants are in the caller's clock, in seconds.

    Args:
        now_s: when it begins.
        edge_pings: whether the edge has agreed to ping.
        intervals: how long it waits for what.
    """

    __slots__ = ("_asked", "_due_s", "_edge_pings", "_intervals", "_misses")

    def __init__(self, now_s: float, *, edge_pings: bool, intervals: Intervals) -> None:
        self._edge_pings = edge_pings
        self._intervals = intervals
        self._due_s = now_s + (intervals.silence_s if edge_pings else intervals.ping_every_s)
        self._misses = 0
        self._asked = False

    @property
    def due_s(self) -> float:
        """When to ask again what is due, unless something is heard before."""
        return self._due_s

    def heard(self, now_s: float) -> None:
        """A message has come, whatever it says."""
        if self._edge_pings:
            self._due_s = now_s + self._intervals.silence_s

    def answered(self, now_s: float, *, well: bool) -> None:
        """The ping was answered; an error is no answer to the real client, whatever XEP-0199 4.2 says."""
        if not self._asked:
            return
        if well:
            self._misses, self._due_s = 0, now_s + self._intervals.ping_every_s
        else:
            self._missed(now_s)
        self._asked = False

    def due(self, now_s: float) -> Due:
        """What is to be done at this instant; a ping is taken as sent."""
        if now_s < self._due_s:
            return Due.NOTHING
        if self._asked:
            self._asked = False
            self._missed(now_s)
            if now_s < self._due_s:
                return Due.NOTHING
        if self._edge_pings or self._misses >= self._intervals.misses:
            return Due.GIVE_UP
        self._asked = True
        self._due_s = now_s + self._intervals.answer_within_s
        return Due.PING

    def _missed(self, now_s: float) -> None:
        self._misses += 1
        self._due_s = now_s + (self._intervals.ping_every_s if self._misses < self._intervals.misses else 0.0)
