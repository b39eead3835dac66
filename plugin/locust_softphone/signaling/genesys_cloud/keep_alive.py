"""When a connection counts as dead, as genesys-cloud-streaming-client 19.4.1 has it. Pure: the clock comes in.

    the edge pings     35 s without any message from it: dead                          server-monitor.js
    the client pings   every 14 s; no answer within 15 s is a miss, the second in a row: dead       ping.js

The edge is asked to ping; where it refuses, the client does.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["Due", "KeepAlive"]

SILENCE_S = 35.0
PING_EVERY_S = 14.0
ANSWER_WITHIN_S = 15.0
MISSES = 2


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
    """

    __slots__ = ("_asked", "_due_s", "_edge_pings", "_misses")

    def __init__(self, now_s: float, *, edge_pings: bool) -> None:
        self._edge_pings = edge_pings
        self._due_s = now_s + (SILENCE_S if edge_pings else PING_EVERY_S)
        self._misses = 0
        self._asked = False

    @property
    def due_s(self) -> float:
        """When to ask again what is due, unless something is heard before."""
        return self._due_s

    def heard(self, now_s: float) -> None:
        """A message has come, whatever it says."""
        if self._edge_pings:
            self._due_s = now_s + SILENCE_S

    def answered(self, now_s: float) -> None:
        """The ping was answered."""
        if self._asked:
            self._asked, self._misses = False, 0
            self._due_s = now_s + PING_EVERY_S

    def due(self, now_s: float) -> Due:
        """What is to be done at this instant; a ping is taken as sent."""
        if now_s < self._due_s:
            return Due.NOTHING
        if self._edge_pings:
            return Due.GIVE_UP
        if self._asked:
            self._asked = False
            self._misses += 1
            if self._misses >= MISSES:
                return Due.GIVE_UP
            self._due_s = now_s + PING_EVERY_S
            return Due.NOTHING
        self._asked = True
        self._due_s = now_s + ANSWER_WITHIN_S
        return Due.PING
